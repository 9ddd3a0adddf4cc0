namespace Autodiff.Layers;

/// <summary>
/// Attention with several heads (Vaswani et al. 2017): for queries Q = x Wq + bq, keys K = m Wk + bk and values V = m Wv +
/// bv, each head gives softmax(Q K^T / sqrt(size)) V of its part of the columns, and the output is what all heads give,
/// side by side, times Wo plus bo. Inputs x (n, time, features), outputs of the same shape; the memory m is x itself, or
/// given to <see cref="Attend"/>.
/// </summary>
/// <remarks>Parameters: "in_weight" (features, 3 heads size), in which Wq, Wk and Wv lie side by side, "in_bias" (3 heads
/// size), "out_weight" (heads size, features) and "out_bias" (features). Biases start at 0.</remarks>
/// <param name="heads">The number of heads.</param>
/// <param name="headSize">The number of columns of a head; by default features / heads, which must be a whole
/// number.</param>
/// <param name="causal">Whether a step attends to itself and earlier steps only.</param>
/// <param name="dropout">The probability with which, while training, an attention weight is 0.</param>
/// <param name="useBias">Whether the biases are added.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.GlorotUniform"/>.</param>
/// <exception cref="ArgumentException">A number is out of range.</exception>
public sealed class MultiHeadAttention(
    int heads, int? headSize = null, bool causal = false, double dropout = 0, bool useBias = true, Initializer? initializer = null)
    : Layer
{
    private readonly int? headSize =
        headSize is { } given ? Shapes.AtLeast(1, given, nameof(MultiHeadAttention), nameof(headSize)) : null;

    private readonly Dropout dropout = new(Shapes.Fraction(dropout, nameof(MultiHeadAttention), nameof(dropout)));
    private readonly Initializer initializer = initializer ?? Initializers.GlorotUniform;

    /// <summary>The number of heads.</summary>
    public int Heads { get; } = Shapes.AtLeast(1, heads, nameof(MultiHeadAttention), nameof(heads));

    /// <summary>Whether a step attends to itself and earlier steps only.</summary>
    public bool IsCausal => causal;

    /// <inheritdoc/>
    public override string Name => $"MultiHeadAttention({Heads})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        if (inputShape is not [> 0, > 0]) throw WrongInput(inputShape, "it takes sequences (n, time, features)");
        if (headSize is null && inputShape[1] % Heads != 0)
            throw WrongInput(inputShape, $"its {Heads} heads do not divide {inputShape[1]} features; give headSize");
        return [.. inputShape];
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int features = inputShape[1], inner = Heads * (headSize ?? features / Heads);
        Tensor inWeight = TensorModule.concat(
            1, Enumerable.Range(0, 3).Select(i => initializer.Draw(key.FoldIn(i), [features, inner], features, inner)));
        Tensor outWeight = initializer.Draw(key.FoldIn(3), [inner, features], inner, features);
        return useBias
            ? Parameters.Of(
                ("in_weight", inWeight), ("in_bias", Tensor.Zeros(3 * inner)),
                ("out_weight", outWeight), ("out_bias", Tensor.Zeros(features)))
            : Parameters.Of(("in_weight", inWeight), ("out_weight", outWeight));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context) =>
        Attend(parameters, input, null, null, context);

    /// <summary>The output for a memory of its own, and with a mask.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="input">What asks, x: (n, time, features).</param>
    /// <param name="memory">What is attended to, m: (n, steps, features); by default x.</param>
    /// <param name="mask">Truth values that broadcast to (n, time, steps), and are false where a step of x does not attend
    /// to a step of m: (time, steps), or (n, 1, steps) for sequences of several lengths. A rank of 4 stands for (n, heads,
    /// time, steps). A step of x that may attend to nothing attends to all alike. By default all attend to all.</param>
    /// <param name="context">Training or prediction.</param>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public Tensor Attend(
        Parameters parameters, Tensor input, Tensor? memory = null, Tensor? mask = null, Context context = default)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor weight = parameters["in_weight"];
        Check(input, weight);
        if (memory is not null)
        {
            Check(memory, weight);
            if (memory.Shape[0] != input.Shape[0])
            {
                throw new ArgumentException(
                    $"{Name}: inputs of shape {Shapes.Format(input.Shape)} and a memory of shape {Shapes.Format(memory.Shape)} "
                    + "are not of one batch.");
            }
        }

        int inner = weight.Shape[1] / 3, batch = input.Shape[0], time = input.Shape[1], size = inner / Heads;
        int steps = (memory ?? input).Shape[1];
        Tensor query, key, value;
        if (memory is null)
        {
            Tensor[] all = Projected(input, 0, 3);
            (query, key, value) = (all[0], all[1], all[2]);
        }
        else
        {
            query = Projected(input, 0, 1)[0];
            Tensor[] both = Projected(memory, 1, 3);
            (key, value) = (both[0], both[1]);
        }

        Tensor scores = (query * (1 / Math.Sqrt(size))).MatMul(key.Transpose());
        if (causal) scores = Masked(scores, Causal(time, steps));
        if (mask is not null) scores = Masked(scores, mask.Rank == 3 ? mask.ExpandAxis(1) : mask);
        Tensor weights = dropout.Apply(Parameters.Empty, scores.Softmax(-1), context);
        Tensor output = weights.MatMul(value).Permute(0, 2, 1, 3).Reshape(batch, time, inner).MatMul(parameters["out_weight"]);
        return useBias ? output + parameters["out_bias"] : output;

        // Queries, keys or values, each (n, heads, time, size), by one product.
        Tensor[] Projected(Tensor x, int from, int to)
        {
            bool isAll = to - from == 3;
            Tensor columns = x.MatMul(isAll ? weight : weight.Slice(1, from * inner, to * inner));
            if (useBias)
                columns += isAll ? parameters["in_bias"] : parameters["in_bias"].Slice(0, from * inner, to * inner);
            Tensor split = columns.Reshape(batch, x.Shape[1], to - from, Heads, size).Permute(2, 0, 3, 1, 4);
            return [.. Enumerable.Range(0, to - from).Select(i => split[i])];
        }
    }

    private Tensor Masked(Tensor scores, Tensor mask)
    {
        if (mask.DType != DType.Bool)
            throw new ArgumentException($"{Name}: the mask is {mask.DType.Name()}; it must hold truth values: convert with To(DType.Bool).");

        // Finite, so that a row without a true value has no NaN; float16 ends at 65504.
        double never = scores.DType == DType.Float16 ? -6e4 : -1e30;
        return Tensor.Where(mask, scores, TensorModule.full(scores.DType, [], never));
    }

    /// <summary>Whether a step of x comes with or after a step of m; the last of both come together.</summary>
    private static Tensor Causal(int time, int steps) => Tensor.GreaterOrEqual(
        Tensor.Arange(time, DType.Int32).Reshape(time, 1) + Tensor.Full([], steps - time, DType.Int32),
        Tensor.Arange(steps, DType.Int32));

    private void Check(Tensor x, Tensor weight)
    {
        ReadOnlySpan<int> shape = ShapeOfOne(x);
        if (shape.Length != 2 || shape[0] == 0 || shape[1] != weight.Shape[0])
            throw WrongInput(shape, $"its weights of shape {Shapes.Format(weight.Shape)} take sequences (n, time, {weight.Shape[0]})");
    }
}

