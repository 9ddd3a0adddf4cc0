// The table of the elementwise operations, with what they are built on: operators need the rules, and rules the operators.
namespace rec Autodiff

open System
open System.Runtime.InteropServices
open System.Threading
open Autodiff.Kernels

/// The shape and element type of a tensor: what a shape rule computes.
[<Struct>]
type TensorType = { Shape: int[]; DType: DType }

/// What the equations of a program name: a primitive, or an operation with several outputs. Parameters are static data;
/// tensors are always inputs.
[<AbstractClass; AllowNullLiteral>]
type Operation(name: string) =
    /// The name, as programs and messages print it.
    member _.Name = name

    /// Static parameters, such as axes.
    abstract Parameters: (string * obj) list
    default _.Parameters = []

/// An operation and every rule that the interpreters need. Rules are written with tensor operations, so that derivatives
/// of derivatives need no further code.
[<AbstractClass; AllowNullLiteral>]
type Primitive(name: string) =
    inherit Operation(name)

    /// The type of the output, or the error that the user sees.
    abstract Shape: inputs: Tensor[] -> TensorType

    /// The output for arrays, given its type.
    abstract Value: inputs: NDArray[] * out: TensorType -> NDArray

    /// The tangent of the output; a missing (null) tangent is zero, among the inputs and as the result.
    abstract Jvp: inputs: Tensor[] * output: Tensor * tangents: Tensor[] -> Tensor

    /// The cotangent of one input from that of the output; a missing (null) result is zero.
    abstract Vjp: inputs: Tensor[] * output: Tensor * ct: Tensor * input: int -> Tensor

    /// The outputs for `size` examples at once, along a leading axis. Inputs that are batched carry that axis first, and
    /// at least one is; the others are the same for all examples. The result always carries it.
    abstract Batch: inputs: Tensor[] * isBatched: bool[] * size: int -> Tensor

/// An operation with several outputs: a max pooling, or one that holds programs, such as a loop.
[<AbstractClass; AllowNullLiteral>]
type MultiPrimitive(name: string) =
    inherit Operation(name)

    /// The types of the outputs, or the error that the user sees.
    abstract Shapes: inputs: Tensor[] -> TensorType[]

    /// The outputs for arrays, given their types.
    abstract Values: inputs: NDArray[] * outs: TensorType[] -> NDArray[]

    /// The outputs and their tangents; a missing (null) tangent is zero, among the inputs and in the result.
    abstract Jvp: inputs: Tensor[] * tangents: Tensor[] -> struct (Tensor[] * Tensor[])

    /// What reverse mode runs instead: the same outputs, followed by what its Vjp wants to know again, for cotangents of
    /// some inputs.
    abstract Recorded: inputs: Tensor[] * isNeeded: bool[] -> MultiPrimitive
    default this.Recorded(_, _) = this

    /// The cotangents of the needed inputs from those of the outputs; null is zero, in and out.
    abstract Vjp: inputs: Tensor[] * outputs: Tensor[] * cts: Tensor[] * isNeeded: bool[] -> Tensor[]

    /// The outputs for `size` examples at once, and which of them carry the axis of the examples, which comes first.
    abstract Batch: inputs: Tensor[] * isBatched: bool[] * size: int -> struct (Tensor[] * bool[])

    /// The outputs by binding other operations, where known inputs tell what this one does; null where they do not.
    abstract Unrolled: inputs: Tensor[] -> Tensor[]
    default _.Unrolled _ = null

/// What batching rules share. A batched tensor carries the axis of the examples first.
[<RequireQualifiedAccess>]
module Batching =
    /// The shape of some examples of a shape.
    let shape (size: int) (example: int[]) : int[] =
        let whole = Array.zeroCreate (example.Length + 1)
        whole[0] <- size
        Array.Copy(example, 0, whole, 1, example.Length)
        whole

    /// The shape of one example.
    let exampleShape (x: Tensor) (isBatched: bool) : int[] = if isBatched then x.Shape.AsSpan(1).ToArray() else x.Shape

    /// The number of axes of one example.
    let exampleRank (x: Tensor) (isBatched: bool) : int = if isBatched then x.Rank - 1 else x.Rank

    /// x with the axis of the examples: stretched along it, without a copy, where it has none.
    let front (size: int) (x: Tensor) (isBatched: bool) : Tensor =
        if isBatched then x else Tensor.BroadcastTo(x, shape size x.Shape)

    /// All inputs with the axis of the examples.
    let fronts (size: int) (inputs: Tensor[]) (isBatched: bool[]) : Tensor[] = Array.map2 (front size) inputs isBatched

    /// A batched tensor whose examples get leading axes of length 1, up to a rank.
    let align (rank: int) (x: Tensor) : Tensor =
        if x.Rank > rank then
            x
        else
            Tensor.Reshaped(x, Array.concat [ [| x.Shape[0] |]; Array.create (rank + 1 - x.Rank) 1; x.Shape[1..] ])

    /// The inputs such that their trailing axes broadcast as those of the examples do. What is not batched needs nothing:
    /// it lacks the axis of the examples, and so stretches along it.
    let aligned (inputs: Tensor[]) (isBatched: bool[]) : Tensor[] =
        let mutable rank = 0

        for i in 0 .. inputs.Length - 1 do
            rank <- max rank (exampleRank inputs[i] isBatched[i])

        let aligned = Array.zeroCreate inputs.Length

        for i in 0 .. inputs.Length - 1 do
            aligned[i] <- if isBatched[i] then align rank inputs[i] else inputs[i]

        aligned

/// A running interpreter: what bind hands a primitive to. Levels grow with each that starts, so that the innermost has
/// the highest.
[<AbstractClass; AllowNullLiteral>]
type Trace() =
    static let mutable last = 0L
    let level = Interlocked.Increment &last
    /// The place of this interpreter in the nesting.
    member _.Level = level
    /// Interprets a primitive of which an input belongs to this trace.
    abstract Process: primitive: Primitive * inputs: Tensor[] -> Tensor
    /// Interprets an operation with several outputs.
    abstract ProcessAll: operation: MultiPrimitive * inputs: Tensor[] -> Tensor[]

/// A function of each element. One rule serves both modes: `derivative x y t` is t times the derivative at x, where y
/// is the output.
[<Sealed>]
type UnaryPrimitive(kernel: UnaryKernel, derivative: Func<Tensor, Tensor, Tensor, Tensor>) =
    inherit Primitive(kernel.Name)
    let takesFloats = kernel.Supports DType.Float32

    /// The operator in every form that devices need.
    member _.Kernel = kernel

    override _.Shape inputs =
        if not (kernel.Supports inputs[0].DType) then
            Shape.fail kernel.Name $"{DTypes.Name inputs[0].DType} is not a type it works on; convert with To."

        { Shape = inputs[0].Shape; DType = inputs[0].DType }

    override _.Value(inputs, _) = inputs[0].Device.Unary(kernel, inputs[0])

    override _.Jvp(inputs, output, tangents) = derivative.Invoke(inputs[0], output, tangents[0])

    override _.Vjp(inputs, output, ct, _) = derivative.Invoke(inputs[0], output, ct)

    override this.Batch(inputs, _, _) = this.Apply inputs[0]

    /// The cotangent of the input.
    member internal _.Pull(x: Tensor, y: Tensor, ct: Tensor) : Tensor = derivative.Invoke(x, y, ct)

    /// Binds the primitive to an input of a type that it works on.
    member internal this.Bind(x: Tensor) : Tensor =
        match x with
        | :? Concrete as x when takesFloats && DTypes.IsFloat x.DType -> x.Unary kernel
        | _ -> Tensor.Bind(this, x)

    /// Binds the primitive. Integers become float32 where the function needs floats.
    member this.Apply(x: Tensor) : Tensor =
        Tensor.NotNull(kernel.Name, x)

        if takesFloats && not (DTypes.IsFloat x.DType || kernel.Supports x.DType) then
            this.Apply(Tensor.Cast(x, DType.Float32))
        else
            match x with
            | :? Concrete as x when takesFloats -> x.Unary kernel
            | _ -> Tensor.Bind(this, x)

