using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class RecurrentTests
{
    /// <summary>Layers of three units with what PyTorch 1.13 gives for them, to 12 digits: the outputs of the last step of the
    /// first of two sequences (three steps of two features), the sum of all outputs, and the sum of each kind of state after the
    /// last step. All numbers that go in are waves; the second bias of PyTorch is 0, but for the candidate of the GRU.</summary>
    private static readonly (Recurrent Layer, double[] Last, double Sum, double[] States)[] Table =
    [
        (new RNN(3, layers: 2, bidirectional: false), [-0.577193276748, -0.933761522301, -0.986274830884], -8.96846985016, [-3.58086824544]),
        (new RNN(3, layers: 2, bidirectional: true), [0.150014745794, -0.301702072139, -0.624160655358, -0.865848112409, -0.849016295994, -0.769643206065], -16.2584520988, [-1.60680824449]),
        (new GRU(3, layers: 2, bidirectional: false), [-0.707207701563, -0.678464785348, -0.550180049067], -9.87262379917, [-4.07290309197]),
        (new GRU(3, layers: 2, bidirectional: true), [-0.750979937137, -0.576489984233, -0.212249849364, 0.114499268042, 0.347921088385, 0.389110071298], -0.762996233294, [-3.87118504878]),
        (new LSTM(3, layers: 2, bidirectional: false), [-0.217034002124, -0.128672351732, -0.0136511919675], -1.88011663914, [-1.63175256954, -5.14924944307]),
        (new LSTM(3, layers: 2, bidirectional: true), [-0.206237342738, -0.106832935515, 0.0117297579518, 0.0543222819423, 0.105740978337, 0.134836558504], 0.570639862873, [-1.79438234131, -8.74295729412]),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    public static TheoryData<string> Kinds => ["RNN", "GRU", "LSTM"];

    private static Recurrent Make(string kind, int units, int layers = 1, int? carriedBatch = null) => kind switch
    {
        "RNN" => new RNN(units, layers, returnSequences: true, carriedBatch: carriedBatch),
        "GRU" => new GRU(units, layers, returnSequences: true, carriedBatch: carriedBatch),
        _ => new LSTM(units, layers, returnSequences: true, carriedBatch: carriedBatch),
    };

    private static Tensor Sequences(int batch, int time, int features, int seed = 1) =>
        new Key(seed).Normal([batch, time, features], dtype: DType.Float64);

    private static Parameters Doubles(Layer layer, int[] shape) => layer.Initialize(new Key(5), shape).To(DType.Float64);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Sequences_without_steps_are_told(string kind)
    {
        Recurrent layer = Make(kind, 3);
        foreach (Action wrong in new Action[]
        {
            () => layer.OutputShape([0, 2]), () => layer.Initialize(new Key(0), [0, 2]),
            () => layer.Apply(layer.Initialize(new Key(0), [4, 2]), Tensor.Zeros(5, 0, 2)),
        })
        {
            Assert.Contains("time must be at least 1", Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_are_those_of_PyTorch(int index)
    {
        (Recurrent layer, double[] last, double sum, double[] states) = Table[index];
        Parameters start = layer.Initialize(new Key(0), [3, 2]);
        double[] shifts = [0, 0.5, 0.25, 0.75];
        Tensor[] waves = [.. start.Select(entry =>
        {
            string[] place = entry.Key.Split('.');
            int layerNumber = place[0][0] - '0', direction = place[0].EndsWith("reverse", StringComparison.Ordinal) ? 1 : 0;
            int kind = Array.IndexOf(["input_weight", "recurrent_weight", "bias", "recurrent_bias"], place[1]);
            return Waves.Of(2 * layerNumber + direction + shifts[kind], entry.Value.Shape);
        })];
        (Tensor outputs, Tensor[] after) = layer.Run(start.WithLeaves(waves), Waves.Of(0.1, 2, 3, 2));
        Waves.AssertNear(last, outputs[0, 2]);
        Assert.Equal(sum, outputs.Sum().ToDouble(), 1e-9);
        Waves.AssertNear(states, Tensor.Stack(0, after.Select(state => state.Sum())), 1e-9);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_loop_over_steps_gives_the_same(string kind)
    {
        Recurrent layer = Make(kind, 3);
        Parameters parameters = Doubles(layer, [4, 2]);
        Tensor x = Sequences(2, 4, 2);
        Tensor w = parameters["0.input_weight"], u = parameters["0.recurrent_weight"], b = parameters["0.bias"];
        Tensor h = Tensor.Zeros(2, 3).To(DType.Float64), c = h;
        Tensor outputs = layer.Apply(parameters, x);
        for (int t = 0; t < 4; t++)
        {
            Tensor input = x.Slice(1, t, t + 1).Squeeze(1).MatMul(w) + b, recurrent = h.MatMul(u);
            Tensor[] a = input.Split([.. Enumerable.Repeat(3, w.Shape[1] / 3)], 1), r = recurrent.Split([.. Enumerable.Repeat(3, w.Shape[1] / 3)], 1);
            switch (kind)
            {
                case "RNN":
                    h = Tensor.Tanh(a[0] + r[0]);
                    break;
                case "GRU":
                    Tensor z = Tensor.Sigmoid(a[1] + r[1]);
                    Tensor n = Tensor.Tanh(a[2] + Tensor.Sigmoid(a[0] + r[0]) * (r[2] + parameters["0.recurrent_bias"]));
                    h = (1.0 - z) * n + z * h;
                    break;
                default:
                    c = Tensor.Sigmoid(a[1] + r[1]) * c + Tensor.Sigmoid(a[0] + r[0]) * Tensor.Tanh(a[2] + r[2]);
                    h = Tensor.Sigmoid(a[3] + r[3]) * Tensor.Tanh(c);
                    break;
            }

            Waves.AssertNear(h.ToArray<double>(), outputs.Slice(1, t, t + 1).Squeeze(1), 1e-12);
        }
    }

    [Fact]
    public void The_way_back_is_the_way_forth_of_the_reversed_sequence()
    {
        var both = new LSTM(3, bidirectional: true, returnSequences: true);
        var last = new LSTM(3, bidirectional: true);
        var one = new LSTM(3, returnSequences: true);
        Parameters parameters = Doubles(both, [4, 2]);
        Tensor x = Sequences(2, 4, 2);
        Tensor outputs = both.Apply(parameters, x);
        Parameters back = one.Initialize(new Key(0), [4, 2]).WithLeaves(parameters.Part("0_reverse").Leaves);
        Tensor reversed = one.Apply(back, x.Slice(1, step: -1)).Slice(1, step: -1);
        Waves.AssertNear(reversed.ToArray<double>(), outputs.Slice(2, 3), 1e-12);
        Waves.AssertNear(outputs[0, 3, ..3].ToArray<double>(), last.Apply(parameters, x)[0, ..3]);
        Waves.AssertNear(outputs[0, 0, 3..].ToArray<double>(), last.Apply(parameters, x)[0, 3..]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_walk_goes_on_where_another_ended(string kind)
    {
        Recurrent layer = Make(kind, 3, layers: 2);
        Parameters parameters = Doubles(layer, [6, 2]);
        Tensor x = Sequences(2, 6, 2);
        (Tensor whole, Tensor[] end) = layer.Run(parameters, x);
        (Tensor first, Tensor[] state) = layer.Run(parameters, x.Slice(1, 0, 4), layer.ZeroState(2, DType.Float64));
        (Tensor second, Tensor[] after) = layer.Run(parameters, x.Slice(1, 4), state);
        Waves.AssertNear(whole.ToArray<double>(), Tensor.Concat(1, first, second), 1e-12);
        for (int i = 0; i < end.Length; i++) Waves.AssertNear(end[i].ToArray<double>(), after[i], 1e-12);
        CheckGrads.Run((Tensor[] from) => layer.Run(parameters, x, from), state);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Masked_steps_are_left_out(string kind)
    {
        Recurrent layer = Make(kind, 3);
        Parameters parameters = Doubles(layer, [4, 2]);
        Tensor x = Sequences(2, 4, 2);
        Tensor mask = Tensor.From([true, true, false, false, true, false, true, true], 2, 4);
        (Tensor outputs, Tensor[] state) = layer.Run(parameters, x, mask: mask);
        (Tensor shorter, Tensor[] early) = layer.Run(parameters, x[0..1].Slice(1, 0, 2));
        Waves.AssertNear(shorter.ToArray<double>(), outputs[0..1].Slice(1, 0, 2));
        Assert.Equal(new double[6], outputs[0..1].Slice(1, 2).ToArray<double>());
        Waves.AssertNear(early[0].ToArray<double>(), state[0].Slice(1, 0, 1));
        Tensor rest = Tensor.Concat(1, x[1..2].Slice(1, 0, 1), x[1..2].Slice(1, 2));
        (Tensor without, _) = layer.Run(parameters, rest);
        Waves.AssertNear(without[0, 2].ToArray<double>(), outputs[1, 3]);
        CheckGrads.Run((Tensor at) => layer.Run(parameters, at, mask: mask).Outputs, x);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void State_is_carried_from_batch_to_batch_when_asked(string kind)
    {
        Recurrent carrying = Make(kind, 3, carriedBatch: 2), plain = Make(kind, 3);
        Parameters parameters = carrying.Initialize(new Key(5), [3, 2]);
        Parameters same = plain.Initialize(new Key(5), [3, 2]).WithTrainable(parameters.Trainable);
        Tensor x = Sequences(2, 6, 2).To(DType.Float32);
        float[] whole = plain.Apply(same, x).ToArray<float>();
        foreach (Context context in (Context[])[Context.Training(new Key(1)), Context.Prediction])
        {
            (Tensor first, Parameters next) = carrying.ApplyAndUpdate(parameters, x.Slice(1, 0, 3), context);
            (Tensor second, _) = carrying.ApplyAndUpdate(next, x.Slice(1, 3), context);
            Waves.AssertNear(whole, Tensor.Concat(1, first, second), 1e-6);
            Assert.Equal(first.ToArray<float>(), carrying.Apply(next, x.Slice(1, 0, 3)).ToArray<float>());
        }

        Assert.Contains(
            "batches of this size", Assert.Throws<ArgumentException>(
                () => carrying.Apply(parameters, x[..1], Context.Training(new Key(1)))).Message);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_learns_to_say_again_what_came_two_steps_before(string kind)
    {
        const int tokens = 4, time = 6;
        Tensor said = new Key(1).Integers([128, time], 0, tokens);
        Tensor expected = Tensor.Concat(1, Tensor.Full([128, 2], -1, DType.Int64), said.Slice(1, 0, time - 2));
        Loss loss = Losses.SoftmaxCrossEntropyWith(ignore: -1);
        var network = new Sequential(new Embedding(tokens, 8), Make(kind, 24), new Dense(tokens));
        var trainer = new Trainer(network, loss, new Adam(0.02)) { Metrics = [Metrics.AccuracyWith(ignore: -1)], Output = Output.None };
        TrainingResult result = trainer.Fit(new Dataset(said, expected), epochs: 40, batchSize: 32);
        Assert.True(result.History.Epochs[^1].Metrics["accuracy"] > 0.97, $"accuracy {result.History.Epochs[^1].Metrics["accuracy"]}");
    }

    [Fact]
    public void States_and_masks_of_wrong_shapes_are_errors()
    {
        var layer = new LSTM(3);
        Parameters parameters = layer.Initialize(new Key(0), [4, 2]);
        Tensor x = Sequences(2, 4, 2).To(DType.Float32);
        foreach ((Action wrong, string text) in ((Action, string)[])
            [
                (() => layer.Run(parameters, x, layer.ZeroState(3)), "(1, 2, 3) are needed (hidden, cell)"),
                (() => layer.Run(parameters, x, [Tensor.Zeros(1, 2, 3)]), "2 of shape"),
                (() => layer.Run(parameters, x, mask: Tensor.Ones(4)), "(n, time), (2, 4)"),
                (() => layer.Apply(parameters, Tensor.Zeros(2, 4, 3)), "take sequences (n, time, 2)"),
                (() => layer.Apply(parameters, Tensor.Zeros(2, 4)), "LSTM(3): inputs have shape (n, 4)"),
            ])
        {
            Assert.Contains(text, Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }
    }
}
