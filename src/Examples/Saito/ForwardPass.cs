using System.Globalization;
using System.Text.RegularExpressions;
using Autodiff.Layers;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 3.3 to 3.6: products of matrices, a network of three layers forward, softmax, and the class that is
/// found.</summary>
internal static class ForwardPass
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor wide = Tensor.From([1.0, 2, 3, 4, 5, 6], 2, 3), tall = Tensor.From([1.0, 2, 3, 4, 5, 6], 3, 2), row = Tensor.From([1, 2, 3, 4]);
        settings.Compare("3.3", "axes and shape of [1, 2, 3, 4]", "1 (4)", Tensor.From([row.Shape.Length, .. row.Shape]));
        settings.Compare("3.3", "axes and shape of [[1, 2], [3, 4], [5, 6]]", "2 (3, 2)", Tensor.From([tall.Shape.Length, .. tall.Shape]));
        settings.Compare(
            "3.3", "a product of matrices", "[[19 22] [43 50]]", Tensor.From([1.0, 2, 3, 4], 2, 2).MatMul(Tensor.From([5.0, 6, 7, 8], 2, 2)));
        settings.Compare("3.3", "(2, 3) times (3, 2)", "[[22 28] [49 64]]", wide.MatMul(tall));
        settings.Compare("3.3", "(3, 2) times (2)", "[23 53 83]", tall.MatMul(Tensor.From([7.0, 8.0])));
        settings.Compare("3.3", "(2) times (2, 3)", "[5 11 17]", Tensor.From([1.0, 2.0]).MatMul(Tensor.From([1.0, 3, 5, 2, 4, 6], 2, 3)));
        try
        {
            wide.MatMul(Tensor.From([1.0, 2, 3, 4], 2, 2));
        }
        catch (ArgumentException problem)
        {
            // The error of the text names both shapes; ours, the operation and the mend too.
            settings.Output.WriteLine($"      {problem.Message}");
            double[] numbers = [.. Regex.Matches(problem.Message, @"\d+").Select(number => double.Parse(number.Value, CultureInfo.InvariantCulture))];
            settings.Compare("3.3", "the error of (2, 3) times (2, 2)", "shapes (2,3) and (2,2) not aligned: 3 (dim 1) != 2 (dim 0)", Tensor.From(numbers));
        }

        // The layers of the text with its numbers in place of random ones.
        Sequential network = [new Dense(3), Activations.Sigmoid, new Dense(2), Activations.Sigmoid, new Dense(2)];
        Parameters parameters = network.Initialize(new Key(0), [2]).WithLeaves([
            Tensor.From([0.1, 0.3, 0.5, 0.2, 0.4, 0.6], 2, 3), Tensor.From([0.1, 0.2, 0.3]),
            Tensor.From([0.1, 0.4, 0.2, 0.5, 0.3, 0.6], 3, 2), Tensor.From([0.1, 0.2]),
            Tensor.From([0.1, 0.3, 0.2, 0.4], 2, 2), Tensor.From([0.1, 0.2])]);
        Tensor x = Tensor.From([1.0, 0.5], 1, 2);
        Tensor a1 = network[0].Apply(parameters.Part("0"), x);
        settings.Compare("3.4", "A1", "[0.3 0.7 1.1]", a1);
        settings.Compare("3.4", "Z1", "[0.57444252 0.66818777 0.75026011]", Tensor.Sigmoid(a1));
        Tensor y = network.Apply(parameters, x);
        settings.Compare("3.4", "output of three layers", "[0.31682708 0.69627909]", y);

        Tensor a = Tensor.From([0.3, 2.9, 4.0]), large = Tensor.From([1010.0, 1000.0, 990.0]);
        settings.Compare("3.5", "exp of 0.3, 2.9, 4.0", "[1.34985881 18.17414537 54.59815003]", Tensor.Exp(a));
        settings.Compare("3.5", "their sum", "74.1221542102", Tensor.Exp(a).Sum());
        settings.Compare("3.5", "softmax", "[0.01821127 0.24519181 0.73659691]", a.Softmax(0));
        settings.Compare("3.5", "its sum", "1.0", a.Softmax(0).Sum());
        settings.Compare("3.5", "in percent", "1.8 24.5 73.7", a.Softmax(0) * 100);
        settings.Compare("3.5", "exp 10 is more than", "20000", Math.Exp(10), How.AtLeast);
        settings.Compare("3.5", "the digits of exp 100 are more than", "40", Math.Floor(Math.Log10(Math.Exp(100))) + 1, How.AtLeast);
        settings.Output.WriteLine($"3.5   exp 1000 is {Math.Exp(1000)}");
        settings.Compare("3.5", "1010, 1000, 990 less their largest", "[0 -10 -20]", large - large.Max());
        settings.Compare("3.5", "exp x / sum exp x of 1010, 1000, 990", "[nan nan nan]", Tensor.Exp(large) / Tensor.Exp(large).Sum());
        settings.Compare("3.5", "softmax of the same", "[9.99954600e-01 4.53978686e-05 2.06106005e-09]", large.Softmax(0));

        Tensor probabilities = Tensor.From([0.1, 0.8, 0.1, 0.3, 0.1, 0.6, 0.2, 0.5, 0.3, 0.8, 0.1, 0.1], 4, 3);
        Tensor found = probabilities.ArgMax(1), labels = Tensor.From([1L, 2L, 0L, 0L]);
        settings.Compare("3.6", "the largest of each row", "[1 2 1 0]", found);
        settings.Compare("3.6", "which are right", "[1 1 0 1]", Tensor.EqualTo(found, labels));
        settings.Compare("3.6", "how many", "3", Tensor.EqualTo(found, labels).Sum());
        return new Dictionary<string, double> { ["y0"] = y[0, 0].ToDouble(), ["y1"] = y[0, 1].ToDouble() };
    }
}
