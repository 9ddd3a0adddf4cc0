using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Chooses how to compute products of floats: as vector products, by reading the operands where they lie, or packed
/// in blocks; and on how many threads.
/// </summary>
internal static unsafe class Products<T>
    where T : unmanaged, INumberBase<T>
{
    // From this many multiply-adds, threads get several parts each, so that none waits long for the others.
    private const double WorkToBalance = 16_000_000;

    // Below this many multiply-adds, a fork takes longer than it saves.
    private const double WorkToFork = 600_000;

    // What a product of a batch takes beside its multiply-adds, in multiply-adds.
    private const double WorkOfCall = 1000;

    // A product with a vector is bound by memory: it forks from this many elements of the matrix.
    private const double VectorWorkToFork = 200_000;

    // Products of a batch are spread over the threads whole, unless they are large enough to be worth a fork each.
    private const double LargeWork = 64_000_000;

    // B is read where it lies, or from a plain transposed copy, while it takes up to this many bytes.
    private const int DirectBytes = 256 * 1024;

    // So few rows do not repay the packing of a large B whose columns are adjacent.
    private const int FewRows = 24;

    // From this many rows on, padding a narrow B to whole vectors pays.
    private const int RowsToPad = 8;

    /// <summary>The length of the parts in which sums are made.</summary>
    public static nint SliceOf(nint m, nint n, nint k, bool isAdjacent) =>
        IsDirect(m, n, k, isAdjacent) ? k : BlockedProduct<T, T, Lanes1<T>>.SliceOf(k);

    /// <summary>Whether B is read where it lies, or from a plain transposed copy.</summary>
    private static bool IsDirect(nint m, nint n, nint k, bool isAdjacent) =>
        k * n * sizeof(T) <= DirectBytes || (m <= FewRows && isAdjacent);

    public static void Multiply(in Operands<T> x, nint batch, nint aBatch, nint bBatch, int width)
    {
        if (batch == 1)
        {
            Multiply(x, width);
        }
        else if (Workers.Count > 1 && x.Work < LargeWork && batch * (x.Work + WorkOfCall) > WorkToFork)
        {
            ForkBatch(x, batch, aBatch, bBatch, width);
        }
        else
        {
            Range(x, 0, batch, aBatch, bBatch, width);
        }
    }

    private static void ForkBatch(in Operands<T> x, nint batch, nint aBatch, nint bBatch, int width)
    {
        int parts = (int)Math.Min(batch, 4 * Workers.Count);
        Workers.For(parts, new BatchPart { X = x, Batch = batch, ABatch = aBatch, BBatch = bBatch, Parts = parts, Width = width });
    }

    private struct BatchPart : IForked
    {
        public Operands<T> X;
        public nint Batch, ABatch, BBatch;
        public int Parts, Width;

        public readonly void Run(int i) => Range(X, Batch * i / Parts, Batch * (i + 1) / Parts, ABatch, BBatch, Width);
    }

    private static void Range(in Operands<T> x, nint start, nint end, nint aBatch, nint bBatch, int width)
    {
        Operands<T> one = x;
        for (nint i = start; i < end; i++)
        {
            one.A = x.A + i * aBatch;
            one.B = x.B + i * bBatch;
            one.C = x.C + i * x.M * x.N;
            Multiply(one, width);
        }
    }

    private static void Multiply(in Operands<T> x, int width)
    {
        if (x.Subtract)
        {
            if (IsDirect(x.M, x.N, x.K, x.BColumn == 1)) MultiplyDirect(x, width);
            else MultiplyBlocked(x, width);
        }
        else if (x.M == 1)
        {
            MultiplyVector(x, width);
        }
        else if (x.N == 1)
        {
            // A column is the transpose of the row that the transposed factors give.
            MultiplyVector(
                new()
                {
                    M = 1,
                    N = x.M,
                    K = x.K,
                    A = x.B,
                    AColumn = x.BRow,
                    B = x.A,
                    BRow = x.AColumn,
                    BColumn = x.ARow,
                    C = x.C,
                },
                width);
        }
        else if (x.K == 1 && x.BColumn == 1)
        {
            MultiplyOuter(x, width);
        }
        else if (IsDirect(x.M, x.N, x.K, x.BColumn == 1))
        {
            MultiplyDirect(x, width);
        }
        else
        {
            MultiplyBlocked(x, width);
        }
    }

    private static void MultiplyVector(in Operands<T> x, int width)
    {
        nint unit = VectorUnit(width);
        if (x.Work < VectorWorkToFork || x.N < 2 * unit || Workers.Count == 1) Vector(x, 0, x.N, width);
        else ForkVector(x, unit, width);
    }

    private static void ForkVector(in Operands<T> x, nint unit, int width)
    {
        int parts = (int)Math.Min(x.N / unit, Workers.Count);
        Workers.For(parts, new VectorPart { X = x, Unit = unit, Parts = parts, Width = width });
    }

    private struct VectorPart : IForked
    {
        public Operands<T> X;
        public nint Unit;
        public int Parts, Width;

        public readonly void Run(int i)
        {
            nint units = X.N / Unit;
            Vector(X, units * i / Parts * Unit, i + 1 == Parts ? X.N : units * (i + 1) / Parts * Unit, Width);
        }
    }

    private static nint VectorUnit(int width) => 8 * Math.Max(1, width / 8 / sizeof(T));

    private static void Vector(in Operands<T> x, nint start, nint end, int width)
    {
        // Fewer adjacent columns than a vector holds are left to narrower vectors.
        nint least = x.BColumn == 1 ? x.N : int.MaxValue;
        if (width == 512 && least >= Vector512<T>.Count)
            VectorProduct<T, Vector512<T>, Lanes512<T>>.Multiply(x, start, end);
        else if (width >= 256 && least >= Vector256<T>.Count)
            VectorProduct<T, Vector256<T>, Lanes256<T>>.Multiply(x, start, end);
        else if (width >= 128 && least >= Vector128<T>.Count)
            VectorProduct<T, Vector128<T>, Lanes128<T>>.Multiply(x, start, end);
        else
            VectorProduct<T, T, Lanes1<T>>.Multiply(x, start, end);
    }

    private static void MultiplyOuter(in Operands<T> x, int width)
    {
        if (x.Work < VectorWorkToFork || Workers.Count == 1) Rows(x, false, width);
        else ForkOuter(x, width);
    }

    private static void ForkOuter(in Operands<T> x, int width)
    {
        int parts = (int)Math.Min(x.M, 4 * Workers.Count);
        Workers.For(parts, new Block { X = x, Tall = parts, Wide = 1, Width = width });
    }

    private static void Rows(in Operands<T> x, bool padded, int width)
    {
        if (x.K == 1 && !padded && !x.Subtract) Outer(x, width);
        else Direct(x, padded, width);
    }

    private static void Outer(in Operands<T> x, int width)
    {
        if (width == 512 && x.N >= Vector512<T>.Count)
            OuterProduct<T, Vector512<T>, Lanes512<T>>.Multiply(x);
        else if (width >= 256 && x.N >= Vector256<T>.Count)
            OuterProduct<T, Vector256<T>, Lanes256<T>>.Multiply(x);
        else if (width >= 128 && x.N >= Vector128<T>.Count)
            OuterProduct<T, Vector128<T>, Lanes128<T>>.Multiply(x);
        else
            OuterProduct<T, T, Lanes1<T>>.Multiply(x);
    }

    private static void MultiplyDirect(in Operands<T> x, int width)
    {
        // A copy of a narrow B, its rows padded to a vector, lets the kernel compute all columns at once.
        nint columns = x.M >= RowsToPad && !x.Subtract ? Math.Max(x.N, Padded(x.N, width)) : x.N;
        bool padded = columns > x.N;
        if (x.BColumn == 1 && !padded)
        {
            MultiplyRows(x, false, width);
            return;
        }

        Operands<T> copied = x;
        copied.B = (T*)Scratch.Take(x.K * columns * sizeof(T));
        copied.BRow = columns;
        copied.BColumn = 1;
        Packing.Pack(x.B, x.BColumn, x.BRow, x.N, x.K, columns, copied.B, width);
        MultiplyRows(copied, padded, width);
    }

    /// <summary>The elements of the narrowest vector that holds a row; 0 where none is wide enough.</summary>
    private static nint Padded(nint columns, int width)
    {
        for (int bits = 128; bits <= width; bits *= 2)
        {
            if (columns <= bits / 8 / sizeof(T)) return bits / 8 / sizeof(T);
        }

        return 0;
    }

    private static void MultiplyRows(in Operands<T> x, bool padded, int width)
    {
        if (x.Work < WorkToFork || Workers.Count == 1) Rows(x, padded, width);
        else ForkDirect(x, padded, width);
    }

    /// <summary>Cuts C into parts for the threads, by rows while the parts are tall, then by columns.</summary>
    private static void ForkDirect(in Operands<T> x, bool padded, int width)
    {
        int parts = x.Work > WorkToBalance ? 4 * Workers.Count : Workers.Count;
        int tall = (int)Math.Clamp(x.M / 12, 1, parts);
        int wide = (int)Math.Clamp(x.N / 32, 1, parts / tall);
        Workers.For(tall * wide, new Block { X = x, Tall = tall, Wide = wide, Padded = padded, Width = width });
    }

    /// <summary>The parts of C, cut so many times by rows and by columns.</summary>
    private struct Block : IForked
    {
        public Operands<T> X;
        public int Tall, Wide, Width;
        public bool Padded;

        public readonly void Run(int part)
        {
            nint row = part / Wide, column = part % Wide;
            nint top = X.M * row / Tall, left = X.N * column / Wide;
            Operands<T> y = X;
            y.M = X.M * (row + 1) / Tall - top;
            y.N = X.N * (column + 1) / Wide - left;
            y.A += top * X.ARow;
            y.B += left;
            y.C += top * X.CRow + left;
            Rows(y, Padded, Width);
        }
    }

    private static void Direct(in Operands<T> x, bool padded, int width)
    {
        nint columns = padded ? x.BRow : x.N;
        int rows = MaxRows(width);
        if (width == 512 && columns >= Vector512<T>.Count)
            DirectProduct<T, Vector512<T>, Lanes512<T>>.Multiply(x, rows);
        else if (width >= 256 && columns >= Vector256<T>.Count)
            DirectProduct<T, Vector256<T>, Lanes256<T>>.Multiply(x, rows);
        else if (width >= 128 && columns >= Vector128<T>.Count)
            DirectProduct<T, Vector128<T>, Lanes128<T>>.Multiply(x, rows);
        else
            DirectProduct<T, T, Lanes1<T>>.Multiply(x, rows);
    }

    private static void MultiplyBlocked(in Operands<T> x, int width)
    {
        int rows = MaxRows(width);
        switch (width)
        {
            case 512: BlockedProduct<T, Vector512<T>, Lanes512<T>>.Multiply(x, rows, width); break;
            case 256: BlockedProduct<T, Vector256<T>, Lanes256<T>>.Multiply(x, rows, width); break;
            case 128: BlockedProduct<T, Vector128<T>, Lanes128<T>>.Multiply(x, rows, width); break;
            default: BlockedProduct<T, T, Lanes1<T>>.Multiply(x, rows, width); break;
        }
    }

    /// <summary>
    /// The rows of the tallest tile: two accumulators a row, in 32 vector registers, which come with 512-bit vectors,
    /// or in 16.
    /// </summary>
    private static int MaxRows(int width) => width == 512 ? 12 : 6;
}
