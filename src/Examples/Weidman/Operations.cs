using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapters 3.2 to 3.5, 4.2 and 5.4: the operations that the text's layers are made of, each with its way back written by hand, as
/// functions with rules of their own; a layer and a network of them; and what the library derives from the same functions, which needs none
/// of this.
/// </summary>
internal static class Operations
{
    /// <summary>X W; back go G W' and X' G.</summary>
    private static readonly Func<(Tensor X, Tensor W), Tensor> weightMultiply = Custom.Vjp(
        ((Tensor X, Tensor W) at) => at.X.MatMul(at.W),
        at => (at.X.MatMul(at.W), at),
        (at, g) => (g.MatMul(at.W.Transpose()), at.X.Transpose().MatMul(g)));

    /// <summary>X + B for each row; back go G and the sum of its rows.</summary>
    private static readonly Func<(Tensor X, Tensor B), Tensor> biasAdd = Custom.Vjp(
        ((Tensor X, Tensor B) at) => at.X + at.B,
        at => (at.X + at.B, at),
        (at, g) => (g, g.Sum(0).Reshape(at.B.Shape)));

    private static readonly Func<Tensor, Tensor> sigmoid = Elementwise(Tensor.Sigmoid, y => y * (1 - y));

    private static readonly Func<Tensor, Tensor> tanh = Elementwise(Tensor.Tanh, y => 1 - y * y);

    /// <summary>Images as rows; what comes back is given the shape of images again.</summary>
    private static readonly Func<Tensor, Tensor> flatten = Custom.Vjp(
        (Tensor x) => x.Reshape(x.Shape[0], -1), x => (x.Reshape(x.Shape[0], -1), x), (x, g) => g.Reshape(x.Shape));

    /// <summary>The sum of squares over the number of examples; back goes 2 (P - T) over that number.</summary>
    private static readonly Func<(Tensor P, Tensor T), Tensor> meanSquaredError = Custom.Vjp(
        ((Tensor P, Tensor T) at) => Tensor.Square(at.P - at.T).Sum() / at.P.Shape[0],
        at => (Tensor.Square(at.P - at.T).Sum() / at.P.Shape[0], at.P - at.T),
        (error, g) => (2 * g * error / error.Shape[0], -2 * g * error / error.Shape[0]));

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        var key = new Key(settings.Seed);
        Tensor Normal(int place, params int[] shape) => key.FoldIn(place).Normal(shape, dtype: DType.Float64);
        Tensor x = Normal(0, 5, 13), w = Normal(1, 13, 4), b = Normal(2, 1, 4), images = Normal(3, 2, 3, 4, 4), t = Normal(4, 5, 4);
        Same<(Tensor X, Tensor W)>("WeightMultiply", weightMultiply, at => at.X.MatMul(at.W), (x, w));
        Same<(Tensor X, Tensor B)>("BiasAdd", biasAdd, at => at.X + at.B, (t, b));
        Same("Sigmoid", sigmoid, Tensor.Sigmoid, t);
        Same("Tanh", tanh, Tensor.Tanh, t);
        Same("Flatten", flatten, image => image.Reshape(image.Shape[0], -1), images);
        Same<(Tensor P, Tensor T)>("MeanSquaredError", meanSquaredError, at => Tensor.Square(at.P - at.T).Sum() / at.P.Shape[0], (x, Normal(5, 5, 13)));

        // A layer is operations one after another, and a network layers: 13-4-1, as in 3.8. The text walks back through the list; here the
        // gradient of the composition does, by whichever rules it meets.
        static Tensor Dense(Tensor input, (Tensor W, Tensor B) p) => biasAdd((weightMultiply((input, p.W)), p.B));
        Tensor target = Normal(6, 5, 1);
        ((Tensor W, Tensor B) First, (Tensor W, Tensor B) Second) layers = ((w, b), (Normal(7, 4, 1), Normal(8, 1, 1)));
        Same(
            "the network 13-4-1", p => meanSquaredError((Dense(sigmoid(Dense(x, p.First)), p.Second), target)),
            p => Tensor.Square(Tensor.Sigmoid(x.MatMul(p.First.W) + p.First.B).MatMul(p.Second.W) + p.Second.B - target).Sum() / 5, layers);

        // Shapes are checked as the text's asserts check them, but the error says what is wrong.
        try
        {
            weightMultiply((x, b));
        }
        catch (ArgumentException error)
        {
            settings.Output.WriteLine($"3.2   shapes that do not match: \"{error.Message}\"");
        }

        return new Dictionary<string, double> { ["operations"] = settings.Comparisons.Count };

        void Same<T>(string name, Func<T, Tensor> written, Func<T, Tensor> plain, T at)
        {
            // The cosine stands for whatever comes back from above.
            T byHand = Gradient.Of<T>(p => Tensor.Sin(written(p)).Sum())(at), derived = Gradient.Of<T>(p => Tensor.Sin(plain(p)).Sum())(at);
            double apart = Tree.Leaves(byHand).Zip(Tree.Leaves(derived), (one, other) => Tensor.Abs(one - other).Max().ToDouble()).Max();
            settings.Compare("3.2", $"{name}: what goes back, written and derived, largest difference", "0.000000000000", apart, source: Source.Hand);
        }
    }

    /// <summary>A function of each element whose slope follows from its value.</summary>
    private static Func<Tensor, Tensor> Elementwise(Func<Tensor, Tensor> function, Func<Tensor, Tensor> slope) =>
        Custom.Vjp(function, x => (function(x), function(x)), (y, g) => slope(y) * g);
}
