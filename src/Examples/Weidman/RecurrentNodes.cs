using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapters 6.4 and 6.5: the text's nodes (simple, gated, long short-term memory, and with the peepholes that it mentions) as functions of
/// weights, input and state, and its layer, which walks through time with any of them.
/// </summary>
/// <remarks>Going back through time is the gradient of that walk; for the simple node it is also written out, as in the text. The gated node
/// is as the text's formulas have it: its code uses the sum of the gate r for the gate u as well. <see cref="Characters"/> has the layers
/// that train.</remarks>
internal static class RecurrentNodes
{
    private const int Steps = 50, Features = 4, Units = 16, Outputs = 3;

    /// <summary>A node: the output and the next state; what it needs of weights has a name each.</summary>
    private delegate (Tensor Output, Tensor[] State) Node(IReadOnlyDictionary<string, Tensor> w, Tensor x, Tensor[] state);

    /// <summary>Figure 6-9: H = tanh([x h] Wf + Bf).</summary>
    private static (Tensor, Tensor[]) Simple(IReadOnlyDictionary<string, Tensor> w, Tensor x, Tensor[] state)
    {
        Tensor h = Tensor.Tanh(Tensor.Concat(1, x, state[0]).MatMul(w["Wf"]) + w["Bf"]);
        return (h.MatMul(w["Wv"]) + w["Bv"], [h]);
    }

    /// <summary>Figure 6-8: how much of the state is read is the gate r, how much is kept the gate u.</summary>
    private static Node Gated(bool asPrinted) => (w, x, state) =>
    {
        Tensor h = state[0], sumR = x.MatMul(w["Wxr"]) + h.MatMul(w["Whr"]) + w["Br"];
        Tensor sumU = asPrinted ? sumR : x.MatMul(w["Wxu"]) + h.MatMul(w["Whu"]) + w["Bu"];
        Tensor r = Tensor.Sigmoid(sumR), u = Tensor.Sigmoid(sumU);
        Tensor next = Tensor.Tanh(x.MatMul(w["Wxh"]) + (r * h).MatMul(w["Whh"]) + w["Bh"]);
        h = u * h + (1 - u) * next;
        return (h.MatMul(w["Wv"]) + w["Bv"], [h]);
    };

    /// <summary>Figure 6-10: a second state C that is only added to and faded; with peepholes, gates see it.</summary>
    private static Node LongShort(bool hasPeepholes) => (w, x, state) =>
    {
        (Tensor z, Tensor c) = (Tensor.Concat(1, x, state[0]), state[1]);
        Tensor Gate(string name, Tensor seen)
        {
            Tensor sum = z.MatMul(w["W" + name]) + w["B" + name];
            return Tensor.Sigmoid(hasPeepholes ? sum + seen * w["P" + name] : sum);
        }

        Tensor next = Gate("f", c) * c + Gate("i", c) * Tensor.Tanh(z.MatMul(w["Wc"]) + w["Bc"]);
        Tensor h = Gate("o", next) * Tensor.Tanh(next);
        return (h.MatMul(w["Wv"]) + w["Bv"], [h, next]);
    };

    /// <summary>The text's layer: all sequences of a batch (b, T, features) start from one state; their mean at the end is that of the next
    /// batch.</summary>
    private static (Tensor Outputs, Tensor[] States, Tensor[] Next) Layer(
        Node node, IReadOnlyDictionary<string, Tensor> weights, Tensor[] start, Tensor sequences)
    {
        Tensor[] state = [.. start.Select(s => s.BroadcastTo(sequences.Shape[0], s.Shape[1]))];
        var (outputs, states) = (new List<Tensor>(), new List<Tensor>());
        for (int t = 0; t < sequences.Shape[1]; t++)
        {
            (Tensor output, state) = node(weights, sequences[.., t], state);
            outputs.Add(output);
            states.Add(state[0]);
        }

        return (Tensor.Stack(1, outputs), [.. states], [.. state.Select(s => s.Mean(0).Reshape(1, -1))]);
    }

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        var key = new Key(settings.Seed);
        Tensor x = key.FoldIn(0).Normal([2, Steps, Features], dtype: DType.Float64), zero = Zeros(1, Units);
        Dictionary<string, Tensor> simple = Weights(key.FoldIn(1), Features, Units, Outputs, "f");
        Dictionary<string, Tensor> gated = GatedWeights(key.FoldIn(2), Features, Units, Outputs);
        Dictionary<string, Tensor> memory = Weights(key.FoldIn(3), Features, Units, Outputs, "f", "i", "c", "o");

