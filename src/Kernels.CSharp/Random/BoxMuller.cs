using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Standard normal numbers by the method of Box and Muller. All widths give the same bits, because each step is
/// rounded alike. The polynomials were fitted at Chebyshev nodes.
/// </summary>
internal static unsafe class BoxMuller<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Makes pairs of the words of each group, in their place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Convert(byte* words, nint bytes)
    {
        const double turn = Math.PI / 4;
        nint half = CounterRandom.Group / 2 / sizeof(T);
        double unit = sizeof(T) == 4 ? 1.0 / (1L << 31) : 1.0 / (1L << 62) / 2;
        V scale = V.Constant(unit), least = V.Constant(unit / 2), angle = V.Constant(turn * unit);
        for (byte* group = words; group < words + bytes; group += CounterRandom.Group)
        {
            T* first = (T*)group, second = first + half;
            for (nint i = 0; i < half; i += V.Count)
            {
                // The magnitude of a signed integer is uniform and never 0 once half a unit is added; the two lowest
                // bits of the other choose the quarter of the circle.
                V u = V.Fma(V.Abs(V.FromIntegers(V.Load(first + i))), scale, least);
                V radius = V.Sqrt(Log(u) * V.Constant(-2));
                V turns = V.Load(second + i), swaps = Bit(turns, 0);
                V s = SinCos(V.FromIntegers(turns) * angle, out V c);
                radius = V.Select(Bit(turns, 1), -radius, radius);
                (radius * V.Select(swaps, s, c)).Store(first + i);
                (radius * V.Select(swaps, c, s)).Store(second + i);
            }
        }
    }

    /// <summary>The natural logarithm of positive normal numbers.</summary>
    [MethodImpl(Inline)]
    internal static V Log(V x)
    {
        // x = 2^k m, and log m = 2 artanh s.
        V m = Logarithms.Split<V, T>(x, out V k);
        V s = (m - V.Constant(1)) / (m + V.Constant(1));
        V z = s * s;
        V p;
        if (typeof(T) == typeof(float))
        {
            p = V.Constant(0.295799504284820984);
            p = V.Fma(p, z, V.Constant(0.399887805431845809));
            p = V.Fma(p, z, V.Constant(0.666666850396316511));
        }
        else
        {
            p = V.Constant(0.130866275564521626);
            p = V.Fma(p, z, V.Constant(0.132687730039634489));
            p = V.Fma(p, z, V.Constant(0.153862397078441165));
            p = V.Fma(p, z, V.Constant(0.181817956400404391));
            p = V.Fma(p, z, V.Constant(0.222222223917147828));
            p = V.Fma(p, z, V.Constant(0.28571428570803608));
            p = V.Fma(p, z, V.Constant(0.40000000000000877));
            p = V.Fma(p, z, V.Constant(0.666666666666666665));
        }

        V log = V.Fma(p * z, s, s + s);
        return V.Fma(k, V.Constant(0.69314718055994530942), log);
    }

    /// <summary>Sine and cosine of angles between -pi/4 and pi/4.</summary>
    [MethodImpl(Inline)]
    internal static V SinCos(V x, out V cos)
    {
        V z = x * x;
        V s, c;
        if (typeof(T) == typeof(float))
        {
            s = V.Constant(-0.000195878908804123858);
            s = V.Fma(s, z, V.Constant(0.00833274827062974948));
            s = V.Fma(s, z, V.Constant(-0.166666646623143786));
            c = V.Constant(0.0000245479420850715725);
            c = V.Fma(c, z, V.Constant(-0.0013888303035894866));
            c = V.Fma(c, z, V.Constant(0.0416666646595022068));
        }
        else
        {
            s = V.Constant(1.59181292948666087e-10);
            s = V.Fma(s, z, V.Constant(-2.50511318450036244e-8));
            s = V.Fma(s, z, V.Constant(2.75573161025524401e-6));
            s = V.Fma(s, z, V.Constant(-0.000198412698367585743));
            s = V.Fma(s, z, V.Constant(0.00833333333333094849));
            s = V.Fma(s, z, V.Constant(-0.166666666666666646));
            c = V.Constant(-1.1382632425521718e-11);
            c = V.Fma(c, z, V.Constant(2.08761462684031979e-9));
            c = V.Fma(c, z, V.Constant(-2.75573172717297929e-7));
            c = V.Fma(c, z, V.Constant(0.0000248015872987656879));
            c = V.Fma(c, z, V.Constant(-0.00138888888888873972));
            c = V.Fma(c, z, V.Constant(0.0416666666666666654));
        }

        c = V.Fma(c, z, V.Constant(-0.5));
        cos = V.Fma(c, z, V.Constant(1));
        return V.Fma(s * z, x, x);
    }

    /// <summary>The mask of the elements that have a bit set.</summary>
    [MethodImpl(Inline)]
    private static V Bit(V x, int bit)
    {
        // Moved to the highest bit of the exponent, it alone is the number 2.
        V two = V.ShiftLeft(x & V.Bits(1L << bit), 8 * sizeof(T) - 2 - bit);
        return V.Equal(two, V.Constant(2));
    }
}
