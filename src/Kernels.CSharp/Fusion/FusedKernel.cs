using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>An operand or a result of a fused kernel: where its first element is, and its strides in elements (none
/// negative, 0 to broadcast, null if contiguous).</summary>
/// <param name="Array">The managed memory; null if there is none.</param>
/// <param name="Start">The first element's place in the managed memory, in bytes, or else its address; 0 for an operand
/// that is a single number held in <paramref name="Bits"/>.</param>
/// <param name="Bits">The bits of a single number.</param>
/// <param name="Strides">The strides.</param>
public readonly record struct FusedOperand(byte[]? Array, nint Start, long Bits, int[]? Strides);

/// <summary>A compiled expression, computed in one pass over its operands.</summary>
public sealed unsafe class FusedKernel
{
    // The bytes of results of the cheapest functions, bound by the caches, that are worth a thread: some microseconds.
    private const int BytesOfGrain = 1 << 19;

    private readonly FusedGraph graph;
    private readonly int inputs;
    private readonly int grain;
    private readonly int[] sizes;
    private readonly Dictionary<int, Loop> loops = [];
    private FusedLayout? last;
    private Loop? scalar;

    internal FusedKernel(FusedGraph graph)
    {
        this.graph = graph;
        inputs = graph.Nodes.Count(node => node.Kind == FusedKind.Input);
        int size = graph.DType.Size();
        sizes =
        [
            .. graph.Nodes.Where(node => node.Kind == FusedKind.Input).Select(node => node.IsTruth ? 1 : size),
            .. graph.Outputs.Select(output => graph.Nodes[output].IsTruth ? 1 : size),
        ];
        int cost = Math.Max(1, graph.Nodes.Sum(node => node.Operator?.Cost ?? 0));
        grain = Math.Max(64, BytesOfGrain / (size * cost));
    }

    /// <summary>The number of operands.</summary>
    public int InputCount => inputs;

    /// <summary>Computes the results, which have adjacent columns and overlap no operand, unless both are contiguous and the
    /// same.</summary>
    /// <param name="shape">The shape of the results.</param>
    /// <param name="operands">The operands, in the order of their nodes, then the results.</param>
    /// <exception cref="ArgumentException">There are fewer or more operands.</exception>
    public void Run(int[] shape, ReadOnlySpan<FusedOperand> operands)
    {
        if (operands.Length != sizes.Length)
            throw new ArgumentException($"The expression has {sizes.Length} operands and results, but {operands.Length} were given.");

        nint* first = stackalloc nint[operands.Length];
        long* bits = stackalloc long[operands.Length];
        Pin(0, shape, operands, first, bits);
    }

    /// <summary>Finds the addresses from one operand on, holds managed memory where it is, and runs.</summary>
    private void Pin(int next, int[] shape, ReadOnlySpan<FusedOperand> operands, nint* first, long* bits)
    {
        for (; next < operands.Length; next++)
        {
            ref readonly FusedOperand operand = ref operands[next];
            if (operand.Array is { } array)
            {
                fixed (byte* start = array)
                {
                    first[next] = (nint)start + operand.Start;
                    Pin(next + 1, shape, operands, first, bits);
                    return;
                }
            }

            bits[next] = operand.Bits;
            first[next] = operand.Start != 0 ? operand.Start : (nint)(bits + next);
        }

        Run(shape, operands, first);
    }

    private void Run(int[] shape, ReadOnlySpan<FusedOperand> operands, nint* first)
    {
        if (shape.Length == 0)
        {
            scalar ??= new Loop(FusedScalarEmitter.Emit(graph), []);
            scalar.Run((nint)first, 1);
            return;
        }

        FusedLayout? layout = last;
        if (layout is null || !layout.Fits(shape, operands)) last = layout = new FusedLayout(shape, operands, inputs);
        if (layout.Count == 0) return;
        Loop loop = layout.Loop ??= Find(layout);
        if (layout.Count >= 2L * grain) Fork(layout, loop, first);
        else Range(layout, loop, first, 0, layout.Count);
    }

    private void Fork(FusedLayout layout, Loop loop, nint* first)
    {
        nint start = (nint)first;
        Workers.ForRange(layout.Count, grain, (from, to) => Range(layout, loop, (nint*)start, from, to));
    }

    /// <summary>Computes the elements of the results from one index to before another.</summary>
    [SkipLocalsInit]
    private void Range(FusedLayout layout, Loop loop, nint* first, long from, long to)
    {
        int count = sizes.Length;
        nint* at = stackalloc nint[count];
        nint* pitch = stackalloc nint[count];
        long columns = layout.Sizes[0];
        long height = layout.Sizes.Length > 1 ? layout.Sizes[1] : 1;
        for (int i = 0; i < count; i++) pitch[i] = (nint)(layout.Pitch(i) * sizes[i]);
        while (from < to)
        {
            (long row, long column) = Math.DivRem(from, columns);
            for (int i = 0; i < count; i++) at[i] = first[i] + (nint)(layout.Offset(i, row, column) * sizes[i]);
            long width = Math.Min(columns - column, to - from);
            long rows = width < columns ? 1 : Math.Min(height - row % height, (to - from) / columns);
            from += rows * width;
            for (; rows > 0; rows--)
            {
                loop.Run((nint)at, (nint)width);
                for (int i = 0; i < count; i++) at[i] += pitch[i];
            }
        }
    }

    private Loop Find(FusedLayout layout)
    {
        var isFixed = new bool[inputs];
        int key = 0;
        for (int i = 0; i < inputs; i++)
        {
            isFixed[i] = layout.IsFixed(i);
            if (isFixed[i]) key = HashCode.Combine(key, i);
        }

        lock (loops)
        {
            if (loops.TryGetValue(key, out Loop? found) && found.IsFixed.AsSpan().SequenceEqual(isFixed)) return found;
            return loops[key] = new Loop(FusedEmitter.Emit(graph, isFixed, Simd.Width), isFixed);
        }
    }

    internal sealed class Loop
    {
        private readonly Action<nint, nint> method;

        internal Loop(DynamicMethod method, bool[] isFixed)
        {
            IsFixed = isFixed;
            this.method = method.CreateDelegate<Action<nint, nint>>();
        }

        internal bool[] IsFixed { get; }

        internal void Run(nint operands, nint count) => method(operands, count);
    }
}

/// <summary>The iteration space of a fused kernel: dimensions innermost first, without those of size 1, those merged
/// that every operand steps through as one.</summary>
internal sealed class FusedLayout
{
    private readonly int[] shape;
    private readonly int[]?[] given;
    private readonly long[][] steps;

    internal FusedLayout(int[] shape, ReadOnlySpan<FusedOperand> operands, int inputs)
    {
        this.shape = shape;
        given = new int[]?[operands.Length];
        for (int i = 0; i < operands.Length; i++) given[i] = operands[i].Strides;
        Count = 1;
        foreach (int size in shape) Count *= size;

        var sizes = new List<long>();
        var strides = operands.ToArray().Select(_ => new List<long>()).ToArray();
        long inner = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            if (shape[d] == 1) continue;
            long[] step = [.. given.Select(s => s is null ? inner : s[d])];
            int top = sizes.Count - 1;
            bool merges = top >= 0 && step.Select((s, i) => s == strides[i][top] * sizes[top]).All(x => x);
            if (merges)
            {
                sizes[top] *= shape[d];
            }
            else
            {
                sizes.Add(shape[d]);
                for (int i = 0; i < step.Length; i++) strides[i].Add(step[i]);
            }

            inner *= shape[d];
        }

        if (sizes.Count == 0)
        {
            sizes.Add(1);
            foreach (List<long> s in strides) s.Add(1);
        }

        Sizes = [.. sizes];
        steps = [.. strides.Select(s => s.ToArray())];
        if (Count > 0 && steps.Take(inputs).Any(s => s[0] > 1))
            throw new ArgumentException("An operand's elements lie apart along the last axis; copy it first.");
    }

    internal long Count { get; }

    internal long[] Sizes { get; }

    internal FusedKernel.Loop? Loop { get; set; }

    /// <summary>The distance of an operand's rows, in elements.</summary>
    internal long Pitch(int operand) => Sizes.Length > 1 ? steps[operand][1] : 0;

    internal bool IsFixed(int operand) => steps[operand][0] == 0;

    internal bool Fits(int[] shape, ReadOnlySpan<FusedOperand> operands)
    {
        if (!ReferenceEquals(shape, this.shape) && !shape.AsSpan().SequenceEqual(this.shape)) return false;
        for (int i = 0; i < operands.Length; i++)
        {
            if (!ReferenceEquals(operands[i].Strides, given[i]) && !operands[i].Strides.AsSpan().SequenceEqual(given[i])) return false;
            if (operands[i].Strides is null != given[i] is null) return false;
        }

        return true;
    }

    /// <summary>The index of an operand's element in a row, of all rows, and a column.</summary>
    internal long Offset(int operand, long row, long column)
    {
        long[] step = steps[operand];
        long offset = column * step[0];
        for (int d = 1; d < Sizes.Length; d++)
        {
            (row, long index) = Math.DivRem(row, Sizes[d]);
            offset += index * step[d];
        }

        return offset;
    }
}
