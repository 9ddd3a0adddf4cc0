using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>What emitted loops call besides the functions themselves.</summary>
internal static unsafe class FusedRows<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Load(nint source) => V.Load((T*)source);

    [MethodImpl(Inline)]
    internal static V LoadPart(nint source, nint count) => V.LoadPart((T*)source, (int)count);

    [MethodImpl(Inline)]
    internal static void Store(V x, nint target) => x.Store((T*)target);

    [MethodImpl(Inline)]
    internal static void StorePart(V x, nint target, nint count) => x.StorePart((T*)target, (int)count);

    [MethodImpl(Inline)]
    internal static void StoreFirst(V x, nint target) => StorePart(x, target, 1);

    internal static void StoreTruthFirst(V mask, nint target) => StoreTruthPart(mask, target, 1);

    [MethodImpl(Inline)]
    internal static V Splat(nint source) => V.Splat(*(T*)source);

    [MethodImpl(Inline)]
    internal static V Constant(double value) => V.Constant(value);

    [MethodImpl(Inline)]
    internal static V LoadTruth(nint source) => V.LoadTruth((byte*)source);

    [MethodImpl(Inline)]
    internal static V SplatTruth(nint source) => V.Bits(*(byte*)source != 0 ? -1 : 0);

    internal static V LoadTruthPart(nint source, nint count)
    {
        ulong* truths = stackalloc ulong[8];
        Unsafe.CopyBlockUnaligned(truths, (byte*)source, (uint)count);
        return V.LoadTruth((byte*)truths);
    }

    [MethodImpl(Inline)]
    internal static void StoreTruth(V mask, nint target) => V.StoreTruth(mask, (byte*)target);

    internal static void StoreTruthPart(V mask, nint target, nint count)
    {
        ulong* truths = stackalloc ulong[8];
        V.StoreTruth(mask, (byte*)truths);
        Unsafe.CopyBlockUnaligned((byte*)target, truths, (uint)count);
    }

    [MethodImpl(Inline)]
    internal static V Select(V mask, V x, V y) => V.Select(mask, x, y);

    [MethodImpl(Inline)]
    internal static V And(V x, V y) => x & y;

    [MethodImpl(Inline)]
    internal static V Or(V x, V y) => x | y;

    [MethodImpl(Inline)]
    internal static V Not(V x) => V.Not(x);
}

/// <summary>What emitted loops call to combine elements: vectors <typeparamref name="V"/> of <typeparamref name="T"/> into
/// vectors <typeparamref name="W"/> of <typeparamref name="A"/>, one, or two that are wider.</summary>
internal static unsafe class FusedFold<V, T, W, A, TOp>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, INumber<T>
    where W : unmanaged, IVector<W, A>
    where A : unmanaged, INumber<A>
    where TOp : struct, IReducer<A>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private static ReadOnlySpan<float> Singles => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    private static ReadOnlySpan<double> Doubles => [0, 1, 2, 3, 4, 5, 6, 7];

    [MethodImpl(Inline)]
    internal static W Start() => W.Splat(TOp.Identity);

    /// <summary>The first elements, and beyond them what changes nothing.</summary>
    [MethodImpl(Inline)]
    internal static V Only(V x, nint count)
    {
        void* indices = typeof(T) == typeof(float)
            ? Unsafe.AsPointer(ref MemoryMarshal.GetReference(Singles))
            : Unsafe.AsPointer(ref MemoryMarshal.GetReference(Doubles));
        return V.Select(V.Less(V.Load((T*)indices), V.Constant(count)), x, V.Splat(T.CreateTruncating(TOp.Identity)));
    }

    [MethodImpl(Inline)]
    internal static W Take(W total, V x) => TOp.Combine(total, Unsafe.BitCast<V, W>(x));

    [MethodImpl(Inline)]
    internal static W TakeLower(W total, V x) => TOp.Combine(total, Lower(x));

    [MethodImpl(Inline)]
    internal static W TakeUpper(W total, V x) => TOp.Combine(total, Upper(x));

    [MethodImpl(Inline)]
    internal static void Add(V x, nint totals) => Take(W.Load((A*)totals), x).Store((A*)totals);

    [MethodImpl(Inline)]
    internal static void AddLower(V x, nint totals) => TakeLower(W.Load((A*)totals), x).Store((A*)totals);

    [MethodImpl(Inline)]
    internal static void AddWide(V x, nint totals)
    {
        A* lower = (A*)totals, upper = lower + W.Count;
        TakeLower(W.Load(lower), x).Store(lower);
        TakeUpper(W.Load(upper), x).Store(upper);
    }

    [MethodImpl(Inline)]
    internal static W Join(W lower, W upper) => TOp.Combine(lower, upper);

    /// <summary>The total of all lanes, in all lanes.</summary>
    [MethodImpl(Inline)]
    internal static V Total(W total) => V.Splat(T.CreateTruncating(W.Fold<TOp>(total)));

    [MethodImpl(Inline)]
    internal static void Into(W total, nint target) =>
        *(A*)target = TOp.Combine(*(A*)target, W.Fold<TOp>(total));

    [MethodImpl(Inline)]
    private static W Lower(V x)
    {
        if (typeof(V) == typeof(V512<float>)) return Of(Avx512F.ConvertToVector512Double(Unsafe.BitCast<V, Vector512<float>>(x).GetLower()));
        if (typeof(V) == typeof(V256<float>)) return Of(Avx.ConvertToVector256Double(Unsafe.BitCast<V, Vector256<float>>(x).GetLower()));
        if (typeof(V) == typeof(V128<float>)) return Of(Vector128.WidenLower(Unsafe.BitCast<V, Vector128<float>>(x)));
        return Of((double)Unsafe.BitCast<V, float>(x));
    }

    [MethodImpl(Inline)]
    private static W Upper(V x)
    {
        if (typeof(V) == typeof(V512<float>)) return Of(Avx512F.ConvertToVector512Double(Unsafe.BitCast<V, Vector512<float>>(x).GetUpper()));
        if (typeof(V) == typeof(V256<float>)) return Of(Avx.ConvertToVector256Double(Unsafe.BitCast<V, Vector256<float>>(x).GetUpper()));
        return Of(Vector128.WidenUpper(Unsafe.BitCast<V, Vector128<float>>(x)));
    }

    [MethodImpl(Inline)]
    private static W Of<S>(S x)
        where S : struct => Unsafe.BitCast<S, W>(x);
}
