using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class LayerTests
{
    private static readonly Context Training = Context.Training(new Key(3));

    /// <summary>Every layer, with a shape that it takes and one that it does not (null if it takes all).</summary>
    private static readonly (Layer Layer, int[] Shape, int[]? WrongShape)[] Table =
    [
        (new Dense(4), [3], []),
        (new Dense(4, Initializers.XavierNormal, useBias: false), [2, 3], [0]),
        (Activations.Identity, [3], null),
        (Activations.Sigmoid, [3], null),
        (Activations.ReLU, [3], null),
        (Activations.LeakyReLU(0.1), [3], null),
        (Activations.Tanh, [3], null),
        (Activations.Softmax, [3], []),
        (new Flatten(), [2, 3, 2], null),
        (new Dropout(0.3), [5], null),
        (new Conv2D(3, kernelSize: 2), [2, 4, 5], [4, 5]),
        (new Conv2D(2, kernelSize: 3, stride: 2, padding: 1, useBias: false), [2, 5, 6], [2, 0, 6]),
        (new MaxPool2D(2), [2, 4, 5], [4, 5]),
        (new MaxPool2D(3, stride: 1), [1, 4, 5], [1, 2, 5]),
        (new AveragePool2D(2), [2, 4, 5], [4, 5]),
        (new AveragePool2D(2, stride: 1), [1, 4, 5], [1, 4, 1]),
        (new Lambda("Twice", x => x * 2.0), [3], null),
        (new Sequential(new Conv2D(2, 2), Activations.Tanh, new Flatten(), new Dense(3), new Sequential(new Dense(2))), [1, 3, 3], [3, 3]),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    private static Tensor Double(Key key, int[] shape) => key.Normal([2, .. shape], dtype: DType.Float64);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Derivatives_agree_with_numbers(int index)
    {
        (Layer layer, int[] shape, _) = Table[index];
        Parameters parameters = layer.Initialize(new Key(1), shape).To(DType.Float64);
        CheckGrads.Run(
            ((Parameters Parameters, Tensor Input) at) => layer.Apply(at.Parameters, at.Input, Training),
            (parameters, Double(new Key(2), shape)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_shape_rule_tells_the_shape_of_the_value(int index)
    {
        (Layer layer, int[] shape, _) = Table[index];
        Parameters parameters = layer.Initialize(new Key(1), shape);
        foreach (int batch in (int[])[0, 1, 3])
        {
            Tensor output = layer.Apply(parameters, new Key(2).Normal([batch, .. shape]));
            Assert.Equal([batch, .. layer.OutputShape(shape)], output.Shape);
            Assert.Equal(DType.Float32, output.DType);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Wrong_shapes_raise_a_message_with_the_name_of_the_layer(int index)
    {
        (Layer layer, int[] shape, int[]? wrongShape) = Table[index];
        if (wrongShape is null) return;
        Parameters parameters = layer.Initialize(new Key(1), shape);
        foreach (Action wrong in (Action[])
            [
                () => layer.OutputShape(wrongShape),
                () => layer.Initialize(new Key(1), wrongShape),
            ])
        {
            Assert.Contains(layer.Name, Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Inputs_that_do_not_fit_the_parameters_raise_a_message_with_the_name_of_the_layer()
    {
        Sequential network = [new Dense(5), Activations.ReLU, new Dense(2)];
        Parameters parameters = network.Initialize(new Key(1), [3]);
        string message = Assert.Throws<ArgumentException>(() => network.Apply(parameters, new Key(2).Normal([4, 7]))).Message;
        Assert.Equal("Sequential, layer 0: Dense(5): inputs have shape (n, 7); its weights of shape (3, 5) take 3 features on the last axis.", message);

        var convolution = new Conv2D(4, 3);
        Parameters filters = convolution.Initialize(new Key(1), [2, 5, 5]);
        Assert.Contains("Conv2D(4, 3x3)", Assert.Throws<ArgumentException>(() => convolution.Apply(filters, new Key(2).Normal([1, 3, 5, 5]))).Message);
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(() => convolution.Apply(filters, new Key(2).Normal([1, 2, 2, 5]))).Message);
        Assert.Contains("MaxPool2D(2)", Assert.Throws<ArgumentException>(() => new MaxPool2D(2).Apply(Parameters.Empty, new Key(2).Normal([1, 3, 5]))).Message);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_same_key_initializes_the_same_parameters(int index)
    {
        (Layer layer, int[] shape, _) = Table[index];
        float[][] Values(int seed) => [.. layer.Initialize(new Key(seed), shape).Leaves.Select(leaf => leaf.ToArray<float>())];
        Assert.Equal(Values(7), Values(7));
        if (layer.Initialize(new Key(7), shape).Count > 0) Assert.NotEqual(Values(7), Values(8));
    }

    [Fact]
    public void Layers_refuse_numbers_that_make_no_sense()
    {
        foreach ((Func<Layer> make, string text) in ((Func<Layer>, string)[])
            [
                (() => new Dense(0), "Dense: units is 0"),
                (() => new Dropout(1.0), "Dropout: rate is 1"),
                (() => new Conv2D(0, 3), "Conv2D: filters is 0"),
                (() => new Conv2D(1, 0), "Conv2D: kernelSize is 0"),
                (() => new Conv2D(1, 1, stride: 0), "Conv2D: stride is 0"),
                (() => new Conv2D(1, 1, padding: -1), "Conv2D: padding is -1"),
                (() => new MaxPool2D(0), "MaxPool2D: size is 0"),
                (() => new AveragePool2D(2, stride: 0), "AveragePool2D: stride is 0"),
            ])
        {
            Assert.StartsWith(text, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Dropout_keeps_the_expected_value_while_training_and_everything_when_predicting()
    {
        var dropout = new Dropout(0.25);
        Tensor ones = TensorModule.full(DType.Float32, [100, 100], 1);
        Tensor trained = dropout.Apply(Parameters.Empty, ones, Training);
        float[] values = trained.ToArray<float>();
        Assert.All(values, value => Assert.True(value == 0 || Math.Abs(value - 4.0 / 3) < 1e-6));
        Assert.InRange(values.Average(), 0.97, 1.03);
        Assert.InRange(values.Count(value => value == 0), 2200, 2800);
        Assert.Equal(values, dropout.Apply(Parameters.Empty, ones, Training).ToArray<float>());
        Assert.NotEqual(values, dropout.Apply(Parameters.Empty, ones, Context.Training(new Key(4))).ToArray<float>());
        Assert.Equal(ones.ToArray<float>(), dropout.Apply(Parameters.Empty, ones).ToArray<float>());
    }

    [Fact]
    public void Two_dropouts_of_a_network_drop_different_elements()
    {
        Sequential once = [new Dropout(0.5), Activations.Identity], twice = [Activations.Identity, new Dropout(0.5)];
        Tensor ones = TensorModule.full(DType.Float32, [8, 8], 1);
        Parameters none = once.Initialize(new Key(0), [8]);
        Assert.NotEqual(once.Apply(none, ones, Training).ToArray<float>(), twice.Apply(none, ones, Training).ToArray<float>());
    }

    [Fact]
    public void Parameters_have_nested_names_and_survive_being_taken_apart()
    {
        Sequential network = [new Dense(4), Activations.ReLU, new Sequential(new Dense(2, useBias: false))];
        Parameters parameters = network.Initialize(new Key(1), [3]);
        Assert.Equal(["0.weight", "0.bias", "2.0.weight"], parameters.Names);
        Assert.Equal([3, 4], parameters["0.weight"].Shape);
        Assert.Equal(["0", "1", "2"], parameters.PartNames);
        Assert.Same(parameters["2.0.weight"], parameters.Part("2").Part("0")["weight"]);
        Assert.Equal(3 * 4 + 4 + 4 * 2, parameters.ElementCount);
        Parameters doubled = parameters.Map(leaf => leaf * 2.0);
        Assert.Equal(parameters.Names, doubled.Names);
        Assert.Equal(parameters["0.weight"].ToArray<float>().Select(x => 2 * x), doubled["0.weight"].ToArray<float>());
        Parameters gradient = Gradient.Of((Parameters p) => Tensor.Square(p["0.weight"]).Sum())(parameters);
        Assert.Equal(doubled["0.weight"].ToArray<float>(), gradient["0.weight"].ToArray<float>());
        Assert.Equal(new float[4], gradient["0.bias"].ToArray<float>());
        Assert.Contains("0.weight", Assert.Throws<ArgumentException>(() => parameters["1.weight"]).Message);
        Assert.Contains("0, 1, 2", Assert.Throws<ArgumentException>(() => parameters.Part("3")).Message);
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => Parameters.Of(("a", Tensor.Scalar(1.0)), ("a", Tensor.Scalar(1.0)))).Message);
        Assert.Contains("2 tensors", Assert.Throws<ArgumentException>(() => parameters.WithLeaves([Tensor.Scalar(1.0), Tensor.Scalar(1.0)])).Message);
    }
}
