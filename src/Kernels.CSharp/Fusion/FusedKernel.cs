using System.Numerics;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>A compiled expression, computed in one pass over its operands.</summary>
/// <remarks>Sums depend on the sizes and the vector width, but not on the number of threads.</remarks>
public sealed unsafe class FusedKernel
{
    // The bytes of results of the cheapest functions, bound by the caches, that are worth a thread: some microseconds.
    private const int BytesOfGrain = 1 << 17;

    // The memory of totals that lies on the stack.
    private const int SmallBytes = 2048;

    private readonly FusedGraph graph;
    private readonly int inputs;
    private readonly int grain;
    private readonly int[] sizes;
    private readonly int[] totals;
    private readonly bool hasRows;
    private readonly Dictionary<string, Loop> loops = [];
    private FusedLayout? last;
    private Action<nint>? scalar;

    internal FusedKernel(FusedGraph graph)
    {
        this.graph = graph;
        inputs = graph.Nodes.Count(node => node.Kind == FusedKind.Input);
        hasRows = graph.HasRows;
        int size = graph.DType.Size();
        sizes =
        [
            .. graph.Nodes.Where(node => node.Kind == FusedKind.Input).Select(node => node.IsTruth ? 1 : size),
            .. graph.Outputs.Select(output => graph.Nodes[output.Node].IsTruth ? 1 : size),
        ];
        totals = [.. Enumerable.Range(0, graph.Outputs.Count).Where(i => graph.Outputs[i].Reduction is not null).Select(i => inputs + i)];
        // Totals are held in double precision, but for the largest and the smallest.
        foreach (int total in totals) sizes[total] = IsExtreme(total) ? size : sizeof(double);
        int cost = Math.Max(1, graph.Nodes.Sum(node => node.Operator?.Cost ?? 0));
        grain = Math.Max(64, BytesOfGrain / (size * cost));
    }

    /// <summary>Computes the results, which overlap no operand, unless they are of the shape of the expression and lie where
    /// an operand does that is contiguous and may be overwritten. Results of that shape have adjacent columns; one that
    /// combines elements is contiguous, with strides of 0 along the axes that it combines, as is one that each row has one element
    /// of.</summary>
    /// <param name="shape">The shape of the expression.</param>
    /// <param name="strides">For each operand, in the order of their nodes, and then each result, its strides in elements
    /// (none negative, 0 to broadcast or to combine, null if contiguous). The arrays are kept, and must not change; a call
    /// with the same ones as the last is the fastest.</param>
    /// <param name="places">For each of them the address of its first element, or for one in managed memory how many bytes it
    /// begins after that. Used up.</param>
    /// <param name="arrays">For each of them the managed memory that it lies in, null if there is none; null if none lies
    /// in managed memory.</param>
    /// <param name="rowAxes">The number of last axes that are a row, if nodes reduce rows.</param>
    /// <exception cref="ArgumentException">There are fewer or more operands, or an operand's elements lie apart along the
    /// last axis, or not evenly along a row.</exception>
    public void Run(int[] shape, int[]?[] strides, Span<nint> places, ReadOnlySpan<byte[]?> arrays = default, int rowAxes = 0)
    {
        if (places.Length != sizes.Length || strides.Length != sizes.Length || !arrays.IsEmpty && arrays.Length != sizes.Length)
        {
            throw new ArgumentException(
                $"The expression has {sizes.Length} operands and results, but {strides.Length} strides and {places.Length} places were given.");
        }

        FusedLayout? layout = last;
        if (layout is null || !layout.Fits(shape, rowAxes, strides))
        {
            layout = new FusedLayout(shape, rowAxes, strides, inputs, totals);
            if (totals.Length > 0 && layout.Count > 0) layout.Tiles = layout.MakeTiles(totals, hasRows);
            layout.Pass = FindPass(layout);
            last = layout;
        }

        fixed (nint* first = places) Pin(0, layout, arrays, first);
    }

    /// <summary>Computes an expression of single numbers.</summary>
    /// <param name="bits">The bits of the operands, in the order of their nodes, then room for those of the results.</param>
    /// <exception cref="ArgumentException">There are fewer or more operands and results.</exception>
    public void RunNumbers(Span<long> bits)
    {
        if (bits.Length != sizes.Length)
            throw new ArgumentException($"The expression has {sizes.Length} operands and results, but {bits.Length} were given.");

        nint* first = stackalloc nint[bits.Length];
        fixed (long* start = bits)
        {
            for (int i = 0; i < bits.Length; i++) first[i] = (nint)(start + i);
            RunNumbers(first);
        }
    }

