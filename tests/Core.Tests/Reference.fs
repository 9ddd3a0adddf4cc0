/// Naive references: loops over positions, slow and plainly right.
module Core.Tests.Reference

open Autodiff

/// Row-major elements with their shape.
type Block = { Shape: int[]; Data: float[] }

let block (x: Tensor) = { Shape = x.Shape; Data = Tensor.toArray<float> x }

/// All positions of a shape, in row-major order.
let rec positions (shape: int list) : int list list =
    match shape with
    | [] -> [ [] ]
    | n :: rest ->
        let inner = positions rest
        [ for i in 0 .. n - 1 do
              for p in inner -> i :: p ]

let offset (shape: int[]) (position: seq<int>) = Seq.fold2 (fun at n i -> at * n + i) 0 shape position

let at (x: Block) (position: seq<int>) = x.Data[offset x.Shape position]

/// The element that broadcasting shows at a position of a larger shape.
let stretched (x: Block) (position: int list) =
    let own = position |> List.skip (position.Length - x.Shape.Length)
    at x (List.map2 (fun n i -> if n = 1 then 0 else i) (List.ofArray x.Shape) own)

let build (shape: seq<int>) (f: int list -> float) : float[] =
    positions (List.ofSeq shape) |> List.map f |> List.toArray

/// The shape that several shapes stretch to.
let broadcastShape (shapes: int[] list) =
    let rank = shapes |> List.map Array.length |> List.max

    Array.init rank (fun i ->
        shapes
        |> List.map (fun s -> let j = i - rank + s.Length in if j < 0 then 1 else s[j])
        |> List.reduce (fun a b -> if a = 1 then b else a))

let elementwise1 (f: float -> float) (xs: Tensor[]) = (block xs[0]).Data |> Array.map f

let elementwise2 (f: float -> float -> float) (xs: Tensor[]) =
    let x, y = block xs[0], block xs[1]
    build (broadcastShape [ x.Shape; y.Shape ]) (fun p -> f (stretched x p) (stretched y p))

let where (xs: Tensor[]) =
    let c, x, y = block xs[0], block xs[1], block xs[2]
    build (broadcastShape [ c.Shape; x.Shape; y.Shape ]) (fun p ->
        if stretched c p <> 0.0 then stretched x p else stretched y p)

let broadcastTo (shape: int list) (xs: Tensor[]) = build shape (stretched (block xs[0]))

/// Combines all elements that fall on one position when axes are collapsed to length 1.
let reduce (axes: int list) (combine: float list -> float) (xs: Tensor[]) =
    let x = block xs[0]
    let collapse = List.mapi (fun i v -> if List.contains i axes then 0 else v)
    let groups = positions (List.ofArray x.Shape) |> List.groupBy collapse |> Map.ofList
    let shape = x.Shape |> Array.mapi (fun i n -> if List.contains i axes then 1 else n)
    build shape (fun p -> combine (groups |> Map.tryFind p |> Option.defaultValue [] |> List.map (at x)))

let sumTo (shape: int list) (xs: Tensor[]) =
    let x = block xs[0]
    let lead = x.Shape.Length - shape.Length
    let target p = p |> List.skip lead |> List.mapi (fun i v -> if shape[i] = 1 then 0 else v)
    let groups = positions (List.ofArray x.Shape) |> List.groupBy target |> Map.ofList
    build shape (fun p -> groups |> Map.tryFind p |> Option.defaultValue [] |> List.sumBy (at x))

/// The first position along an axis that no other beats.
let argBest (axis: int) (isBetter: float -> float -> bool) (xs: Tensor[]) =
    let x = block xs[0]

    build (Array.removeAt axis x.Shape) (fun p ->
        let value i = at x (List.insertAt axis i p)
        let mutable best = 0

        for i in 1 .. x.Shape[axis] - 1 do
            if isBetter (value i) (value best) then
                best <- i

        float best)

/// A function of each row along the last axis of one or two tensors.
let byRow (f: float[][] -> float[]) (xs: Tensor[]) =
    let columns = Array.last xs[0].Shape

    if xs[0].Size = 0 then
        [||]
    else
        let cut (x: Tensor) = (block x).Data |> Array.chunkBySize columns
        let parts = xs |> Array.map cut
        Array.concat (Array.init parts[0].Length (fun r -> f (parts |> Array.map (fun rows -> rows[r]))))

