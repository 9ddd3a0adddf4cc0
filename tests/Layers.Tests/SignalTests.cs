using Autodiff;

namespace Autodiff.Tests;

public class SignalTests
{
    [Fact]
    public void Transforms_take_and_give_pairs()
    {
        Tensor x = new Key(1).Normal([3, 10], dtype: DType.Float64);
        (Tensor re, Tensor im) = x.Rfft();
        Assert.Equal([3, 6], re.Shape);
        Assert.Equal(x.ToArray<double>(), (re, im).Irfft(10).ToArray<double>(), new Near());
        (Tensor backRe, Tensor _) = (x, x * 2.0).Fft(axis: 0, norm: FftNorm.Ortho).Ifft(axis: 0, norm: FftNorm.Ortho);
        Assert.Equal(x.ToArray<double>(), backRe.ToArray<double>(), new Near());
        (Tensor twice, Tensor _) = (x, x).Fft2().Ifftn([0, 1]);
        Assert.Equal(x.ToArray<double>(), twice.ToArray<double>(), new Near());
        Assert.Equal(x.ToArray<double>(), x.Fftshift().Ifftshift().ToArray<double>());
        Assert.Equal(0.25, Signal.fftfreq(8, 0.5).ToArray<double>()[1]);
    }

    [Fact]
    public void Convolutions_have_modes()
    {
        Tensor x = Tensor.FromArray(new[] { 1.0, 2.0, 3.0 }), y = Tensor.FromArray(new[] { 0.0, 1.0, 0.5 });
        Assert.Equal([1.0, 2.5, 4.0], x.Convolve(y, ConvolveMode.Same).ToArray<double>());
        Assert.Equal([0.0, 1.0, 2.5, 4.0, 1.5], x.FftConvolve(y).ToArray<double>(), new Near());
    }

    [Fact]
    public void Eigenvalues_come_in_pairs_of_parts()
    {
        Tensor a = Tensor.FromArray(new[,] { { 0.0, -2.0 }, { 2.0, 0.0 } });
        ((Tensor re, Tensor im), (Tensor vectorsRe, Tensor _)) = a.Eig();
        Assert.Equal([0.0, 0.0], re.ToArray<double>(), new Near());
        Assert.Equal([-2.0, 2.0], im.ToArray<double>(), new Near());
        Assert.Equal([2, 2], vectorsRe.Shape);
        Assert.Equal(im.ToArray<double>(), a.EigVals().Item2.ToArray<double>());
    }

    [Fact]
    public void Distributions_are_methods_of_a_key()
    {
        Key key = new(2);
        int[] shape = [4, 5];
        Tensor half = Tensor.Full([], 0.5, DType.Float64);
        Tensor[] floats =
        [
            key.Exponential(shape), key.Laplace(shape, scale: 2), key.Cauchy(shape), key.Logistic(shape), key.Gumbel(shape),
            key.TruncatedNormal(shape, -1, 1), key.TruncatedNormal(shape, -half, half, half, half),
            key.Gamma(shape, 2.5, scale: 3), key.Gamma(shape, half), key.LogGamma(shape, half), key.Beta(shape, 1, 2),
            key.Beta(shape, half, half), key.StudentT(shape, 3), key.ChiSquare(shape, half),
            key.Dirichlet([4], Tensor.Ones(5)),
        ];
        Assert.All(floats, x => Assert.Equal(shape, x.Shape));
        Tensor[] whole =
        [
            key.Poisson(shape, 3), key.Binomial(shape, 10, 0.5), key.Categorical(shape, Tensor.Zeros(3)),
            key.Choice(7, shape), key.Choice(30, shape, replace: false), key.Shuffle(key.Integers(shape, 0, 9)),
        ];
        Assert.All(whole, x => Assert.True(x.DType == DType.Int64 && x.Shape.SequenceEqual(shape)));
        Tensor slope = Gradient.Of((Tensor a) => key.Gamma([], a))(half);
        Assert.True(slope.ToDouble() > 0);
    }

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-12;

        public int GetHashCode(double x) => 0;
    }
}
