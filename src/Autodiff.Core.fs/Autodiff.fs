namespace Autodiff

/// The transformations of functions. Functions take and return trees of tensors: records, tuples, lists, arrays or maps,
/// nested as one likes. All of them nest in each other to any depth.
[<AutoOpen>]
module Transforms =
    let internal differentiable operation (xs: Tensor[]) =
        if not (xs |> Array.exists (fun x -> DTypes.IsFloat x.DType)) then
            let types = xs |> Array.map (fun x -> DTypes.Name x.DType) |> Array.distinct |> String.concat ", "

            Shape.fail
                operation
                (if xs.Length = 0 then
                     "the argument holds no tensors."
                 else
                     $"the argument is {types}, which has no derivatives; convert it to a floating-point type with To.")

    let private orZeros (xs: Tensor[]) (ts: Tensor[]) =
        Array.map2 (fun x t -> if isNull t then Tensor.ZerosLike x else t) xs ts

    /// Cotangents or tangents as a user gives them, checked against what they belong to.
    let private fitting operation what (xs: Tensor[]) (ts: Tensor[]) =
        if xs.Length <> ts.Length then
            Shape.fail operation $"{ts.Length} {what}s were given for {xs.Length} tensors."

        Array.iter2 (Jvp.checkMatch operation what) xs ts
        ts

    /// Runs f on leaves; the reference receives f's own result, whose structure the way back needs.
    let private onLeaves (f: 'a -> 'b) (x: 'a) (result: 'b ref) : Tensor[] -> Tensor[] =
        fun leaves ->
            result.Value <- f (Tree.withLeaves x leaves)
            Tree.leaves result.Value

    /// Forward mode, `jvp : (a -> b) -> a -> T a -> b * T b`: the value of f at x, and its derivative along a tangent.
    let jvp (f: 'a -> 'b) (x: 'a) (tangent: 'a) : 'b * 'b =
        let result = ref Unchecked.defaultof<'b>
        let primals = Tree.leaves x
        differentiable "jvp" primals
        let tangents = Tree.leaves tangent

        if tangents.Length <> primals.Length then
            Shape.fail "jvp" $"{tangents.Length} tangents were given for {primals.Length} tensors."

        let struct (ys, dys) = Jvp.run (onLeaves f x result) primals tangents
        Tree.withLeaves result.Value ys, Tree.withLeaves result.Value dys

    let private record operation (f: 'a -> 'b) (x: 'a) : struct (Tensor[] * Tape * 'b) =
        let result = ref Unchecked.defaultof<'b>
        let primals = Tree.leaves x
        differentiable operation primals
        let tape = Tape.Run (onLeaves f x result) primals
        struct (primals, tape, Tree.withLeaves result.Value tape.Outputs)

    /// Reverse mode, `vjp : (a -> b) -> a -> b * (T b -> T a)`: the value of f at x, and its pullback, which carries a
    /// cotangent of the result back to one of x. The pullback may be called any number of times.
    let vjp (f: 'a -> 'b) (x: 'a) : 'b * ('b -> 'a) =
        let struct (primals, tape, y) = record "vjp" f x

        let pullback (cotangent: 'b) =
            let cts = fitting "vjp" "cotangent" tape.Outputs (Tree.leaves cotangent)
            Tree.withLeaves x (orZeros primals (tape.Pullback cts))

        y, pullback

    /// The value of f at x, and its derivative there as a linear function: f itself is not run again.
    /// `linearize : (a -> b) -> a -> b * (T a -> T b)`.
    let linearize (f: 'a -> 'b) (x: 'a) : 'b * ('a -> 'b) =
        let struct (primals, tape, y) = record "linearize" f x

        let pushforward (tangent: 'a) =
            let ts = fitting "linearize" "tangent" primals (Tree.leaves tangent)
            Tree.withLeaves y (orZeros tape.Outputs (tape.Pushforward ts))

        y, pushforward

    /// The transpose of a linear function, `linearTranspose : (a -> b) -> a -> T b -> T a`: the inner product of f x with y
    /// is that of x with the transpose of y, for all x and y. Of x only the structure, shapes and types count: f is run at
    /// numbers of the transform's own choice. Tensors of x that are not floating-point are constants, and get zeros.
    ///
    /// A function that is found not to be linear there is an error; one that is linear in pieces, such as the absolute
    /// value, is not found, nor one whose values are not known yet, inside another transform.
    let linearTranspose (f: 'a -> 'b) (x: 'a) : 'b -> 'a =
        let somewhere =
            Tree.leaves x
            |> Array.mapi (fun i x ->
                if DTypes.IsFloat x.DType then ((Key 0).FoldIn i).Normal(x.Shape, dtype = x.DType) else x)

        let struct (primals, tape, _) = record "linearTranspose" f (Tree.withLeaves x somewhere)
        let sizeOf (y: Tensor) = (Tensor.SumTo(Tensor.Abs y, Shape.scalar)).ToDouble()

        // A linear function is its own derivative.
        (tape.Outputs, tape.Pushforward primals)
        ||> Array.iter2 (fun y derivative ->
            if y.Level = 0L && DTypes.IsFloat y.DType then
                let difference, size = sizeOf (if isNull derivative then y else y - derivative), sizeOf y

                if difference > size * (if y.DType = DType.Float32 then 1e-3 else 1e-8) then
                    Shape.fail
                        "linearTranspose"
                        $"the function is not linear: its result, of shape {Shape.format y.Shape} and size {size:g3}, differs by {difference:g3} from its derivative. Subtract the value at zero from an affine function; for the derivative of any function at a point use vjp.")

        fun cotangent ->
            let cts = fitting "linearTranspose" "cotangent" tape.Outputs (Tree.leaves cotangent)
            Tree.withLeaves x (orZeros primals (tape.Pullback cts))

    /// The gradient of the first result of a run, which must be one number.
    let private gradientOf (x: 'a) (primals: Tensor[]) (tape: Tape) (y: Tensor) : 'a =
        if isNull y then
            Shape.fail "grad" "the function returned null; a gradient needs one floating-point number."

        if y.Size <> 1 || not (DTypes.IsFloat y.DType) then
            Shape.fail
                "grad"
                $"the function returned {DTypes.Name y.DType} of shape {Shape.format y.Shape}; a gradient needs one floating-point number: sum it, or use jacrev or vjp."

        let cts = Array.zeroCreate tape.Outputs.Length
        cts[0] <- Tensor.BroadcastTo(Tensor.ScalarOf(y, 1.0), y.Shape)
        Tree.withLeaves x (orZeros primals (tape.Pullback cts))

    /// The value of a scalar function, and its gradient.
    let valueAndGrad (f: 'a -> Tensor) (x: 'a) : Tensor * 'a =
        let struct (primals, tape, y) = record "grad" f x
        y, gradientOf x primals tape y

    /// The value of a scalar function and its gradient, with whatever else the function returns, a tree that takes no part
    /// in the gradient: `valueAndGradAux : (a -> scalar * aux) -> a -> (scalar * aux) * T a`.
    let valueAndGradAux (f: 'a -> Tensor * 'aux) (x: 'a) : (Tensor * 'aux) * 'a =
        let struct (primals, tape, (y, aux)) = record "grad" f x
        (y, aux), gradientOf x primals tape y

    /// Taylor mode, `jet : (a -> b) -> a -> T a list -> b * T b list`: the value of f on a curve through x, and the
    /// derivatives of f along it, of as many orders as those of the curve that are given. The series of a curve c with
    /// c 0 = x is [c' 0; c'' 0; ...], and the result is that of t -> f (c t): derivatives, not divided by factorials. For
    /// the derivatives along a straight line the series is a direction and zeros.
    ///
    /// One run of f gives all orders K at a cost that grows as K^2, where nested jvp grows as 2^K. Only loops and branches of
    /// programs (scan, whileLoop, cond), checkpoint and compiled functions are differentiated once for each order, which
    /// doubles their work each time: from order 4 or so on, write a short loop as an ordinary one. A member of the series
    /// has the shapes and types of x; tensors that are not floating-point take no part, and zeros stand for their
    /// derivatives.
    let jet (f: 'a -> 'b) (x: 'a) (series: 'a list) : 'b * 'b list =
        let result = ref Unchecked.defaultof<'b>
        let primals = Tree.leaves x
        differentiable "jet" primals
        let curve = [| for derivative in series -> fitting "jet" "derivative" primals (Tree.leaves derivative) |]
        let struct (ys, rows) = Jet.run (onLeaves f x result) primals curve
        Tree.withLeaves result.Value ys, [ for row in rows -> Tree.withLeaves result.Value (orZeros ys row) ]

    /// The derivatives of orders 0 to n of t -> f (x + t) at 0, for all elements of x moved together:
    /// [f x; f' x; f'' x; ...]. x is a number, or holds many at which a function of each element is wanted. One run of f
    /// gives all of them.
    let derivatives (f: Tensor -> 'b) (x: Tensor) (n: int) : 'b list =
        if n < 0 then
            Shape.fail "derivatives" $"the order {n} is negative."

        differentiable "derivatives" [| x |]
        let result = ref Unchecked.defaultof<'b>
        let one = Tensor.BroadcastTo(Tensor.ScalarOf(x, 1.0), x.Shape)
        let line = Array.init n (fun k -> [| (if k = 0 then one else null) |])
        let struct (ys, rows) = Jet.run (onLeaves f x result) [| x |] line
        [ for row in Array.insertAt 0 ys rows -> Tree.withLeaves result.Value (orZeros ys row) ]

    /// The gradient of a scalar function, `grad : (a -> scalar) -> a -> T a`.
    let grad (f: 'a -> Tensor) (x: 'a) : 'a = snd (valueAndGrad f x)

    /// The product of the Hessian of a scalar function with a vector, without forming the Hessian.
    let hvp (f: 'a -> Tensor) (x: 'a) (v: 'a) : 'a = snd (jvp (grad f) x v)

    /// The values of f for each example along axes of the tensors of x, computed together: each primitive runs once, on
    /// all examples. `inAxes` holds one axis for all tensors or one for each, in the order of `Tree.leaves`; a tensor
    /// with None is the same for all examples. The results lie along `outAxis` of each tensor of the result; one that
    /// does not depend on the example is repeated. Axes may count from the end.
    ///
    /// Inside f a tensor has the shape of one example, and no one value: it cannot be read, so that an `if` on it is an
    /// error (use where). Random numbers drawn from a key inside f are the same for all examples; give each its own key
    /// by drawing outside and passing the numbers in.
    let vmapWith (inAxes: seq<int option>) (outAxis: int) (f: 'a -> 'b) (x: 'a) : 'b =
        let result = ref Unchecked.defaultof<'b>
        let ys = Vmap.run (onLeaves f x result) (Seq.toArray inAxes) outAxis (Tree.leaves x)
        Tree.withLeaves result.Value ys

    /// The values of f for each example along the first axis of every tensor of x, stacked along a first axis:
    /// `vmap : (a -> b) -> a[] -> b[]`, without a loop. Per-example gradients are `vmap (grad loss)`.
    let vmap (f: 'a -> 'b) (x: 'a) : 'b = vmapWith [ Some 0 ] 0 f x

    /// All tensors of the shape of x with a single 1, along a first axis.
    let internal basis (x: Tensor) : Tensor =
        let identity = oneHot x.Size x.DType (Tensor.From(System.ReadOnlySpan [| 0 .. x.Size - 1 |], [| x.Size |]))
        reshape (Array.append [| x.Size |] x.Shape) identity

    /// The results of a linear function for a basis, along an axis.
    let private columns (linear: Tensor -> Tensor) axis (x: Tensor) =
        if x.Size = 1 then
            Structural.expandAxis axis (linear (Tensor.BroadcastTo(Tensor.ScalarOf(x, 1.0), x.Shape)))
        else
            vmapWith [ Some 0 ] axis linear (basis x)

    /// The Jacobian by forward mode, of shape (shape of f x) + (shape of x): one pushforward for all elements of x at
    /// once, with memory for all.
    let jacfwd (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        let y, pushforward = linearize f x
        reshape (Array.append y.Shape x.Shape) (columns pushforward -1 x)

    /// The Jacobian by reverse mode, of shape (shape of f x) + (shape of x): one pullback for all elements of f x at
    /// once, with memory for all.
    let jacrev (f: Tensor -> Tensor) (x: Tensor) : Tensor =
        let y, pullback = vjp f x
        reshape (Array.append y.Shape x.Shape) (columns pullback 0 y)

    /// The Hessian of a scalar function, of shape (shape of x) + (shape of x): forward over reverse mode.
    let hessian (f: Tensor -> Tensor) (x: Tensor) : Tensor = jacfwd (grad f) x

    /// x with all its derivatives taken to be zero.
    let stopGradient (x: 'a) : 'a = Tree.map Tensor.StopGradient x
