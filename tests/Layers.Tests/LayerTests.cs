using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class LayerTests
{
    private static readonly Context Training = Context.Training(new Key(3));

    /// <summary>Every layer.</summary>
    internal static IEnumerable<Layer> All => Table.Select(row => row.Layer);

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
        (new Conv1D(4, kernelSize: 3, stride: 2, padding: 1, dilation: 2, groups: 2), [2, 7], [3, 7]),
        (new Conv2D(4, kernelSize: (3, 1), stride: (1, 2), padding: (1, 0)), [2, 3, 4], [2, 3]),
        (new Conv2D(2, kernelSize: 3, padding: Padding.Same, groups: 2), [2, 3, 4], [3, 3, 4]),
        (new Conv3D(2, kernelSize: 2, padding: 1), [1, 2, 3, 2], [2, 3, 2]),
        (new ConvTranspose1D(2, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1), [2, 3], [2, 0]),
        (new ConvTranspose2D(4, kernelSize: 3, stride: 2, dilation: (1, 2), groups: 2), [2, 2, 3], [3, 2, 3]),
        (new ConvTranspose3D(2, kernelSize: (1, 2, 2), useBias: false), [1, 2, 1, 2], [1, 2, 2]),
        (new MaxPool1D(2, padding: 1), [2, 5], [5]),
        (new MaxPool2D((2, 1), stride: (1, 2)), [1, 3, 4], [1, 1, 4]),
        (new MaxPool3D(2), [1, 2, 3, 2], [1, 2, 1, 2]),
        (new AveragePool1D(3, stride: 2), [2, 5], [2, 2]),
        (new AveragePool2D(3, stride: 1, padding: Padding.Same), [1, 3, 4], [3, 4]),
        (new AveragePool3D(2, stride: 1), [1, 2, 3, 2], [2, 3, 2]),
        (new Lambda("Twice", x => x * 2.0), [3], null),
        (Activations.LogSoftmax, [3], []),
        (Activations.GELU, [3], null),
        (Activations.GELUTanh, [3], null),
        (Activations.SiLU, [3], null),
        (Activations.Mish, [3], null),
        (Activations.SELU, [3], null),
        (Activations.Softplus, [3], null),
        (Activations.Softsign, [3], null),
        (Activations.LogSigmoid, [3], null),
        (Activations.HardSigmoid, [3], null),
        (Activations.HardSwish, [3], null),
        (Activations.HardTanh, [3], null),
        (Activations.ReLU6, [3], null),
        (Activations.ELU(0.7), [3], null),
        (Activations.CELU(1.3), [3], null),
        (new PReLU(), [3, 2], null),
        (new PReLU(perChannel: true), [3, 2], []),
        (new BatchNorm(), [4], []),
        (new BatchNorm(momentum: 0.3, epsilon: 1e-3), [2, 3, 2], []),
        (new BatchNorm(isAffine: false), [2, 2, 2, 1], []),
        (new LayerNorm(), [2, 4], []),
        (new LayerNorm(axes: 2, isAffine: false), [3, 2], [3]),
        (new GroupNorm(2), [4, 3], [3, 3]),
        (new GroupNorm(3, isAffine: false), [3, 2, 2], []),
        (new LocalResponseNorm(3, alpha: 0.5, beta: 0.6, k: 1.5), [4, 2, 3], []),
        (new LocalResponseNorm(2, alpha: 2), [3], [0, 3]),
        (new Embedding(5, 3), [4], null),
        (new PositionalEncoding(), [3, 5], [3]),
        (new PositionalEmbedding(), [3, 2], [3]),
        (new PositionalEmbedding(length: 4), [3, 2], [5, 2]),
        (new RNN(3), [4, 2], [2]),
        (new RNN(2, layers: 2, bidirectional: true, returnSequences: true, dropout: 0.3, activation: Tensor.Sin), [3, 2], [0, 2]),
        (new GRU(3), [3, 2], [3, 0]),
        (new GRU(2, layers: 2, bidirectional: true), [3, 2], [2]),
        (new LSTM(2), [3, 2], [2]),
        (new LSTM(2, layers: 2, returnSequences: true, dropout: 0.2), [3, 2], [2]),
        (new LSTM(2, bidirectional: true, returnSequences: true), [3, 2], [2]),
        (new MultiHeadAttention(2), [3, 4], [3, 5]),
        (new MultiHeadAttention(2, headSize: 3, causal: true, dropout: 0.2, useBias: false), [3, 5], [3]),
        (new TransformerBlock(2, hidden: 3, causal: true, dropout: 0.2), [3, 4], [4]),
        (new TransformerBlock(1, activation: Activations.SiLU), [2, 2], [2]),
        (new Reshape(2, -1), [3, 4], [5]),
        (new Reshape(6), [3, 2], [3]),
        (new Permute(1, 0, 2), [2, 3, 2], [2, 3]),
        (new GlobalAveragePool(), [3, 2, 2], [3]),
        (new GlobalMaxPool(), [2, 5], [2, 0]),
        (new Residual(new Sequential(new Dense(3), new Dropout(0.2))), [3], [4]),
        (new Residual(new Dense(4), shortcut: new Dense(4, useBias: false)), [3], []),
        (new Concat(Activations.Identity, new Conv2D(3, 3, padding: 1), new Dropout(0.2)), [2, 3, 3], [2, 3]),
        (new Concat(new Dense(2), new Dense(3)) { Axis = -1 }, [4, 3], []),
        (new Composite(
            [("first", new Dense(3)), ("second", new Dense(3, useBias: false)), ("norm", new BatchNorm())],
            (part, x) => part["norm"](part["first"](part["first"](x)) + part["second"](x))), [3], [2]),
        (new Sequential(new Conv2D(2, 2), Activations.Tanh, new Flatten(), new Dense(3), new Sequential(new Dense(2))), [1, 3, 3], [3, 3]),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    /// <summary>Inputs for a layer: tokens for an embedding, numbers for all others.</summary>
    private static Tensor Inputs(Layer layer, Key key, int batch, int[] shape, DType dtype = DType.Float32) =>
        layer is Embedding embedding
            ? key.Integers([batch, .. shape], 0, embedding.Tokens)
            : key.Normal([batch, .. shape], dtype: dtype);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Derivatives_agree_with_numbers(int index)
    {
        (Layer layer, int[] shape, _) = Table[index];
        Parameters parameters = layer.Initialize(new Key(1), shape).To(DType.Float64);
        CheckGrads.Run(
            ((Parameters Parameters, Tensor Input) at) => layer.Apply(at.Parameters, at.Input, Training),
            (parameters, Inputs(layer, new Key(2), 2, shape, DType.Float64)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_shape_rule_tells_the_shape_of_the_value(int index)
    {
        (Layer layer, int[] shape, _) = Table[index];
        Parameters parameters = layer.Initialize(new Key(1), shape);
        foreach (int batch in (int[])[0, 1, 3])
        {
            Tensor output = layer.Apply(parameters, Inputs(layer, new Key(2), batch, shape));
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
        bool isRandom = layer.Initialize(new Key(7), shape).Names.Any(name => name.EndsWith("weight", StringComparison.Ordinal))
            && layer is not (BatchNorm or LayerNorm or GroupNorm or PReLU);
        if (isRandom) Assert.NotEqual(Values(7), Values(8));
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
                (() => new Conv2D(3, 3, groups: 2), "Conv2D: groups is 2"),
                (() => new Conv1D(3, (3, 3)), "Conv1D: kernelSize has 2 numbers for 1 axes"),
                (() => new Conv3D(3, 3, dilation: 0), "Conv3D: dilation is 0"),
                (() => new Conv2D(3, 3, padding: Padding.Each(1, 2, 3)), "Conv2D: padding has 3 widths for 2 axes"),
                (() => new ConvTranspose2D(3, 3, outputPadding: -1), "ConvTranspose2D: outputPadding is -1"),
                (() => new BatchNorm(momentum: 0), "BatchNorm: momentum is 0"),
                (() => new BatchNorm(epsilon: -1), "BatchNorm: epsilon is -1"),
                (() => new LayerNorm(axes: 0), "LayerNorm: axes is 0"),
                (() => new GroupNorm(0), "GroupNorm: groups is 0"),
                (() => new LocalResponseNorm(0), "LocalResponseNorm: size is 0"),
                (() => new LocalResponseNorm(5, k: 0), "LocalResponseNorm: k is 0"),
                (() => new Embedding(0, 3), "Embedding: tokens is 0"),
                (() => new PositionalEncoding(1), "PositionalEncoding: wavelength is 1"),
                (() => new PositionalEmbedding(0), "PositionalEmbedding: length is 0"),
                (() => new LSTM(0), "LSTM: units is 0"),
                (() => new GRU(1, layers: 0), "GRU: layers is 0"),
                (() => new RNN(1, dropout: 1), "RNN: dropout is 1"),
                (() => new RNN(1, bidirectional: true, carriedBatch: 2), "RNN: carriedBatch is given"),
                (() => new MultiHeadAttention(0), "MultiHeadAttention: heads is 0"),
                (() => new TransformerBlock(1, hidden: 0), "TransformerBlock: hidden is 0"),
                (() => new Reshape(-1, -1), "Reshape: the shape (-1, -1)"),
                (() => new Permute(0, 2), "Permute: (0, 2)"),
                (() => new Concat(), "Concat: there are no branches"),
                (() => new Composite([("a.b", new Flatten())], (_, x) => x), "Parameters: 'a.b'"),
            ])
        {
            Assert.StartsWith(text, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Local_response_normalization_divides_by_neighbouring_channels()
    {
        // torch.nn.functional.local_response_norm of PyTorch 1.13 with alpha=0.3, beta=0.75, k=2, to 12 digits.
        Tensor numbers = Tensor.Arange(12).Reshape(1, 6, 2), x = (numbers - 5.5) / 2;
        Tensor Of(int size, Tensor at) => new LocalResponseNorm(size, alpha: 0.3, k: 2).Apply(Parameters.Empty, at);
        double[] odd =
        [
            -1.316123950714, -1.166418729757, -0.836652684577, -0.641262418831, -0.349420560252, -0.121442158700,
            0.121442158700, 0.349420560252, 0.641262418831, 0.836652684577, 1.166418729757, 1.316123950714,
        ];
        double[] even =
        [
            -1.271533776495, -1.132752207927, -0.800123145651, -0.628422164959, -0.342485905059, -0.124117834203,
            0.129906509936, 0.389719529808, 0.620589171013, 0.799133778470, 1.131159896926, 1.257336371738,
        ];
        double[] gradient =
        [
            -0.279759383749, 0.213102791222, 0.821969316753, 1.468799346071, 1.948269961940, 2.478132472317,
            2.777085763745, 2.714772724860, 3.346076599529, 2.903217736165, 3.717454796615, 3.007787506255,
        ];
        Assert.Equal(odd, Of(5, x).ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(even, Of(4, x).ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(gradient, Gradient.Of((Tensor at) => (Of(5, at) * numbers).Sum())(x).ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-12);
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
    public void Parameters_that_are_joined_anew_have_the_structure_that_was_compiled()
    {
        int traces = 0;
        Func<Parameters, Tensor> sum = Jit.Compile((Parameters p) =>
        {
            traces++;
            return p.Leaves.Aggregate(Tensor.Scalar(0.0f), (total, leaf) => total + leaf.Sum());
        });
        Parameters Joined(string name) => Parameters.Join(("a", Parameters.Of(("weight", Tensor.Ones(3)))), (name, Parameters.Of(("weight", Tensor.Ones(2)))));
        Assert.Equal(5, sum(Joined("b")).ToDouble());
        Assert.Equal(5, sum(Joined("b")).ToDouble());
        Assert.Equal(1, traces);
        Assert.Equal(5, sum(Joined("c")).ToDouble());
        Assert.Equal(2, traces);
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
