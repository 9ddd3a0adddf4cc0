using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public unsafe class SoftmaxTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    private static T[] Run<TRow, T>(int rows, int columns, T[] x, T[] y, int width)
        where TRow : struct, ISoftmaxRow
        where T : unmanaged
    {
        T[] result = new T[x.Length];
        Softmax.Run<TRow>(
            DTypes.Of<T>(), rows, columns, MemoryMarshal.AsBytes<T>(x), MemoryMarshal.AsBytes<T>(y),
            MemoryMarshal.AsBytes(result.AsSpan()), width);
        return result;
    }

    private static void Agree<T>(double[] expected, T[] actual, double tolerance, string what)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < expected.Length; i++)
        {
            double a = double.CreateTruncating(actual[i]);
            Assert.True(
                Math.Abs(a - expected[i]) <= tolerance * Math.Max(1e-3, Math.Abs(expected[i])),
                $"{what}: element {i} is {a}, not {expected[i]}");
        }
    }

    private static void AllKernelsAgree<T>(int rows, int columns, double spread, double tolerance, int width)
        where T : unmanaged, INumber<T>
    {
        Random random = new(columns);
        T[] x = new T[rows * columns], ct = new T[rows * columns];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = T.CreateTruncating((random.NextDouble() - 0.5) * spread);
            ct[i] = T.CreateTruncating(random.NextDouble() - 0.5);
        }

        double[] softmax = new double[x.Length], logSoftmax = new double[x.Length];
        double[] gradient = new double[x.Length], logGradient = new double[x.Length];
        T[] y = Run<SoftmaxRow, T>(rows, columns, x, x, width);
        T[] logY = Run<LogSoftmaxRow, T>(rows, columns, x, x, width);
        for (int r = 0; r < rows; r++)
        {
            int[] row = [.. Enumerable.Range(r * columns, columns)];
            double max = row.Max(i => double.CreateTruncating(x[i]));
            double sum = row.Sum(i => Math.Exp(double.CreateTruncating(x[i]) - max));
            double dot = row.Sum(i => double.CreateTruncating(ct[i]) * double.CreateTruncating(y[i]));
            double ctSum = row.Sum(i => double.CreateTruncating(ct[i]));
            foreach (int i in row)
            {
                logSoftmax[i] = double.CreateTruncating(x[i]) - max - Math.Log(sum);
                softmax[i] = Math.Exp(logSoftmax[i]);
                double c = double.CreateTruncating(ct[i]);
                gradient[i] = double.CreateTruncating(y[i]) * (c - dot);
                logGradient[i] = c - Math.Exp(double.CreateTruncating(logY[i])) * ctSum;
            }
        }

        string what = $"{rows} x {columns} {typeof(T).Name}";
        Agree(softmax, y, tolerance, "softmax " + what);
        Agree(logSoftmax, logY, 100 * tolerance, "log-softmax " + what);
        Agree(gradient, Run<SoftmaxGradientRow, T>(rows, columns, y, ct, width), 1e3 * tolerance, "gradient " + what);
        Agree(
            logGradient, Run<LogSoftmaxGradientRow, T>(rows, columns, logY, ct, width), 1e3 * tolerance,
            "log gradient " + what);
    }

    [Theory, MemberData(nameof(Widths))]
    public void All_kernels_agree_with_the_definition_at_every_number_of_columns(int width)
    {
        for (int columns = 1; columns < 70; columns++)
        {
            AllKernelsAgree<float>(3, columns, 10, 1e-6, width);
            AllKernelsAgree<double>(3, columns, 10, 1e-14, width);
        }

        AllKernelsAgree<float>(2, 9001, 10, 1e-6, width);
        AllKernelsAgree<double>(200, 301, 100, 1e-13, width);
        AllKernelsAgree<float>(0, 3, 1, 0, width);
        Assert.Empty(Run<SoftmaxRow, float>(3, 0, [], [], width));
    }

    [Theory, MemberData(nameof(Widths))]
    public void Infinities_and_NaN_behave_as_documented(int width)
    {
        const float inf = float.PositiveInfinity, nan = float.NaN;
        for (int n = 2; n < 40; n++)
        {
            float[] x = new float[n];
            Array.Fill(x, -inf);
            Assert.All(Run<SoftmaxRow, float>(1, n, x, x, width), v => Assert.Equal(nan, v));
            Assert.All(Run<LogSoftmaxRow, float>(1, n, x, x, width), v => Assert.Equal(nan, v));
            x[n - 1] = 3;
            float[] one = new float[n];
            one[n - 1] = 1;
            Assert.Equal(one, Run<SoftmaxRow, float>(1, n, x, x, width));
            Assert.Equal([.. x.Select(v => v - 3)], Run<LogSoftmaxRow, float>(1, n, x, x, width));
            x[n / 3] = inf;
            Assert.All(Run<SoftmaxRow, float>(1, n, x, x, width), v => Assert.Equal(nan, v));
            x[n / 3] = nan;
            Assert.All(Run<SoftmaxRow, float>(1, n, x, x, width), v => Assert.Equal(nan, v));
        }

        Assert.Equal([0.5f, 0.5f, 0], Run<SoftmaxRow, float>(1, 3, [3e38f, 3e38f, -3e38f], [0, 0, 0], width));
    }

    [Fact]
    public void A_type_without_fractions_or_a_wrong_length_is_an_error()
    {
        Assert.Throws<ArgumentException>(() => Softmax.Forward(DType.Int32, 1, 2, new byte[8], new byte[8]));
        Assert.Throws<ArgumentException>(() => Softmax.Forward(DType.Float32, 1, 2, new byte[8], new byte[4]));
        byte[] x = new byte[8], y = new byte[4];
        Assert.Throws<ArgumentException>(() => Softmax.Backward(DType.Float32, 1, 2, x, y, x));
    }

    private static T[] Apply<T>(int width, T[] x, int function)
        where T : unmanaged, INumber<T>
    {
        return width switch
        {
            512 => Apply<V512<T>, T>(x, function),
            256 => Apply<V256<T>, T>(x, function),
            128 => Apply<V128<T>, T>(x, function),
            _ => Apply<V1<T>, T>(x, function),
        };
    }

    private static T[] Apply<V, T>(T[] x, int function)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        T[] y = new T[x.Length];
        fixed (T* from = x, to = y)
        {
            for (int i = 0; i < x.Length; i += V.Count)
            {
                V value = V.Load(from + i), other;
                V result = function switch
                {
                    0 => Exponentials.Exp<V, T>(value),
                    1 => BoxMuller<V, T>.Log(value),
                    _ => BoxMuller<V, T>.SinCos(value, out other),
                };
                if (function == 3) BoxMuller<V, T>.SinCos(value, out result);
                result.Store(to + i);
            }
        }

        return y;
    }

    [Theory, MemberData(nameof(Widths))]
    public void Functions_on_vectors_are_within_two_units_and_the_same_at_all_widths(int width)
    {
        Func<double, double>[] functions = [Math.Exp, Math.Log, Math.Sin, Math.Cos];
        const double octant = Math.PI / 4;
        (double Low, double High)[] ranges = [(-110, 92), (1e-30, 1.5), (-octant, octant), (-octant, octant)];
        for (int f = 0; f < 4; f++)
        {
            Random random = new(f);
            float[] x = new float[20_000];
            double[] z = new double[20_000];
            for (int i = 0; i < x.Length; i++)
            {
                z[i] = ranges[f].Low + (ranges[f].High - ranges[f].Low) * random.NextDouble();
                if (f == 1 && i % 2 == 0) z[i] = Math.Pow(2, -60 * random.NextDouble());
                if (f == 0 && i % 2 == 0) z[i] *= 7.8;
                x[i] = (float)(f == 0 && i % 2 == 0 ? z[i] / 50 : z[i]);
            }

            float[] y = Apply(width, x, f);
            double[] w = Apply(width, z, f);
            Assert.Equal(Apply(0, x, f), y);
            Assert.Equal(Apply(0, z, f), w);
            for (int i = 0; i < x.Length; i++)
            {
                double exact = functions[f](x[i]), size = MathF.Abs((float)exact);
                bool close = double.IsInfinity(size)
                    ? y[i] == (float)exact
                    : Math.Abs(y[i] - exact) <= 2 * (MathF.BitIncrement((float)size) - size);
                Assert.True(close, $"Function {f} of {x[i]} is {y[i]}, not {exact}.");
                exact = functions[f](z[i]);
                size = Math.Abs(exact);
                close = double.IsInfinity(size)
                    ? w[i] == exact
                    : Math.Abs(w[i] - exact) <= 3 * (Math.BitIncrement(size) - size);
                Assert.True(close, $"Function {f} of {z[i]} is {w[i]}, not {exact}.");
            }
        }

        const float inf = float.PositiveInfinity;
        float[] specials = [0, -0f, float.NaN, inf, -inf, 88.8f, .. Enumerable.Repeat<float>(0, 10)];
        float[] exps = Apply(width, specials, 0);
        Assert.Equal([1, 1, float.NaN, inf, 0, inf], exps[..6]);
    }
}
