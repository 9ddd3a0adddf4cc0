namespace Autodiff

open System.Diagnostics

/// Spans for dotnet-trace and OpenTelemetry, under the name "Autodiff". Only what takes long has one (compiling a function,
/// and in the facade a step and an epoch of training), so that where nobody listens they cost one comparison; single
/// operations are for `profile`.
module internal Telemetry =
    let private source = new ActivitySource "Autodiff"

    /// The compilation of a program, as a span that tells how many equations it has.
    let compiling (equations: int) (compile: unit -> 'r) : 'r =
        use activity = source.StartActivity "autodiff.compile"

        if not (isNull activity) then
            activity.SetTag("autodiff.equations", equations) |> ignore

        compile ()
