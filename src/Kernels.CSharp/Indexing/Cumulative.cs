using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Results that run along one axis. The tensors are contiguous and seen as outer x length x inner; reverse runs go from
/// the end of the axis to its beginning.
/// </summary>
/// <remarks>
/// Numbers of float32 are accumulated in double precision and each result is rounded once; integers wrap. Results do
/// not depend on the number of threads.
/// </remarks>
public static unsafe class Cumulative
{
    private const long ElementsPerFork = 1 << 15;

    // Lines side by side that run together.
    private const int Block = 64;

    /// <summary>destination[o, j, i] = x[o, 0, i] + ... + x[o, j, i].</summary>
    /// <exception cref="ArgumentException">The type is bool, or a span has the wrong length.</exception>
    public static void Sum(
        DType dtype, int outer, int length, int inner, bool reverse, ReadOnlySpan<byte> x, Span<byte> destination) =>
        Run<Summation>(dtype, outer, length, inner, reverse, x, x, destination);

    /// <summary>destination[o, j, i] = x[o, 0, i] ... x[o, j, i].</summary>
    /// <exception cref="ArgumentException">The type is bool, or a span has the wrong length.</exception>
    public static void Product(
        DType dtype, int outer, int length, int inner, ReadOnlySpan<byte> x, Span<byte> destination) =>
        Run<Multiplication>(dtype, outer, length, inner, false, x, x, destination);

    /// <summary>
    /// The recurrence s[o, j, i] = a[o, j, i] s[o, j - 1, i] + b[o, j, i] from s = 0, so that the first a has no effect.
    /// </summary>
    /// <exception cref="ArgumentException">The type is bool, or a span has the wrong length.</exception>
    public static void LinearRecurrence(
        DType dtype, int outer, int length, int inner, bool reverse, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b,
        Span<byte> destination) => Run<Recurrence>(dtype, outer, length, inner, reverse, a, b, destination);

