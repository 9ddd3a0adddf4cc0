namespace Autodiff

open System.Collections.Generic
open Autodiff.Kernels

/// Where results of equations have the axis along which a program is cut into blocks.
[<RequireQualifiedAccess>]
type internal BlockAxis =
    /// At a place among the axes.
    | At of int
    /// Nowhere: it was summed over, or only the largest or the smallest elements along it are kept.
    | Total of Reduction

/// From how many bytes on the result of a matrix product is not to exist as a whole, and how many bytes of it a block has.
[<Struct>]
type internal BlockSizes = { Least: int64; Block: int64 }

/// Large matrix products of which only functions of their rows, or of their columns, or sums are needed, as in attention,
/// in losses over many classes and in distances between all pairs of points: with these functions they are run block by block
/// along an axis, so that the product lies in the cache and never exists as a whole.
module internal Blocks =
    // A product that the last cache holds is as fast whole. A block fits into it on each thread; smaller ones make
    // more calls, and the products of fewer rows are slower.
    let private standard = { Least = 16L <<< 20; Block = 1L <<< 20 }

    // Longer sums take more time than the memory of their results.
    let private longestSum = 256

    // Products of fewer rows are slow, and of other multiples than whole vectors; blocks of examples may be single ones.
    let private leastRows = 32L
    let private unit = 16L

    // Factors that each block reads as a whole are to stay in the cache: they have at most so many times its bytes.
    let private largestFactor = 8L

    let private bytesOf (t: TensorType) = Shape.size t.Shape * int64 (DTypes.Size t.DType)
    let private isNumber (t: TensorType) = t.DType = DType.Float32 || t.DType = DType.Float64

    let private hasShortSums (product: Equation) =
        let x = product.Inputs[0].Type.Shape
        x[x.Length - 1] <= longestSum

    let private parameter (e: Equation) name : 'p =
        e.Operation.Parameters |> List.find (fst >> (=) name) |> snd |> unbox<'p>

    /// The axis of an operand that becomes an axis of the result it broadcasts to; -1 if it has none.
    let private broadcast (operand: int[]) rank axis =
        let d = axis - (rank - operand.Length)
        if d < 0 || operand[d] = 1 then -1 else d

    /// The axis of a reshaped array of which each entry has the elements of as many entries of an axis before, or the other way
    /// round, if it has a multiple of some number of entries.
    let private reshapedAxis length (from: int[]) (into: int[]) axis =
        let outside = Shape.size from[.. axis - 1]

        seq { 0 .. into.Length - 1 }
        |> Seq.tryFind (fun d -> into[d] % length = 0 && into[d] > 0 && Shape.size into[.. d - 1] = outside)

    /// The axes of the inputs of a product, for an axis of its result.
    let private factorsAt (e: Equation) axis : int[] =
        let x, y = e.Inputs[0].Type.Shape, e.Inputs[1].Type.Shape
        let rank = e.Outputs[0].Type.Shape.Length

        if axis = rank - 2 then [| x.Length - 2; -1 |]
        elif axis = rank - 1 then [| -1; y.Length - 1 |]
        else [| broadcast x rank axis; broadcast y rank axis |]

    /// Where an equation has the axis in its inputs (-1: nowhere) and its result, if it can be computed block by block and has it
    /// at some places in inputs that are computed so; else none.
    let private follow length (e: Equation) (known: int[]) : struct (int[] * BlockAxis) voption =
        let shapes = e.Inputs |> Array.map _.Type.Shape
        let out = e.Outputs[0].Type.Shape
        let i = System.Array.FindIndex(known, (fun axis -> axis >= 0))
        let at = known[i]

        let found (axes: int[]) result =
            if Array.forall2 (fun k axis -> k < 0 || k = axis) known axes then
                ValueSome(struct (axes, result))
            else
                ValueNone

        /// Every input that does not broadcast has it, and so does the result.
        let each () =
            let axis = at + out.Length - shapes[i].Length
            found (shapes |> Array.map (fun s -> broadcast s out.Length axis)) (BlockAxis.At axis)

        let alone result = found [| at |] result

        let reducing (reduction: Reduction voption) (axes: int[]) =
            match reduction with
            | _ when not (Array.contains at axes) -> alone (BlockAxis.At at)
            | ValueSome reduction when isNumber e.Outputs[0].Type -> alone (BlockAxis.Total reduction)
            | _ -> ValueNone

        match e.Operation with
        | :? UnaryPrimitive
        | :? BinaryPrimitive
        | :? ComparePrimitive -> each ()
        | :? Primitive ->
            match e.Operation.Name with
            | "cast"
            | "where" -> each ()
            | "softmax"
            | "logSoftmax"
            | "softmaxGradient"
            | "logSoftmaxGradient" when at < out.Length - 1 -> each ()
            | "logSumExpWeights" when shapes |> Array.forall (fun s -> s[at] <> 1) -> each ()
            | "selectedMean"
            | "selectedMeanTranspose" when not (Array.contains at (parameter e "axes")) ->
                found [| at; at |] (BlockAxis.At at)
            | "gather"
            | "scatterAdd" when at <> parameter e "axis" -> found [| at; at |] (BlockAxis.At at)
            | "max" -> reducing (ValueSome Reduction.Maximum) (parameter e "axes")
            | "min" -> reducing (ValueSome Reduction.Minimum) (parameter e "axes")
            | "any"
            | "all"
            | "logSumExp" -> reducing ValueNone (parameter e "axes")
            | "argmax"
            | "argmin" when at <> parameter e "axis" ->
                alone (BlockAxis.At(if parameter e "axis" < at then at - 1 else at))
            | "sumTo" ->
                let d = at - (shapes[0].Length - out.Length)

                if d >= 0 && out[d] <> 1 then alone (BlockAxis.At d)
                elif isNumber e.Outputs[0].Type then alone (BlockAxis.Total Reduction.Sum)
                else ValueNone
            | "broadcastTo" -> alone (BlockAxis.At(at + out.Length - shapes[0].Length))
            | "transpose" ->
                let order: int[] = parameter e "order"
                alone (BlockAxis.At(System.Array.IndexOf(order, at)))
            | "reshape" ->
                match reshapedAxis length shapes[0] out at with
                | Some axis -> alone (BlockAxis.At axis)
                | None -> ValueNone
            | "matmul" ->
                let fromEnd = shapes[i].Length - at

                if fromEnd = (if i = 0 then 1 else 2) then
                    found [| shapes[0].Length - 1; shapes[1].Length - 2 |] (BlockAxis.Total Reduction.Sum)
                else
                    let axis = out.Length - fromEnd
                    found (factorsAt e axis) (BlockAxis.At axis)
            | _ -> ValueNone
        | _ -> ValueNone

    /// The axes of the inputs of a function of each element, for an axis of its result; none for other equations.
    let private elementsAt (e: Equation) axis : struct (int[] * BlockAxis) voption =
        let isOfElements =
            match e.Operation with
            | :? UnaryPrimitive
            | :? BinaryPrimitive
            | :? ComparePrimitive -> true
            | :? Primitive -> List.contains e.Operation.Name [ "cast"; "where"; "broadcastTo" ]
            | _ -> false

        if isOfElements then
            let rank = e.Outputs[0].Type.Shape.Length
            ValueSome(struct (e.Inputs |> Array.map (fun x -> broadcast x.Type.Shape rank axis), BlockAxis.At axis))
        else
            ValueNone

    /// Equations that run together, each with the axes of its inputs and its result.
    [<Sealed; AllowNullLiteral>]
    type private Region(length: int, members: List<struct (int * int[] * BlockAxis)>, block: int, saved: int64) =
        member _.Length = length
        member _.Members = members
        /// The number of entries of a block.
        member _.Block = block
        /// The bytes that need not be written to memory.
        member _.Saved = saved

    let private resized axis before after (shape: int[]) =
        shape |> Array.mapi (fun d n -> if d = axis then n / before * after else n)

    /// The result of an equation where there are fewer entries along an axis.
    let private bind (e: Equation) (result: BlockAxis) before after (xs: Tensor[]) : Tensor =
        let shape =
            match result with
            | BlockAxis.At axis -> resized axis before after e.Outputs[0].Type.Shape
            | BlockAxis.Total _ -> e.Outputs[0].Type.Shape

        match e.Operation.Name with
        | "sumTo" -> Tensor.SumTo(xs[0], shape)
        | "broadcastTo" -> Tensor.BroadcastTo(xs[0], shape)
        | "reshape" -> Tensor.Reshaped(xs[0], shape)
        | _ -> Tensor.Bind(e.Operation :?> Primitive, xs)

    /// What grows from a product along an axis of its result; null if that saves nothing.
    let private grow (sizes: BlockSizes) (equations: Equation[]) (outputs: Atom[]) seed axis length : Region =
        let product = equations[seed].Outputs[0]
        let shape = product.Type.Shape
        let members = List<struct (int * int[] * BlockAxis)>()
        let axisOf = Dictionary<Variable, BlockAxis>(HashIdentity.Reference)
        // What needs results of all blocks.
        let late = HashSet<Variable>(HashIdentity.Reference)

        let factors = factorsAt equations[seed] axis
        let isLarge (t: TensorType) = bytesOf t >= bytesOf product.Type / 2L

        let axisBefore atom =
            match atom with
            | Atom.Variable v ->
                match axisOf.TryGetValue v with
                | true, BlockAxis.At axis -> axis
                | _ -> -1
            | Atom.Literal _ -> -1

        let isLate atom =
            match atom with
            | Atom.Variable v ->
                late.Contains v
                || (match axisOf.TryGetValue v with
                    | true, BlockAxis.Total _ -> true
                    | _ -> false)
            | Atom.Literal _ -> false

        let readsLarge (e: Equation) = e.Inputs |> Array.exists (fun atom -> axisBefore atom >= 0 && isLarge atom.Type)

        let hasSmallFactors (e: Equation) (axes: int[]) =
            Array.forall2
                (fun (x: Atom) axis -> axis >= 0 || bytesOf x.Type <= largestFactor * sizes.Block)
                e.Inputs
                axes

        /// Whether it is as well to compute an equation in blocks.
        let isWorthIt (e: Equation) axes result =
            match result with
            | BlockAxis.Total _ -> bytesOf e.Outputs[0].Type <= sizes.Block
            | BlockAxis.At _ when e.Operation.Name = "matmul" ->
                hasSmallFactors e axes && (readsLarge e || isLarge e.Outputs[0].Type && hasShortSums e)
            | _ -> true

        let join i axes result =
            members.Add(struct (i, axes, result))
            axisOf.Add(equations[i].Outputs[0], result)

        join seed factors (BlockAxis.At axis)

        for i in seed + 1 .. equations.Length - 1 do
            let e = equations[i]
            let known = Array.map axisBefore e.Inputs

            let joins =
                if
                    Array.exists isLate e.Inputs || e.Outputs.Length > 1 || Array.forall (fun axis -> axis < 0) known
                then
                    ValueNone
                else
                    follow length e known

            match joins with
            | ValueSome(struct (axes, result)) when isWorthIt e axes result -> join i axes result
            | _ ->
                if Array.exists (fun atom -> isLate atom || axisBefore atom >= 0) e.Inputs then
                    late.UnionWith e.Outputs

        // From the last to the first: what reads the large values or is needed for it, and of what comes from outside, large
        // values that nothing else needs and that are functions of elements, which fuse with what reads them. For each variable
        // the axis along which it is read so far; `everywhere` if something else reads it.
        let readAt = Dictionary<Variable, int>(HashIdentity.Reference)
        let needed = HashSet<Variable>(HashIdentity.Reference)
        let everywhere = -2

        let read axis atom =
            match atom with
            | Atom.Variable v ->
                match readAt.TryGetValue v with
                | true, other when other <> axis -> readAt[v] <- everywhere
                | _ -> readAt[v] <- axis
            | Atom.Literal _ -> ()

        Array.iter (read everywhere) outputs
        let candidates = Dictionary<int, struct (int[] * BlockAxis)>()

        for struct (i, axes, result) in members do
            candidates.Add(i, struct (axes, result))

        members.Clear()

        for i = equations.Length - 1 downto 0 do
            let e = equations[i]
            let v = e.Outputs[0]
            let isRead, axis = readAt.TryGetValue v

            let kept =
                match candidates.TryGetValue i with
                | true, found when readsLarge e || needed.Contains v -> ValueSome found
                | true, _ -> ValueNone
                | _ when isRead && axis >= 0 && e.Outputs.Length = 1 && 8L * bytesOf v.Type >= bytesOf product.Type ->
                    elementsAt e axis
                | _ -> ValueNone

            match kept with
            | ValueSome(struct (axes, result)) ->
                members.Add(struct (i, axes, result))
                Array.iter2 read axes e.Inputs

                for atom in e.Inputs do
                    match atom with
                    | Atom.Variable v -> needed.Add v |> ignore
                    | Atom.Literal _ -> ()
            | ValueNone -> Array.iter (read everywhere) e.Inputs

        members.Reverse()

        let mutable saved = 0L
        let mutable widest = 1L

        for struct (i, _, result) in members do
            let e = equations[i]
            let v = e.Outputs[0]

            match result with
            | BlockAxis.At axis ->
                let isOutside = readAt[v] = everywhere

                if isOutside then
                    saved <- saved - bytesOf v.Type
                elif e.Operation.Name = "matmul" && isLarge v.Type then
                    saved <- saved + bytesOf v.Type

                widest <- max widest (bytesOf v.Type / int64 length)
            | _ -> ()

        let rows = sizes.Block / widest
        let isExamples = axis < shape.Length - 2 || length < shape[axis]

        let block =
            if isExamples then max 1L rows
            elif rows >= unit then rows / unit * unit
            else 0L

        if
            saved >= bytesOf product.Type / 2L
            && hasSmallFactors equations[seed] factors
            && (isExamples || block >= leastRows)
            && int64 length >= 2L * block
        then
            Region(length, members, int block, saved)
        else
            null

    /// The equation of a region, and those that it takes the place of.
    let rec private join
        sizes
        (equations: Equation[])
        (outputs: Atom[])
        (region: Region)
        : struct (Equation * HashSet<int>) =
        let members = region.Members
        let indices = HashSet<int>(members |> Seq.map (fun (struct (i, _, _)) -> i))
        let own = HashSet<Variable>(HashIdentity.Reference)
        own.UnionWith(indices |> Seq.map (fun i -> equations[i].Outputs[0]))
        let outside = HashSet<Variable>(HashIdentity.Reference)

        let need atom =
            match atom with
            | Atom.Variable v when own.Contains v -> outside.Add v |> ignore
            | _ -> ()

        Array.iter need outputs
        equations
        |> Array.iteri (fun i e ->
            if not (indices.Contains i) then
                Array.iter need e.Inputs)

        let uniforms = Dictionary<Atom, float voption>(HashIdentity.Structural)

        let uniform atom =
            match uniforms.TryGetValue atom with
            | true, found -> found
            | _ ->
                // What lies in memory as a whole is not searched.
                let isLarge = bytesOf atom.Type > sizes.Block

                let found =
                    match atom with
                    | Atom.Literal x when isLarge && x.Array.IsContiguous -> ValueNone
                    | _ -> Simplify.uniform atom

                uniforms.Add(atom, found)
                found

        // What comes from outside, whole or along an axis.
        let wholes, slices = List<Variable>(), List<struct (Atom * int)>()

        for struct (i, axes, _) in members do
            Array.iter2
                (fun atom axis ->
                    match atom with
                    | Atom.Variable v when own.Contains v -> ()
                    | Atom.Variable v when axis < 0 ->
                        if not (wholes.Contains v) then
                            wholes.Add v
                    | Atom.Literal _ when axis < 0 || (uniform atom).IsSome -> ()
                    | _ ->
                        if not (slices.Contains(struct (atom, axis))) then
                            slices.Add(struct (atom, axis)))
                equations[i].Inputs
                axes

        let totals =
            [| for struct (i, _, result) in members do
                   match result with
                   | BlockAxis.Total reduction when outside.Contains equations[i].Outputs[0] ->
                       struct (equations[i].Outputs[0], reduction)
                   | _ -> () |]

        let blocked =
            [| for struct (i, _, result) in members do
                   match result with
                   | BlockAxis.At axis when outside.Contains equations[i].Outputs[0] ->
                       struct (equations[i].Outputs[0], axis)
                   | _ -> () |]

        let results =
            Array.append
                (totals |> Array.map (fun (struct (v, _)) -> v))
                (blocked |> Array.map (fun (struct (v, _)) -> v))

        let blockType axis length (t: TensorType) = { t with Shape = resized axis region.Length length t.Shape }

        let programOf length =
            let body (xs: Tensor[]) =
                let values = Dictionary<Variable, Tensor>(HashIdentity.Reference)

                let read (atom: Atom) axis =
                    match atom with
                    | Atom.Variable v when own.Contains v -> values[v]
                    | Atom.Variable v when axis < 0 -> xs[wholes.IndexOf v]
                    | Atom.Literal x when axis < 0 -> x
                    | _ ->
                        match slices.IndexOf(struct (atom, axis)), atom with
                        | -1, Atom.Literal x ->
                            let value = Tensor.ScalarOf(x, (uniform atom).Value)
                            Tensor.BroadcastTo(value, (blockType axis length atom.Type).Shape)
                        | k, _ -> xs[wholes.Count + k]

                for struct (i, axes, result) in members do
                    let e = equations[i]
                    values.Add(e.Outputs[0], bind e result region.Length length (Array.map2 read e.Inputs axes))

                results |> Array.map (fun v -> values[v])

            [| for v in wholes -> v.Type
               for struct (atom, axis) in slices -> blockType axis length atom.Type |]
            |> Stage.closed Cpu.Instance body
            |> Simplify.run
            |> runWith { sizes with Least = 2L * sizes.Block }
            |> Fuse.run

        let rest = region.Length % region.Block

        let primitive =
            BlocksPrimitive(
                programOf region.Block,
                (if rest = 0 then null else programOf rest),
                { Length = region.Length
                  Block = region.Block
                  Wholes = wholes.Count
                  Slices = [| for struct (_, axis) in slices -> axis |]
                  Totals = totals |> Array.map (fun (struct (_, reduction)) -> reduction)
                  Outputs = blocked |> Array.map (fun (struct (_, axis)) -> axis) }
            )

        let inputs =
            [| for v in wholes do
                   Atom.Variable v
               for struct (atom, _) in slices do
                   atom |]

        struct (Equation(primitive, inputs, results), indices)

    /// The same program with a region that grows from a product as one equation; null if there is none that is worth it.
    and private tryJoin sizes (equations: Equation[]) (outputs: Atom[]) seed : Equation[] =
        let shape = equations[seed].Outputs[0].Type.Shape

        // Rows of a product are often those of many examples, into which it is split.
        let splits axis =
            equations
            |> Seq.filter (fun e ->
                e.Operation.Name = "reshape" && e.Inputs[0] = Atom.Variable equations[seed].Outputs[0])
            |> Seq.map (fun e -> e.Outputs[0].Type.Shape)
            |> Seq.collect (fun into ->
                let outside = Shape.size shape[.. axis - 1]
                into |> Seq.indexed |> Seq.filter (fun (d, _) -> Shape.size into[.. d - 1] = outside) |> Seq.map snd)
            |> Seq.filter (fun n -> n > 1 && n < shape[axis] && shape[axis] % n = 0)

        let growAlong axis =
            if shape[axis] > 1 then
                Seq.append [ shape[axis] ] (splits axis)
                |> Seq.map (grow sizes equations outputs seed axis)
                |> Seq.tryFind (fun region -> not (isNull region))
                |> Option.toObj
            else
                null

        // Examples one after another, if each fits; else parts of each.
        let examples = seq { 0 .. shape.Length - 3 } |> Seq.map growAlong |> Seq.filter (fun r -> not (isNull r))

        // Rows rather than columns, whose blocks have short rows.
        let parts =
            match growAlong (shape.Length - 2), growAlong (shape.Length - 1) with
            | null, null -> []
            | rows, null -> [ rows ]
            | null, columns -> [ columns ]
            | rows, columns when 4L * columns.Saved > 5L * rows.Saved -> [ columns; rows ]
            | rows, columns -> [ rows; columns ]

        // A block that is large itself, as one example can be, has to be run in blocks in turn.
        let isSmall (region: Region) (joined: Equation) =
            let program: Program = parameter joined "program"

            bytesOf equations[seed].Outputs[0].Type / int64 region.Length * int64 region.Block < sizes.Least
            || program.Equations |> Array.exists (fun e -> e.Operation :? BlocksPrimitive)

        Seq.append examples parts
        |> Seq.tryPick (fun region ->
            let struct (joined, members) = join sizes equations outputs region

            if not (isSmall region joined) then
                None
            else
                // What needs the region comes after it, all else before.
                let late = HashSet<Variable>(joined.Outputs, HashIdentity.Reference)
                let isLate atom =
                    match atom with
                    | Atom.Variable v -> late.Contains v
                    | Atom.Literal _ -> false

                let before, after = List<Equation>(), List<Equation>()

                for i in 0 .. equations.Length - 1 do
                    if not (members.Contains i) then
                        if Array.exists isLate equations[i].Inputs then
                            late.UnionWith equations[i].Outputs
                            after.Add equations[i]
                        else
                            before.Add equations[i]

                Some(Array.concat [ before.ToArray(); [| joined |]; after.ToArray() ]))
        |> Option.toObj

    /// The same program with large products, and what uses them, run block by block.
    and runWith (sizes: BlockSizes) (program: Program) : Program =
        let isSeed (e: Equation) =
            e.Operation.Name = "matmul"
            && e.Operation :? Primitive
            && isNumber e.Outputs[0].Type
            && bytesOf e.Outputs[0].Type >= sizes.Least
            && hasShortSums e

        let mutable equations = program.Equations

        for e in program.Equations do
            if isSeed e then
                let seed = System.Array.IndexOf(equations, e)

                if seed >= 0 then
                    match tryJoin sizes equations program.Outputs seed with
                    | null -> ()
                    | joined -> equations <- joined

        if obj.ReferenceEquals(equations, program.Equations) then
            program
        else
            Program.Of(program.Inputs, equations, program.Outputs)

    /// The same program with large products, and what uses them, run block by block.
    let run (program: Program) : Program = runWith standard program
