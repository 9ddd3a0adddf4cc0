namespace Autodiff

open System
open System.Collections.Generic

/// Sums of products over named axes, in an order of pairwise contractions that is searched for.
module internal Einsum =
    /// An order in which operands are contracted.
    type Plan =
        | Operand of int
        | Pair of Plan * Plan

    /// The axes of each operand and of the result. Letters name axes; those of an ellipsis count -1, -2 and so on from
    /// the last.
    type Spec = { Inputs: int list list; Output: int list }

    let private operation = "einsum"

    let private show (label: int) = if label < 0 then "..." else string (char label)

    let private labelsOf (spec: string) (rank: int) (text: string) : int list =
        let parts = text.Split "..."

        let letters (part: string) =
            [ for c in part do
                  if not (Char.IsAsciiLetter c) then
                      Shape.fail
                          operation
                          $"'{c}' in \"{spec}\" is not a letter; write letters for axes, ',' between operands, '->' before the result, '...' for any leading axes."

                  int c ]

        match parts with
        | [| only |] -> letters only
        | [| before; after |] ->
            let before, after = letters before, letters after
            let hidden = rank - before.Length - after.Length
            before @ [ for i in hidden .. -1 .. 1 -> -i ] @ after
        | _ -> Shape.fail operation $"\"{text}\" in \"{spec}\" has more than one ellipsis."

    let parse (spec: string) (shapes: int[][]) : Spec =
        if isNull spec then
            Shape.fail operation "the text that names the axes is null."

        let text = spec.Replace(" ", "")
        let sides = text.Split "->"

        if sides.Length > 2 then
            Shape.fail operation $"\"{spec}\" has more than one '->'."

        let operands = sides[0].Split ','

        if operands.Length <> shapes.Length then
            Shape.fail operation $"\"{spec}\" names {operands.Length} operands, but {shapes.Length} were given."

        let inputs =
            [ for i in 0 .. shapes.Length - 1 do
                  let labels = labelsOf spec shapes[i].Length operands[i]

                  if labels.Length <> shapes[i].Length then
                      Shape.fail
                          operation
                          $"\"{operands[i]}\" in \"{spec}\" names {labels.Length} axes, but operand {i} has shape {Shape.format shapes[i]}."

                  labels ]

        let hidden = inputs |> List.collect (List.filter (fun l -> l < 0)) |> List.distinct |> List.sort

        let output =
            if sides.Length = 2 then
                labelsOf spec ((sides[1].Replace("...", "")).Length + hidden.Length) sides[1]
            else
                // Without '->': the ellipsis, then the letters that occur once, in alphabetical order.
                let letters = inputs |> List.concat |> List.filter (fun l -> l > 0) |> List.countBy id
                hidden @ (letters |> List.filter (fun (_, n) -> n = 1) |> List.map fst |> List.sort)

        for label in output do
            if not (List.exists (List.contains label) inputs) then
                Shape.fail operation $"'{show label}' in the result of \"{spec}\" names no axis of an operand."

        if (List.distinct output).Length <> output.Length then
            Shape.fail operation $"the result of \"{spec}\" names an axis twice."

        { Inputs = inputs; Output = output }

    /// The length of each axis.
    let private lengths (spec: string) (parsed: Spec) (shapes: int[][]) : Dictionary<int, int> =
        let found = Dictionary<int, int>()

        parsed.Inputs
        |> List.iteri (fun i labels ->
            labels
            |> List.iteri (fun axis label ->
                let n = shapes[i][axis]

                match found.TryGetValue label with
                | true, other when label < 0 && (n = 1 || other = 1) -> found[label] <- n * other
                | true, other when other <> n ->
                    Shape.fail
                        operation
                        $"'{show label}' in \"{spec}\" has length {n} in operand {i}, of shape {Shape.format shapes[i]}, but length {other} before."
                | _ -> found[label] <- n))

        found

    let private countOf (length: int -> int) (labels: seq<int>) =
        labels |> Seq.fold (fun n l -> n * float (length l)) 1.0

    let private union a b = List.distinct (a @ b)

    /// The order with the fewest multiplications, by dynamic programming over the sets of operands.
    let private optimal (length: int -> int) (inputs: int list[]) (output: int list) : Plan =
        let n = inputs.Length
        let all = (1 <<< n) - 1
        let named mask =
            [ for i in 0 .. n - 1 do
                  if mask &&& (1 <<< i) <> 0 then
                      yield! inputs[i] ]
            |> List.distinct
        let names = Array.init (all + 1) named
        // What is left of a set when it is contracted: the axes that others, or the result, still name.
        let left =
            Array.init (all + 1) (fun mask ->
                let others = union names[all ^^^ mask] output in
                names[mask] |> List.filter (fun l -> List.contains l others))
        let best = Array.create (all + 1) (infinity, Operand -1)

        for i in 0 .. n - 1 do
            best[1 <<< i] <- 0.0, Operand i

        for mask in 1..all do
            let mutable part = (mask - 1) &&& mask

            while part > 0 do
                let rest = mask ^^^ part

                if part > rest then
                    let cost = fst best[part] + fst best[rest] + countOf length (union left[part] left[rest])

                    if cost < fst best[mask] then
                        best[mask] <- cost, Pair(snd best[rest], snd best[part])

                part <- (part - 1) &&& mask

        snd best[all]

    /// Contracts again and again the pair after which the least memory is in use, at ties that of the fewest products.
    let private greedy (length: int -> int) (inputs: int list[]) (output: int list) : Plan =
        let rec go (items: (Plan * int list) list) =
            match items with
            | [ plan, _ ] -> plan
            | _ ->
                let items = List.toArray items

                let candidates =
                    [ for i in 0 .. items.Length - 2 do
                          for j in i + 1 .. items.Length - 1 do
                              let a, b = snd items[i], snd items[j]
                              let others =
                                  [ for k in 0 .. items.Length - 1 do
                                        if k <> i && k <> j then
                                            yield! snd items[k] ]
                                  @ output
                              let result = union a b |> List.filter (fun l -> List.contains l others)
                              let growth = countOf length result - countOf length a - countOf length b
                              (growth, countOf length (union a b)), (i, j, result) ]

                let i, j, result = candidates |> List.minBy fst |> snd
                let rest =
                    [ for k in 0 .. items.Length - 1 do
                          if k <> i && k <> j then
                              items[k] ]
                go (rest @ [ Pair(fst items[i], fst items[j]), result ])

        go [ for i in 0 .. inputs.Length - 1 -> Operand i, inputs[i] ]

    let private optimalUpTo = 6

    let planOf length (inputs: int list[]) output =
        if inputs.Length <= optimalUpTo then
            optimal length inputs output
        else
            greedy length inputs output

    let private permuteTo (labels: int list) (target: int list) (x: Tensor) =
        permute [| for l in target -> List.findIndex ((=) l) labels |] x

    let private sumAway (labels: int list) (isKept: int -> bool) (x: Tensor) : int list * Tensor =
        let axes =
            [| for i, l in List.indexed labels do
                   if not (isKept l) then
                       i |]
        List.filter isKept labels, (if axes.Length = 0 then x else Tensor.Cast(sumOver axes false x, x.DType))

    /// The entries of an operand at which axes of one name have one index, each name once.
    let rec private diagonals (labels: int list) (x: Tensor) : int list * Tensor =
        match labels |> List.countBy id |> List.tryFind (fun (_, n) -> n > 1) with
        | None -> labels, x
        | Some(label, _) ->
            let first = List.findIndex ((=) label) labels
            let second = List.findIndexBack ((=) label) labels
            let rest =
                [ for i in 0 .. labels.Length - 1 do
                      if i <> first && i <> second then
                          i ]
            let square = permute (List.toArray (rest @ [ first; second ])) x
            diagonals ([ for i in rest -> labels[i] ] @ [ label ]) (Decompositions.diagonal square)

    /// The sum over the axes that are not kept of the product of two operands: a product of matrices.
    let private contract
        (length: int -> int)
        (isKept: int -> bool)
        (a: int list, x: Tensor)
        (b: int list, y: Tensor)
        : int list * Tensor =
        let shared = a |> List.filter (fun l -> List.contains l b)
        let batch, summed = List.partition isKept shared
        let freeOf labels = labels |> List.filter (fun l -> not (List.contains l shared))
        let left, right = freeOf a, freeOf b
        let count labels = int (countOf length labels)
        let shape labels = [| for l in labels -> length l |]
        let block order first second labels (t: Tensor) =
            reshape [| count batch; count first; count second |] (permuteTo labels order t)
        let result = batch @ left @ right

        let product =
            if summed.IsEmpty || left.IsEmpty && right.IsEmpty then
                let x = block (batch @ left @ summed) left summed a x
                let y = block (batch @ right @ summed) right summed b y

                if summed.IsEmpty then
                    x * reshape [| count batch; 1; count right |] y
                else
                    Tensor.Cast(sumOver [| 2 |] false (x * y), x.DType)
            else
                matmul (block (batch @ left @ summed) left summed a x) (block (batch @ summed @ right) summed right b y)

        result, reshape (shape result) product

    let run (spec: string) (operands: Tensor[]) : Tensor =
        if operands.Length = 0 then
            Shape.fail operation "there are no operands."

        let shapes = operands |> Array.map _.Shape
        let parsed = parse spec shapes
        let found = lengths spec parsed shapes
        let length label = found[label]
        let dtype = operands |> Array.map _.DType |> Array.reduce (fun a b -> DTypes.Promote(a, b))
        let dtype = if dtype < DType.Int32 then DType.Int32 else dtype

        let prepared =
            Array.map2
                (fun labels (x: Tensor) ->
                    // An axis of length 1 that stretches is dropped: it is the same everywhere.
                    let kept =
                        [ for i, l in List.indexed labels do
                              if x.Shape[i] = length l then
                                  i, l ]
                    let x = reshape [| for i, _ in kept -> x.Shape[i] |] (Tensor.Cast(x, dtype))
                    diagonals (List.map snd kept) x)
                (List.toArray parsed.Inputs)
                operands

        // An axis that only one operand names is summed before anything grows.
        let prepared =
            prepared
            |> Array.mapi (fun i (labels, x) ->
                let isNeeded l =
                    List.contains l parsed.Output
                    || prepared
                       |> Array.indexed
                       |> Array.exists (fun (j, (others, _)) -> j <> i && List.contains l others)

                sumAway labels isNeeded x)

        let plan = planOf length (Array.map fst prepared) parsed.Output

        let rec operandsOf plan =
            match plan with
            | Operand i -> [ i ]
            | Pair(a, b) -> operandsOf a @ operandsOf b

        let rec evaluate plan : int list * Tensor =
            match plan with
            | Operand i -> prepared[i]
            | Pair(a, b) ->
                let inside = operandsOf plan
                let outside =
                    [ for i in 0 .. prepared.Length - 1 do
                          if not (List.contains i inside) then
                              yield! fst prepared[i] ]
                    @ parsed.Output
                contract length (fun l -> List.contains l outside) (evaluate a) (evaluate b)

        let labels, result = evaluate plan
        permuteTo labels parsed.Output result
