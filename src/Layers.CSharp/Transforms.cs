using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Gradients of functions that return one number, by reverse mode.</summary>
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

    /// <summary>The gradients of a scalar function of two arguments with respect to both.</summary>
    /// <example><code>
    /// var slopes = Gradient.Of((Tensor x, Tensor y) => (x * y).Sum());
    /// (Tensor byX, Tensor byY) = slopes(a, b);
    /// </code></example>
    public static Func<T1, T2, (T1 First, T2 Second)> Of<T1, T2>(Func<T1, T2, Tensor> f)
    {
        Func<(T1, T2), (T1, T2)> gradient = Of(Pairs.Join(f));
        return (x, y) => gradient((x, y));
    }

    /// <summary>The value of a scalar function and its gradient, for the price of the gradient.</summary>
    /// <example><code>
    /// (Tensor value, Tensor slope) = Gradient.ValueAndGrad((Tensor x) => Tensor.Square(x).Sum())(point);
    /// </code></example>
    public static Func<T, (Tensor Value, T Gradient)> ValueAndGrad<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = FuncConvert.FromFunc(f);
        return x =>
        {
            Tuple<Tensor, T> result = Transforms.valueAndGrad(function, x);
            return (result.Item1, result.Item2);
        };
    }

    /// <summary>The value of a scalar function of two arguments and its gradients with respect to both.</summary>
    /// <example><code>
    /// (Tensor value, (Tensor byX, Tensor byY)) = Gradient.ValueAndGrad((Tensor x, Tensor y) => (x * y).Sum())(a, b);
    /// </code></example>
    public static Func<T1, T2, (Tensor Value, (T1 First, T2 Second) Gradient)> ValueAndGrad<T1, T2>(Func<T1, T2, Tensor> f)
    {
        Func<(T1, T2), (Tensor, (T1, T2))> both = ValueAndGrad(Pairs.Join(f));
        return (x, y) => both((x, y));
    }

    /// <summary>A tree with all derivatives of its tensors taken to be zero: a constant to every transform.</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; slope = Gradient.Of((Tensor x) => (x * Gradient.Stop(x)).Sum()); // x, not 2 x
    /// </code></example>
    public static T Stop<T>(T tree) => Transforms.stopGradient(tree);
}

/// <summary>Derivatives along a direction, by forward mode.</summary>
public static class Jvp
{
    /// <summary>The value of a function and its derivative along a tangent: f(x) and J(x) t, in one pass.</summary>
    /// <remarks>The function takes and returns trees of tensors; a tangent has the shapes and types of its
    /// argument.</remarks>
    /// <example><code>
    /// (Tensor value, Tensor change) = Jvp.Of((Tensor x) => Tensor.Exp(x))(point, direction);
    /// </code></example>
    public static Func<T, T, (TResult Value, TResult Tangent)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = FuncConvert.FromFunc(f);
        return (x, tangent) =>
        {
            Tuple<TResult, TResult> result = Transforms.jvp(function, x, tangent);
            return (result.Item1, result.Item2);
        };
    }

    /// <summary>The value of a function of two arguments and its derivative along a pair of tangents.</summary>
    /// <example><code>
    /// (Tensor value, Tensor change) = Jvp.Of((Tensor x, Tensor y) => x * y)((a, b), (da, db));
    /// </code></example>
    public static Func<(T1, T2), (T1, T2), (TResult Value, TResult Tangent)> Of<T1, T2, TResult>(Func<T1, T2, TResult> f) =>
        Of(Pairs.Join(f));
}

