using System.Runtime.CompilerServices;
using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Gradients of functions that return one number, by reverse mode.</summary>
public static class Gradient
{
    /// <summary>The gradient of a scalar function: a function of the same argument, which may be any tree of tensors
    /// (a tensor, tuple, record, array or dictionary).</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; slope = Gradient.Of((Tensor x) => Tensor.Sin(x) * x);
    /// Tensor atOne = slope(Tensor.Scalar(1.0));
    /// </code></example>
    public static Func<T, T> Of<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = Curried.From(f);
        return x => Transforms.grad(function, x);
    }

    /// <summary>The gradients of a scalar function of two arguments with respect to both.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]);
    /// var slopes = Gradient.Of((Tensor x, Tensor y) => (x * y).Sum());
    /// (Tensor byX, Tensor byY) = slopes(a, b);
    /// </code></example>
    public static Func<T1, T2, (T1 First, T2 Second)> Of<T1, T2>(Func<T1, T2, Tensor> f)
    {
        Func<(T1, T2), (T1, T2)> gradient = Of(Tuples.Join(f));
        return (x, y) => gradient((x, y));
    }

    /// <summary>The gradients of a scalar function of three arguments with respect to all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (byA, byB, byC) = Gradient.Of((Tensor x, Tensor y, Tensor z) => (x * y * z).Sum())(a, b, c);
    /// </code></example>
    public static Func<T1, T2, T3, (T1 First, T2 Second, T3 Third)> Of<T1, T2, T3>(Func<T1, T2, T3, Tensor> f)
    {
        Func<(T1, T2, T3), (T1, T2, T3)> gradient = Of(Tuples.Join(f));
        return (x, y, z) => gradient((x, y, z));
    }

    /// <summary>The gradients of a scalar function of four arguments with respect to all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var slopes = Gradient.Of((Tensor x, Tensor y, Tensor z, Tensor w) => (x * y * z - w).Sum())(a, b, c, c);
    /// Tensor byC = slopes.Third;
    /// </code></example>
    public static Func<T1, T2, T3, T4, (T1 First, T2 Second, T3 Third, T4 Fourth)> Of<T1, T2, T3, T4>(
        Func<T1, T2, T3, T4, Tensor> f)
    {
        Func<(T1, T2, T3, T4), (T1, T2, T3, T4)> gradient = Of(Tuples.Join(f));
        return (x, y, z, w) => gradient((x, y, z, w));
    }

    /// <summary>The value of a scalar function and its gradient, for the price of the gradient.</summary>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// (Tensor value, Tensor slope) = Gradient.ValueAndGrad((Tensor x) => Tensor.Square(x).Sum())(point);
    /// </code></example>
    public static Func<T, (Tensor Value, T Gradient)> ValueAndGrad<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = Curried.From(f);
        return x =>
        {
            Tuple<Tensor, T> result = Transforms.valueAndGrad(function, x);
            return (result.Item1, result.Item2);
        };
    }

    /// <summary>The value of a scalar function of two arguments and its gradients with respect to both.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]);
    /// (Tensor value, (Tensor byX, Tensor byY)) = Gradient.ValueAndGrad((Tensor x, Tensor y) => (x * y).Sum())(a, b);
    /// </code></example>
    public static Func<T1, T2, (Tensor Value, (T1 First, T2 Second) Gradient)> ValueAndGrad<T1, T2>(Func<T1, T2, Tensor> f)
    {
        Func<(T1, T2), (Tensor, (T1, T2))> both = ValueAndGrad(Tuples.Join(f));
        return (x, y) => both((x, y));
    }

    /// <summary>The value of a scalar function of three arguments and its gradients with respect to all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (value, gradient) = Gradient.ValueAndGrad((Tensor x, Tensor y, Tensor z) => (x * y * z).Sum())(a, b, c);
    /// Tensor byC = gradient.Third;
    /// </code></example>
    public static Func<T1, T2, T3, (Tensor Value, (T1 First, T2 Second, T3 Third) Gradient)> ValueAndGrad<T1, T2, T3>(
        Func<T1, T2, T3, Tensor> f)
    {
        Func<(T1, T2, T3), (Tensor, (T1, T2, T3))> both = ValueAndGrad(Tuples.Join(f));
        return (x, y, z) => both((x, y, z));
    }

    /// <summary>The value of a scalar function of four arguments and its gradients with respect to all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (value, gradient) =
    ///     Gradient.ValueAndGrad((Tensor x, Tensor y, Tensor z, Tensor w) => (x * y * z - w).Sum())(a, b, c, c);
    /// </code></example>
    public static Func<T1, T2, T3, T4, (Tensor Value, (T1 First, T2 Second, T3 Third, T4 Fourth) Gradient)>
        ValueAndGrad<T1, T2, T3, T4>(Func<T1, T2, T3, T4, Tensor> f)
    {
        Func<(T1, T2, T3, T4), (Tensor, (T1, T2, T3, T4))> both = ValueAndGrad(Tuples.Join(f));
        return (x, y, z, w) => both((x, y, z, w));
    }

    /// <summary>The value of a scalar function and its gradient, with whatever else the function returns: a tree that takes
    /// no part in the gradient.</summary>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// var (value, squares, slope) = Gradient.ValueAndGradAux((Tensor x) =>
    /// {
    ///     Tensor y = Tensor.Square(x);
    ///     return (y.Sum(), y);
    /// })(point);
    /// </code></example>
    public static Func<T, (Tensor Value, TAux Aux, T Gradient)> ValueAndGradAux<T, TAux>(Func<T, (Tensor Value, TAux Aux)> f)
    {
        ArgumentNullException.ThrowIfNull(f);
        FSharpFunc<T, Tuple<Tensor, TAux>> function = FuncConvert.FromFunc((T x) => f(x).ToTuple());
        return x =>
        {
            ((Tensor value, TAux aux), T gradient) = Transforms.valueAndGradAux(function, x);
            return (value, aux, gradient);
        };
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
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// Tensor direction = Tensor.From([1.0, 2.0, -1.0]);
    /// (Tensor value, Tensor change) = Jvp.Of((Tensor x) => Tensor.Exp(x))(point, direction);
    /// </code></example>
    public static Func<T, T, (TResult Value, TResult Tangent)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return (x, tangent) =>
        {
            Tuple<TResult, TResult> result = Transforms.jvp(function, x, tangent);
            return (result.Item1, result.Item2);
        };
    }

    /// <summary>The value of a function of two arguments and its derivative along a pair of tangents.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]);
    /// (Tensor value, Tensor change) = Jvp.Of((Tensor x, Tensor y) => x * y)((a, b), (b, a));
    /// </code></example>
    public static Func<(T1, T2), (T1, T2), (TResult Value, TResult Tangent)> Of<T1, T2, TResult>(Func<T1, T2, TResult> f) =>
        Of(Tuples.Join(f));

    /// <summary>The value of a function of three arguments and its derivative along a triple of tangents.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// (Tensor value, Tensor change) = Jvp.Of((Tensor x, Tensor y, Tensor z) => x * y * z)((a, b, c), (b, a, c));
    /// </code></example>
    public static Func<(T1, T2, T3), (T1, T2, T3), (TResult Value, TResult Tangent)> Of<T1, T2, T3, TResult>(
        Func<T1, T2, T3, TResult> f) => Of(Tuples.Join(f));

    /// <summary>The value of a function of four arguments and its derivative along tangents of all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// (Tensor value, Tensor change) =
    ///     Jvp.Of((Tensor x, Tensor y, Tensor z, Tensor w) => x * y * z - w)((a, b, c, a), (b, a, c, b));
    /// </code></example>
    public static Func<(T1, T2, T3, T4), (T1, T2, T3, T4), (TResult Value, TResult Tangent)> Of<T1, T2, T3, T4, TResult>(
        Func<T1, T2, T3, T4, TResult> f) => Of(Tuples.Join(f));
}

