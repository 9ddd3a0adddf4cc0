using Autodiff;

namespace Layers.Tests;

public class NumericsTests
{
    private sealed record Curve(Tensor Rate, Tensor Size);

    private static readonly Tensor Times = Tensor.From([0.0, 0.5, 1.0, 1.5, 2.0, 3.0], 6);
    private static readonly Tensor Data = 3.0 * Tensor.Exp(Times * -0.7);
    private static readonly Curve Start = new(Tensor.Scalar(0.1f), Tensor.Scalar(1f));

    private static Tensor Residuals(Curve c) => c.Size * Tensor.Exp(-c.Rate * Times) - Data;

    private static Tensor HalfSquares(Curve c) => 0.5 * Tensor.Square(Residuals(c)).Sum();

    [Fact]
    public void All_methods_fit_a_curve_over_a_record()
    {
        var options = new MinimizeOptions { GradientTolerance = 1e-8, MaxIterations = 5000 };
        MinimizeResult<Curve>[] results =
        [
            Minimize.Bfgs(HalfSquares, Start, options),
            Minimize.Lbfgs(HalfSquares, Start, options: options),
            Minimize.NewtonCG(HalfSquares, Start, options),
            Minimize.GradientDescent(HalfSquares, Start, options),
            Minimize.LeastSquares(Residuals, Start, options),
        ];

        Assert.All(results, result =>
        {
            Assert.True(result.Converged, result.Reason);
            Assert.True(result.GradientNorm <= 1e-8);
            Assert.Equal(0.7, result.Parameters.Rate.ToDouble(), 1e-6);
            Assert.Equal(3.0, result.Parameters.Size.ToDouble(), 1e-6);
            Assert.Equal(DType.Float32, result.Parameters.Rate.DType);
        });
    }

    [Fact]
    public void Options_limit_and_cancel_a_minimization()
    {
        MinimizeResult<Curve> short_ = Minimize.Bfgs(HalfSquares, Start, new() { MaxIterations = 2 });
        Assert.False(short_.Converged);
        Assert.Equal(2, short_.Iterations);

        using var source = new CancellationTokenSource();
        MinimizeResult<Curve> cancelled = Minimize.LeastSquares(
            (Curve c) =>
            {
                source.Cancel();
                return Residuals(c);
            },
            Start,
            new() { CancellationToken = source.Token });
        Assert.StartsWith("Cancelled", cancelled.Reason);
    }

    [Fact]
    public void Equations_are_solved_by_all_methods()
    {
        foreach (OdeMethod method in Enum.GetValues<OdeMethod>())
        {
            var options = new OdeOptions { Method = method, Steps = 2000 };
            Tensor y = Ode.Solve((t, y) => -y, Tensor.Scalar(1.0), 0, 1, options);
            Assert.Equal(Math.Exp(-1), y.ToDouble(), method == OdeMethod.Euler ? 1e-3 : 1e-6);
        }

        (Tensor X, Tensor V)[] path = Ode.SolveAt<(Tensor X, Tensor V)>(
            (t, y) => (y.V, -y.X), (Tensor.Scalar(1.0), Tensor.Scalar(0.0)), 0, [0.5, 1.0]);
        Assert.Equal(Math.Cos(0.5), path[0].X.ToDouble(), 1e-6);
        Assert.Equal(-Math.Sin(1), path[1].V.ToDouble(), 1e-6);
        Assert.Throws<ArithmeticException>(() => Ode.Solve((t, y) => -y, Tensor.Scalar(1.0), 0, 1, new() { MaxSteps = 2 }));
    }

    [Fact]
    public void Gradients_of_a_solution_agree_by_the_steps_and_by_the_adjoint_equation()
    {
        Tensor start = Tensor.Scalar(1.5), rate = Tensor.Scalar(0.4);
        double expected = -1.5 * 2 * Math.Exp(-0.8);
        Func<Tensor, Tensor>[] solutions =
        [
            k => Ode.Solve((t, y) => -k * y, start, 0, 2),
            k => Ode.SolveAdjoint((t, y, p) => -p * y, start, k, 0, 2),
            k => Ode.SolveAdjointAt((t, y, p) => -p * y, start, k, 0, [1.0, 2.0])[1],
        ];
        Assert.All(solutions, solution => Assert.Equal(expected, Gradient.Of(solution)(rate).ToDouble(), 1e-5));
    }

    [Fact]
    public void Roots_fixed_points_and_minima_have_implicit_derivatives()
    {
        Tensor one = Tensor.Scalar(1.0);
        Func<Tensor, Tensor>[] roots =
        [
            a => Implicit.Root((a, x) => x * x - a, one, a),
            a => Implicit.FixedPoint((a, x) => 0.5 * (x + a / x), one, a),
            a => Implicit.Differentiate(Tensor.Sqrt, (a, x) => x * x - a, one, a),
        ];
        Assert.All(roots, root =>
        {
            Assert.Equal(3.0, root(Tensor.Scalar(9.0)).ToDouble(), 1e-10);
            Assert.Equal(1.0 / 6.0, Gradient.Of(root)(Tensor.Scalar(9.0)).ToDouble(), 1e-10);
        });
        Assert.Throws<ArithmeticException>(() => Implicit.Root((a, x) => x * x + a, one * 0.3, one, new() { MaxIterations = 20 }));
    }

    [Fact]
    public void Functions_take_derivative_rules()
    {
        Tensor x = Tensor.From([-2.0, 0.4, 3.0], 3);
        Func<Tensor, Tensor> round = Custom.Jvp((Tensor x) => Tensor.Round(x), (x, y, tangent) => tangent);
        Assert.Equal([1.0, 1.0, 1.0], Gradient.Of((Tensor x) => round(x).Sum())(x).ToArray<double>());
        Func<Tensor, Tensor> clipped = Custom.Vjp(
            (Tensor x) => x, x => (x, Tensor.Scalar(1.0)), (limit, ct) => Tensor.Minimum(ct, limit));
        Assert.Equal([-4.0, 0.8, 1.0], Gradient.Of((Tensor x) => Tensor.Square(clipped(x)).Sum())(x).ToArray<double>());
    }
}
