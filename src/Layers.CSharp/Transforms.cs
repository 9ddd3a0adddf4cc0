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

/// <summary>Linear functions carried over to their transposes.</summary>
public static class LinearTranspose
{
    /// <summary>The transpose of a linear function, so that the inner products of f(x) with y and of x with transpose(y)
    /// are the same for all x and y.</summary>
    /// <remarks>Of the argument only the structure, shapes and types count: the function is run at numbers of the
    /// transform's own choice. Tensors of it that are not floating-point are constants, and get zeros.</remarks>
    /// <exception cref="ArgumentException">When called: the function is found not to be linear. One that is linear in
    /// pieces, such as the absolute value, is not found.</exception>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; back = LinearTranspose.Of((Tensor x) => matrix.MatMul(x))(x); // y -> matrix^T y
    /// </code></example>
    public static Func<T, Func<TResult, T>> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = FuncConvert.FromFunc(f);
        return x => Transforms.linearTranspose(function, x).Invoke;
    }
}

/// <summary>Matrices of first derivatives of functions from tensor to tensor, of shape (shape of f x) + (shape of
/// x).</summary>
public static class Jacobian
{
    /// <summary>The Jacobian by forward mode: one pushforward for all elements of x at once. For functions with few
    /// inputs.</summary>
    /// <example><code>
    /// Tensor matrix = Jacobian.Forward(x => Tensor.Sin(x))(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Forward(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = FuncConvert.FromFunc(f);
        return x => Transforms.jacfwd(function, x);
    }

    /// <summary>The Jacobian by reverse mode: one pullback for all elements of the result at once. For functions with
    /// few outputs.</summary>
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

/// <summary>Functions of one example as functions of many.</summary>
/// <remarks>
/// There is no loop over examples: each operation runs once, for all of them. Inside the function a tensor has the shape
/// of one example and no one value, so that it cannot be read (ToDouble, ToArray, if): choose with Tensor.Where, and read
/// the results. Random numbers drawn from a key inside the function are the same for all examples; for numbers of their
/// own, draw outside and pass them in. Vmap nests in itself and in all other transforms.
/// </remarks>
public static class Vmap
{
    /// <summary>The values of a function for each example along an axis of its argument, along an axis of the result.
    /// A result that does not depend on the example is repeated.</summary>
    /// <param name="f">A function of a tree of tensors, of the shapes of one example.</param>
    /// <param name="inAxis">The axis of the examples in every tensor of the argument; negative counts from the
    /// end.</param>
    /// <param name="outAxis">The axis of the examples in every tensor of the result.</param>
    /// <exception cref="ArgumentException">When called: a tensor has no such axis, or another number of
    /// examples.</exception>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; slopes = Vmap.Of(Gradient.Of((Tensor x) => Tensor.Sin(x).Sum())); // one gradient per row
    /// </code></example>
    public static Func<T, TResult> Of<T, TResult>(Func<T, TResult> f, int inAxis = 0, int outAxis = 0)
    {
        FSharpFunc<T, TResult> function = FuncConvert.FromFunc(f);
        return x => Transforms.vmapWith([FSharpOption<int>.Some(inAxis)], outAxis, function, x);
    }

    /// <summary>The values of a function of two arguments for each example along an axis of the arguments. An argument
    /// whose axis is null is the same for all examples.</summary>
    /// <param name="f">A function of two trees of tensors, of the shapes of one example.</param>
    /// <param name="firstAxis">The axis of the examples in every tensor of the first argument; null if it has
    /// none.</param>
    /// <param name="secondAxis">The axis of the examples in every tensor of the second argument; null if it has
    /// none.</param>
    /// <param name="outAxis">The axis of the examples in every tensor of the result.</param>
    /// <exception cref="ArgumentException">When called: a tensor has no such axis, or another number of examples, or
    /// both axes are null.</exception>
    /// <example><code>
    /// // The gradient of a loss with respect to the parameters for each image.
    /// var perExample = Vmap.Of((Tensor image, Model m) => Gradient.Of((Model p) => Loss(p, image))(m), 0, null);
    /// </code></example>
    public static Func<T1, T2, TResult> Of<T1, T2, TResult>(
        Func<T1, T2, TResult> f, int? firstAxis = 0, int? secondAxis = 0, int outAxis = 0)
    {
        FSharpFunc<(T1, T2), TResult> function = FuncConvert.FromFunc(Pairs.Join(f));
        return (x, y) => Transforms.vmapWith([.. Axes(x, firstAxis), .. Axes(y, secondAxis)], outAxis, function, (x, y));
    }

    private static IEnumerable<FSharpOption<int>?> Axes<T>(T tree, int? axis) =>
        Enumerable.Repeat(axis is { } a ? FSharpOption<int>.Some(a) : null, Tree.leaves(tree).Length);
}

/// <summary>Functions of two arguments as functions of a pair, which is a tree.</summary>
internal static class Pairs
{
    internal static Func<(T1, T2), TResult> Join<T1, T2, TResult>(Func<T1, T2, TResult> f) => pair => f(pair.Item1, pair.Item2);
}
