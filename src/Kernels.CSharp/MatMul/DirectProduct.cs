using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Products that read A and B where they lie: for small matrices, and for a B that stays in the cache, where packing
/// would cost more than it saves. The columns of B must be adjacent.
/// </summary>
internal static unsafe class DirectProduct<T, V, L>
    where T : unmanaged, INumberBase<T>
    where V : struct
    where L : struct, ILanes<T, V>
{
    // The rows whose last columns are computed at a time, so that their part of A stays in the first-level cache for the tiles;
    // and from how many rows, in vectors, and how long sums on that pays.
    private const int ThinVectors = 4;
    private const int VectorsToThin = 2;
    private const int LengthToThin = 8;

    /// <summary>
    /// Computes a product in tiles of at most so many rows: of at least a vector of columns, or of fewer where the
    /// rows of B are padded to a vector and the rows of C follow one another.
    /// </summary>
    public static void Multiply(in Operands<T> x, int maxRows)
    {
        nint thin = x.N > L.Count ? x.N % L.Count : 0;
        if (x.Subtract || x.ARow != 1 || thin == 0 || thin > L.Count / 2 || x.M < VectorsToThin * L.Count || x.K < LengthToThin)
        {
            Tiles(x, maxRows);
            return;
        }

        // The last block has up to half as many rows more.
        nint block = ThinVectors * L.Count;
        Operands<T> part = x;
        for (nint left = x.M; left > 0; left -= part.M, part.A += part.M, part.C += part.M * x.CRow)
        {
            part.M = left < block * 3 / 2 ? left : block;
            part.N = x.N;
            Thin(part, thin, maxRows);
            part.N = x.N - thin;
            Tiles(part, maxRows);
        }
    }

    /// <summary>
    /// The last columns, too few for a vector, where the columns of A are adjacent: the transpose of these columns is a product
    /// whose vectors lie along the rows of C. Its sums are those of the tiles.
    /// </summary>
    [SkipLocalsInit]
    private static void Thin(in Operands<T> x, nint thin, int maxRows)
    {
        T* results = stackalloc T[2 * ThinVectors * L.Count * L.Count / 2];
        Operands<T> y = default;
        y.M = thin;
        y.N = x.M;
        y.K = x.K;
        y.A = x.B + x.N - thin;
        y.ARow = 1;
        y.AColumn = x.BRow;
        y.B = x.A;
        y.BRow = x.AColumn;
        y.C = results;
        y.CRow = x.M;
        Tiles(y, maxRows);
        T* c = x.C + x.N - thin;
        for (nint i = 0; i < x.M; i++, c += x.CRow)
        {
            for (nint j = 0; j < thin; j++) c[j] = results[j * x.M + i];
        }
    }

    private static void Tiles(in Operands<T> x, int maxRows)
    {
        Tile<T> tile = default;
        tile.K = x.K;
        tile.ARow = x.ARow;
        tile.AColumn = x.AColumn;
        tile.BRow = x.BRow;
        tile.CRow = x.CRow;
        tile.Accumulate = tile.Subtract = x.Subtract;

        // Tiles of nearly equal height waste least: 64 rows are 4 tiles of 11 and 2 of 10, not 5 of 12 and one of 4.
        nint tiles = (x.M + maxRows - 1) / maxRows;
        nint height = x.M / tiles, taller = x.M % tiles;
        T* a = x.A;
        T* c = x.C;
        for (nint i = 0; i < tiles; i++)
        {
            int rows = (int)(i < taller ? height + 1 : height);
            tile.A = a;
            if (x.Subtract) Subtracted(&tile, rows, x.B, c, x.N);
            else if (x.N >= L.Count) Across(&tile, rows, x.B, c, x.N);
            else Padded(&tile, rows, x.B, c, x.N, last: i == tiles - 1);
            a += rows * x.ARow;
            c += rows * x.CRow;
        }
    }

    /// <summary>The tiles side by side; vectors overlap where the columns are no whole number of them.</summary>
    private static void Across(Tile<T>* tile, int rows, T* b, T* c, nint columns)
    {
        nint j = 0;
        for (nint left = columns; left > L.Count; j += 2 * L.Count, left -= 2 * L.Count)
        {
            tile->B = b + j;
            tile->C = c + j;
            tile->Second = Math.Min(L.Count, left - L.Count);
            TileKernel<T, V, L>.RunWide(rows, tile);
        }

        if (j >= columns) return;
        tile->B = b + columns - L.Count;
        tile->C = c + columns - L.Count;
        TileKernel<T, V, L>.RunNarrow(rows, tile);
    }

    /// <summary>The same, subtracted from C: where vectors would overlap they are computed beside it.</summary>
    private static void Subtracted(Tile<T>* tile, int rows, T* b, T* c, nint columns)
    {
        nint whole = columns - columns % L.Count;
        if (whole > 0) Across(tile, rows, b, c, whole);
        if (whole == columns) return;
        T* edge = stackalloc T[rows * L.Count];
        Tile<T> last = *tile;
        last.B = b + columns - L.Count;
        last.C = edge;
        last.CRow = L.Count;
        last.Accumulate = false;
        TileKernel<T, V, L>.RunNarrow(rows, &last);
        TileEdge<T, V, L>.Merge(edge + whole - columns + L.Count, L.Count, c + whole, tile->CRow, rows, columns - whole, true, true);
    }

    /// <remarks>
    /// A row of C is stored as a whole vector, whose end the next row overwrites. The last rows, which must leave
    /// alone what follows them, are copied.
    /// </remarks>
    private static void Padded(Tile<T>* tile, int rows, T* b, T* c, nint columns, bool last)
    {
        tile->B = b;
        tile->C = c;
        if (!last)
        {
            TileKernel<T, V, L>.RunNarrow(rows, tile);
            return;
        }

        T* edge = stackalloc T[rows * L.Count];
        tile->C = edge;
        tile->CRow = L.Count;
        TileKernel<T, V, L>.RunNarrow(rows, tile);
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<T>(edge + row * L.Count, (int)columns)
                .CopyTo(new Span<T>(c + row * columns, (int)columns));
        }
    }
}
