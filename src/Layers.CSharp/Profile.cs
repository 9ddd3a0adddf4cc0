using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Where the time of a function goes, operation by operation.</summary>
/// <remarks>The report holds each operation on arrays that tensors of the argument reach, in the forward pass and in derivatives
/// taken inside the function, with its time, types, arithmetic and bytes. Compiled functions and loops are seen equation by
/// equation. It prints as a table, gives the same as data, and writes a trace for chrome://tracing and ui.perfetto.dev. Call the
/// function once before, so that compiling it is not part of the profile, and pass in what it works on: operations that no
/// tensor of the argument reaches are not seen. Each operation takes about a microsecond longer than without.</remarks>
public static class Profile
{
    /// <summary>The value of a function at x, and where its time went.</summary>
    /// <exception cref="ArgumentException">The argument holds no tensors, or a program is being written.</exception>
    /// <example><code>
    /// var (slope, report) = Profile.Run(Gradient.Of((Tensor x) => Tensor.Sin(x.MatMul(x)).Sum()), matrix);
    /// Console.WriteLine(report);             // a table, the longest first
    /// report.SaveTrace("slope.trace.json");  // for ui.perfetto.dev
    /// double matrixProducts = report.Rows.Single(row => row.Name == "matmul").Seconds;
    /// </code></example>
    public static (TResult Value, ProfileReport Report) Run<T, TResult>(Func<T, TResult> f, T x)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return Profiling.profile(function, x).ToValueTuple();
    }

    /// <summary>The same for a function of two arguments.</summary>
    /// <example><code>
    /// var (product, report) = Profile.Run((Tensor a, Tensor b) => a.MatMul(b), left, right);
    /// </code></example>
    public static (TResult Value, ProfileReport Report) Run<T1, T2, TResult>(Func<T1, T2, TResult> f, T1 x, T2 y) =>
        Run(Tuples.Join(f), (x, y));

    /// <summary>The same for a function of three arguments.</summary>
    /// <example><code>
    /// var (next, report) = Profile.Run((Parameters p, Tensor inputs, Tensor targets) => Step(p, inputs, targets), p, x, y);
    /// </code></example>
    public static (TResult Value, ProfileReport Report) Run<T1, T2, T3, TResult>(
        Func<T1, T2, T3, TResult> f, T1 x, T2 y, T3 z) => Run(Tuples.Join(f), (x, y, z));
}