        // Back through time: as written, and as the gradient of the walk.
        Tensor ct = key.FoldIn(4).Normal([2, Steps, Outputs], dtype: DType.Float64);
        Dictionary<string, Tensor> Derived(Node node, Dictionary<string, Tensor> weights, params Tensor[] start) =>
            Gradient.Of<Dictionary<string, Tensor>>(w => (Layer(node, w, start, x).Outputs * ct).Sum())(weights);
        Dictionary<string, Tensor> byHand = BackThroughTime(simple, zero, x, ct), derived = Derived(Simple, simple, zero);
        Zero("6.5", "back through time, written and derived, largest difference", simple.Keys.Max(name => Apart(byHand[name], derived[name])));

        // The library's layers have the weights of input and state apart, and gates side by side.
        static Tensor Joined(Dictionary<string, Tensor> w, string gates, Func<Tensor, Tensor> part) =>
            Tensor.Concat(1, gates.Select(gate => part(w["W" + gate])));
        Tensor ByLibrary(Layer layer, Dictionary<string, Tensor> w, string gates) => layer.Apply(
            layer.Initialize(key, [Steps, Features]).WithLeaves(
            [
                Joined(w, gates, weight => weight[..Features]), Joined(w, gates, weight => weight[Features..]),
                Tensor.Concat(0, gates.Select(gate => w["B" + gate].Reshape(-1))),
            ]), x);
        Zero("6.5", "the simple node and the layer RNN, largest difference",
            Apart(ByLibrary(new RNN(Units, returnSequences: true), simple, "f"), Tensor.Stack(1, Layer(Simple, simple, [zero], x).States)));
        Zero("6.5", "long short-term memory and the layer LSTM, largest difference",
            Apart(ByLibrary(new LSTM(Units, returnSequences: true), memory, "ifco"), Tensor.Stack(1, Layer(LongShort(false), memory, [zero, zero], x).States)));
        var peepholes = new Dictionary<string, Tensor>(memory) { ["Pf"] = zero, ["Pi"] = zero, ["Po"] = zero };
        Zero("6.5", "with peepholes that see nothing and without, largest difference", Apart(
            Layer(LongShort(true), peepholes, [zero, zero], x).Outputs, Layer(LongShort(false), memory, [zero, zero], x).Outputs));

        // The printed gate u is the gate r: nothing goes back to its own weights.
        Dictionary<string, Tensor> printed = Derived(Gated(asPrinted: true), gated, zero), mended = Derived(Gated(asPrinted: false), gated, zero);
        static Tensor OfGateU(Dictionary<string, Tensor> g) => Tensor.Stack(0, g["Wxu"].Norm(), g["Whu"].Norm(), g["Bu"].Norm());
        settings.Compare("6.5", "the gated node as printed: sizes of the gradients of Wxu, Whu and Bu", "0 0 0", OfGateU(printed), source: Source.Hand);
        settings.Output.WriteLine($"6.5   and mended: {OfGateU(mended)}");

        // The text's stack: GRULayer(256, 128) below LSTMLayer(256, 62), for two texts of 25 characters of 62 kinds.
        const int kinds = 62, below = 128, units = 256;
        Tensor characters = key.FoldIn(5).Integers([2, 25], 0, kinds).OneHot(kinds).To(DType.Float64), wide = Zeros(1, units);
        var lower = Layer(Gated(asPrinted: false), GatedWeights(key.FoldIn(6), kinds, units, below), [wide], characters);
        var upper = Layer(LongShort(false), Weights(key.FoldIn(7), below, units, kinds, "f", "i", "c", "o"), [wide, wide], lower.Outputs);
        static Tensor Lengths(Tensor tensor) => Tensor.From(Array.ConvertAll(tensor.Shape, length => (double)length));
        settings.Compare("6.5", "output of GRULayer(256, 128) and LSTMLayer(256, 62) for two texts of 25 characters", "(2, 25, 62)", Lengths(upper.Outputs), source: Source.Hand);
        settings.Compare("6.5", "the state that the next batch starts with", "(1, 256)", Lengths(upper.Next[0]), source: Source.Hand);

