using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>When a minimization ends.</summary>
public sealed record MinimizeOptions
{
    private static readonly Numerics.MinimizeOptions Defaults = Numerics.MinimizeOptions.Default;

    /// <summary>The largest element of the gradient that counts as zero; 1e-6.</summary>
    public double GradientTolerance { get; init; } = Defaults.GradientTolerance;

    /// <summary>A step this small relative to the parameters ends the search; 1e-14.</summary>
    public double StepTolerance { get; init; } = Defaults.StepTolerance;

    /// <summary>A decrease this small relative to the value ends the search; 1e-15.</summary>
    public double FunctionTolerance { get; init; } = Defaults.FunctionTolerance;

    /// <summary>The most iterations; 1,000.</summary>
    public int MaxIterations { get; init; } = Defaults.MaxIterations;

    /// <summary>Ends the search with the best point so far.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal static Numerics.MinimizeOptions Convert(MinimizeOptions? options) =>
        options is null
            ? Defaults
            : new(options.GradientTolerance, options.StepTolerance, options.FunctionTolerance, options.MaxIterations, options.CancellationToken);
}

/// <summary>Where a minimization ended.</summary>
/// <param name="Parameters">The best point, a tree like the start.</param>
/// <param name="Value">The value there; for least squares, half the sum of squares.</param>
/// <param name="GradientNorm">The largest element of the gradient there, without its sign.</param>
/// <param name="Iterations">The number of steps taken.</param>
/// <param name="Evaluations">Evaluations of the function, of it with its gradient, and products with its Hessian.</param>
/// <param name="Converged">Whether a tolerance ended the search, and not a limit, a failure or the token.</param>
/// <param name="Reason">What ended the search, in words.</param>
public sealed record MinimizeResult<T>(
    T Parameters, double Value, double GradientNorm, int Iterations, int Evaluations, bool Converged, string Reason);

/// <summary>Local minima of scalar functions of trees of tensors, and fits by least squares.</summary>
/// <remarks>The search runs in float64: the function receives float64 tensors whatever their type in the start, and the
/// result has the start's types. Points where the function or its gradient is not finite are stepped back from; at the
/// start they raise <see cref="ArgumentException"/>. Cancelling returns the best point so far. The result is a constant to
/// derivatives around the search; see <see cref="Implicit.Differentiate"/>.</remarks>
public static class Minimize
{
    /// <summary>A minimum by Broyden, Fletcher, Goldfarb and Shanno's method with a dense inverse Hessian and a line search
    /// for the strong Wolfe conditions: for up to some thousand numbers.</summary>
    /// <example><code>
    /// MinimizeResult&lt;Tensor&gt; result = Minimize.Bfgs((Tensor x) => Tensor.Square(x - 3.0).Sum(), Tensor.Zeros(2));
    /// </code></example>
    public static MinimizeResult<T> Bfgs<T>(Func<T, Tensor> f, T start, MinimizeOptions? options = null) =>
        Run(Numerics.MinimizeMethod.Bfgs, f, start, options);

    /// <summary>A minimum by the limited-memory form of the same method (Liu and Nocedal 1989): for any number of
    /// parameters.</summary>
    /// <param name="f">The function to minimize, which returns one number.</param>
    /// <param name="start">Where the search starts.</param>
    /// <param name="memory">The number of past steps that shape the next one.</param>
    /// <param name="options">Tolerances and limits.</param>
    public static MinimizeResult<T> Lbfgs<T>(Func<T, Tensor> f, T start, int memory = 10, MinimizeOptions? options = null) =>
        Run(Numerics.MinimizeMethod.NewLbfgs(memory), f, start, options);

    /// <summary>A minimum by Newton's method in a trust region; its equations are solved by conjugate gradients from
    /// products with the Hessian (Steihaug 1983), which may be indefinite.</summary>
    public static MinimizeResult<T> NewtonCG<T>(Func<T, Tensor> f, T start, MinimizeOptions? options = null) =>
        Run(Numerics.MinimizeMethod.NewtonCg, f, start, options);

    /// <summary>A minimum by steps along the negative gradient, halved until the value falls: the simplest method, and
    /// slow unless the function is well conditioned.</summary>
    public static MinimizeResult<T> GradientDescent<T>(Func<T, Tensor> f, T start, MinimizeOptions? options = null) =>
        Run(Numerics.MinimizeMethod.GradientDescent, f, start, options);

