namespace Autodiff

open System
open Autodiff.Kernels

/// Sees each step of the programs that run on a thread while it runs.
[<AbstractClass; AllowNullLiteral>]
type internal Observer() =
    [<ThreadStatic; DefaultValue>]
    static val mutable private current: Observer

    /// Who sees the steps that this thread runs now; null if nobody does. Programs ask once for each run.
    static member Current: Observer = Observer.current

    /// Runs a step, which returns what it computed: an operation on arrays.
    abstract Step: operation: Operation * inputs: NDArray[] * run: (unit -> NDArray[]) -> NDArray[]

    /// Runs something of which this observer sees the steps, besides those that see them already.
    member this.See(run: unit -> 'r) : 'r =
        let outer = Observer.current
        Observer.current <- if isNull outer then this else ObserverPair(outer, this)

        try
            run ()
        finally
            Observer.current <- outer

/// Two that see the same steps.
and [<Sealed>] internal ObserverPair(outer: Observer, inner: Observer) =
    inherit Observer()

    override _.Step(operation, inputs, run) =
        outer.Step(operation, inputs, (fun () -> inner.Step(operation, inputs, run)))
