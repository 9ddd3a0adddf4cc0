using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The three transforms of a one-dimensional minimal filtering algorithm F(m, 3), for vectors of independent sequences: m outputs of
/// a filter of 3 taps are Output(Input(m + 2 inputs) * Filter(3 taps)), with one product for each input.
/// </summary>
/// <remarks>Elements of a sequence lie <c>step</c> apart. Two dimensions are the transform of columns, then that of rows.</remarks>
internal unsafe interface IWinograd<V, L>
    where V : unmanaged
    where L : struct, ILanes<float, V>
{
    /// <summary>The outputs of a tile along an axis; it reads two inputs more.</summary>
    static abstract int Outputs { get; }

    /// <summary>Transforms inputs.</summary>
    static abstract void Input(float* from, nint step, float* to, nint toStep);

    /// <summary>Transforms the taps of filters.</summary>
    static abstract void Filter(float* from, nint step, float* to, nint toStep);

    /// <summary>Transforms products to outputs.</summary>
    static abstract void Output(float* from, nint step, float* to, nint toStep);

    /// <summary>The transpose of <see cref="Output"/>: from cotangents of outputs to those of products.</summary>
    static abstract void Cotangent(float* from, nint step, float* to, nint toStep);

    /// <summary>The transpose of <see cref="Filter"/>: from cotangents of transformed filters to those of the taps.</summary>
    static abstract void Gradient(float* from, nint step, float* to, nint toStep);
}

/// <summary>A transform to the products of tiles, whose firsts are <c>Outputs</c> of the algorithm apart.</summary>
internal unsafe interface ITileTransform
{
    /// <summary>The elements that a tile reads along an axis.</summary>
    static abstract int Reads { get; }

    static abstract void Run(float* from, nint step, float* to, nint toStep);
}

internal readonly unsafe struct InputTransform<V, L, F> : ITileTransform
    where V : unmanaged
    where L : struct, ILanes<float, V>
    where F : struct, IWinograd<V, L>
{
    public static int Reads => F.Outputs + 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(float* from, nint step, float* to, nint toStep) => F.Input(from, step, to, toStep);
}

internal readonly unsafe struct CotangentTransform<V, L, F> : ITileTransform
    where V : unmanaged
    where L : struct, ILanes<float, V>
    where F : struct, IWinograd<V, L>
{
    public static int Reads => F.Outputs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(float* from, nint step, float* to, nint toStep) => F.Cotangent(from, step, to, toStep);
}

