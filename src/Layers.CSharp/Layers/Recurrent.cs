using System.Globalization;

namespace Autodiff.Layers;

/// <summary>
/// A layer that walks through sequences (n, time, features) with a state. Outputs are those of the last step, (n,
/// units), or of all steps, (n, time, units); both directions side by side make twice as many units.
/// </summary>
/// <remarks>
/// Layers are stacked: each walks through the outputs of the one below. The parameters of the layer at position i are the
/// part named i, those of its way back the part "i_reverse": "input_weight" (in, gates units) and "recurrent_weight"
/// (units, gates units), in which the columns of one gate follow those of another, and "bias" (gates units). The bias starts
/// at 0. Weights are drawn for each gate: by default Glorot's uniform rule for inputs, orthogonal matrices for states.
/// </remarks>
public abstract class Recurrent : Layer
{
    private readonly int gates;
    private readonly string[] stateNames;
    private readonly int? carriedBatch;
    private readonly Initializer inputInitializer;
    private readonly Initializer recurrentInitializer;

    // Compiled once for each shape, and run as a program: a step is made of many small operations.
    private readonly Func<Pass, Passed> forward;
    private readonly Func<Pass, Passed> backward;

    private protected Recurrent(
        int units, int gates, string[] stateNames, int layers, bool bidirectional, bool returnSequences, double dropout,
        int? carriedBatch, Initializer? inputInitializer, Initializer? recurrentInitializer)
    {
        string name = GetType().Name;
        Units = Shapes.AtLeast(1, units, name, nameof(units));
        Layers = Shapes.AtLeast(1, layers, name, nameof(layers));
        IsBidirectional = bidirectional;
        ReturnsSequences = returnSequences;
        Dropout = Shapes.Fraction(dropout, name, nameof(dropout));
        if (carriedBatch is { } batch) Shapes.AtLeast(1, batch, name, nameof(carriedBatch));
        if (carriedBatch.HasValue && bidirectional)
            throw new ArgumentException($"{name}: carriedBatch is given, but the way back has no state that a next batch could take.");
        this.gates = gates;
        this.stateNames = stateNames;
        this.carriedBatch = carriedBatch;
        this.inputInitializer = inputInitializer ?? Initializers.GlorotUniform;
        this.recurrentInitializer = recurrentInitializer ?? Initializers.Orthogonal();
        forward = Jit.Compile<Pass, Passed>(pass => Walk(pass, isBack: false));
        backward = Jit.Compile<Pass, Passed>(pass => Walk(pass, isBack: true));
    }

    /// <summary>The length of the state of one layer in one direction.</summary>
    public int Units { get; }

    /// <summary>The number of layers, each above the other.</summary>
    public int Layers { get; }

    /// <summary>Whether sequences are walked through in both directions.</summary>
    public bool IsBidirectional { get; }

    /// <summary>Whether the outputs are those of all steps, not of the last only.</summary>
    public bool ReturnsSequences { get; }

    /// <summary>The probability with which, while training, an output of a layer is 0 to the layer above.</summary>
    public double Dropout { get; }

    /// <inheritdoc/>
    public sealed override string Name => $"{(IsBidirectional ? "Bidirectional" : "")}{GetType().Name}({Units})";

    private int Directions => IsBidirectional ? 2 : 1;

    /// <inheritdoc/>
    public sealed override int[] OutputShape(int[] inputShape)
    {
        CheckSequences(inputShape);
        return ReturnsSequences ? [inputShape[0], Units * Directions] : [Units * Directions];
    }

    /// <inheritdoc/>
    public sealed override Parameters Initialize(Key key, int[] inputShape)
    {
        CheckSequences(inputShape);
        var parts = new List<(string, Parameters)>();
        for (int layer = 0; layer < Layers; layer++)
        {
            int inputs = layer == 0 ? inputShape[1] : Units * Directions;
            for (int direction = 0; direction < Directions; direction++)
                parts.Add((PartName(layer, direction), InitializePass(key.FoldIn(Directions * layer + direction), inputs)));
        }

        if (carriedBatch is { } batch)
        {
            Tensor zeros = Tensor.Zeros(Layers, batch, Units);
            parts.Add(("state", Parameters.Empty.WithState([.. stateNames.Select(name => (name, zeros))])));
        }

        return Parameters.Join(parts);
    }