/// <summary>Pullbacks, by reverse mode.</summary>
public static class Vjp
{
    /// <summary>The value of a function and its pullback, which carries a cotangent c of the result back to J(x)^T c.
    /// The pullback may be called any number of times.</summary>
    /// <remarks>The function takes and returns trees of tensors; a cotangent has the shapes and types of the
    /// result.</remarks>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// (Tensor value, Func&lt;Tensor, Tensor&gt; pullback) = Vjp.Of((Tensor x) => Tensor.Exp(x))(point);
    /// Tensor back = pullback(Tensor.OnesLike(value));
    /// </code></example>
    public static Func<T, (TResult Value, Func<TResult, T> Pullback)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return x =>
        {
            Tuple<TResult, FSharpFunc<TResult, T>> result = Transforms.vjp(function, x);
            return (result.Item1, result.Item2.Invoke);
        };
    }

    /// <summary>The value of a function of two arguments and its pullback to both.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]);
    /// var (value, pullback) = Vjp.Of((Tensor x, Tensor y) => x * y)(a, b);
    /// (Tensor toA, Tensor toB) = pullback(Tensor.OnesLike(value));
    /// </code></example>
    public static Func<T1, T2, (TResult Value, Func<TResult, (T1 First, T2 Second)> Pullback)> Of<T1, T2, TResult>(
        Func<T1, T2, TResult> f)
    {
        Func<(T1, T2), (TResult, Func<TResult, (T1, T2)>)> vjp = Of(Tuples.Join(f));
        return (x, y) => vjp((x, y));
    }

    /// <summary>The value of a function of three arguments and its pullback to all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (value, pullback) = Vjp.Of((Tensor x, Tensor y, Tensor z) => x * y * z)(a, b, c);
    /// var (toA, toB, toC) = pullback(Tensor.OnesLike(value));
    /// </code></example>
    public static Func<T1, T2, T3, (TResult Value, Func<TResult, (T1 First, T2 Second, T3 Third)> Pullback)>
        Of<T1, T2, T3, TResult>(Func<T1, T2, T3, TResult> f)
    {
        Func<(T1, T2, T3), (TResult, Func<TResult, (T1, T2, T3)>)> vjp = Of(Tuples.Join(f));
        return (x, y, z) => vjp((x, y, z));
    }

    /// <summary>The value of a function of four arguments and its pullback to all.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (value, pullback) = Vjp.Of((Tensor x, Tensor y, Tensor z, Tensor w) => x * y * z - w)(a, b, c, c);
    /// Tensor toD = pullback(Tensor.OnesLike(value)).Fourth;
    /// </code></example>
    public static Func<T1, T2, T3, T4, (TResult Value, Func<TResult, (T1 First, T2 Second, T3 Third, T4 Fourth)> Pullback)>
        Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> f)
    {
        Func<(T1, T2, T3, T4), (TResult, Func<TResult, (T1, T2, T3, T4)>)> vjp = Of(Tuples.Join(f));
        return (x, y, z, w) => vjp((x, y, z, w));
    }
}