/// A function of each line along an axis.
let alongAxis (axis: int) (f: float[] -> float[]) (xs: Tensor[]) =
    let x = block xs[0]

    build x.Shape (fun p ->
        let line = Array.init x.Shape[axis] (fun i -> at x (List.updateAt axis i p))
        (f line)[p[axis]])

let flip (axes: int list) (xs: Tensor[]) =
    let x = block xs[0]
    build x.Shape (fun p -> at x (p |> List.mapi (fun i v -> if List.contains i axes then x.Shape[i] - 1 - v else v)))

let linearRecurrence (axis: int) (xs: Tensor[]) =
    let a, b = block xs[0], block xs[1]

    build a.Shape (fun p ->
        let on (x: Block) i = at x (List.updateAt axis i p)
        List.fold (fun s i -> (if i = 0 then 0.0 else on a i * s) + on b i) 0.0 [ 0 .. p[axis] ])

/// The recurrence from the end of the axis to its beginning.
let linearRecurrenceBack (axis: int) (xs: Tensor[]) =
    let a, b = block xs[0], block xs[1]

    build a.Shape (fun p ->
        let n = a.Shape[axis]
        let on (x: Block) i = at x (List.updateAt axis i p)
        List.fold (fun s i -> (if i = n - 1 then 0.0 else on a i * s) + on b i) 0.0 [ n - 1 .. -1 .. p[axis] ])

let argsort (axis: int) (descending: bool) =
    alongAxis axis (fun line ->
        [| 0 .. line.Length - 1 |]
        |> Array.sortBy (fun i -> (if descending then -line[i] else line[i]), i)
        |> Array.map float)

let searchSorted (after: bool) (xs: Tensor[]) =
    let sorted, values = block xs[0], block xs[1]
    let last = sorted.Shape.Length - 1

    build values.Shape (fun p ->
        let v = at values p
        let row = [ for i in 0 .. sorted.Shape[last] - 1 -> at sorted (List.updateAt last i p) ]
        row |> List.filter (fun s -> if after then s <= v else s < v) |> List.length |> float)

let transpose (order: int list) (xs: Tensor[]) =
    let x = block xs[0]
    let shape = order |> List.map (fun a -> x.Shape[a])
    build shape (fun p -> at x (List.init order.Length (fun axis -> p[List.findIndex ((=) axis) order])))

let slice (starts: int list) (lengths: int list) (steps: int list) (xs: Tensor[]) =
    build lengths (fun p -> at (block xs[0]) (List.map3 (fun s t i -> s + t * i) starts steps p))

let place (shape: int list) (starts: int list) (steps: int list) (xs: Tensor[]) =
    let x = block xs[0]
    let data = Array.zeroCreate (List.fold (*) 1 shape)

    for p in positions (List.ofArray x.Shape) do
        data[offset (List.toArray shape) (List.map3 (fun s t i -> s + t * i) starts steps p)] <- at x p

    data

let concat (axis: int) (xs: Tensor[]) =
    let blocks = xs |> Array.map block
    let total = blocks |> Array.sumBy (fun b -> b.Shape[axis])

    build (Array.updateAt axis total blocks[0].Shape) (fun p ->
        let rec find k i =
            if i < blocks[k].Shape[axis] then
                at blocks[k] (List.updateAt axis i p)
            else
                find (k + 1) (i - blocks[k].Shape[axis])

        find 0 p[axis])

let matmul (xs: Tensor[]) =
    let x, y = block xs[0], block xs[1]
    let lead (b: Block) = b.Shape[.. b.Shape.Length - 3]
    let batch = broadcastShape [ lead x; lead y ]
    let m, k, n = x.Shape[x.Shape.Length - 2], Array.last x.Shape, Array.last y.Shape
    let whole (b: Block) (p: int list) i j =
        let own = List.skip (p.Length - (b.Shape.Length - 2)) p
        at b (List.append (List.map2 (fun n i -> if n = 1 then 0 else i) (List.ofArray (lead b)) own) [ i; j ])

    build (Array.append batch [| m; n |]) (fun p ->
        let front, i, j = List.take batch.Length p, p[batch.Length], p[batch.Length + 1]
        Seq.sumBy (fun l -> whole x front i l * whole y front l j) (seq { 0 .. k - 1 }))