    /// <inheritdoc/>
    public sealed override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        bool carries = carriedBatch.HasValue && (context.IsTraining || context.TakesState);
        Tensor[]? state = null;
        if (carries)
        {
            Parameters carried = parameters.Part("state");
            state = Array.ConvertAll(stateNames, name => context.State(carried, name));
            if (input.Rank > 0 && input.Shape[0] != carriedBatch)
            {
                throw new ArgumentException(
                    $"{Name}: the batch has {input.Shape[0]} sequences; the state that is carried from batch to batch is that of "
                    + $"{carriedBatch}: give batches of this size only.");
            }
        }

        (Tensor steps, Tensor[][] last) = RunLayers(parameters, input, state, null, context);
        if (carries)
        {
            Parameters carried = parameters.Part("state");
            Tensor[] after = Stacked(last);
            for (int i = 0; i < after.Length; i++) context.Update(carried, stateNames[i], after[i]);
        }

        if (ReturnsSequences) return steps.Permute(1, 0, 2);
        return IsBidirectional ? TensorModule.concat(1, [last[^2][0], last[^1][0]]) : last[^1][0];
    }

    /// <summary>The outputs of all steps, and the states after the last: of a walk that may start from the states after
    /// another.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="input">The sequences (n, time, features).</param>
    /// <param name="state">The states before the first step, as <see cref="ZeroState"/> and this method return them; by
    /// default zeros.</param>
    /// <param name="mask">Truth values (n, time): where one is false, that step is left out: it keeps the state, and its
    /// output is 0. By default all steps are taken.</param>
    /// <param name="context">Training or prediction.</param>
    /// <returns>The outputs of the topmost layer, (n, time, units), twice as many units in both directions; and the states of
    /// all layers, each (layers, n, units), where a layer's state of the way back follows that of its way forth.</returns>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    /// <example><code>
    /// (Tensor outputs, Tensor[] state) = lstm.Run(parameters, firstHalf);
    /// (outputs, state) = lstm.Run(parameters, secondHalf, state);
    /// </code></example>
    public (Tensor Outputs, Tensor[] State) Run(
        Parameters parameters, Tensor input, Tensor[]? state = null, Tensor? mask = null, Context context = default)
    {
        (Tensor steps, Tensor[][] last) = RunLayers(parameters, input, state, mask, context);
        return (steps.Permute(1, 0, 2), Stacked(last));
    }

    /// <summary>The states before the first step of a number of sequences: zeros, (layers, n, units).</summary>
    public Tensor[] ZeroState(int batch, DType dtype = DType.Float32) =>
        Array.ConvertAll(stateNames, _ => Tensor.Full([Layers * Directions, batch, Units], 0, dtype));

    /// <summary>The state after a step.</summary>
    /// <param name="input">x W + b for all gates.</param>
    /// <param name="state">The state before, its output first.</param>
    /// <param name="weights">The recurrent weights, and what else the step takes.</param>
    private protected abstract Tensor[] Step(Tensor input, Tensor[] state, ReadOnlySpan<Tensor> weights);

    /// <summary>The parameters of one layer in one direction, from its weights.</summary>
    private protected virtual Parameters Gather(Tensor inputWeight, Tensor recurrentWeight, Tensor bias) =>
        Parameters.Of(("input_weight", inputWeight), ("recurrent_weight", recurrentWeight), ("bias", bias));

    /// <summary>The parts of an array of all gates, side by side, that belong to gates from one to, but without,
    /// another.</summary>
    private protected Tensor Gates(Tensor all, int from, int to) => all.Slice(1, from * Units, to * Units);

    private static string PartName(int layer, int direction) =>
        layer.ToString(CultureInfo.InvariantCulture) + (direction == 0 ? "" : "_reverse");

    /// <summary>States by kind, those of all layers and directions side by side, from states by layer and
    /// direction.</summary>
    private static Tensor[] Stacked(Tensor[][] states) =>
        [.. Enumerable.Range(0, states[0].Length).Select(kind => TensorModule.stack(0, states.Select(state => state[kind])))];

    private Parameters InitializePass(Key key, int inputs)
    {
        Tensor Draw(Initializer initializer, Key from, int rows) => TensorModule.concat(
            1, Enumerable.Range(0, gates).Select(gate => initializer.Draw(from.FoldIn(gate), [rows, Units], rows, Units)));
        return Gather(
            Draw(inputInitializer, key.FoldIn(0), inputs), Draw(recurrentInitializer, key.FoldIn(1), Units),
            Tensor.Zeros(gates * Units));
    }

    /// <summary>The outputs of the topmost layer, (time, n, units), and the states after the last step by layer and
    /// direction.</summary>
    private (Tensor Steps, Tensor[][] Last) RunLayers(
        Parameters parameters, Tensor input, Tensor[]? state, Tensor? mask, Context context)
    {
        ReadOnlySpan<int> shape = ShapeOfOne(input);
        Tensor first = parameters.Part(0)["input_weight"];
        CheckTime(shape);
        if (shape.Length != 2 || shape[1] != first.Shape[0])
            throw WrongInput(shape, $"its weights of shape {Shapes.Format(first.Shape)} take sequences (n, time, {first.Shape[0]})");
        int batch = input.Shape[0];
        int[] stateShape = [Layers * Directions, batch, Units];
        if (state is not null
            && (state.Length != stateNames.Length || !Array.TrueForAll(state, s => s.Shape.AsSpan().SequenceEqual(stateShape))))
        {
            throw new ArgumentException(
                $"{Name}: the states have shapes {string.Join(", ", state.Select(s => Shapes.Format(s.Shape)))}; "
                + $"{stateNames.Length} of shape {Shapes.Format(stateShape)} are needed ({string.Join(", ", stateNames)}).");
        }

        if (mask is not null && !mask.Shape.AsSpan().SequenceEqual(input.Shape.AsSpan(0, 2)))
        {
            throw new ArgumentException(
                $"{Name}: the mask has shape {Shapes.Format(mask.Shape)}; it must be (n, time), {Shapes.Format(input.Shape[..2])}.");
        }

        state ??= ZeroState(batch, input.DType.IsFloat() ? input.DType : DType.Float32);

        // Steps come first, so that each finds its numbers side by side.
        Tensor steps = input.Permute(1, 0, 2);
        Tensor[] masks = mask is null ? [] : [mask.To(DType.Bool).Permute(1, 0).ExpandAxis(2)];
        var last = new Tensor[Layers * Directions][];
        for (int layer = 0; layer < Layers; layer++)
        {
            if (layer > 0) steps = new Dropout(Dropout).Apply(Parameters.Empty, steps, context.For(layer));
            var outputs = new Tensor[Directions];
            for (int direction = 0; direction < Directions; direction++)
            {
                int place = Directions * layer + direction;
                var pass = new Pass(
                    [.. parameters.Part(place).Leaves], Array.ConvertAll(state, s => s[place]), [steps, .. masks]);
                (last[place], outputs[direction]) = direction == 0 ? forward(pass) : backward(pass);
            }

            steps = Directions == 1 ? outputs[0] : TensorModule.concat(2, outputs);
        }

        return (steps, last);
    }

    /// <summary>One layer in one direction.</summary>
    private Passed Walk(Pass pass, bool isBack)
    {
        // One product for the inputs of all steps; the bias is added where a step reads its part anyway.
        Tensor inputs = pass.Items[0].MatMul(pass.Weights[0]), bias = pass.Weights[2];
        Tensor[] weights = [pass.Weights[1], .. pass.Weights[3..]];
        Tensor[] state = Array.ConvertAll(pass.State, s => s.To(inputs.DType));
        Tensor[] items = [inputs, .. pass.Items[1..]];

        (Tensor[], Tensor) Next(Tensor[] before, Tensor[] item)
        {
            Tensor[] after = Step(item[0] + bias, before, weights);
            if (item.Length == 1) return (after, after[0]);
            Tensor[] kept = [.. after.Zip(before, (next, previous) => Tensor.Where(item[1], next, previous))];
            return (kept, Tensor.Where(item[1], after[0], Tensor.ZerosLike(after[0])));
        }

        (Tensor[] last, Tensor outputs) = isBack
            ? ControlFlow.ScanBack<Tensor[], Tensor[], Tensor>(Next, state, items)
            : ControlFlow.Scan<Tensor[], Tensor[], Tensor>(Next, state, items);
        return new(last, outputs);
    }

    private void CheckSequences(ReadOnlySpan<int> shape)
    {
        CheckTime(shape);
        if (shape is not [> 0, > 0]) throw WrongInput(shape, "it takes sequences (n, time, features)");
    }

    private void CheckTime(ReadOnlySpan<int> shape)
    {
        if (shape is [0, _]) throw WrongInput(shape, "sequences have no steps; time must be at least 1 in (n, time, features)");
    }

    /// <summary>What one layer in one direction takes: its parameters, the state before, and inputs, and perhaps a mask, with
    /// the steps first.</summary>
    internal sealed record Pass(Tensor[] Weights, Tensor[] State, Tensor[] Items);

    /// <summary>What one layer in one direction gives: the state after the last step, and the outputs of all.</summary>
    internal sealed record Passed(Tensor[] State, Tensor Outputs);
}

