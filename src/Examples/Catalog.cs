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
        new("cartpole", "Proximal policy optimization learns to balance a pole, an iteration being one compiled function.", CartPole.Run),
        new("d2l-ch5-alexnet", "LeNet's successor AlexNet: shapes, and a small copy that learns (figures 5-1 to 5-3).", ModernNetworks.Ancestors.RunAlexNet),
        new("d2l-ch5-augmentation", "Images mirrored, cut and coloured at random.", ModernNetworks.Augmentations.Run),
        new("d2l-ch5-densenet", "DenseNet-121: shapes, and a small copy that learns.", ModernNetworks.Successors.RunDenseNet),
        new("d2l-ch5-googlenet", "GoogLeNet: shapes, and a small copy that learns.", ModernNetworks.Successors.RunGoogLeNet),
        new("d2l-ch5-lenet", "LeNet: shapes, and how it learns.", ModernNetworks.Ancestors.RunLeNet),
        new("d2l-ch5-nin", "A network in a network: shapes, and a small copy that learns.", ModernNetworks.Successors.RunNiN),
        new("d2l-ch5-resnet", "ResNet-18: shapes, and a small copy that learns.", ModernNetworks.Successors.RunResNet),
        new("d2l-ch5-vgg", "VGG-11: shapes, and a small copy that learns (figure 5-4).", ModernNetworks.Ancestors.RunVgg),
        new("digits", "Train a network to read handwritten digits.", DigitsTraining.Run),
        new("gradbench", "Answer the messages of the benchmark suite GradBench, line by line.", GradBench.Session.Run),
        new("keras-ch2-descent", "Momentum as a slide prints it and mended, a local minimum, forward and backward.", Keras.Descent.Run),
        new("keras-ch2-network", "A first network, and the training loop written out.", Keras.FirstNetwork.Run),
        new("keras-ch2-tensors", "Attributes, slices and operations of tensors beside the loops that they stand for.", Keras.Tensors.Run),
        new("plots", "Draw one figure of each kind, and the report of a training run.", PlotGallery.Run),
        new("rosenbrock", "Find a minimum by gradient descent and by Newton's method.", Rosenbrock.Run),
        new("saito-ch1-arrays", "Arithmetic, slices, arrays, broadcasting, and first plots (figures 1-3 to 1-5).", Saito.Arrays.Run),
        new("saito-ch2-perceptrons", "Logic gates, XOR, and an adder made of NAND (figures 2-6 to 2-8).", Saito.Perceptrons.Run),
        new("saito-ch3-activations", "Step function, sigmoid and ReLU (figures 3-6 to 3-9).", Saito.ActivationPlots.Run),
        new("saito-ch3-digits", "A trained network reads digits, one by one and in batches (figures 3-24, 3-25 and 4-1).", Saito.ReadingDigits.Run) { Needs = "saito/sample_weight.npz" },
        new("saito-ch3-forward", "Products of matrices, a network of three layers forward, and softmax.", Saito.ForwardPass.Run),
        new("saito-ch4-derivatives", "Derivatives by differences and exact ones (figures 4-5 to 4-9).", Saito.Derivatives.Run),
        new("saito-ch4-descent", "Gradient descent with three learning rates (figure 4-10).", Saito.GradientDescent.Run),
        new("saito-ch4-losses", "Squared error and cross entropy (figures 4-3 and 4-4).", Saito.LossFunctions.Run),
        new("saito-ch4-simplenet", "The gradient of a network of one layer.", Saito.SimpleNet.Run),
        new("saito-ch4-training", "A network of two layers learns, also by differences (figures 4-11 and 4-12).", Saito.TwoLayerNet.RunSigmoid),
        new("saito-ch5-gradcheck", "Back-propagation beside differences.", Saito.GradientCheck.Run),
        new("saito-ch5-graphs", "Computational graphs of shopping, and what flows back through them (figures 5-14 and 5-17).", Saito.Graphs.Run),
        new("saito-ch5-layers", "What flows back through ReLU, sigmoid, affine and softmax layers.", Saito.Backward.Run),
        new("saito-ch5-training", "A network of two layers with ReLU learns.", Saito.TwoLayerNet.RunReLU),
        new("saito-ch6-activations", "Histograms of activations for several first weights (figures 6-10 to 6-14).", Saito.ActivationHistograms.Run),
        new("saito-ch6-batchnorm", "Batch normalization on and off, from weights of 16 scales (figures 6-18 and 6-19).", Saito.BatchNormalization.Run),
        new("saito-ch6-initializers", "Three ways to start a network of five layers (figure 6-15).", Saito.OptimizersOnDigits.RunInitializers),
        new("saito-ch6-optimizers", "Four optimizers and two more go down x^2/20 + y^2 (figures 6-1, 6-2 and 6-8).", Saito.OptimizerPaths.Run),
        new("saito-ch6-optimizers-digits", "Four optimizers on digits (figure 6-9).", Saito.OptimizersOnDigits.RunOptimizers),
        new("saito-ch6-overfitting", "Learning by heart, weight decay and dropout (figures 6-20 to 6-23).", Saito.Overfitting.Run),
        new("saito-ch6-regularization", "Norms, weight decay and two forms of dropout in numbers.", Saito.Regularization.Run),
        new("saito-ch6-search", "A random search of learning rate and weight decay (figure 6-24).", Saito.SearchOfRates.Run),
        new("saito-ch6-symmetry", "Hidden units that start equal stay equal.", Saito.Symmetry.Run),
        new("saito-ch7-ancestors", "LeNet and AlexNet: sizes, and where the time goes (figures 7-27, 7-28 and 8-14).", Saito.Ancestors.Run),
        new("saito-ch7-convolution", "Convolution, pooling, and im2col in numbers.", Saito.Convolutions.Run),
        new("saito-ch7-convnet", "A convolutional network of one stage, and its filters (figures 7-24 and 7-25).", Saito.ConvNet.Run),
        new("saito-ch7-hierarchy", "What excites the units of deeper and deeper layers (after figure 7-26).", Saito.Hierarchy.Run),
        new("saito-ch8-augmentation", "Images changed at random, and what they are worth (after figure 8-4).", Saito.Augmentations.Run),
        new("saito-ch8-deepnet", "A deep convolutional network, trained on changed images (figure 8-2).", Saito.DeepConvNet.Run),
        new("saito-ch8-dqn", "A deep Q-network learns to catch a ball (chapter 8.5).", Saito.DeepQNetwork.Run),
        new("saito-ch8-half", "Reading digits with numbers of 16 bits.", Saito.HalfPrecision.Run),
        new("saito-ch8-segmentation", "A network of convolutions only finds the digit of each pixel (chapter 8.4).", Saito.Segmentation.Run),
        new("saito-ch8-transfer", "What was learned from many images helps with few others (chapter 8.2).", Saito.TransferLearning.Run),
        new("shakespeare", "A small transformer learns to write like Shakespeare.", Shakespeare.Run),
        new("tensorflow-ch3-classification", "Images and labels as tensors, and the capacity of models (figures 3-1 to 3-8).", TensorFlow.Classification.Run),
        new("tensorflow-ch3-training", "A network of 784-256-128-10 learns by squared errors (figures 3-9 and 3-10).", TensorFlow.Network.Run),
        new("vae", "A variational autoencoder learns to draw digits, in a training loop written out.", VariationalAutoencoder.Run),
        new("weidman-ch1-chains", "Nested functions and their derivatives (figures 1-9 and 1-11).", Weidman.Chains.Run),
        new("weidman-ch1-matrices", "Gradients of matrix products in the numbers of the text (chapter 1).", Weidman.Matrices.Run),
        new("weidman-ch2-regression", "Linear regression and a network learn the prices of houses (chapter 2).", Weidman.Regression.Run),
        new("weidman-ch3-networks", "Three networks learn the prices of houses, digit by digit (chapter 3.8).", Weidman.FirstNetworks.Run),
        new("weidman-ch3-operations", "Operations with ways back of their own, and a network of them (chapters 3.2 to 3.5).", Weidman.Operations.Run),
        new("weidman-ch4-as-printed", "The ten ways of weidman-ch4-mnist from the text's random numbers; rounding decides all but the first loss (chapter 4).", Weidman.PrintedMnist.Run),
        new("weidman-ch4-mnist", "Ten ways to train a network on MNIST, medians of three runs (chapter 4).", Weidman.MnistTable.Run),
        new("weidman-ch4-pieces", "Softmax, cross entropy, momentum and first weights in numbers (chapter 4).", Weidman.Pieces.Run),
        new("weidman-ch5-as-printed", "A convolution with the gradient of the appendix, from the text's random numbers (chapter 5.4).", Weidman.PrintedConvolution.Run),
        new("weidman-ch5-convolution", "Convolutions and their gradients in numbers (chapter 5.3).", Weidman.ConvolutionNumbers.Run),
        new("weidman-ch5-convolutional", "Convolutional networks see MNIST once (chapters 5.4 and 7.3).", Weidman.Convolutional.Run),
        new("weidman-ch6-autodiff", "Automatic differentiation in the numbers of the text (chapters 6 and 7.1).", Weidman.Autodifferentiation.Run),
        new("weidman-ch6-characters", "Recurrent networks guess the next character (chapters 6.5 and 7.4).", Weidman.Characters.Run),
        new("weidman-ch6-nodes", "Recurrent nodes as functions, back through time, and what gates are for (chapters 6.4 and 6.5).", Weidman.RecurrentNodes.Run),
        new("weidman-ch6-sentences", "Recurrent layers tell questions from statements (chapter 6.5.8, figure 6-11).", Weidman.Sentences.Run),
        new("weidman-ch7-autoencoder", "An autoencoder of MNIST, with its codes (chapter 7.5).", Weidman.Autoencoder.Run),
        new("weidman-ch7-houses", "The prices of houses once more, as a library has it (chapter 7.2).", Weidman.Houses.Run),
        new("weidman-preface", "A network of two layers with gradients by hand and by a function (preface).", Weidman.TwoLayers.Run),
    ];
}