/// <summary>Pullbacks, by reverse mode.</summary>
public static class Vjp
{
    /// <summary>The value of a function and its pullback, which carries a cotangent c of the result back to J(x)^T c.
    /// The pullback may be called any number of times.</summary>
    /// <remarks>The function takes and returns trees of tensors; a cotangent has the shapes and types of the
    /// result.</remarks>
    /// <example><code>
    /// (Tensor value, Func&lt;Tensor, Tensor&gt; pullback) = Vjp.Of((Tensor x) => Tensor.Exp(x))(point);
    /// Tensor back = pullback(cotangent);
    /// </code></example>
    public static Func<T, (TResult Value, Func<TResult, T> Pullback)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = FuncConvert.FromFunc(f);
        return x =>
        {
            Tuple<TResult, FSharpFunc<TResult, T>> result = Transforms.vjp(function, x);
            return (result.Item1, result.Item2.Invoke);
        };
    }

    /// <summary>The value of a function of two arguments and its pullback to both.</summary>
    /// <example><code>
    /// var (value, pullback) = Vjp.Of((Tensor x, Tensor y) => x * y)(a, b);
    /// (Tensor toA, Tensor toB) = pullback(cotangent);
    /// </code></example>
    public static Func<T1, T2, (TResult Value, Func<TResult, (T1 First, T2 Second)> Pullback)> Of<T1, T2, TResult>(
        Func<T1, T2, TResult> f)
    {
        Func<(T1, T2), (TResult, Func<TResult, (T1, T2)>)> vjp = Of(Pairs.Join(f));
        return (x, y) => vjp((x, y));
    }
}

/// <summary>Functions replaced by their derivative at a point.</summary>
public static class Linearize
{
    /// <summary>The value of a function at a point, and its derivative there as a linear function t -> J(x) t that does
    /// not run the function again.</summary>
    /// <example><code>
    /// (Tensor value, Func&lt;Tensor, Tensor&gt; pushforward) = Linearize.Of((Tensor x) => Tensor.Exp(x))(point);
    /// Tensor change = pushforward(direction);
    /// </code></example>
    public static Func<T, (TResult Value, Func<T, TResult> Pushforward)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = FuncConvert.FromFunc(f);
        return x =>
        {
            Tuple<TResult, FSharpFunc<T, TResult>> result = Transforms.linearize(function, x);
            return (result.Item1, result.Item2.Invoke);
        };
    }
}

/// <summary>Matrices of first derivatives of functions from tensor to tensor, of shape (shape of f x) + (shape of
/// x).</summary>
public static class Jacobian
{
    /// <summary>The Jacobian by forward mode: one pushforward for each element of x. For functions with few
    /// inputs.</summary>
    /// <example><code>
    /// Tensor matrix = Jacobian.Forward(x => Tensor.Sin(x))(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Forward(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = FuncConvert.FromFunc(f);
        return x => Transforms.jacfwd(function, x);
    }

    /// <summary>The Jacobian by reverse mode: one pullback for each element of the result. For functions with few
    /// outputs.</summary>
    /// <example><code>
    /// Tensor matrix = Jacobian.Reverse(x => Tensor.Sin(x))(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Reverse(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = FuncConvert.FromFunc(f);
        return x => Transforms.jacrev(function, x);
    }
}

/// <summary>Second derivatives of scalar functions.</summary>
public static class Hessian
{
    /// <summary>The matrix of second derivatives, of shape (shape of x) + (shape of x): forward over reverse
    /// mode.</summary>
    /// <example><code>
    /// Tensor matrix = Hessian.Of(x => Tensor.Exp(x).Sum())(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Of(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = FuncConvert.FromFunc(f);
        return x => Transforms.hessian(function, x);
    }

    /// <summary>The product of the Hessian with a vector, (x, v) -> H(x) v, without forming the matrix; x and v are
    /// trees of one structure.</summary>
    /// <example><code>
    /// Tensor product = Hessian.VectorProduct((Tensor x) => Tensor.Exp(x).Sum())(point, vector);
    /// </code></example>
    public static Func<T, T, T> VectorProduct<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = FuncConvert.FromFunc(f);
        return (x, v) => Transforms.hvp(function, x, v);
    }
}

/// <summary>Functions of two arguments as functions of a pair, which is a tree.</summary>
internal static class Pairs
{
    internal static Func<(T1, T2), TResult> Join<T1, T2, TResult>(Func<T1, T2, TResult> f) => pair => f(pair.Item1, pair.Item2);
}
