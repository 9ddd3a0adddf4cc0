using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

/// <summary>Numbers printed in Saito, Deep Learning from Scratch, chapters 3 to 7, to the printed digits.</summary>
public class SourceTextTests
{
    private static Tensor Matrix(int rows, params double[] values) => Tensor.From(values, rows, values.Length / rows);

    private static void AssertDigits(double[] expected, Tensor found, int digits = 8) =>
        Assert.Equal(expected.Select(x => Math.Round(x, digits)), found.ToArray<double>().Select(x => Math.Round(x, digits) + 0.0));

    private static Tensor Apply(Layer layer, Tensor input, params (string Name, Tensor Value)[] parameters) =>
        layer.Apply(Parameters.Of(parameters), input);

    [Fact]
    public void Forward_pass_of_the_network_of_three_layers()
    {
        Sequential network = [new Dense(3), Activations.Sigmoid, new Dense(2), Activations.Sigmoid, new Dense(2), Activations.Identity];
        Parameters parameters = network.Initialize(new Key(0), [2]).WithLeaves(
        [
            Matrix(2, 0.1, 0.3, 0.5, 0.2, 0.4, 0.6), Tensor.From([0.1, 0.2, 0.3], 3),
            Matrix(3, 0.1, 0.4, 0.2, 0.5, 0.3, 0.6), Tensor.From([0.1, 0.2], 2),
            Matrix(2, 0.1, 0.3, 0.2, 0.4), Tensor.From([0.1, 0.2], 2),
        ]);
        Tensor x = Matrix(1, 1.0, 0.5);
        Tensor a1 = network[0].Apply(parameters.Part("0"), x);
        AssertDigits([0.3, 0.7, 1.1], a1);
        AssertDigits([0.57444252, 0.66818777, 0.75026011], Activations.Sigmoid.Apply(Parameters.Empty, a1));
        AssertDigits([0.31682708, 0.69627909], network.Apply(parameters, x));
    }

    [Fact]
    public void Activations_of_chapter_3()
    {
        AssertDigits([0.26894142, 0.73105858, 0.88079708], Apply(Activations.Sigmoid, Tensor.From([-1.0, 1.0, 2.0], 3)));
        Tensor softmax = Apply(Activations.Softmax, Matrix(1, 0.3, 2.9, 4.0));
        AssertDigits([0.01821127, 0.24519181, 0.73659691], softmax);
        Assert.Equal(1.0, softmax.Sum().ToDouble(), 1e-15);
        double[] large = Apply(Activations.Softmax, Matrix(1, 1010, 1000, 990)).ToArray<double>();
        Assert.Equal(9.99954600e-01, large[0], 5e-10);
        Assert.Equal(4.53978686e-05, large[1], 5e-14);
        Assert.Equal(2.06106005e-09, large[2], 5e-18);
        Tensor scores = Matrix(4, 0.1, 0.8, 0.1, 0.3, 0.1, 0.6, 0.2, 0.5, 0.3, 0.8, 0.1, 0.1);
        Assert.Equal([1, 2, 1, 0], scores.ArgMax(1).ToArray<int>());
        Assert.Equal(3.0 / 4, Metrics.Accuracy.Of(scores, Tensor.From([1, 2, 0, 0], 4)));
    }

    [Fact]
    public void Losses_of_chapter_4()
    {
        Tensor target = Tensor.From([2], 1).OneHot(10, DType.Float64);
        Tensor good = Matrix(1, 0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0), bad = Matrix(1, 0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0);

        // The text halves the sum of squares where this library takes the mean: a factor of 10 / 2.
        Assert.Equal(0.0975, 5 * Losses.MeanSquaredError.Of(good, target).ToDouble(), 1e-15);
        Assert.Equal(0.5975, 5 * Losses.MeanSquaredError.Of(bad, target).ToDouble(), 1e-15);
        var entropy = new Loss("cross entropy of probabilities", (y, t) => -(t * Tensor.Log(y + 1e-7)).Sum());
        Assert.Equal(0.51082545709933802, entropy.Of(good, target).ToDouble(), 1e-15);
        Assert.Equal(2.3025840929945458, entropy.Of(bad, target).ToDouble(), 1e-15);
    }

