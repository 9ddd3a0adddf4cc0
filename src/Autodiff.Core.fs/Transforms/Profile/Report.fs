namespace Autodiff

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Runtime.InteropServices
open System.Text
open System.Text.Json

/// What a profile measured.
type ProfileKind =
    /// One operation on arrays.
    | Operation = 0
    /// An operation that holds programs (a compiled function, a loop, a branch), or a function with rules of its own: it
    /// takes the time of what it holds, and its own.
    | Program = 1
    /// A derivative rule or batching rule, which binds operations; its own time is that of interpreters.
    | Rule = 2
    /// The compilation of a function of `jit`, at its first call.
    | Compilation = 3

/// How rows of a profile are ordered: the largest first, names from A to Z.
type ProfileOrder =
    | Time = 0
    | Count = 1
    | Mean = 2
    | Flops = 3
    | Bytes = 4
    | Name = 5

/// One measured span of time. Times are in seconds.
[<Sealed; AllowNullLiteral>]
type ProfileEvent internal (name: string, kind: ProfileKind, parent: ProfileEvent, thread: int) =
    let mutable inside = 0.0
    /// The operation, `fused(sin, multiply)` with those that it fuses, or the rule, `vjp of sin`.
    member _.Name = name
    /// What was measured.
    member _.Kind = kind
    /// The span that this one lies in, on the same thread; null if there is none.
    member _.Parent = parent
    /// The number of the thread.
    member _.Thread = thread
    /// When it began, counted from the beginning of the profile.
    member val Start = 0.0 with get, set
    /// How long it took, with all that ran inside it.
    member val Duration = 0.0 with get, set
    /// How long it then took to write down what it was.
    member val internal Describing = 0.0 with get, set
    /// How long it took, without the spans inside it and their measurement.
    member this.Own = max 0.0 (this.Duration - inside)
    /// The types of the inputs.
    member val Inputs: TensorType[] = [||] with get, set
    /// The types of the outputs.
    member val Outputs: TensorType[] = [||] with get, set

    /// The additions and multiplications of matrix products, convolutions and sums, and one for each element that an
    /// elementwise function gives; 0 where no number is known.
    member val Flops = 0.0 with get, set

    /// The bytes that it has to read and to write once: each input without its repetitions, each output; 0 for views, which
    /// move nothing.
    member val Bytes = 0.0 with get, set

    /// The derivative or batching rule in which it ran, such as `vjp of sin`; null outside of rules, as in the forward pass.
    member _.Rule: string =
        let mutable span = parent

        while not (isNull span) && span.Kind <> ProfileKind.Rule do
            span <- span.Parent

        if isNull span then null else span.Name

    member internal _.Contains(seconds: float) = inside <- inside + seconds

    override this.ToString() =
        String.Format(CultureInfo.InvariantCulture, "{0}: {1:0.###} us", name, this.Duration * 1e6)

/// Events of one name together. Times are in seconds.
[<Sealed; AllowNullLiteral>]
type ProfileRow internal (name: string, events: ProfileEvent[], whole: float) =
    let sum (value: ProfileEvent -> float) = Array.sumBy value events
    let seconds = sum _.Own
    let flops, bytes = sum _.Flops, sum _.Bytes
    let rate amount = if seconds > 0.0 then amount / seconds else 0.0
    /// What the events were grouped by: the name of the operation.
    member _.Name = name
    /// How many there are.
    member _.Count = events.Length
    /// Their own time together.
    member _.Seconds = seconds
    /// The mean of their own times.
    member _.MeanSeconds = seconds / float events.Length
    /// The part of the whole time of the profile, from 0 to 1; more than 1 in sum where several threads worked.
    member _.Share = if whole > 0.0 then seconds / whole else 0.0
    /// Their arithmetic operations together; 0 where no number is known.
    member _.Flops = flops
    /// Arithmetic operations in a second.
    member _.FlopsPerSecond = rate flops
    /// The bytes that they have to read and to write.
    member _.Bytes = bytes
    /// Bytes in a second.
    member _.BytesPerSecond = rate bytes

