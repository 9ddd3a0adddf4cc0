using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Autodiff.Kernels;

namespace Benchmarks;

/// <summary>What the machine can do at most, measured.</summary>
/// <param name="Flops">Multiplications and additions of float32 a second, from registers.</param>
/// <param name="Bytes">Bytes read and written a second by a copy of arrays that no cache holds.</param>
internal sealed record Limits(double Flops, double Bytes)
{
    private const int Chains = 12;

    /// <summary>The highest rates of many short runs on a number of threads: what else runs on the machine rarely takes part in
    /// all of them.</summary>
    internal static Limits Measure(int threads) => new(
        Best(threads, Simd.Width switch
        {
            512 => static _ => Multiply<Wide512>(),
            256 => static _ => Multiply<Wide256>(),
            128 => static _ => Multiply<Wide128>(),
            _ => static _ => Multiply<Wide1>(),
        }),
        Best(threads, Copying(threads)));

    /// <summary>The most of something a second; a call does a part of it on a thread and returns how much.</summary>
    private static double Best(int threads, Func<int, double> part)
    {
        double best = 0;
        var done = new double[threads];
        for (int round = 0; round < 100; round++)
        {
            long start = Stopwatch.GetTimestamp();
            Workers.For(threads, thread => done[thread] = part(thread));
            best = Math.Max(best, done.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static Func<int, double> Copying(int threads)
    {
        const int each = 1 << 26;
        var from = new byte[threads][];
        var to = new byte[threads][];
        for (int thread = 0; thread < threads; thread++) (from[thread], to[thread]) = (new byte[each], new byte[each]);
        return thread =>
        {
            from[thread].CopyTo(to[thread].AsSpan());
            return 2.0 * each;
        };
    }

    /// <summary>Chains of a v + b, as many as hide the time that each step takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Multiply<T>()
        where T : struct, IWide<T>
    {
        const int steps = 200_000;
        T a = T.Of(0.5f), b = T.Of(1f);
        T v0 = a, v1 = a, v2 = a, v3 = a, v4 = a, v5 = a, v6 = a, v7 = a, v8 = a, v9 = a, v10 = a, v11 = a;
        for (int i = 0; i < steps; i++)
        {
            v0 = T.Step(a, v0, b);
            v1 = T.Step(a, v1, b);
            v2 = T.Step(a, v2, b);
            v3 = T.Step(a, v3, b);
            v4 = T.Step(a, v4, b);
            v5 = T.Step(a, v5, b);
            v6 = T.Step(a, v6, b);
            v7 = T.Step(a, v7, b);
            v8 = T.Step(a, v8, b);
            v9 = T.Step(a, v9, b);
            v10 = T.Step(a, v10, b);
            v11 = T.Step(a, v11, b);
        }

        float sum = T.First(v0) + T.First(v1) + T.First(v2) + T.First(v3) + T.First(v4) + T.First(v5)
            + T.First(v6) + T.First(v7) + T.First(v8) + T.First(v9) + T.First(v10) + T.First(v11);
        return float.IsFinite(sum) ? 2.0 * Chains * steps * T.Count : throw new InvalidOperationException("The chains diverge.");
    }

    /// <summary>A register of float32.</summary>
    private interface IWide<T>
        where T : struct, IWide<T>
    {
        static abstract int Count { get; }

        static abstract T Of(float value);

        static abstract T Step(T a, T v, T b);

        static abstract float First(T v);
    }

    private readonly record struct Wide512(Vector512<float> Value) : IWide<Wide512>
    {
        public static int Count => Vector512<float>.Count;

        public static Wide512 Of(float value) => new(Vector512.Create(value));

        public static Wide512 Step(Wide512 a, Wide512 v, Wide512 b) => new(Vector512.FusedMultiplyAdd(a.Value, v.Value, b.Value));

        public static float First(Wide512 v) => v.Value[0];
    }

    private readonly record struct Wide256(Vector256<float> Value) : IWide<Wide256>
    {
        public static int Count => Vector256<float>.Count;

        public static Wide256 Of(float value) => new(Vector256.Create(value));

        public static Wide256 Step(Wide256 a, Wide256 v, Wide256 b) => new(Vector256.FusedMultiplyAdd(a.Value, v.Value, b.Value));

        public static float First(Wide256 v) => v.Value[0];
    }

    private readonly record struct Wide128(Vector128<float> Value) : IWide<Wide128>
    {
        public static int Count => Vector128<float>.Count;

        public static Wide128 Of(float value) => new(Vector128.Create(value));

        public static Wide128 Step(Wide128 a, Wide128 v, Wide128 b) => new(Vector128.FusedMultiplyAdd(a.Value, v.Value, b.Value));

        public static float First(Wide128 v) => v.Value[0];
    }

    private readonly record struct Wide1(float Value) : IWide<Wide1>
    {
        public static int Count => 1;

        public static Wide1 Of(float value) => new(value);

        public static Wide1 Step(Wide1 a, Wide1 v, Wide1 b) => new(MathF.FusedMultiplyAdd(a.Value, v.Value, b.Value));

        public static float First(Wide1 v) => v.Value;
    }
}