        // Why there are gates: how much the state still depends on the first input. Gates that keep (u and f) start half open to wide open.
        gated["Bu"] += 3;
        memory["Bf"] += 3;
        Axes left = new Axes().Title("What the state still knows of the first input").XLabel("steps").YLabel("size of the derivative").YLog();
        var metrics = new Dictionary<string, double>();
        foreach ((string name, Node node, Dictionary<string, Tensor> weights, Tensor[] start) in new (string, Node, Dictionary<string, Tensor>, Tensor[])[]
            { ("simple", Simple, simple, [zero]), ("gated", Gated(false), gated, [zero]), ("long short-term", LongShort(false), memory, [zero, zero]) })
        {
            Tensor direction = Tensor.Concat(1, Tensor.OnesLike(x[.., ..1]), Tensor.ZerosLike(x[.., 1..]));
            (_, Tensor moved) = Jvp.Of<Tensor, Tensor>(input => Tensor.Stack(0, Layer(node, weights, start, input).States))(x, direction);
            double[] sizes = [.. Enumerable.Range(0, Steps).Select(t => moved[t].Norm().ToDouble())];
            settings.Output.WriteLine($"6.5   {name}: after {Steps} steps {sizes[^1] / sizes[0]:0.0e+0} of what was known after the first");
            metrics[name] = sizes[^1] / sizes[0];
            left = left.Line(Enumerable.Range(1, Steps).ToArray(), sizes, name);
            if (settings.Out is { } folder)
            {
                // Figures 6-8 to 6-10, for Graphviz.
                string graph = Stage.Of((Tensor input) => node(weights, input, start).Output)(x[..1, 0]).Program.ToGraphviz();
                File.WriteAllText(Path.Combine(folder, $"weidman-ch6-{name.Split(' ')[0]}.dot"), graph);
            }
        }

        settings.Save(left.ToFigure(), "weidman-ch6-nodes.svg");
        return metrics;

        void Zero(string chapter, string what, double apart) => settings.Compare(chapter, what, "0.00000000000", apart, source: Source.Hand);
    }

    /// <summary>The text's way back for the simple node, from what comes back to each output.</summary>
    private static Dictionary<string, Tensor> BackThroughTime(Dictionary<string, Tensor> w, Tensor start, Tensor x, Tensor ct)
    {
        (int batch, int steps, int features) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        Tensor[] states = [start.BroadcastTo(batch, start.Shape[1]), .. Layer(Simple, w, [start], x).States];
        Dictionary<string, Tensor> sums = w.ToDictionary(weight => weight.Key, weight => Tensor.ZerosLike(weight.Value));
        Tensor fromLater = Tensor.ZerosLike(states[0]);
        for (int t = steps - 1; t >= 0; t--)
        {
            Tensor z = Tensor.Concat(1, x[.., t], states[t]), h = states[t + 1], back = ct[.., t];
            sums["Bv"] += back.Sum(0).Reshape(1, -1);
            sums["Wv"] += h.Transpose().MatMul(back);
            Tensor inside = (back.MatMul(w["Wv"].Transpose()) + fromLater) * (1 - h * h);
            sums["Bf"] += inside.Sum(0).Reshape(1, -1);
            sums["Wf"] += z.Transpose().MatMul(inside);
            fromLater = inside.MatMul(w["Wf"].Transpose())[.., features..];
        }

        return sums;
    }

    /// <summary>Weights of input and state together for each gate, and those of the output.</summary>
    private static Dictionary<string, Tensor> Weights(Key key, int features, int units, int outputs, params string[] gates)
    {
        var weights = new Dictionary<string, Tensor>
        {
            ["Wv"] = Normal(key, units, outputs),
            ["Bv"] = Zeros(1, outputs),
        };
        foreach ((int i, string gate) in gates.Index())
            (weights["W" + gate], weights["B" + gate]) = (Normal(key.FoldIn(i), features + units, units), Zeros(1, units));
        return weights;
    }

    /// <summary>The gated node has those of input and state apart.</summary>
    private static Dictionary<string, Tensor> GatedWeights(Key key, int features, int units, int outputs)
    {
        Dictionary<string, Tensor> weights = Weights(key, features, units, outputs);
        foreach ((int i, char gate) in "ruh".Index())
        {
            weights["Wx" + gate] = Normal(key.FoldIn(2 * i), features, units);
            weights["Wh" + gate] = Normal(key.FoldIn(2 * i + 1), units, units);
            weights["B" + gate] = Zeros(1, units);
        }

        return weights;
    }

    private static Tensor Normal(Key key, int inputs, int outputs) => key.Normal([inputs, outputs], 0, 1 / Math.Sqrt(inputs), DType.Float64);

    private static Tensor Zeros(params int[] shape) => Tensor.Full(shape, 0, DType.Float64);

    private static double Apart(Tensor a, Tensor b) => Tensor.Abs(a - b).Max().ToDouble();
}
