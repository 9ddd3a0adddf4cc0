/// Native memory is used again, and never while somebody still reads it.
module Core.Tests.MemoryTests

open System
open System.Threading.Tasks
open Autodiff
open Autodiff.Kernels
open Core.Tests.Common
open Xunit

let private held () = HostMemory.InUse + HostMemory.Kept

[<Fact>]
let ``ten gigabytes of temporaries of one megabyte need little memory`` () =
    let mutable x = Tensor.full DType.Float32 [ 1 <<< 18 ] 1.0
    let before = held ()
    let mutable most = 0L

    for _ in 1..10_000 do
        x <- x + 1.0
        most <- max most (held ())

    Assert.Equal(10001.0, float x[0])
    Assert.True(most - before < (512L <<< 20), $"{(most - before) >>> 20} MB were held")

[<Fact>]
let ``values stay right while many threads make garbage`` () =
    let shapes = [| 1500; 3000; 40_000; 200_000 |]
    let kept = shapes |> Array.map (fun n -> Tensor.full DType.Float64 [ n ] (float n))

    Parallel.For(
        0,
        8,
        fun worker ->
            for step in 1..60 do
                let n = shapes[(worker + step) % shapes.Length]
                let value = float (worker * 1000 + step)
                let x = Tensor.full DType.Float64 [ n ] value
                // Views, and results whose inputs die while they are used.
                let y = (x + 1.0)[n / 2 ..] * 2.0
                let _, pull = vjp (fun x -> Tensor.sum (x * x)) x
                let g = pull (scalar 1.0)
                let isWrong (t: Tensor) expected = floats t |> Array.exists (fun v -> v <> expected)
                if isWrong y (2.0 * (value + 1.0)) || isWrong g (2.0 * value) || isWrong x value then
                    failwith $"worker {worker}, step {step}"
    )
    |> ignore

    Array.iter2 (fun n x -> Assert.Equal(float n, (floats x |> Array.distinct |> Array.exactlyOne))) shapes kept

[<Fact>]
let ``a view keeps the memory of the whole alive`` () =
    let view () = (Tensor.full DType.Float64 [ 100; 1000 ] 7.0)[3, 5..9]
    let views = Array.init 50 (fun _ -> view ())
    GC.Collect()
    GC.WaitForPendingFinalizers()
    let garbage = Array.init 100 (fun _ -> Tensor.full DType.Float64 [ 100; 1000 ] 1.0)
    Assert.All(views, fun v -> near 0.0 (vector [ 7.0; 7.0; 7.0; 7.0; 7.0 ]) v)
    GC.KeepAlive garbage
