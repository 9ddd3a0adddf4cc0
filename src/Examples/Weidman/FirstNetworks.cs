using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapter 3.8: linear regression, a network and a deep network learn the prices of houses, by a framework of a page.</summary>
internal static class FirstNetworks
{
    private const uint Seed = 20190501;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = Boston.Load(settings);
        int epochs = settings.Epochs ?? 50;
        DenseLayer hidden = new(13, Tensor.Sigmoid), last = new(1, x => x);
        (string Name, DenseLayer[] Layers, string Losses, string Errors)[] rows =
        [
            ("linear regression", [last], "30.295 28.462 26.299 25.548 25.092", "3.52 5.01"),
            ("13-13-1", [hidden, last], "27.434 21.834 18.915 17.193 16.214", "2.60 4.03"),
            ("13-13-13-1", [hidden, hidden, last], "44.134 25.271 22.341 16.464 14.604", "2.45 3.82"),
        ];
        var metrics = new Dictionary<string, double>();
        Axes curves = new Axes().Title("Loss of the test data").XLabel("epoch").YLabel("mean squared error");
        foreach ((string name, DenseLayer[] layers, string textLosses, string textErrors) in rows)
        {
            var network = new NeuralNetwork((p, y) => Tensor.Square(p - y).Mean(), layers);
            var trainer = new NetworkTrainer(network, Seed, _ => 0.01);
            var (parameters, losses) = trainer.Fit(train, test, epochs, settings.Batch ?? 32, settings.Cancellation);
            if (settings.Cancellation.IsCancellationRequested) break;
            Tensor error = network.Forward(parameters, test.Inputs) - test.Targets;
            double mae = Tensor.Abs(error).Mean().ToDouble(), rmse = Math.Sqrt(Tensor.Square(error).Mean().ToDouble());
            settings.Output.WriteLine($"{name}: MAE {mae:0.0000}, RMSE {rmse:0.0000}");
            if (areReal && epochs == 50 && settings.Batch is null)
            {
                settings.Compare("3.8", $"{name}, loss after 10, 20, 30, 40, 50 epochs", textLosses, Tensor.From([.. losses]));
                settings.Compare("3.8", $"{name}, MAE and RMSE", textErrors, Tensor.From([mae, rmse]));
            }

            (metrics[name + ".mae"], metrics[name + ".rmse"]) = (mae, rmse);
            curves = curves.Line(losses.Select((_, i) => Math.Min(epochs, 10.0 * (i + 1))).ToArray(), losses, name, marker: Marker.Circle);
        }

        settings.Save(curves.YLimits(low: 0).ToFigure(), "weidman-ch3-networks.svg");
        return metrics;
    }
}