    private void RunNumbers(nint* first)
    {
        scalar ??= FusedScalarEmitter.Emit(graph).CreateDelegate<Action<nint>>();
        scalar((nint)first);
    }

    /// <summary>Holds managed memory where it is, from one operand on, and runs.</summary>
    private void Pin(int next, FusedLayout layout, ReadOnlySpan<byte[]?> arrays, nint* first)
    {
        for (; next < arrays.Length; next++)
        {
            if (arrays[next] is not { } array) continue;
            fixed (byte* start = array)
            {
                // Neighbours are often parts of one array.
                for (; next < arrays.Length && ReferenceEquals(arrays[next], array); next++) first[next] += (nint)start;
                Pin(next, layout, arrays, first);
                return;
            }
        }

        if (layout.Dimensions == 0) RunNumbers(first);
        else if (layout.Expansions.Length > 0) RunExpanded(layout, first);
        else Run(layout, first);
    }

    /// <summary>Runs with operands written out.</summary>
    [SkipLocalsInit]
    private void RunExpanded(FusedLayout layout, nint* first)
    {
        long bytes = 0;
        foreach (FusedExpansion expansion in layout.Expansions)
        {
            if (expansion.Operand < inputs) bytes += expansion.Bytes(sizes[expansion.Operand]);
        }

        byte* small = stackalloc byte[SmallBytes];
        using var memory = new Scratch(small, bytes);
        nint start = memory.Start;
        foreach (FusedExpansion expansion in layout.Expansions)
        {
            int operand = expansion.Operand;
            if (operand >= inputs) continue;
            expansion.Write(sizes[operand], first[operand], start);
            first[operand] = start;
            start += (nint)expansion.Bytes(sizes[operand]);
        }

        Run(layout, first);
    }

    private void Run(FusedLayout layout, nint* first)
    {
        if (layout.Pass is { } pass)
        {
            RunPass(layout, pass, first);
            return;
        }

        if (totals.Length > 0)
        {
            RunWithTotals(layout, first);
            return;
        }

        if (layout.Count == 0) return;
        Loop loop = layout.Loop ??= Find(layout);
        if (layout.Count >= 2L * grain) Fork(layout, loop, first);
        else if (layout.Rows == 1 && !hasRows) loop.RunRow(first, layout.Count);
        else Range(layout, loop, first, 0, layout.Count);
    }

    /// <summary>How small expressions are computed by one call of their loop; null for others.</summary>
    private FusedPass? FindPass(FusedLayout layout)
    {
        if (layout.Count == 0 || layout.Count >= 2L * grain || layout.Sizes.Length > 2 || layout.Tiles is { Count: > 1 }) return null;
        nint[] pitches = GC.AllocateUninitializedArray<nint>(sizes.Length, pinned: true);
        for (int i = 0; i < pitches.Length; i++) pitches[i] = (nint)(layout.Pitch(i) * sizes[i]);
        var own = new FusedTotal[totals.Length];
        nint bytes = 0;
        for (int i = 0; i < own.Length; i++)
        {
            int operand = totals[i];
            Reduction reduction = graph.Outputs[operand - inputs].Reduction!.Value;
            bool isSingle = graph.DType == DType.Float32 && IsExtreme(operand);
            own[i] = new(
                operand, bytes, Padded(layout, i), (nint)layout.Extent(operand), layout.ExpansionOf(operand), isSingle,
                isSingle ? FusedTotals.IdentityOf<float>(reduction) : FusedTotals.IdentityOf<double>(reduction));
            bytes += own[i].Bytes;
        }

        return bytes + (nint)ScratchSize(layout) + 64 > SmallBytes ? null : new(pitches, own, bytes);
    }

    [SkipLocalsInit]
    private void RunPass(FusedLayout layout, FusedPass pass, nint* first)
    {
        Loop loop = layout.Loop ??= Find(layout);
        nint* pitches = (nint*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pass.Pitches));
        if (pass.Totals.Length == 0 && !hasRows)
        {
            loop.Run((nint)first, (nint)pitches, (nint)layout.Rows, (nint)layout.Sizes[0], 0);
            return;
        }

