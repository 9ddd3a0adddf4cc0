using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 8.2: what a network learned from many images helps with few others. Convolutions learn from the digits 0 to 4,
/// are kept, and new dense layers learn 5 to 9 from few images, beside a network that starts anew.</summary>
/// <remarks>The text says so of ImageNet, without numbers.</remarks>
internal static class TransferLearning
{
    private const int Steps = 300, PerStep = 20;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset all, Dataset test, _) = settings.Digits(flatten: false, training: 1200, test: 300);
        static Tensor IsLow(Tensor targets) => Tensor.Less(targets, Tensor.Full(targets.Shape, 5, targets.DType));
        static Dataset High(Dataset digits) => digits.Filter((_, targets) => Tensor.Not(IsLow(targets)));
        Dataset many = all.Filter((_, targets) => IsLow(targets)), others = High(all), tests = High(test);
        Sequential network = DeepConvNet.Network();
        Model first = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(1e-3)) { Writer = settings.Output }.Fit(
            many, epochs: settings.Epochs ?? 1, batchSize: settings.Batch ?? 100, seed: settings.Seed, cancellationToken: settings.Cancellation).Model;

        // The layers before the dense ones are those of lower numbers.
        int dense = network.Index().First(layer => layer.Item is Dense).Index;
        bool IsKept(string name) => int.Parse(name[..name.IndexOf('.', StringComparison.Ordinal)], null) < dense;
        Parameters fresh = network.Initialize(new Key(settings.Seed + 1), [1, 28, 28]);
        Parameters transferred = fresh.WithLeaves([.. fresh.Names.Select(name => (IsKept(name) ? first.Parameters : fresh)[name])]);
        var frozen = new ParameterGroups(new Adam(1e-3), (IsKept, new Frozen()));

        int[] sizes = settings.Epochs is null ? [20, 50, 100, 200, 500] : [20];
        double[] Learn(Parameters start, Optimizer optimizer) =>
        [
            .. sizes.Select(size => new Trainer(network, Losses.SoftmaxCrossEntropy, optimizer) { Output = Output.None }.Fit(
                others.Take(size), epochs: settings.Epochs ?? Steps * PerStep / size, batchSize: PerStep, seed: settings.Seed, initial: start,
                cancellationToken: settings.Cancellation).Model.Evaluate(tests, Metrics.Accuracy)),
        ];
        double[] anew = Learn(fresh, new Adam(1e-3)), kept = Learn(transferred, frozen);
        settings.Cancellation.ThrowIfCancellationRequested();
        foreach ((int i, int size) in sizes.Index())
            settings.Output.WriteLine($"{size,4} images of 5 to 9: test accuracy {anew[i]:0.000} anew, {kept[i]:0.000} with convolutions that know 0 to 4");
        Tensor x = Tensor.From(sizes);
        settings.Save(
            new Axes().Line(x, kept, "convolutions learned from 0 to 4", marker: Marker.Circle).Line(x, anew, "all anew", dash: Dash.Dashed, marker: Marker.Circle)
                .XLog().YLimits(0, 1.02).XLabel("images of 5 to 9").YLabel("test accuracy").Title("Chapter 8.2: transfer learning").ToFigure(),
            "saito-ch8-transfer.svg");
        return new Dictionary<string, double> { ["anew"] = anew[0], ["transferred"] = kept[0] };
    }
}