    /// <summary>
    /// The int64 positions of the largest of x[o, 0, i] to x[o, j, i]: the first of equals, and the first NaN.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static void ArgMax(
        DType dtype, int outer, int length, int inner, ReadOnlySpan<byte> x, Span<byte> destination)
    {
        DTypes.CheckComputed(dtype);
        long count = (long)outer * length * inner;
        Check(x.Length, count, dtype.Size());
        Check(destination.Length, count, sizeof(long));
        fixed (byte* px = x, pd = destination)
        {
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: ArgMax(outer, length, inner, px, (long*)pd); break;
                case DType.Int8: ArgMax(outer, length, inner, (sbyte*)px, (long*)pd); break;
                case DType.Int16: ArgMax(outer, length, inner, (short*)px, (long*)pd); break;
                case DType.Int32: ArgMax(outer, length, inner, (int*)px, (long*)pd); break;
                case DType.Int64: ArgMax(outer, length, inner, (long*)px, (long*)pd); break;
                case DType.Float32: ArgMax(outer, length, inner, (float*)px, (long*)pd); break;
                default: ArgMax(outer, length, inner, (double*)px, (long*)pd); break;
            }
        }
    }

    private static void ArgMax<T>(int outer, int length, int inner, T* x, long* destination)
        where T : unmanaged, INumber<T> =>
        Workers.ForUnits((long)outer * inner, Grain(length), (from, to) =>
        {
            for (long line = from; line < to; line++)
            {
                long start = line / inner * length * inner + line % inner;
                T* source = x + start;
                long* target = destination + start;
                long best = 0;
                for (long j = 0; j < length; j++)
                {
                    T value = source[j * inner], largest = source[best * inner];
                    if (value > largest || (T.IsNaN(value) && !T.IsNaN(largest))) best = j;
                    target[j * inner] = best;
                }
            }
        });

    private interface IStep
    {
        static abstract A Next<A>(A a, A b, A previous)
            where A : INumber<A>;

        /// <summary>What the first step follows: it takes 0 for its factor, as the one that is given may be infinite or NaN.</summary>
        static abstract A Start<A>()
            where A : INumber<A>;
    }

    private readonly struct Multiplication : IStep
    {
        public static A Next<A>(A a, A b, A previous)
            where A : INumber<A> => unchecked(previous * b);

        public static A Start<A>()
            where A : INumber<A> => A.One;
    }

    private readonly struct Summation : IStep
    {
        public static A Next<A>(A a, A b, A previous)
            where A : INumber<A> => unchecked(previous + b);

        public static A Start<A>()
            where A : INumber<A> => A.Zero;
    }

    private readonly struct Recurrence : IStep
    {
        public static A Next<A>(A a, A b, A previous)
            where A : INumber<A> => unchecked(a * previous + b);

        public static A Start<A>()
            where A : INumber<A> => A.Zero;
    }

    private static void Run<TStep>(
        DType dtype, int outer, int length, int inner, bool reverse, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b,
        Span<byte> destination)
        where TStep : struct, IStep
    {
        DTypes.CheckComputed(dtype);
        long count = (long)outer * length * inner;
        Check(a.Length, count, dtype.Size());
        Check(b.Length, count, dtype.Size());
        Check(destination.Length, count, dtype.Size());
        fixed (byte* pa = a, pb = b, pd = destination)
        {
            switch (dtype)
            {
                case DType.Bool: throw new ArgumentException("Booleans have no sum; convert them to a number type first.");
                case DType.UInt8: Run<byte, byte, TStep>(outer, length, inner, reverse, pa, pb, pd); break;
                case DType.Int8:
                    Run<sbyte, sbyte, TStep>(outer, length, inner, reverse, (sbyte*)pa, (sbyte*)pb, (sbyte*)pd);
                    break;
                case DType.Int16:
                    Run<short, short, TStep>(outer, length, inner, reverse, (short*)pa, (short*)pb, (short*)pd);
                    break;
                case DType.Int32: Run<int, int, TStep>(outer, length, inner, reverse, (int*)pa, (int*)pb, (int*)pd); break;
                case DType.Int64:
                    Run<long, long, TStep>(outer, length, inner, reverse, (long*)pa, (long*)pb, (long*)pd);
                    break;
                case DType.Float32:
                    Run<float, double, TStep>(outer, length, inner, reverse, (float*)pa, (float*)pb, (float*)pd);
                    break;
                default:
                    Run<double, double, TStep>(outer, length, inner, reverse, (double*)pa, (double*)pb, (double*)pd);
                    break;
            }
        }
    }

    /// <summary>Lines that lie side by side run together, a block at a time, so that memory is read in its order.</summary>
    private static void Run<T, A, TStep>(int outer, int length, int inner, bool reverse, T* a, T* b, T* destination)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
        where TStep : struct, IStep
    {
        if (inner == 1)
        {
            Workers.ForUnits(
                outer, Grain(length), (from, to) => RunLines<T, A, TStep>(from, to, length, reverse, a, b, destination));
            return;
        }

        int blocks = (inner + Block - 1) / Block;
        Workers.ForUnits((long)outer * blocks, Grain((long)length * Math.Min(inner, Block)), (from, to) =>
        {
            for (long part = from; part < to; part++)
            {
                int first = (int)(part % blocks) * Block;
                long start = part / blocks * length * inner + first;
                RunBlock<T, A, TStep>(
                    length, inner, Math.Min(Block, inner - first), reverse, a + start, b + start, destination + start);
            }
        });
    }

    /// <summary>Neighbouring lines, step by step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunBlock<T, A, TStep>(int length, int inner, int width, bool reverse, T* a, T* b, T* destination)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
        where TStep : struct, IStep
    {
        A* state = stackalloc A[Block];
        for (int i = 0; i < width; i++) state[i] = TStep.Start<A>();
        for (long j = 0; j < length; j++)
        {
            long at = (reverse ? length - 1 - j : j) * inner;
            for (int i = 0; i < width; i++)
            {
                A factor = j == 0 ? A.Zero : A.CreateTruncating(a[at + i]);
                A next = TStep.Next(factor, A.CreateTruncating(b[at + i]), state[i]);
                state[i] = next;
                destination[at + i] = T.CreateTruncating(next);
            }
        }
    }

    /// <summary>Contiguous lines, some at once: each step waits for the one before it, and not for those of other lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunLines<T, A, TStep>(long from, long to, int length, bool reverse, T* a, T* b, T* destination)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
        where TStep : struct, IStep
    {
        if (length == 0) return;
        int first = reverse ? length - 1 : 0, step = reverse ? -1 : 1;
        long line = from;
        for (; line + 4 <= to; line += 4)
        {
            long at = line * length + first;

            A s0 = Start<T, A, TStep>(b, destination, at), s1 = Start<T, A, TStep>(b, destination, at + length);
            A s2 = Start<T, A, TStep>(b, destination, at + 2L * length), s3 = Start<T, A, TStep>(b, destination, at + 3L * length);
            for (int j = 1; j < length; j++)
            {
                at += step;
                s0 = Step<T, A, TStep>(a, b, destination, at, s0);
                s1 = Step<T, A, TStep>(a, b, destination, at + length, s1);
                s2 = Step<T, A, TStep>(a, b, destination, at + 2L * length, s2);
                s3 = Step<T, A, TStep>(a, b, destination, at + 3L * length, s3);
            }
        }

        for (; line < to; line++)
        {
            long at = line * length + first;
            A s = Start<T, A, TStep>(b, destination, at);
            for (int j = 1; j < length; j++) s = Step<T, A, TStep>(a, b, destination, at += step, s);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static A Start<T, A, TStep>(T* b, T* destination, long at)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
        where TStep : struct, IStep
    {
        A next = TStep.Next(A.Zero, A.CreateTruncating(b[at]), TStep.Start<A>());
        destination[at] = T.CreateTruncating(next);
        return next;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static A Step<T, A, TStep>(T* a, T* b, T* destination, long at, A previous)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
        where TStep : struct, IStep
    {
        A next = TStep.Next(A.CreateTruncating(a[at]), A.CreateTruncating(b[at]), previous);
        destination[at] = T.CreateTruncating(next);
        return next;
    }

    private static long Grain(long length) => Math.Max(1, ElementsPerFork / Math.Max(1, length));

    private static void Check(int bytes, long count, int elementSize)
    {
        if (bytes != count * elementSize)
            throw new ArgumentException($"A span has {bytes} bytes, not {count} elements of {elementSize} bytes.");
    }
}
