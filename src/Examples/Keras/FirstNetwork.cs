using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Keras;

/// <summary>Slides 2-1 and 2-4: a first network in the steps of the slides, with the loop that <c>Fit</c> stands for written
/// out.</summary>
/// <remarks>The slides name neither the network nor numbers: 784-512-10, RMSProp and batches of 128 are ours.</remarks>
internal static class FirstNetwork
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        // Load.
        (Dataset train, Dataset test, _) = settings.Digits();

        // Specify the network, its loss function, optimizer and metrics.
        var network = new Sequential(new Dense(512), Activations.ReLU, new Dense(10));
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new RMSProp(1e-3)) { Metrics = [Metrics.Accuracy], Writer = settings.Output };

        // Train and test.
        int batch = settings.Batch ?? 128;
        TrainingResult result = trainer.Fit(
            train, test, epochs: settings.Epochs ?? 5, batchSize: batch, seed: settings.Seed, cancellationToken: settings.Cancellation);
        double accuracy = result.Model.Evaluate(test, Metrics.Accuracy);
        settings.Output.WriteLine(
            $"2-1   test accuracy {accuracy:0.0000} after {result.History.Epochs.Count} epochs, {result.History.Seconds:0.0} s");
        settings.Save(result.History.ToFigure(), "keras-ch2-network.svg");
        double[] losses = Loop(settings, network, train, batch);
        settings.Output.WriteLine(
            $"2-4   the loop written out, plain gradient descent: loss {losses[0]:0.000} in the first step, "
            + $"{losses[^1]:0.000} after {losses.Length} steps");
        return new Dictionary<string, double> { ["accuracy"] = accuracy, ["firstLoss"] = losses[0], ["lastLoss"] = losses[^1] };
    }

    /// <summary>The training loop of slide 2-4.</summary>
    private static double[] Loop(Settings settings, Layer network, Dataset train, int batch)
    {
        const double learningRate = 0.1;
        Func<Parameters, Batch, (Tensor Loss, Parameters Next)> step = Jit.Compile((Parameters w, Batch examples) =>
        {
            // 2. The output of the network for them, 3. how far it is from the targets, and the gradient of that.
            (Tensor loss, Parameters gradient) = Gradient.ValueAndGrad(
                (Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, examples.Inputs), examples.Targets))(w);

            // 4. A step against it: w becomes w - learningRate gradient.
            return (loss, w.WithLeaves([.. w.Leaves.Zip(gradient.Leaves, (p, g) => p - g * learningRate)]));
        });

        var key = new Key(settings.Seed);
        Parameters parameters = network.Initialize(key.FoldIn(0), train.Inputs.Shape[1..]);
        var losses = new List<double>();

        // 1. A batch of examples and their targets, drawn at random.
        foreach (Batch examples in train.Batches(batch, key.FoldIn(1)))
        {
            (Tensor loss, parameters) = step(parameters, examples);
            losses.Add(loss.ToDouble());
        }

        return [.. losses];
    }
}
