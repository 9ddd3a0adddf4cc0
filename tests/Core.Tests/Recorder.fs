/// Seeing what bind sees, and the rows of the table of primitives.
module Core.Tests.Recorder

open System
open System.Collections.Concurrent
open Autodiff

/// A tensor that remembers what is done with it.
[<AllowNullLiteral>]
type Recorded(trace: Recorder, primal: Tensor) =
    inherit Tensor(trace.Level, primal.Shape, primal.DType)
    member _.Primal = primal
    override _.Trace = trace
    override _.Array = primal.Array
    override _.Device = primal.Device

/// An interpreter that records each primitive and then runs it.
and Recorder() =
    inherit Trace()
    let seen = ConcurrentQueue<Primitive>()
    member _.Seen = seen.ToArray()
    member this.Wrap(x: Tensor) : Tensor = Recorded(this, x)

    member this.Unwrap(x: Tensor) =
        match x with
        | :? Recorded as r when obj.ReferenceEquals(r.Trace, this) -> r.Primal
        | x -> x

    override this.Process(primitive, inputs) =
        seen.Enqueue primitive
        this.Wrap(Tensor.Bind(primitive, inputs |> Array.map this.Unwrap))

    override this.ProcessAll(operation, inputs) =
        Tensor.BindAll(operation, inputs |> Array.map this.Unwrap) |> Array.map this.Wrap

/// One primitive: how the library's face binds it, inputs that it takes, inputs that it refuses.
type Entry =
    {
        Name: string
        Call: Tensor[] -> Tensor
        Examples: Tensor[] list
        Reference: (Tensor[] -> float[]) option
        /// The derivative is taken to be zero, whatever the numbers say.
        IsStopped: bool
        /// Whether the places of the elements matter to the domain, as in a positive definite matrix: they are only scaled.
        IsStructured: bool
        Wrong: Tensor[] list
    }

/// A primitive with one list of inputs.
type Case =
    { Entry: Entry
      Primitive: Primitive
      Inputs: Tensor[] }

    member case.Label =
        let shapes = case.Inputs |> Array.map (fun x -> $"{DTypes.Name x.DType} {Shape.format x.Shape}")
        let parameters = case.Primitive.Parameters |> List.map (fun (name, value) -> $"%s{name}=%A{value}")
        case.Entry.Name + "[" + String.Join(", ", parameters) + "] on " + String.Join(" and ", shapes)

/// The primitive of a name that a call binds.
let primitiveOf (name: string) (call: Tensor[] -> Tensor) (inputs: Tensor[]) : Primitive =
    let recorder = Recorder()
    call (inputs |> Array.map recorder.Wrap) |> ignore

    match recorder.Seen |> Array.tryFind (fun p -> p.Name = name) with
    | Some primitive -> primitive
    | None -> failwith $"{name} was not bound; seen were %A{recorder.Seen |> Array.map _.Name}"
