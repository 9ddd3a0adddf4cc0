using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The Cholesky factor: (A + A^T) / 2 = L L^T with L lower triangular and positive on its diagonal.</summary>
public static unsafe class Cholesky
{
    /// <summary>
    /// Factorizes matrices in place; what lies above the diagonal becomes zero. Returns the position of the first
    /// matrix that is not positive definite, or -1. NaN counts as definite, and spreads.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="n">The order of each.</param>
    /// <param name="a">The matrices, contiguous; on return L.</param>
    public static int Factor(DType dtype, int batch, int n, Span<byte> a) =>
        dtype == DType.Float32 ? Factor<float>(batch, n, a) : Factor<double>(batch, n, a);

    private static int Factor<T>(int batch, int n, Span<byte> a) where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool[] isIndefinite = new bool[batch];
        fixed (byte* pa = a)
        {
            nint qa = (nint)pa;
            RowOps.ForBatch(batch, (long)n * n * n / 2, s => isIndefinite[s] = !One((T*)qa + (long)s * n * n, n));
        }

        return Array.IndexOf(isIndefinite, true);
    }

    private static bool One<T>(T* a, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T half = T.CreateChecked(0.5);
        for (int i = 0; i < n; i++)
        {
            T* row = a + (long)i * n;
            for (int j = 0; j <= i; j++)
            {
                T* other = a + (long)j * n;
                T rest = half * (row[j] + other[i]) - RowOps.Dot(j, row, other);
                if (i != j)
                {
                    row[j] = rest / other[j];
                }
                else
                {
                    if (rest <= T.Zero) return false;
                    row[j] = T.Sqrt(rest);
                }
            }
        }

        for (int i = 0; i < n; i++) new Span<T>(a + (long)i * n + i + 1, n - i - 1).Clear();
        return true;
    }
}