/// <summary>
/// F(4, 3): polynomials of degree 5 are multiplied through their values at 0, a, -a, b, -b and infinity, for a = 5/8 and b = 3/2.
/// </summary>
/// <remarks>
/// The points are those of smallest error among pairs tried: a quarter of the largest and half of the mean error of the points 1 and 2.
/// Their powers that the transforms of inputs and outputs need are exact in float32.
/// </remarks>
internal readonly unsafe struct Winograd4<V, L> : IWinograd<V, L>
    where V : unmanaged
    where L : struct, ILanes<float, V>
{
    private const float A = 0.625f, B = 1.5f, A2 = A * A, B2 = B * B, A3 = A2 * A, B3 = B2 * B;
    private const float Sum = A2 + B2, Product = A2 * B2;

    // What the values of a filter are divided by: the products of the distances between a point and the other finite ones.
    private const double AtA = 2.0 * A2 * (A2 - B2), AtB = 2.0 * B2 * (B2 - A2);

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(float* from, nint step, float* to, nint toStep)
    {
        V d0 = L.Load(from), d1 = L.Load(from + step), d2 = L.Load(from + 2 * step);
        V d3 = L.Load(from + 3 * step), d4 = L.Load(from + 4 * step), d5 = L.Load(from + 5 * step);
        V minusA2 = L.Broadcast(-A2), minusB2 = L.Broadcast(-B2);
        V even = L.MultiplyAdd(d2, minusB2, d4), odd = L.MultiplyAdd(d1, minusB2, d3);
        L.Store(to, L.MultiplyAdd(d0, L.Broadcast(Product), L.MultiplyAdd(d2, L.Broadcast(-Sum), d4)));
        L.Store(to + toStep, L.MultiplyAdd(odd, L.Broadcast(A), even));
        L.Store(to + 2 * toStep, L.MultiplyAdd(odd, L.Broadcast(-A), even));
        even = L.MultiplyAdd(d2, minusA2, d4);
        odd = L.MultiplyAdd(d1, minusA2, d3);
        L.Store(to + 3 * toStep, L.MultiplyAdd(odd, L.Broadcast(B), even));
        L.Store(to + 4 * toStep, L.MultiplyAdd(odd, L.Broadcast(-B), even));
        L.Store(to + 5 * toStep, L.MultiplyAdd(d1, L.Broadcast(Product), L.MultiplyAdd(d3, L.Broadcast(-Sum), d5)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(float* from, nint step, float* to, nint toStep)
    {
        V g0 = L.Load(from), g1 = L.Load(from + step), g2 = L.Load(from + 2 * step), zero = default;
        L.Store(to, L.MultiplyAdd(g0, L.Broadcast((float)(1 / (double)Product)), zero));
        V even = L.MultiplyAdd(g0, L.Broadcast((float)(1 / AtA)), L.MultiplyAdd(g2, L.Broadcast((float)(A2 / AtA)), zero));
        L.Store(to + toStep, L.MultiplyAdd(g1, L.Broadcast((float)(A / AtA)), even));
        L.Store(to + 2 * toStep, L.MultiplyAdd(g1, L.Broadcast((float)(-A / AtA)), even));
        even = L.MultiplyAdd(g0, L.Broadcast((float)(1 / AtB)), L.MultiplyAdd(g2, L.Broadcast((float)(B2 / AtB)), zero));
        L.Store(to + 3 * toStep, L.MultiplyAdd(g1, L.Broadcast((float)(B / AtB)), even));
        L.Store(to + 4 * toStep, L.MultiplyAdd(g1, L.Broadcast((float)(-B / AtB)), even));
        L.Store(to + 5 * toStep, g2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* from, nint step, float* to, nint toStep)
    {
        V m0 = L.Load(from), m1 = L.Load(from + step), m2 = L.Load(from + 2 * step);
        V m3 = L.Load(from + 3 * step), m4 = L.Load(from + 4 * step), m5 = L.Load(from + 5 * step);
        V minus = L.Broadcast(-1f), zero = default;
        V evenA = L.Add(m1, m2), oddA = L.MultiplyAdd(m2, minus, m1);
        V evenB = L.Add(m3, m4), oddB = L.MultiplyAdd(m4, minus, m3);
        L.Store(to, L.Add(m0, L.Add(evenA, evenB)));
        L.Store(to + toStep, L.MultiplyAdd(oddA, L.Broadcast(A), L.MultiplyAdd(oddB, L.Broadcast(B), zero)));
        L.Store(to + 2 * toStep, L.MultiplyAdd(evenA, L.Broadcast(A2), L.MultiplyAdd(evenB, L.Broadcast(B2), zero)));
        L.Store(to + 3 * toStep, L.MultiplyAdd(oddA, L.Broadcast(A3), L.MultiplyAdd(oddB, L.Broadcast(B3), m5)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cotangent(float* from, nint step, float* to, nint toStep)
    {
        V c0 = L.Load(from), c1 = L.Load(from + step), c2 = L.Load(from + 2 * step), c3 = L.Load(from + 3 * step);
        L.Store(to, c0);
        V even = L.MultiplyAdd(c2, L.Broadcast(A2), c0), odd = L.MultiplyAdd(c3, L.Broadcast(A2), c1);
        L.Store(to + toStep, L.MultiplyAdd(odd, L.Broadcast(A), even));
        L.Store(to + 2 * toStep, L.MultiplyAdd(odd, L.Broadcast(-A), even));
        even = L.MultiplyAdd(c2, L.Broadcast(B2), c0);
        odd = L.MultiplyAdd(c3, L.Broadcast(B2), c1);
        L.Store(to + 3 * toStep, L.MultiplyAdd(odd, L.Broadcast(B), even));
        L.Store(to + 4 * toStep, L.MultiplyAdd(odd, L.Broadcast(-B), even));
        L.Store(to + 5 * toStep, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Gradient(float* from, nint step, float* to, nint toStep)
    {
        V u0 = L.Load(from), u1 = L.Load(from + step), u2 = L.Load(from + 2 * step);
        V u3 = L.Load(from + 3 * step), u4 = L.Load(from + 4 * step), u5 = L.Load(from + 5 * step);
        V minus = L.Broadcast(-1f), zero = default;
        V evenA = L.Add(u1, u2), oddA = L.MultiplyAdd(u2, minus, u1);
        V evenB = L.Add(u3, u4), oddB = L.MultiplyAdd(u4, minus, u3);
        V sum = L.MultiplyAdd(u0, L.Broadcast((float)(1 / (double)Product)), zero);
        sum = L.MultiplyAdd(evenA, L.Broadcast((float)(1 / AtA)), sum);
        L.Store(to, L.MultiplyAdd(evenB, L.Broadcast((float)(1 / AtB)), sum));
        sum = L.MultiplyAdd(oddA, L.Broadcast((float)(A / AtA)), zero);
        L.Store(to + toStep, L.MultiplyAdd(oddB, L.Broadcast((float)(B / AtB)), sum));
        sum = L.MultiplyAdd(evenA, L.Broadcast((float)(A2 / AtA)), u5);
        L.Store(to + 2 * toStep, L.MultiplyAdd(evenB, L.Broadcast((float)(B2 / AtB)), sum));
    }
}
