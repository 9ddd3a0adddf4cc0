using System.Diagnostics;
using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 4.5 and 5.7: a network of 784-50-10 units learns to read digits.</summary>
internal static class TwoLayerNet
{
    /// <summary>With a sigmoid (figures 4-11 and 4-12), after a small network has learned by differences.</summary>
    internal static IReadOnlyDictionary<string, double> RunSigmoid(Settings settings)
    {
        Shapes(settings);
        Dictionary<string, double> metrics = Train(settings, Activations.Sigmoid, "saito-ch4-training.svg");
        metrics["differencesApart"] = ByDifferences(settings);
        if (settings.Epochs is null) AtFullSize(settings);
        return metrics;
    }

    /// <summary>With ReLU.</summary>
    internal static IReadOnlyDictionary<string, double> RunReLU(Settings settings) => Train(settings, Activations.ReLU, "saito-ch5-training.svg");

    /// <summary>The parameters of a network of 784-100-10 units, its answer to a batch, and the steps of an epoch.</summary>
    private static void Shapes(Settings settings)
    {
        var key = new Key(settings.Seed);
        Sequential network = Experiments.MultiLayer([100], Initializers.Normal(0.01), Activations.Sigmoid);
        Parameters parameters = network.Initialize(key, [784]);
        Tensor x = key.FoldIn(1).Uniform([100, 784]), t = key.FoldIn(2).Uniform([100, 10]);
        const string shapes = "(784, 100) (100) (100, 10) (10)";
        settings.Compare("4.5", "shapes of W1, b1, W2, b2", shapes, Tensor.From([.. parameters.Leaves.SelectMany(leaf => leaf.Shape)]));
        settings.Compare("4.5", "of the answer to 100 images", "(100, 10)", Tensor.From(network.Apply(parameters, x).Shape));
        Parameters gradient = Gradient.Of((Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, x), t))(parameters);
        settings.Compare("4.5", "of the gradient", shapes, Tensor.From([.. gradient.Leaves.SelectMany(leaf => leaf.Shape)]));
        settings.Compare("4.5", "steps in an epoch of 10,000 images, 100 in each", "100", new Dataset(Tensor.Zeros(10_000, 1), Tensor.Zeros(10_000)).Batches(100).Count());
    }

    private static Dictionary<string, double> Train(Settings settings, Layer activation, string picture)
    {
        (Dataset train, Dataset test, _) = settings.Digits();
        int batch = settings.Batch ?? 100, epochs = settings.Epochs ?? (int)Math.Ceiling(10_000.0 * batch / train.Count);
        int epoch = (train.Count + batch - 1) / batch;
        List<double> losses = [], onTraining = [], onTest = [];
        void Watch(TrainingRun run)
        {
            // As the text does: after the first step of each epoch.
            if (losses.Count % epoch == 0)
            {
                onTraining.Add(run.Model.Evaluate(train, Metrics.Accuracy));
                onTest.Add(run.Model.Evaluate(test, Metrics.Accuracy));
            }

            losses.Add(run.Loss);
        }

        var trainer = new Trainer(Experiments.MultiLayer([50], Initializers.Normal(0.01), activation), Losses.SoftmaxCrossEntropy, new SGD(0.1))
        {
            Writer = settings.Output,
            Metrics = [Metrics.Accuracy],
            Callbacks = [Callback.From(onStepEnd: Watch)],
        };
        TrainingResult result = trainer.Fit(train, test, epochs, batch, settings.Seed, cancellationToken: settings.Cancellation);
        if (losses.Count == 0) throw new OperationCanceledException();

        double trainAccuracy = result.Model.Evaluate(train, Metrics.Accuracy), testAccuracy = result.Model.Evaluate(test, Metrics.Accuracy);
        settings.Output.WriteLine($"after {losses.Count:n0} steps, {epoch} in an epoch, {trainAccuracy:p2} of the training and {testAccuracy:p2} of the test images are read correctly");
        double[] smooth = [.. losses];
        settings.Save(
            new Figure(
                new Axes().Line(smooth.Smoothed()).XLabel("step").YLabel("loss").YLimits(low: 0).Title($"Loss of {losses.Count:n0} steps"),
                new Axes().Line(smooth[..Math.Min(1000, smooth.Length)], width: 1).XLabel("step").YLabel("loss").YLimits(low: 0).Title("The first of them"),
                new Axes().Line(onTraining, "training").Line(onTest, "test", dash: Dash.Dashed).YLimits(0, 1.02).XLabel("epoch").YLabel("accuracy")
                    .Title("Accuracy")).Title($"784-50-10 units, {activation.Name}"),
            picture);
        return new() { ["trainAccuracy"] = trainAccuracy, ["testAccuracy"] = testAccuracy, ["lastLoss"] = losses[^1] };
    }

    /// <summary>A network of 49-8-10 units, small enough to learn by differences as the text first does, from images of 7 by 7
    /// pixels. Says how far its losses are from those of exact gradients.</summary>
    private static double ByDifferences(Settings settings)
    {
        const int steps = 200;
        (Dataset all, _, _) = settings.Digits(flatten: false);
        Dataset train = all.Take(2000).Map(images => images.AveragePool2D(4).Reshape(-1, 49).To(DType.Float64));
        Sequential network = Experiments.MultiLayer([8], Initializers.XavierNormal, Activations.Sigmoid);
        Parameters first = network.Initialize(new Key(settings.Seed), [49]).To(DType.Float64), second = first;
        int[] sizes = [.. first.Leaves.Select(leaf => leaf.Size)];
        Tensor Flat(Parameters parameters) => Tensor.Concat(0, parameters.Leaves.Select(leaf => leaf.Reshape(-1)));
        Parameters Tree(Tensor flat) => first.WithLeaves([.. flat.Split(sizes, 0).Zip(first.Leaves, (part, leaf) => part.Reshape(leaf.Shape))]);

        double apart = 0, loss = 0;
        foreach (Batch batch in Enumerable.Range(0, steps).SelectMany(i => train.Batches(100, new Key(settings.Seed).FoldIn(i))).Take(settings.Epochs is null ? steps : 5))
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            Tensor Loss(Parameters parameters) => Losses.SoftmaxCrossEntropy.Of(network.Apply(parameters, batch.Inputs), batch.Targets);
            Tensor slopes = Differences.Gradient(flat => Loss(Tree(flat)), Flat(first));
            (Tensor value, Parameters gradient) = Gradient.ValueAndGrad<Parameters>(Loss)(second);
            loss = Loss(first).ToDouble();
            apart = Math.Max(apart, Math.Abs(loss - value.ToDouble()));
            first = Tree(Flat(first) - 0.5 * slopes);
            second = Tree(Flat(second) - 0.5 * Flat(gradient));
        }

        settings.Output.WriteLine($"a network of {sizes.Sum()} parameters learned by differences; its loss is {loss:0.000}, never more than {apart:0.0e+0} from that by exact gradients");
        return apart;
    }

    /// <summary>First steps of the network of the text by differences. The text, too, turns to back-propagation for the rest.</summary>
    private static void AtFullSize(Settings settings)
    {
        const int steps = 2;
        (Dataset train, _, _) = settings.Digits();
        Sequential network = Experiments.MultiLayer([50], Initializers.Normal(0.01), Activations.Sigmoid);
        Parameters parameters = network.Initialize(new Key(settings.Seed), [784]).To(DType.Float64);
        double apart = 0;
        long start = Stopwatch.GetTimestamp();
        foreach (Batch batch in train.Batches(100, new Key(settings.Seed)).Take(steps))
        {
            Tensor inputs = batch.Inputs.To(DType.Float64);
            Tensor Loss(Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, inputs), batch.Targets);
            Parameters slopes = Differences.Gradient(Loss, parameters, settings.Cancellation), exact = Gradient.Of<Parameters>(Loss)(parameters);
            apart = Math.Max(apart, slopes.Leaves.Zip(exact.Leaves, Experiments.DistanceTo).Max());
            parameters = parameters.WithLeaves([.. parameters.Leaves.Zip(slopes.Leaves, (leaf, slope) => leaf - 0.1 * slope)]);
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / steps;
        settings.Output.WriteLine(
            $"784-50-10 units made {steps} steps by differences of {seconds:0} s each, never more than {apart:0.0e+0} from exact gradients; 10,000 would take {seconds * 10_000 / 3600:0} hours");
    }
}
