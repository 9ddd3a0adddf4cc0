using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 5.1 to 5.4: computational graphs of shopping, and what flows back through their nodes (figures 5-14 and
/// 5-17).</summary>
internal static class Graphs
{
    private sealed record Basket(Tensor Apple, Tensor Apples, Tensor Orange, Tensor Oranges, Tensor Tax);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Tensor price, (Tensor dApple, Tensor dApples, Tensor dTax)) = Gradient.ValueAndGrad(
            (Tensor apple, Tensor apples, Tensor tax) => apple * apples * tax)(Number(100), Number(2), Number(1.1));
        settings.Compare("5.1", "two apples with tax", "220", price);
        settings.Compare("5.3", "derivatives by price, number and tax", "2.2 110 200", Tensor.Stack(0, dApple, dApples, dTax));

        var basket = new Basket(Number(100), Number(2), Number(150), Number(3), Number(1.1));
        static Tensor Total(Basket b) => (b.Apple * b.Apples + b.Orange * b.Oranges) * b.Tax;
        (Tensor total, Basket slopes) = Gradient.ValueAndGrad<Basket>(Total)(basket);
        settings.Compare("5.1", "and three oranges", "715", total);
        settings.Compare("5.4", "derivatives by apple, apples, orange, oranges, tax", "2.2 110 3.3 165 650", Tensor.Stack(0, Tree.Leaves(slopes)));
        settings.Output.WriteLine("      the graph, as the program that computes the total:");
        StagedFunction<Basket, Tensor> graph = Stage.Of<Basket, Tensor>(Total)(basket);
        settings.Output.WriteLine("      " + graph.ToString()!.Trim().ReplaceLineEndings("\n      "));
        if (settings.Out is { } folder)
        {
            // For Graphviz: the graph, and the graph of its derivatives.
            File.WriteAllText(Path.Combine(folder, "saito-ch5-graph.dot"), graph.Program.ToGraphviz());
            string derivatives = Stage.Of(Gradient.Of<Basket>(Total))(basket).Program.ToGraphviz();
            File.WriteAllText(Path.Combine(folder, "saito-ch5-gradient.dot"), derivatives);
        }

        EdgeByEdge(settings);

        // What a node does not need to know: how the 4000 for other things came about.
        settings.Compare("5.1", "4000 and two apples, without and with tax", "4200 4620", Tensor.Stack(0, Number(4000) + 200, (Number(4000) + 200) * 1.1));

        Tensor[] grid = Tensor.Meshgrid(Tensor.Linspace(-3, 3, 13), Tensor.Linspace(-3, 3, 13));
        (Tensor dx, Tensor dy) = Gradient.Of((Tensor x, Tensor y) => Tensor.Square(x + y).Sum())(grid[0], grid[1]);
        settings.Compare("5.2", "z = t², t = x + y: dz/dx less 2 (x + y), at 169 points", "0.0000000000", dx.DistanceTo(2 * (grid[0] + grid[1])));
        settings.Compare("5.2", "dz/dy less the same", "0.0000000000", dy.DistanceTo(2 * (grid[0] + grid[1])));

        (Tensor sum, Func<Tensor, (Tensor, Tensor)> pull) = Vjp.Of((Tensor x, Tensor y) => x + y)(Number(10), Number(5));
        settings.Compare("5.3", "10 + 5, and 1.3 back through it", "15 1.3 1.3", Three(sum, pull(Number(1.3))));
        (Tensor product, pull) = Vjp.Of((Tensor x, Tensor y) => x * y)(Number(10), Number(5));
        settings.Compare("5.3", "10 · 5, and 1.3 back through it", "50 6.5 13", Three(product, pull(Number(1.3))));
        return new Dictionary<string, double> { ["apples"] = price.ToDouble(), ["basket"] = total.ToDouble() };
    }

    /// <summary>What goes along the edges of both graphs, and what comes back: each edge adds a nudge of zero, by which to
    /// differentiate.</summary>
    private static void EdgeByEdge(Settings settings)
    {
        static Tensor Apples(Func<string, Tensor, Tensor> edge) =>
            edge("total", edge("price of all", edge("apple", Number(100)) * edge("apples", Number(2))) * edge("tax", Number(1.1)));

        static Tensor Both(Func<string, Tensor, Tensor> edge)
        {
            Tensor apples = edge("all apples", edge("apple", Number(100)) * edge("apples", Number(2)));
            Tensor oranges = edge("all oranges", edge("orange", Number(150)) * edge("oranges", Number(3)));
            return edge("total", edge("sum", apples + oranges) * edge("tax", Number(1.1)));
        }

        (Dictionary<string, double> forward, Dictionary<string, double> back) = Along(Apples);
        settings.Compare("5.1", "forward through the apples' graph", "100 200 220", Tensor.From([forward["apple"], forward["price of all"], forward["total"]]));
        settings.Compare("5.1", "and back", "1 1.1 2.2", Tensor.From([back["total"], back["price of all"], back["apple"]]));
        Axes first = Picture(
            new()
            {
                ["apple"] = ("apple", 0, 2),
                ["number"] = ("number", 0, 1),
                ["tax"] = ("tax", 0, 0),
                ["×"] = ("×", 2, 2),
                ["with tax"] = ("×", 4, 2),
                ["price"] = ("price", 6, 2),
            },
            ("apple", "×", "apple"), ("number", "×", "apples"), ("×", "with tax", "price of all"), ("tax", "with tax", "tax"),
            ("with tax", "price", "total"));

        (forward, back) = Along(Both);
        settings.Compare("5.1", "forward through the graph of both", "200 450 650 715", Tensor.From([forward["all apples"], forward["all oranges"], forward["sum"], forward["total"]]));
        Axes second = Picture(
            new()
            {
                ["number"] = ("number", 0, 4),
                ["apple"] = ("apple", 0, 3),
                ["orange"] = ("orange", 0, 2),
                ["number 2"] = ("number", 0, 1),
                ["tax"] = ("tax", 0, 0),
                ["apples"] = ("×", 2, 3),
                ["oranges"] = ("×", 2, 2),
                ["+"] = ("+", 4, 2.5),
                ["with tax"] = ("×", 6, 2.5),
                ["price"] = ("price", 8, 2.5),
            },
            ("number", "apples", "apples"), ("apple", "apples", "apple"), ("orange", "oranges", "orange"), ("number 2", "oranges", "oranges"),
            ("apples", "+", "all apples"), ("oranges", "+", "all oranges"), ("+", "with tax", "sum"), ("tax", "with tax", "tax"),
            ("with tax", "price", "total"));
        settings.Save(first.Title("Fig 5-14: two apples").ToFigure(780, 320), "saito-ch5-apples.svg");
        settings.Save(second.Title("Fig 5-17: and three oranges").ToFigure(1000, 540), "saito-ch5-oranges.svg");

        Axes Picture(Dictionary<string, (string Text, double X, double Y)> nodes, params (string From, string To, string Name)[] edges) =>
            GraphPicture.Of(nodes, [.. edges.Select(edge => new GraphPicture.Edge(edge.From, edge.To, forward[edge.Name], back[edge.Name]))]);
    }

    /// <summary>The values on the edges of a graph, and the derivatives of its result by them.</summary>
    private static (Dictionary<string, double> Forward, Dictionary<string, double> Back) Along(Func<Func<string, Tensor, Tensor>, Tensor> graph)
    {
        var values = new Dictionary<string, double>();
        graph((name, value) =>
        {
            values[name] = value.ToDouble();
            return value;
        });
        Dictionary<string, Tensor> nudges = values.ToDictionary(edge => edge.Key, _ => Number(0));
        Dictionary<string, Tensor> slopes = Gradient.Of((Dictionary<string, Tensor> at) => graph((name, value) => value + at[name]))(nudges);
        return (values, slopes.ToDictionary(edge => edge.Key, edge => edge.Value.ToDouble()));
    }

    private static Tensor Number(double value) => Tensor.Scalar(value);

    private static Tensor Three(Tensor value, (Tensor First, Tensor Second) pair) => Tensor.Stack(0, value, pair.First, pair.Second);
}
