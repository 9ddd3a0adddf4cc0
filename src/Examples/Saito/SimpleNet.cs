namespace Autodiff.Examples.Saito;

/// <summary>Chapter 4.4: the loss of a network of one layer, and its gradient with respect to the weights.</summary>
internal static class SimpleNet
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor weights = Tensor.From([0.47355232, 0.9977393, 0.84668094, 0.85557411, 0.03563661, 0.69422093], 2, 3);
        Tensor x = Tensor.From([0.6, 0.9]), t = Tensor.From([0.0, 0.0, 1.0]);
        Tensor Predict(Tensor w) => x.MatMul(w);

        // The text's loss is that without the 1e-7 in the logarithm of its listing.
        Tensor Loss(Tensor w) => -(t * Predict(w).LogSoftmax(0)).Sum();

        // Its weights are printed with eight digits, so that of the loss, 0.92806853663411326, as many can be checked.
        settings.Compare("4.4", "x W", "[1.05414809 0.63071653 1.1328074]", Predict(weights));
        settings.Compare("4.4", "the largest", "2", Predict(weights).ArgMax(0));
        (Tensor loss, Tensor gradient) = Gradient.ValueAndGrad<Tensor>(Loss)(weights);
        settings.Compare("4.4", "loss", "0.92806854", loss);
        const string printed = "[[0.21924763 0.14356247 -0.36281009] [0.32887144 0.2153437 -0.54421514]]";
        settings.Compare("4.4", "gradient", printed, gradient);
        Tensor flat = Differences.Gradient(w => Loss(w.Reshape(2, 3)), weights.Reshape(-1));
        settings.Compare("4.4", "gradient by differences", printed, flat);
        return new Dictionary<string, double> { ["loss"] = loss.ToDouble() };
    }
}
