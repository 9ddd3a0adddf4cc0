using Autodiff.Layers;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 8.3: numbers of 16 bits are enough to read digits.</summary>
/// <remarks>The text gives no number; it says that accuracy does not fall.</remarks>
internal static class HalfPrecision
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits();
        var network = new Sequential(new Dense(100), Activations.ReLU, new Dense(10));
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(1e-3)) { Writer = settings.Output };
        Model model = trainer.Fit(
            train, epochs: settings.Epochs ?? 5, batchSize: settings.Batch ?? 100, seed: settings.Seed,
            cancellationToken: settings.Cancellation).Model;

        var metrics = new Dictionary<string, double>();
        foreach (DType dtype in new[] { DType.Float64, DType.Float32, DType.Float16, DType.BFloat16 })
        {
            metrics[dtype.ToString()] = Accuracy(model, test, dtype);
            settings.Output.WriteLine($"{dtype,-9} {metrics[dtype.ToString()]:0.0000} of the test images are read correctly");
        }

        double lost = metrics[DType.Float64.ToString()] - metrics[DType.Float16.ToString()];
        if (areReal) settings.Compare("8.3", "accuracy that numbers of 16 bits lose: none", "0.00", lost, How.AtMost);
        return metrics;
    }

    /// <summary>The accuracy of a model whose parameters, inputs and all numbers between are of a type.</summary>
    internal static double Accuracy(Model model, Dataset test, DType dtype) =>
        new Model(model.Network, model.Parameters.To(dtype), [.. model.InputShape])
            .Evaluate(test.Map(images => images.To(dtype)), Metrics.Accuracy);
}