    /// <summary>The minimum of half the sum of the squares of residuals by Levenberg and Marquardt's method: for
    /// fits.</summary>
    /// <param name="residuals">The residuals, a tensor of any shape, as a function of the parameters.</param>
    /// <param name="start">Where the search starts.</param>
    /// <param name="options">Tolerances and limits.</param>
    /// <example><code>
    /// var fit = Minimize.LeastSquares(((Tensor Rate, Tensor Size) p) => p.Size * Tensor.Exp(-p.Rate * times) - data, start);
    /// </code></example>
    public static MinimizeResult<T> LeastSquares<T>(Func<T, Tensor> residuals, T start, MinimizeOptions? options = null) =>
        Convert(Numerics.LeastSquares.levenbergMarquardt(MinimizeOptions.Convert(options), Curried.From(residuals), start));

    private static MinimizeResult<T> Run<T>(Numerics.MinimizeMethod method, Func<T, Tensor> f, T start, MinimizeOptions? options) =>
        Convert(Numerics.Minimize.minimize(method, MinimizeOptions.Convert(options), Curried.From(f), start));

    private static MinimizeResult<T> Convert<T>(Numerics.MinimizeResult<T> r) =>
        new(r.Parameters, r.Value, r.GradientNorm, r.Iterations, r.Evaluations, r.Converged, r.Reason);
}

/// <summary>How an initial-value problem is stepped.</summary>
public enum OdeMethod
{
    /// <summary>Dormand and Prince's pair of orders 5 and 4 (1980), with steps chosen by its error estimate.</summary>
    DormandPrince,

    /// <summary>The classical method of order 4 with equal steps.</summary>
    RungeKutta4,

    /// <summary>Euler's method of order 1 with equal steps.</summary>
    Euler,
}

/// <summary>How closely and how long to integrate.</summary>
public sealed record OdeOptions
{
    private static readonly Numerics.OdeOptions Defaults = Numerics.OdeOptions.Default;

    /// <summary>The method; Dormand and Prince's unless set.</summary>
    public OdeMethod Method { get; init; }

    /// <summary>For methods with equal steps, how many lead to each output time; 100.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>A step's error in each element may be AbsoluteTolerance + RelativeTolerance |y|, in the root mean square;
    /// 1e-6.</summary>
    public double RelativeTolerance { get; init; } = Defaults.RelativeTolerance;

    /// <summary>The part of the allowed error that does not depend on the state; 1e-9.</summary>
    public double AbsoluteTolerance { get; init; } = Defaults.AbsoluteTolerance;

    /// <summary>The length of the first step; 0, the default, chooses it from the equation.</summary>
    public double InitialStep { get; init; } = Defaults.InitialStep;

    /// <summary>The most steps, tried ones included, before <see cref="ArithmeticException"/> is raised; 100,000.</summary>
    public int MaxSteps { get; init; } = Defaults.MaxSteps;

    /// <summary>Stops the integration with <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal static Numerics.OdeOptions Convert(OdeOptions? options)
    {
        if (options is null)
        {
            return Defaults;
        }

        Numerics.OdeMethod method = options.Method switch
        {
            OdeMethod.Euler => Numerics.OdeMethod.NewEuler(options.Steps),
            OdeMethod.RungeKutta4 => Numerics.OdeMethod.NewRungeKutta4(options.Steps),
            _ => Numerics.OdeMethod.DormandPrince,
        };

        return new(
            method, options.RelativeTolerance, options.AbsoluteTolerance, options.InitialStep, options.MaxSteps, options.CancellationToken);
    }
}

/// <summary>Initial-value problems y' = f(t, y) over trees of tensors.</summary>
/// <remarks>Time is a scalar tensor of the state's type; derivatives with respect to the times are not taken. When the
/// steps are used up or vanish, <see cref="ArithmeticException"/> is raised.</remarks>
public static class Ode
{
    /// <summary>The solution of y' = f(t, y), y(t0) = y0, at t1, which may lie before t0. Derivatives flow through all
    /// steps to y0 and to whatever f uses; the lengths of the steps are constants to them.</summary>
    /// <example><code>
    /// Tensor y = Ode.Solve((t, y) => -y, Tensor.Scalar(1.0), 0.0, 2.0);
    /// </code></example>
    public static T Solve<T>(Func<Tensor, T, T> f, T y0, double t0, double t1, OdeOptions? options = null) =>
        Numerics.Ode.odeint(OdeOptions.Convert(options), Curried.From(f), y0, t0, t1);

