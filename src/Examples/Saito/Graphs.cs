namespace Autodiff.Examples.Saito;

/// <summary>Chapter 5 and appendix A: computational graphs, and what flows back through their nodes and layers.</summary>
internal static class Graphs
{
    private sealed record Basket(Tensor Apple, Tensor Apples, Tensor Orange, Tensor Oranges, Tensor Tax);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        static Tensor Number(double value) => Tensor.Scalar(value);
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

        (_, Func<Tensor, (Tensor, Tensor)> pull) = Vjp.Of((Tensor x, Tensor y) => x + y)(Number(10), Number(5));
        settings.Compare("5.3", "1.3 back through 10 + 5", "1.3 1.3", Both(pull(Number(1.3))));
        (_, pull) = Vjp.Of((Tensor x, Tensor y) => x * y)(Number(10), Number(5));
        settings.Compare("5.3", "1.3 back through 10 · 5", "6.5 13", Both(pull(Number(1.3))));

        Tensor m = Tensor.From([1.0, -0.5, -2, 3], 2, 2);
        settings.Compare("5.5", "ReLU of [[1 -0.5] [-2 3]]", "[[1 0] [0 3]]", Tensor.Relu(m));
        settings.Compare("5.5", "and what it lets back", "[[1 0] [0 1]]", Gradient.Of((Tensor x) => Tensor.Relu(x).Sum())(m));
        Tensor bias = Tensor.From([1.0, 2.0, 3.0]), products = Tensor.From([0.0, 0, 0, 10, 10, 10], 2, 3);
        (Tensor shifted, Func<Tensor, Tensor> toBias) = Vjp.Of((Tensor b) => products + b)(bias);
        settings.Compare("5.6", "a bias is added to each row", "[[1 2 3] [11 12 13]]", shifted);
        settings.Compare("5.6", "and gets the sum of what comes back", "[5 7 9]", toBias(Tensor.From([1.0, 2, 3, 4, 5, 6], 2, 3)));

        Tensor target = Tensor.From([0.0, 1.0, 0.0]);
        Func<Tensor, Tensor> back = Gradient.Of((Tensor scores) => -(target * scores.LogSoftmax(0)).Sum());
        settings.Compare("5.6", "back through softmax and loss: output minus target", "(0.3 -0.8 0.5)", back(Tensor.Log(Tensor.From([0.3, 0.2, 0.5]))));
        settings.Compare("5.6", "when the output is nearly right", "(0.01 -0.01 0.00)", back(Tensor.Log(Tensor.From([0.01, 0.99, 1e-9]))));
        Func<Tensor, Tensor> entropy = Gradient.Of((Tensor y) => -(target * Tensor.Log(y)).Sum());
        settings.Compare("A.2", "back through the loss alone: -t / y", "0 -5 0", entropy(Tensor.From([0.3, 0.2, 0.5])));
        return new Dictionary<string, double> { ["apples"] = price.ToDouble(), ["basket"] = total.ToDouble() };
    }

    private static Tensor Both((Tensor First, Tensor Second) pair) => Tensor.Stack(0, pair.First, pair.Second);
}