    [Fact]
    public void Loss_and_gradient_of_the_simple_network()
    {
        Tensor weight = Matrix(2, 0.47355232, 0.9977393, 0.84668094, 0.85557411, 0.03563661, 0.69422093);
        Tensor x = Matrix(1, 0.6, 0.9), target = Matrix(1, 0, 0, 1);
        var layer = new Dense(3, useBias: false);
        Tensor output = Apply(layer, x, ("weight", weight));
        AssertDigits([1.05414809, 0.63071653, 1.1328074], output);
        Assert.Equal(2, output.ArgMax(1).ToArray<int>()[0]);
        foreach (Tensor form in (Tensor[])[target, Tensor.From([2], 1)])
        {
            (Tensor loss, Tensor gradient) = Gradient.ValueAndGrad(
                (Tensor w) => Losses.SoftmaxCrossEntropy.Of(Apply(layer, x, ("weight", w)), form))(weight);

            // The weights are printed to eight digits only, and so fix the loss to as many.
            Assert.Equal(0.92806853663411326, loss.ToDouble(), 1e-8);
            AssertDigits([0.21924763, 0.14356247, -0.36281009, 0.32887144, 0.2153437, -0.54421514], gradient);
        }
    }

    [Fact]
    public void Gradient_descent_of_chapter_4()
    {
        foreach ((double rate, double[] expected) in ((double, double[])[])
            [
                (0.1, [-6.11110793e-10, 8.14814391e-10]),
                (1e-10, [-2.99999994, 3.99999992]),
            ])
        {
            var optimizer = new SGD(rate);
            Func<Tensor, Tensor> gradient = Gradient.Of((Tensor x) => Tensor.Square(x).Sum());
            Tensor point = Tensor.From([-3.0, 4.0], 2);
            OptimizerState state = optimizer.Init(point);
            for (int i = 0; i < 100; i++) (point, state) = optimizer.Update(gradient(point), state, point);
            double[] found = point.ToArray<double>();
            for (int i = 0; i < 2; i++) Assert.Equal(expected[i], found[i], 5e-9 * Math.Abs(expected[i]));
        }
    }

    [Fact]
    public void Layers_of_chapter_5()
    {
        Tensor x = Matrix(2, 1.0, -0.5, -2.0, 3.0);
        AssertDigits([1, 0, 0, 3], Apply(Activations.ReLU, x));
        AssertDigits([1, 0, 0, 1], Gradient.Of((Tensor y) => Apply(Activations.ReLU, y).Sum())(x));

        var affine = new Dense(3);
        Tensor product = Matrix(2, 0, 0, 0, 10, 10, 10);
        Tensor inputs = Matrix(2, 0, 10);
        Tensor ones = Matrix(1, 1, 1, 1), bias = Tensor.From([1.0, 2.0, 3.0], 3);
        AssertDigits(product.ToArray<double>(), Apply(affine, inputs, ("weight", ones), ("bias", Tensor.From([0.0, 0, 0], 3))));
        (Tensor value, Func<Tensor, Parameters> pullback) =
            Vjp.Of((Parameters p) => affine.Apply(p, inputs))(Parameters.Of(("weight", ones), ("bias", bias)));
        AssertDigits([1, 2, 3, 11, 12, 13], value);
        AssertDigits([5, 7, 9], pullback(Matrix(2, 1, 2, 3, 4, 5, 6))["bias"]);
    }

    [Fact]
    public void Gradient_of_softmax_with_loss_is_probability_minus_target()
    {
        foreach ((double[] y, double[] expected) in ((double[], double[])[])
            [
                ([0.3, 0.2, 0.5], [0.3, -0.8, 0.5]),
                ([0.01, 0.99, 1e-300], [0.01, -0.01, 0]),
            ])
        {
            Tensor logits = Tensor.Log(Matrix(1, y));
            Func<Tensor, Tensor> gradient = Gradient.Of((Tensor z) => Losses.SoftmaxCrossEntropy.Of(z, Tensor.From([1], 1)));
            AssertDigits(expected, gradient(logits), 12);

            // Two equal rows: the mean over the batch halves each row's gradient.
            Func<Tensor, Tensor> two = Gradient.Of((Tensor z) => Losses.SoftmaxCrossEntropy.Of(z, Tensor.From([1, 1], 2)));
            AssertDigits([.. expected.Concat(expected).Select(g => g / 2)], two(TensorModule.concat(0, [logits, logits])), 12);
        }
    }

