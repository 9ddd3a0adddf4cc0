using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Gradients of functions that return one number.</summary>
public static class Gradient
{
    /// <summary>The gradient of a scalar function: a function of the same argument, which may be any tree of tensors
    /// (a tensor, tuple, record, array or dictionary).</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; slope = Gradient.Of((Tensor x) => Tensor.Sin(x) * x);
    /// </code></example>
    public static Func<T, T> Of<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = FuncConvert.FromFunc(f);
        return x => Transforms.grad(function, x);
    }

    /// <summary>The value of a scalar function and its gradient, for the price of the gradient.</summary>
    public static Func<T, (Tensor Value, T Gradient)> ValueAndGrad<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = FuncConvert.FromFunc(f);
        return x =>
        {
            Tuple<Tensor, T> result = Transforms.valueAndGrad(function, x);
            return (result.Item1, result.Item2);
        };
    }
}
