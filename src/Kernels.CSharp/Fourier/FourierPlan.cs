using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// What the transforms of one length share: their passes with the roots of unity, and, where the length has a large
/// prime factor, the chirp that makes the transform a convolution of a longer length.
/// </summary>
internal sealed class FourierPlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Prime factors up to this are passes of their own: a pass takes time in proportion to its square.</summary>
    private const int LargestRadix = 31;

    // The last plan of each of some lengths. A plan is the same whether it is found here or made again.
    private static readonly FourierPlan<T>?[] Recent = new FourierPlan<T>?[32];

    private FourierPlan(int length)
    {
        Length = length;
        int rest = length;
        List<int> radices = [];
        while (rest % 4 == 0) Take(4);
        for (int prime = 2; prime <= LargestRadix && rest > 1; prime++)
            while (rest % prime == 0) Take(prime);

        if (rest == 1)
        {
            int size = length;
            Passes = [.. radices.Select(radix => new Pass(radix, size /= radix))];
        }
        else
        {
            Passes = [];
            Convolution = new Chirp(length);
        }

        void Take(int radix)
        {
            radices.Add(radix);
            rest /= radix;
        }
    }

    internal int Length { get; }

    /// <summary>The passes, from the whole length down; none where there is a chirp.</summary>
    internal Pass[] Passes { get; }

    internal Chirp? Convolution { get; }

    internal static FourierPlan<T> For(int length)
    {
        ref FourierPlan<T>? place = ref Recent[length % Recent.Length];
        FourierPlan<T>? plan = Volatile.Read(ref place);
        if (plan?.Length == length) return plan;
        plan = new FourierPlan<T>(length);
        Volatile.Write(ref place, plan);
        return plan;
    }

    /// <summary>exp(-2 pi i k / n), from an angle of at most an eighth of the circle, so that no root is rounded twice.</summary>
    private static (double Re, double Im) Root(long k, long n)
    {
        k %= n;
        if (2 * k > n) return Root(n - k, n) is var (re, im) ? (re, -im) : default;
        if (4 * k > n) return Angle(n - 2 * k, 2 * n) is var (c, s) ? (-c, -s) : default;
        return Angle(k, n) is var (x, y) ? (x, -y) : default;

        // The cosine and sine of 2 pi k / n for at most a quarter of the circle.
        static (double Cosine, double Sine) Angle(long k, long n)
        {
            if (8 * k <= n) return (Math.Cos(2 * Math.PI * k / n), Math.Sin(2 * Math.PI * k / n));
            double complement = 2 * Math.PI * (n - 4 * k) / (4.0 * n);
            return (Math.Sin(complement), Math.Cos(complement));
        }
    }

    /// <summary>
    /// Splits transforms of radix x rest elements into transforms of rest elements: the factors after element k of
    /// butterfly p are exp(-2 pi i p k / (radix rest)), for k from 1.
    /// </summary>
    internal sealed class Pass
    {
        internal Pass(int radix, int rest)
        {
            Radix = radix;
            Rest = rest;
            Re = new T[(long)rest * (radix - 1)];
            Im = new T[Re.Length];
            for (int p = 0, at = 0; p < rest; p++)
                for (int k = 1; k < radix; k++, at++) (Re[at], Im[at]) = Rounded(Root((long)p * k, (long)radix * rest));

            Cosines = new T[radix];
            Sines = new T[radix];
            for (int k = 0; k < radix; k++) (Cosines[k], Sines[k]) = Rounded(Root(radix - k, radix));
        }

        internal int Radix { get; }

        internal int Rest { get; }

        internal T[] Re { get; }

        internal T[] Im { get; }

        /// <summary>cos (2 pi k / radix).</summary>
        internal T[] Cosines { get; }

        /// <summary>sin (2 pi k / radix).</summary>
        internal T[] Sines { get; }
    }

    /// <summary>
    /// L. Bluestein (1970): with c_j = exp(-pi i j^2 / n) the transform is c_k times the convolution of x_j c_j with the
    /// conjugates of c, which a power of two of at least 2 n - 1 elements holds.
    /// </summary>
    internal sealed class Chirp
    {
        internal Chirp(int length)
        {
            int size = (int)BitOperations.RoundUpToPowerOf2((uint)(2 * length - 1));
            Plan = For(size);
            Re = new T[length];
            Im = new T[length];
            double[] filterRe = new double[size], filterIm = new double[size];
            for (int j = 0; j < length; j++)
            {
                (double re, double im) = Root((long)j * j, 2L * length);
                (Re[j], Im[j]) = Rounded((re, im));
                int mirrored = j == 0 ? 0 : size - j;
                filterRe[j] = filterRe[mirrored] = re / size;
                filterIm[j] = filterIm[mirrored] = -im / size;
            }

            Fourier.Transform(FourierPlan<double>.For(size), filterRe, filterIm);
            FilterRe = [.. filterRe.Select(T.CreateTruncating)];
            FilterIm = [.. filterIm.Select(T.CreateTruncating)];
        }

        internal FourierPlan<T> Plan { get; }

        internal T[] Re { get; }

        internal T[] Im { get; }

        /// <summary>The transform of the conjugate chirp, over its length, so that two transforms need no scale.</summary>
        internal T[] FilterRe { get; }

        internal T[] FilterIm { get; }
    }

    /// <summary>exp(-2 pi i k / n) for k up to n / 4, which take the halves of real lines apart.</summary>
    internal sealed class Turns
    {
        private static readonly Turns?[] Recent = new Turns?[32];
        private readonly int length;

        private Turns(int length)
        {
            this.length = length;
            Re = new T[length / 4 + 1];
            Im = new T[Re.Length];
            for (int k = 0; k < Re.Length; k++) (Re[k], Im[k]) = Rounded(Root(k, length));
        }

        internal T[] Re { get; }

        internal T[] Im { get; }

        internal static Turns For(int length)
        {
            ref Turns? place = ref Recent[length / 2 % Recent.Length];
            Turns? turns = Volatile.Read(ref place);
            if (turns?.length == length) return turns;
            turns = new Turns(length);
            Volatile.Write(ref place, turns);
            return turns;
        }
    }

    private static (T Re, T Im) Rounded((double Re, double Im) z) =>
        (T.CreateTruncating(z.Re), T.CreateTruncating(z.Im));
}