/// A function of the elements of two tensors that broadcast. `left x y z t` is t times the derivative with respect to x
/// where z is the output; `right` with respect to y.
[<Sealed>]
type BinaryPrimitive
    (
        kernel: BinaryKernel,
        left: Func<Tensor, Tensor, Tensor, Tensor, Tensor>,
        right: Func<Tensor, Tensor, Tensor, Tensor, Tensor>
    ) =
    inherit Primitive(kernel.Name)
    let takesFloats = kernel.Supports DType.Float32

    /// The operator in every form that devices need.
    member _.Kernel = kernel

    override _.Shape inputs =
        if inputs[0].DType <> inputs[1].DType || not (kernel.Supports inputs[0].DType) then
            Shape.fail
                kernel.Name
                $"cannot combine {DTypes.Name inputs[0].DType} and {DTypes.Name inputs[1].DType}; convert with To."

        { Shape = Shape.broadcast kernel.Name inputs[0].Shape inputs[1].Shape
          DType = inputs[0].DType }

    override _.Value(inputs, out) = inputs[0].Device.Binary(kernel, inputs[0], inputs[1], out.Shape)

    override _.Jvp(inputs, output, tangents) =
        let part (rule: Func<_, _, _, _, _>) t = if isNull t then t else rule.Invoke(inputs[0], inputs[1], output, t)

        let a, b = part left tangents[0], part right tangents[1]

        if isNull a then Tensor.BroadcastTo(b, output.Shape)
        elif isNull b then Tensor.BroadcastTo(a, output.Shape)
        else a + b

    override this.Vjp(inputs, output, ct, input) = this.Pull(inputs[0], inputs[1], output, ct, input)

    /// The cotangent of one input.
    member internal _.Pull(x: Tensor, y: Tensor, z: Tensor, ct: Tensor, input: int) : Tensor =
        if input = 0 then
            Tensor.SumTo(left.Invoke(x, y, z, ct), x.Shape)
        else
            Tensor.SumTo(right.Invoke(x, y, z, ct), y.Shape)

    /// Binds the primitive to inputs of one type that it works on.
    member internal this.Bind(x: Tensor, y: Tensor) : Tensor =
        match x, y with
        | (:? Concrete as x), (:? Concrete as y) when x.DType = y.DType && takesFloats && DTypes.IsFloat x.DType ->
            x.Binary(kernel, y)
        | _ -> Tensor.Bind(this, x, y)

    override this.Batch(inputs, isBatched, _) =
        let inputs = Batching.aligned inputs isBatched
        this.Apply(inputs[0], inputs[1])

    /// Binds the primitive, after converting both inputs to the type that holds both.
    member this.Apply(x: Tensor, y: Tensor) : Tensor =
        Tensor.NotNull(kernel.Name, x)
        Tensor.NotNull(kernel.Name, y)

        if x.DType <> y.DType then
            let dtype = DTypes.Promote(x.DType, y.DType)
            this.Apply(Tensor.Cast(x, dtype), Tensor.Cast(y, dtype))
        elif not (DTypes.IsFloat x.DType || kernel.Supports x.DType) then
            let dtype = if x.DType = DType.Bool then DType.Int32 else DType.Float32
            this.Apply(Tensor.Cast(x, dtype), Tensor.Cast(y, dtype))
        else
            match x, y with
            | (:? Concrete as x), (:? Concrete as y) when takesFloats -> x.Binary(kernel, y)
            | _ -> Tensor.Bind(this, x, y)

/// A comparison of the elements of two tensors that broadcast; the result is bool and has no derivative.
[<Sealed>]
type ComparePrimitive(kernel: CompareKernel) =
    inherit Primitive(kernel.Name)

    /// The relation in every form that devices need.
    member _.Kernel = kernel

    override _.Shape inputs =
        if inputs[0].DType <> inputs[1].DType then
            Shape.fail
                kernel.Name
                $"cannot compare {DTypes.Name inputs[0].DType} and {DTypes.Name inputs[1].DType}; convert with To."

        { Shape = Shape.broadcast kernel.Name inputs[0].Shape inputs[1].Shape
          DType = DType.Bool }

    override _.Value(inputs, out) =
        Tensor.SameDevice(kernel.Name, inputs[0], inputs[1])
        inputs[0].Device.Compare(kernel, inputs[0], inputs[1], out.Shape)

    override _.Jvp(_, _, _) = null
    override _.Vjp(_, _, _, _) = null
    override this.Batch(inputs, isBatched, _) = Tensor.Bind(this, Batching.aligned inputs isBatched)

    /// Binds the primitive, after converting both inputs to the type that holds both.
    member this.Apply(x: Tensor, y: Tensor) : Tensor =
        Tensor.NotNull(kernel.Name, x)
        Tensor.NotNull(kernel.Name, y)

        if x.DType <> y.DType then
            let dtype = DTypes.Promote(x.DType, y.DType)
            Tensor.Bind(this, Tensor.Cast(x, dtype), Tensor.Cast(y, dtype))
        else
            Tensor.Bind(this, x, y)

/// An operation that is linear in its first input (others are indices): it is its own derivative, and its transpose
/// carries cotangents back.
[<AbstractClass; AllowNullLiteral>]
type LinearPrimitive(name: string) =
    inherit Primitive(name)

    /// The cotangent of the first input.
    abstract Transpose: inputs: Tensor[] * ct: Tensor -> Tensor

    override this.Jvp(inputs, _, tangents) =
        let arguments = Array.copy inputs
        arguments[0] <- tangents[0]
        Tensor.Bind(this, arguments)

    override this.Vjp(inputs, _, ct, _) = this.Transpose(inputs, ct)

/// An operation that is linear in each of its first two inputs: the product rule is its derivative.
[<AbstractClass; AllowNullLiteral>]
type BilinearPrimitive(name: string) =
    inherit Primitive(name)

    /// The cotangent of one input, given the other.
    abstract Transpose: inputs: Tensor[] * ct: Tensor * input: int -> Tensor

    override this.Jvp(inputs, _, tangents) =
        let part i =
            if isNull tangents[i] then
                tangents[i]
            else
                Tensor.Bind(this, (if i = 0 then [| tangents[0]; inputs[1] |] else [| inputs[0]; tangents[1] |]))

        Tensor.AddTangents(part 0, part 1)

    override this.Vjp(inputs, _, ct, input) = this.Transpose(inputs, ct, input)

