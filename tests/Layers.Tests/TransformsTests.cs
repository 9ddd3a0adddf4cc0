using System.Collections.Immutable;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class TransformsTests
{
    private sealed record Line(Tensor Slope, Tensor Intercept);

    private readonly record struct Corner(Tensor X, Tensor Y, int Count);

    private sealed record Polygon<T>(string Name, T Corners);

    private struct Open
    {
        public Tensor Inside;
    }

    private sealed record Shut(Tensor Given)
    {
        public Tensor Twice => Given * 2;
        public Tensor Kept { get; } = Given;
    }

    private sealed class Plain
    {
        public List<Corner> Points { get; set; } = [];
    }

    /// <summary>The gradient of a sum of squares is twice the tree, of the same type and with the same numbers beside tensors.</summary>
    private static T Doubled<T>(T tree)
    {
        T slope = Gradient.Of((T t) => Tree.Leaves(t).Aggregate(Tensor.Scalar(0.0), (sum, leaf) => sum + Tensor.Square(leaf).Sum()))(tree);
        Assert.Equal(Tree.Leaves(tree).Select(leaf => 2 * leaf.ToDouble()), Tree.Leaves(slope).Select(leaf => leaf.ToDouble()));
        T compiled = Jit.Compile((T t) => Tree.Map(leaf => leaf * 2, t))(tree);
        Assert.Equal(Tree.Leaves(slope).Select(leaf => leaf.ToDouble()), Tree.Leaves(compiled).Select(leaf => leaf.ToDouble()));
        return slope;
    }

    [Fact]
    public void Lists_and_structures_are_trees()
    {
        Tensor one = Tensor.Scalar(1.0), two = Tensor.Scalar(2.0);
        var point = new Corner(one, two, 7);
        Assert.Equal(7, Doubled(point).Count);
        Assert.Equal(2.0, Doubled(new Open { Inside = one }).Inside.ToDouble());
        Assert.Equal(4.0, Doubled(new List<Tensor> { one, two })[1].ToDouble());
        Assert.Equal(4.0, Doubled(new Polygon<List<Corner>>("a", [point, point])).Corners[1].Y.ToDouble());
        Assert.Equal(4.0, Doubled(new Polygon<ImmutableArray<Corner>>("a", [point, point])).Corners[1].Y.ToDouble());
        Assert.Equal(4.0, Doubled(new Polygon<IReadOnlyList<Corner>>("a", [point, point])).Corners[1].Y.ToDouble());
        Assert.Equal(4.0, Doubled(new Polygon<IList<Corner>>("a", new List<Corner> { point, point })).Corners[1].Y.ToDouble());
        Assert.Equal(4.0, Doubled(new Polygon<IEnumerable<Tensor>>("a", [one, two])).Corners.Last().ToDouble());
        Assert.Equal(
            4.0, Doubled(new Polygon<IReadOnlyDictionary<string, Corner>>("a", ImmutableDictionary<string, Corner>.Empty.Add("b", point))).Corners["b"].Y.ToDouble());
        Assert.Equal(["Corners[0].X", "Corners[0].Y"], Tree.Names(new Polygon<List<Corner>>("a", [point])));
        Assert.Equal(3, Doubled(new Polygon<(Tensor, List<int>)>("a", (one, [1, 2, 3]))).Corners.Item2.Count);
    }

    [Fact]
    public void Tensors_that_would_be_lost_are_errors()
    {
        Tensor one = Tensor.Scalar(1.0);
        void Fails<T>(T tree, string name) =>
            Assert.Contains(name, Assert.Throws<ArgumentException>(() => Tree.Leaves((one, tree))).Message, StringComparison.Ordinal);
        Fails(new Plain(), "Plain holds tensors");
        Fails(new Queue<Tensor>([one]), "Queue`1 holds tensors");
        Fails(new Polygon<HashSet<Corner>>("a", []), "HashSet`1 holds tensors");
        Fails(new KeyValuePair<string, Tensor>("a", one), "KeyValuePair`2 holds tensors");
        Fails(new Shut(one), "Shut.Kept holds tensors, but cannot be set");
    }

    [Fact]
    public void Gradient_of_a_function_of_a_record_is_a_record()
    {
        var line = new Line(Tensor.Scalar(2.0), Tensor.Scalar(1.0));
        Line gradient = Gradient.Of((Line l) => l.Slope * l.Slope * 3.0 + l.Intercept)(line);
        Assert.Equal(12.0, gradient.Slope.ToDouble());
        Assert.Equal(1.0, gradient.Intercept.ToDouble());
    }

    [Fact]
    public void Slices_of_CSharp_select_rows_and_columns()
    {
        Tensor x = Tensor.From([1f, 2f, 3f, 4f, 5f, 6f], 2, 3);
        Assert.Equal([2f, 3f], x[0, 1..].ToArray<float>());
        Assert.Equal([2f, 5f], x[.., 1].ToArray<float>());
        Assert.Equal([4f, 5f, 6f], x[^1].ToArray<float>());
        Assert.Equal(6.0, x[1, 2].ToDouble());
    }

    private static readonly Tensor Point = Tensor.From([0.5, -1.0, 2.0], 3), Direction = Tensor.From([1.0, 2.0, -1.0], 3);

    private static void AssertClose(IEnumerable<double> expected, Tensor found) =>
        Assert.All(expected.Zip(found.ToArray<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));

    private static Tensor Cube(Tensor x) => x * x * x;

    [Fact]
    public void Jvp_gives_the_value_and_the_derivative_along_a_tangent()
    {
        (Tensor value, Tensor tangent) = Jvp.Of((Tensor x) => Cube(x))(Point, Direction);
        AssertClose([0.125, -1, 8], value);
        AssertClose([0.75, 6, -12], tangent);
        (Tensor product, Tensor change) = Jvp.Of((Tensor x, Tensor y) => x * y)((Point, Direction), (Direction, Point));
        AssertClose([0.5, -2, -2], product);
        AssertClose([1.25, 5, 5], change);
    }

    [Fact]
    public void Vjp_gives_the_value_and_a_pullback_that_may_be_called_again()
    {
        (Tensor value, Func<Tensor, Tensor> pullback) = Vjp.Of((Tensor x) => Cube(x))(Point);
        AssertClose([0.125, -1, 8], value);
        AssertClose([0.75, 6, -12], pullback(Direction));
        AssertClose([1.5, 12, -24], pullback(Direction * 2.0));
        var (_, back) = Vjp.Of((Tensor x, Tensor y) => x * y)(Point, Direction);
        (Tensor toX, Tensor toY) = back(Direction);
        AssertClose([1, 4, 1], toX);
        AssertClose([0.5, -2, -2], toY);
    }

    [Fact]
    public void Linearize_runs_the_function_once()
    {
        int runs = 0;
        (Tensor value, Func<Tensor, Tensor> pushforward) = Linearize.Of((Tensor x) =>
        {
            runs++;
            return Cube(x);
        })(Point);
        AssertClose([0.125, -1, 8], value);
        AssertClose([0.75, 6, -12], pushforward(Direction));
        AssertClose([-0.75, -6, 12], pushforward(-Direction));
        Assert.Equal(1, runs);
    }

    [Fact]
    public void Both_Jacobians_are_the_matrix_of_derivatives()
    {
        double[] expected = [0.75, 0, 0, 0, 3, 0, 0, 0, 12];
        foreach (Func<Tensor, Tensor> jacobian in (Func<Tensor, Tensor>[])[Jacobian.Forward(Cube), Jacobian.Reverse(Cube)])
        {
            Assert.Equal([3, 3], jacobian(Point).Shape);
            AssertClose(expected, jacobian(Point));
        }
    }

    [Fact]
    public void Hessians_and_their_products_agree()
    {
        static Tensor Energy(Tensor x) => Cube(x).Sum() + Tensor.Square(x.Sum());
        Tensor hessian = Hessian.Of(Energy)(Point);
        AssertClose([5, 2, 2, 2, -4, 2, 2, 2, 14], hessian);
        AssertClose(hessian.MatMul(Direction).ToArray<double>(), Hessian.VectorProduct<Tensor>(Energy)(Point, Direction));
    }

    [Fact]
    public void Gradients_of_functions_of_two_arguments_are_pairs()
    {
        (Tensor byX, Line byLine) = Gradient.Of((Tensor x, Line line) => (x * line.Slope + line.Intercept).Sum())(
            Point, new Line(Tensor.Scalar(3.0), Tensor.Scalar(1.0)));
        AssertClose([3, 3, 3], byX);
        Assert.Equal((1.5, 3.0), (byLine.Slope.ToDouble(), byLine.Intercept.ToDouble()));
        var (value, (first, second)) = Gradient.ValueAndGrad((Tensor x, Tensor y) => (x * y).Sum())(Point, Direction);
        Assert.Equal(-3.5, value.ToDouble());
        AssertClose([1, 2, -1], first);
        AssertClose([0.5, -1, 2], second);
    }

    [Fact]
    public void A_stopped_gradient_counts_as_a_constant()
    {
        AssertClose([0.5, -1, 2], Gradient.Of((Tensor x) => (x * Gradient.Stop(x)).Sum())(Point));
        var line = new Line(Point, Direction);
        Line slopes = Gradient.Of((Line l) => (l.Slope * Gradient.Stop(l).Intercept).Sum())(line);
        AssertClose([1, 2, -1], slopes.Slope);
        AssertClose([0, 0, 0], slopes.Intercept);
    }

    [Fact]
    public void Vmap_maps_over_the_axes_of_one_argument_or_two()
    {
        Tensor rows = Tensor.From([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3);
        AssertClose([6, 15], Vmap.Of((Tensor x) => x.Sum())(rows));
        AssertClose([5, 7, 9], Vmap.Of((Tensor x) => x.Sum(), inAxis: 1)(rows));
        Func<Tensor, Tensor, Tensor> scaled = Vmap.Of((Tensor x, Tensor y) => x * y, 0, null, outAxis: 1);
        Assert.Equal([3, 2], scaled(rows, Point).Shape);
        AssertClose([0.5, 2, -2, -5, 6, 12], scaled(rows, Point));
        Assert.Equal([2, 3, 3], Vmap.Of(Jacobian.Forward(Cube))(rows).Shape);
        Assert.Throws<ArgumentException>(() => Vmap.Of((Tensor x) => x.ToDouble() > 0 ? x : -x)(Point));
    }

    [Fact]
    public void Gradients_for_each_example_are_a_tree_with_an_axis_of_examples()
    {
        var lines = new Line(Tensor.Scalar(3.0), Tensor.Scalar(1.0));
        Func<Tensor, Line, Line> gradient = (x, line) => Gradient.Of((Line l) => Tensor.Square(x * l.Slope + l.Intercept))(line);
        Line slopes = Vmap.Of(gradient, 0, null)(Point, lines);
        AssertClose([2.5, 4, 28], slopes.Slope);
        AssertClose([5, -4, 14], slopes.Intercept);
    }

    [Fact]
    public void Jet_gives_the_derivatives_of_all_orders_along_a_curve()
    {
        var (value, series) = Jet.Of((Tensor x) => Cube(x))(Point, [Direction, Point]);
        AssertClose([0.125, -1, 8], value);
        AssertClose([0.75, 6, -12], series[0]);
        AssertClose([3.375, -27, 36], series[1]); // 6 x x'^2 + 3 x^2 x''
        var line = new Line(Point, Direction);
        var (_, changes) = Jet.Of((Line l) => l.Slope * l.Intercept)(line, [line, new Line(Point * 0.0, Point)]);
        AssertClose([1, -4, -4], changes[0]);
        AssertClose([1.25, -3, 0], changes[1]); // x'' y + 2 x' y' + x y''
        IReadOnlyList<Tensor> all = Derivatives.Of(Cube)(Tensor.Scalar(2.0), 4);
        Assert.Equal([8.0, 12.0, 12.0, 6.0, 0.0], all.Select(d => d.ToDouble()));
    }

    [Fact]
    public void Fields_have_laplacians_divergences_and_curls()
    {
        AssertClose([9], Laplacian.Of(x => Cube(x).Sum())(Point)); // 6 (0.5 - 1 + 2)
        AssertClose([15.75], Divergence.Of(Cube)(Point)); // 3 (0.25 + 1 + 4)
        AssertClose([0, 0, 0], Curl.Of(Cube)(Point));
        Tensor quarterTurn = Tensor.From([0.0, -1.0, 1.0, 0.0], 2, 2);
        AssertClose([2], Curl.Of(x => quarterTurn.MatMul(x))(Tensor.From([0.5, 2.0], 2)));
        AssertClose([9, 18], Vmap.Of(Laplacian.Of(x => Cube(x).Sum()))(Tensor.From([0.5, -1, 2, 1, -2, 4], 2, 3)));
    }

    [Fact]
    public void Linear_functions_have_transposes()
    {
        Tensor matrix = Tensor.From([1.0, 2, 3, 4, 5, 6], 2, 3);
        Func<Tensor, Tensor> back = LinearTranspose.Of((Tensor x) => matrix.MatMul(x))(Point);
        AssertClose([9, 12, 15], back(Tensor.From([1.0, 2.0], 2)));
        Assert.Throws<ArgumentException>(() => LinearTranspose.Of((Tensor x) => Cube(x))(Point));
    }

    [Fact]
    public void Transforms_nest()
    {
        Func<Tensor, Tensor> third = Gradient.Of(Gradient.Of(Gradient.Of((Tensor x) => x * x * x * x)));
        Assert.Equal(48.0, third(Tensor.Scalar(2.0)).ToDouble(), 1e-12);
    }

    [Fact]
    public void Functions_of_three_and_four_arguments_are_functions_of_tuples()
    {
        Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5), d = Tensor.Scalar(7.0);
        Func<Tensor, Tensor, Tensor, Tensor> three = (x, y, z) => x * y * z;
        Func<Tensor, Tensor, Tensor, Tensor, Tensor> four = (x, y, z, w) => x * y * z - w * w;

        var (byA, byB, byC) = Gradient.Of((Tensor x, Tensor y, Tensor z) => three(x, y, z).Sum())(a, b, c);
        AssertClose([1.5, 2], byA);
        AssertClose([0.5, 1], byB);
        AssertClose([11], byC);
        AssertClose([-28], Gradient.Of((Tensor x, Tensor y, Tensor z, Tensor w) => four(x, y, z, w).Sum())(a, b, c, d).Fourth);
        var (value3, gradient3) = Gradient.ValueAndGrad((Tensor x, Tensor y, Tensor z) => three(x, y, z).Sum())(a, b, c);
        Assert.Equal((5.5, 11), (value3.ToDouble(), gradient3.Third.ToDouble()));
        var (value4, gradient4) =
            Gradient.ValueAndGrad((Tensor x, Tensor y, Tensor z, Tensor w) => four(x, y, z, w).Sum())(a, b, c, d);
        Assert.Equal((5.5 - 98, -28), (value4.ToDouble(), gradient4.Fourth.ToDouble()));

        // d (x y z) along (b, a, c), and minus 2 w dw.
        double[] change = [0.5 * (9 + 1) + 1.5, 0.5 * (16 + 4) + 4];
        AssertClose(change, Jvp.Of(three)((a, b, c), (b, a, c)).Tangent);
        AssertClose([change[0] - 14, change[1] - 14], Jvp.Of(four)((a, b, c, d), (b, a, c, Tensor.Scalar(1.0))).Tangent);
        AssertClose(change, Linearize.Of(three)(a, b, c).Pushforward(b, a, c));
        AssertClose([change[0] - 14, change[1] - 14], Linearize.Of(four)(a, b, c, d).Pushforward(b, a, c, Tensor.Scalar(1.0)));
        AssertClose([6, 8], Linearize.Of((Tensor x, Tensor y) => x + y)(a, b).Pushforward(b, b));
        AssertClose([11], Vjp.Of(three)(a, b, c).Pullback(Tensor.OnesLike(a)).Third);
        AssertClose([-28], Vjp.Of(four)(a, b, c, d).Pullback(Tensor.OnesLike(a)).Fourth);
    }

    [Fact]
    public void Vmap_maps_over_some_of_three_and_four_arguments()
    {
        Tensor rows = Tensor.From([1.0, 2.0, 3.0, 4.0], 2, 2), scale = Tensor.Scalar(2.0);
        AssertClose([10, 50], Vmap.Of((Tensor x, Tensor y, Tensor s) => (x * y * s).Sum(), 0, 0, null)(rows, rows, scale));
        AssertClose(
            [10, 40],
            Vmap.Of((Tensor x, Tensor y, Tensor s, Tensor t) => (x * y * s - t).Sum(), 0, 1, null, null)(rows, rows, scale, scale));
    }
    [Fact]
    public void What_a_loss_returns_besides_takes_no_part_in_its_gradient()
    {
        Tensor x = Tensor.From([0.5, -1.0, 2.0], 3);
        Func<Tensor, (Tensor Value, (Tensor, int) Aux, Tensor Gradient)> both = Gradient.ValueAndGradAux((Tensor at) =>
        {
            Tensor squares = Tensor.Square(at);
            return (squares.Sum(), (squares * 3.0, 7));
        });
        (Tensor value, (Tensor tripled, int seven), Tensor slope) = both(x);
        Assert.Equal(5.25, value.ToDouble());
        Assert.Equal([0.75, 3, 12], tripled.ToArray<double>());
        Assert.Equal(7, seven);
        Assert.Equal([1.0, -2, 4], slope.ToArray<double>());

        // What is returned belongs to no transform any more but to those outside: its slope is 6 x.
        Tensor outer = Gradient.Of((Tensor at) => both(at).Aux.Item1.Sum())(x);
        Assert.Equal([3.0, -6, 12], outer.ToArray<double>());
        Assert.Contains("one floating-point number", Assert.Throws<ArgumentException>(
            () => Gradient.ValueAndGradAux((Tensor at) => (at, at))(x)).Message);
    }

    [Fact]
    public void Null_is_told_by_the_name_of_its_parameter()
    {
        Tensor x = Tensor.Scalar(1.0);
        foreach ((string name, Action wrong) in new (string, Action)[]
        {
            ("f", () => Gradient.Of((Func<Tensor, Tensor>)null!)),
            ("f", () => Gradient.Of((Func<Tensor, Tensor, Tensor>)null!)),
            ("f", () => Gradient.ValueAndGrad((Func<Tensor, Tensor>)null!)),
            ("f", () => Gradient.ValueAndGradAux((Func<Tensor, (Tensor, Tensor)>)null!)),
            ("f", () => Jvp.Of((Func<Tensor, Tensor>)null!)),
            ("f", () => Jit.Compile((Func<Tensor, Tensor>)null!)),
            ("f", () => Jit.CompileDonating((Func<Tensor, Tensor, Tensor>)null!)),
            ("f", () => Vmap.Of((Func<Tensor, Tensor>)null!)),
            ("f", () => Checkpoint.Of((Func<Tensor, Tensor>)null!)),
            ("f", () => Stage.Of((Func<Tensor, Tensor>)null!)),
            ("f", () => CheckGrads.Run((Func<Tensor, Tensor>)null!, x)),
            ("rule", () => Custom.Jvp((Tensor y) => y, null!)),
            ("forward", () => Custom.Vjp((Tensor y) => y, null!, (Tensor residual, Tensor ct) => ct)),
            ("body", () => ControlFlow.ForiLoop(0, 3, null!, x)),
            ("input", () => new Dense(1).Apply(Parameters.Empty, null!)),
            ("parameters", () => new Dense(1).Apply(null!, x)),
            ("inputShape", () => new Dense(1).Summary(null!)),
        })
        {
            Assert.Equal(name, Assert.Throws<ArgumentNullException>(wrong).ParamName);
        }
    }
}
