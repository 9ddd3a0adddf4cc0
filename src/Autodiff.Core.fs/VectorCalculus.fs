namespace Autodiff

/// The derivatives of scalar and vector fields that vector calculus names, in Cartesian coordinates. A field is a function
/// of one point; for many points, map it: `vmap (laplacian f)`.
[<AutoOpen>]
module VectorCalculus =
    /// The sum of the second derivatives of f in each element of x, the trace of the Hessian, for each element of f x; of the
    /// shape of f x. The Hessian is not formed.
    ///
    /// The first derivatives along all axes are carried through f at once, with memory for all, and the sum of the second.
    let laplacian (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        differentiable "laplacian" [| x |]

        if x.Size = 0 then
            Tensor.ZerosLike(f x)
        else
            let struct (y, sum) = Jet.sumOfSeconds f x (basis x)
            if isNull sum then Tensor.ZerosLike y else sum

    /// The Jacobian of a field whose values are like its points.
    let private jacobian operation (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        differentiable operation [| x |]
        let j = jacfwd f x

        if not (Shape.equal j.Shape (Array.append x.Shape x.Shape)) then
            Shape.fail
                operation
                $"the field has values of shape {Shape.format j.Shape[.. j.Rank - x.Rank - 1]} at points of shape {Shape.format x.Shape}; both must have one shape. For many points, map it with vmap."

        reshape [| x.Size; x.Size |] j

    /// The sum of the derivatives of each element of f x in the same element of x, the trace of the Jacobian: a number.
    /// f x must have the shape of x.
    let divergence (f: Tensor -> Tensor) (x: Tensor) : Tensor = Decompositions.trace (jacobian "divergence" f x)

    /// The rotation of a field. In three dimensions the vector
    /// (df2/dx1 - df1/dx2, df0/dx2 - df2/dx0, df1/dx0 - df0/dx1); in two the number df1/dx0 - df0/dx1. x and f x have the
    /// shape (3) or (2).
    let curl (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        if x.Rank <> 1 || x.Size <> 3 && x.Size <> 2 then
            Shape.fail
                "curl"
                $"the point has shape {Shape.format x.Shape}; a curl needs one point of two or three coordinates, of shape (2) or (3). For many points, map it with vmap."

        let j = jacobian "curl" f x
        let rotation = j - swapLast j

        if x.Size = 2 then
            rotation[1, 0]
        else
            concat 0 (Array.map (expandAxis 0) [| rotation[2, 1]; rotation[0, 2]; rotation[1, 0] |])
