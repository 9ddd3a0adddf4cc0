using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class ComposedLayerTests
{
    private static Parameters Filled(Layer layer, int[] shape, params double[] shifts)
    {
        Parameters start = layer.Initialize(new Key(0), shape);
        return start.WithLeaves([.. start.Leaves.Select((leaf, i) => Waves.Of(shifts[i], leaf.Shape))]);
    }

    [Fact]
    public void Normalizations_and_attention_have_the_numbers_of_PyTorch()
    {
        // LayerNorm(3), GroupNorm(2, 4), PReLU(4) and MultiheadAttention(4, 2) of PyTorch 1.13, to 12 digits.
        Waves.AssertNear(
            [-0.272465946649, 2.009955904, 1.1406801052, 2.07954581774, 1.07613207408, -0.341886620144],
            new LayerNorm().Apply(Filled(new LayerNorm(), [3], 0.2, 0.4), Waves.Of(0.1, 2, 3)));
        Waves.AssertNear(
            [0.709540385133, 2.01241684419, 1.66505252292, -0.510425503183, 2.08647998665, 1.27803893338, 0.246817260867, -0.397077003926],
            new GroupNorm(2).Apply(Filled(new GroupNorm(2), [4, 2], 0.2, 0.4), Waves.Of(0.1, 1, 4, 2)));
        var slopes = Parameters.Of(("weight", Tensor.From([0.1, 0.2, 0.3, 0.4], 4)));
        Waves.AssertNear(
            [-0.0532387274523, -0.208531516142, -0.0794635749757, -0.192078497647, -0.298849382651, -0.35884420914],
            new PReLU(perChannel: true).Apply(slopes, Waves.Of(0.1, 3, 4)).Flatten()[6..]);

        Tensor x = Waves.Of(0.1, 1, 3, 4), memory = Waves.Of(0.7, 1, 2, 4);
        var attention = new MultiHeadAttention(2);
        Parameters parameters = Filled(attention, [3, 4], 0.2, 0.3, 0.4, 0.5);
        Waves.AssertNear(
            [1.36904137085, 1.42662889137, 1.29112888407, 0.980880639264, 1.3615360678, 1.41542757331, 1.27774759685, 0.967130477336,
             1.35442057872, 1.41028915197, 1.27528170447, 0.967670860883],
            attention.Apply(parameters, x));
        double[] causal =
            [1.0794666734, 1.2548379364, 1.26037277142, 1.0953220645, 1.58078423376, 1.60859175178, 1.41868392245, 1.03676387956,
             1.35442057872, 1.41028915197, 1.27528170447, 0.967670860883];
        Waves.AssertNear(causal, new MultiHeadAttention(2, causal: true).Apply(parameters, x));
        Tensor lower = Tensor.From([true, false, false, true, true, false, true, true, true], 3, 3);
        Waves.AssertNear(causal, attention.Attend(parameters, x, mask: lower));
        Waves.AssertNear(causal, attention.Attend(parameters, x, mask: lower.Reshape(1, 3, 3)));
        Waves.AssertNear(
            [1.55274660477, 1.56815572388, 1.37132232232, 0.988886877596, 1.52755921648, 1.54713780042, 1.35731854103, 0.98379258458,
             1.55156415885, 1.57209990591, 1.37985930576, 1.00086122178],
            attention.Attend(parameters, x, memory));
    }

    [Fact]
    public void Convolutions_have_the_numbers_of_PyTorch()
    {
        // The output times a wave, summed, for Conv1d, Conv3d and ConvTranspose2d of PyTorch 1.13, to 11 digits or more.
        foreach ((Layer layer, int batch, int[] shape, double sum) in ((Layer, int, int[], double)[])
            [
                (new Conv1D(6, 3, stride: 2, padding: 1, dilation: 2, groups: 2), 2, [4, 9], 4.0447708666),
                (new Conv3D(3, 2, padding: 1), 1, [2, 3, 2, 2], 2.02009177114),
                (new ConvTranspose2D(3, 3, stride: 2, padding: 1, outputPadding: 1), 1, [2, 2, 2], -1.05933380317),
            ])
        {
            Tensor y = layer.Apply(Filled(layer, shape, 0.2, 0.4), Waves.Of(0.1, [batch, .. shape]));
            Assert.Equal(sum, (y * Waves.Of(0.6, y.Shape)).Sum().ToDouble(), 1e-9);
        }
    }

    [Fact]
    public void Masked_steps_of_a_memory_are_not_seen()
    {
        var attention = new MultiHeadAttention(2);
        Parameters parameters = attention.Initialize(new Key(0), [3, 4]);
        Tensor x = new Key(1).Normal([2, 3, 4]), memory = new Key(2).Normal([2, 5, 4]);
        Tensor mask = Tensor.From([true, true, false, false, false], 1, 1, 5).BroadcastTo(2, 1, 5);
        float[] seen = attention.Attend(parameters, x, memory, mask).ToArray<float>();
        Waves.AssertNear(seen, attention.Attend(parameters, x, memory.Slice(1, 0, 2)), 1e-5);
        Assert.All(
            attention.Attend(parameters, x, memory, Tensor.Zeros(3, 5).To(DType.Bool)).ToArray<float>(), y => Assert.True(float.IsFinite(y)));
        Assert.Contains("truth values", Assert.Throws<ArgumentException>(
            () => attention.Attend(parameters, x, memory, Tensor.Ones(3, 5))).Message);
        Assert.Contains("one batch", Assert.Throws<ArgumentException>(() => attention.Attend(parameters, x, memory[..1])).Message);
        Assert.Contains("do not divide", Assert.Throws<ArgumentException>(
            () => new MultiHeadAttention(3).OutputShape([2, 4])).Message);
    }

    [Fact]
    public void A_causal_block_does_not_look_ahead_and_takes_masks()
    {
        var block = new TransformerBlock(2, causal: true);
        Parameters parameters = block.Initialize(new Key(0), [4, 4]);
        Tensor x = new Key(1).Normal([1, 4, 4]);
        Tensor changed = Tensor.Concat(1, x.Slice(1, 0, 3), x.Slice(1, 3) + 1.0);
        Tensor y = block.Apply(parameters, x), z = block.Apply(parameters, changed);
        Assert.Equal(y.Slice(1, 0, 3).ToArray<float>(), z.Slice(1, 0, 3).ToArray<float>());
        Assert.NotEqual(y.Slice(1, 3).ToArray<float>(), z.Slice(1, 3).ToArray<float>());
        var open = new TransformerBlock(2);
        Tensor lower = Tensor.GreaterOrEqual(Tensor.Arange(4).Reshape(4, 1), Tensor.Arange(4));
        Waves.AssertNear(y.ToArray<float>(), open.Apply(parameters, x, lower), 1e-6);
    }

    [Fact]
    public void Positions_are_added_as_sines_and_cosines()
    {
        Tensor y = new PositionalEncoding().Apply(Parameters.Empty, Tensor.Zeros(1, 3, 4));
        Waves.AssertNear(
            [Math.Sin(2), Math.Cos(2), Math.Sin(0.02), Math.Cos(0.02)], y[0, 2], 1e-7);
        var learned = new PositionalEmbedding(length: 5);
        Parameters parameters = learned.Initialize(new Key(0), [3, 2]);
        Assert.Equal([5, 2], parameters["weight"].Shape);
        Assert.Equal(
            parameters["weight"][..2].ToArray<float>(), learned.Apply(parameters, Tensor.Zeros(1, 2, 2)).ToArray<float>());
        Assert.Contains("up to 5 steps", Assert.Throws<ArgumentException>(() => learned.Apply(parameters, Tensor.Zeros(1, 6, 2))).Message);
    }

    [Fact]
    public void Embeddings_take_rows_and_say_what_is_no_token()
    {
        var layer = new Embedding(3, 2);
        Parameters parameters = Filled(layer, [4], 0);
        double[] rows = parameters["weight"].ToArray<double>();
        Waves.AssertNear([rows[4], rows[5], rows[0], rows[1]], layer.Apply(parameters, Tensor.From([2, 0], 1, 2)));
        Assert.Contains("a token is -1", Assert.Throws<ArgumentException>(() => layer.Apply(parameters, Tensor.From([0, -1], 1, 2))).Message);
        Assert.Throws<ArgumentException>(() => layer.Apply(parameters, Tensor.From([0, 3], 1, 2)));
        Assert.Contains("must be integers", Assert.Throws<ArgumentException>(() => layer.Apply(parameters, Tensor.Ones(1, 2))).Message);
    }

    [Fact]
    public void Parts_that_are_called_twice_share_their_parameters()
    {
        var encoder = new Sequential(new Dense(4), Activations.Tanh);
        var distance = new Composite(
            [("encoder", encoder)],
            (part, pair) =>
            {
                Tensor[] both = pair.Split([1, 1], 1);
                return Tensor.Square(part["encoder"](both[0].Squeeze(1)) - part["encoder"](both[1].Squeeze(1))).Sum([1], keepAxes: true);
            });
        Parameters parameters = distance.Initialize(new Key(0), [2, 3]);
        Assert.Equal(["encoder.0.weight", "encoder.0.bias"], parameters.Names);
        Assert.Equal([1], distance.OutputShape([2, 3]));
        Tensor x = new Key(1).Normal([5, 3]);
        Assert.Equal(new float[5], distance.Apply(parameters, Tensor.Stack(1, x, x)).ToArray<float>());

        // The same description twice in a sequence stands for two layers.
        var dense = new Dense(3);
        Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias"], new Sequential(dense, dense).Initialize(new Key(0), [3]).Names);
    }

    [Fact]
    public void A_shared_normalization_moves_its_statistics_at_each_call()
    {
        var layer = new Composite([("norm", new BatchNorm(momentum: 0.5))], (part, x) => part["norm"](part["norm"](x)));
        Parameters parameters = layer.Initialize(new Key(0), [1]);
        Tensor x = Tensor.From([1f, 3f], 2, 1);
        (_, Parameters after) = layer.ApplyAndUpdate(parameters, x, Context.Training(new Key(0)));

        // The mean of the batch is 2, then 0: 0.5 * 2 = 1, then 0.5.
        Assert.Equal(0.5, after["norm.running_mean"].ToArray<float>()[0], 1e-5);
    }

    [Fact]
    public void Composites_say_what_is_wrong()
    {
        foreach ((Composite layer, string text) in ((Composite, string)[])
            [
                (new Composite([("a", new Dense(2)), ("b", new Dense(2))], (part, x) => part["a"](x)), "does not call its part 'b'"),
                (new Composite([("a", new Dense(2))], (part, x) => part["c"](x)), "there is no part 'c'; there are a"),
                (new Composite([("a", new Dense(2))], (part, x) => part["a"](x).Sum()), "must keep the batch axis"),
            ])
        {
            Assert.Contains(text, Assert.Throws<ArgumentException>(() => layer.Initialize(new Key(0), [3])).Message);
        }

        Assert.Contains("may differ along axis 0 only", Assert.Throws<ArgumentException>(
            () => new Concat(new Conv2D(1, 1), new Conv2D(1, 2)).OutputShape([1, 3, 3])).Message);
        Assert.Contains("give a shortcut", Assert.Throws<ArgumentException>(() => new Residual(new Dense(2)).OutputShape([3])).Message);
    }

    [Fact]
    public void A_summary_lists_the_parts_of_parts_and_what_is_not_trained()
    {
        Sequential network =
        [
            new Conv2D(4, 3, padding: 1), new BatchNorm(),
            new Residual(new Sequential(new Conv2D(4, 1), Activations.ReLU), shortcut: new Conv2D(4, 1, useBias: false)),
            new Concat(Activations.Identity, new MaxPool2D(1)), new GlobalAveragePool(), new Dense(2),
        ];
        string table = network.Summary([1, 6, 6]);
        string[] rows = [.. table.Split('\n').Select(row => string.Join(' ', row.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        Assert.Equal(
            [
                "Layer Output Parameters", "Conv2D(4, 3x3) (n, 4, 6, 6) 40", "BatchNorm (n, 4, 6, 6) 16", "Residual (n, 4, 6, 6)",
                "Sequential", "Conv2D(4, 1x1) (n, 4, 6, 6) 20", "ReLU (n, 4, 6, 6) 0", "Conv2D(4, 1x1) (n, 4, 6, 6) 16",
                "Concat (n, 8, 6, 6)", "Identity (n, 4, 6, 6) 0", "MaxPool2D(1) (n, 4, 6, 6) 0", "GlobalAveragePool (n, 8) 0",
                "Dense(2) (n, 2) 18", "Total (n, 2) 110", "trainable 102", "state 8", "",
            ], rows);
        Assert.All(table.TrimEnd().Split('\n').Skip(1), row => Assert.Equal(table.IndexOf('\n'), row.Length));
    }

    [Fact]
    public void Parameters_are_counted_and_summarized_without_being_drawn()
    {
        // Eight gigabytes, if it were drawn.
        Sequential network = [new Dense(100_000, useBias: false), new BatchNorm()];
        Assert.Equal(1_900_200_000, network.CountParameters([19_000]));
        Assert.Contains("1,900,400,000", network.Summary([19_000]), StringComparison.Ordinal);
        Assert.Equal(
            new LSTM(2).Initialize(new Key(0), [3, 4]).ElementCount, new LSTM(2).CountParameters([3, 4]));
    }
}