/// <summary>
/// The simple recurrent network h' = tanh(x W + h U + b) (Elman 1990), where h' is also the output.
/// </summary>
/// <param name="units">The length of h.</param>
/// <param name="layers">The number of layers, each above the other.</param>
/// <param name="bidirectional">Whether sequences are walked through in both directions.</param>
/// <param name="returnSequences">Whether the outputs are those of all steps, not of the last only.</param>
/// <param name="dropout">The probability with which, while training, an output of a layer is 0 to the layer above.</param>
/// <param name="carriedBatch">The number of sequences whose state is carried from one batch to the next, for training on
/// consecutive pieces of long sequences (truncated backpropagation through time): the state "state.hidden". Prediction
/// starts from 0, except in <see cref="Layer.ApplyAndUpdate"/>. By default each batch starts from 0.</param>
/// <param name="activation">The function in the place of tanh.</param>
/// <param name="inputInitializer">How W starts.</param>
/// <param name="recurrentInitializer">How U starts.</param>
/// <exception cref="ArgumentException">A number is out of range, or state is to be carried in both directions.</exception>
public sealed class RNN(
    int units, int layers = 1, bool bidirectional = false, bool returnSequences = false, double dropout = 0,
    int? carriedBatch = null, Func<Tensor, Tensor>? activation = null, Initializer? inputInitializer = null,
    Initializer? recurrentInitializer = null)
    : Recurrent(
        units, 1, ["hidden"], layers, bidirectional, returnSequences, dropout, carriedBatch, inputInitializer,
        recurrentInitializer)
{
    private readonly Func<Tensor, Tensor> activation = activation ?? Tensor.Tanh;

    private protected override Tensor[] Step(Tensor input, Tensor[] state, ReadOnlySpan<Tensor> weights) =>
        [activation(input + state[0].MatMul(weights[0]))];
}

