using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class LossTests
{
    private static readonly Tensor Labels = Tensor.From([2, 0, 3], 3), ClassWeights = Tensor.From([0.5, 1.0, 2.0, 1.5], 4);

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
        ("mean absolute error", Losses.MeanAbsoluteError, Doubles([4, 3], 1), Doubles([4, 3], 2),
            (y, t) => y.Zip(t, (a, b) => Math.Abs(a - b)).Average()),
        ("hinge", Losses.Hinge, Doubles([4], 7), Tensor.From([1, -1, -1, 1], 4),
            (y, t) => y.Zip(t, (a, b) => Math.Max(0, 1 - a * b)).Average()),

        // What follows has the numbers of PyTorch 1.13, to 12 digits.
        ("negative log likelihood", Losses.NegativeLogLikelihood, Waves.Of(0.1, 3, 4).LogSoftmax(-1), Labels, (_, _) => 1.21626117786),
        ("Kullback-Leibler", Losses.KLDivergence, Waves.Of(0.1, 3, 4).LogSoftmax(-1), Waves.Of(0.9, 3, 4).Softmax(-1),
            (_, _) => 0.0285925263785),
        ("Huber", Losses.Huber(0.6), Waves.Of(0.1, 3, 4), Waves.Of(1.9, 3, 4), (_, _) => 0.454520702465),
        ("binary cross entropy, weight", Losses.BinaryCrossEntropyWith(2.5), Waves.Of(0.1, 3, 4), Tensor.Sigmoid(Waves.Of(0.9, 3, 4)),
            (_, _) => 1.09925435319),
        ("smooth cross entropy", Losses.SoftmaxCrossEntropyWith(labelSmoothing: 0.2), Waves.Of(0.1, 3, 4), Labels, (_, _) => 1.25574585754),
        ("weighted cross entropy", Losses.SoftmaxCrossEntropyWith(ClassWeights), Waves.Of(0.1, 3, 4), Labels, (_, _) => 1.30149626342),
        ("weighted smooth cross entropy", Losses.SoftmaxCrossEntropyWith(ClassWeights, 0.2), Waves.Of(0.1, 3, 4), Labels,
            (_, _) => 1.31675372636),
        ("weighted smooth cross entropy, ignoring", Losses.SoftmaxCrossEntropyWith(ClassWeights, 0.2, -1), Waves.Of(0.1, 3, 4),
            Tensor.From([2, -1, 3], 3), (_, _) => 1.28322316551),
        ("weighted smooth cross entropy, sequences", Losses.SoftmaxCrossEntropyWith(ClassWeights, 0.2, -1), Waves.Of(0.1, 1, 3, 4),
            Tensor.From([2, -1, 3], 1, 3), (_, _) => 1.28322316551),
        ("weighted smooth cross entropy, rows", Losses.SoftmaxCrossEntropyWith(ClassWeights, 0.2), Waves.Of(0.1, 3, 4),
            Waves.Of(0.9, 3, 4).Softmax(-1), (_, _) => 1.73555559538),
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
        Assert.Equal(formula(output.ToArray<double>(), target.ToArray<double>()), value.ToDouble(), 1e-11);
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
                (Losses.Hinge, column, row, "reshape"),
                (Losses.Huber(), matrix, row, "the same"),
                (Losses.KLDivergence, matrix, row, "the same"),
                (Losses.NegativeLogLikelihood, row, row, "logarithms of probabilities"),
                (Losses.SoftmaxCrossEntropyWith(ClassWeights), matrix, Tensor.From([0, 1, 2, 0], 4), "4 class weights"),
                (Losses.SoftmaxCrossEntropyWith(ignore: -1), matrix, Tensor.From([0, 1, 2, -2], 4), "from -2 to 2"),
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
    [Fact]
    public void Losses_refuse_numbers_that_make_no_sense()
    {
        Assert.Contains("delta is 0", Assert.Throws<ArgumentException>(() => Losses.Huber(0)).Message);
        Assert.Contains("labelSmoothing is 1", Assert.Throws<ArgumentException>(() => Losses.SoftmaxCrossEntropyWith(labelSmoothing: 1)).Message);
        Assert.Contains("must be (k)", Assert.Throws<ArgumentException>(() => Losses.SoftmaxCrossEntropyWith(Tensor.Ones(2, 2))).Message);
        Assert.Contains("positiveWeight", Assert.Throws<ArgumentException>(() => Losses.BinaryCrossEntropyWith(-1)).Message);
    }

    [Fact]
    public void A_loss_of_nothing_that_counts_is_zero()
    {
        Tensor output = Doubles([2, 3], 1);
        (Tensor loss, Tensor slope) = Gradient.ValueAndGrad(
            (Tensor y) => Losses.SoftmaxCrossEntropyWith(ignore: -1).Of(y, Tensor.From([-1, -1], 2)))(output);
        Assert.Equal(0, loss.ToDouble());
        Assert.Equal(new double[6], slope.ToArray<double>());
    }

    [Fact]
    public void Metrics_of_classes_count_each_class_over_all_batches()
    {
        // Found 0 0 1 2 2 1, expected 0 1 1 2 0 1, of four classes: the last never occurs.
        Tensor found = Tensor.From([0, 0, 1, 2, 2, 1], 6).OneHot(4), expected = Tensor.From([0, 1, 1, 2, 0, 1], 6);
        ConfusionMatrix matrix = ConfusionMatrix.Of(found, expected);
        Assert.Equal(new long[,] { { 1, 0, 1, 0 }, { 1, 2, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 0 } }, matrix.ToArray());
        Assert.Equal((6, 4, 4.0 / 6), (matrix.Total, matrix.Classes, matrix.Accuracy));
        Assert.Equal((0.5, 0.5, 0.5), (matrix.Precision(0), matrix.Recall(0), matrix.F1(0)));
        Assert.Equal((1, 2.0 / 3, 0.8), (matrix.Precision(1), matrix.Recall(1), matrix.F1(1)));
        Assert.Equal((0, 0, 0), (matrix.Precision(3), matrix.Recall(3), matrix.F1(3)));
        Assert.Equal("  0 1 2 3\n0 1 0 1 0\n1 1 2 0 0\n2 0 0 1 0\n3 0 0 0 0\n", matrix.ToString());
        Assert.Equal(
            matrix.ToArray(),
            (ConfusionMatrix.Of(found[..2], expected[..2]) + ConfusionMatrix.Of(found[2..], expected[2..])).ToArray());
        Assert.Equal((0.5 + 1 + 0.5) / 3, Metrics.Precision.Of(found, expected), 1e-12);
        Assert.Equal((0.5 + 2.0 / 3 + 1) / 3, Metrics.Recall.Of(found, expected), 1e-12);
        Assert.Equal((0.5 + 0.8 + 2.0 / 3) / 3, Metrics.F1.Of(found, expected), 1e-12);

        // A model that returns its inputs, measured over batches of two.
        var model = new Model(Activations.Identity, Parameters.Empty, [4]);
        Metric[] all = [Metrics.Precision, Metrics.F1, Metrics.Accuracy, Metrics.Perplexity, Metrics.TopKAccuracy(2)];
        IReadOnlyDictionary<string, double> measured = model.Evaluate(new Dataset(found, expected), all, batchSize: 2);
        Assert.All(all, metric => Assert.Equal(metric.Of(found, expected), measured[metric.Name], 1e-6));

        Tensor logits = Tensor.From([1f, -1f, 2f, 3f], 4, 1), truth = Tensor.From([true, true, false, true], 4, 1);
        Assert.Equal(2.0 / 3, Metrics.Precision.Of(logits, truth), 1e-12);
        Assert.Equal(2.0 / 3, Metrics.Recall.Of(logits, truth), 1e-12);
        Assert.Equal(1, ConfusionMatrix.Of(logits, truth)[0, 1]);
        Assert.Contains("classes 0 to 3", Assert.Throws<ArgumentException>(() => Metrics.F1.Of(found, expected - Tensor.From([1], 1))).Message);
        Assert.Contains("no class 4", Assert.Throws<ArgumentException>(() => matrix.Recall(4)).Message);
    }

    [Fact]
    public void Metrics_of_sequences_count_steps_and_leave_out_what_is_ignored()
    {
        Tensor logits = new Key(1).Normal([3, 5, 4], dtype: DType.Float64);
        Tensor labels = logits.ArgMax(-1);
        Assert.Equal(1, Metrics.Accuracy.Of(logits, labels));
        Tensor padded = Tensor.Where(Tensor.From([true, true, true, false, false], 5), labels, Tensor.Full([], -1, DType.Int64));
        Assert.Equal(0.6, Metrics.Accuracy.Of(logits, padded), 1e-12);
        Assert.Equal(1, Metrics.AccuracyWith(ignore: -1).Of(logits, padded));
        double mean = Losses.SoftmaxCrossEntropy.Of(logits.Slice(1, 0, 3), labels.Slice(1, 0, 3)).ToDouble();
        Assert.Equal(Math.Exp(mean), Metrics.PerplexityWith(ignore: -1).Of(logits, padded), 1e-9);
        Assert.Equal(4, Metrics.Perplexity.Of(Tensor.Zeros(2, 4), Tensor.From([0, 3], 2)), 1e-5);
    }

    [Fact]
    public void The_best_k_are_found_in_the_order_of_the_outputs()
    {
        Tensor output = Tensor.From([0.1f, 0.4f, 0.3f, 0.4f, 0.5f, 0.5f, 0f, 0f, float.NaN, float.NaN, float.NaN, float.NaN], 3, 4);
        Tensor labels = Tensor.From([3, 1, 0], 3);
        Assert.Equal(0, Metrics.TopKAccuracy(1).Of(output, labels));
        Assert.Equal(2.0 / 3, Metrics.TopKAccuracy(2).Of(output, labels), 1e-12);
        Assert.Equal(2.0 / 3, Metrics.TopKAccuracy(3).Of(output, labels.OneHot(4)), 1e-12);
        Assert.Contains("k is 0", Assert.Throws<ArgumentException>(() => Metrics.TopKAccuracy(0)).Message);
        Assert.Contains("TopKAccuracy", Assert.Throws<ArgumentException>(() => Metrics.TopKAccuracy(1).Of(output, labels[..2])).Message);
    }

    [Fact]
    public void R2_compares_with_the_mean_of_the_targets()
    {
        Tensor target = Tensor.From([1.0, 2.0, 3.0, 6.0], 4);
        Assert.Equal(1, Metrics.R2.Of(target, target));
        Assert.Equal(0, Metrics.R2.Of(Tensor.From([3.0, 3.0, 3.0, 3.0], 4), target), 1e-12);
        Assert.Equal(1 - 4.0 / 14, Metrics.R2.Of(target + 1.0, target), 1e-12);
        Assert.Equal(1, Metrics.R2.Of(Tensor.Ones(3), Tensor.Ones(3)));
        Assert.Equal(0, Metrics.R2.Of(Tensor.Zeros(3), Tensor.Ones(3)));
        var share = Metric.FromSums("share", (y, t) => [y.Sum().ToDouble(), t.Sum().ToDouble()], sums => sums[0] / sums[1]);
        Assert.Equal(0.5, share.Of(target * 0.5, target), 1e-12);
    }
}
