// Programs, and the interpreter that writes them: to check a program, its rules are run on variables again.
namespace rec Autodiff

open System
open System.Collections.Generic
open System.Text

/// A value that a program computes, or takes. Its index is its place among all variables of the program.
[<Sealed; AllowNullLiteral>]
type Variable(index: int, valueType: TensorType) =
    /// The place among the variables of the program.
    member _.Index = index
    /// The shape and type of the elements.
    member _.Type = valueType

    /// The name as programs print it: a to z, then a1, b1 and so on.
    member _.Name =
        let letter = string (char (int 'a' + index % 26))
        if index < 26 then letter else letter + string (index / 26)

    override this.ToString() = this.Name

/// What an equation takes: a variable, or a constant.
[<RequireQualifiedAccess>]
type Atom =
    | Variable of Variable
    | Literal of Tensor

    /// The shape and type of the elements.
    member this.Type =
        match this with
        | Variable v -> v.Type
        | Literal x -> { Shape = x.Shape; DType = x.DType }

/// One step of a program: the operation, what it takes, and the variables that it defines.
[<Sealed; AllowNullLiteral>]
type Equation(operation: Operation, inputs: Atom[], outputs: Variable[]) =
    /// A Primitive or a MultiPrimitive.
    member _.Operation = operation
    /// What it takes.
    member _.Inputs = inputs
    /// What it defines.
    member _.Outputs = outputs

    /// The results for arrays.
    member internal _.Run(arrays: NDArray[]) : NDArray[] =
        match operation with
        | :? Primitive as primitive -> [| primitive.Value(arrays, outputs[0].Type) |]
        | operation -> (operation :?> MultiPrimitive).Values(arrays, outputs |> Array.map _.Type)

    /// Among the equations that define variables, that of an atom if its operation has a name; null if not.
    static member internal Defining(definitions: Dictionary<Variable, Equation>, name: string, atom: Atom) : Equation =
        match atom with
        | Atom.Variable v ->
            match definitions.TryGetValue v with
            | true, equation when equation.Operation.Name = name -> equation
            | _ -> null
        | Atom.Literal _ -> null