/// <summary>Functions replaced by their derivative at a point.</summary>
public static class Linearize
{
    /// <summary>The value of a function at a point, and its derivative there as a linear function t -> J(x) t that does
    /// not run the function again.</summary>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// (Tensor value, Func&lt;Tensor, Tensor&gt; pushforward) = Linearize.Of((Tensor x) => Tensor.Exp(x))(point);
    /// Tensor change = pushforward(Tensor.From([1.0, 2.0, -1.0]));
    /// </code></example>
    public static Func<T, (TResult Value, Func<T, TResult> Pushforward)> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return x =>
        {
            Tuple<TResult, FSharpFunc<T, TResult>> result = Transforms.linearize(function, x);
            return (result.Item1, result.Item2.Invoke);
        };
    }

    /// <summary>The value of a function of two arguments, and its derivative there as a linear function of a pair of
    /// tangents.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]);
    /// var (value, pushforward) = Linearize.Of((Tensor x, Tensor y) => x * y)(a, b);
    /// Tensor change = pushforward(b, a);
    /// </code></example>
    public static Func<T1, T2, (TResult Value, Func<T1, T2, TResult> Pushforward)> Of<T1, T2, TResult>(Func<T1, T2, TResult> f)
    {
        Func<(T1, T2), (TResult Value, Func<(T1, T2), TResult> Pushforward)> linearized = Of(Tuples.Join(f));
        return (x, y) =>
        {
            var (value, pushforward) = linearized((x, y));
            return (value, (dx, dy) => pushforward((dx, dy)));
        };
    }

    /// <summary>The value of a function of three arguments, and its derivative there as a linear function of three
    /// tangents.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (value, pushforward) = Linearize.Of((Tensor x, Tensor y, Tensor z) => x * y * z)(a, b, c);
    /// Tensor change = pushforward(b, a, c);
    /// </code></example>
    public static Func<T1, T2, T3, (TResult Value, Func<T1, T2, T3, TResult> Pushforward)> Of<T1, T2, T3, TResult>(
        Func<T1, T2, T3, TResult> f)
    {
        Func<(T1, T2, T3), (TResult Value, Func<(T1, T2, T3), TResult> Pushforward)> linearized = Of(Tuples.Join(f));
        return (x, y, z) =>
        {
            var (value, pushforward) = linearized((x, y, z));
            return (value, (dx, dy, dz) => pushforward((dx, dy, dz)));
        };
    }

    /// <summary>The value of a function of four arguments, and its derivative there as a linear function of four
    /// tangents.</summary>
    /// <example><code>
    /// Tensor a = Tensor.From([1.0, 2.0]), b = Tensor.From([3.0, 4.0]), c = Tensor.Scalar(0.5);
    /// var (value, pushforward) = Linearize.Of((Tensor x, Tensor y, Tensor z, Tensor w) => x * y * z - w)(a, b, c, a);
    /// Tensor change = pushforward(b, a, c, b);
    /// </code></example>
    public static Func<T1, T2, T3, T4, (TResult Value, Func<T1, T2, T3, T4, TResult> Pushforward)>
        Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> f)
    {
        Func<(T1, T2, T3, T4), (TResult Value, Func<(T1, T2, T3, T4), TResult> Pushforward)> linearized = Of(Tuples.Join(f));
        return (x, y, z, w) =>
        {
            var (value, pushforward) = linearized((x, y, z, w));
            return (value, (dx, dy, dz, dw) => pushforward((dx, dy, dz, dw)));
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
        FSharpFunc<T, TResult> function = Curried.From(f);
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
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// Tensor matrix = Jacobian.Forward(x => Tensor.Sin(x))(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Forward(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return x => Transforms.jacfwd(function, x);
    }

    /// <summary>The Jacobian by reverse mode: one pullback for all elements of the result at once. For functions with
    /// few outputs.</summary>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// Tensor matrix = Jacobian.Reverse(x => Tensor.Sin(x))(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Reverse(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return x => Transforms.jacrev(function, x);
    }
}

