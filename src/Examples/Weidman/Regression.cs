using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 2: linear regression and a network with 13 hidden neurons learn the prices of houses, with figures 2-6 to 2-9, 2-13 and
/// 2-14. The gradients, which the text derives by hand, are those of the sum of squared errors.
/// </summary>
/// <remarks>The text names neither the number of steps nor, legibly, the seed: with those here the linear model makes its numbers
/// digit by digit. Its network makes larger errors than that here; its settings are not in the text.</remarks>
internal static class Regression
{
    private const uint Seed = 180708;
    private const double LearningRate = 0.001;
    private const int MostImportant = 12;

    private delegate Tensor Model(Tensor[] parameters, Tensor x);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = Boston.Load(settings);
        int batch = settings.Batch ?? 23;
        bool isText = areReal && settings.Epochs is null && settings.Batch is null;
        Report("linear regression", Linear, Train(Linear, [[13, 1], [1, 1]], 1000), out double mae, out double rmse, out Tensor[] line);
        if (isText)
        {
            settings.Compare("2.6", "mean price of the test houses", "22.0776", test.Targets.Mean());
            settings.Compare("2.6", "linear regression, MAE and RMSE", "3.5643 5.0508", Tensor.From([mae, rmse]));
            settings.Compare("2.6", "RMSE as a part of the mean price, in per cent", "22.9", 100 * rmse / test.Targets.Mean().ToDouble());
        }

        // What scikit-learn's LinearRegression computes at once.
        Tensor x1 = Tensor.Concat(1, train.Inputs, Tensor.OnesLike(train.Targets));
        Tensor best = x1.Lstsq(train.Targets);
        Report("least squares", Linear, [best[..13], best[13..]], out double leastMae, out double leastRmse, out _);
        if (isText)
        {
            settings.Compare("2.6", "scikit-learn's linear regression, MAE and RMSE", "3.5666 5.0482", Tensor.From([leastMae, leastRmse]));
            settings.Compare(
                "2.6", "weights", "[-1.0084 0.7097 0.2731 0.7161 -2.2163 2.3737 0.7156 -2.6609 2.629 -1.8113 -2.3347 0.8541 -4.2003]",
                best[..13], How.About);
        }

        Report("13-13-1", Network, Train(Network, [[13, 13], [1, 13], [13, 1], [1, 1]], 2000), out double netMae, out double netRmse, out Tensor[] net);
        if (isText) settings.Compare("2.8", "13-13-1, MAE and RMSE", "2.5289 3.6775", Tensor.From([netMae, netRmse]), How.AtMost);

        // The hidden neurons that count most, and the features that count most to them.
        double[] last = net[2].Reshape(-1).ToArray<double>();
        foreach (int neuron in Enumerable.Range(0, 13).OrderByDescending(i => Math.Abs(last[i])).Take(2))
        {
            double[] weights = net[0][.., neuron].ToArray<double>();
            int[] strongest = [.. Enumerable.Range(0, 13).OrderByDescending(i => Math.Abs(weights[i])).Take(3)];
            settings.Output.WriteLine(
                $"2.8   hidden neuron {neuron + 1}, weight {last[neuron]:0.00}: {string.Join(" ", strongest.Select(i => $"{weights[i]:+0.00;-0.00} f{i + 1}"))} ...");
        }

        Draw();
        return new Dictionary<string, double>
        {
            ["linear.mae"] = mae,
            ["linear.rmse"] = rmse,
            ["network.mae"] = netMae,
            ["network.rmse"] = netRmse,
        };

        Tensor[] Train(Model model, int[][] shapes, int steps)
        {
            var step = Jit.Compile<(Tensor[] Parameters, Batch Batch), Tensor[]>(at => Tree.Map2(
                (p, g) => p - LearningRate * g, at.Parameters,
                Gradient.Of<Tensor[]>(p => Tensor.Square(model(p, at.Batch.Inputs) - at.Batch.Targets).Sum())(at.Parameters)));
            var random = new NumPyRandom(Seed);
            Tensor[] parameters = [.. shapes.Select(shape => random.Randn(shape))];
            Dataset data = train;
            int left = settings.Epochs is { } epochs ? epochs * ((train.Count - 1) / batch + 1) : steps;
            while (true)
            {
                data = Boston.Rows(data, random.Permutation(data.Count));
                foreach (Batch next in data.Batches(batch))
                {
                    if (left-- == 0 || settings.Cancellation.IsCancellationRequested) return parameters;
                    parameters = step((parameters, next));
                }
            }
        }

        void Report(string name, Model model, Tensor[] parameters, out double mae, out double rmse, out Tensor[] trained)
        {
            Tensor error = model(parameters, test.Inputs) - test.Targets;
            (mae, rmse, trained) = (Tensor.Abs(error).Mean().ToDouble(), Math.Sqrt(Tensor.Square(error).Mean().ToDouble()), parameters);
            settings.Output.WriteLine($"{name}: MAE {mae:0.0000}, RMSE {rmse:0.0000}");
        }

        void Draw()
        {
            // All features at their mean but the most important one, on 40 places.
            Tensor places = Tensor.Linspace(-1.5, 3.5, 40);
            Tensor alone = places.Reshape(-1, 1) * Tensor.Eye(13, DType.Float64)[MostImportant].Reshape(1, 13);
            Axes Against(string title, Model model, Tensor[] p) => new Axes().Title(title)
                .Scatter(model(p, test.Inputs).Reshape(-1), test.Targets.Reshape(-1), size: 4)
                .Line([0, 51], [0, 51], color: "black", dash: Dash.Dashed, width: 1)
                .XLimits(0, 51).YLimits(0, 51).XLabel("predicted").YLabel("actual");
            Axes Alone(string title, Model model, Tensor[] p) => new Axes().Title(title)
                .Scatter(test.Inputs[.., MostImportant], test.Targets.Reshape(-1), "houses", "grey", 3.5, opacity: 0.6)
                .Line(places, model(p, alone).Reshape(-1), "model").XLabel("most important feature").YLabel("price");
            settings.Save(
                new Figure(3,
                    Against("Fig 2-6: linear regression", Linear, line),
                    new Axes().Title("Fig 2-7").Scatter(test.Inputs[.., MostImportant], test.Targets.Reshape(-1), size: 4)
                        .XLabel("most important feature").YLabel("price"),
                    Alone("Fig 2-8: linear regression", Linear, line),
                    new Axes().Title("Fig 2-9: sigmoid").Line(Tensor.Linspace(-5, 5, 201), Tensor.Sigmoid(Tensor.Linspace(-5, 5, 201))),
                    Against("Fig 2-13: network", Network, net),
                    Alone("Fig 2-14: network", Network, net)).Size(1080, 640),
                "weidman-ch2-regression.svg");
        }
    }

    private static Tensor Linear(Tensor[] p, Tensor x) => x.MatMul(p[0]) + p[1];

    private static Tensor Network(Tensor[] p, Tensor x) => Tensor.Sigmoid(x.MatMul(p[0]) + p[1]).MatMul(p[2]) + p[3];
}
