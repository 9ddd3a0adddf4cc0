using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>A layer of the text's framework: x W + b and an activation. Operations with a way back of their own, which the text's
/// layers are made of, are not needed: the gradient of the whole comes from <see cref="Gradient"/>.</summary>
internal sealed record DenseLayer(int Neurons, Func<Tensor, Tensor> Activation)
{
    /// <summary>Normal weights and biases; the text starts the random numbers anew for each layer.</summary>
    internal (Tensor W, Tensor B) Initialize(NumPyRandom random, int inputs) =>
        (random.Randn(inputs, Neurons), random.Randn(1, Neurons));

    internal Tensor Forward((Tensor W, Tensor B) parameters, Tensor x) => Activation(x.MatMul(parameters.W) + parameters.B);
}

/// <summary>Layers one after another, and what their output costs.</summary>
internal sealed record NeuralNetwork(Func<Tensor, Tensor, Tensor> Loss, params DenseLayer[] Layers)
{
    internal Tensor Forward((Tensor W, Tensor B)[] parameters, Tensor x) =>
        Layers.Zip(parameters).Aggregate(x, (value, part) => part.First.Forward(part.Second, value));
}

/// <summary>The text's trainer: gradient descent over shuffled batches, stopped when the loss of the test data is not lower than ten
/// epochs before. With the random numbers of NumPy it makes the text's numbers.</summary>
internal sealed class NetworkTrainer(NeuralNetwork network, double learningRate, uint seed)
{
    private const int EvaluateEvery = 10;

    /// <summary>The trained parameters, and the loss of the test data after each ten epochs.</summary>
    internal ((Tensor W, Tensor B)[] Parameters, List<double> Losses) Fit(
        Dataset train, Dataset test, int epochs, int batchSize = 32, CancellationToken cancellation = default)
    {
        var step = Jit.Compile<((Tensor W, Tensor B)[] Parameters, Batch Batch), (Tensor W, Tensor B)[]>(at => Tree.Map2(
            (p, g) => p - learningRate * g, at.Parameters,
            Gradient.Of<(Tensor W, Tensor B)[]>(p => network.Loss(network.Forward(p, at.Batch.Inputs), at.Batch.Targets))(at.Parameters)));

        var random = new NumPyRandom(seed);
        (Tensor W, Tensor B)[]? parameters = null, last = null;
        var losses = new List<double>();
        for (int epoch = 1; epoch <= epochs && !cancellation.IsCancellationRequested; epoch++)
        {
            bool isEvaluated = epoch % EvaluateEvery == 0 || epoch == epochs;
            if (isEvaluated) last = parameters;
            train = Boston.Rows(train, random.Permutation(train.Count));
            if (parameters is null) (parameters, random) = Initialize(train.Inputs.Shape[1]);
            foreach (Batch batch in train.Batches(batchSize)) parameters = step((parameters, batch));
            if (!isEvaluated) continue;
            double loss = network.Loss(network.Forward(parameters, test.Inputs), test.Targets).ToDouble();
            if (losses.Count > 0 && loss >= losses[^1]) return (last!, losses);
            losses.Add(loss);
        }

        return (parameters!, losses);
    }

    /// <summary>The first parameters, and the random numbers after them, which the text goes on with.</summary>
    private ((Tensor W, Tensor B)[] Parameters, NumPyRandom Random) Initialize(int inputs)
    {
        var parameters = new List<(Tensor W, Tensor B)>();
        NumPyRandom random = null!;
        foreach (DenseLayer layer in network.Layers)
        {
            random = new NumPyRandom(seed);
            parameters.Add(layer.Initialize(random, inputs));
            inputs = layer.Neurons;
        }

        return ([.. parameters], random);
    }
}
