namespace Autodiff

open System

/// The floating-point leaves of trees of one structure as one vector. Other leaves are carried apart.
[<Sealed>]
type internal Flat<'a>(tree: 'a, dtype: DType) =
    let template = Tree.leaves tree
    let isFloat = template |> Array.map (fun x -> DTypes.IsFloat x.DType)

    let offsets = Array.zip template isFloat |> Array.scan (fun n (x, isFloat) -> if isFloat then n + x.Size else n) 0

    let pick wanted (leaves: Tensor[]) =
        leaves |> Array.indexed |> Array.choose (fun (i, x) -> if isFloat[i] = wanted then Some x else None)

    let pack (leaves: Tensor[]) =
        match pick true leaves with
        | [||] -> Tensor.Full([| 0 |], 0.0, dtype)
        | floats -> floats |> Array.map (fun x -> reshape [| x.Size |] (Tensor.Cast(x, dtype))) |> concat 0

    let part (vector: Tensor) i =
        let length = template[i].Size
        reshape template[i].Shape (slice [| offsets[i] |] [| length |] [| 1 |] vector)

    let rebuild (other: int -> Tensor) (float: int -> Tensor) =
        Tree.withLeaves tree (Array.init template.Length (fun i -> if isFloat[i] then float i else other i))

    /// The type that holds all floating-point leaves.
    static member WidestType(tree: 'a) : DType =
        if Tree.leaves tree |> Array.exists (fun x -> x.DType = DType.Float64) then
            DType.Float64
        else
            DType.Float32

    /// The number of elements of the vector.
    member _.Size = offsets[template.Length]
    /// The type of the vector.
    member _.DType = dtype
    /// The leaves that are not floating-point numbers.
    member _.Others = pick false template

    /// The vector of a tree, without checks.
    member _.Pack(tree: 'a) : Tensor = pack (Tree.leaves tree)

    /// The vector of a tree that a user's function made: the number of its leaves and their shapes must be those of
    /// the template. Types are converted, unless they must be equal.
    member _.PackChecked(operation: string, what: string, exact: bool, tree: 'a) : Tensor =
        let leaves = Tree.leaves tree

        if leaves.Length <> template.Length then
            Shape.fail operation $"{what} has {leaves.Length} tensors, where {template.Length} are needed."

        for i in 0 .. leaves.Length - 1 do
            let x, expected = leaves[i], template[i]

            if
                isFloat[i]
                && (not (Shape.equal x.Shape expected.Shape)
                    || not (DTypes.IsFloat x.DType)
                    || exact && x.DType <> expected.DType)
            then
                let place = if leaves.Length = 1 then "" else $", tensor {i} of {leaves.Length},"

                Shape.fail
                    operation
                    $"{what}{place} is {DTypes.Name x.DType} of shape {Shape.format x.Shape}, but must be {DTypes.Name expected.DType} of shape {Shape.format expected.Shape}."

        pack leaves

    /// The tree of a vector, with leaves of the types of the template.
    member _.Unpack(vector: Tensor, others: Tensor[]) : 'a =
        let mutable next = -1

        rebuild
            (fun _ ->
                next <- next + 1
                others[next])
            (fun i ->
                let x = part vector i
                if template[i].DType = dtype then x else Tensor.Cast(x, template[i].DType))

    /// The tree of a vector, with the template's other leaves.
    member this.Unpack(vector: Tensor) : 'a = this.Unpack(vector, pick false template)

    /// The tree of a vector, with floating-point leaves of the vector's type.
    member _.UnpackWide(vector: Tensor) : 'a = rebuild (fun i -> template[i]) (part vector)

    /// The tree of a tangent or cotangent: zeros stand where the template has no floating-point numbers.
    member this.UnpackTangent(vector: Tensor) : 'a =
        this.Unpack(vector, pick false template |> Array.map Tensor.ZerosLike)
