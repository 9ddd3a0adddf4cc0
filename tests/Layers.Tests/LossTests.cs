using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class LossTests
{
    private static Tensor Doubles(int[] shape, int seed) => new Key(seed).Normal(shape, dtype: DType.Float64);

    /// <summary>Every loss with an output, targets that it takes, and its value by the textbook formula.</summary>
    private static readonly (string Name, Loss Loss, Tensor Output, Tensor Target, Func<double[], double[], double> Formula)[] Table =
    [
        ("mean squared error", Losses.MeanSquaredError, Doubles([4, 3], 1), Doubles([4, 3], 2),
            (y, t) => y.Zip(t, (a, b) => (a - b) * (a - b)).Average()),
        ("mean squared error, integer targets", Losses.MeanSquaredError, Doubles([3], 1), Tensor.From([1, 2, 3], 3),
            (y, t) => y.Zip(t, (a, b) => (a - b) * (a - b)).Average()),
        ("softmax cross entropy, classes", Losses.SoftmaxCrossEntropy, Doubles([4, 3], 3), Tensor.From([2, 0, 1, 1], 4),
            (y, t) => Enumerable.Range(0, 4).Average(i => -LogSoftmax(y, 3, i, (int)t[i]))),
        ("softmax cross entropy, uint8 classes", Losses.SoftmaxCrossEntropy, Doubles([4, 3], 3), Tensor.From((byte[])[2, 0, 1, 1], 4),
            (y, t) => Enumerable.Range(0, 4).Average(i => -LogSoftmax(y, 3, i, (int)t[i]))),
        ("softmax cross entropy, rows", Losses.SoftmaxCrossEntropy, Doubles([2, 3], 3), Tensor.From([0.0, 0.25, 0.75, 1, 0, 0], 2, 3),
            (y, t) => Enumerable.Range(0, 2).Average(i => -Enumerable.Range(0, 3).Sum(j => t[3 * i + j] * LogSoftmax(y, 3, i, j)))),
        ("binary cross entropy", Losses.BinaryCrossEntropy, Doubles([4, 1], 4), Tensor.From([0.0, 1, 1, 0.25], 4, 1),
            (y, t) => y.Zip(t, (a, b) => -b * Math.Log(Sigmoid(a)) - (1 - b) * Math.Log(1 - Sigmoid(a))).Average()),
        ("binary cross entropy, truth values", Losses.BinaryCrossEntropy, Doubles([3], 4), Tensor.From([true, false, true], 3),
            (y, t) => y.Zip(t, (a, b) => -b * Math.Log(Sigmoid(a)) - (1 - b) * Math.Log(1 - Sigmoid(a))).Average()),
        ("a loss of one's own", new Loss("mine", (y, t) => Tensor.Sqrt(Tensor.Square(y - t) + 1.0).Mean()), Doubles([4], 5), Doubles([4], 6),
            (y, t) => y.Zip(t, (a, b) => Math.Sqrt((a - b) * (a - b) + 1)).Average()),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double LogSoftmax(double[] y, int classes, int row, int column) =>
        y[classes * row + column] - Math.Log(Enumerable.Range(0, classes).Sum(j => Math.Exp(y[classes * row + j])));

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_value_is_that_of_the_formula(int index)
    {
        (string name, Loss loss, Tensor output, Tensor target, var formula) = Table[index];
        Tensor value = loss.Of(output, target);
        Assert.True(value.Rank == 0, name);
        Assert.Equal(formula(output.ToArray<double>(), target.ToArray<double>()), value.ToDouble(), 1e-12);
        Assert.Equal(DType.Float32, loss.Of(output.To(DType.Float32), target.DType.IsFloat() ? target.To(DType.Float32) : target).DType);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Derivatives_agree_with_numbers(int index)
    {
        (_, Loss loss, Tensor output, Tensor target, _) = Table[index];
        CheckGrads.Run((Tensor y) => loss.Of(y, target), output);
    }

    [Fact]
    public void Large_logits_neither_overflow_nor_lose_their_gradient()
    {
        Tensor logits = Tensor.From([1e4, -1e4, 0.0], 1, 3);
        foreach ((Loss loss, Tensor target, double value) in ((Loss, Tensor, double)[])
            [
                (Losses.SoftmaxCrossEntropy, Tensor.From([1], 1), 2e4),
                (Losses.BinaryCrossEntropy, Tensor.From([0.0, 1.0, 0.0], 1, 3), (2e4 + Math.Log(2)) / 3),
            ])
        {
            (Tensor found, Tensor gradient) = Gradient.ValueAndGrad((Tensor y) => loss.Of(y, target))(logits);
            Assert.Equal(value, found.ToDouble(), 1e-9);
            Assert.All(gradient.ToArray<double>(), slope => Assert.True(double.IsFinite(slope)));
            Assert.Contains(gradient.ToArray<double>(), slope => slope != 0);
        }
    }

    [Fact]
    public void Outputs_and_targets_that_do_not_fit_raise_a_message_that_names_the_loss_and_the_shapes()
    {
        Tensor column = Doubles([4, 1], 1), row = Doubles([4], 2), matrix = Doubles([4, 3], 3);
        foreach ((Loss loss, Tensor output, Tensor target, string text) in ((Loss, Tensor, Tensor, string)[])
            [
                (Losses.MeanSquaredError, column, row, "reshape"),
                (Losses.MeanSquaredError, matrix, row, "the same"),
                (Losses.BinaryCrossEntropy, row, column, "reshape"),
                (Losses.SoftmaxCrossEntropy, matrix, Tensor.From([0, 1], 2), "(2)"),
                (Losses.SoftmaxCrossEntropy, row, Tensor.From([0, 1], 2), "logits"),
                (Losses.SoftmaxCrossEntropy, matrix, row, "must be integers"),
                (Losses.SoftmaxCrossEntropy, matrix, Tensor.From([0, 1, 2, 3], 4), "take 0 to 2"),
                (Losses.SoftmaxCrossEntropy, matrix, Tensor.From([0, 1, 2, -1], 4), "from -1 to 2"),
                (new Loss("mine", (y, _) => y), row, row, "one number"),
            ])
        {
            string message = Assert.Throws<ArgumentException>(() => loss.Of(output, target)).Message;
            Assert.Contains(loss.Name, message, StringComparison.Ordinal);
            Assert.Contains(text, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Metrics_have_the_values_of_their_formulas()
    {
        Tensor scores = Tensor.From([0.1f, 0.8f, 0.1f, 0.3f, 0.1f, 0.6f, 0.2f, 0.5f, 0.3f, 0.8f, 0.1f, 0.1f], 4, 3);
        Tensor labels = Tensor.From([1, 2, 0, 0], 4);
        Assert.Equal(0.75, Metrics.Accuracy.Of(scores, labels));
        Assert.Equal(0.75, Metrics.Accuracy.Of(scores, labels.OneHot(3)));
        Tensor logits = Tensor.From([-1f, 2f, 0.5f, -3f], 4, 1);
        Assert.Equal(0.5, Metrics.Accuracy.Of(logits, Tensor.From([0, 1, 0, 1], 4)));
        Assert.Equal(0.5, Metrics.Accuracy.Of(logits, Tensor.From([0f, 1f, 0f, 1f], 4, 1)));
        Tensor found = Tensor.From([1.0, 2.0, 3.0], 3), expected = Tensor.From([2.0, 2.0, 1.0], 3);
        Assert.Equal(1, Metrics.MeanAbsoluteError.Of(found, expected), 1e-12);
        Assert.Equal(Math.Sqrt(5.0 / 3), Metrics.RootMeanSquaredError.Of(found, expected), 1e-12);
        foreach (Metric metric in (Metric[])[Metrics.Accuracy, Metrics.MeanAbsoluteError, Metrics.RootMeanSquaredError])
            Assert.Contains("(2)", Assert.Throws<ArgumentException>(() => metric.Of(scores, Tensor.From([0, 1], 2))).Message);
    }
}