let private wrap n (i: float) = if i < 0.0 then int i + n else int i

let take (axis: int) (xs: Tensor[]) =
    let x, at' = block xs[0], block xs[1]
    let shape = Array.concat [ x.Shape[.. axis - 1]; at'.Shape; x.Shape[axis + 1 ..] ]
    let rank = at'.Shape.Length

    build shape (fun p ->
        let i = wrap x.Shape[axis] (at at' p[axis .. axis + rank - 1])
        at x (p[.. axis - 1] @ [ i ] @ p[axis + rank ..]))

let takeAdd (axis: int) (n: int) (xs: Tensor[]) =
    let x, at' = block xs[0], block xs[1]
    let rank = at'.Shape.Length
    let shape = Array.concat [ x.Shape[.. axis - 1]; [| n |]; x.Shape[axis + rank ..] ]
    let data = Array.zeroCreate (Array.fold (*) 1 shape)

    for p in positions (List.ofArray x.Shape) do
        let i = wrap n (at at' p[axis .. axis + rank - 1])
        let target = offset shape (p[.. axis - 1] @ [ i ] @ p[axis + rank ..])
        data[target] <- data[target] + at x p

    data

let gather (axis: int) (xs: Tensor[]) =
    let x, at' = block xs[0], block xs[1]
    build at'.Shape (fun p -> at x (List.updateAt axis (wrap x.Shape[axis] (at at' p)) p))