    /// <summary>The solution at times that follow t0 in order, rising or falling; between steps it is interpolated to
    /// order 4.</summary>
    public static T[] SolveAt<T>(Func<Tensor, T, T> f, T y0, double t0, IEnumerable<double> times, OdeOptions? options = null) =>
        Numerics.Ode.odeintAt(OdeOptions.Convert(options), Curried.From(f), y0, t0, times);

    /// <summary>The solution of y' = f(t, y, parameters) at t1, whose derivatives with respect to y0 and the parameters come
    /// from integrating the adjoint equation backward: memory does not grow with the number of steps, but the gradient has an
    /// error of its own, of the size of the tolerances.</summary>
    /// <remarks>f may use no other tensor that is being differentiated.</remarks>
    /// <example><code>
    /// Tensor slope = Gradient.Of((Tensor rate) => Ode.SolveAdjoint((t, y, p) => -p * y, start, rate, 0.0, 2.0))(rate);
    /// </code></example>
    public static T SolveAdjoint<T, TParameters>(
        Func<Tensor, T, TParameters, T> f, T y0, TParameters parameters, double t0, double t1, OdeOptions? options = null) =>
        Numerics.Ode.odeintAdjoint(OdeOptions.Convert(options), Curried.From(f), y0, parameters, t0, t1);

    /// <summary>The solution of y' = f(t, y, parameters) at times that follow t0 in order, with derivatives from the adjoint
    /// equation, as <see cref="SolveAdjoint"/>.</summary>
    public static T[] SolveAdjointAt<T, TParameters>(
        Func<Tensor, T, TParameters, T> f, T y0, TParameters parameters, double t0, IEnumerable<double> times, OdeOptions? options = null) =>
        Numerics.Ode.odeintAdjointAt(OdeOptions.Convert(options), Curried.From(f), y0, parameters, t0, times);
}

/// <summary>When to stop searching for a root or a fixed point.</summary>
public sealed record RootOptions
{
    private static readonly Numerics.RootOptions Defaults = Numerics.RootOptions.Default;

    /// <summary>The largest element of a change or residual that counts as none, relative to 1 + |x|; 1e-12.</summary>
    public double Tolerance { get; init; } = Defaults.Tolerance;

    /// <summary>The most iterations before <see cref="ArithmeticException"/> is raised; 1,000.</summary>
    public int MaxIterations { get; init; } = Defaults.MaxIterations;

    /// <summary>Stops the search with <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal static Numerics.RootOptions Convert(RootOptions? options) =>
        options is null ? Defaults : new(options.Tolerance, options.MaxIterations, options.CancellationToken);
}

/// <summary>Solutions of equations as functions of parameters, differentiated by the implicit function theorem: the way to
/// the solution does not matter, and the start receives no derivative.</summary>
/// <remarks>The functions may use no tensor that is being differentiated except their arguments.</remarks>
public static class Implicit
{
    /// <summary>The x that repeating x = f(parameters, x) leads to. The equation for its derivative is solved directly for
    /// up to 256 unknowns, and by repeating for more.</summary>
    public static T FixedPoint<TParameters, T>(Func<TParameters, T, T> f, T start, TParameters parameters, RootOptions? options = null) =>
        Numerics.Implicit.fixedPoint(RootOptions.Convert(options), Curried.From(f), start, parameters);

    /// <summary>A root x of f(parameters, x) = 0 by Newton's method: for up to some hundreds of unknowns.</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; slope = Gradient.Of((Tensor a) => Implicit.Root((a, x) => x * x - a, Tensor.Scalar(1.0), a));
    /// </code></example>
    public static T Root<TParameters, T>(Func<TParameters, T, T> f, T start, TParameters parameters, RootOptions? options = null) =>
        Numerics.Implicit.root(RootOptions.Convert(options), Curried.From(f), start, parameters);

    /// <summary>A root that any solver finds from the parameters, with the derivative of the equation f(parameters, x) = 0;
    /// for a minimum, f is the gradient.</summary>
    /// <param name="solver">Finds the root; it receives and returns plain numbers and is not differentiated.</param>
    /// <param name="f">The equation, as a tree like the unknowns.</param>
    /// <param name="like">A tree with the structure of the unknowns.</param>
    /// <param name="parameters">What the root depends on.</param>
    public static T Differentiate<TParameters, T>(
        Func<TParameters, T> solver, Func<TParameters, T, T> f, T like, TParameters parameters) =>
        Numerics.Implicit.implicitRoot(Curried.From(solver), Curried.From(f), like, parameters);
}
