// The build: dotnet fsi build.fsx TARGET. Needs nothing but the .NET SDK.
open System
open System.Diagnostics
open System.IO
open System.IO.Compression
open System.Text.RegularExpressions

Directory.SetCurrentDirectory __SOURCE_DIRECTORY__

let fail (message: string) : 'a =
    eprintfn "build: %s" message
    exit 1

/// Runs a program; every line of its output is passed on and given to a function.
let runWith (onLine: string -> unit) (program: string) (arguments: string list) =
    let start = ProcessStartInfo(program, arguments, RedirectStandardOutput = true)
    use proc = Process.Start start

    let rec pump () =
        match proc.StandardOutput.ReadLine() with
        | null -> ()
        | line ->
            Console.WriteLine line
            onLine line
            pump ()

    pump ()
    proc.WaitForExit()
    proc.ExitCode

/// Runs a program in this terminal.
let run (program: string) (arguments: string list) =
    use proc = Process.Start(ProcessStartInfo(program, arguments))
    proc.WaitForExit()
    proc.ExitCode

let dotnet arguments =
    if run "dotnet" arguments <> 0 then
        fail $"""'dotnet {String.concat " " arguments}' failed."""

/// The package feed is the user's own first one; paket reads its address from the environment.
let setFeed () =
    if String.IsNullOrEmpty(Environment.GetEnvironmentVariable "NUGET_FEED") then
        let start = ProcessStartInfo("dotnet", "nuget list source --format Short", RedirectStandardOutput = true)

        use proc = Process.Start start
        let lines = proc.StandardOutput.ReadToEnd().Split '\n'
        proc.WaitForExit()

        match lines |> Array.tryFind _.StartsWith("E ") with
        | Some line -> Environment.SetEnvironmentVariable("NUGET_FEED", line.Substring(2).Trim())
        | None ->
            fail
                "no enabled NuGet source: 'dotnet nuget list source' shows none; add one with 'dotnet nuget add source'."

let restore () =
    dotnet [ "tool"; "restore" ]
    dotnet [ "paket"; "restore" ]
    dotnet [ "restore"; "Hybrid.sln"; "-v"; "quiet" ]

let build () =
    restore ()
    dotnet [ "build"; "Hybrid.sln"; "-c"; "Release"; "--no-restore"; "-v"; "quiet"; "-nologo" ]

let test () =
    build ()
    let summary = Regex @"Failed:\s+(\d+), Passed:\s+(\d+), Skipped:\s+(\d+), Total"
    let mutable passed, failed, skipped = 0, 0, 0
    let mutable broken = []

    let projects = Directory.GetDirectories("tests", "*.Tests") |> Array.sort

    for project in projects do
        let mutable seen = false

        let count line =
            let m = summary.Match line

            if m.Success then
                seen <- true
                failed <- failed + int m.Groups[1].Value
                passed <- passed + int m.Groups[2].Value
                skipped <- skipped + int m.Groups[3].Value

        let code = runWith count "dotnet" [ "test"; project; "-c"; "Release"; "--no-build"; "--nologo" ]

        if code <> 0 || not seen then
            broken <- project :: broken

    let skips = if skipped > 0 then $", {skipped} skipped" else ""
    printfn "%d passed, %d failed%s" passed failed skips

    if failed > 0 || broken <> [] || passed = 0 then
        fail $"""tests failed in {String.concat ", " (List.rev broken)}."""

let example arguments = dotnet ([ "run"; "--project"; "src/Examples"; "-c"; "Release"; "--no-build"; "--" ] @ arguments)

let demo (arguments: string list) =
    build ()
    example ("digits" :: arguments)

let texts (arguments: string list) =
    build ()
    example ([ "texts"; "--page"; "docs/seeds.md"; "--sheet"; "docs/seeds.svg" ] @ arguments)

let bench (arguments: string list) =
    build ()
    dotnet ([ "run"; "--project"; "tests/Benchmarks"; "-c"; "Release"; "--no-build"; "--" ] @ arguments)

