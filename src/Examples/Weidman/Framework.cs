using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>A layer of the text's framework: x W + b, an activation and dropout. Operations with a way back of their own, which the
/// text's layers are made of (<see cref="Operations"/>), are not needed: the gradient of the whole comes from
/// <see cref="Gradient"/>.</summary>
internal sealed record DenseLayer(int Neurons, Func<Tensor, Tensor> Activation)
{
    /// <summary>The share of outputs that dropout keeps.</summary>
    internal double Kept { get; init; } = 1;

    /// <summary>Whether weights start with Glorot's variance; the text takes it for the standard deviation.</summary>
    internal bool IsGlorot { get; init; }

    /// <summary>Normal weights and biases.</summary>
    internal (Tensor W, Tensor B) Initialize(NumPyRandom random, int inputs)
    {
        double scale = IsGlorot ? 2.0 / (inputs + Neurons) : 1;
        return (random.Randn(inputs, Neurons) * scale, random.Randn(1, Neurons) * scale);
    }

    /// <summary>What outputs are multiplied by while training: ones where dropout keeps them. Prediction takes the share that is kept
    /// of everything.</summary>
    internal Tensor Mask(NumPyRandom random, int rows) => Kept < 1 ? random.Binomial(Kept, rows, Neurons) : Tensor.Scalar(1.0);

    internal Tensor Forward((Tensor W, Tensor B) parameters, Tensor x, Tensor mask) =>
        Activation(x.MatMul(parameters.W) + parameters.B) * mask;
}

/// <summary>Layers one after another, and what their output costs.</summary>
internal sealed record NeuralNetwork(Func<Tensor, Tensor, Tensor> Loss, params DenseLayer[] Layers)
{
    /// <summary>The output; while training, with the masks of dropout.</summary>
    internal Tensor Forward((Tensor W, Tensor B)[] parameters, Tensor x, Tensor[]? masks = null)
    {
        masks ??= [.. Layers.Select(layer => Tensor.Full([], layer.Kept, x.DType))];
        foreach ((int i, DenseLayer layer) in Layers.Index()) x = layer.Forward(parameters[i], x, masks[i]);
        return x;
    }
}

/// <summary>The text's trainer: gradient descent, with or without momentum, over shuffled batches. With the random numbers of NumPy it
/// makes the text's numbers.</summary>
internal sealed class NetworkTrainer(NeuralNetwork network, uint seed, Func<int, double> learningRate, double momentum = 0)
{
    private const int EvaluateEvery = 10;

    /// <summary>What is done to the first parameters before training; nothing, if not given.</summary>
    internal Action<(Tensor W, Tensor B)[]> Change { get; init; } = _ => { };

    /// <summary>The trained parameters, and the loss of the test data after each ten epochs: training stops when it is not lower than
    /// ten epochs before.</summary>
    internal ((Tensor W, Tensor B)[] Parameters, List<double> Losses) Fit(
        Dataset train, Dataset test, int epochs, int batchSize = 32, CancellationToken cancellation = default)
    {
        (Tensor W, Tensor B)[] last = [];
        var losses = new List<double>();
        foreach ((int before, (Tensor W, Tensor B)[] parameters) in Epochs(train, batchSize, cancellation).Take(epochs).Index())
        {
            if ((before + 1) % EvaluateEvery == 0 || before + 1 == epochs)
            {
                double loss = network.Loss(network.Forward(parameters, test.Inputs), test.Targets).ToDouble();
                if (losses.Count > 0 && loss >= losses[^1]) return (last, losses);
                losses.Add(loss);
            }

            last = parameters;
        }

        return (last, losses);
    }

    /// <summary>The parameters after each epoch, until nobody asks for more.</summary>
    internal IEnumerable<(Tensor W, Tensor B)[]> Epochs(Dataset train, int batchSize, CancellationToken cancellation = default)
    {
        var step = Jit.Compile<(State At, Batch Batch, Tensor[] Masks, Tensor Rate), State>(now =>
        {
            var gradient = Gradient.Of<(Tensor W, Tensor B)[]>(
                p => network.Loss(network.Forward(p, now.Batch.Inputs, now.Masks), now.Batch.Targets))(now.At.Parameters);
            var velocity = Tree.Map2((v, g) => momentum * v + now.Rate * g, now.At.Velocity, gradient);
            return new(Tree.Map2((p, v) => p - v, now.At.Parameters, velocity), velocity);
        });
        var random = new NumPyRandom(seed);
        int[] order = [.. Enumerable.Range(0, train.Count)];
        State? at = null;
        for (int epoch = 0; !cancellation.IsCancellationRequested; epoch++)
        {
            order = [.. random.Permutation(order.Length).Select(place => order[place])];
            Tensor rate = Tensor.Scalar(learningRate(epoch));
            foreach (int[] rows in order.Chunk(batchSize))
            {
                Tensor places = Tensor.From(rows, rows.Length);
                var batch = new Batch(train.Inputs.Take(places, 0), train.Targets.Take(places, 0));
                Tensor[] masks;
                if (at is null) (at, masks, random) = Start(train.Inputs.Shape[1], rows.Length);
                else masks = [.. network.Layers.Select(layer => layer.Mask(random, rows.Length))];
                at = step((at, batch, masks, rate));
            }

            yield return at!.Parameters;
        }
    }

    /// <summary>The first parameters and masks, and the random numbers that the text goes on with. A layer makes its weights when it
    /// first sees a batch, and starts the random numbers anew for that.</summary>
    private (State At, Tensor[] Masks, NumPyRandom Random) Start(int inputs, int rows)
    {
        var parameters = new List<(Tensor W, Tensor B)>();
        var masks = new List<Tensor>();
        NumPyRandom random = null!;
        foreach (DenseLayer layer in network.Layers)
        {
            random = new NumPyRandom(seed);
            parameters.Add(layer.Initialize(random, inputs));
            masks.Add(layer.Mask(random, rows));
            inputs = layer.Neurons;
        }

        (Tensor W, Tensor B)[] first = [.. parameters];
        Change(first);
        return (new(first, Tree.Map(Tensor.ZerosLike, first)), [.. masks], random);
    }

    private sealed record State((Tensor W, Tensor B)[] Parameters, (Tensor W, Tensor B)[] Velocity);
}
