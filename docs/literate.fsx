// Writes what scripts print into the documents that show them, or checks that it is there:
//
//     dotnet fsi docs/literate.fsx [core.md | tour.fsx | tour.cs] [--check]
//
// docs/core.md is docs/core.fsx with its comments of the form (** ... *) as text, and below each block of code what it
// printed. README.md shows a tour where it says "run by `COMMAND docs/tour...`:": the file, then what the command printed.
open System
open System.Diagnostics
open System.Globalization
open System.IO
open System.Text
open System.Text.RegularExpressions

let docs = __SOURCE_DIRECTORY__
let root = Path.GetDirectoryName docs
let readme = Path.Combine(root, "README.md")

/// What a program prints, without spaces at the ends of lines.
let outputOf (program: string) (arguments: string list) : string =
    let start =
        ProcessStartInfo(
            program,
            arguments,
            WorkingDirectory = root,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    start.StandardOutputEncoding <- Encoding.UTF8
    use proc = Process.Start start
    let errors = proc.StandardError.ReadToEndAsync()
    let output = proc.StandardOutput.ReadToEnd()
    proc.WaitForExit()

    if proc.ExitCode <> 0 then
        failwith $"""'{program} {String.concat " " arguments}' failed.{"\n"}{output}{errors.Result}"""

    Regex.Replace(output.Replace("\r", ""), @"[ \t]+(?=\n|$)", "").Trim '\n'

type Part =
    | Prose of string
    | Code of firstLine: int * text: string

/// The comments of the form (** ... *), with both marks on lines of their own, and the code between them.
let parts (script: string) : Part list =
    let add isProse firstLine (lines: string list) parts =
        let text = (lines |> List.rev |> String.concat "\n").Trim '\n'

        if text = "" then parts
        elif isProse then Prose text :: parts
        else Code(firstLine, text) :: parts

    let rec read lineNumber isProse firstLine lines parts rest =
        match rest with
        | [] -> List.rev (add isProse firstLine lines parts)
        | line :: rest when line = (if isProse then "*)" else "(**") ->
            read (lineNumber + 1) (not isProse) (lineNumber + 1) [] (add isProse firstLine lines parts) rest
        | line :: rest -> read (lineNumber + 1) isProse firstLine (line :: lines) parts rest

    script.Replace("\r", "").Split '\n' |> Array.toList |> read 1 false 1 [] []

/// The document of a script: it is run with a mark printed after each block of code.
let weave (script: string) : string =
    let parts = parts (File.ReadAllText script)
    let mark = "\u001e"
    let copy = Path.Combine(docs, $".{Path.GetRandomFileName()}.fsx")

    let instrumented =
        parts
        |> List.choose (fun part ->
            match part with
            | Prose _ -> None
            | Code(line, text) ->
                Some $"# {line} \"{script.Replace('\\', '/')}\"\n{text}\nSystem.Console.WriteLine \"{mark}\"")

    // It lies beside the original, whose references are relative to it.
    File.WriteAllText(copy, String.concat "\n" instrumented)

    let outputs =
        try
            (outputOf "dotnet" [ "fsi"; "--warnaserror+"; copy ]).Split mark
        finally
            File.Delete copy

    let fence language (text: string) = $"```{language}\n{text}\n```"

    let document, _ =
        (([], Array.toList outputs), parts)
        ||> List.fold (fun (document, outputs) part ->
            match part with
            | Prose text -> text :: document, outputs
            | Code(_, text) ->
                let printed = (List.head outputs).Trim '\n'
                let shown = if printed = "" then [] else [ fence "text" printed ]
                shown @ fence "fsharp" text :: document, List.tail outputs)

    (List.rev document |> String.concat "\n\n") + "\n"

/// README.md with the text of a tour, and what the command beside it prints.
let withTour (name: string) (text: string) : string =
    let pattern =
        @"run by `(?<command>[^`]*docs/"
        + Regex.Escape name
        + @")`:\n\n```\w+\n(?<code>.*?)\n```\n.*?```text\n(?<output>.*?)\n```"

    let found = Regex.Match(text, pattern, RegexOptions.Singleline)

    if not found.Success then
        failwith $"README.md does not show docs/{name}: 'run by `...docs/{name}`:', its text, then what it prints."

    let command = found.Groups["command"].Value.Split ' ' |> Array.toList
    let output = outputOf command.Head command.Tail
    let code = File.ReadAllText(Path.Combine(docs, name)).Replace("\r", "").TrimEnd()

    // From the end, so that positions stay.
    [ found.Groups["output"], output; found.Groups["code"], code ]
    |> List.fold
        (fun text (group, replacement) -> text.Remove(group.Index, group.Length).Insert(group.Index, replacement))
        text

let private number = Regex @"(?<![\w.])-?\d+(\.\d+)?([eE][-+]?\d+)?(?![\w.]*\w)"

/// Whether two lines of output are the same but for spaces and the rounding of numbers, which depends on the vector width of
/// the machine: a number with a fraction may differ by two of the last digit that is printed, or of the twelfth.
let isSameOutput (a: string) (b: string) : bool =
    let skeleton text = Regex.Replace(number.Replace(text, "0"), @"\s+", " ")
    let numbers text = number.Matches text |> Seq.map _.Value
    let value (text: string) = Double.Parse(text, CultureInfo.InvariantCulture)

    let lastDigit (text: string) =
        let mantissa, exponent =
            match text.ToLowerInvariant().Split 'e' with
            | [| m; e |] -> m, int e
            | parts -> parts[0], 0
        match mantissa.IndexOf '.' with
        | -1 -> 0.0
        | point -> 10.0 ** float (exponent - (mantissa.Length - 1 - point))

    let agree x y = abs (value x - value y) <= 2.01 * max (max (lastDigit x) (lastDigit y)) (1e-12 * abs (value x))
    skeleton a = skeleton b && Seq.forall2 agree (numbers a) (numbers b)

/// The first line where a document differs from another, output being compared as output; -1 if they are the same.
let firstDifference (a: string[]) (b: string[]) : int =
    let rec from i isOutput =
        if i = a.Length && i = b.Length then -1
        elif i = a.Length || i = b.Length then i
        elif a[i] = b[i] then from (i + 1) (if isOutput then a[i] <> "```" else a[i] = "```text")
        elif isOutput && isSameOutput a[i] b[i] then from (i + 1) isOutput
        else i

    from 0 false

let update isCheck (path: string) (make: string -> string) =
    let name = Path.GetRelativePath(root, path)
    let old = if File.Exists path then File.ReadAllText(path).Replace("\r", "") else ""
    let text = make old
    let before, after = old.Split '\n', text.Split '\n'
    let line (lines: string[]) i = if i < lines.Length then lines[i] else "(its end)"

    match firstDifference before after with
    | -1 -> printfn "%s is up to date." name
    | i when isCheck ->
        failwith
            $"{name} is out of date: line {i + 1} is\n  {line before i}\nbut should be\n  {line after i}\nRun 'dotnet fsi build.fsx docs', and read what changed."
    | _ ->
        File.WriteAllText(path + ".new", text)
        File.Move(path + ".new", path, true)
        printfn "%s is written." name

let documents =
    [ "core.md",
      fun isCheck -> update isCheck (Path.Combine(docs, "core.md")) (fun _ -> weave (Path.Combine(docs, "core.fsx")))
      "tour.fsx", fun isCheck -> update isCheck readme (withTour "tour.fsx")
      "tour.cs", fun isCheck -> update isCheck readme (withTour "tour.cs") ]

let arguments = fsi.CommandLineArgs |> Array.toList |> List.tail
let names = List.except [ "--check" ] arguments

try
    for name in names |> List.except (List.map fst documents) do
        failwith $"""there is no document '{name}'; there are {documents |> List.map fst |> String.concat ", "}."""

    for name, write in documents do
        if names = [] || List.contains name names then
            write (List.contains "--check" arguments)
with Failure message ->
    eprintfn "%s" message
    exit 1
