using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// The right factor of products of matrices, packed once for many products, as a loop makes them with a matrix that stays the
/// same from step to step: its columns in panels as wide as the widest tile, each in the order in which the kernel reads
/// it.
/// </summary>
/// <remarks>Products that have two rows and two columns or more have the bits of those of <see cref="MatMul"/>. One thread packs
/// at a time, and while none multiplies; any number multiply.</remarks>
public sealed unsafe class PackedFactor
{
    // Below this many multiply-adds, a fork takes longer than it saves.
    private const double WorkToFork = 600_000;

    // Below this many bytes, one thread packs.
    private const long BytesToFork = 128 * 1024;

    private readonly int width;
    private readonly int panelColumns;
    private readonly HostMemory panels;
    private bool isAdjacent;

    /// <summary>Memory for matrices of one type and shape.</summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="rows">The rows of the matrix, at least 1.</param>
    /// <param name="columns">The columns of the matrix, at least 1.</param>
    /// <exception cref="NotSupportedException">The type is another.</exception>
    public PackedFactor(DType dtype, int rows, int columns)
        : this(Simd.Width, dtype, rows, columns)
    {
    }

    internal PackedFactor(int width, DType dtype, int rows, int columns)
    {
        if (!Supports(dtype)) throw new NotSupportedException($"Matrices of {dtype.Name()} are not packed: convert them first.");
        this.width = width;
        DType = dtype;
        Rows = rows;
        Columns = columns;
        int size = dtype.Size();
        panelColumns = width == 0 ? 2 : 2 * (width / 8 / size);
        panels = HostMemory.Allocate((long)Panels * panelColumns * rows * size);
    }

    /// <summary>The type of the elements.</summary>
    public DType DType { get; }

    /// <summary>The rows of the matrix: the length of the sums.</summary>
    public int Rows { get; }

    /// <summary>The columns of the matrix, and of the products.</summary>
    public int Columns { get; }

    private int Panels => (Columns + panelColumns - 1) / panelColumns;

    /// <summary>Whether matrices of a type can be packed.</summary>
    public static bool Supports(DType dtype) => dtype is DType.Float32 or DType.Float64;

    /// <summary>Packs a matrix, in the place of the one before.</summary>
    /// <param name="matrix">The elements, from the first on.</param>
    /// <param name="rowStride">Elements from a row to the next.</param>
    /// <param name="columnStride">Elements from a column to the next.</param>
    /// <exception cref="ArgumentException">There are too few elements.</exception>
    public void Pack(ReadOnlySpan<byte> matrix, long rowStride, long columnStride)
    {
        long last = (Rows - 1) * rowStride + (Columns - 1) * columnStride;
        if (last >= matrix.Length / DType.Size())
            throw new ArgumentException($"A matrix of {Rows} x {Columns} needs {last + 1} elements; {matrix.Length / DType.Size()} are given.");
        isAdjacent = columnStride == 1;
        fixed (byte* first = matrix)
        {
            if (DType == DType.Float32) Pack((float*)first, (nint)rowStride, (nint)columnStride);
            else Pack((double*)first, (nint)rowStride, (nint)columnStride);
        }

        GC.KeepAlive(this);
    }

    /// <summary>C = A B, where B is the packed matrix.</summary>
    /// <param name="m">The rows of A and of C.</param>
    /// <param name="a">The elements of A, from the first on.</param>
    /// <param name="rowStride">Elements from a row of A to the next.</param>
    /// <param name="columnStride">Elements from a column of A to the next.</param>
    /// <param name="c">The result, contiguous; it must not overlap A.</param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public void Multiply(int m, ReadOnlySpan<byte> a, long rowStride, long columnStride, Span<byte> c)
    {
        int size = DType.Size();
        if (c.Length != (long)m * Columns * size)
            throw new ArgumentException($"The product has {(long)m * Columns} elements; the result has {c.Length / size}.");
        if (m == 0) return;
        if ((m - 1) * rowStride + (Rows - 1) * columnStride >= a.Length / size)
            throw new ArgumentException($"The left factor of {m} x {Rows} has {a.Length / size} elements only.");
        fixed (byte* pa = a, pc = c)
        {
            if (DType == DType.Float32) Multiply(Operands<float>(pa, pc));
            else Multiply(Operands<double>(pa, pc));
        }

        GC.KeepAlive(this);

        Operands<T> Operands<T>(byte* a, byte* c)
            where T : unmanaged => new()
            {
                M = m,
                N = Columns,
                K = Rows,
                A = (T*)a,
                ARow = (nint)rowStride,
                AColumn = (nint)columnStride,
                B = (T*)panels.Pointer,
                C = (T*)c,
                CRow = Columns,
            };
    }

