namespace Autodiff.Testing

open System
open System.Runtime.InteropServices
open Autodiff
open FsCheck
open FsCheck.FSharp

/// Keeps what FsCheck found, for a report of our own.
type private Keeper() =
    /// The result of the run.
    member val Result: TestResult option = None with get, set

    interface IRunner with
        member _.OnStartFixture _ = ()
        member _.OnArguments(_, _, _) = ()
        member _.OnShrink(_, _) = ()
        member this.OnFinished(_, result) = this.Result <- Some result

/// Properties of the derivatives of a function, over generated inputs.
[<AbstractClass; Sealed>]
type Gradients private () =
    static let indent (text: string) = "  " + text.Replace("\n", "\n  ")

    /// An input as a report shows it: each tensor with its place, type and shape.
    static let describe (input: 'a) =
        Array.map2
            (fun name (x: Tensor) ->
                let name = if name = "" then "" else $"{name}: "
                $"{name}{DTypes.Name x.DType} of shape {Shape.format x.Shape}\n{indent (x.ToString())}")
            (Tree.names input)
            (Tree.leaves input)
        |> String.concat "\n"

    /// The property that the derivatives of f are right at every input, up to an order: CheckGrads.Report passes. The
    /// label of a failure is its report. A function that raises an error at an input fails there.
    static member Property
        (
            f: Func<'a, 'b>,
            inputs: Arbitrary<'a>,
            [<Optional; DefaultParameterValue(1)>] order: int,
            [<Optional; DefaultParameterValue(0.0)>] tolerance: float,
            [<Optional; DefaultParameterValue(GradientModes.Both)>] modes: GradientModes,
            [<Optional; DefaultParameterValue(0.0)>] step: float
        ) : Property =
        Prop.forAll inputs (fun x ->
            let report = CheckGrads.Report(f, x, order, tolerance, modes = modes, step = step)
            report.Passed |> Prop.label (report.ToString()))

    /// Checks the derivatives of f at generated inputs, up to an order. At the first input where one is wrong, looks for
    /// a smaller and simpler one, and raises GradientMismatchException with that input, what is wrong there, and the seed
    /// that finds it again. A function that raises an error at an input fails there. The seed 0 is another in each run.
    static member Check
        (
            f: Func<'a, 'b>,
            inputs: Arbitrary<'a>,
            [<Optional; DefaultParameterValue(1)>] order: int,
            [<Optional; DefaultParameterValue(100)>] count: int,
            [<Optional; DefaultParameterValue(0.0)>] tolerance: float,
            [<Optional; DefaultParameterValue(GradientModes.Both)>] modes: GradientModes,
            [<Optional; DefaultParameterValue(0.0)>] step: float,
            [<Optional; DefaultParameterValue(0UL)>] seed: uint64
        ) : unit =
        if count < 1 then
            Shape.fail "Gradients.Check" $"{count} inputs check nothing."

        let property = Gradients.Property(f, inputs, order, tolerance, modes, step)
        let keeper = Keeper()
        let config = Config.Quick.WithMaxTest(count).WithRunner keeper
        let seed = if seed = 0UL then uint64 (Random.Shared.NextInt64(1L, Int64.MaxValue)) else seed
        // The second number of FsCheck's generator must be odd; any will do.
        Check.One(config.WithReplay(seed, 0x9E3779B97F4A7C15UL), property)

        match keeper.Result with
        | Some(TestResult.Failed(data, original, shrunk, outcome, _, _, _)) ->
            let first, last = original.Head :?> 'a, shrunk.Head :?> 'a

            let what =
                match outcome with
                | Outcome.Failed error when not (isNull error) && data.Labels.IsEmpty ->
                    $"{error.GetType().Name}: {error.Message}"
                | _ -> CheckGrads.Report(f, last, order, tolerance, modes = modes, step = step).ToString()

            let from =
                if data.NumberOfShrinks = 0 then
                    ""
                else
                    $"; steps of shrinking: {data.NumberOfShrinks}, from\n{indent (describe first)}"

            raise (
                GradientMismatchException
                    $"Gradients: input {data.NumberOfTests} of {count} fails:\n{indent (describe last)}\n{what}\nfound with seed {seed}{from}"
            )
        | Some(TestResult.Exhausted _) ->
            Shape.fail
                "Gradients.Check"
                $"fewer than {count} inputs could be drawn; the conditions on them reject too many."
        | _ -> ()

/// The property as F# pipelines use it.
[<AutoOpen>]
module GradientProperties =
    /// The property that the derivatives of f, to the second order and in both modes, are right at every input.
    let gradientProperty (f: 'a -> 'b) (inputs: Arbitrary<'a>) : Property =
        Gradients.Property(Func<'a, 'b> f, inputs, order = 2)