/// <summary>
/// A block of a transformer with normalization before each part (Xiong et al. 2020): y = x + attention(norm(x)), and
/// then y + f(norm(y)) where f is a dense layer to the hidden units, an activation, and a dense layer back. Inputs (n,
/// time, features), outputs of the same shape. The parameters are the parts "norm1", "attention", "norm2", "hidden" and
/// "output".
/// </summary>
/// <param name="heads">The number of heads, a divisor of the number of features.</param>
/// <param name="hidden">The number of hidden units; by default four times the features.</param>
/// <param name="causal">Whether a step attends to itself and earlier steps only.</param>
/// <param name="dropout">The probability with which, while training, an attention weight is 0, and an element of what either
/// part adds.</param>
/// <param name="activation">The activation, a layer without parameters: by default <see cref="Activations.GELU"/>.</param>
/// <exception cref="ArgumentException">A number is out of range.</exception>
/// <example><code>
/// Sequential language = [new Embedding(65, 128), new PositionalEmbedding(), .. Enumerable.Range(0, 4).Select(
///     _ => new TransformerBlock(heads: 4, causal: true, dropout: 0.1)), new LayerNorm(), new Dense(65)];
/// </code></example>
public sealed class TransformerBlock(int heads, int? hidden = null, bool causal = false, double dropout = 0, Layer? activation = null)
    : Layer
{
    private readonly MultiHeadAttention attention = new(heads, causal: causal, dropout: dropout);
    private readonly LayerNorm norm = new();
    private readonly Dropout dropout = new(dropout);
    private readonly Layer activation = activation ?? Activations.GELU;
    private readonly int? hidden =
        hidden is { } given ? Shapes.AtLeast(1, given, nameof(TransformerBlock), nameof(hidden)) : null;

    /// <inheritdoc/>
    public override string Name => $"TransformerBlock({attention.Heads})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        if (inputShape is not [> 0, > 0]) throw WrongInput(inputShape, "it takes sequences (n, time, features)");
        return attention.OutputShape(inputShape);
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int features = inputShape[1], inner = hidden ?? 4 * features;
        var back = new Dense(features, Initializers.GlorotUniform);
        return Parameters.Join(
            ("norm1", norm.Initialize(key, inputShape)),
            ("attention", attention.Initialize(key.FoldIn(0), inputShape)),
            ("norm2", norm.Initialize(key, inputShape)),
            ("hidden", new Dense(inner, Initializers.GlorotUniform).Initialize(key.FoldIn(1), inputShape)),
            ("output", back.Initialize(key.FoldIn(2), [inputShape[0], inner])));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context) => Apply(parameters, input, null, context);

    /// <summary>The value of the function with a mask.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="input">The inputs (n, time, features).</param>
    /// <param name="mask">What steps attend to, as for <see cref="MultiHeadAttention.Attend"/>.</param>
    /// <param name="context">Training or prediction.</param>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public Tensor Apply(Parameters parameters, Tensor input, Tensor? mask, Context context = default)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor first = norm.Apply(parameters.Part("norm1"), input, context);
        Tensor attended = attention.Attend(parameters.Part("attention"), first, null, mask, context.For(0));
        Tensor y = input + dropout.Apply(Parameters.Empty, attended, context.For(1));
        Tensor second = norm.Apply(parameters.Part("norm2"), y, context);
        Tensor inner = activation.Apply(Parameters.Empty, Dense(parameters.Part("hidden"), second), context.For(2));
        return y + dropout.Apply(Parameters.Empty, Dense(parameters.Part("output"), inner), context.For(3));

        Tensor Dense(Parameters part, Tensor x) => new Dense(part["weight"].Shape[1]).Apply(part, x, context);
    }
}
