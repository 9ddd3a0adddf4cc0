using System.Diagnostics;

namespace Autodiff.Layers;

/// <summary>Spans of steps and epochs for dotnet-trace and OpenTelemetry, under the name of those of compilations. Where
/// nobody listens, one costs a comparison.</summary>
internal static class Telemetry
{
    internal static readonly ActivitySource Source = new("Autodiff");
}