    [Fact]
    public void Convolutions_of_chapter_7()
    {
        Tensor image = Matrix(4, 1, 2, 3, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 3, 0, 1).Reshape(1, 1, 4, 4);
        Tensor filter = Matrix(3, 2, 0, 1, 0, 1, 2, 1, 0, 2).Reshape(1, 1, 3, 3);
        Tensor zero = Tensor.From([0.0], 1), three = Tensor.From([3.0], 1);
        AssertDigits([15, 16, 6, 15], Apply(new Conv2D(1, 3), image, ("weight", filter), ("bias", zero)));
        AssertDigits([18, 19, 9, 18], Apply(new Conv2D(1, 3), image, ("weight", filter), ("bias", three)));
        AssertDigits(
            [7, 12, 10, 2, 4, 15, 16, 10, 10, 6, 15, 6, 8, 10, 4, 3],
            Apply(new Conv2D(1, 3, padding: 1, useBias: false), image, ("weight", filter)));

        double[] values = image.ToArray<double>();
        Tensor periodic = Tensor.From([.. Enumerable.Range(0, 49).Select(i => values[i / 7 % 4 * 4 + i % 7 % 4])], 1, 1, 7, 7);
        AssertDigits(
            [15, 17, 15, 17, 15, 17, 15, 17, 15],
            Apply(new Conv2D(1, 3, stride: 2, useBias: false), periodic, ("weight", filter)));
        Assert.Equal([20, 24, 27], new Conv2D(20, 5).OutputShape([3, 28, 31]));
        Assert.Equal([1, 10, 11], new Conv2D(1, 5, stride: 3, padding: 2).OutputShape([1, 28, 31]));
        Assert.Equal([1, 4, 4], new Conv2D(1, 3, padding: 1).OutputShape([1, 4, 4]));
        Assert.Equal([1, 3, 3], new Conv2D(1, 3, stride: 2).OutputShape([1, 7, 7]));
    }

    [Fact]
    public void Pooling_of_chapter_7()
    {
        Tensor Pool(int size, int side, params double[] planes) =>
            Apply(new MaxPool2D(size), Tensor.From(planes, 1, planes.Length / side / side, side, side));
        AssertDigits([2, 3, 4, 2], Pool(2, 4, 1, 2, 1, 0, 0, 1, 2, 3, 3, 0, 1, 2, 2, 4, 0, 1));
        AssertDigits(
            [9, 7, 6, 8],
            Pool(3, 6, 1, 2, 0, 7, 1, 0, 0, 9, 1, 2, 3, 2, 3, 0, 1, 2, 1, 2, 2, 4, 0, 1, 0, 1, 6, 0, 1, 2, 1, 2, 2, 4, 0, 1, 8, 1));
        AssertDigits(
            [9, 7, 6, 8],
            Pool(3, 6, 1, 1, 2, 0, 7, 1, 3, 0, 9, 1, 2, 3, 2, 3, 0, 1, 2, 1, 3, 2, 4, 0, 1, 0, 2, 6, 0, 1, 2, 1, 1, 2, 4, 0, 1, 8));
        AssertDigits(
            [2, 4, 3, 4, 4, 6, 3, 3, 4, 4, 4, 6],
            Pool(
                2, 4, 1, 2, 3, 0, 0, 1, 2, 4, 1, 0, 4, 2, 3, 2, 0, 1, 3, 0, 6, 5, 4, 2, 4, 3, 3, 0, 1, 0, 2, 3, 3, 1,
                4, 2, 1, 2, 0, 1, 0, 4, 3, 0, 6, 2, 4, 2, 4, 5));
    }

    [Fact]
    public void The_convolutional_network_of_chapter_7_has_433890_parameters()
    {
        Sequential network = [new Conv2D(30, 5), Activations.ReLU, new MaxPool2D(2), new Flatten(), new Dense(100), Activations.ReLU, new Dense(10)];
        Parameters parameters = network.Initialize(new Key(0), [1, 28, 28]);
        Assert.Equal([30, 1, 5, 5], parameters["0.weight"].Shape);
        Assert.Equal([4320, 100], parameters["4.weight"].Shape);
        Assert.Equal([100, 10], parameters["6.weight"].Shape);
        Assert.Equal(433_890, parameters.ElementCount);
    }
}
