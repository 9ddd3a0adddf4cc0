using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Runs a plan for one element type, accumulator type and operation.</summary>
internal static unsafe class ReduceDriver<T, A, TOp>
    where T : unmanaged, INumber<T>
    where A : unmanaged, INumber<A>
    where TOp : struct, IReducer<A>
{
    private const int GroupRows = 32;
    private const int RowBatch = 128;
    private const int WideColumns = 128;
    private const int BytesPerFork = 1 << 19;

    // What a task costs at least, as the number of bytes that could be read meanwhile.
    private const int BytesPerTask = 256;

    internal static void Run(in ReducePlan plan, T* x, T* destination)
    {
        if (plan.IsEmpty)
        {
            new Span<T>(destination, (int)plan.Outputs).Fill(T.CreateTruncating(TOp.Identity));
            return;
        }

        if (plan.Chunks == 1)
        {
            RunTasks(in plan, x, destination, null);
            return;
        }

        A* partials = (A*)NativeMemory.Alloc((nuint)(plan.Tasks * plan.BlockColumns), (nuint)sizeof(A));
        try
        {
            RunTasks(in plan, x, destination, partials);
            for (nint first = 0; first < plan.Tasks; first += plan.Chunks) Merge(in plan, first, partials, destination);
        }
        finally
        {
            NativeMemory.Free(partials);
        }
    }

    private static void RunTasks(in ReducePlan plan, T* x, T* destination, A* partials)
    {
        nint bytes = Math.Max(BytesPerTask, plan.ElementsPerTask * sizeof(T));
        if (plan.Tasks == 1 || bytes * plan.Tasks < 2 * BytesPerFork)
            RunTasks(in plan, x, destination, partials, 0, plan.Tasks);
        else
            Fork(plan, x, destination, partials, Math.Max(1, BytesPerFork / bytes));
    }

    private static void Fork(ReducePlan plan, T* x, T* destination, A* partials, nint tasksPerFork) =>
        Workers.For(
            (int)((plan.Tasks + tasksPerFork - 1) / tasksPerFork),
            new Part { Plan = plan, X = x, Destination = destination, Partials = partials, Tasks = tasksPerFork });

    private struct Part : IForked
    {
        public ReducePlan Plan;
        public T* X, Destination;
        public A* Partials;
        public nint Tasks;

        public readonly void Run(int i) =>
            RunTasks(in Plan, X, Destination, Partials, i * Tasks, Math.Min(Plan.Tasks, (i + 1) * Tasks));
    }

    [SkipLocalsInit]
    private static void RunTasks(
        in ReducePlan plan, T* x, T* destination, A* partials, nint from, nint to)
    {
        if (plan.IsEachRow)
        {
            EachRow(in plan, x, destination, from, to);
            return;
        }

        A* totals = stackalloc A[(int)plan.BlockColumns];
        for (nint task = from; task < to; task++)
        {
            plan.Locate(task, out nint output, out nint column, out nint chunk);
            T* start = x + plan.KeptOffset(output) + column;
            nint columns = Math.Min(plan.BlockColumns, plan.Columns - column);
            nint first = chunk * plan.ChunkUnits, last = Math.Min(plan.Units, first + plan.ChunkUnits);
            A* into = partials == null ? totals : partials + task * plan.BlockColumns;
            if (plan.InRows) *into = Rows(in plan, start, first, last);
            else Columns(in plan, start, first, last, columns, into);
            if (partials == null) Finish(in plan, totals, output, column, columns, destination);
        }
    }

    [SkipLocalsInit]
    private static void EachRow(in ReducePlan plan, T* x, T* destination, nint from, nint to)
    {
        A* totals = stackalloc A[RowBatch];
        nint stride = plan.KeptStride, step = plan.KeptDestination(1), length = plan.RowLength;
        for (nint row = from; row < to; row += RowBatch)
        {
            int rows = (int)Math.Min(RowBatch, to - row);
            ReduceKernels<T, A, TOp>.EachRow(plan.Width, x + row * stride, stride, rows, length, totals);
            T* into = destination + row * step;
            if (plan.Repeat == 1)
            {
                for (int r = 0; r < rows; r++) into[r * step] = T.CreateTruncating(totals[r]);
            }
            else
            {
                for (int r = 0; r < rows; r++) into[r * step] = T.CreateTruncating(TOp.Repeat(totals[r], plan.Repeat));
            }
        }
    }

    [SkipLocalsInit]
    private static A Rows(in ReducePlan plan, T* x, nint first, nint last)
    {
        nint* offsets = stackalloc nint[GroupRows];
        A total = TOp.Identity;
        for (nint unit = first; unit < last;)
        {
            int rows = (int)Math.Min(plan.GroupUnits, last - unit);
            plan.FillOffsets(unit, rows, offsets);
            A group = ReduceKernels<T, A, TOp>.Rows(plan.Width, x, offsets, rows, plan.UnitLength(unit));
            total = TOp.Combine(total, group);
            unit += rows;
        }

        return total;
    }

    [SkipLocalsInit]
    private static void Columns(in ReducePlan plan, T* x, nint first, nint last, nint columns, A* totals)
    {
        nint* offsets = stackalloc nint[GroupRows];
        new Span<A>(totals, (int)columns).Fill(TOp.Identity);
        nint joined = WideColumns / columns;
        if (joined > 1 && plan.IsGapless && last - first >= 4 * joined)
            first = JoinedRows(in plan, x, first, last, columns, joined, totals, offsets);
        for (nint unit = first; unit < last;)
        {
            int rows = (int)Math.Min(GroupRows, last - unit);
            plan.FillOffsets(unit, rows, offsets);
            ReduceKernels<T, A, TOp>.Columns(plan.Width, x, offsets, rows, columns, totals);
            unit += rows;
        }
    }

    // A few columns do not fill a register: rows without gaps are taken as fewer rows of several times the columns.
    [SkipLocalsInit]
    private static nint JoinedRows(
        in ReducePlan plan, T* x, nint first, nint last, nint columns, nint joined, A* totals, nint* offsets)
    {
        A* wide = stackalloc A[WideColumns];
        new Span<A>(wide, WideColumns).Fill(TOp.Identity);
        nint unit = first, end = last - (last - first) % joined;
        while (unit < end)
        {
            int rows = (int)Math.Min(GroupRows, (end - unit) / joined);
            for (int r = 0; r < rows; r++, unit += joined) offsets[r] = plan.UnitOffset(unit);
            ReduceKernels<T, A, TOp>.Columns(plan.Width, x, offsets, rows, columns * joined, wide);
        }

        for (nint j = 0; j < joined; j++)
        {
            for (nint c = 0; c < columns; c++)
                totals[c] = TOp.Combine(totals[c], wide[j * columns + c]);
        }

        return end;
    }

    // Neighbours first, so that the depth of the sum grows with the logarithm of the number of chunks.
    private static void Merge(in ReducePlan plan, nint firstTask, A* partials, T* destination)
    {
        plan.Locate(firstTask, out nint output, out nint column, out _);
        nint columns = Math.Min(plan.BlockColumns, plan.Columns - column);
        A* first = partials + firstTask * plan.BlockColumns;
        for (nint step = 1; step < plan.Chunks; step *= 2)
        {
            for (nint chunk = 0; chunk + step < plan.Chunks; chunk += 2 * step)
            {
                A* left = first + chunk * plan.BlockColumns, right = left + step * plan.BlockColumns;
                for (nint c = 0; c < columns; c++) left[c] = TOp.Combine(left[c], right[c]);
            }
        }

        Finish(in plan, first, output, column, columns, destination);
    }

    private static void Finish(
        in ReducePlan plan, A* totals, nint output, nint column, nint columns, T* destination)
    {
        T* into = destination + plan.KeptDestination(output) + column * plan.ColumnDestination;
        if (plan.Repeat != 1)
        {
            for (nint c = 0; c < columns; c++) totals[c] = TOp.Repeat(totals[c], plan.Repeat);
        }

        for (nint c = 0; c < columns; c++) into[c * plan.ColumnDestination] = T.CreateTruncating(totals[c]);
    }
}
