namespace Autodiff.Layers;

/// <summary>
/// A rule for the first values of a parameter: a function of a key, a shape, and the numbers of inputs and outputs that
/// a unit is connected to (fan in and fan out).
/// </summary>
/// <param name="name">The name, for messages.</param>
/// <param name="draw">The function: key, shape, fan in, fan out. The result has the shape.</param>
public sealed class Initializer(string name, Func<Key, int[], int, int, Tensor> draw)
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>The first values of a parameter, float32.</summary>
    /// <param name="key">The source of randomness; the same key gives the same values.</param>
    /// <param name="shape">The shape of the parameter.</param>
    /// <param name="fanIn">The number of inputs of a unit: (in) of a dense layer, channels x height x width of a
    /// filter.</param>
    /// <param name="fanOut">The number of outputs that an input reaches: (out) of a dense layer, filters x height x
    /// width.</param>
    /// <exception cref="InvalidOperationException">The rule returned another shape.</exception>
    public Tensor Draw(Key key, int[] shape, int fanIn, int fanOut)
    {
        Tensor values = draw(key, shape, fanIn, fanOut);
        return values.Shape.AsSpan().SequenceEqual(shape)
            ? values
            : throw new InvalidOperationException(
                $"Initializer {Name}: the values have shape {Shapes.Format(values.Shape)}; "
                + $"the parameter needs {Shapes.Format(shape)}.");
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The initializers. Weights must not all start equal, or units stay equal: use a random one for
/// weights.</summary>
public static class Initializers
{
    /// <summary>All zeros: for biases.</summary>
    public static Initializer Zeros { get; } = Constant(0);

    /// <summary>Normal with standard deviation sqrt(2 / (fan in + fan out)): for tanh and sigmoid (Glorot and Bengio
    /// 2010).</summary>
    public static Initializer GlorotNormal { get; } = Scaled("GlorotNormal", true, (fanIn, fanOut) => 2.0 / (fanIn + fanOut));

    /// <summary>Uniform with variance 2 / (fan in + fan out), on (-a, a) with a = sqrt(6 / (fan in + fan out)): for
    /// tanh and sigmoid (Glorot and Bengio 2010).</summary>
    public static Initializer GlorotUniform { get; } = Scaled("GlorotUniform", false, (fanIn, fanOut) => 2.0 / (fanIn + fanOut));

    /// <summary>Normal with standard deviation sqrt(1 / fan in): the simplified form of Glorot's rule that counts the
    /// previous layer only, which textbooks call Xavier initialization.</summary>
    public static Initializer XavierNormal { get; } = Scaled("XavierNormal", true, (fanIn, _) => 1.0 / fanIn);

    /// <summary>Normal with standard deviation sqrt(2 / fan in): for ReLU (He et al. 2015).</summary>
    public static Initializer HeNormal { get; } = Scaled("HeNormal", true, (fanIn, _) => 2.0 / fanIn);

    /// <summary>Uniform with variance 2 / fan in, on (-a, a) with a = sqrt(6 / fan in): for ReLU (He et al. 2015). The
    /// default of dense and convolution layers: it keeps the scale of signals through ReLU, the commonest
    /// activation.</summary>
    public static Initializer HeUniform { get; } = Scaled("HeUniform", false, (fanIn, _) => 2.0 / fanIn);

    /// <summary>All one value.</summary>
    public static Initializer Constant(double value) =>
        new(value == 0 ? "Zeros" : FormattableString.Invariant($"Constant({value})"),
            (_, shape, _, _) => TensorModule.full(DType.Float32, shape, value));

    /// <summary>Normal with mean 0 and a standard deviation that does not depend on the layer's size.</summary>
    public static Initializer Normal(double standardDeviation = 0.01) =>
        new(FormattableString.Invariant($"Normal({standardDeviation})"),
            (key, shape, _, _) => key.Normal(shape, standardDeviation: standardDeviation));

    /// <summary>Matrices whose rows, or columns if these are fewer, are orthogonal vectors of one length, uniform among all
    /// such (Saxe et al. 2013): for the matrices that recurrent layers multiply states with, which then neither grow nor
    /// shrink. Axes after the first count as one.</summary>
    /// <param name="gain">The length of the vectors.</param>
    public static Initializer Orthogonal(double gain = 1) =>
        new(gain == 1 ? "Orthogonal" : FormattableString.Invariant($"Orthogonal({gain})"), (key, shape, _, _) =>
        {
            int rows = shape.Length == 0 ? 1 : shape[0], columns = shape.Length == 0 ? 1 : Shapes.Product(shape.AsSpan(1));
            if (rows == 0 || columns == 0) return Tensor.Zeros(shape);
            (int tall, int narrow) = (Math.Max(rows, columns), Math.Min(rows, columns));
            (Tensor q, Tensor r) = Linalg.qr(key.Normal([tall, narrow]));

            // The signs of R make Q uniform, whatever signs the factorization chose.
            Tensor signs = Tensor.Where(Tensor.Less(r.Diagonal(), Tensor.Scalar(0f)), Tensor.Scalar(-1f), Tensor.Scalar(1f));
            Tensor matrix = q * (signs * gain);
            return (rows < columns ? matrix.Transpose() : matrix).Reshape(shape);
        });

    private static Initializer Scaled(string name, bool normal, Func<int, int, double> variance) =>
        new(name, (key, shape, fanIn, fanOut) =>
        {
            // A parameter without elements has no inputs to count.
            double scale = Math.Sqrt(variance(Math.Max(1, fanIn), Math.Max(1, fanOut)));
            double limit = Math.Sqrt(3) * scale;
            return normal ? key.Normal(shape, standardDeviation: scale) : key.Uniform(shape, -limit, limit);
        });
}