        byte* small = stackalloc byte[SmallBytes];
        nint start = ((nint)small + 63) & ~(nint)63;
        nint* at = stackalloc nint[sizes.Length];
        for (int i = 0; i < sizes.Length; i++) at[i] = first[i];
        foreach (FusedTotal total in pass.Totals)
        {
            at[total.Operand] = start + total.Start;
            if (total.IsSingle) new Span<float>((void*)(start + total.Start), (int)total.Bytes / sizeof(float)).Fill((float)total.Identity);
            else new Span<double>((void*)(start + total.Start), (int)total.Bytes / sizeof(double)).Fill(total.Identity);
        }

        loop.Run((nint)at, (nint)pitches, (nint)layout.Rows, (nint)layout.Sizes[0], start + pass.Bytes);
        foreach (FusedTotal total in pass.Totals)
        {
            nint found = start + total.Start, result = first[total.Operand];
            if (total.Expansion is not null)
            {
                Totals(total.Operand, FusedTotals.Step.Finish, found, total.Count, 1, 0, result, total.Expansion);
            }
            else if (graph.DType == DType.Float32 && !total.IsSingle)
            {
                for (nint i = 0; i < total.Count; i++) ((float*)result)[i] = (float)((double*)found)[i];
            }
            else
            {
                Unsafe.CopyBlockUnaligned((void*)result, (void*)found, (uint)(total.Count * graph.DType.Size()));
            }
        }
    }

    private void Fork(FusedLayout layout, Loop loop, nint* first)
    {
        // Parts are whole rows, or begin at multiples of 64 elements, so that no two threads write to one cache line.
        long unit = hasRows ? layout.Sizes[0] : 64;
        long units = hasRows ? layout.Rows : (layout.Count + unit - 1) / unit;
        long parts = Math.Min(Workers.Count, hasRows ? units : layout.Count / grain);
        long size = (units + parts - 1) / parts * unit;
        Workers.For(
            (int)((layout.Count + size - 1) / size),
            new Part { Kernel = this, Layout = layout, Loop = loop, First = first, Size = size });
    }

    private struct Part : IForked
    {
        public FusedKernel Kernel;
        public FusedLayout Layout;
        public Loop Loop;
        public nint* First;
        public long Size;

        public readonly void Run(int i) => Kernel.Range(Layout, Loop, First, i * Size, Math.Min(Layout.Count, (i + 1) * Size));
    }

    /// <summary>Computes the elements of the results from one index to before another.</summary>
    [SkipLocalsInit]
    private void Range(FusedLayout layout, Loop loop, nint* first, long from, long to)
    {
        byte* small = stackalloc byte[SmallBytes];
        using var scratch = new Scratch(small, ScratchSize(layout));
        long columns = layout.Sizes[0];
        while (from < to)
        {
            (long row, long column) = Math.DivRem(from, columns);
            long width = Math.Min(columns - column, to - from);
            long rows = width < columns ? 1 : (to - from) / columns;
            Rows(layout, loop, first, row, rows, column, width, scratch.Start);
            from += rows * width;
        }
    }

    /// <summary>Computes some columns of some rows.</summary>
    [SkipLocalsInit]
    private void Rows(FusedLayout layout, Loop loop, nint* first, long row, long rows, long column, long width, nint scratch)
    {
        int count = sizes.Length;
        nint* at = stackalloc nint[count];
        nint* pitch = stackalloc nint[count];
        long height = layout.Sizes.Length > 1 ? layout.Sizes[1] : 1;
        for (int i = 0; i < count; i++) pitch[i] = (nint)(layout.Pitch(i) * sizes[i]);
        for (long end = row + rows; row < end;)
        {
            bool isFirst = row == 0 && column == 0;
            for (int i = 0; i < count; i++) at[i] = isFirst ? first[i] : first[i] + (nint)(layout.Offset(i, row, column) * sizes[i]);
            long next = Math.Min(height - row % height, end - row);
            loop.Run((nint)at, (nint)pitch, (nint)next, (nint)width, scratch);
            row += next;
        }
    }

    /// <summary>Computes tile by tile, with totals of each, combines these in their order, and writes them as results.</summary>
    [SkipLocalsInit]
    private void RunWithTotals(FusedLayout layout, nint* first)
    {
        FusedTiles? tiles = layout.Tiles;
        nint* bases = stackalloc nint[sizes.Length];
        for (int i = 0; i < sizes.Length; i++) bases[i] = first[i];
        nint* pitches = stackalloc nint[totals.Length];
        nint bytes = 64;
        for (int i = 0; i < totals.Length; i++)
        {
            pitches[i] = Padded(layout, i);
            bytes += pitches[i] * (nint)(tiles?.Copies[i] ?? 1);
        }

        byte* small = stackalloc byte[SmallBytes];
        using var memory = new Scratch(small, bytes);
        nint start = memory.Start;
        for (int i = 0; i < totals.Length; i++)
        {
            bases[totals[i]] = start;
            nint own = pitches[i] * (nint)(tiles?.Copies[i] ?? 1);
            Totals(totals[i], FusedTotals.Step.Start, start, own / sizes[totals[i]], 1, 0, 0, null);
            start += own;
        }

        if (tiles is not null)
        {
            Loop loop = layout.Loop ??= Find(layout);
            if (tiles.Count > 1 && layout.Count >= 2L * grain) ForkTiles(layout, loop, bases, pitches);
            else Tiles(layout, loop, bases, pitches, 0, tiles.Count);
        }

        for (int i = 0; i < totals.Length; i++)
        {
            int total = totals[i];
            nint extent = layout.Count == 0 && IsEmpty(layout, total) ? 0 : (nint)layout.Extent(total);
            FusedExpansion? expansion = layout.ExpansionOf(total);
            Totals(total, FusedTotals.Step.Finish, bases[total], extent, (nint)(tiles?.Copies[i] ?? 1), pitches[i], first[total], expansion);
        }
    }

    private void ForkTiles(FusedLayout layout, Loop loop, nint* bases, nint* pitches)
    {
        long tiles = layout.Tiles!.Count;
        long each = Math.Max(1, Math.Min(tiles / (4 * Workers.Count), grain * tiles / layout.Count));
        Workers.For(
            (int)((tiles + each - 1) / each),
            new TilePart { Kernel = this, Layout = layout, Loop = loop, Bases = bases, Pitches = pitches, Each = each });
    }

    private struct TilePart : IForked
    {
        public FusedKernel Kernel;
        public FusedLayout Layout;
        public Loop Loop;
        public nint* Bases, Pitches;
        public long Each;

        public readonly void Run(int i) =>
            Kernel.Tiles(Layout, Loop, Bases, Pitches, i * Each, Math.Min(Layout.Tiles!.Count, (i + 1) * Each));
    }

    [SkipLocalsInit]
    private void Tiles(FusedLayout layout, Loop loop, nint* bases, nint* pitches, long from, long to)
    {
        FusedTiles tiles = layout.Tiles!;
        byte* small = stackalloc byte[SmallBytes];
        using var scratch = new Scratch(small, ScratchSize(layout));
        nint* first = stackalloc nint[sizes.Length];
        for (int i = 0; i < sizes.Length; i++) first[i] = bases[i];
        for (long tile = from; tile < to; tile++)
        {
            (long chunk, long block) = Math.DivRem(tile, tiles.Blocks);
            for (int i = 0; i < totals.Length; i++)
                first[totals[i]] = bases[totals[i]] + (nint)tiles.Copy(i, chunk, block) * pitches[i];
            long row = chunk * tiles.Rows, column = block * tiles.Columns;
            Rows(
                layout, loop, first, row, Math.Min(tiles.Rows, layout.Rows - row), column,
                Math.Min(tiles.Columns, layout.Sizes[0] - column), scratch.Start);
        }
    }

    private long ScratchSize(FusedLayout layout) => hasRows ? FusedEmitter.ScratchSize(graph, layout.Sizes[0]) : 0;

    /// <summary>The bytes of a copy of a total: whole vectors, since the last of a row is added whole.</summary>
    private nint Padded(FusedLayout layout, int total) => (nint)((layout.Extent(totals[total]) * sizes[totals[total]] + 255) & ~63L);

    private static bool IsEmpty(FusedLayout layout, int total) => layout.Extent(total) <= 0;

    private bool IsExtreme(int operand) => graph.Outputs[operand - inputs].Reduction is Reduction.Maximum or Reduction.Minimum;

    private void Totals(
        int operand, FusedTotals.Step step, nint memory, nint count, nint copies, nint pitch, nint result, FusedExpansion? expansion)
    {
        Reduction reduction = graph.Outputs[operand - inputs].Reduction!.Value;
        if (graph.DType == DType.Float64) FusedTotals.Run<double, double>(reduction, step, memory, count, copies, pitch, result, expansion);
        else if (IsExtreme(operand)) FusedTotals.Run<float, float>(reduction, step, memory, count, copies, pitch, result, expansion);
        else FusedTotals.Run<float, double>(reduction, step, memory, count, copies, pitch, result, expansion);
    }

    private Loop Find(FusedLayout layout)
    {
        lock (loops)
        {
            if (loops.TryGetValue(layout.Steps, out Loop? found)) return found;
            return loops[layout.Steps] = new Loop(FusedEmitter.Emit(graph, layout.Steps, Simd.Width));
        }
    }

    internal sealed class Loop(DynamicMethod method)
    {
        private readonly Action<nint, nint, nint, nint, nint> method = method.CreateDelegate<Action<nint, nint, nint, nint, nint>>();

        internal void Run(nint operands, nint pitches, nint rows, nint count, nint scratch) =>
            method(operands, pitches, rows, count, scratch);

        /// <summary>One row, after which there is none to go on to, however far away.</summary>
        internal void RunRow(nint* operands, long count) => method((nint)operands, (nint)operands, 1, (nint)count, 0);
    }

    /// <summary>Memory for the time of a call, on the stack if it is small.</summary>
    private readonly ref struct Scratch
    {
        private readonly void* allocated;

        internal Scratch(byte* small, long bytes)
        {
            byte* start = small;
            if (bytes + 64 > SmallBytes) allocated = start = (byte*)NativeMemory.Alloc((nuint)bytes + 64);
            Start = ((nint)start + 63) & ~(nint)63;
        }

        internal nint Start { get; }

        public void Dispose() => NativeMemory.Free(allocated);
    }
}

