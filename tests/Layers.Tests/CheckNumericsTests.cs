using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class CheckNumericsTests
{
    private static Tensor Loss(Tensor x)
    {
        Tensor root = Tensor.Sqrt(x);
        Assert.Equal(3, root.Size);
        Tensor total = root.Sum();
        Assert.Equal(1, total.Size);
        return total;
    }

    [Fact]
    public void An_error_names_the_operation_the_rule_and_the_line_of_the_caller()
    {
        Tensor point = Tensor.From([1.0, 0.0, 4.0], 3);
        Assert.Equal(3.0, CheckNumerics.Of<Tensor, Tensor>(Loss)(point).ToDouble());

        foreach (Func<Tensor, Tensor> slope in new[]
            { CheckNumerics.Of(Gradient.Of<Tensor>(Loss)), Gradient.Of(CheckNumerics.Of<Tensor, Tensor>(Loss)) })
        {
            var error = Assert.Throws<NonFiniteException>(() => slope(point));
            Assert.Equal(("divide", "sqrt"), (error.Operation, error.Rule));
            Assert.Equal("CheckNumericsTests.cs", Path.GetFileName(error.File));
            Assert.Equal(10, error.Line);
            Assert.EndsWith("CheckNumericsTests.Loss", error.Method);
            Assert.Contains("element [1] of the output became Infinity", error.Message);
        }
    }

    [Fact]
    public void Infinities_are_errors_unless_they_are_allowed_and_arguments_may_be_trees()
    {
        static Tensor Ratio((Tensor Above, Tensor Below) pair) => pair.Above / pair.Below;
        var pair = (Tensor.Scalar(1.0), Tensor.Scalar(0.0));
        var error = Assert.Throws<NonFiniteException>(() => CheckNumerics.Of<(Tensor, Tensor), Tensor>(Ratio)(pair));
        Assert.Null(error.Rule);
        var lenient = CheckNumerics.Of<(Tensor, Tensor), Tensor>(Ratio, allowInfinities: true);
        Assert.Equal(double.PositiveInfinity, lenient(pair).ToDouble());
        Assert.Throws<NonFiniteException>(() => lenient((Tensor.Scalar(0.0), Tensor.Scalar(0.0))));
    }

    [Fact]
    public void The_layers_are_part_of_the_library()
    {
        // The square overflows within the loss.
        Func<Tensor, Tensor> loss = x => Losses.MeanSquaredError.Of(x, Tensor.Scalar(0.0));
        var error = Assert.Throws<NonFiniteException>(() => CheckNumerics.Of(loss)(Tensor.Scalar(1e200)));
        Assert.Equal("square", error.Operation);
        Assert.Equal("CheckNumericsTests.cs", Path.GetFileName(error.File));
    }
}
