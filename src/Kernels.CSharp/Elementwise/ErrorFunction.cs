using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>The error function: an odd polynomial up to 1, and 1 minus its complement from there on.</summary>
internal static class ErrorFunction
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Erf<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(x);
        V large = V.Constant(1) - Complement<V, T>(size) | x & V.Constant(-0.0);
        return V.Select(V.Less(size, V.Constant(1)), Small<V, T>(x), large);
    }

    [MethodImpl(Inline)]
    private static V Small<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V z = x * x, p;
        if (typeof(T) == typeof(float))
        {
            p = V.Fma(V.Constant(-9.6415497e-06), z, V.Constant(0.000112569585));
            p = V.Fma(p, z, V.Constant(-0.000848283002));
            p = V.Fma(p, z, V.Constant(0.00522094546));
            p = V.Fma(p, z, V.Constant(-0.0268654004));
            p = V.Fma(p, z, V.Constant(0.112837821));
            p = V.Fma(p, z, V.Constant(-0.376126379));
            p = V.Fma(p, z, V.Constant(0.128379166));
        }
        else
        {
            p = V.Fma(V.Constant(5.945264778780196e-11), z, V.Constant(-1.136566800604667e-09));
            p = V.Fma(p, z, V.Constant(1.4657880446443559e-08));
            p = V.Fma(p, z, V.Constant(-1.635002532534012e-07));
            p = V.Fma(p, z, V.Constant(1.6460972828093765e-06));
            p = V.Fma(p, z, V.Constant(-1.4925593507677327e-05));
            p = V.Fma(p, z, V.Constant(0.00012055331036936822));
            p = V.Fma(p, z, V.Constant(-0.0008548326978743354));
            p = V.Fma(p, z, V.Constant(0.005223977624780889));
            p = V.Fma(p, z, V.Constant(-0.026866170645072896));
            p = V.Fma(p, z, V.Constant(0.11283791670954857));
            p = V.Fma(p, z, V.Constant(-0.3761263890318375));
            p = V.Fma(p, z, V.Constant(0.1283791670955126));
        }

        return V.Fma(p, x, x);
    }

    /// <summary>1 - erf(x) for x of 1 and more.</summary>
    [MethodImpl(Inline)]
    private static V Complement<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
            // Its logarithm; beyond 4 it is below half a unit in the last place of the result.
            x = V.Clamp(x, V.Constant(0), V.Constant(4));
            V p = V.Fma(V.Constant(2.12157445e-07), x, V.Constant(-2.47551288e-05));
            p = V.Fma(p, x, V.Constant(0.000460362528));
            p = V.Fma(p, x, V.Constant(-0.00427064998));
            p = V.Fma(p, x, V.Constant(0.0253489483));
            p = V.Fma(p, x, V.Constant(-0.108606622));
            p = V.Fma(p, x, V.Constant(-0.633065701));
            p = V.Fma(p, x, V.Constant(-1.1296494));
            p = V.Fma(p, x, V.Constant(0.000202066352));
            return Exponentials.Exp<V, T>(p);
        }
        else
        {
            x = V.Clamp(x, V.Constant(0), V.Constant(6));
            return Quotient<V, T>(x) * Exponentials.Exp<V, T>(-(x * x));
        }
    }

    /// <summary>(1 - erf(x)) e^(x^2) in double precision, for x of 0 to 6: a polynomial in (x - 3) / (x + 3).</summary>
    [MethodImpl(Inline)]
    internal static V Quotient<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V t = (x - V.Constant(3)) / (x + V.Constant(3));
        V p = V.Fma(V.Constant(1.1966480533639894e-06), t, V.Constant(1.8757662041568048e-06));
        p = V.Fma(p, t, V.Constant(-8.08718297021735e-06));
        p = V.Fma(p, t, V.Constant(-1.2845415372362387e-05));
        p = V.Fma(p, t, V.Constant(6.407782502343109e-05));
        p = V.Fma(p, t, V.Constant(4.5258070567930534e-05));
        p = V.Fma(p, t, V.Constant(-0.0005970632250783847));
        p = V.Fma(p, t, V.Constant(0.0007077461153272639));
        p = V.Fma(p, t, V.Constant(0.004269136355257377));
        p = V.Fma(p, t, V.Constant(-0.024392499307404798));
        p = V.Fma(p, t, V.Constant(0.07166583719815711));
        p = V.Fma(p, t, V.Constant(-0.15011593650091445));
        p = V.Fma(p, t, V.Constant(0.24560380171232576));
        p = V.Fma(p, t, V.Constant(-0.32623356004303683));
        p = V.Fma(p, t, V.Constant(0.17900115118138996));
        return p;
    }
}
