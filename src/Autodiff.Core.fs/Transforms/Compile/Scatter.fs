namespace Autodiff

open System.Collections.Generic
open Autodiff.Kernels

/// Arithmetic on the gradients of max pooling before these are scattered among zeros, where there are fewer of them. Of an
/// activation that is only pooled, the way back then needs the maxima alone, and not what they were chosen from.
module internal Scatter =
    /// Whether an operation is linear in its first operand, element by element: a cotangent through a function whose output
    /// is the second, which makes zeros of zeros.
    let private isGradient (operation: Operation) =
        match operation with
        | :? BinaryPrimitive as p ->
            [ Binary.ReluGradient; Binary.SigmoidGradient; Binary.TanhGradient ]
            |> List.exists (fun kernel -> obj.ReferenceEquals(kernel, p.Kernel))
        | _ -> false

    let private isSame (a: Atom) (b: Variable) =
        match a with
        | Atom.Variable v -> obj.ReferenceEquals(v, b)
        | Atom.Literal _ -> false

    /// Whether a sum adds up all axes of images (batch, channels, ...), and more than one element.
    let private isOfImages (x: int[]) (sum: int[]) =
        let lead = x.Length - sum.Length

        not (Shape.equal x sum) && Seq.forall (fun d -> d < lead || sum[d - lead] = 1) (seq { 2 .. x.Length - 1 })

    /// The same program with functions of scattered gradients as scattered functions of gradients.
    let run (program: Program) : Program =
        let definitions = Dictionary<Variable, Equation>(HashIdentity.Reference)
        let uses = Dictionary<Variable, int>(HashIdentity.Reference)
        let result = List<Equation>()

        let using atom =
            match atom with
            | Atom.Variable v -> uses[v] <- 1 + uses.GetValueOrDefault v
            | Atom.Literal _ -> ()

        for equation in program.Equations do
            Array.iter using equation.Inputs

        Array.iter using program.Outputs

        let isUsedOnce atom =
            match atom with
            | Atom.Variable v -> uses[v] = 1
            | Atom.Literal _ -> false

        let definition name atom = Equation.Defining(definitions, name, atom)

        let add (equation: Equation) =
            result.Add equation

            for v in equation.Outputs do
                definitions.Add(v, equation)

        /// The maxima among a value, if an equation scatters to their places.
        let maxima (scatter: Equation) (among: Atom) : Variable voption =
            match definition "maxPool" scatter.Inputs[1], among with
            | pool, Atom.Variable v when
                not (isNull pool)
                && isSame pool.Inputs[0] v
                && isSame scatter.Inputs[1] pool.Outputs[1]
                && pool.Operation.Parameters = scatter.Operation.Parameters
                ->
                ValueSome pool.Outputs[0]
            | _ -> ValueNone

        for equation in program.Equations do
            let inputs = equation.Inputs
            let scatter = if inputs.Length = 0 then null else definition "maxPoolScatter" inputs[0]

            if isNull scatter then
                add equation
            elif isGradient equation.Operation && isUsedOnce inputs[0] then
                match maxima scatter inputs[1] with
                | ValueNone -> add equation
                | ValueSome values ->
                    let few = Variable(-1, scatter.Inputs[0].Type)
                    add (Equation(equation.Operation, [| scatter.Inputs[0]; Atom.Variable values |], [| few |]))
                    add (Equation(scatter.Operation, [| Atom.Variable few; scatter.Inputs[1] |], equation.Outputs))
            elif
                equation.Operation.Name = "sumTo"
                && isOfImages scatter.Inputs[0].Type.Shape equation.Outputs[0].Type.Shape
            then
                // Zeros add nothing.
                add (Equation(equation.Operation, [| scatter.Inputs[0] |], equation.Outputs))
            else
                add equation

        Program.Of(program.Inputs, result.ToArray(), program.Outputs)