    private void Pack<T>(T* matrix, nint rowStride, nint columnStride)
        where T : unmanaged
    {
        int parts = (long)Rows * Columns * sizeof(T) < BytesToFork ? 1 : Math.Min(Workers.Count, Panels);
        Workers.For(parts, part =>
        {
            for (nint i = Panels * part / parts; i < Panels * (part + 1) / parts; i++)
            {
                nint column = i * panelColumns;
                Packing.Pack(
                    matrix + column * columnStride, columnStride, rowStride, Math.Min(panelColumns, Columns - column), Rows,
                    panelColumns, (T*)panels.Pointer + column * Rows, width);
            }
        });
    }

    private void Multiply<T>(Operands<T> x)
        where T : unmanaged, INumberBase<T>
    {
        int parts = Math.Min(Workers.Count, Panels);
        if (x.Work < WorkToFork || parts <= 1) Range(x, 0, Panels);
        else Fork(x, parts);
    }

    private void Fork<T>(in Operands<T> x, int parts)
        where T : unmanaged, INumberBase<T> => Workers.For(parts, new Part<T> { Factor = this, X = x, Parts = parts });

    private struct Part<T> : IForked
        where T : unmanaged, INumberBase<T>
    {
        public PackedFactor Factor;
        public Operands<T> X;
        public int Parts;

        public readonly void Run(int i) => Factor.Range(X, Factor.Panels * i / Parts, Factor.Panels * (i + 1) / Parts);
    }

    private void Range<T>(in Operands<T> x, int from, int to)
        where T : unmanaged, INumberBase<T>
    {
        nint slice = Products<T>.SliceOf(x.M, x.N, x.K, isAdjacent);
        switch (width)
        {
            case 512: PackedPanels<T, Vector512<T>, Lanes512<T>>.Multiply(x, from, to, slice, 12); break;
            case 256: PackedPanels<T, Vector256<T>, Lanes256<T>>.Multiply(x, from, to, slice, 6); break;
            case 128: PackedPanels<T, Vector128<T>, Lanes128<T>>.Multiply(x, from, to, slice, 6); break;
            default: PackedPanels<T, T, Lanes1<T>>.Multiply(x, from, to, slice, 6); break;
        }
    }
}

/// <summary>Products with some panels of a packed factor.</summary>
internal static unsafe class PackedPanels<T, V, L>
    where T : unmanaged, INumberBase<T>
    where V : struct
    where L : struct, ILanes<T, V>
{
    /// <summary>Computes the columns of some panels, in tiles of at most so many rows, each sum in slices.</summary>
    public static void Multiply(in Operands<T> x, int from, int to, nint slice, int maxRows)
    {
        int wide = TileKernel<T, V, L>.WideColumns;
        T* edge = stackalloc T[maxRows * wide];
        Tile<T> tile = default;
        tile.ARow = x.ARow;
        tile.AColumn = x.AColumn;
        tile.BRow = wide;
        tile.Second = L.Count;

        // Tiles of nearly equal height waste least.
        nint tiles = (x.M + maxRows - 1) / maxRows;
        nint height = x.M / tiles, taller = x.M % tiles;
        for (nint panel = from; panel < to; panel++)
        {
            T* b = x.B + panel * wide * x.K;
            T* c = x.C + panel * wide;
            T* a = x.A;
            nint columns = Math.Min(wide, x.N - panel * wide);
            bool whole = columns == wide;
            for (nint i = 0; i < tiles; i++)
            {
                int rows = (int)(i < taller ? height + 1 : height);
                tile.C = whole ? c : edge;
                tile.CRow = whole ? x.CRow : wide;
                for (nint start = 0; start < x.K; start += slice)
                {
                    tile.K = Math.Min(slice, x.K - start);
                    tile.A = a + start * x.AColumn;
                    tile.B = b + start * wide;
                    tile.Accumulate = start > 0;
                    if (columns > L.Count) TileKernel<T, V, L>.RunWide(rows, &tile);
                    else TileKernel<T, V, L>.RunNarrow(rows, &tile);
                }

                for (int row = 0; row < rows && !whole; row++)
                    new ReadOnlySpan<T>(edge + row * wide, (int)columns).CopyTo(new Span<T>(c + row * x.CRow, (int)columns));

                a += rows * x.ARow;
                c += rows * x.CRow;
            }
        }
    }
}