/// <summary>Second derivatives of scalar functions.</summary>
public static class Hessian
{
    /// <summary>The matrix of second derivatives, of shape (shape of x) + (shape of x): forward over reverse
    /// mode.</summary>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// Tensor matrix = Hessian.Of(x => Tensor.Exp(x).Sum())(point);
    /// </code></example>
    public static Func<Tensor, Tensor> Of(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return x => Transforms.hessian(function, x);
    }

    /// <summary>The product of the Hessian with a vector, (x, v) -> H(x) v, without forming the matrix; x and v are
    /// trees of one structure.</summary>
    /// <example><code>
    /// Tensor point = Tensor.From([0.5, -1.0, 2.0]);
    /// Tensor product = Hessian.VectorProduct((Tensor x) => Tensor.Exp(x).Sum())(point, Tensor.OnesLike(point));
    /// </code></example>
    public static Func<T, T, T> VectorProduct<T>(Func<T, Tensor> f)
    {
        FSharpFunc<T, Tensor> function = Curried.From(f);
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
    /// Tensor rows = Tensor.From([1.0, 2.0, 3.0, 4.0], 2, 2);
    /// Tensor slopes = Vmap.Of(Gradient.Of((Tensor x) => Tensor.Sin(x).Sum()))(rows); // one gradient for each row
    /// </code></example>
    public static Func<T, TResult> Of<T, TResult>(Func<T, TResult> f, int inAxis = 0, int outAxis = 0)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
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
    /// // The gradient of a loss with respect to the weights for each image.
    /// Tensor images = Tensor.From([1.0, 2.0, 3.0, 4.0], 2, 2), weights = Tensor.From([0.5, -1.0]);
    /// var perExample = Vmap.Of(
    ///     (Tensor image, Tensor w) => Gradient.Of((Tensor p) => Tensor.Square((p * image).Sum()))(w), 0, null);
    /// Tensor gradients = perExample(images, weights);
    /// </code></example>
    public static Func<T1, T2, TResult> Of<T1, T2, TResult>(
        Func<T1, T2, TResult> f, int? firstAxis = 0, int? secondAxis = 0, int outAxis = 0)
    {
        FSharpFunc<(T1, T2), TResult> function = FuncConvert.FromFunc(Tuples.Join(f));
        return (x, y) => Transforms.vmapWith([.. Axes(x, firstAxis), .. Axes(y, secondAxis)], outAxis, function, (x, y));
    }

    /// <summary>The values of a function of three arguments for each example along an axis of the arguments. An argument
    /// whose axis is null is the same for all examples.</summary>
    /// <param name="f">A function of three trees of tensors, of the shapes of one example.</param>
    /// <param name="firstAxis">The axis of the examples in the first argument; null if it has none.</param>
    /// <param name="secondAxis">The axis of the examples in the second argument; null if it has none.</param>
    /// <param name="thirdAxis">The axis of the examples in the third argument; null if it has none.</param>
    /// <param name="outAxis">The axis of the examples in every tensor of the result.</param>
    /// <example><code>
    /// Tensor rows = Tensor.From([1.0, 2.0, 3.0, 4.0], 2, 2), scale = Tensor.Scalar(2.0);
    /// Tensor sums = Vmap.Of((Tensor x, Tensor y, Tensor s) => (x * y * s).Sum(), 0, 0, null)(rows, rows, scale);
    /// </code></example>
    public static Func<T1, T2, T3, TResult> Of<T1, T2, T3, TResult>(
        Func<T1, T2, T3, TResult> f, int? firstAxis = 0, int? secondAxis = 0, int? thirdAxis = 0, int outAxis = 0)
    {
        FSharpFunc<(T1, T2, T3), TResult> function = FuncConvert.FromFunc(Tuples.Join(f));
        return (x, y, z) => Transforms.vmapWith(
            [.. Axes(x, firstAxis), .. Axes(y, secondAxis), .. Axes(z, thirdAxis)], outAxis, function, (x, y, z));
    }

    /// <summary>The values of a function of four arguments for each example along an axis of the arguments. An argument
    /// whose axis is null is the same for all examples.</summary>
    /// <param name="f">A function of four trees of tensors, of the shapes of one example.</param>
    /// <param name="firstAxis">The axis of the examples in the first argument; null if it has none.</param>
    /// <param name="secondAxis">The axis of the examples in the second argument; null if it has none.</param>
    /// <param name="thirdAxis">The axis of the examples in the third argument; null if it has none.</param>
    /// <param name="fourthAxis">The axis of the examples in the fourth argument; null if it has none.</param>
    /// <param name="outAxis">The axis of the examples in every tensor of the result.</param>
    /// <example><code>
    /// Tensor rows = Tensor.From([1.0, 2.0, 3.0, 4.0], 2, 2), scale = Tensor.Scalar(2.0);
    /// var each = Vmap.Of((Tensor x, Tensor y, Tensor s, Tensor t) => (x * y * s - t).Sum(), 0, 0, null, null);
    /// Tensor sums = each(rows, rows, scale, scale);
    /// </code></example>
    public static Func<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(
        Func<T1, T2, T3, T4, TResult> f,
        int? firstAxis = 0,
        int? secondAxis = 0,
        int? thirdAxis = 0,
        int? fourthAxis = 0,
        int outAxis = 0)
    {
        FSharpFunc<(T1, T2, T3, T4), TResult> function = FuncConvert.FromFunc(Tuples.Join(f));
        return (x, y, z, w) => Transforms.vmapWith(
            [.. Axes(x, firstAxis), .. Axes(y, secondAxis), .. Axes(z, thirdAxis), .. Axes(w, fourthAxis)],
            outAxis,
            function,
            (x, y, z, w));
    }

    private static IEnumerable<FSharpOption<int>?> Axes<T>(T tree, int? axis) =>
        Enumerable.Repeat(axis is { } a ? FSharpOption<int>.Some(a) : null, Tree.leaves(tree).Length);
}

/// <summary>Functions of several arguments as functions of one tuple, which is a tree.</summary>
internal static class Tuples
{
    internal static Func<(T1, T2), TResult> Join<T1, T2, TResult>(Func<T1, T2, TResult> f)
    {
        ArgumentNullException.ThrowIfNull(f);
        return x => f(x.Item1, x.Item2);
    }

