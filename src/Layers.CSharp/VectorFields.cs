using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>The sum of the second derivatives of a field, in Cartesian coordinates.</summary>
public static class Laplacian
{
    /// <summary>The trace of the Hessian for each element of f(x), of the shape of f(x). The Hessian is not formed.</summary>
    /// <remarks>The first derivatives along all axes are carried through f at once, with memory for all, and the sum of the
    /// second. The field is a function of one point; for many points, map it with Vmap.</remarks>
    /// <exception cref="ArgumentException">When called: x is not floating-point.</exception>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; atEachRow = Vmap.Of(Laplacian.Of(x => Tensor.Exp(x).Sum()));
    /// </code></example>
    public static Func<Tensor, Tensor> Of(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return x => VectorCalculus.laplacian(function, x);
    }
}

/// <summary>The flow out of each point of a vector field, in Cartesian coordinates.</summary>
public static class Divergence
{
    /// <summary>The sum of the derivatives of each element of f(x) in the same element of x, the trace of the Jacobian: a
    /// number.</summary>
    /// <remarks>The field is a function of one point; for many points, map it with Vmap.</remarks>
    /// <exception cref="ArgumentException">When called: f(x) has not the shape of x, or x is not
    /// floating-point.</exception>
    /// <example><code>
    /// Tensor three = Divergence.Of(x => x)(Tensor.From([1.0, 2.0, 3.0], 3));
    /// </code></example>
    public static Func<Tensor, Tensor> Of(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return x => VectorCalculus.divergence(function, x);
    }
}

/// <summary>The rotation of a vector field, in Cartesian coordinates.</summary>
public static class Curl
{
    /// <summary>In three dimensions the vector (df2/dx1 - df1/dx2, df0/dx2 - df2/dx0, df1/dx0 - df0/dx1); in two the number
    /// df1/dx0 - df0/dx1.</summary>
    /// <remarks>x and f(x) have the shape (3) or (2). The field is a function of one point; for many points, map it with
    /// Vmap.</remarks>
    /// <exception cref="ArgumentException">When called: x or f(x) has another shape, or x is not
    /// floating-point.</exception>
    /// <example><code>
    /// Tensor quarterTurn = Tensor.From([0.0, -1.0, 1.0, 0.0], 2, 2);
    /// Tensor two = Curl.Of(x => quarterTurn.MatMul(x))(Tensor.From([0.5, 2.0], 2));
    /// </code></example>
    public static Func<Tensor, Tensor> Of(Func<Tensor, Tensor> f)
    {
        FSharpFunc<Tensor, Tensor> function = Curried.From(f);
        return x => VectorCalculus.curl(function, x);
    }
}
