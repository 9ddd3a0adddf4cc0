/// Scans as they run: carries that are also stacked, exchanged or kept, parts that are written where they belong, matrices
/// that are packed. Each equals the same steps written out, as it is and compiled.
namespace Core.Tests

open Autodiff
open Core.Tests.Common
open Xunit

type ScanTests() =
    let steps = 7
    let n = 24
    let items = normal 1 [| steps; n |]
    let weights = normal 2 [| n; 2 * n |] * 0.2
    let rows (x: Tensor) = Tensor.reshape [ 1; n ] x

    /// (carries, item) to (carries, results), by name.
    let bodies: (string * (Tensor list -> Tensor -> Tensor list * Tensor list)) list =
        [ "a carry that is stacked after the step", (fun c x -> let h = tanh (c[0] + x) in [ h; c[1] * 0.5 ], [ h ])
          "before it", (fun c x -> [ tanh (c[0] + x); c[1] ], [ c[0] ])
          "before and after it, twice",
          (fun c x ->
              let h = tanh (c[0] * x + c[1])
              [ h; c[1] + h ], [ c[0]; h; h; c[0]; c[1]; x ])
          "carries exchanged", (fun c x -> [ c[1]; tanh (c[0] + x) ], [ c[0] + c[1] ])
          "a carry of the step before", (fun c x -> [ tanh (c[0] + x); c[0] ], [ c[1] * x ])
          "a carry of two steps before, as a view",
          (fun c x -> [ tanh (c[0] + x); Tensor.reshape [ n ] (Tensor.reshape [ n; 1 ] c[0]) ], [ c[1]; c[1] + c[0] ])
          "the same value in both carries", (fun c x -> let h = sin (c[0] + c[1] * x) in [ h; h ], [ h * x; h ])
          "a view of what is computed",
          (fun c x ->
              let h = sin (Tensor.concat 0 [ c[0]; c[1] ] + 1.0)
              [ h[.. n - 1]; h[n..] * x ], [ h[n - 3 .. n + 2] ])
          "what stays the same", (fun c x -> [ c[0]; c[1] + x ], [ Tensor.zeros [ 2 ]; c[0]; sin c[0] ])
          "numbers", (fun c x -> [ c[0] + x; c[1] ], [ Tensor.sum c[0]; Tensor.max x; Tensor.sum x * 2.0 ])
          "products with one matrix",
          (fun c x ->
              let all = Tensor.matmul (Tensor.concat 0 [ rows c[0]; rows c[1] ]) weights + Tensor.concat 0 [ x; x ]
              let gate = sigmoid all[*, .. n - 1] * tanh all[*, n..]
              [ gate[0]; gate[1] + c[1] ], [ gate; gate[0] * x ])
          "parts side by side",
          (fun c x ->
              let a, b = sin c[0] * x, cos c[1] + x
              [ tanh (a + b); a - b ], [ Tensor.concat 0 [ a; b ]; Tensor.concat 0 [ b; a ] ]) ]

    let start () = [ normal 3 [| n |]; normal 4 [| n |] ]

    let looped isBack (body: Tensor list -> Tensor -> Tensor list * Tensor list) (c: Tensor list) (xs: Tensor) =
        let mutable carry = c
        let steps = xs.Shape[0]
        let order = if isBack then [ steps - 1 .. -1 .. 0 ] else [ 0 .. steps - 1 ]

        let results =
            [ for i in order do
                  let next, ys = body carry xs[i]
                  carry <- next
                  ys ]

        let results = if isBack then List.rev results else results
        carry, [ for j in 0 .. results[0].Length - 1 -> Tensor.stack 0 [ for ys in results -> ys[j] ] ]

    let scanned isBack body (c: Tensor list) (xs: Tensor) = (if isBack then scanBack else scan) body c xs

    let both (name: string) check =
        for text, body in bodies do
            for isBack in [ false; true ] do
                try
                    check isBack body
                with error ->
                    failwith $"{name}, {text}, isBack = {isBack}: {error}"

    let same (a: Tensor list * Tensor list) (b: Tensor list * Tensor list) =
        List.iter2 (near 1e-12) (fst a @ snd a) (fst b @ snd b)

    [<Fact>]
    member _.``a scan equals its steps``() =
        both "scan" (fun isBack body ->
            // A loop of few steps is not prepared before it runs again.
            for items in [ items; items[..2] ] do
                let expected = looped isBack body (start ()) items
                same expected (scanned isBack body (start ()) items)
                let compiled = jit (fun (c, xs) -> scanned isBack body c xs)
                // What a call gave stays when the next one uses the same memory.
                let first = compiled (start (), items)
                let other = compiled (start (), items * 0.5)
                let another = compiled (start (), items * 0.7)
                same expected first
                same (looped isBack body (start ()) (items * 0.5)) other
                same (looped isBack body (start ()) (items * 0.7)) another
                same expected (compiled (start (), items)))

    [<Fact>]
    member _.``so do its derivatives, compiled, batched and of second order``() =
        both "gradient" (fun isBack body ->
            let loss run (c: Tensor list, xs: Tensor) =
                let carry, ys: Tensor list * Tensor list = run isBack body c xs
                carry @ ys |> List.map (fun y -> Tensor.sum (sin (y * 1.3))) |> List.reduce (+)

            let flat f = fun (xs: Tensor) -> f (start (), xs)
            let expected = grad (flat (loss looped)) items
            near 1e-10 expected (grad (flat (loss scanned)) items)
            near 1e-10 expected (jit (grad (flat (loss scanned))) items)
            let c, _ = grad (loss looped) (start (), items)
            let c', _ = jit (grad (loss scanned)) (start (), items)
            List.iter2 (near 1e-10) c c'
            let batch = Tensor.stack 0 [ items; items * 0.7 ]
            let perExample = jit (vmap (grad (flat (loss scanned)))) batch
            near 1e-10 expected perExample[0]
            near 1e-10 (grad (flat (loss looped)) (items * 0.7)) perExample[1]
            let direction = cos items
            let along f xs = snd (jvp (grad (flat f)) xs direction)
            near 1e-9 (along (loss looped) items) (jit (along (loss scanned)) items))

    [<Fact>]
    member _.``a scan of one step, and rows of several sizes``() =
        for size in [ 1; 3; 3000 ] do
            for dtype in [ DType.Float32; DType.Float64; DType.BFloat16 ] do
                let xs = Tensor.cast dtype (normal 5 [| 1; size |])
                let run (xs: Tensor) = scan (fun (c: Tensor) x -> let h = tanh (c + x) in h, (h * 2.0, c)) xs[0] xs
                let compiled = jit run

                for _ in 1..2 do
                    let h, (twice, before) = compiled xs
                    near 1e-2 (tanh (xs[0] + xs[0])) h
                    near 1e-2 (h * 2.0) twice[0]
                    near 0.0 xs before

    [<Fact>]
    member _.``slices move before arithmetic in compiled programs``() =
        let f (x: Tensor, b: Tensor) =
            let all = exp (x * 0.1 + b) / (b + 3.0)
            all[*, ..1] * all[*, 2..3] + all[*, 4..5], all[1..2, *] |> Tensor.sum

        let g (x: Tensor, b: Tensor) = let all = sin (x + b) in all[*, ..2] * all[*, 3..]

        for b in [ normal 7 [| 6 |]; normal 8 [| 4; 1 |]; normal 9 [| 1; 6 |]; scalar 0.5 ] do
            let x = normal 6 [| 4; 6 |]
            let u, v = f (x, b)
            let u', v' = jit f (x, b)
            near 1e-12 u u'
            near 1e-12 v v'
            near 1e-12 (g (x, b)) (jit g (x, b))
            near 1e-12 (g (x, b)) (jit (fun b -> g (x, b)) b)
