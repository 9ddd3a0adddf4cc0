namespace Autodiff

open System.Collections.Generic

/// A graph without circles of which nodes are joined to groups, such that the groups too form no circle. They stand in an
/// order of their dependences, of which a join changes only the part between the two that are joined (Pearce and Kelly
/// 2006): the time of many joins is near to linear.
[<Sealed>]
type internal Groups(predecessors: int[][]) =
    // What would be a long search is given up, and the join with it.
    static let farthest = 2000

    let n = predecessors.Length
    let parents = Array.init n id
    let position = Array.init n id
    let members = Array.init n (fun i -> List<int>([ i ]))
    let before = predecessors |> Array.map List<int>
    let after = Array.init n (fun _ -> List<int>())

    do
        predecessors
        |> Array.iteri (fun i from ->
            for p in from do
                after[p].Add i)

    let rec find i =
        if parents[i] = i then
            i
        else
            parents[i] <- parents[parents[i]]
            find parents[i]

    /// Groups that can be reached over some edges without passing others; null if one of them is the forbidden one, to
    /// which only the first may have an edge, or if there are too many.
    let reach (edges: List<int>[]) first forbidden isWithin =
        let seen = HashSet<int>()
        let waiting = Stack<int>([ first ])
        let mutable isFree = true

        while isFree && waiting.Count > 0 do
            let group = waiting.Pop()

            for node in edges[group] do
                let next = find node

                if next = forbidden then
                    if group <> first then
                        isFree <- false
                elif next <> first && isWithin position[next] && seen.Add next then
                    waiting.Push next

            if seen.Count > farthest then
                isFree <- false

        if isFree then seen else null

    /// The number by which a group is known, of a node in it.
    member _.Find(node: int) : int = find node

    /// The nodes of a group, in ascending order.
    member _.Members(group: int) : List<int> = members[group]

    /// The place of a group in an order of dependences.
    member _.Position(group: int) : int = position[group]

    /// Joins two groups, if no path leads from one to the other through a third.
    member _.TryJoin(a: int, b: int) : bool =
        let first, last = if position[a] < position[b] then a, b else b, a
        let low, high = position[first], position[last]
        let follow = reach after first last (fun p -> p < high)
        let lead = if isNull follow then null else reach before last first (fun p -> p > low)

        if isNull lead then
            false
        else
            // What leads to the last comes before both, what follows the first after both.
            let inOrder (groups: seq<int>) = groups |> Seq.sortBy (fun g -> position[g]) |> Seq.toArray
            let leading, following = inOrder lead, inOrder follow
            let places =
                Array.concat
                    [ Array.map (fun g -> position[g]) leading
                      [| low; high |]
                      Array.map (fun g -> position[g]) following ]
            Array.sortInPlace places
            leading |> Array.iteri (fun k g -> position[g] <- places[k])
            following |> Array.iteri (fun k g -> position[g] <- places[k + leading.Length + 2])

            let kept, gone = if members[first].Count >= members[last].Count then first, last else last, first

            position[kept] <- places[leading.Length]
            parents[gone] <- kept
            members[kept].AddRange members[gone]
            members[kept].Sort()
            before[kept].AddRange before[gone]
            after[kept].AddRange after[gone]
            true