/// What a profile found: its events as data, sums of them as rows and as a table, and a trace file.
[<Sealed; AllowNullLiteral>]
type ProfileReport internal (events: ProfileEvent[], seconds: float, overhead: float) =
    let isCounted (event: ProfileEvent) = event.Kind <> ProfileKind.Rule
    let counted = events |> Array.filter isCounted
    let outside = max 0.0 (seconds - (counted |> Array.sumBy _.Own))

    let sorted (order: ProfileOrder) (rows: ProfileRow[]) =
        // The sort is stable, and starts from names, so that equal rows have one order.
        let rows = rows |> Array.sortWith (fun a b -> String.CompareOrdinal(a.Name, b.Name))
        let by (value: ProfileRow -> float) = rows |> Array.sortBy (fun row -> -(value row))

        match order with
        | ProfileOrder.Time -> by _.Seconds
        | ProfileOrder.Count -> by (fun row -> float row.Count)
        | ProfileOrder.Mean -> by _.MeanSeconds
        | ProfileOrder.Flops -> by _.Flops
        | ProfileOrder.Bytes -> by _.Bytes
        | ProfileOrder.Name -> rows
        | _ -> Shape.fail "profile" $"there is no order {int order}; use one of ProfileOrder."

    static let number (format: string) (value: float) = value.ToString(format, CultureInfo.InvariantCulture)

    /// Three digits that count; nothing for nothing.
    static let amount (value: float) =
        if value = 0.0 then ""
        elif value >= 100.0 then number "0" value
        elif value >= 10.0 then number "0.0" value
        else number "0.00" value

    static let types (ts: TensorType[]) =
        ts |> Array.map (fun t -> DTypes.Name t.DType + Shape.format t.Shape) |> String.concat ", "

    /// All spans, in the order in which they began.
    member _.Events: IReadOnlyList<ProfileEvent> = events
    /// The time of the whole function, with the profiler's own.
    member _.Seconds = seconds
    /// The time outside of operations: interpreters and rules, what else the function does, operations that no tensor of the
    /// argument reaches, and the profiler's own work.
    member _.OutsideSeconds = outside
    /// About how much longer an operation took because it was watched, as measured on a small one before. It lies outside of
    /// operations: the clock's own time is taken off from each.
    member _.OverheadSeconds = overhead

    /// The operations in groups of one key each: of a name and a rule, `fun e -> e.Name + " in " + e.Rule`, or of types.
    member _.GroupBy
        (key: Func<ProfileEvent, string>, [<Optional; DefaultParameterValue(ProfileOrder.Time)>] order: ProfileOrder)
        : IReadOnlyList<ProfileRow> =
        counted
        |> Array.groupBy key.Invoke
        |> Array.map (fun (name, events) -> ProfileRow(name, events, seconds))
        |> sorted order
        :> _

    /// The operations by name, those that took longest first.
    member this.Rows: IReadOnlyList<ProfileRow> = this.GroupBy(_.Name)

    /// Rows as a table: how often, the time without what ran inside, its share of the whole, the mean, and where they
    /// are known billions of arithmetic operations in a second, millions of bytes to read and write, and billions of them in a
    /// second.
    member _.Format(rows: IReadOnlyList<ProfileRow>, [<Optional; DefaultParameterValue(40)>] most: int) : string =
        let shown = Seq.truncate most rows |> Seq.toArray
        let longest = shown |> Seq.map _.Name.Length |> Seq.fold max 9
        let width = min 48 longest
        let text = StringBuilder()

        let line (name: string) (cells: string list) =
            let name = if name.Length > width then name[.. width - 4] + "..." else name
            let widths = [ 8; 11; 8; 11; 9; 10; 8 ]
            text.Append(name.PadRight width) |> ignore
            List.iter2 (fun (cell: string) (n: int) -> text.Append(cell.PadLeft n) |> ignore) cells widths
            // Cells without a number leave no spaces behind.
            while text[text.Length - 1] = ' ' do
                text.Length <- text.Length - 1
            text.Append '\n' |> ignore

        line "operation" [ "count"; "time ms"; "share"; "mean us"; "GFLOP/s"; "MB"; "GB/s" ]

        for row in shown do
            line
                row.Name
                [ string row.Count
                  number "0.000" (row.Seconds * 1e3)
                  number "0.0%" row.Share
                  number "0.00" (row.MeanSeconds * 1e6)
                  amount (row.FlopsPerSecond / 1e9)
                  amount (row.Bytes / 1e6)
                  amount (row.BytesPerSecond / 1e9) ]

        let rest = Seq.skip shown.Length rows |> Seq.toArray

        if rest.Length > 0 then
            let sum (value: ProfileRow -> float) = Array.sumBy value rest
            let count = rest |> Array.sumBy _.Count
            let time = sum _.Seconds
            line
                $"({rest.Length} more)"
                [ string count; number "0.000" (time * 1e3); number "0.0%" (sum _.Share); ""; ""; ""; "" ]

        let share = if seconds > 0.0 then outside / seconds else 0.0
        line "(outside)" [ ""; number "0.000" (outside * 1e3); number "0.0%" share; ""; ""; ""; "" ]
        let watched = counted.Length

        text
            .Append(number "0.000" (seconds * 1e3))
            .Append(" ms in all; watching took about ")
            .Append(number "0.00" (overhead * 1e6))
            .Append(" us for each of ")
            .Append(watched)
            .Append(if watched = 1 then " operation, outside of it." else " operations, outside of them.")
            .ToString()

    /// The table of operations by name, in an order.
    member this.Format
        (
            [<Optional; DefaultParameterValue(ProfileOrder.Time)>] order: ProfileOrder,
            [<Optional; DefaultParameterValue(40)>] most: int
        ) : string =
        this.Format(this.GroupBy(_.Name, order), most)

    /// The table of operations by name, those that took longest first.
    override this.ToString() = this.Format(ProfileOrder.Time)

    /// Writes the spans in the format of Chrome's traces, which chrome://tracing and ui.perfetto.dev show: one track for each
    /// thread, spans inside others below them, and types, rates and rules as arguments.
    member _.WriteTrace(stream: Stream) : unit =
        use writer = new Utf8JsonWriter(stream)
        let micro (value: float) = Math.Round(value * 1e6, 3)

        let category (kind: ProfileKind) =
            match kind with
            | ProfileKind.Program -> "program"
            | ProfileKind.Rule -> "rule"
            | ProfileKind.Compilation -> "compilation"
            | _ -> "operation"

        writer.WriteStartObject()
        writer.WriteString("displayTimeUnit", "ns")
        writer.WriteStartArray "traceEvents"

        let metadata (name: string) (thread: int) (value: string) =
            writer.WriteStartObject()
            writer.WriteString("name", name)
            writer.WriteString("ph", "M")
            writer.WriteNumber("pid", 1)
            writer.WriteNumber("tid", thread)
            writer.WriteStartObject "args"
            writer.WriteString("name", value)
            writer.WriteEndObject()
            writer.WriteEndObject()

        metadata "process_name" 0 "Autodiff"

        for thread in events |> Array.map _.Thread |> Array.distinct do
            metadata "thread_name" thread $"thread {thread}"

        for event in events do
            writer.WriteStartObject()
            writer.WriteString("name", event.Name)
            writer.WriteString("cat", category event.Kind)
            writer.WriteString("ph", "X")
            writer.WriteNumber("pid", 1)
            writer.WriteNumber("tid", event.Thread)
            writer.WriteNumber("ts", micro event.Start)
            writer.WriteNumber("dur", micro event.Duration)
            writer.WriteStartObject "args"

            if event.Outputs.Length > 0 then
                writer.WriteString("inputs", types event.Inputs)
                writer.WriteString("outputs", types event.Outputs)

            if not (isNull event.Rule) then
                writer.WriteString("rule", event.Rule)

            if event.Flops > 0.0 then
                writer.WriteNumber("flops", event.Flops)

            if event.Bytes > 0.0 then
                writer.WriteNumber("bytes", event.Bytes)

            writer.WriteEndObject()
            writer.WriteEndObject()

        writer.WriteEndArray()
        writer.WriteEndObject()

    /// Writes the trace to a file, in place of one that is there.
    member this.SaveTrace(path: string) : unit =
        let beside = path + ".new"

        using (File.Create beside) this.WriteTrace
        File.Move(beside, path, true)