/// Every steps[i]-th element from starts[i] of each axis.
[<Sealed; AllowNullLiteral>]
type internal SlicePrimitive(starts: int[], lengths: int[], steps: int[]) =
    inherit LinearPrimitive("slice")
    member _.Starts = starts
    member _.Lengths = lengths
    member _.Steps = steps
    override _.Parameters = [ "starts", box starts; "lengths", box lengths; "steps", box steps ]

    override _.Shape inputs =
        let x = inputs[0]

        if starts.Length <> x.Rank then
            Shape.fail "slice" $"{starts.Length} ranges for a tensor of rank {x.Rank}."

        for i in 0 .. x.Rank - 1 do
            let last = starts[i] + (lengths[i] - 1) * steps[i]

            if starts[i] < 0 || lengths[i] < 0 || steps[i] < 1 || (lengths[i] > 0 && last >= x.Shape[i]) then
                Shape.fail
                    "slice"
                    $"positions {starts[i]} to {last} lie outside axis {i}, which has length {x.Shape[i]}."

        { Shape = lengths; DType = x.DType }

    override _.Value(inputs, out) = inputs[0].Slice(starts, out.Shape, steps)
    override _.Transpose(inputs, ct) = Tensor.Placed(ct, inputs[0].Shape, starts, steps)

    override _.Batch(inputs, _, size) =
        Tensor.Sliced(inputs[0], Array.insertAt 0 0 starts, Batching.shape size lengths, Array.insertAt 0 1 steps)

