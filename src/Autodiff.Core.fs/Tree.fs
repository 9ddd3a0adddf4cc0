namespace Autodiff

open System
open System.Collections
open System.Collections.Concurrent
open System.Collections.Generic
open System.Collections.Immutable
open System.Linq.Expressions
open System.Reflection
open Microsoft.FSharp.Reflection

/// A type of one's own that is a tree of tensors: what the transforms need to take it apart and put it together.
type ITree =
    /// The tensors, in an order that does not change.
    abstract Leaves: IReadOnlyList<Tensor>
    /// What the tree holds besides tensors, such as their names: equal (by Equals) for trees of one structure.
    abstract Structure: obj
    /// The same structure with other tensors.
    abstract WithLeaves: leaves: IReadOnlyList<Tensor> -> ITree

/// A tree of one's own that names its tensors, for messages.
type INamedTree =
    inherit ITree
    /// The names of the tensors, in the order of the leaves.
    abstract Names: IReadOnlyList<string>

/// How one type is taken apart and put together. What holds no tensors is carried over as it is.
[<AbstractClass>]
type internal TreeCodec() =
    abstract Collect: value: obj * leaves: List<Tensor> -> unit
    abstract Rebuild: value: obj * leaves: Tensor[] * position: byref<int> -> obj
    /// What the value holds besides tensors, and where they are: equal for trees of one structure.
    abstract Describe: value: obj * parts: List<obj> -> unit

    /// The number of tensors of a type that holds nothing else: a value with so many has the structure that all of these
    /// have. -1 for other types.
    abstract FixedLeaves: int
    default _.FixedLeaves = -1

    /// The places of the leaves, each after the place of the value itself.
    abstract Name: value: obj * place: string * names: List<string> -> unit

module internal TreePlaces =
    /// The place of a part: `layers[0].weight`.
    let inside (place: string) (part: string) =
        if place = "" || part = "" || part[0] = '[' then place + part else $"{place}.{part}"

    /// An item of a known type.
    let itemOf<'item> (value: obj) : 'item =
        match value with
        | null -> Unchecked.defaultof<'item>
        | value -> unbox<'item> value

