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

    /// <summary>The numbers of a text that the example has put beside its own.</summary>
    internal List<Comparison> Comparisons { get; } = [];
}

/// <summary>An example: its metrics are what it prints, by name.</summary>
internal sealed record Example(string Name, string Summary, Func<Settings, IReadOnlyDictionary<string, double>> Run)
{
    /// <summary>The file of the data folder that it cannot do without, if there is one.</summary>
    internal string? Needs { get; init; }
}

/// <summary>All examples, in the order of the list.</summary>
internal static class Catalog
{
    internal static IReadOnlyList<Example> All { get; } =
    [
        new("digits", "Train a network to read handwritten digits.", DigitsTraining.Run),
        new("digits-inference", "Read digits with a trained 784-50-100-10 network.", DigitsInference.Run) { Needs = "saito/sample_weight.npz" },
        new("gradbench", "Answer the messages of the benchmark suite GradBench, line by line.", GradBench.Session.Run),
        new("plots", "Draw one figure of each kind, and the report of a training run.", PlotGallery.Run),
        new("rosenbrock", "Find a minimum by gradient descent and by Newton's method.", Rosenbrock.Run),
        new("saito-ch3-activations", "Step function, sigmoid and ReLU (figures 3-6 to 3-9).", Saito.ActivationPlots.Run),
        new("saito-ch6-optimizers", "Four optimizers go down x^2/20 + y^2 (figures 6-2 and 6-8).", Saito.OptimizerPaths.Run),
        new("weidman-ch1-chains", "Nested functions and their derivatives (figures 1-9 and 1-11).", Weidman.Chains.Run),
        new("weidman-ch1-matrices", "Gradients of matrix products in the numbers of the text (chapter 1).", Weidman.Matrices.Run),
        new("weidman-ch2-regression", "Linear regression and a network learn the prices of houses (chapter 2).", Weidman.Regression.Run),
        new("weidman-ch3-networks", "Three networks learn the prices of houses, digit by digit (chapter 3.8).", Weidman.FirstNetworks.Run),
        new("weidman-ch4-mnist", "Ten ways to train a network on MNIST (chapter 4).", Weidman.MnistTable.Run),
        new("weidman-ch4-pieces", "Softmax, cross entropy, momentum and first weights in numbers (chapter 4).", Weidman.Pieces.Run),
        new("weidman-ch5-convolution", "Convolutions and their gradients in numbers (chapter 5.3).", Weidman.ConvolutionNumbers.Run),
        new("weidman-ch5-convolutional", "Convolutional networks see MNIST once (chapters 5.4 and 7.3).", Weidman.Convolutional.Run),
        new("weidman-ch6-autodiff", "Automatic differentiation in the numbers of the text (chapters 6 and 7.1).", Weidman.Autodifferentiation.Run),
        new("weidman-ch6-characters", "Recurrent networks guess the next character (chapters 6.5 and 7.4).", Weidman.Characters.Run),
        new("weidman-ch7-autoencoder", "An autoencoder of MNIST, with its codes (chapter 7.5).", Weidman.Autoencoder.Run),
        new("weidman-ch7-houses", "The prices of houses once more, as a library has it (chapter 7.2).", Weidman.Houses.Run),
        new("weidman-preface", "A network of two layers with gradients by hand and by a function (preface).", Weidman.TwoLayers.Run),
    ];
}
