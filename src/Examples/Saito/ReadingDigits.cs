using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>
/// Chapter 3.6: a trained network of 784-50-100-10 neurons, sigmoid, sigmoid, softmax, reads the 10,000 test images of MNIST
/// one by one and in batches; its weights come from a file (figures 3-24 to 3-27). Written with plain tensors, no layers.
/// </summary>
internal static class ReadingDigits
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        string data = settings.Data ?? throw new ArgumentException(
            "the MNIST test images and saito/sample_weight.npz are needed: give their folder with --data or AUTODIFF_DATA.");
        IReadOnlyDictionary<string, Tensor> weights = Npz.Load(Path.Combine(data, "saito", "sample_weight.npz"));
        (Dataset train, Dataset test) = Mnist.Load(data);
        settings.Compare("3.6", "training images and labels", "(60000, 784) (60000)", Shapes(train.Inputs, train.Targets));
        settings.Compare("3.6", "test images and labels", "(10000, 784) (10000)", Shapes(test.Inputs, test.Targets));
        settings.Compare("3.6", "an image that is not flat", "(1, 28, 28)", Tensor.From(Mnist.Load(data, flatten: false).Test.Inputs[0].Shape));
        settings.Compare("3.6", "the least and the largest pixel", "0.0 1.0", Tensor.Stack(0, train.Inputs.Min(), train.Inputs.Max()));
        settings.Compare("3.6", "label of the first image", "5", train.Targets[0]);
        Tensor first = train.Inputs[0];
        settings.Compare("3.6", "the first image, flat and as rows and columns", "(784) (28, 28)", Shapes(first, first.Reshape(28, 28)));
        Tensor fives = train.Take(300).Filter((_, targets) => Tensor.EqualTo(targets, Tensor.Scalar(5.0))).Inputs[..15];
        settings.Save(
            new Figure(
                new Axes().ImageGrid(train.Inputs[..100].Reshape(100, 28, 28), 10).Title("Fig 3-24: digits of MNIST"),
                new Axes().Image(first.Reshape(28, 28)).Title("Fig 3-25: the first"),
                new Axes().ImageGrid(fives.Reshape(15, 28, 28), 5).Title("Fig 4-1: fives")).Size(1080, 400),
            "saito-ch3-digits.svg");

        settings.Compare("3.6", "shapes of one image, W1, W2, W3 and its output", "784 784 50 50 100 100 10 10", Shapes(
            first, weights["W1"], weights["W2"], weights["W3"], Predict(weights, first)));
        settings.Compare("3.6", "of a batch of 100", "100 784 784 50 50 100 100 10 100 10", Shapes(
            test.Inputs[..100], weights["W1"], weights["W2"], weights["W3"], Predict(weights, test.Inputs[..100])));
        settings.Compare("3.6", "starts of batches of 3 among 10", "[0, 3, 6, 9]", Tensor.Arange(0, 10, 3));

        settings.Compare("3.6", "accuracy with the given weights, one by one", "0.9352", Accuracy(settings, weights, test, 1));
        double accuracy = Accuracy(settings, weights, test, settings.Batch ?? 100);
        settings.Output.WriteLine($"3.6   accuracy in batches: {accuracy}");
        return new Dictionary<string, double> { ["accuracy"] = accuracy };
    }

    private static double Accuracy(Settings settings, IReadOnlyDictionary<string, Tensor> weights, Dataset test, int size)
    {
        double right = 0;
        foreach (Batch batch in test.Batches(size))
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            right += Tensor.EqualTo(Predict(weights, batch.Inputs).ArgMax(-1), batch.Targets).Sum().ToDouble();
        }

        return right / test.Count;
    }

    /// <summary>Probabilities of the ten digits, for one image or for a batch.</summary>
    private static Tensor Predict(IReadOnlyDictionary<string, Tensor> w, Tensor x)
    {
        Tensor first = Tensor.Sigmoid(x.MatMul(w["W1"]) + w["b1"]);
        Tensor second = Tensor.Sigmoid(first.MatMul(w["W2"]) + w["b2"]);
        return (second.MatMul(w["W3"]) + w["b3"]).Softmax(-1);
    }

    private static Tensor Shapes(params Tensor[] tensors) => Tensor.From([.. tensors.SelectMany(tensor => tensor.Shape)]);
}