/// Arrays of one dimension. Typed, so that nothing is looked up when they are walked.
[<Sealed>]
type internal ArrayCodec<'item>(part: Lazy<TreeCodec>) =
    inherit TreeCodec()

    override _.Collect(value, leaves) =
        for item in value :?> 'item[] do
            part.Value.Collect(box item, leaves)

    override _.Describe(value, parts) =
        parts.Add (value :?> 'item[]).Length

        for item in value :?> 'item[] do
            part.Value.Describe(box item, parts)

    override _.Name(value, place, names) =
        value :?> 'item[]
        |> Array.iteri (fun i item -> part.Value.Name(box item, TreePlaces.inside place $"[{i}]", names))

    override _.Rebuild(value, leaves, position) =
        let source = value :?> 'item[]
        let result = Array.zeroCreate source.Length

        for i in 0 .. source.Length - 1 do
            result[i] <- TreePlaces.itemOf<'item>(part.Value.Rebuild(box source[i], leaves, &position))

        box result

/// What lists are rebuilt as.
type internal ListKind =
    | FSharpList
    | MutableList
    | Immutable
    /// For fields that are an interface of lists, whatever stands behind it.
    | AnyList

/// Lists of F# and .NET.
[<Sealed>]
type internal ListCodec<'item>(kind: ListKind, part: Lazy<TreeCodec>) =
    inherit TreeCodec()

    override _.Collect(value, leaves) =
        for item in value :?> 'item seq do
            part.Value.Collect(box item, leaves)

    override _.Describe(value, parts) =
        for item in value :?> 'item seq do
            part.Value.Describe(box item, parts)

        parts.Add typeof<IEnumerable>

    override _.Name(value, place, names) =
        value :?> 'item seq
        |> Seq.iteri (fun i item -> part.Value.Name(box item, TreePlaces.inside place $"[{i}]", names))

    override _.Rebuild(value, leaves, position) =
        let items = Seq.toArray (value :?> 'item seq)

        for i in 0 .. items.Length - 1 do
            items[i] <- TreePlaces.itemOf<'item>(part.Value.Rebuild(box items[i], leaves, &position))

        match kind with
        | FSharpList -> box (List.ofArray items)
        | MutableList -> box (List<'item> items)
        | Immutable -> box (ImmutableArray.Create<'item> items)
        | AnyList -> box items

/// A part that may be null, such as a layer's bias or F#'s None: it has no leaves then, and stays null.
[<Sealed>]
type internal OptionalCodec(part: TreeCodec) =
    inherit TreeCodec()

    override _.Collect(value, leaves) =
        if not (isNull value) then
            part.Collect(value, leaves)

    override _.Describe(value, parts) = if isNull value then parts.Add null else part.Describe(value, parts)

    override _.FixedLeaves = part.FixedLeaves

    override _.Name(value, place, names) =
        if not (isNull value) then
            part.Name(value, place, names)

    override _.Rebuild(value, leaves, position) = if isNull value then null else part.Rebuild(value, leaves, &position)

module internal TreeCodecs =
    let private codecs = ConcurrentDictionary<Type, TreeCodec>()

    let private listKinds =
        dict
            [ typedefof<List<_>>, MutableList
              typedefof<ImmutableArray<_>>, Immutable
              typedefof<IReadOnlyList<_>>, AnyList
              typedefof<IReadOnlyCollection<_>>, AnyList
              typedefof<IList<_>>, AnyList
              typedefof<ICollection<_>>, AnyList
              typedefof<IEnumerable<_>>, AnyList ]

    let private mapTypes =
        [| typedefof<Map<_, _>>
           typedefof<Dictionary<_, _>>
           typedefof<IReadOnlyDictionary<_, _>>
           typedefof<IDictionary<_, _>> |]

    let private need count (leaves: Tensor[]) position =
        if position + count > leaves.Length then
            Shape.fail "tree" $"{leaves.Length} tensors are too few: the tree has at least {position + count}."

    let private leaf =
        { new TreeCodec() with
            member _.Collect(value, leaves) = leaves.Add(value :?> Tensor)
            member _.Describe(_, parts) = parts.Add(typeof<Tensor>)
            member _.FixedLeaves = 1
            member _.Name(_, place, names) = names.Add place

            member _.Rebuild(_, leaves, position) =
                need 1 leaves position
                let x = leaves[position]
                position <- position + 1
                x }

    let private constant =
        { new TreeCodec() with
            member _.Collect(_, _) = ()
            member _.Describe(value, parts) = parts.Add value
            member _.Name(_, _, _) = ()
            member _.Rebuild(value, _, _) = value }

    /// A key is a leaf as tensors are, so that compiled and batched functions take it as an argument.
    let private key =
        { new TreeCodec() with
            member _.Collect(value, leaves) = leaves.Add (value :?> Key).Tensor
            member _.Describe(_, parts) = parts.Add typeof<Key>
            member _.Name(_, place, names) = names.Add place

            member _.Rebuild(_, leaves, position) =
                need 1 leaves position
                let x = leaves[position]
                position <- position + 1
                Key.OfTensor x }

    let private user =
        { new TreeCodec() with
            member _.Collect(value, leaves) = leaves.AddRange (value :?> ITree).Leaves
            member _.Describe(value, parts) = parts.Add (value :?> ITree).Structure

            member _.Name(value, place, names) =
                match value with
                | :? INamedTree as tree -> names.AddRange(tree.Names |> Seq.map (TreePlaces.inside place))
                | _ ->
                    for i in 0 .. (value :?> ITree).Leaves.Count - 1 do
                        names.Add(TreePlaces.inside place $"[{i}]")

            member _.Rebuild(value, leaves, position) =
                let tree = value :?> ITree
                let count = tree.Leaves.Count
                need count leaves position
                let part = ArraySegment<Tensor>(leaves, position, count)
                position <- position + count
                tree.WithLeaves part }

    /// Looks at the value's own type: for fields of interface, base or object type.
    /// What a value is says how it is taken apart; a bare object holds nothing.
    let rec private codecOf (value: obj) : TreeCodec =
        let t = value.GetType()
        if t = typeof<obj> then constant else codecFor t

    and private dynamic () =
        { new TreeCodec() with
            member _.Collect(value, leaves) = (codecOf value).Collect(value, leaves)

            member _.Describe(value, parts) =
                parts.Add(value.GetType())
                (codecOf value).Describe(value, parts)

            member _.Name(value, place, names) = (codecOf value).Name(value, place, names)
            member _.Rebuild(value, leaves, position) = (codecOf value).Rebuild(value, leaves, &position) }

    /// A value with a fixed number of parts.
    and private product (fields: (string * Type)[]) (take: obj -> obj[]) (make: obj -> obj[] -> obj) =
        // Built on first use, so that types may refer to themselves.
        let parts = lazy (fields |> Array.map (snd >> codecFor))
        let leaves = ref -2

        { new TreeCodec() with

            member _.Collect(value, leaves) =
                let values = take value
                let parts = parts.Value

                for i in 0 .. parts.Length - 1 do
                    parts[i].Collect(values[i], leaves)

            member _.Describe(value, found) =
                let values = take value
                let parts = parts.Value

                for i in 0 .. parts.Length - 1 do
                    parts[i].Describe(values[i], found)

            member _.FixedLeaves =
                if leaves.Value = -2 then
                    // A type that refers to itself finds this, and is not fixed.
                    leaves.Value <- -1
                    let counts = parts.Value |> Array.map _.FixedLeaves
                    leaves.Value <- if Array.contains -1 counts then -1 else Array.sum counts

                leaves.Value

            member _.Name(value, place, names) =
                let values = take value

                for i in 0 .. values.Length - 1 do
                    parts.Value[i].Name(values[i], TreePlaces.inside place (fst fields[i]), names)

            member _.Rebuild(value, leaves, position) =
                let values = take value
                let parts = parts.Value

                for i in 0 .. parts.Length - 1 do
                    values[i] <- parts[i].Rebuild(values[i], leaves, &position)

                make value values }

    and private array (element: Type) =
        Activator.CreateInstance(typedefof<ArrayCodec<int>>.MakeGenericType element, lazy (codecFor element))
        :?> TreeCodec

    and private list (kind: ListKind) (element: Type) =
        Activator.CreateInstance(typedefof<ListCodec<int>>.MakeGenericType element, kind, lazy (codecFor element))
        :?> TreeCodec

    /// F# maps and dictionaries, walked in the order of their keys.
    and private map (mapType: Type) (key: Type) (element: Type) =
        let part = lazy (codecFor element)
        let pair = typedefof<KeyValuePair<_, _>>.MakeGenericType(key, element)
        let keyOf, valueOf = pair.GetProperty "Key", pair.GetProperty "Value"

        let entries (value: obj) =
            (value :?> IEnumerable)
            |> Seq.cast<obj>
            |> Seq.map (fun entry -> struct (keyOf.GetValue entry, valueOf.GetValue entry))
            |> Seq.toArray
            |> Array.sortWith (fun (struct (a, _)) (struct (b, _)) -> Comparer.DefaultInvariant.Compare(a, b))

        let isFSharpMap = mapType.GetGenericTypeDefinition() = typedefof<Map<int, int>>

        { new TreeCodec() with

            member _.Collect(value, leaves) =
                for struct (_, item) in entries value do
                    part.Value.Collect(item, leaves)

            member _.Describe(value, parts) =
                for struct (k, item) in entries value do
                    parts.Add k
                    part.Value.Describe(item, parts)

                parts.Add typeof<IDictionary>

            member _.Name(value, place, names) =
                for struct (k, item) in entries value do
                    part.Value.Name(item, TreePlaces.inside place $"[{k}]", names)

            member _.Rebuild(value, leaves, position) =
                let source = entries value

                if isFSharpMap then
                    let tuple = typedefof<Tuple<_, _>>.MakeGenericType(key, element)
                    let items = Array.CreateInstance(tuple, source.Length)

                    for i in 0 .. source.Length - 1 do
                        let struct (k, v) = source[i]
                        items.SetValue(Activator.CreateInstance(tuple, k, part.Value.Rebuild(v, leaves, &position)), i)

                    Activator.CreateInstance(mapType, items :> obj)
                else
                    let result =
                        Activator.CreateInstance(typedefof<Dictionary<_, _>>.MakeGenericType(key, element))
                        :?> IDictionary

                    for struct (k, v) in source do
                        result.Add(k, part.Value.Rebuild(v, leaves, &position))

                    result }

    /// F# unions, options included: each case is a product.
    and private union (unionType: Type) =
        let cases =
            FSharpType.GetUnionCases(unionType, true)
            |> Array.map (fun case ->
                let make = FSharpValue.PreComputeUnionConstructor(case, true)
                let fields = case.GetFields()
                // A single field, such as an option's, is not worth a name.
                let name (p: PropertyInfo) = if fields.Length = 1 then "" else p.Name

                product
                    (fields |> Array.map (fun p -> name p, p.PropertyType))
                    (FSharpValue.PreComputeUnionReader(case, true))
                    (fun _ values -> make values))

        let tag = FSharpValue.PreComputeUnionTagReader(unionType, true)

        { new TreeCodec() with
            member _.Collect(value, leaves) = cases[tag value].Collect(value, leaves)

            member _.Describe(value, parts) =
                parts.Add(tag value)
                cases[tag value].Describe(value, parts)

            member _.Name(value, place, names) = cases[tag value].Name(value, place, names)
            member _.Rebuild(value, leaves, position) = cases[tag value].Rebuild(value, leaves, &position) }

    /// C# records and structures: copied, and their properties and fields set.
    and private csharpRecord (recordType: Type) (clone: MethodInfo) =
        let isSettable, fixedOnes =
            TreeAccess.members recordType
            |> Array.partition (fun (m, _) ->
                match m with
                | :? PropertyInfo as p -> p.CanWrite
                | m -> not (m :?> FieldInfo).IsInitOnly)

        // A property that is computed from others is none of the parts; one that is stored but cannot be set would be lost.
        for m, kind in fixedOnes do
            let isStored =
                m :? FieldInfo
                || not (
                    isNull (
                        m.DeclaringType.GetField(
                            $"<{m.Name}>k__BackingField",
                            BindingFlags.NonPublic ||| BindingFlags.Instance
                        )
                    )
                )

            if isStored && TreeAccess.holdsTensors kind then
                Shape.fail
                    "tree"
                    $"{recordType.Name}.{m.Name} holds tensors, but cannot be set; give it an init accessor."

        let parts = isSettable |> Array.map fst
        let write = TreeAccess.writer recordType parts
        let source = Expression.Parameter typeof<obj>

        let copied: Expression =
            if recordType.IsValueType then
                Expression.Unbox(source, recordType)
            else
                Expression.Call(Expression.Convert(source, recordType), clone)

        let copy = Expression.Lambda<Func<obj, obj>>(Expression.Convert(copied, typeof<obj>), source).Compile()

        product
            (isSettable |> Array.map (fun (m, kind) -> m.Name, kind))
            (TreeAccess.reader recordType parts)
            (fun value values ->
                let result = copy.Invoke value
                write result values
                result)

    and private build (t: Type) : TreeCodec =
        let generic = if t.IsGenericType then t.GetGenericTypeDefinition() else typeof<unit>
        let clone = t.GetMethod("<Clone>$")

        if typeof<Tensor>.IsAssignableFrom t then
            leaf
        elif typeof<ITree>.IsAssignableFrom t then
            user
        elif t = typeof<Key> then
            key
        elif t.IsPrimitive || t.IsEnum || t = typeof<string> || t = typeof<decimal> || TreeAccess.isFunction t then
            constant
        elif t.IsArray then
            let element = t.GetElementType()

            // What cannot hold tensors is carried along whole.
            if obj.ReferenceEquals(codecFor element, constant) then
                constant
            elif t.GetArrayRank() > 1 then
                Shape.fail "tree" $"{t.Name} has more than one axis; make it an array of arrays."
            else
                array element
        elif generic = typedefof<list<_>> then
            list FSharpList t.GenericTypeArguments[0]
        elif listKinds.ContainsKey generic then
            let element = t.GenericTypeArguments[0]

            if obj.ReferenceEquals(codecFor element, constant) then
                constant
            else
                list listKinds[generic] element
        elif Array.contains generic mapTypes then
            map t t.GenericTypeArguments[0] t.GenericTypeArguments[1]
        elif FSharpType.IsTuple t then
            let items = FSharpType.GetTupleElements t |> Array.mapi (fun i element -> $"Item{i + 1}", element)

            // Longer ones are tuples in tuples.
            let read, make =
                if items.Length <= 7 then
                    let part (name, _) = if t.IsValueType then t.GetField name :> MemberInfo else t.GetProperty name

                    TreeAccess.reader t (Array.map part items), TreeAccess.maker (t.GetConstructors()[0])
                else
                    FSharpValue.PreComputeTupleReader t, FSharpValue.PreComputeTupleConstructor t

            product items read (fun _ values -> make values)
        elif FSharpType.IsRecord(t, true) then
            let make = TreeAccess.maker (FSharpValue.PreComputeRecordConstructorInfo(t, true))
            let fields = FSharpType.GetRecordFields(t, true)

            product
                (fields |> Array.map (fun p -> p.Name, p.PropertyType))
                (TreeAccess.reader t (Array.map (fun p -> p :> MemberInfo) fields))
                (fun _ values -> make values)
        elif FSharpType.IsUnion(t, true) then
            union t
        elif not (isNull clone) then
            csharpRecord t clone
        elif t = typeof<obj> || t.IsInterface || t.IsAbstract then
            dynamic ()
        elif TreeAccess.holdsTensors t then
            let canBeSet (m: MemberInfo, kind) =
                TreeAccess.holdsTensors kind
                && match m with
                   | :? PropertyInfo as p -> p.CanWrite
                   | m -> not (m :?> FieldInfo).IsInitOnly

            if t.IsValueType && Array.exists canBeSet (TreeAccess.members t) then
                csharpRecord t null
            else
                Shape.fail
                    "tree"
                    $"{t.Name} holds tensors but is neither a record, structure, tuple, list, array nor map that trees know; make it a record, a List or a Dictionary, or implement ITree."
        else
            constant

    and codecFor (t: Type) : TreeCodec =
        match codecs.TryGetValue t with
        | true, codec -> codec
        | _ ->
            let codec = build t
            let isPlain = t.IsValueType || obj.ReferenceEquals(codec, constant)
            codecs.GetOrAdd(t, (if isPlain then codec else OptionalCodec codec))

/// Trees: records, structures, tuples, lists, arrays, maps, options and unions of tensors, nested as one likes, of F# and C#.
/// Parts that are not tensors (numbers, text) and those that are null are carried along unchanged.
[<RequireQualifiedAccess>]
module Tree =
    let private isWhole (xs: Tensor[]) = not (Array.exists isNull xs)

    /// The tensors of a tree, in the order of its fields (of a map, of its keys).
    let leaves (tree: 'a) : Tensor[] =
        match box tree with
        | :? Tensor as x -> [| x |]
        | :? (Tensor[]) as xs when isWhole xs -> Array.copy xs
        | value ->
            let found = List<Tensor>()
            (TreeCodecs.codecFor typeof<'a>).Collect(value, found)
            found.ToArray()

    /// What a tree holds besides tensors, and where these are: equal, part by part, for trees of one structure.
    let internal structure (tree: 'a) : obj[] =
        match box tree with
        | :? Tensor -> Array.empty
        | :? (Tensor[]) as xs when isWhole xs -> [| xs.Length |]
        | value ->
            let parts = List<obj>()
            (TreeCodecs.codecFor typeof<'a>).Describe(value, parts)
            parts.ToArray()

    /// The number of tensors of trees of a type that holds nothing else; -1 for other types.
    let internal fixedLeaves<'a> () : int = (TreeCodecs.codecFor typeof<'a>).FixedLeaves

    /// The place of each tensor of a tree, in the order of the leaves: `layers[0].weight`, `Item2`, and the empty text
    /// where the tree is one tensor.
    let names (tree: 'a) : string[] =
        let found = List<string>()
        (TreeCodecs.codecFor typeof<'a>).Name(box tree, "", found)
        found.ToArray()

    /// The same structure with other tensors at its leaves.
    let withLeaves (tree: 'a) (leaves: Tensor[]) : 'a =
        match box tree with
        | :? Tensor when leaves.Length = 1 -> unbox<'a>(box leaves[0])
        | :? (Tensor[]) as xs when xs.Length = leaves.Length -> unbox<'a>(box (Array.copy leaves))
        | value ->
            let mutable position = 0
            let result = (TreeCodecs.codecFor typeof<'a>).Rebuild(value, leaves, &position)

            if position <> leaves.Length then
                Shape.fail "tree" $"{leaves.Length} tensors do not fit a {typeof<'a>.Name} with {position} leaves."

            unbox<'a> result

    /// Applies a function to each tensor.
    let map (f: Tensor -> Tensor) (tree: 'a) : 'a = withLeaves tree (Array.map f (leaves tree))

    /// Applies a function to the tensors at the same places of two trees of one structure.
    let map2 (f: Tensor -> Tensor -> Tensor) (a: 'a) (b: 'a) : 'a =
        let xs, ys = leaves a, leaves b

        if xs.Length <> ys.Length then
            Shape.fail "Tree.map2" $"the trees have {xs.Length} and {ys.Length} tensors."

        withLeaves a (Array.map2 f xs ys)

    /// Applies a function to the tensors at the same places of three trees of one structure.
    let map3 (f: Tensor -> Tensor -> Tensor -> Tensor) (a: 'a) (b: 'a) (c: 'a) : 'a =
        let xs, ys, zs = leaves a, leaves b, leaves c

        if xs.Length <> ys.Length || xs.Length <> zs.Length then
            Shape.fail "Tree.map3" $"the trees have {xs.Length}, {ys.Length} and {zs.Length} tensors."

        withLeaves a (Array.map3 f xs ys zs)