    internal static Func<(T1, T2, T3), TResult> Join<T1, T2, T3, TResult>(Func<T1, T2, T3, TResult> f)
    {
        ArgumentNullException.ThrowIfNull(f);
        return x => f(x.Item1, x.Item2, x.Item3);
    }

    internal static Func<(T1, T2, T3, T4), TResult> Join<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> f)
    {
        ArgumentNullException.ThrowIfNull(f);
        return x => f(x.Item1, x.Item2, x.Item3, x.Item4);
    }
}

/// <summary>Delegates as functions of F#, which take one argument after another; null is an error that names the
/// parameter.</summary>
internal static class Curried
{
    internal static FSharpFunc<T, TResult> From<T, TResult>(
        Func<T, TResult> f, [CallerArgumentExpression(nameof(f))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(f, name);
        return FuncConvert.FromFunc(f);
    }

    internal static FSharpFunc<T1, FSharpFunc<T2, TResult>> From<T1, T2, TResult>(
        Func<T1, T2, TResult> f, [CallerArgumentExpression(nameof(f))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(f, name);
        return FuncConvert.FromFunc(f);
    }

    internal static FSharpFunc<T1, FSharpFunc<T2, FSharpFunc<T3, TResult>>> From<T1, T2, T3, TResult>(
        Func<T1, T2, T3, TResult> f, [CallerArgumentExpression(nameof(f))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(f, name);
        return FuncConvert.FromFunc(f);
    }
}
