using Xunit;

namespace Autodiff.Layers.Tests;

/// <summary>Linear algebra as a C# caller writes it.</summary>
public sealed class LinearAlgebraTests
{
    private static readonly Tensor A = Tensor.From([4.0, 1.0, 2.0, 3.0], 2, 2);

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.All(
            expected.ToArray<double>().Zip(actual.ToArray<double>()),
            pair => Assert.Equal(pair.First, pair.Second, 12));
    }

    [Fact]
    public void Solvers_and_factorizations_are_methods_of_tensors()
    {
        Tensor b = Tensor.From([1.0, 2.0], 2);
        Near(b, A.MatMul(A.Solve(b)));
        Near(Tensor.From([0.25, 0.5], 2), A.TriangularSolve(b));
        Near(Tensor.Scalar(10.0), A.Det());
        Near(Tensor.Scalar(7.0), A.Trace());
        (Tensor q, Tensor r) = A.Qr();
        Near(A, q.MatMul(r));
        (Tensor u, Tensor s, Tensor vt) = A.Svd();
        Near(A, (u * s).MatMul(vt));
        (Tensor values, Tensor vectors) = A.Eigh();
        Near((A + A.Transpose()) * 0.5, (vectors * values).MatMul(vectors.Transpose()));
        (Tensor sign, Tensor logarithm) = A.SlogDet();
        Near(A.Det(), sign * Tensor.Exp(logarithm));
        Near(A.Inverse(), A.Pinv());
        Near(A.MatMul(A), A.MatrixPower(2));
        Near(A.MatMul(A), Tensor.Einsum("ij,jk->ik", A, A));
        Near(s.Sum(), A.MatrixNorm(MatrixNorm.Nuclear));
    }
}
