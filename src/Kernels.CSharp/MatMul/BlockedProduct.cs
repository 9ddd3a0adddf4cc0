using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// Large products: the sums are cut into slices, a slice of A and of B is packed into panels, and blocks of C, each
/// with its part of A in the second-level cache, gain the product of the slices.
/// </summary>
internal unsafe struct BlockedProduct<T, V, L>
    where T : unmanaged, INumberBase<T>
    where V : struct
    where L : struct, ILanes<T, V>
{
    // The length of a slice, in bytes of a row of A. C is read and written once a slice, so long slices are better,
    // as long as a panel of B and a block of A stay in the second-level cache.
    private const int SliceBytes = 2048;

    // Limits on the packed parts, so that they stay within the last-level cache.
    private const int MostRows = 4096;
    private const int MostColumns = 4096;

    // Below this many multiply-adds, and for packing elements, a fork takes longer than it saves.
    private const double WorkToFork = 600_000;
    private const int ElementsToFork = 60_000;

    // With few rows the time goes into reading B: forks from so many of its elements on.
    private const int ReadsToFork = 200_000;

    // Rows of A of a block: with a slice, about a third of a second-level cache of 1 MB.
    private const int BlockRows = 192;

    private readonly Operands<T> x;
    private readonly int width;
    private readonly int panelRows;
    private readonly nint longest;
    private T* packedA;
    private T* packedB;
    private nint rowFrom, rowCount, columnFrom, columnCount, from, slice;
    private nint rowPanels, columnPanels, blockPanels, groupPanels, groups;

    private BlockedProduct(in Operands<T> operands, int maxRows, int width)
    {
        x = operands;
        longest = SliceOf(x.K);
        panelRows = maxRows;
        this.width = width;
    }

    private static int PanelColumns => TileKernel<T, V, L>.WideColumns;

    /// <summary>Computes a product, in tiles of at most so many rows.</summary>
    public static void Multiply(in Operands<T> operands, int maxRows, int width)
    {
        var product = new BlockedProduct<T, V, L>(operands, maxRows, width);
        product.Run(&product);
    }

    /// <summary>The length of the parts of sums.</summary>
    public static nint SliceOf(nint k) => CeilingDivide(k, CeilingDivide(k, SliceBytes / sizeof(T)));

    /// <param name="self">This product, which lies where all threads read it.</param>
    private void Run(BlockedProduct<T, V, L>* self)
    {
        nint mostRows = Math.Min(x.M, MostRows), mostColumns = Math.Min(x.N, MostColumns);
        nint sizeA = RoundUp(CeilingDivide(mostRows, panelRows) * panelRows * longest, 64 / sizeof(T));
        nint sizeB = RoundUp(mostColumns, PanelColumns) * longest;
        packedA = (T*)Scratch.Take((sizeA + sizeB) * sizeof(T));
        packedB = packedA + sizeA;
        for (columnFrom = 0; columnFrom < x.N; columnFrom += MostColumns)
        {
            columnCount = Math.Min(MostColumns, x.N - columnFrom);
            columnPanels = CeilingDivide(columnCount, PanelColumns);
            for (rowFrom = 0; rowFrom < x.M; rowFrom += MostRows)
            {
                rowCount = Math.Min(MostRows, x.M - rowFrom);
                rowPanels = CeilingDivide(rowCount, panelRows);
                nint blocks = Divide();
                for (from = 0; from < x.K; from += longest)
                {
                    slice = Math.Min(longest, x.K - from);
                    nint panels = rowPanels + columnPanels;
                    nint lines = rowCount + columnCount;
                    Fork(panels, lines * slice >= ElementsToFork, new Packer { Product = self });
                    Fork(blocks * groups, x.Work >= WorkToFork || x.K * x.N >= ReadsToFork, new Computer { Product = self });
                }
            }
        }
    }

    private struct Packer : IForked
    {
        public BlockedProduct<T, V, L>* Product;

        public readonly void Run(int index) => Product->Pack(index);
    }

    private struct Computer : IForked
    {
        public BlockedProduct<T, V, L>* Product;

        public readonly void Run(int index) => Product->Compute(index);
    }

    private static void Fork<TTask>(nint count, bool isWorthIt, TTask task)
        where TTask : struct, IForked
    {
        if (isWorthIt)
        {
            Workers.For((int)count, task);
            return;
        }

        for (int i = 0; i < count; i++) task.Run(i);
    }

    /// <summary>Cuts C into blocks of rows and groups of columns: enough for every thread to have some.</summary>
    private nint Divide()
    {
        nint blocks = CeilingDivide(rowCount, BlockRows);
        blockPanels = CeilingDivide(rowPanels, blocks);
        blocks = CeilingDivide(rowPanels, blockPanels);
        nint wanted = Workers.Count == 1 ? 1 : CeilingDivide(16 * Workers.Count, blocks);
        groupPanels = Math.Max(1, columnPanels / wanted);
        groups = CeilingDivide(columnPanels, groupPanels);
        return blocks;
    }

    private readonly void Pack(int index)
    {
        if (index >= rowPanels)
        {
            PackColumns(index - (int)rowPanels);
            return;
        }

        nint row = (nint)index * panelRows;
        Packing.Pack(
            x.A + (rowFrom + row) * x.ARow + from * x.AColumn, x.ARow, x.AColumn,
            Math.Min(panelRows, rowCount - row), slice, panelRows, packedA + row * slice, width);
    }

    private readonly void PackColumns(int index)
    {
        nint column = (nint)index * PanelColumns;
        Packing.Pack(
            x.B + from * x.BRow + (columnFrom + column) * x.BColumn, x.BColumn, x.BRow,
            Math.Min(PanelColumns, columnCount - column), slice, PanelColumns, packedB + column * slice, width);
    }

    private readonly void Compute(int index)
    {
        nint block = index / groups, group = index % groups;
        nint rowEnd = Math.Min(rowCount, (block + 1) * blockPanels * panelRows);
        nint columnEnd = Math.Min(columnCount, (group + 1) * groupPanels * PanelColumns);
        T* edge = stackalloc T[12 * PanelColumns];
        Tile<T> tile = default;
        tile.K = slice;
        tile.ARow = 1;
        tile.AColumn = panelRows;
        tile.BRow = PanelColumns;
        tile.Second = L.Count;
        tile.Subtract = x.Subtract;
        bool adds = from > 0 || x.Subtract;
        for (nint column = group * groupPanels * PanelColumns; column < columnEnd; column += PanelColumns)
        {
            tile.B = packedB + column * slice;
            nint columns = Math.Min(PanelColumns, columnEnd - column);
            for (nint row = block * blockPanels * panelRows; row < rowEnd; row += panelRows)
            {
                tile.A = packedA + row * slice;
                int rows = (int)Math.Min(panelRows, rowEnd - row);
                T* c = x.C + (rowFrom + row) * x.CRow + columnFrom + column;
                bool whole = columns == PanelColumns;
                tile.C = whole ? c : edge;
                tile.CRow = whole ? x.CRow : PanelColumns;
                tile.Accumulate = whole && adds;
                if (columns > L.Count) TileKernel<T, V, L>.RunPackedWide(rows, &tile);
                else TileKernel<T, V, L>.RunPackedNarrow(rows, &tile);
                if (!whole) TileEdge<T, V, L>.Merge(edge, PanelColumns, c, x.CRow, rows, columns, adds, x.Subtract);
            }
        }
    }

    private static nint CeilingDivide(nint x, nint y) => (x + y - 1) / y;

    private static nint RoundUp(nint x, nint unit) => CeilingDivide(x, unit) * unit;
}
