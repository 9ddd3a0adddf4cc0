namespace Autodiff.Examples;

/// <summary>What an example is run with.</summary>
internal sealed record Settings(TextReader Input, TextWriter Output, CancellationToken Cancellation)
{
    /// <summary>The folder with the data sets, if there is one.</summary>
    internal string? Data { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    internal int Seed { get; init; }

    /// <summary>Passes over the training data; the example's own default when not given.</summary>
    internal int? Epochs { get; init; }

    /// <summary>Examples in one step; the example's own default when not given.</summary>
    internal int? Batch { get; init; }

    /// <summary>The folder for files, if any are wanted; it exists.</summary>
    internal string? Out { get; init; }
}

/// <summary>An example: its metrics are what it prints, by name.</summary>
internal sealed record Example(string Name, string Summary, Func<Settings, IReadOnlyDictionary<string, double>> Run);

/// <summary>All examples, in the order of the list.</summary>
internal static class Catalog
{
    internal static IReadOnlyList<Example> All { get; } =
    [
        new("digits", "Train a network to read handwritten digits.", DigitsTraining.Run),
        new("digits-inference", "Read digits with a trained 784-50-100-10 network.", DigitsInference.Run),
        new("gradbench", "Answer the messages of the benchmark suite GradBench, line by line.", GradBench.Session.Run),
        new("rosenbrock", "Find a minimum by gradient descent and by Newton's method.", Rosenbrock.Run),
    ];
}
