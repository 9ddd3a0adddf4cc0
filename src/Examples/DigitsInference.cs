using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>
/// A trained network of 784-50-100-10 neurons, sigmoid, sigmoid, softmax, reads the 10,000 test images of MNIST; its
/// weights come from a file. Written with plain tensors, no layers.
/// </summary>
internal static class DigitsInference
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        string data = settings.Data ?? throw new ArgumentException(
            "the MNIST test images and saito/sample_weight.npz are needed: give their folder with --data or AUTODIFF_DATA.");
        IReadOnlyDictionary<string, Tensor> weights = Npz.Load(Path.Combine(data, "saito", "sample_weight.npz"));
        (Dataset train, Dataset test) = Mnist.Load(data);
        settings.Compare("3.6", "shapes of the data", "60000 784 10000 784", Tensor.From([.. train.Inputs.Shape, .. test.Inputs.Shape]));
        settings.Compare("3.6", "label of the first image", "5", train.Targets[0]);
        settings.Save(
            new Axes().ImageGrid(train.Inputs[..100].Reshape(100, 28, 28), 10).Title("Fig 3-24: digits of MNIST").ToFigure(640, 660),
            "digits-inference.svg");

        int correct = 0;
        foreach (Batch batch in test.Batches(settings.Batch ?? 100))
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            Tensor answer = Predict(weights, batch.Inputs).ArgMax(1);
            correct += (int)Tensor.EqualTo(answer, batch.Targets).Sum().ToDouble();
        }

        double accuracy = (double)correct / test.Count;
        settings.Output.WriteLine($"{correct} of {test.Count} test images are read correctly: accuracy {accuracy}");
        settings.Compare("3.6", "test accuracy with the given weights", "0.9352", accuracy);
        return new Dictionary<string, double> { ["accuracy"] = accuracy };
    }

    private static Tensor Predict(IReadOnlyDictionary<string, Tensor> w, Tensor x)
    {
        Tensor first = Tensor.Sigmoid(x.MatMul(w["W1"]) + w["b1"]);
        Tensor second = Tensor.Sigmoid(first.MatMul(w["W2"]) + w["b2"]);
        return (second.MatMul(w["W3"]) + w["b3"]).Softmax(1);
    }
}