/// <summary>
/// Gated recurrent units (Cho et al. 2014) in PyTorch's form: with gates in the order r, z, n,
/// r = sigmoid(x Wr + h Ur + br), z = sigmoid(x Wz + h Uz + bz), n = tanh(x Wn + bn + r (h Un + c)),
/// h' = (1 - z) n + z h, where h' is also the output.
/// </summary>
/// <remarks>c is the parameter "recurrent_bias" (units), which starts at 0.</remarks>
/// <param name="units">The length of h.</param>
/// <param name="layers">The number of layers, each above the other.</param>
/// <param name="bidirectional">Whether sequences are walked through in both directions.</param>
/// <param name="returnSequences">Whether the outputs are those of all steps, not of the last only.</param>
/// <param name="dropout">The probability with which, while training, an output of a layer is 0 to the layer above.</param>
/// <param name="carriedBatch">The number of sequences whose state is carried from one batch to the next, for training on
/// consecutive pieces of long sequences (truncated backpropagation through time): the state "state.hidden". Prediction
/// starts from 0, except in <see cref="Layer.ApplyAndUpdate"/>. By default each batch starts from 0.</param>
/// <param name="inputInitializer">How W starts.</param>
/// <param name="recurrentInitializer">How U starts.</param>
/// <exception cref="ArgumentException">A number is out of range, or state is to be carried in both directions.</exception>
public sealed class GRU(
    int units, int layers = 1, bool bidirectional = false, bool returnSequences = false, double dropout = 0,
    int? carriedBatch = null, Initializer? inputInitializer = null, Initializer? recurrentInitializer = null)
    : Recurrent(
        units, 3, ["hidden"], layers, bidirectional, returnSequences, dropout, carriedBatch, inputInitializer,
        recurrentInitializer)
{
    private protected override Tensor[] Step(Tensor input, Tensor[] state, ReadOnlySpan<Tensor> weights)
    {
        Tensor h = state[0], recurrent = h.MatMul(weights[0]);
        Tensor r = Tensor.Sigmoid(Gates(input, 0, 1) + Gates(recurrent, 0, 1));
        Tensor z = Tensor.Sigmoid(Gates(input, 1, 2) + Gates(recurrent, 1, 2));
        Tensor n = Tensor.Tanh(Gates(input, 2, 3) + r * (Gates(recurrent, 2, 3) + weights[1]));
        return [n + z * (h - n)];
    }

    private protected override Parameters Gather(Tensor inputWeight, Tensor recurrentWeight, Tensor bias) => Parameters.Of(
        ("input_weight", inputWeight), ("recurrent_weight", recurrentWeight), ("bias", bias),
        ("recurrent_bias", Tensor.Zeros(Units)));
}

