namespace Autodiff.Kernels;

/// <summary>
/// Products that read A and B where they lie: for small matrices, and for a B that stays in the cache, where packing
/// would cost more than it saves. The columns of B must be adjacent.
/// </summary>
internal static unsafe class DirectProduct<T, V, L>
    where T : unmanaged
    where V : struct
    where L : struct, ILanes<T, V>
{
    /// <summary>Computes a product of at least a vector of columns, in tiles of at most so many rows.</summary>
    public static void Multiply(in Operands<T> x, int maxRows)
    {
        Tile<T> tile = default;
        tile.K = x.K;
        tile.ARow = x.ARow;
        tile.AColumn = x.AColumn;
        tile.BRow = x.BRow;
        tile.CRow = x.CRow;

        // Tiles of nearly equal height waste least: 64 rows are 4 tiles of 11 and 2 of 10, not 5 of 12 and one of 4.
        nint tiles = (x.M + maxRows - 1) / maxRows;
        nint height = x.M / tiles, taller = x.M % tiles;
        T* a = x.A;
        T* c = x.C;
        for (nint i = 0; i < tiles; i++)
        {
            int rows = (int)(i < taller ? height + 1 : height);
            tile.A = a;
            nint j = 0;
            for (nint left = x.N; left > L.Count; j += 2 * L.Count, left -= 2 * L.Count)
            {
                tile.B = x.B + j;
                tile.C = c + j;
                tile.Second = Math.Min(L.Count, left - L.Count);
                TileKernel<T, V, L>.RunWide(rows, &tile);
            }

            if (j < x.N)
            {
                tile.B = x.B + x.N - L.Count;
                tile.C = c + x.N - L.Count;
                TileKernel<T, V, L>.RunNarrow(rows, &tile);
            }

            a += rows * x.ARow;
            c += rows * x.CRow;
        }
    }
}