/// An immutable array of numbers that can be differentiated. Operators and functions work element by element and
/// broadcast; all names and conventions follow NumPy.
[<AbstractClass; AllowNullLiteral>]
type Tensor internal (level: int64, shape: int[], dtype: DType) =
    // Linear maps that the rules below need.
    static let sumTo shape =
        { new LinearPrimitive("sumTo") with
            member _.Parameters = [ "shape", box shape ]

            member _.Shape inputs =
                if not (Shape.broadcastsTo shape inputs[0].Shape) then
                    Shape.fail "sumTo" $"{Shape.format shape} does not broadcast to {Shape.format inputs[0].Shape}."

                { Shape = shape; DType = inputs[0].DType }

            member _.Value(inputs, out) =
                let x = inputs[0]
                let lead = x.Rank - out.Shape.Length

                let inline isSummed i = i < lead || (out.Shape[i - lead] = 1 && x.Shape[i] <> 1)
                let mutable count = 0

                for i in 0 .. x.Rank - 1 do
                    if isSummed i then
                        count <- count + 1

                let mutable areFirst = true

                for i in 0 .. count - 1 do
                    areFirst <- areFirst && isSummed i

                let axes = if areFirst then Shape.first count else Array.zeroCreate count

                if not areFirst then
                    for i in x.Rank - 1 .. -1 .. 0 do
                        if isSummed i then
                            count <- count - 1
                            axes[count] <- i

                x.Device.Reduce(Reduction.Sum, x, axes, out.Shape)

            member _.Transpose(inputs, ct) = Tensor.BroadcastTo(ct, inputs[0].Shape)

            member _.Batch(inputs, _, size) =
                let kept = Array.append (Array.create (inputs[0].Rank - 1 - shape.Length) 1) shape
                Tensor.Reshaped(Tensor.SumTo(inputs[0], Batching.shape size kept), Batching.shape size shape) }

    static let broadcastTo shape =
        { new LinearPrimitive("broadcastTo") with
            member _.Parameters = [ "shape", box shape ]

            member _.Shape inputs =
                Shape.validate "broadcastTo" shape

                if not (Shape.broadcastsTo inputs[0].Shape shape) then
                    Shape.fail
                        "broadcastTo"
                        $"shape {Shape.format inputs[0].Shape} cannot be stretched to {Shape.format shape}: counted from the last axis, each length must be equal or 1."

                { Shape = shape; DType = inputs[0].DType }

            member _.Value(inputs, out) =
                let x = inputs[0]
                x.View(out.Shape, x.StridesFor out.Shape, x.Offset)

            member _.Transpose(inputs, ct) = Tensor.SumTo(ct, inputs[0].Shape)

            member _.Batch(inputs, _, size) =
                Tensor.BroadcastTo(Batching.align shape.Length inputs[0], Batching.shape size shape) }

    static let sameType (x: Tensor) shape = { Shape = shape; DType = x.DType }

    static let reshaped shape =
        { new LinearPrimitive("reshape") with
            member _.Parameters = [ "shape", box shape ]
            member _.Shape inputs = sameType inputs[0] (Shape.resolve "reshape" inputs[0].Shape shape)

            member _.Value(inputs, out) = inputs[0].Reshaped out.Shape
            member _.Transpose(inputs, ct) = Tensor.Reshaped(ct, inputs[0].Shape)

            member _.Batch(inputs, _, size) =
                let x = inputs[0]
                Tensor.Reshaped(x, Batching.shape size (Shape.resolve "reshape" x.Shape[1..] shape)) }

    static let placed (shape: int[]) (starts: int[]) (steps: int[]) =
        { new LinearPrimitive("place") with
            member _.Parameters = [ "shape", box shape; "starts", box starts; "steps", box steps ]

            member _.Shape inputs =
                let x = inputs[0]

                let fits i = starts[i] >= 0 && (x.Shape[i] = 0 || starts[i] + (x.Shape[i] - 1) * steps[i] < shape[i])

                if shape.Length <> x.Rank || not (Seq.forall fits (seq { 0 .. x.Rank - 1 })) then
                    Shape.fail
                        "place"
                        $"a tensor of shape {Shape.format x.Shape} does not fit into {Shape.format shape} from {Shape.format starts}."

                sameType x shape

            member _.Value(inputs, out) = inputs[0].Device.Place(inputs[0], out.Shape, starts, steps)
            member _.Transpose(inputs, ct) = Tensor.Sliced(ct, starts, inputs[0].Shape, steps)

            member _.Batch(inputs, _, size) =
                Tensor.Placed(inputs[0], Batching.shape size shape, Array.insertAt 0 0 starts, Array.insertAt 0 1 steps) }

    static let flipped (axes: int[]) =
        { new LinearPrimitive("flip") with
            member _.Parameters = [ "axes", box axes ]
            member _.Shape inputs = sameType inputs[0] inputs[0].Shape

            member _.Value(inputs, _) =
                // Arrays have no negative strides, so that each axis is taken backwards.
                (inputs[0], axes)
                ||> Array.fold (fun x axis ->
                    let backwards = [| for i in x.Shape[axis] - 1 .. -1 .. 0 -> int64 i |]
                    let at =
                        x.Device.FromHost(
                            DType.Int64,
                            [| backwards.Length |],
                            MemoryMarshal.AsBytes(ReadOnlySpan<int64> backwards)
                        )
                    x.Device.Take(x, at, axis, x.Shape))

            member _.Transpose(_, ct) = Tensor.Flipped(ct, axes)
            member _.Batch(inputs, _, _) = Tensor.Flipped(inputs[0], Array.map ((+) 1) axes) }

    static let cast dtype =
        { new LinearPrimitive("cast") with
            member _.Parameters = [ "dtype", box dtype ]

            member _.Shape inputs = { Shape = inputs[0].Shape; DType = dtype }

            member _.Value(inputs, out) = inputs[0].Device.Convert(inputs[0], out.DType)

            member _.Transpose(inputs, ct) = Tensor.Cast(ct, inputs[0].DType)
            member _.Batch(inputs, _, _) = Tensor.Cast(inputs[0], dtype) }

    static let casts = Array.init DTypes.Count (fun i -> cast (LanguagePrimitives.EnumOfValue<byte, DType>(byte i)))

    static let stop =
        { new LinearPrimitive("stopGradient") with
            member _.Shape inputs = { Shape = inputs[0].Shape; DType = inputs[0].DType }

            member _.Value(inputs, _) = inputs[0]
            member _.Transpose(_, _) = null
            member _.Jvp(_, _, _) = null
            member _.Batch(inputs, _, _) = Tensor.StopGradient inputs[0] }

    static let select =
        { new Primitive("where") with
            member _.Shape inputs =
                { Shape =
                    Shape.broadcast "where" inputs[0].Shape (Shape.broadcast "where" inputs[1].Shape inputs[2].Shape)
                  DType = inputs[1].DType }

            member _.Value(inputs, out) = inputs[1].Device.Select(inputs[0], inputs[1], inputs[2], out.Shape)

            member _.Jvp(inputs, output, tangents) =
                let orZero (t: Tensor) = if isNull t then Tensor.ScalarOf(output, 0.0) else t

                Tensor.BroadcastTo(Tensor.Where(inputs[0], orZero tangents[1], orZero tangents[2]), output.Shape)

            member _.Vjp(inputs, _, ct, input) =
                if input = 0 then
                    null
                else
                    let zero = Tensor.ScalarOf(ct, 0.0)

                    let kept =
                        if input = 1 then Tensor.Where(inputs[0], ct, zero) else Tensor.Where(inputs[0], zero, ct)

                    Tensor.SumTo(kept, inputs[input].Shape)

            member this.Batch(inputs, isBatched, _) = Tensor.Bind(this, Batching.aligned inputs isBatched) }

    // Comparisons.
    static let equal = ComparePrimitive Compare.Equal
    static let notEqual = ComparePrimitive Compare.NotEqual
    static let less = ComparePrimitive Compare.Less
    static let lessOrEqual = ComparePrimitive Compare.LessOrEqual
    static let greater = ComparePrimitive Compare.Greater
    static let greaterOrEqual = ComparePrimitive Compare.GreaterOrEqual

    // Functions of two numbers.
    static let none = Func<_, _, _, _, _>(fun (_: Tensor) _ _ _ -> null)
    static let add = BinaryPrimitive(Binary.Add, (fun _ _ _ t -> t), (fun _ _ _ t -> t))
    // Summed before it is negated: a cotangent of what was stretched is smaller then, and a tangent has its shape already.
    static let subtract =
        BinaryPrimitive(Binary.Subtract, (fun _ _ _ t -> t), (fun _ y _ t -> -(Tensor.SumTo(t, y.Shape))))
    static let multiply = BinaryPrimitive(Binary.Multiply, (fun _ y _ t -> t * y), (fun x _ _ t -> t * x))
    static let divide = BinaryPrimitive(Binary.Divide, (fun _ y _ t -> t / y), (fun _ y z t -> -(t * z) / y))

    static let power =
        BinaryPrimitive(
            Binary.Power,
            (fun x y _ t ->
                // The exponent 0 has the derivative 0, also at x = 0.
                let zero = Tensor.EqualTo(y, Tensor.ScalarOf(y, 0.0))
                let lower = Tensor.Where(zero, Tensor.ScalarOf(y, 1.0), y - Tensor.ScalarOf(y, 1.0))
                t * (y * Tensor.Pow(x, lower))),
            (fun x _ z t ->
                // At the base 0 the derivative with respect to the exponent is 0.
                let zero = Tensor.EqualTo(x, Tensor.ScalarOf(x, 0.0))
                t * (z * Tensor.Log(Tensor.Where(zero, Tensor.ScalarOf(x, 1.0), x))))
        )

    /// Ties share the derivative equally.
    static let share (winner: Tensor) (loser: Tensor) (isAhead: ComparePrimitive) (t: Tensor) =
        let half = Tensor.Where(Tensor.EqualTo(winner, loser), t * 0.5, Tensor.ScalarOf(t, 0.0))
        Tensor.Where(isAhead.Apply(winner, loser), t, half)

    static let maximum =
        BinaryPrimitive(Binary.Maximum, (fun x y _ t -> share x y greater t), (fun x y _ t -> share y x greater t))

    static let minimum =
        BinaryPrimitive(Binary.Minimum, (fun x y _ t -> share x y less t), (fun x y _ t -> share y x less t))

    static let atan2 =
        BinaryPrimitive(
            Binary.Atan2,
            (fun y x _ t -> t * x / (x * x + y * y)),
            (fun y x _ t -> -(t * y) / (x * x + y * y))
        )

    static let logicalAnd = BinaryPrimitive(Binary.And, none, none)
    static let logicalOr = BinaryPrimitive(Binary.Or, none, none)
    static let logicalXor = BinaryPrimitive(Binary.Xor, none, none)

    // Products of a cotangent with a derivative, in one pass over memory.
    static let sigmoidGradient =
        BinaryPrimitive(
            Binary.SigmoidGradient,
            (fun _ y _ t -> Tensor.SigmoidGradient(t, y)),
            (fun ct y _ t -> t * (ct * (1.0 - 2.0 * y)))
        )

    static let tanhGradient =
        BinaryPrimitive(
            Binary.TanhGradient,
            (fun _ y _ t -> Tensor.TanhGradient(t, y)),
            (fun ct y _ t -> t * (ct * (-2.0 * y)))
        )

    static let reluGradient = BinaryPrimitive(Binary.ReluGradient, (fun _ y _ t -> Tensor.ReluGradient(t, y)), none)

    // Functions of one number.
    static let flat = Func<_, _, _, _>(fun (_: Tensor) _ _ -> null)
    static let negate = UnaryPrimitive(Unary.Negate, (fun _ _ t -> -t))
    static let abs = UnaryPrimitive(Unary.Abs, (fun x _ t -> t * Tensor.Signum x))
    static let signum = UnaryPrimitive(Unary.Sign, flat)
    static let reciprocal = UnaryPrimitive(Unary.Reciprocal, (fun _ y t -> -(t * Tensor.Square y)))
    static let square = UnaryPrimitive(Unary.Square, (fun x _ t -> t * x * 2.0))
    static let sqrt = UnaryPrimitive(Unary.Sqrt, (fun _ y t -> t * 0.5 / y))
    static let rsqrt = UnaryPrimitive(Unary.Rsqrt, (fun x y t -> t * y / x * -0.5))
    static let exp = UnaryPrimitive(Unary.Exp, (fun _ y t -> t * y))
    static let expm1 = UnaryPrimitive(Unary.Expm1, (fun _ y t -> t * (y + 1.0)))
    static let log = UnaryPrimitive(Unary.Log, (fun x _ t -> t / x))
    static let log1p = UnaryPrimitive(Unary.Log1p, (fun x _ t -> t / (x + 1.0)))
    static let sin = UnaryPrimitive(Unary.Sin, (fun x _ t -> t * Tensor.Cos x))
    static let cos = UnaryPrimitive(Unary.Cos, (fun x _ t -> -(t * Tensor.Sin x)))
    static let tan = UnaryPrimitive(Unary.Tan, (fun _ y t -> t * (Tensor.Square y + 1.0)))
    static let asin = UnaryPrimitive(Unary.Asin, (fun x _ t -> t * Tensor.Rsqrt(1.0 - Tensor.Square x)))
    static let acos = UnaryPrimitive(Unary.Acos, (fun x _ t -> -(t * Tensor.Rsqrt(1.0 - Tensor.Square x))))
    static let atan = UnaryPrimitive(Unary.Atan, (fun x _ t -> t / (Tensor.Square x + 1.0)))
    static let sinh = UnaryPrimitive(Unary.Sinh, (fun x _ t -> t * Tensor.Cosh x))
    static let cosh = UnaryPrimitive(Unary.Cosh, (fun x _ t -> t * Tensor.Sinh x))
    static let tanh = UnaryPrimitive(Unary.Tanh, (fun _ y t -> Tensor.TanhGradient(t, y)))
    static let sigmoid = UnaryPrimitive(Unary.Sigmoid, (fun _ y t -> Tensor.SigmoidGradient(t, y)))
    static let relu = UnaryPrimitive(Unary.Relu, (fun _ y t -> Tensor.ReluGradient(t, y)))
    static let softplus = UnaryPrimitive(Unary.Softplus, (fun x _ t -> t * Tensor.Sigmoid x))

    static let erf =
        UnaryPrimitive(Unary.Erf, (fun x _ t -> t * Tensor.Exp(-(Tensor.Square x)) * (2.0 / Math.Sqrt Math.PI)))

    static let floor = UnaryPrimitive(Unary.Floor, flat)
    static let ceiling = UnaryPrimitive(Unary.Ceiling, flat)
    static let round = UnaryPrimitive(Unary.Round, flat)
    static let truncate = UnaryPrimitive(Unary.Truncate, flat)
    static let logicalNot = UnaryPrimitive(Unary.Not, flat)

    /// The interpreter that this tensor belongs to has this level; 0 for a concrete tensor.
    member _.Level = level
    /// The length of each axis, outermost first.
    member _.Shape: int[] = shape
    /// The type of the elements.
    member _.DType: DType = dtype
    /// The number of axes.
    member _.Rank: int = shape.Length
    /// The number of elements.
    member _.Size = int (Shape.size shape)
    /// The interpreter that this tensor belongs to.
    abstract Trace: Trace
    /// The elements of the innermost primal, without derivatives; an error inside vmap, where each example has its own.
    abstract Array: NDArray
    /// Whether the elements can be read now: not inside vmap, nor while a program is being written.
    abstract IsKnown: bool
    default _.IsKnown = true
    /// The device that holds the elements.
    abstract Device: Device
    default this.Device = this.Array.Device

    /// The primitive whose rules to use for a primitive that gave this tensor: that one, unless an interpreter below
    /// watches what rules compute.
    abstract RulesOf: primitive: Primitive -> Primitive
    default _.RulesOf primitive = primitive

    /// The elements, abbreviated, in brackets.
    override this.ToString() = Host.print this.Array

    // Binding.

    /// Checks an input of an operation.
    static member internal NotNull(operation: string, x: Tensor) =
        if isNull x then
            Shape.fail operation "an input is null: a tensor was expected that was never made."

    /// The axis of a tensor that a user means.
    static member internal AxisOf(operation: string, x: Tensor, axis: int) : int =
        Tensor.NotNull(operation, x)
        Shape.axis operation x.Rank axis

    /// The axes of a tensor that a user means, sorted.
    static member internal AxesOf(operation: string, x: Tensor, axes: seq<int>) : int[] =
        Tensor.NotNull(operation, x)

        if isNull axes then
            Shape.notNull operation null

        Shape.axes operation x.Rank axes

    /// Runs a primitive on the innermost interpreter among its inputs, or on their device.
    static member Bind(primitive: Primitive, [<ParamArray>] inputs: Tensor[]) : Tensor =
        let mutable top = inputs[0]
        Tensor.NotNull(primitive.Name, top)

        for i in 1 .. inputs.Length - 1 do
            Tensor.NotNull(primitive.Name, inputs[i])

            if inputs[i].Level > top.Level then
                top <- inputs[i]

        if top.Level = 0L then
            let out = primitive.Shape inputs
            let arrays = Array.zeroCreate inputs.Length

            for i in 0 .. inputs.Length - 1 do
                arrays[i] <- inputs[i].Array

            Concrete(primitive.Value(arrays, out))
        else
            top.Trace.Process(primitive, inputs)

    /// Runs an operation with several outputs on the innermost interpreter among its inputs, or on their device.
    static member BindAll(operation: MultiPrimitive, inputs: Tensor[]) : Tensor[] =
        let top = if inputs.Length = 0 then null else inputs |> Array.maxBy _.Level

        if isNull top || top.Level = 0L then
            operation.Values(inputs |> Array.map _.Array, operation.Shapes inputs)
            |> Array.map (fun y -> Concrete y :> Tensor)
        else
            match operation.Unrolled inputs with
            | null -> top.Trace.ProcessAll(operation, inputs)
            | outputs -> outputs

    static member internal SameDevice(name, a: NDArray, b: NDArray) =
        if not (obj.ReferenceEquals(a.Device, b.Device)) then
            Shape.fail name $"one input lies on {a.Device}, another on {b.Device}; all must lie on one device."

    /// The sum of two tangents or cotangents, either of which may be missing (null), which is zero.
    static member AddTangents(a: Tensor, b: Tensor) : Tensor =
        if isNull a then b
        elif isNull b then a
        else a + b

    // Making tensors.

    /// A scalar of type float64.
    static member Scalar(value: float) : Tensor = Concrete.Of value

    /// A scalar of type float32.
    static member Scalar(value: float32) : Tensor = Concrete.Of value

    /// A scalar on the device of a tensor, of its type; a value that an integer type does not hold takes the narrowest
    /// type with which that promotes to one that does, so that nothing wraps: an integer, or float32.
    static member internal ScalarOf(like: Tensor, value: float) : Tensor =
        Tensor.NotNull("an operation with a number", like)
        let device = like.Device

        if obj.ReferenceEquals(device, Cpu.Instance) && like.DType = DType.Float64 then
            Concrete.Of value
        elif obj.ReferenceEquals(device, Cpu.Instance) && like.DType = DType.Float32 then
            Concrete.Of(float32 value)
        else
            Tensor.FilledScalar(device, like, value)

    static member private FilledScalar(device: Device, like: Tensor, value: float) : Tensor =
        let isWithin low high = value >= low && value <= high

        let dtype =
            if DTypes.IsFloat like.DType then
                like.DType
            elif value <> Math.Floor value || not (Math.Abs value < 9223372036854775808.0) then
                DType.Float32
            else
                let narrowest =
                    if isWithin 0.0 127.0 then DType.Bool
                    elif isWithin -128.0 127.0 then DType.Int8
                    elif isWithin 0.0 255.0 then DType.UInt8
                    elif isWithin -32768.0 32767.0 then DType.Int16
                    elif isWithin -2147483648.0 2147483647.0 then DType.Int32
                    else DType.Int64

                DTypes.Promote((if like.DType = DType.Bool then DType.Int32 else like.DType), narrowest)

        Concrete(device.Fill(dtype, Shape.scalar, value))

    /// Zeros of the shape and type of a tensor.
    static member ZerosLike(x: Tensor) : Tensor = Tensor.BroadcastTo(Tensor.ScalarOf(x, 0.0), x.Shape)

    /// A vector on the host.
    static member From(values: ReadOnlySpan<float32>) : Tensor = Concrete(Host.ofSpan "From" [| values.Length |] values)

    /// A tensor on the host from values in row-major order; an empty shape is that of a scalar.
    static member From(values: ReadOnlySpan<float32>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A vector on the host.
    static member From(values: ReadOnlySpan<float>) : Tensor = Concrete(Host.ofSpan "From" [| values.Length |] values)

    /// A tensor on the host from values in row-major order; an empty shape is that of a scalar.
    static member From(values: ReadOnlySpan<float>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A vector on the host.
    static member From(values: ReadOnlySpan<int>) : Tensor = Concrete(Host.ofSpan "From" [| values.Length |] values)

    /// A tensor on the host from values in row-major order; an empty shape is that of a scalar.
    static member From(values: ReadOnlySpan<int>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A vector on the host.
    static member From(values: ReadOnlySpan<int64>) : Tensor = Concrete(Host.ofSpan "From" [| values.Length |] values)

    /// A tensor on the host from values in row-major order; an empty shape is that of a scalar.
    static member From(values: ReadOnlySpan<int64>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A vector on the host.
    static member From(values: ReadOnlySpan<bool>) : Tensor = Concrete(Host.ofSpan "From" [| values.Length |] values)

    /// A tensor on the host from values in row-major order; an empty shape is that of a scalar.
    static member From(values: ReadOnlySpan<bool>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A vector on the host.
    static member From(values: ReadOnlySpan<byte>) : Tensor = Concrete(Host.ofSpan "From" [| values.Length |] values)

    /// A tensor on the host from values in row-major order; an empty shape is that of a scalar.
    static member From(values: ReadOnlySpan<byte>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A tensor on the host from values in row-major order.
    static member From(values: ReadOnlySpan<sbyte>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A tensor on the host from values in row-major order.
    static member From(values: ReadOnlySpan<int16>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A float16 tensor on the host from values in row-major order.
    static member From(values: ReadOnlySpan<Half>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A bfloat16 tensor on the host from values in row-major order.
    static member From(values: ReadOnlySpan<BFloat16>, [<ParamArray>] shape: int[]) : Tensor =
        Concrete(Host.ofSpan "From" shape values)

    /// A tensor on the host with the shape and elements of a .NET array of any rank.
    static member FromArray(values: Array) : Tensor =
        if isNull values then
            Shape.fail "FromArray" "the array is null."

        Concrete(Host.ofArray values)

    /// A tensor filled with one value, on the host unless another device is given.
    static member Full
        (
            shape: int[],
            value: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType,
            [<Optional; DefaultParameterValue(null: Device)>] device: Device
        ) : Tensor =
        Shape.validate "Full" shape
        let device = if isNull device then Cpu.Instance :> Device else device
        Concrete(device.Fill(dtype, shape, value))

    /// Zeros of type float32.
    static member Zeros([<ParamArray>] shape: int[]) : Tensor = Tensor.Full(shape, 0.0)
    /// Ones of type float32.
    static member Ones([<ParamArray>] shape: int[]) : Tensor = Tensor.Full(shape, 1.0)

    // Linear maps and choices.

    /// The same values as another type.
    static member Cast(x: Tensor, dtype: DType) : Tensor =
        Tensor.NotNull("cast", x)
        if x.DType = dtype then x else Tensor.Bind(casts[int dtype], x)

    /// The sum over the axes that a shape stretches along to become that of x: the transpose of broadcastTo.
    static member SumTo(x: Tensor, shape: int[]) : Tensor =
        Shape.notNull "sumTo" shape
        if isNull x || Shape.equal x.Shape shape then x else Tensor.Bind(sumTo shape, x)

    /// x stretched to a shape to which its own broadcasts.
    static member BroadcastTo(x: Tensor, shape: int[]) : Tensor =
        Shape.notNull "broadcastTo" shape
        if isNull x || Shape.equal x.Shape shape then x else Tensor.Bind(broadcastTo shape, x)

    /// The same elements in row-major order with another shape; one length may be -1.
    static member internal Reshaped(x: Tensor, shape: int[]) : Tensor =
        Tensor.NotNull("reshape", x)
        Shape.notNull "reshape" shape
        if Shape.equal shape x.Shape then x
        elif x.Level = 0L then Concrete(x.Array.Reshaped(Shape.resolve "reshape" x.Shape shape))
        else Tensor.Bind(reshaped shape, x)

    /// Every steps[i]-th element from starts[i] of each axis.
    static member internal Sliced(x: Tensor, starts, lengths, steps) : Tensor =
        if Shape.equal lengths x.Shape then
            x
        else
            Tensor.Bind(SlicePrimitive(starts, lengths, steps), x)

    /// Zeros of a shape with x written at starts[i] + j * steps[i] of each axis: the transpose of slicing.
    static member internal Placed(x: Tensor, shape, starts, steps) : Tensor =
        if Shape.equal shape x.Shape then x else Tensor.Bind(placed shape starts steps, x)

    /// The elements in the opposite order along sorted axes.
    static member internal Flipped(x: Tensor, axes: int[]) : Tensor =
        if axes |> Array.forall (fun axis -> x.Shape[axis] <= 1) then
            x
        else
            Tensor.Bind(flipped axes, x)

    /// What an index of slices selects. Axes that are not named are kept whole.
    static member internal Indexed(x: Tensor, slices: Slice[]) : Tensor =
        Tensor.NotNull("index", x)

        if isNull slices then
            Shape.fail "index" "the positions are null."

        if slices.Length > x.Rank then
            Shape.fail
                "index"
                $"{slices.Length} indices for a tensor of rank {x.Rank}, shape {Shape.format x.Shape}; give at most one for each axis."

        let starts = Array.zeroCreate x.Rank
        let lengths = x.Shape.AsSpan().ToArray()
        let steps = Array.create x.Rank 1
        let mutable positions = 0
        let mutable backwards = 0

        for i in 0 .. slices.Length - 1 do
            let s, n = slices[i], x.Shape[i]
            let first = s.Start.GetOffset n

            if s.IsPosition then
                if first < 0 || first >= n then
                    Shape.fail
                        "index"
                        $"position {if s.Start.IsFromEnd then -s.Start.Value else s.Start.Value} is outside axis {i}, which has length {n}; use {-n} to {n - 1}."

                positions <- positions + 1
                lengths[i] <- 1
            else
                let last = s.End.GetOffset n

                if first < 0 || last > n || first > last then
                    Shape.fail
                        "index"
                        $"the range from position {first} to before {last} is outside axis {i}, which has length {n}."

                steps[i] <- Math.Abs s.Step
                lengths[i] <- (last - first + steps[i] - 1) / steps[i]

            // Backwards, the last position of the range is the first that is selected.
            if s.Step < 0 then
                backwards <- backwards + 1

            starts[i] <-
                if s.Step < 0 && lengths[i] > 0 then
                    s.End.GetOffset n - 1 - (lengths[i] - 1) * steps[i]
                else
                    first

        let kept = if positions = 0 then lengths else Array.zeroCreate (x.Rank - positions)

        if positions > 0 then
            let mutable next = 0

            for i in 0 .. x.Rank - 1 do
                if i >= slices.Length || not slices[i].IsPosition then
                    kept[next] <- lengths[i]
                    next <- next + 1

        if backwards > 0 then
            let isBackwards i = slices[i].Step < 0
            let axes = Array.filter isBackwards [| 0 .. slices.Length - 1 |]
            Tensor.Reshaped(Tensor.Flipped(Tensor.Sliced(x, starts, lengths, steps), axes), kept)
        elif x.Level = 0L && not (Shape.equal lengths x.Shape) then
            let part = x.Array.Slice(starts, lengths, steps)
            Concrete(if positions = 0 then part else part.Reshaped kept)
        else
            Tensor.Reshaped(Tensor.Sliced(x, starts, lengths, steps), kept)

    /// What slices select: `x[0, 1..3, ..]` in C#. A position removes its axis; axes that are not named are kept whole.
    member this.Item
        with get ([<ParamArray>] slices: Slice[]): Tensor = Tensor.Indexed(this, slices)

    /// The entry at a position of the first axis; a negative one counts from the end.
    member this.Item
        with get (i: int): Tensor = Tensor.Indexed(this, [| Slice.At i |])

    /// The entry at positions of the first two axes.
    member this.Item
        with get (i: int, j: int): Tensor = Tensor.Indexed(this, [| Slice.At i; Slice.At j |])

    /// The entry at positions of the first three axes.
    member this.Item
        with get (i: int, j: int, k: int): Tensor = Tensor.Indexed(this, [| Slice.At i; Slice.At j; Slice.At k |])

    /// The entry at positions of the first four axes.
    member this.Item
        with get (i: int, j: int, k: int, l: int): Tensor =
            Tensor.Indexed(this, [| Slice.At i; Slice.At j; Slice.At k; Slice.At l |])

    /// x with all its derivatives taken to be zero.
    static member StopGradient(x: Tensor) : Tensor =
        Tensor.NotNull("stopGradient", x)
        if x.Level = 0L then x else Tensor.Bind(stop, x)

    /// Elements of x where the condition holds, of y elsewhere. Only the chosen side receives a derivative. In reverse mode
    /// that is a cotangent of 0 for the other, which a function with an infinite derivative there turns into NaN: write
    /// `where (x > 0) (log (where (x > 0) x 1)) 0`, so that log itself sees a safe argument.
    static member Where(condition: Tensor, x: Tensor, y: Tensor) : Tensor =
        Tensor.NotNull("where", condition)
        Tensor.NotNull("where", x)
        Tensor.NotNull("where", y)
        let dtype = DTypes.Promote(x.DType, y.DType)
        Tensor.Bind(select, Tensor.Cast(condition, DType.Bool), Tensor.Cast(x, dtype), Tensor.Cast(y, dtype))

    static member internal SigmoidGradient(ct: Tensor, y: Tensor) = sigmoidGradient.Apply(ct, y)
    static member internal TanhGradient(ct: Tensor, y: Tensor) = tanhGradient.Apply(ct, y)
    static member internal ReluGradient(ct: Tensor, y: Tensor) = reluGradient.Apply(ct, y)

    // Operators.

    /// The negative of each element.
    static member (~-)(x: Tensor) : Tensor = negate.Apply x
    /// The sum of elements.
    static member (+)(x: Tensor, y: Tensor) : Tensor = add.Apply(x, y)
    /// The sum with a number.
    static member (+)(x: Tensor, y: float) : Tensor = add.Apply(x, Tensor.ScalarOf(x, y))
    /// The sum with a number.
    static member (+)(x: float, y: Tensor) : Tensor = add.Apply(Tensor.ScalarOf(y, x), y)
    /// The difference of elements.
    static member (-)(x: Tensor, y: Tensor) : Tensor = subtract.Apply(x, y)
    /// The difference with a number.
    static member (-)(x: Tensor, y: float) : Tensor = subtract.Apply(x, Tensor.ScalarOf(x, y))
    /// The difference with a number.
    static member (-)(x: float, y: Tensor) : Tensor = subtract.Apply(Tensor.ScalarOf(y, x), y)
    /// The product of elements.
    static member (*)(x: Tensor, y: Tensor) : Tensor = multiply.Apply(x, y)
    /// The product with a number.
    static member (*)(x: Tensor, y: float) : Tensor = multiply.Apply(x, Tensor.ScalarOf(x, y))
    /// The product with a number.
    static member (*)(x: float, y: Tensor) : Tensor = multiply.Apply(Tensor.ScalarOf(y, x), y)
    /// The quotient of elements; of integers, towards zero.
    static member (/)(x: Tensor, y: Tensor) : Tensor = divide.Apply(x, y)
    /// The quotient with a number.
    static member (/)(x: Tensor, y: float) : Tensor = divide.Apply(x, Tensor.ScalarOf(x, y))
    /// The quotient with a number.
    static member (/)(x: float, y: Tensor) : Tensor = divide.Apply(Tensor.ScalarOf(y, x), y)

    /// x to the power y, element by element.
    static member Pow(x: Tensor, y: Tensor) : Tensor = power.Apply(x, y)

    /// x to a constant power.
    static member Pow(x: Tensor, y: float) : Tensor =
        if y = 2.0 then square.Apply x
        elif y = 1.0 then x
        elif y = 0.5 then sqrt.Apply x
        elif y = -1.0 then reciprocal.Apply x
        else power.Apply(x, Tensor.ScalarOf(x, y))

    /// A constant to the power y.
    static member Pow(x: float, y: Tensor) : Tensor = power.Apply(Tensor.ScalarOf(y, x), y)
    /// The angle of the point (x, y), in (-pi, pi]. At the origin it is 0, and its derivative NaN.
    static member Atan2(y: Tensor, x: Tensor) : Tensor = atan2.Apply(y, x)
    /// The larger of each pair; NaN if either is. At a tie each side receives half of the derivative.
    static member Maximum(x: Tensor, y: Tensor) : Tensor = maximum.Apply(x, y)
    /// The smaller of each pair; NaN if either is. At a tie each side receives half of the derivative.
    static member Minimum(x: Tensor, y: Tensor) : Tensor = minimum.Apply(x, y)
    /// Whether elements are equal; NaN is not equal to itself.
    static member EqualTo(x: Tensor, y: Tensor) : Tensor = equal.Apply(x, y)
    /// Whether elements differ.
    static member NotEqualTo(x: Tensor, y: Tensor) : Tensor = notEqual.Apply(x, y)
    /// Whether x is less than y.
    static member Less(x: Tensor, y: Tensor) : Tensor = less.Apply(x, y)
    /// Whether x is at most y.
    static member LessOrEqual(x: Tensor, y: Tensor) : Tensor = lessOrEqual.Apply(x, y)
    /// Whether x is greater than y.
    static member Greater(x: Tensor, y: Tensor) : Tensor = greater.Apply(x, y)
    /// Whether x is at least y.
    static member GreaterOrEqual(x: Tensor, y: Tensor) : Tensor = greaterOrEqual.Apply(x, y)
    /// Both of two truth values; the bits in both of two integers.
    static member And(x: Tensor, y: Tensor) : Tensor = logicalAnd.Apply(x, y)
    /// Either of two truth values; the bits in either of two integers.
    static member Or(x: Tensor, y: Tensor) : Tensor = logicalOr.Apply(x, y)
    /// One of two truth values but not both; the bits in one of two integers.
    static member Xor(x: Tensor, y: Tensor) : Tensor = logicalXor.Apply(x, y)
    /// The opposite truth value.
    static member Not(x: Tensor) : Tensor = logicalNot.Apply x

    // Functions of each element.

    /// The absolute value; the derivative at 0 is 0.
    static member Abs(x: Tensor) : Tensor = abs.Apply x
    /// The sign: -1, 0 or 1. Its derivative is 0.
    static member Signum(x: Tensor) : Tensor = signum.Apply x
    /// One divided by each element.
    static member Reciprocal(x: Tensor) : Tensor = reciprocal.Apply x
    /// The square.
    static member Square(x: Tensor) : Tensor = square.Apply x
    /// The square root; NaN below 0, and an infinite derivative at 0.
    static member Sqrt(x: Tensor) : Tensor = sqrt.Apply x
    /// One divided by the square root.
    static member Rsqrt(x: Tensor) : Tensor = rsqrt.Apply x
    /// The exponential function.
    static member Exp(x: Tensor) : Tensor = exp.Apply x
    /// exp x - 1, exact near 0.
    static member Expm1(x: Tensor) : Tensor = expm1.Apply x
    /// The natural logarithm; -infinity at 0, NaN below.
    static member Log(x: Tensor) : Tensor = log.Apply x
    /// log (1 + x), exact near 0.
    static member Log1p(x: Tensor) : Tensor = log1p.Apply x
    /// The logarithm to base 10.
    static member Log10(x: Tensor) : Tensor = log.Apply x * (1.0 / Math.Log 10.0)
    /// The sine of an angle in radians.
    static member Sin(x: Tensor) : Tensor = sin.Apply x
    /// The cosine of an angle in radians.
    static member Cos(x: Tensor) : Tensor = cos.Apply x
    /// The tangent of an angle in radians.
    static member Tan(x: Tensor) : Tensor = tan.Apply x
    /// The angle in [-pi/2, pi/2] with this sine; NaN outside [-1, 1].
    static member Asin(x: Tensor) : Tensor = asin.Apply x
    /// The angle in [0, pi] with this cosine; NaN outside [-1, 1].
    static member Acos(x: Tensor) : Tensor = acos.Apply x
    /// The angle in (-pi/2, pi/2) with this tangent.
    static member Atan(x: Tensor) : Tensor = atan.Apply x
    /// The hyperbolic sine.
    static member Sinh(x: Tensor) : Tensor = sinh.Apply x
    /// The hyperbolic cosine.
    static member Cosh(x: Tensor) : Tensor = cosh.Apply x
    /// The hyperbolic tangent.
    static member Tanh(x: Tensor) : Tensor = tanh.Apply x
    /// The logistic function 1 / (1 + exp (-x)).
    static member Sigmoid(x: Tensor) : Tensor = sigmoid.Apply x
    /// max (x, 0); the derivative at 0 is 0.
    static member Relu(x: Tensor) : Tensor = relu.Apply x
    /// log (1 + exp x).
    static member Softplus(x: Tensor) : Tensor = softplus.Apply x
    /// The error function.
    static member Erf(x: Tensor) : Tensor = erf.Apply x
    /// The largest integer not above x; its derivative is 0.
    static member Floor(x: Tensor) : Tensor = floor.Apply x
    /// The smallest integer not below x; its derivative is 0.
    static member Ceiling(x: Tensor) : Tensor = ceiling.Apply x
    /// The nearest integer, the even one at a tie; its derivative is 0.
    static member Round(x: Tensor) : Tensor = round.Apply x
    /// The integer part; its derivative is 0.
    static member Truncate(x: Tensor) : Tensor = truncate.Apply x

    /// The value of a tensor with one element.
    member this.ToDouble() : float =
        if this.Size <> 1 then
            Shape.fail
                "ToDouble"
                $"the tensor has shape {Shape.format shape}, not one element; reduce or index it first."

        match this with
        | :? Concrete as x when x.IsNumber -> x.Number
        | _ -> (Host.toArray<float> this.Array)[0]

    static member private ToNumber(x: Tensor) : float =
        Tensor.NotNull("ToDouble", x)
        x.ToDouble()

    /// The value of a tensor with one element: `float x`.
    static member op_Explicit(x: Tensor) : float = Tensor.ToNumber x
    /// The value of a tensor with one element: `float32 x`.
    static member op_Explicit(x: Tensor) : float32 = float32 (Tensor.ToNumber x)
    /// The value of a tensor with one element: `int x`.
    static member op_Explicit(x: Tensor) : int = int (Tensor.ToNumber x)

    /// The value of the only element of a bool tensor, or a number that is not 0: for `if`.
    static member op_Explicit(x: Tensor) : bool = Tensor.ToNumber x <> 0.0

/// A tensor that holds an array: level 0. One float32 or float64 number of the host is held here itself, and has an array
/// only when one is asked for: functions of such numbers are little more than calls.
[<Sealed; AllowNullLiteral>]
type Concrete =
    inherit Tensor
    val mutable private array: NDArray
    val private bits: int64

    new(array: NDArray) = { inherit Tensor(0L, array.Shape, array.DType); array = array; bits = array.Bits }

    private new(dtype: DType, bits: int64) = { inherit Tensor(0L, Shape.scalar, dtype); array = null; bits = bits }

    /// A float64 number.
    static member internal Of(value: float) = Concrete(DType.Float64, BitConverter.DoubleToInt64Bits value)

    /// A float32 number.
    static member internal Of(value: float32) = Concrete(DType.Float32, int64 (BitConverter.SingleToInt32Bits value))

    override _.Trace = null

    // Two threads may both make the array, and either is right.
    override this.Array =
        if isNull this.array then
            this.array <- NDArray(Cpu.Instance, this.DType, Shape.scalar, null, 0, null, this.bits)

        this.array

    override this.Device = if isNull this.array then Cpu.Instance else this.array.Device

    /// Whether this is one float32 or float64 number of the host.
    member internal this.IsNumber =
        (isNull this.array || this.array.IsInline) && (this.DType = DType.Float64 || this.DType = DType.Float32)

    member private this.Single = BitConverter.Int32BitsToSingle(int32 this.bits)
    member private this.Double = BitConverter.Int64BitsToDouble this.bits

    /// The number.
    member internal this.Number: float = if this.DType = DType.Float64 then this.Double else float this.Single

    /// A function of each element, of a type that the kernel works on.
    member internal this.Unary(kernel: UnaryKernel) : Concrete =
        if not this.IsNumber then Concrete(this.array.Device.Unary(kernel, this.array))
        elif this.DType = DType.Float64 then Concrete.Of(kernel.Invoke this.Double)
        else Concrete.Of(kernel.Invoke this.Single)

    /// A function of the elements of two tensors of one type, which the kernel works on.
    member internal this.Binary(kernel: BinaryKernel, other: Concrete) : Concrete =
        if this.IsNumber && other.IsNumber then
            if this.DType = DType.Float64 then
                Concrete.Of(kernel.Invoke(this.Double, other.Double))
            else
                Concrete.Of(kernel.Invoke(this.Single, other.Single))
        else
            let x, y = this.Array, other.Array
            Tensor.SameDevice(kernel.Name, x, y)
            Concrete(x.Device.Binary(kernel, x, y, Shape.broadcast kernel.Name x.Shape y.Shape))