/// <summary>
/// Long short-term memory (Hochreiter and Schmidhuber 1997, Gers et al. 2000): with gates in PyTorch's order i, f, g,
/// o, i = sigmoid(x Wi + h Ui + bi), f = sigmoid(x Wf + h Uf + bf), g = tanh(x Wg + h Ug + bg),
/// o = sigmoid(x Wo + h Uo + bo), c' = f c + i g, h' = o tanh(c'), where h' is also the output.
/// </summary>
/// <remarks>The bias of f starts at 1, so that memory lasts at first (Jozefowicz et al. 2015). PyTorch's two biases are here
/// their sum.</remarks>
/// <param name="units">The length of h and c.</param>
/// <param name="layers">The number of layers, each above the other.</param>
/// <param name="bidirectional">Whether sequences are walked through in both directions.</param>
/// <param name="returnSequences">Whether the outputs are those of all steps, not of the last only.</param>
/// <param name="dropout">The probability with which, while training, an output of a layer is 0 to the layer above.</param>
/// <param name="carriedBatch">The number of sequences whose state is carried from one batch to the next, for training on
/// consecutive pieces of long sequences (truncated backpropagation through time): the state "state.hidden" and
/// "state.cell". Prediction starts from 0, except in <see cref="Layer.ApplyAndUpdate"/>. By default each batch starts from
/// 0.</param>
/// <param name="inputInitializer">How W starts.</param>
/// <param name="recurrentInitializer">How U starts.</param>
/// <exception cref="ArgumentException">A number is out of range, or state is to be carried in both directions.</exception>
/// <example><code>
/// Sequential characters = [new Embedding(65, 64), new LSTM(256, layers: 2, returnSequences: true), new Dense(65)];
/// </code></example>
public sealed class LSTM(
    int units, int layers = 1, bool bidirectional = false, bool returnSequences = false, double dropout = 0,
    int? carriedBatch = null, Initializer? inputInitializer = null, Initializer? recurrentInitializer = null)
    : Recurrent(
        units, 4, ["hidden", "cell"], layers, bidirectional, returnSequences, dropout, carriedBatch, inputInitializer,
        recurrentInitializer)
{
    private protected override Tensor[] Step(Tensor input, Tensor[] state, ReadOnlySpan<Tensor> weights)
    {
        Tensor all = input + state[0].MatMul(weights[0]);
        Tensor i = Tensor.Sigmoid(Gates(all, 0, 1)), f = Tensor.Sigmoid(Gates(all, 1, 2));
        Tensor g = Tensor.Tanh(Gates(all, 2, 3)), o = Tensor.Sigmoid(Gates(all, 3, 4));
        Tensor c = f * state[1] + i * g;
        return [o * Tensor.Tanh(c), c];
    }

    private protected override Parameters Gather(Tensor inputWeight, Tensor recurrentWeight, Tensor bias) => Parameters.Of(
        ("input_weight", inputWeight), ("recurrent_weight", recurrentWeight),
        ("bias", TensorModule.concat(0, [Tensor.Zeros(Units), Tensor.Ones(Units), Tensor.Zeros(2 * Units)])));
}