let scatterAdd (axis: int) (n: int) (xs: Tensor[]) =
    let x, at' = block xs[0], block xs[1]
    let shape = Array.updateAt axis n x.Shape
    let data = Array.zeroCreate (Array.fold (*) 1 shape)

    for p in positions (List.ofArray x.Shape) do
        let target = offset shape (List.updateAt axis (wrap n (at at' p)) p)
        data[target] <- data[target] + at x p

    data

let lastWriters (axis: int) (n: int) (xs: Tensor[]) =
    let x = block xs[0]

    build (Array.updateAt axis n x.Shape) (fun p ->
        [ for j in 0 .. x.Shape[axis] - 1 do
              if wrap n (at x (List.updateAt axis j p)) = p[axis] then
                  float j ]
        |> List.tryLast
        |> Option.defaultValue -1.0)

let oneHot (classes: int) (xs: Tensor[]) =
    let x = block xs[0]
    build (Array.append x.Shape [| classes |]) (fun p ->
        if at x p[.. p.Length - 2] = float (List.last p) then 1.0 else 0.0)

/// One axis of a convolution or pooling.
type Axis = { Stride: int; Before: int; After: int; Dilation: int }

/// Places of a window of k places inside an axis of length n, as (place in the window, place in the axis).
let inside (axis: Axis) n k window =
    [ for t in 0 .. k - 1 do
          let i = window * axis.Stride + t * axis.Dilation - axis.Before

          if i >= 0 && i < n then
              t, i ]

let windowCount (axis: Axis) n k = (n + axis.Before + axis.After - (k - 1) * axis.Dilation - 1) / axis.Stride + 1

/// All combinations of one element of each list.
let rec combinations (lists: 'a list list) =
    match lists with
    | [] -> [ [] ]
    | first :: rest -> List.allPairs first (combinations rest) |> List.map (fun (x, xs) -> x :: xs)

/// All (output position, input position, filter position) triples of a convolution, seen as a sum over products.
let convolutionTerms (image: int list) (filters: int list) (axes: Axis list) groups =
    let lengths, kernel = List.skip 2 image, List.skip 2 filters
    let output = image[0] :: filters[0] :: List.map3 windowCount axes lengths kernel

    let terms =
        [ for p in positions output do
              let group = p[1] / (filters[0] / groups)
              let along =
                  List.map2
                      (fun (axis, n) (k, o) -> inside axis n k o)
                      (List.zip axes lengths)
                      (List.zip kernel (List.skip 2 p))

              for c in 0 .. filters[1] - 1 do
                  for taps in combinations along ->
                      p, p[0] :: (group * filters[1] + c) :: List.map snd taps, p[1] :: c :: List.map fst taps ]

    output, terms

/// Sums products of two operands into a block, where each term names three positions.
let accumulate (shape: int list) terms (x: Block) (y: Block) =
    let data = Array.zeroCreate (List.fold (*) 1 shape)

    for target, left, right in terms do
        let o = offset (List.toArray shape) target
        data[o] <- data[o] + at x left * at y right

    data

/// The windows of a pooling as (output position, input positions inside the image).
let windows (image: int list) (kernel: int list) (axes: Axis list) =
    let lengths = List.skip 2 image

    [ for p in positions (image[0] :: image[1] :: List.map3 windowCount axes lengths kernel) do
          let along =
              List.map2
                  (fun (axis, n) (k, o) -> inside axis n k o)
                  (List.zip axes lengths)
                  (List.zip kernel (List.skip 2 p))
          p, combinations along |> List.map (fun taps -> p[0] :: p[1] :: List.map snd taps) ]

/// The error function by its Taylor series, for |x| up to 3.
let erf (x: float) =
    let mutable term, total, n = x, x, 0

    while abs term > 1e-18 do
        n <- n + 1
        term <- -term * x * x / float n
        total <- total + term / float (2 * n + 1)

    2.0 / sqrt System.Math.PI * total

/// The matrices in the last two axes.
let matrices (x: Tensor) : float[,][] =
    let m, n = x.Shape[x.Rank - 2], x.Shape[x.Rank - 1]
    let data = Tensor.toArray<float> x
    Array.init (x.Shape[.. x.Rank - 3] |> Array.fold (*) 1) (fun s ->
        Array2D.init m n (fun i j -> data[(s * m + i) * n + j]))

let flat (a: float[,]) = a |> Seq.cast<float> |> Seq.toArray
let transposed (a: float[,]) = Array2D.init (Array2D.length2 a) (Array2D.length1 a) (fun i j -> a[j, i])
let product (a: float[,]) (b: float[,]) =
    Array2D.init (Array2D.length1 a) (Array2D.length2 b) (fun i j ->
        Seq.sum (seq { for k in 0 .. Array2D.length2 a - 1 -> a[i, k] * b[k, j] }))

/// Gauss-Jordan elimination of [A | B]: the solution, and the determinant of A.
let eliminate (a: float[,]) (b: float[,]) : float[,] * float =
    let n, k = Array2D.length1 a, Array2D.length2 b
    let a, b = Array2D.copy a, Array2D.copy b
    let mutable det = 1.0

    for j in 0 .. n - 1 do
        let pivot = Seq.maxBy (fun i -> abs a[i, j]) [ j .. n - 1 ]

        if pivot <> j then
            det <- -det

            for c in 0 .. n - 1 do
                let v = a[j, c] in
                a[j, c] <- a[pivot, c]
                a[pivot, c] <- v

            for c in 0 .. k - 1 do
                let v = b[j, c] in
                b[j, c] <- b[pivot, c]
                b[pivot, c] <- v

        det <- det * a[j, j]

        for i in 0 .. n - 1 do
            if i <> j then
                let f = a[i, j] / a[j, j]
                for c in j .. n - 1 do
                    a[i, c] <- a[i, c] - f * a[j, c]
                for c in 0 .. k - 1 do
                    b[i, c] <- b[i, c] - f * b[j, c]

    Array2D.init n k (fun i c -> b[i, c] / a[i, i]), det

let private identity n = Array2D.init n n (fun i j -> if i = j then 1.0 else 0.0)
let inverse (a: float[,]) = eliminate a (identity (Array2D.length1 a)) |> fst |> flat
let det (a: float[,]) = eliminate a (identity (Array2D.length1 a)) |> snd

/// op(A) X = B, with leading axes broadcast.
let solve (op: float[,] -> float[,]) (xs: Tensor[]) =
    let stretch (x: Tensor) =
        let batch = broadcastShape [ xs[0].Shape[.. xs[0].Rank - 3]; xs[1].Shape[.. xs[1].Rank - 3] ]
        Tensor.broadcastTo (Array.append batch x.Shape[x.Rank - 2 ..]) x |> matrices

    Array.map2 (fun a b -> eliminate (op a) b |> fst |> flat) (stretch xs[0]) (stretch xs[1]) |> Array.concat

/// Of the symmetric part.
let cholesky (a: float[,]) =
    let n = Array2D.length1 a
    let l = Array2D.zeroCreate n n

    for i in 0 .. n - 1 do
        for j in 0..i do
            let rest = (a[i, j] + a[j, i]) / 2.0 - Seq.sum (seq { for k in 0 .. j - 1 -> l[i, k] * l[j, k] })
            l[i, j] <- if i = j then sqrt rest else rest / l[j, j]

    flat l

/// Q above R, by Gram-Schmidt.
let qr (a: float[,]) =
    let m, n = Array2D.length1 a, Array2D.length2 a
    let q, r = Array2D.copy a, Array2D.zeroCreate n n

    for j in 0 .. n - 1 do
        for k in 0 .. j - 1 do
            r[k, j] <- Seq.sum (seq { for i in 0 .. m - 1 -> q[i, k] * q[i, j] })
            for i in 0 .. m - 1 do
                q[i, j] <- q[i, j] - r[k, j] * q[i, k]

        r[j, j] <- sqrt (Seq.sum (seq { for i in 0 .. m - 1 -> q[i, j] * q[i, j] }))
        for i in 0 .. m - 1 do
            q[i, j] <- q[i, j] / r[j, j]

    Array.append (flat q) (flat r)

/// Of matrices of full rank, by the normal equations.
let pinv (a: float[,]) =
    let at = transposed a

    if Array2D.length1 a >= Array2D.length2 a then
        eliminate (product at a) at |> fst |> flat
    else
        eliminate (product a at) a |> fst |> transposed |> flat

/// By the power series.
let expm (a: float[,]) =
    let n = Array2D.length1 a
    let mutable term = Array2D.init n n (fun i j -> if i = j then 1.0 else 0.0)
    let sum = Array2D.copy term

    for k in 1..80 do
        term <- product term a |> Array2D.map (fun v -> v / float k)
        term |> Array2D.iteri (fun i j v -> sum[i, j] <- sum[i, j] + v)

    flat sum

/// The sum of (x + k)^-s over k from 0, by many terms and the integral of the rest.
let private zeta (s: float) (x: float) =
    let count = 300
    let last = x + float count
    (Seq.sumBy (fun k -> (x + float k) ** -s) (seq { count - 1 .. -1 .. 0 }))
    + last ** (1.0 - s) / (s - 1.0)
    + 0.5 * last ** -s
    + s / 12.0 * last ** (-s - 1.0)

/// log |gamma x| by Stirling's series far away from 0, and the recurrence to x.
let logGamma (x: float) =
    let count = 30
    let y = x + float count
    let stirling =
        (y - 0.5) * log y - y + 0.5 * log (2.0 * System.Math.PI) + 1.0 / (12.0 * y) - 1.0 / (360.0 * y ** 3.0)
        + 1.0 / (1260.0 * y ** 5.0)
    stirling - Seq.sumBy (fun k -> log (abs (x + float k))) (seq { 0 .. count - 1 })

let digamma (x: float) =
    let count = 30
    let y = x + float count
    let far = log y - 0.5 / y - 1.0 / (12.0 * y ** 2.0) + 1.0 / (120.0 * y ** 4.0) - 1.0 / (252.0 * y ** 6.0)
    far - Seq.sumBy (fun k -> 1.0 / (x + float k)) (seq { 0 .. count - 1 })

let polygamma (n: float) (x: float) =
    (if n % 2.0 = 0.0 then -1.0 else 1.0) * Seq.fold (*) 1.0 (seq { 1.0 .. n }) * zeta (n + 1.0) x

/// The inverse of the error function by bisection.
let erfinv (y: float) =
    let rec narrow low high n =
        let middle = 0.5 * (low + high)
        if n = 0 then middle
        elif erf middle < y then narrow middle high (n - 1)
        else narrow low middle (n - 1)

    narrow -3.0 3.0 60
