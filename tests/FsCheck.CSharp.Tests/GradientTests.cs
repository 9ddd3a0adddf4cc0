using Autodiff;
using Autodiff.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace GradientProperties;

/// <summary>A suite that a C# user would write for functions of their own.</summary>
public class GradientTests
{
    private static readonly Arbitrary<Tensor> Inputs = Tensors.Of(Domain.Real(-4, 4));

    /// <summary>log (1 + exp x) with a rule for reverse mode.</summary>
    private static Func<Tensor, Tensor> Softplus(Func<Tensor, Tensor> derivative) => Custom.Vjp(
        (Tensor x) => Tensor.Softplus(x), x => (Tensor.Softplus(x), x), (x, ct) => ct * derivative(x));

    [Fact]
    public void A_rule_of_ones_own_is_right() =>
        Gradients.Check(Softplus(Tensor.Sigmoid), Inputs, order: 2, count: 50, seed: 1);

    [Fact]
    public void A_sign_error_in_a_rule_is_found_and_shrunk_to_one_number()
    {
        Func<Tensor, Tensor> wrong = Softplus(x => -Tensor.Sigmoid(x));
        var error = Assert.Throws<GradientMismatchException>(() => Gradients.Check(wrong, Inputs, seed: 1));
        Assert.Contains("float64 of shape ()\n    0\n", error.Message);
        Assert.Contains("forward derivative disagrees with central differences", error.Message);
    }

    private sealed record Line(Tensor Slope, Tensor Intercept);

    private static readonly Line Zero = new(Tensor.From([0.0, 0.0], 2), Tensor.Scalar(0.0));

    [Fact]
    public void The_gradient_of_a_loss_of_a_record_is_right()
    {
        Tensor x = Tensor.From([1.0, 2.0, 3.0, 4.0], 2, 2), y = Tensor.From([1.0, -1.0], 2);
        Func<Line, Tensor> loss = line => Tensor.Square(x.MatMul(line.Slope) + line.Intercept - y).Sum();
        Gradients.Check(loss, Trees.Of(Zero, Domain.Real()), order: 2, count: 30, seed: 1);
    }

    [Fact]
    public void An_error_in_one_property_of_a_record_names_it()
    {
        Func<Line, Tensor> wrong = Custom.Vjp(
            (Line line) => (line.Slope * line.Intercept).Sum(),
            line => ((line.Slope * line.Intercept).Sum(), line),
            (line, ct) => new Line(ct * line.Intercept * Tensor.From([1.0, 1.0], 2), ct * line.Slope[0]));
        var error = Assert.Throws<GradientMismatchException>(
            () => Gradients.Check(wrong, Trees.Of(Zero, Domain.Positive()), seed: 1));
        Assert.Contains("with respect to 'Intercept'", error.Message);
        Assert.DoesNotContain("with respect to 'Slope'", error.Message);
    }

    [Fact]
    public void The_property_is_one_of_FsCheck_and_joins_others()
    {
        Property property = Gradients.Property((Tensor x) => x * Tensor.Sin(x), Inputs, order: 2);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(30), property);
    }

    [Fact]
    public void Generators_are_those_of_FsCheck()
    {
        Property sums = Prop.ForAll(Tensors.BroadcastPair(Domain.Real()), pair =>
        {
            (Tensor x, Tensor y) = pair;
            return (x + y).ToArray<double>().SequenceEqual((y + x).ToArray<double>());
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(50), sums);
        Property fails = Prop.ForAll(Shapes.MismatchedPair(), shapes =>
        {
            Assert.Throws<ArgumentException>(() => Tensor.Zeros(shapes.Item1) + Tensor.Zeros(shapes.Item2));
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(50), fails);
    }

    [Fact]
    public void A_report_says_what_is_wrong_without_raising()
    {
        GradientReport report = CheckGrads.Report(Softplus(x => -Tensor.Sigmoid(x)), Tensor.Scalar(1.0), order: 1);
        Assert.False(report.Passed);
        GradientMismatch mismatch = Assert.Single(report.Mismatches);
        Assert.Equal((1, "forward derivative"), (mismatch.Order, mismatch.Derivative));
        Assert.True(report.WorstRatio > 1e4);
        Assert.True(CheckGrads.Report(Softplus(Tensor.Sigmoid), Tensor.Scalar(1.0), modes: GradientModes.Reverse).Passed);
    }
}
