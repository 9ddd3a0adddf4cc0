using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Derivatives of every order along a curve, by Taylor mode.</summary>
public static class Jet
{
    /// <summary>The value of a function on a curve through x, and its derivatives along it, of as many orders as those of
    /// the curve that are given: from [c'(0), c''(0), ...] with c(0) = x, those of t -> f(c(t)).</summary>
    /// <remarks>Derivatives are not divided by factorials. One run of the function gives all orders K at a cost that grows
    /// as K squared, where nested Jvp grows as 2 to the power K. Only loops and branches of programs (Scan, WhileLoop, Cond),
    /// Checkpoint and compiled functions double their work with each order. The function takes and returns trees of tensors; a member
    /// of the series has the shapes and types of x. For the derivatives along a straight line the series is a direction
    /// and zeros.</remarks>
    /// <exception cref="ArgumentException">When called: a member of the series does not fit x, or x holds no
    /// floating-point numbers.</exception>
    /// <example><code>
    /// var (value, series) = Jet.Of((Tensor x) => Tensor.Exp(x))(point, [velocity, acceleration]);
    /// Tensor second = series[1]; // exp(x) * (acceleration + velocity * velocity)
    /// </code></example>
    public static Func<T, IEnumerable<T>, (TResult Value, IReadOnlyList<TResult> Series)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return (x, series) =>
        {
            Tuple<TResult, FSharpList<TResult>> result = Transforms.jet(function, x, ListModule.OfSeq(series));
            return (result.Item1, result.Item2);
        };
    }
}

/// <summary>All derivatives of functions of one number, by Taylor mode.</summary>
public static class Derivatives
{
    /// <summary>The derivatives of orders 0 to n of t -> f(x + t) at 0, for all elements of x moved together: f(x), f'(x),
    /// f''(x) and so on.</summary>
    /// <remarks>x is a number, or holds many at which a function of each element is wanted. One run of the function gives
    /// all of them.</remarks>
    /// <exception cref="ArgumentException">When called: n is negative, or x is not floating-point.</exception>
    /// <example><code>
    /// IReadOnlyList&lt;Tensor&gt; d = Derivatives.Of(x => Tensor.Sin(x))(Tensor.Scalar(0.5), 3); // sin, cos, -sin, -cos
    /// </code></example>
    public static Func<Tensor, int, IReadOnlyList<Tensor>> Of(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return (x, n) => Transforms.derivatives(function, x, n);
    }
}