/// <summary>An expression of so few elements that one call of its loop computes it, with totals on the stack.</summary>
/// <param name="Pitches">How far each operand lies from row to row in bytes, in memory that does not move.</param>
/// <param name="Totals">The totals.</param>
/// <param name="Bytes">Their memory.</param>
internal sealed record FusedPass(nint[] Pitches, FusedTotal[] Totals, nint Bytes);

/// <summary>A total of one pass: where it begins among the totals, and what it begins with.</summary>
internal readonly record struct FusedTotal(
    int Operand, nint Start, nint Bytes, nint Count, FusedExpansion? Expansion, bool IsSingle, double Identity);

/// <summary>The totals of the tiles of a pass.</summary>
internal static unsafe class FusedTotals
{
    internal static double IdentityOf<A>(Reduction reduction)
        where A : unmanaged, INumber<A> => double.CreateTruncating(reduction switch
        {
            Reduction.Sum => SumReducer<A>.Identity,
            Reduction.Product => ProductReducer<A>.Identity,
            Reduction.Maximum => MaximumReducer<A>.Identity,
            _ => MinimumReducer<A>.Identity,
        });

    internal enum Step
    {
        /// <summary>Makes all totals those of no elements.</summary>
        Start,

        /// <summary>Combines the copies of the totals and writes the results.</summary>
        Finish,
    }

