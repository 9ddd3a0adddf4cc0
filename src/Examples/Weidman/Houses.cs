using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapter 7.2: the network 13-13-1 for the prices of houses, written as one describes it to a library, by gradient descent and
/// with momentum.</summary>
/// <remarks>The text prints no numbers here; those of its own framework stand in chapter 3.8 (MAE 2.60, RMSE 4.03).</remarks>
internal static class Houses
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = Boston.Load(settings);
        Sequential network = [new Dense(13, Initializers.GlorotUniform), Activations.Sigmoid, new Dense(1, Initializers.GlorotUniform)];
        settings.Compare("7.2", "parameters", "196", network.Initialize(new Key(0), [13]).ElementCount, source: Source.Hand);
        var metrics = new Dictionary<string, double>();
        Axes curves = new Axes().Title("Loss of the test data").XLabel("epoch").YLabel("mean squared error").YLog();
        foreach ((string name, Optimizer optimizer, int epochs) in new (string, Optimizer, int)[]
            { ("SGD", new SGD(0.001), 10), ("SGD for longer", new SGD(0.01), 100), ("momentum", new Momentum(0.001), 100) })
        {
            var trainer = new Trainer(network, Losses.MeanSquaredError, optimizer)
            {
                Metrics = [Metrics.MeanAbsoluteError, Metrics.RootMeanSquaredError],
                Output = Output.None,
            };
            TrainingResult result = trainer.Fit(
                train, test, settings.Epochs ?? epochs, settings.Batch ?? 32, settings.Seed, cancellationToken: settings.Cancellation);
            if (settings.Cancellation.IsCancellationRequested) break;
            EpochRecord last = result.History.Epochs[^1];
            double mae = last.ValidationMetrics["mean absolute error"], rmse = last.ValidationMetrics["root mean squared error"];
            settings.Output.WriteLine($"{name}: MAE {mae:0.00}, RMSE {rmse:0.00} after {last.Epoch} epochs");
            if (areReal && settings is { Epochs: null, Batch: null } && name == "momentum")
                settings.Compare("7.2", "momentum, MAE and RMSE against chapter 3's 13-13-1", "2.60 4.03", Tensor.From([mae, rmse]), How.AtMost);
            (metrics[name + ".mae"], metrics[name + ".rmse"]) = (mae, rmse);
            curves = curves.Line(
                result.History.Epochs.Select(epoch => (double)epoch.Epoch).ToArray(), result.History.Epochs.Select(epoch => epoch.Score).ToArray(), name);
        }

        settings.Save(curves.ToFigure(), "weidman-ch7-houses.svg");
        return metrics;
    }
}