/// Where a running program holds its values: the variables', then the constants'.
[<Sealed>]
type internal Slots(equations: Equation[], outputs: Atom[], variables: int) =
    let literals =
        let found = Dictionary<Tensor, int>(HashIdentity.Reference)

        for atom in Seq.append (equations |> Seq.collect _.Inputs) outputs do
            match atom with
            | Atom.Literal x when not (found.ContainsKey x) -> found.Add(x, variables + found.Count)
            | _ -> ()

        found

    let slot atom =
        match atom with
        | Atom.Variable v -> v.Index
        | Atom.Literal x -> literals[x]

    /// The slots of the constants.
    member _.Literals = literals

    /// What each equation takes.
    member val Reads = equations |> Array.map (fun e -> Array.map slot e.Inputs)

    /// What the program gives.
    member val Results = Array.map slot outputs

    /// The arrays before a run: the constants in their slots.
    member val Constants =
        let arrays: NDArray[] = Array.zeroCreate (variables + literals.Count)

        for entry in literals do
            arrays[entry.Value] <- entry.Key.Array

        arrays

    /// The values in some slots.
    static member Gather(environment: 'v[], slots: int[]) : 'v[] =
        let values = Array.zeroCreate slots.Length

        for i in 0 .. slots.Length - 1 do
            values[i] <- environment[slots[i]]

        values

/// A function of tensors as data: typed equations, in an order in which they can be run. What `stage` makes of a
/// function; programs are run, printed, checked, and transformed as any function is.
[<Sealed; AllowNullLiteral>]
type Program internal (inputs: Variable[], equations: Equation[], outputs: Atom[], size: int) =
    /// For each equation, the variables that nothing after it needs.
    let dying =
        lazy
            let isAlive = HashSet<int>()

            let reach atom =
                match atom with
                | Atom.Variable v -> isAlive.Add v.Index
                | Atom.Literal _ -> false

            for atom in outputs do
                reach atom |> ignore

            let result = Array.create equations.Length [||]

            for i = equations.Length - 1 downto 0 do
                let unused = equations[i].Outputs |> Array.filter (fun v -> isAlive.Add v.Index)

                result[i] <-
                    equations[i].Inputs
                    |> Array.choose (fun atom ->
                        match atom with
                        | Atom.Variable v when reach atom -> Some v.Index
                        | _ -> None)
                    |> Array.append (unused |> Array.map _.Index)

            result

    let slots = lazy (Slots(equations, outputs, size))

    let checkCount given =
        if given <> inputs.Length then
            Shape.fail "program" $"{given} tensors were given for {inputs.Length} inputs."

    /// What the program takes.
    member _.Inputs = inputs
    /// Its steps.
    member _.Equations = equations
    /// What it gives.
    member _.Outputs = outputs
    /// The number of its variables.
    member _.VariableCount = size

    /// The results for arrays.
    member _.Run(arrays: NDArray[]) : NDArray[] =
        checkCount arrays.Length
        let slots, dying = slots.Value, dying.Value
        let environment = Array.copy slots.Constants
        let observer = Observer.Current

        for i in 0 .. arrays.Length - 1 do
            environment[inputs[i].Index] <- arrays[i]

        for i in 0 .. equations.Length - 1 do
            let equation = equations[i]
            let values = Slots.Gather(environment, slots.Reads[i])
            let outputs = equation.Outputs

            let ys =
                if isNull observer then
                    equation.Run values
                else
                    observer.Step(equation.Operation, values, (fun () -> equation.Run values))

            for j in 0 .. outputs.Length - 1 do
                environment[outputs[j].Index] <- ys[j]

            // What nothing needs any more may be used again.
            for index in dying[i] do
                environment[index] <- null

        Slots.Gather(environment, slots.Results)

    /// The results for tensors of any kind: each equation is bound, so that every transformation applies.
    member this.Evaluate(tensors: Tensor[]) : Tensor[] =
        if tensors |> Array.forall (fun x -> x.Level = 0L) then
            this.Run(tensors |> Array.map _.Array) |> Array.map (fun y -> Concrete y :> Tensor)
        else
            checkCount tensors.Length
            let slots = slots.Value
            let environment: Tensor[] = Array.zeroCreate slots.Constants.Length

            for entry in slots.Literals do
                environment[entry.Value] <- entry.Key

            Array.iteri (fun i (v: Variable) -> environment[v.Index] <- tensors[i]) inputs

            for i in 0 .. equations.Length - 1 do
                let values = Slots.Gather(environment, slots.Reads[i])

                let ys =
                    match equations[i].Operation with
                    | :? Primitive as primitive -> [| Tensor.Bind(primitive, values) |]
                    | operation -> Tensor.BindAll(operation :?> MultiPrimitive, values)

                Array.iteri (fun j (v: Variable) -> environment[v.Index] <- ys[j]) equations[i].Outputs

                for index in dying.Value[i] do
                    environment[index] <- null

            Slots.Gather(environment, slots.Results)

    /// The same program with other results.
    member internal _.Returning(outputs: Atom[]) : Program = Program.Of(inputs, equations, outputs)

    /// The same program with its inputs in another order, or with more of them or fewer, and other results.
    member internal _.Rearranged(inputs: Variable[], outputs: Atom[]) : Program = Program.Of(inputs, equations, outputs)

    /// A program without the equations that no result needs, its variables numbered in the order of their definitions.
    static member internal Of(inputs: Variable[], equations: Equation[], outputs: Atom[]) : Program =
        let needed = HashSet<Variable>(HashIdentity.Reference)

        let need atom =
            match atom with
            | Atom.Variable v -> needed.Add v |> ignore
            | Atom.Literal _ -> ()

        Array.iter need outputs
        let kept = List<Equation>()

        for i = equations.Length - 1 downto 0 do
            if equations[i].Outputs |> Array.exists needed.Contains then
                Array.iter need equations[i].Inputs
                kept.Add equations[i]

        kept.Reverse()
        let names = Dictionary<Variable, Variable>(HashIdentity.Reference)

        let define (v: Variable) =
            let renamed = Variable(names.Count, v.Type)
            names.Add(v, renamed)
            renamed

        let rename atom =
            match atom with
            | Atom.Variable v -> Atom.Variable names[v]
            | literal -> literal

        let inputs = Array.map define inputs

        let equations =
            kept.ToArray()
            |> Array.map (fun equation ->
                let inputs = Array.map rename equation.Inputs
                Equation(equation.Operation, inputs, Array.map define equation.Outputs))

        Program(inputs, equations, Array.map rename outputs, names.Count)

    /// Checks that each variable is defined once, before it is used, and that each equation defines what the rule of its
    /// operation says. An error names the equation.
    member _.Check() : unit =
        let trace = StageTrace Cpu.Instance
        let defined = Dictionary<Variable, Tensor>(HashIdentity.Reference)
        let seen = HashSet<int>()

        let define (v: Variable) =
            if v.Index < 0 || v.Index >= size || not (seen.Add v.Index) then
                Shape.fail "program" $"{v} is defined twice, or has an index outside the {size} of the program."

            defined.Add(v, trace.Argument v.Type)

        let read where atom =
            match atom with
            | Atom.Literal x -> x
            | Atom.Variable v ->
                match defined.TryGetValue v with
                | true, x -> x
                | _ -> Shape.fail "program" $"{where} uses {v}, which is not defined before."

        Array.iter define inputs

        for equation in equations do
            let name = equation.Operation.Name
            let arguments = equation.Inputs |> Array.map (read $"the equation of {equation.Outputs[0]}, {name},")

            let types =
                match equation.Operation with
                | :? Primitive as primitive -> [| primitive.Shape arguments |]
                | operation -> (operation :?> MultiPrimitive).Shapes arguments

            let isSame (v: Variable) (t: TensorType) = v.Type.DType = t.DType && Shape.equal v.Type.Shape t.Shape

            if types.Length <> equation.Outputs.Length || not (Array.forall2 isSame equation.Outputs types) then
                let list (types: seq<TensorType>) = String.Join(", ", types |> Seq.map ProgramText.Type)

                Shape.fail
                    "program"
                    $"the equation of {equation.Outputs[0]} says {list (equation.Outputs |> Seq.map _.Type)}, but {name} gives {list types}."

            Array.iter define equation.Outputs

        for atom in outputs do
            read "the result" atom |> ignore

    /// The program as text: one line for each equation, programs inside operations indented.
    override this.ToString() = ProgramText.format "" this

type internal ProgramText =
    static member Type(t: TensorType) = DTypes.Name t.DType + Shape.format t.Shape

    static member Literal(x: Tensor) =
        if x.Size = 1 then
            let value = x.ToDouble()
            let text = value.ToString("R", Globalization.CultureInfo.InvariantCulture)
            if x.Rank = 0 then text else $"{text}{Shape.format x.Shape}"
        else
            $"<{ProgramText.Type { Shape = x.Shape; DType = x.DType }}>"

    static member private Atom(atom: Atom) =
        match atom with
        | Atom.Variable v -> v.Name
        | Atom.Literal x -> ProgramText.Literal x

    static member Parameter (indent: string) (name: string, value: obj) =
        let text =
            match value with
            | :? (int[]) as shape -> Shape.format shape
            | :? DType as dtype -> DTypes.Name dtype
            | :? Program as program -> "\n" + indent + "    " + ProgramText.format (indent + "    ") program
            | :? IFormattable as number -> number.ToString(null, Globalization.CultureInfo.InvariantCulture)
            | value -> string value

        $"{name}={text}"

    static member format (indent: string) (program: Program) : string =
        let declare (v: Variable) = $"{v.Name}: {ProgramText.Type v.Type}"
        let list (texts: seq<string>) = String.Join(", ", texts)
        let text = StringBuilder()
        text.Append("program (").Append(list (program.Inputs |> Array.map declare)).Append(")") |> ignore

        for equation in program.Equations do
            let parameters =
                match equation.Operation.Parameters with
                | [] -> ""
                | parameters -> "[" + list (parameters |> List.map (ProgramText.Parameter indent)) + "]"

            text
                .Append("\n")
                .Append(indent)
                .Append("  ")
                .Append(list (equation.Outputs |> Array.map declare))
                .Append(" = ")
                .Append(equation.Operation.Name)
                .Append(parameters)
            |> ignore

            for atom in equation.Inputs do
                text.Append(" ").Append(ProgramText.Atom atom) |> ignore

        text
            .Append("\n")
            .Append(indent)
            .Append("  return ")
            .Append(list (program.Outputs |> Array.map ProgramText.Atom))
            .ToString()

/// A variable of a program that is being written: a tensor of staging. It has a type and no value.
[<Sealed; AllowNullLiteral>]
type internal Staged(trace: StageTrace, variable: Variable) =
    inherit Tensor(trace.Level, variable.Type.Shape, variable.Type.DType)
    member _.Variable = variable
    override _.Trace = trace
    override _.Device = trace.Device
    override _.IsKnown = false

    override _.Array =
        trace.CheckOpen()

        Shape.fail
            "stage"
            $"a tensor of shape {Shape.format variable.Type.Shape} was read as a number or an array while a program of it was being written (inside stage, jit, checkpoint, a branch or a loop), when it has no value. Choose with where or cond instead of if, loop with scan or whileLoop, and read values after the program has run."

    override _.ToString() = $"{variable.Name}: {ProgramText.Type variable.Type}"

/// Staging: writes down each primitive instead of running it.
[<Sealed; AllowNullLiteral>]
type internal StageTrace(device: Device) =
    inherit Trace()
    let equations = List<Equation>()
    let captured = Dictionary<Tensor, Variable>(HashIdentity.Reference)
    let inputs = List<Variable>()
    let mutable count = 0
    let mutable isFinished = false

    let define valueType =
        count <- count + 1
        Variable(count - 1, valueType)

    member _.Device = device

    /// Fails when the program is written, and a variable of it is used that was kept elsewhere.
    member _.CheckOpen() : unit =
        if isFinished then
            Shape.fail
                "stage"
                "a tensor was used after the function that made it had been written down as a program (by stage, jit, checkpoint, or a branch or loop), when it is a name without a value. It was kept in a mutable variable or a field: return it from the function instead."

    /// A new argument of the program.
    member this.Argument(valueType: TensorType) : Tensor =
        let v = define valueType
        inputs.Add v
        Staged(this, v)

    /// How an equation names a tensor: arrays are constants of the program, tensors of outer interpreters are captured.
    member this.Atom(x: Tensor) : Atom =
        match x with
        | :? Staged as own when obj.ReferenceEquals(own.Trace, this) -> Atom.Variable own.Variable
        | x when x.Level = 0L -> Atom.Literal x
        | x ->
            match captured.TryGetValue x with
            | true, v -> Atom.Variable v
            | _ ->
                let v = define { Shape = x.Shape; DType = x.DType }
                captured.Add(x, v)
                Atom.Variable v

    member private this.Add(operation: Operation, inputs: Tensor[], outs: TensorType[]) : Tensor[] =
        this.CheckOpen()

        lock equations (fun () ->
            let outputs = Array.map define outs
            equations.Add(Equation(operation, Array.map this.Atom inputs, outputs))
            outputs |> Array.map (fun v -> Staged(this, v) :> Tensor))

    override this.Process(primitive, inputs) = (this.Add(primitive, inputs, [| primitive.Shape inputs |]))[0]
    override this.ProcessAll(operation, inputs) = this.Add(operation, inputs, operation.Shapes inputs)

    /// The program that gives these tensors, and the tensors of outer interpreters that it takes before its arguments.
    member this.Finish(outputs: Tensor[]) : struct (Program * Tensor[]) =
        let outputs = Array.map this.Atom outputs
        let arguments = Array.append (Seq.toArray captured.Values) (inputs.ToArray())
        isFinished <- true
        struct (Program.Of(arguments, equations.ToArray(), outputs), Seq.toArray captured.Keys)