let docs (arguments: string list) =
    build ()
    dotnet ([ "fsi"; "docs/literate.fsx" ] @ arguments)

let format () =
    dotnet [ "tool"; "restore" ]
    dotnet [ "fantomas"; "src"; "tests"; "docs"; "build.fsx" ]
    dotnet [ "format"; "whitespace"; "Hybrid.sln"; "--no-restore" ]

/// Lines of code by folder, so that growth is seen.
let size () =
    let isCode (path: string) =
        [ ".cs"; ".fs"; ".fsx" ] |> List.contains (Path.GetExtension path)
        && not (Regex.IsMatch(path, @"[\\/](bin|obj|out)[\\/]"))

    let count (path: string) = File.ReadLines path |> Seq.filter (fun line -> line.Trim() <> "") |> Seq.length

    for top in [ "src"; "tests" ] do
        for folder in Directory.GetDirectories top |> Array.sort do
            let files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories) |> Array.filter isCode

            printfn "%6d lines in %3d files  %s" (files |> Array.sumBy count) files.Length folder

    let long =
        Directory.GetFiles(".", "*", SearchOption.AllDirectories)
        |> Array.filter isCode
        |> Array.map (fun path -> File.ReadLines path |> Seq.length, path)
        |> Array.filter (fun (lines, _) -> lines > 600)

    for lines, path in Array.sortDescending long do
        printfn "longer than 600 lines: %s (%d)" path lines

/// What a package asks for are lower bounds: an exact version would clash with the one that a user's project has. FSharp.Core
/// is the oldest that will do, as the compiler of a user brings its own.
let checkDependencies (package: string) =
    use archive = ZipFile.OpenRead package
    let entry = archive.Entries |> Seq.find _.FullName.EndsWith(".nuspec")
    use reader = new StreamReader(entry.Open())

    for m in Regex.Matches(reader.ReadToEnd(), "<dependency id=\"([^\"]+)\" version=\"([\[(][^\"]*)\"") do
        fail $"{package} asks for {m.Groups[1].Value} {m.Groups[2].Value}; paket.dependencies should say '>='."

let pack () =
    restore ()

    for project in
        [ "src/Kernels.CSharp"; "src/Autodiff.Core.fs"; "src/Layers.CSharp"; "src/Plots.CSharp"; "src/FsCheck" ] do
        dotnet [ "pack"; project; "-c"; "Release"; "--no-restore"; "-v"; "quiet"; "-o"; "artifacts"; "-nologo" ]

    for package in Directory.GetFiles("artifacts", "*.nupkg") do
        checkDependencies package
        printfn "%s" package

let targets: (string * string * (string list -> unit)) list =
    [ "restore", "fetch tools and packages", (fun _ -> restore ())
      "build", "restore, and build everything", (fun _ -> build ())
      "test", "build, and run all tests", (fun _ -> test ())
      "demo", "build, and watch a network learn to read digits", demo
      "docs", "build, and write what the scripts of the documents print into them", docs
      "texts",
      "build, run the examples of the source texts (--results FOLDER keeps what they gave), and write docs/seeds.md",
      texts
      "bench", "build, and run the benchmarks; --report docs/performance.md writes the page of figures", bench
      "format", "format all source files", (fun _ -> format ())
      "size", "count lines of code", (fun _ -> size ())
      "pack", "build the packages into artifacts", (fun _ -> pack ()) ]

let help () =
    printfn "dotnet fsi build.fsx TARGET"

    for name, what, _ in targets do
        printfn "  %-8s %s" name what

match fsi.CommandLineArgs |> Array.toList |> List.tail with
| [] -> help ()
| name :: rest ->
    match targets |> List.tryFind (fun (n, _, _) -> n = name) with
    | Some(_, _, action) ->
        setFeed ()
        action rest
    | None ->
        help ()
        fail $"there is no target '{name}'."
