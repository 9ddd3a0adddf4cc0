namespace Autodiff

/// The derivatives of scalar and vector fields that vector calculus names, in Cartesian coordinates. A field is a function
/// of one point; for many points, map it: `vmap (laplacian f)`.
[<AutoOpen>]
module VectorCalculus =
    /// The sum of the second derivatives of f in each element of x, for each element of f x: the trace of the Hessian,
    /// without the Hessian. Of the shape of f x.
    ///
    /// All second directional derivatives are carried through f at once, by Taylor mode, with memory for all.
    let laplacian (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        let second (direction: Tensor) =
            let struct (_, derivatives) = Jet.run (fun xs -> [| f xs[0] |]) [| x |] [| [| direction |]; [| null |] |]
            derivatives[1][0]
        columns second 0 x