    internal static void Run<T, A>(
        Reduction reduction, Step step, nint memory, nint count, nint copies, nint pitch, nint result, FusedExpansion? expansion)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
    {
        switch (reduction)
        {
            case Reduction.Sum: Run<T, A, SumReducer<A>>(step, (A*)memory, count, copies, pitch, (T*)result, expansion); break;
            case Reduction.Product: Run<T, A, ProductReducer<A>>(step, (A*)memory, count, copies, pitch, (T*)result, expansion); break;
            case Reduction.Maximum: Run<T, A, MaximumReducer<A>>(step, (A*)memory, count, copies, pitch, (T*)result, expansion); break;
            default: Run<T, A, MinimumReducer<A>>(step, (A*)memory, count, copies, pitch, (T*)result, expansion); break;
        }
    }

    private static void Run<T, A, TOp>(Step step, A* totals, nint count, nint copies, nint pitch, T* result, FusedExpansion? expansion)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
        where TOp : struct, IReducer<A>
    {
        if (step == Step.Start)
        {
            new Span<A>(totals, (int)count).Fill(TOp.Identity);
            return;
        }

        // Neighbours first, so that the depth of the sum grows with the logarithm of the number of copies.
        pitch /= sizeof(A);
        for (nint apart = 1; apart < copies; apart *= 2)
        {
            for (nint copy = 0; copy + apart < copies; copy += 2 * apart)
            {
                A* left = totals + copy * pitch, right = left + apart * pitch;
                for (nint i = 0; i < count; i++) left[i] = TOp.Combine(left[i], right[i]);
            }
        }

        if (expansion is not null)
        {
            expansion.Fold<A, TOp>(totals);
            count = (nint)expansion.Folded;
        }

        for (nint i = 0; i < count; i++) result[i] = T.CreateTruncating(totals[i]);
    }
}
