using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Elementary functions on registers of floats or doubles. All widths give the same bits, because each step is
/// rounded alike. The polynomials were fitted at Chebyshev nodes.
/// </summary>
internal static class RegisterMath<T, V, R>
    where T : unmanaged
    where V : struct
    where R : struct, IFloatRegister<T, V>
{
    /// <summary>e^x within 2 units in the last place, denormal results included; NaN of NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exp(V x)
    {
        bool single = typeof(T) == typeof(float);

        // Beyond these the result rounds to 0 or to infinity; without them infinity - infinity would follow.
        x = R.MaxNative(C(single ? -104.0 : -746.0), x);
        x = R.MinNative(C(single ? 89.0 : 710.0), x);

        // x = n log 2 + r; the first part of log 2 is short, so that its product with n is exact.
        V n = R.Round(R.Multiply(x, C(1.442695040888963407)));
        V r = R.FusedMultiplyAdd(n, C(single ? -0.693145751953125 : -0.69314718036912381649), x);
        r = R.FusedMultiplyAdd(n, C(single ? -1.4286068203094172321e-6 : -1.908214929270587816e-10), r);
        V p;
        if (single)
        {
            p = C(0.00139261761946096419);
            p = R.FusedMultiplyAdd(p, r, C(0.00836317313429282076));
            p = R.FusedMultiplyAdd(p, r, C(0.0416665546616021411));
            p = R.FusedMultiplyAdd(p, r, C(0.166665770252390495));
        }
        else
        {
            p = C(2.09146794524951938e-9);
            p = R.FusedMultiplyAdd(p, r, C(2.51052064802593654e-8));
            p = R.FusedMultiplyAdd(p, r, C(2.75572736611662799e-7));
            p = R.FusedMultiplyAdd(p, r, C(2.75572554254910722e-6));
            p = R.FusedMultiplyAdd(p, r, C(0.0000248015873255335076));
            p = R.FusedMultiplyAdd(p, r, C(0.000198412698748006933));
            p = R.FusedMultiplyAdd(p, r, C(0.00138888888888837524));
            p = R.FusedMultiplyAdd(p, r, C(0.00833333333332614083));
            p = R.FusedMultiplyAdd(p, r, C(0.0416666666666666698));
            p = R.FusedMultiplyAdd(p, r, C(0.16666666666666671));
        }

        p = R.FusedMultiplyAdd(p, r, C(0.5));
        p = R.FusedMultiplyAdd(p, r, C(1));
        return R.Scale(R.FusedMultiplyAdd(p, r, C(1)), n);
    }

    /// <summary>The natural logarithm of positive normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Log(V x)
    {
        // x = 2^k m, and log m = 2 artanh s.
        V m = R.Split(x, out V k);
        V s = R.Divide(R.Subtract(m, C(1)), R.Add(m, C(1)));
        V z = R.Multiply(s, s);
        V p;
        if (typeof(T) == typeof(float))
        {
            p = C(0.295799504284820984);
            p = R.FusedMultiplyAdd(p, z, C(0.399887805431845809));
            p = R.FusedMultiplyAdd(p, z, C(0.666666850396316511));
        }
        else
        {
            p = C(0.130866275564521626);
            p = R.FusedMultiplyAdd(p, z, C(0.132687730039634489));
            p = R.FusedMultiplyAdd(p, z, C(0.153862397078441165));
            p = R.FusedMultiplyAdd(p, z, C(0.181817956400404391));
            p = R.FusedMultiplyAdd(p, z, C(0.222222223917147828));
            p = R.FusedMultiplyAdd(p, z, C(0.28571428570803608));
            p = R.FusedMultiplyAdd(p, z, C(0.40000000000000877));
            p = R.FusedMultiplyAdd(p, z, C(0.666666666666666665));
        }

        V log = R.FusedMultiplyAdd(R.Multiply(p, z), s, R.Add(s, s));
        return R.FusedMultiplyAdd(k, C(0.69314718055994530942), log);
    }

    /// <summary>Sine and cosine of angles between -pi/4 and pi/4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V SinCos(V x, out V cos)
    {
        V z = R.Multiply(x, x);
        V s, c;
        if (typeof(T) == typeof(float))
        {
            s = C(-0.000195878908804123858);
            s = R.FusedMultiplyAdd(s, z, C(0.00833274827062974948));
            s = R.FusedMultiplyAdd(s, z, C(-0.166666646623143786));
            c = C(0.0000245479420850715725);
            c = R.FusedMultiplyAdd(c, z, C(-0.0013888303035894866));
            c = R.FusedMultiplyAdd(c, z, C(0.0416666646595022068));
        }
        else
        {
            s = C(1.59181292948666087e-10);
            s = R.FusedMultiplyAdd(s, z, C(-2.50511318450036244e-8));
            s = R.FusedMultiplyAdd(s, z, C(2.75573161025524401e-6));
            s = R.FusedMultiplyAdd(s, z, C(-0.000198412698367585743));
            s = R.FusedMultiplyAdd(s, z, C(0.00833333333333094849));
            s = R.FusedMultiplyAdd(s, z, C(-0.166666666666666646));
            c = C(-1.1382632425521718e-11);
            c = R.FusedMultiplyAdd(c, z, C(2.08761462684031979e-9));
            c = R.FusedMultiplyAdd(c, z, C(-2.75573172717297929e-7));
            c = R.FusedMultiplyAdd(c, z, C(0.0000248015872987656879));
            c = R.FusedMultiplyAdd(c, z, C(-0.00138888888888873972));
            c = R.FusedMultiplyAdd(c, z, C(0.0416666666666666654));
        }

        c = R.FusedMultiplyAdd(c, z, C(-0.5));
        cos = R.FusedMultiplyAdd(c, z, C(1));
        return R.FusedMultiplyAdd(R.Multiply(s, z), x, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V C(double value) =>
        R.Broadcast(typeof(T) == typeof(float)
            ? Unsafe.BitCast<float, T>((float)value)
            : Unsafe.BitCast<double, T>(value));
}
