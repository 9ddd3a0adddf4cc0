namespace Autodiff

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Reflection

/// Programs that compute the same with less: equal equations once, and equations that do nothing not at all.
module internal Simplify =
    let private fieldsOf = ConcurrentDictionary<Type, FieldInfo[]>()

    /// What an operation holds, from its first class to its last: two of one class that hold equal things are the same.
    let private fields (t: Type) =
        fieldsOf.GetOrAdd(
            t,
            fun t ->
                let flags =
                    BindingFlags.Instance
                    ||| BindingFlags.Public
                    ||| BindingFlags.NonPublic
                    ||| BindingFlags.DeclaredOnly

                t
                |> Array.unfold (fun t -> if isNull t then None else Some(t.GetFields flags, t.BaseType))
                |> Array.concat
        )

    /// The one number that all elements of a constant are, if they are.
    let uniform (atom: Atom) : float voption =
        match atom with
        | Atom.Literal x when DTypes.IsFloat x.DType && x.Size > 0 ->
            let array = x.Array
            let first = (Concrete(array.View(Shape.scalar, null, array.Offset))).ToDouble()
            let isSpread = not array.IsContiguous && Array.forall2 (fun s n -> s = 0 || n = 1) array.Strides array.Shape
            let isFirst (value: float) = BitConverter.DoubleToInt64Bits value = BitConverter.DoubleToInt64Bits first
            if isSpread || Array.forall isFirst (Host.toArray<float> array) then
                ValueSome first
            else
                ValueNone
        | _ -> ValueNone

    let private sameType (a: TensorType) (b: TensorType) = a.DType = b.DType && Shape.equal a.Shape b.Shape

    /// What an equation's only output equals, if it is one of its inputs.
    let private identity (equation: Equation) : Atom voption =
        let inputs = equation.Inputs
        let out = equation.Outputs[0].Type
        let keeps (atom: Atom) = sameType atom.Type out

        match equation.Operation.Name with
        | "stopGradient" -> ValueSome inputs[0]
        | "multiply" when uniform inputs[1] = ValueSome 1.0 && keeps inputs[0] -> ValueSome inputs[0]
        | "multiply" when uniform inputs[0] = ValueSome 1.0 && keeps inputs[1] -> ValueSome inputs[1]
        | "divide" when uniform inputs[1] = ValueSome 1.0 && keeps inputs[0] -> ValueSome inputs[0]
        | "subtract" when uniform inputs[1] = ValueSome 0.0 && keeps inputs[0] -> ValueSome inputs[0]
        | _ -> ValueNone

    /// Constants of more elements are not worth keeping.
    let private largestConstant = 1L <<< 16

    /// The value of an equation of constants, if it is small. What is an error stays one for the run.
    let private folded (equation: Equation) : Atom voption =
        let constants =
            equation.Inputs
            |> Array.choose (fun atom ->
                match atom with
                | Atom.Literal x -> Some x.Array
                | Atom.Variable _ -> None)

        let out = equation.Outputs[0].Type

        match equation.Operation with
        | :? Primitive as primitive when
            constants.Length > 0 && constants.Length = equation.Inputs.Length && Shape.size out.Shape <= largestConstant
            ->
            try
                ValueSome(Atom.Literal(Concrete(primitive.Value(constants, out))))
            with _ ->
                ValueNone
        | _ -> ValueNone

    /// Equal equations once, those of constants not at all, without identities, and with a chain of reshapes as one. The
    /// result is to be run, not to be differentiated: stopGradient is an identity.
    let run (program: Program) : Program =
        let renamed = Dictionary<Variable, Atom>(HashIdentity.Reference)
        let defined = Dictionary<Variable, Equation>(HashIdentity.Reference)
        let seen = Dictionary<string, Equation>()
        let things = Dictionary<obj, int>()
        let kept = List<Equation>()

        let rename atom =
            match atom with
            | Atom.Variable v ->
                match renamed.TryGetValue v with
                | true, other -> other
                | _ -> atom
            | literal -> literal

        /// A text that equal things share: numbers and shapes by value, functions and tensors by identity.
        let nameOf (value: obj) =
            match value with
            | null -> "null"
            | :? (int[]) as numbers -> String.Join(",", numbers)
            | :? string as text -> text
            | value ->
                match things.TryGetValue value with
                | true, n -> $"#{n}"
                | _ ->
                    things.Add(value, things.Count)
                    $"#{things.Count - 1}"

        let keyOf (operation: Operation) =
            let t = operation.GetType()
            nameOf t + "(" + String.Join(";", fields t |> Array.map (fun f -> nameOf (f.GetValue operation))) + ")"

        let text atom =
            match atom with
            | Atom.Variable v -> v.Index.ToString()
            | Atom.Literal x when x.Rank = 0 -> $"{DTypes.Name x.DType} {BitConverter.DoubleToInt64Bits(x.ToDouble())}"
            | Atom.Literal x -> nameOf x

        let definition name atom = Equation.Defining(defined, name, atom)

        for equation in program.Equations do
            let inputs = Array.map rename equation.Inputs

            let equation =
                match equation.Operation.Name with
                | "reshape" when not (isNull (definition "reshape" inputs[0])) ->
                    Equation(equation.Operation, (definition "reshape" inputs[0]).Inputs, equation.Outputs)
                | _ -> Equation(equation.Operation, inputs, equation.Outputs)

            let alias (v: Variable) atom = renamed[v] <- atom

            let same =
                if equation.Outputs.Length <> 1 then
                    ValueNone
                else
                    match identity equation with
                    | ValueSome atom -> ValueSome atom
                    | ValueNone ->
                        match equation.Operation.Name, equation.Inputs[0] with
                        | "reshape", atom when sameType atom.Type equation.Outputs[0].Type -> ValueSome atom
                        | _ -> folded equation

            match same with
            | ValueSome atom -> alias equation.Outputs[0] atom
            | ValueNone ->
                let key = keyOf equation.Operation + " " + String.Join(" ", equation.Inputs |> Array.map text)

                match seen.TryGetValue key with
                | true, before ->
                    Array.iter2 (fun v (w: Variable) -> alias v (Atom.Variable w)) equation.Outputs before.Outputs
                | _ ->
                    seen.Add(key, equation)
                    kept.Add equation

                    for v in equation.Outputs do
                        defined.Add(v, equation)

        Program.Of(program.Inputs, kept.ToArray(), Array.map rename program.Outputs)
