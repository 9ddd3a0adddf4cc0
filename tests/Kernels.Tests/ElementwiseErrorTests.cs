using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

/// <summary>The errors that docs/accuracy.md states.</summary>
public class ElementwiseErrorTests
{
    private const double Single = 2;
    private const double Double = 4;

    /// <summary>The functions, and between which numbers their double-precision forms are compared.</summary>
    public static TheoryData<string, double, double> Functions => new()
    {
        { "exp", -150, 700 }, { "expm1", -150, 700 }, { "log", 1e-60, 1e60 }, { "log1p", -0.999999999, 1e60 },
        { "sin", -1e5, 1e5 }, { "cos", -1e5, 1e5 }, { "tanh", -30, 30 }, { "sigmoid", -150, 50 },
        { "softplus", -150, 700 }, { "erf", -6.5, 6.5 },
    };

    private static T[] Values<T>(string name, T[] x)
        where T : unmanaged
    {
        T[] result = new T[x.Length];
        Unary.All.Single(kernel => kernel.Name == name).Invoke(
            DTypes.Of<T>(), MemoryMarshal.AsBytes(x.AsSpan()), [], MemoryMarshal.AsBytes(result.AsSpan()), [x.Length]);
        return result;
    }

    [Theory, MemberData(nameof(Functions))]
    public void Double_precision_is_within_four_units(string name, double least, double greatest)
    {
        Random random = new(11);
        double[] x = [.. Enumerable.Range(0, 6000).Select(Sample).Where(v => v >= least && v <= greatest && v != 0)];
        double[] y = Values(name, x);
        double worst = 0, at = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double error = ExactFunctions.Error(name, x[i], y[i]);
            if (error > worst) (worst, at) = (error, x[i]);
        }

        Assert.True(worst <= Double, $"{name}({at:R}) is {worst} units off.");

        double Sample(int i)
        {
            double u = random.NextDouble(), sign = i % 2 == 0 ? 1 : -1;
            return (i / 2 % 5) switch
            {
                0 => sign * u,
                1 => sign * u * 8,
                2 => sign * u * 150,
                3 => sign * Math.Exp((u - 0.7) * 60),
                _ => 1 + sign * Math.Pow(2, -1 - 50 * u),
            };
        }
    }

    [Theory, MemberData(nameof(Functions))]
    public void Single_precision_is_within_two_units(string name, double least, double greatest)
    {
        // Of all patterns of bits each 1009th, a prime, so that all exponents and all parts of the mantissa occur.
        _ = (least, greatest);
        const int step = 1009;
        int[] indices = [.. Enumerable.Range(0, (int)((1L << 32) / step))];
        float[] x = [.. indices.Select(i => BitConverter.UInt32BitsToSingle((uint)i * step))];
        float[] y = Values(name, x);
        double worst = 0;
        float at = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double exact = ElementwiseMathTests.Reference(name, x[i]);
            float nearest = (float)exact;
            if (nearest.Equals(y[i]) || (nearest == y[i] && nearest == 0)) continue;
            double unit = MathF.BitIncrement(Math.Abs(nearest)) - Math.Abs(nearest);
            bool finite = float.IsFinite(nearest) && float.IsFinite(y[i]);
            double error = finite ? Math.Abs(exact - y[i]) / unit : double.PositiveInfinity;
            if (error > worst) (worst, at) = (error, x[i]);
        }

        Assert.True(worst <= Single, $"{name}({at:R}) is {worst} units off.");
    }
}
