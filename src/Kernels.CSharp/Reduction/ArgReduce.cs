using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Which of two elements an argument of an extremum prefers.</summary>
internal unsafe interface IPreference
{
    static abstract string Name { get; }

    static abstract bool Prefers<T>(T x, T y)
        where T : unmanaged, INumber<T>;

    /// <summary>x where the candidate is preferred to the best, or the first NaN, and elsewhere y.</summary>
    static abstract V IfPreferred<V, T>(V candidate, V best, V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>;

    static abstract T Best<T>(int width, T* x, nint length)
        where T : unmanaged, INumber<T>;
}

internal readonly struct LargerFirst : IPreference
{
    public static string Name => "argmax";

    public static bool Prefers<T>(T x, T y)
        where T : unmanaged, INumber<T> => x > y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V IfPreferred<V, T>(V candidate, V best, V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => V.IfOvertaken(candidate, best, best, x, y);

    public static unsafe T Best<T>(int width, T* x, nint length)
        where T : unmanaged, INumber<T>
    {
        nint zero = 0;
        return ReduceKernels<T, T, MaximumReducer<T>>.Rows(width, x, &zero, 1, length);
    }
}

internal readonly struct SmallerFirst : IPreference
{
    public static string Name => "argmin";

    public static bool Prefers<T>(T x, T y)
        where T : unmanaged, INumber<T> => x < y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V IfPreferred<V, T>(V candidate, V best, V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => V.IfOvertaken(best, candidate, best, x, y);

    public static unsafe T Best<T>(int width, T* x, nint length)
        where T : unmanaged, INumber<T>
    {
        nint zero = 0;
        return ReduceKernels<T, T, MinimumReducer<T>>.Rows(width, x, &zero, 1, length);
    }
}

/// <summary>Indices of extrema along one axis.</summary>
internal static unsafe class ArgReduce
{
    private const int BytesPerFork = 1 << 18;
    private const nint RowPiece = 4096;

    // Row numbers within a block are kept as elements, and a byte, signed or not, tells no more apart.
    private const int BlockRows = 256;

    internal static void Run<P>(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destination, int width)
        where P : struct, IPreference
    {
        DTypes.CheckComputed(dtype);
        if ((uint)axis >= (uint)shape.Length)
            throw new ArgumentException($"The axis {axis} is not among the {shape.Length} axes of the tensor.");
        if (destination.Length % sizeof(long) != 0)
            throw new ArgumentException($"The destination has {destination.Length} bytes, no multiple of 8.");
        ReduceAxis* axes = stackalloc ReduceAxis[shape.Length + 1];
        int size = dtype.Size();
        int scaled = destination.Length / sizeof(long) * size;
        ReducePlan plan = ReducePlan.Make(axes, shape, xStrides, 1u << axis, size, x.Length, scaled);
        if (plan.Outputs == 0) return;
        if (plan.IsEmpty) throw new ArgumentException($"{P.Name} of an empty axis has no value.");
        plan.Width = width;
        plan.JoinChunks();
        fixed (byte* px = x, pd = destination)
        {
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: RunTasks<P, byte>(in plan, px, (long*)pd); break;
                case DType.Int8: RunTasks<P, sbyte>(in plan, (sbyte*)px, (long*)pd); break;
                case DType.Int16: RunTasks<P, short>(in plan, (short*)px, (long*)pd); break;
                case DType.Int32: RunTasks<P, int>(in plan, (int*)px, (long*)pd); break;
                case DType.Int64: RunTasks<P, long>(in plan, (long*)px, (long*)pd); break;
                case DType.Float32: RunTasks<P, float>(in plan, (float*)px, (long*)pd); break;
                default: RunTasks<P, double>(in plan, (double*)px, (long*)pd); break;
            }
        }
    }

    private static void RunTasks<P, T>(in ReducePlan plan, T* x, long* destination)
        where P : struct, IPreference
        where T : unmanaged, INumber<T>
    {
        nint bytes = plan.ElementsPerTask * sizeof(T);
        if (plan.Tasks == 1 || bytes * plan.Tasks < 2 * BytesPerFork)
            RunTasks<P, T>(in plan, x, destination, 0, plan.Tasks);
        else
            Fork<P, T>(plan, x, destination, Math.Max(1, BytesPerFork / bytes));
    }

    private static void Fork<P, T>(ReducePlan plan, T* x, long* destination, nint tasksPerFork)
        where P : struct, IPreference
        where T : unmanaged, INumber<T> =>
        Workers.For((int)((plan.Tasks + tasksPerFork - 1) / tasksPerFork), i => RunTasks<P, T>(
            in plan, x, destination, i * tasksPerFork, Math.Min(plan.Tasks, (i + 1) * tasksPerFork)));

    private static void RunTasks<P, T>(in ReducePlan plan, T* x, long* destination, nint from, nint to)
        where P : struct, IPreference
        where T : unmanaged, INumber<T>
    {
        for (nint task = from; task < to; task++)
        {
            plan.Locate(task, out nint output, out nint column, out _);
            T* start = x + plan.KeptOffset(output) + column;
            long* into = destination + plan.KeptDestination(output) + column * plan.ColumnDestination;
            if (plan.InRows) *into = Row<P, T>(plan.Width, start, plan.RowLength);
            else Columns<P, T>(in plan, start, Math.Min(plan.BlockColumns, plan.Columns - column), into);
        }
    }

    private static nint Row<P, T>(int width, T* x, nint length)
        where P : struct, IPreference
        where T : unmanaged, INumber<T>
    {
        T best = x[0];
        nint piece = 0;
        for (nint at = 0; at < length; at += RowPiece)
        {
            T candidate = P.Best(width, x + at, Math.Min(RowPiece, length - at));
            if (T.IsNaN(candidate))
            {
                while (!T.IsNaN(x[at])) at++;
                return at;
            }

            if (at != 0 && !P.Prefers(candidate, best)) continue;
            best = candidate;
            piece = at;
        }

        return width switch
        {
            512 => Find<V512<T>, T>(x, piece, length, best),
            256 => Find<V256<T>, T>(x, piece, length, best),
            128 => Find<V128<T>, T>(x, piece, length, best),
            _ => Find<V1<T>, T>(x, piece, length, best),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static nint Find<V, T>(T* x, nint from, nint length, T value)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V wanted = V.Splat(value);
        nint i = from;
        for (; i <= length - V.Count; i += V.Count)
        {
            int lane = V.FirstEqual(V.Load(x + i), wanted);
            if (lane < V.Count) return i + lane;
        }

        return i + V.FirstEqual(V.LoadWidenedPart(x + i, (int)(length - i), value), wanted);
    }

    [SkipLocalsInit]
    private static void Columns<P, T>(in ReducePlan plan, T* x, nint columns, long* destination)
        where P : struct, IPreference
        where T : unmanaged, INumber<T>
    {
        T* best = stackalloc T[(int)columns];
        T* blockBest = stackalloc T[(int)columns];
        T* blockRow = stackalloc T[(int)columns];
        nint step = plan.ColumnDestination, stride = plan.UnitStride;
        for (nint first = 0; first < plan.Units; first += BlockRows)
        {
            int rows = (int)Math.Min(BlockRows, plan.Units - first);
            T* block = x + first * stride;
            nint done = 0;
            if (plan.Width >= 512)
                Block<P, V512<T>, T>(block, rows, stride, ref done, columns, blockBest, blockRow);
            if (plan.Width >= 256)
                Block<P, V256<T>, T>(block, rows, stride, ref done, columns, blockBest, blockRow);
            if (plan.Width >= 128)
                Block<P, V128<T>, T>(block, rows, stride, ref done, columns, blockBest, blockRow);
            Block<P, V1<T>, T>(block, rows, stride, ref done, columns, blockBest, blockRow);
            for (nint c = 0; c < columns; c++)
            {
                bool better = first == 0 || P.Prefers(blockBest[c], best[c])
                    || T.IsNaN(blockBest[c]) && !T.IsNaN(best[c]);
                if (!better) continue;
                best[c] = blockBest[c];
                destination[c * step] = first + (int.CreateTruncating(blockRow[c]) & (BlockRows - 1));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block<P, V, T>(
        T* x, int rows, nint stride, ref nint done, nint columns, T* blockBest, T* blockRow)
        where P : struct, IPreference
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        for (; done <= columns - V.Count; done += V.Count)
        {
            V best = V.Load(x + done), row = V.Splat(T.Zero);
            for (int r = 1; r < rows; r++)
            {
                V candidate = V.Load(x + r * stride + done);
                row = P.IfPreferred<V, T>(candidate, best, V.Splat(T.CreateTruncating(r)), row);
                best = P.IfPreferred<V, T>(candidate, best, candidate, best);
            }

            best.Store(blockBest + done);
            row.Store(blockRow + done);
        }
    }
}
