using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Functions whose derivatives are given by rules instead of being found in their operations.</summary>
/// <remarks>Arguments and results are trees of tensors. The functions and rules may use no differentiated tensor that is not
/// part of the argument. Higher derivatives differentiate the rules.</remarks>
public static class Custom
{
    /// <summary>A function with the derivative that a rule gives: from the argument, the result and a tangent of the argument
    /// to the tangent of the result, in which it must be linear. Reverse mode transposes the rule.</summary>
    /// <example><code>
    /// // A rounding that lets derivatives through.
    /// Func&lt;Tensor, Tensor&gt; round = Custom.Jvp((Tensor x) => Tensor.Round(x), (x, y, tangent) => tangent);
    /// </code></example>
    public static Func<T, TResult> Jvp<T, TResult>(Func<T, TResult> f, Func<T, TResult, T, TResult> rule)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        FSharpFunc<T, FSharpFunc<TResult, FSharpFunc<T, TResult>>> forward = Curried.From(rule);
        return x => CustomRules.customJvp(function, forward, x);
    }

    /// <summary>A function with the pullback that rules give: where derivatives are taken, <paramref name="forward"/> is run
    /// instead of <paramref name="f"/>, and <paramref name="backward"/> carries a cotangent of the result to one of the
    /// argument with what it left. Forward mode transposes <paramref name="backward"/>, which must be linear in the cotangent
    /// for that.</summary>
    /// <example><code>
    /// // An identity that clips the gradient on its way back.
    /// Func&lt;Tensor, Tensor&gt; clipped = Custom.Vjp((Tensor x) => x, x => (x, limit), (limit, ct) => Tensor.Minimum(ct, limit));
    /// </code></example>
    public static Func<T, TResult> Vjp<T, TResult, TResiduals>(
        Func<T, TResult> f, Func<T, (TResult Result, TResiduals Residuals)> forward, Func<TResiduals, TResult, T> backward)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        FSharpFunc<TResiduals, FSharpFunc<TResult, T>> back = Curried.From(backward);
        ArgumentNullException.ThrowIfNull(forward);
        FSharpFunc<T, Tuple<TResult, TResiduals>> there = FuncConvert.FromFunc((T x) => forward(x).ToTuple());
        return x => CustomRules.customVjp(function, there, back, x);
    }
}
