using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Scalar functions that the base library lacks or computes with cancellation.</summary>
internal static class ScalarMath
{
    /// <summary>exp(x) - 1 without cancellation near 0, by Kahan's correction of the rounded exponential.</summary>
    internal static T Expm1<T>(T x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (x == T.Zero) return x;
        T u = T.Exp(x);
        if (u == T.One) return x;
        T less = u - T.One;
        return less == -T.One || T.IsInfinity(u) ? less : less * x / T.Log(u);
    }

    /// <summary>log(1 + x) without cancellation near 0, by Kahan's correction of the rounded sum.</summary>
    internal static T Log1p<T>(T x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T u = T.One + x;
        return u == T.One ? x : T.IsInfinity(u) ? u : T.Log(u) * (x / (u - T.One));
    }

    internal static T Erf<T>(T x)
        where T : unmanaged, IFloatingPointIeee754<T> => ErrorFunction.Erf<V1<T>, T>(V1<T>.Splat(x)).First;
}
