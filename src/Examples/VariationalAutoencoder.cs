using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>
/// A variational autoencoder (Kingma and Welling 2014) learns to draw digits, in a training loop written out: the gradient of a
/// record of two networks and a step of the optimizer, compiled as one function.
/// </summary>
internal static class VariationalAutoencoder
{
    private const int Codes = 8, Hidden = 400;

    private static readonly Sequential Encoder = [new Dense(Hidden), Activations.ReLU, new Dense(2 * Codes)];
    private static readonly Sequential Decoder = [new Dense(Hidden), Activations.ReLU, new Dense(784)];

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, _) = settings.Digits(training: 12_000, test: 2_000);
        int epochs = settings.Epochs ?? 10, batchSize = settings.Batch ?? 128;
        var key = new Key(settings.Seed);
        var optimizer = new Adam(1e-3);
        var networks = new Networks(Encoder.Initialize(key.FoldIn(0), [784]), Decoder.Initialize(key.FoldIn(1), [Codes]));
        var state = (networks, optimizer.Init(networks));

        // The state is donated: each step writes the next one over it.
        var step = Jit.CompileDonating(((Networks Networks, OptimizerState Optimizer) now, (Tensor Images, Key Key) batch) =>
        {
            (Tensor loss, Networks slope) = Gradient.ValueAndGrad((Networks n) => Loss(n, batch.Images, batch.Key))(now.Networks);
            return (loss, optimizer.Update(slope, now.Optimizer, now.Networks));
        });
        Func<Networks, Tensor, Key, Tensor> measure = Jit.Compile<Networks, Tensor, Key, Tensor>(Loss);

        // What an image costs if it is told by nothing but how light each place is on average.
        Tensor average = Tensor.Clamp(train.Inputs.Mean(0), 1e-3, 1 - 1e-3);
        double withoutCodes = -(test.Inputs * Tensor.Log(average) + (1.0 - test.Inputs) * Tensor.Log(1.0 - average)).Sum(1).Mean().ToDouble();
        settings.Output.WriteLine($"without codes: {withoutCodes:f1} nats for a test image");

        double loss = double.NaN;
        for (int epoch = 1, i = 0; epoch <= epochs; epoch++)
        {
            foreach (Batch batch in train.Batches(batchSize, key.FoldIn(2).FoldIn(epoch), dropLast: true).Prefetch())
            {
                settings.Cancellation.ThrowIfCancellationRequested();
                (_, state) = step(state, (batch.Inputs, key.FoldIn(3).FoldIn(i++)));
            }

            loss = measure(state.Item1, test.Inputs, key.FoldIn(4)).ToDouble();
            settings.Output.WriteLine($"epoch {epoch}: {loss:f1} nats for a test image");
        }

        Tensor Draw(Tensor codes) => Tensor.Sigmoid(Decoder.Apply(state.Item1.Decoder, codes)).Reshape(-1, 28, 28);

        // Straight ways from digit to digit through the space of codes.
        Tensor ends = Encode(state.Item1, test.Inputs[..6]).Mean, share = Tensor.Linspace(0, 1, 10, DType.Float32).Reshape(1, 10, 1);
        Tensor ways = ends[..5].ExpandAxis(1) * (1.0 - share) + ends[1..].ExpandAxis(1) * share;
        settings.Save(
            new Figure(
                new Axes().ImageGrid(Draw(key.FoldIn(5).Normal([60, Codes])), columns: 10).Title("drawn from random codes"),
                new Axes().ImageGrid(Draw(ways.Reshape(-1, Codes)), columns: 10).Title("from one test image to the next")).Size(1000, 360),
            "vae.svg");
        return new Dictionary<string, double> { ["withoutCodes"] = withoutCodes, ["loss"] = loss };
    }

    /// <summary>The mean and the logarithm of the variance of the codes that an image may have come from.</summary>
    private static (Tensor Mean, Tensor LogVariance) Encode(Networks networks, Tensor images)
    {
        Tensor both = Encoder.Apply(networks.Encoder, images);
        return (both[.., ..Codes], both[.., Codes..]);
    }

    /// <summary>How many nats an image costs: what the codes tell, and what is still missing to it, grey values being probabilities. The
    /// draw of the codes is a function of their mean and variance, through which the gradient goes.</summary>
    private static Tensor Loss(Networks networks, Tensor images, Key key)
    {
        (Tensor mean, Tensor logVariance) = Encode(networks, images);
        Tensor logits = Decoder.Apply(networks.Decoder, mean + Tensor.Exp(0.5 * logVariance) * key.Normal(mean.Shape));
        Tensor missing = (Tensor.Softplus(logits) - images * logits).Sum(1);
        Tensor told = 0.5 * (Tensor.Square(mean) + Tensor.Exp(logVariance) - 1.0 - logVariance).Sum(1);
        return (missing + told).Mean();
    }

    private sealed record Networks(Parameters Encoder, Parameters Decoder);
}
