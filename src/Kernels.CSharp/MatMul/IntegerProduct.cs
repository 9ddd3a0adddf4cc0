using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Products of matrices of integers, which wrap around.</summary>
internal static unsafe class IntegerProduct
{
    private const double WorkToFork = 200_000;

    public static void Multiply<T>(in Operands<T> x, nint batch, nint aBatch, nint bBatch)
        where T : unmanaged, INumberBase<T>
    {
        nint rows = batch * x.M;
        if (batch * x.Work < WorkToFork) Rows(x, aBatch, bBatch, 0, rows);
        else Fork(x, aBatch, bBatch, rows);
    }

    private static void Fork<T>(Operands<T> x, nint aBatch, nint bBatch, nint rows)
        where T : unmanaged, INumberBase<T>
    {
        int parts = (int)Math.Min(rows, 4 * Workers.Count);
        Workers.For(parts, i => Rows(x, aBatch, bBatch, rows * i / parts, rows * (i + 1) / parts));
    }

    /// <summary>Some rows of all the products, counted through the batch.</summary>
    private static void Rows<T>(in Operands<T> x, nint aBatch, nint bBatch, nint start, nint end)
        where T : unmanaged, INumberBase<T>
    {
        for (nint row = start; row < end; row++)
        {
            nint index = row / x.M;
            T* a = x.A + index * aBatch + (row - index * x.M) * x.ARow;
            T* b = x.B + index * bBatch;
            T* c = x.C + row * x.N;
            new Span<T>(c, (int)x.N).Clear();
            for (nint p = 0; p < x.K; p++, a += x.AColumn, b += x.BRow)
            {
                T factor = *a;
                for (nint j = 0; j < x.N; j++) c[j] += factor * b[j * x.BColumn];
            }
        }
    }
}
