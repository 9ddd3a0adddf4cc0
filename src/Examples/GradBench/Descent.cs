namespace Autodiff.Examples.GradBench;

/// <summary>How a gradient is taken: from a function of a tensor to its gradient.</summary>
internal delegate Func<Tensor, Tensor> Mode(Func<Tensor, Tensor> f);

/// <summary>Gradient descent that nests: what it minimises may itself be the result of a descent, and is differentiated
/// through all its steps.</summary>
internal static class Descent
{
    /// <summary>The four ways to take the gradients of two functions of which one nests in the other: by reverse (r) and
    /// forward (f) mode, the outer one first.</summary>
    internal static IEnumerable<(string Name, Mode Outer, Mode Inner)> Nestings =>
        [("rr", Reverse, Reverse), ("ff", Forward, Forward), ("fr", Forward, Reverse), ("rf", Reverse, Forward)];

    private static Func<Tensor, Tensor> Reverse(Func<Tensor, Tensor> f) => Gradient.Of(f);

    /// <summary>The gradient by forward mode: one derivative along each axis.</summary>
    private static Func<Tensor, Tensor> Forward(Func<Tensor, Tensor> f)
    {
        Func<Tensor, Tensor, (Tensor Value, Tensor Tangent)> along = Jvp.Of(f);
        return x =>
        {
            Tensor axes = Tensor.From(Enumerable.Range(0, x.Size).ToArray(), x.Size).OneHot(x.Size, DType.Float64);
            IEnumerable<Tensor> slopes = Enumerable.Range(0, x.Size).Select(i => along(x, axes[i].Reshape(x.Shape)).Tangent);
            return Tensor.Stack(0, slopes).Reshape(x.Shape);
        };
    }

    /// <summary>Where f is smallest, from a start, by steps that grow while they lead down.</summary>
    internal static Tensor ArgMin(Func<Tensor, Tensor> f, Mode mode, Tensor start)
    {
        const double tolerance = 1e-5;
        Func<Tensor, Tensor> gradient = mode(f);
        Tensor x = start, slope = gradient(x);
        double value = f(x).ToDouble(), rate = 1e-5;
        for (int steps = 0; Norm(slope) > tolerance;)
        {
            if (steps == 10)
            {
                rate *= 2;
                steps = 0;
                continue;
            }

            Tensor next = x - rate * slope;
            if (Norm(Gradient.Stop(x) - Gradient.Stop(next)) <= tolerance) break;
            double nextValue = f(next).ToDouble();
            if (nextValue < value)
            {
                (x, value, slope) = (next, nextValue, gradient(next));
                steps++;
            }
            else
            {
                rate /= 2;
                steps = 0;
            }
        }

        return x;
    }

    /// <summary>Where f is largest.</summary>
    internal static Tensor ArgMax(Func<Tensor, Tensor> f, Mode mode, Tensor start) => ArgMin(x => -f(x), mode, start);

    private static double Norm(Tensor x) => Math.Sqrt(x.ToArray<double>().Sum(element => element * element));
}
