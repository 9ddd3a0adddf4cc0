using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Selection by integer indices along one axis, and its transposes. The tensor that is indexed is contiguous and
/// seen as outer x axis x inner. Negative indices count from the end, save in <see cref="OneHot"/>.
/// </summary>
public static unsafe class Indexing
{
    private const long BytesPerFork = 1 << 18;
    private const long ElementsPerFork = 1 << 15;

    /// <summary>
    /// destination[o, j, i] = x[o, indices[j], i]; the destination is outer x indexCount x inner.
    /// </summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside -axisSize to axisSize - 1.</exception>
    public static void Take(
        int elementSize, int outer, int axisSize, int inner, ReadOnlySpan<byte> x,
        DType indexType, ReadOnlySpan<byte> indices, int indexCount, Span<byte> destination)
    {
        CheckTensor(x.Length, elementSize, outer, axisSize, inner, "x");
        CheckIndices(indices.Length, indexType, indexCount);
        CheckTensor(destination.Length, elementSize, outer, indexCount, inner, "The destination");
        fixed (byte* px = x, pi = indices, pd = destination)
        {
            if (indexType == DType.Int64)
                TakeIndexed(elementSize, outer, axisSize, inner, px, (long*)pi, indexCount, pd);
            else
                TakeIndexed(elementSize, outer, axisSize, inner, px, (int*)pi, indexCount, pd);
        }
    }

    /// <summary>
    /// destination[o, k, i] = the sum of updates[o, j, i] over the j with indices[j] = k, in the order of j: the
    /// transpose of <see cref="Take"/>. The destination is outer x axisSize x inner; its former content is lost.
    /// </summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside -axisSize to axisSize - 1.</exception>
    public static void TakeAdd(
        DType dtype, int outer, int axisSize, int inner, ReadOnlySpan<byte> updates,
        DType indexType, ReadOnlySpan<byte> indices, int indexCount, Span<byte> destination)
    {
        CheckTensor(updates.Length, dtype.Size(), outer, indexCount, inner, "The updates");
        CheckIndices(indices.Length, indexType, indexCount);
        CheckTensor(destination.Length, dtype.Size(), outer, axisSize, inner, "The destination");
        Add<TakeAddition>(dtype, outer, axisSize, inner, updates, indexType, indices, indexCount, destination);
    }

    /// <summary>
    /// destination[o, j, i] = x[o, indices[o, j, i], i]; indices and destination are outer x indexCount x inner.
    /// </summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside -axisSize to axisSize - 1.</exception>
    public static void Gather(
        int elementSize, int outer, int axisSize, int inner, ReadOnlySpan<byte> x,
        DType indexType, ReadOnlySpan<byte> indices, int indexCount, Span<byte> destination)
    {
        CheckTensor(x.Length, elementSize, outer, axisSize, inner, "x");
        CheckIndices(indices.Length, indexType, (long)outer * indexCount * inner);
        CheckTensor(destination.Length, elementSize, outer, indexCount, inner, "The destination");
        fixed (byte* px = x, pi = indices, pd = destination)
        {
            if (indexType == DType.Int64)
                GatherIndexed(elementSize, outer, axisSize, inner, px, (long*)pi, indexCount, pd);
            else
                GatherIndexed(elementSize, outer, axisSize, inner, px, (int*)pi, indexCount, pd);
        }
    }

    /// <summary>
    /// destination[o, k, i] = the sum of updates[o, j, i] over the j with indices[o, j, i] = k, in the order of j:
    /// the transpose of <see cref="Gather"/>. The destination is outer x axisSize x inner; its former content is lost.
    /// </summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside -axisSize to axisSize - 1.</exception>
    public static void ScatterAdd(
        DType dtype, int outer, int axisSize, int inner, ReadOnlySpan<byte> updates,
        DType indexType, ReadOnlySpan<byte> indices, int indexCount, Span<byte> destination)
    {
        CheckTensor(updates.Length, dtype.Size(), outer, indexCount, inner, "The updates");
        CheckIndices(indices.Length, indexType, (long)outer * indexCount * inner);
        CheckTensor(destination.Length, dtype.Size(), outer, axisSize, inner, "The destination");
        Add<ScatterAddition>(dtype, outer, axisSize, inner, updates, indexType, indices, indexCount, destination);
    }

    /// <summary>
    /// destination[r, c] = 1 where c = indices[r] and 0 elsewhere; the destination is count x classes. An index
    /// outside 0 to classes - 1 gives a row of zeros.
    /// </summary>
    public static void OneHot(
        DType dtype, int count, int classes, DType indexType, ReadOnlySpan<byte> indices, Span<byte> destination)
    {
        DTypes.CheckComputed(dtype);
        CheckIndices(indices.Length, indexType, count);
        CheckTensor(destination.Length, dtype.Size(), 1, count, classes, "The destination");
        destination.Clear();
        fixed (byte* pi = indices, pd = destination)
        {
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: SetOnes(count, classes, indexType, pi, pd); break;
                case DType.Int8: SetOnes(count, classes, indexType, pi, (sbyte*)pd); break;
                case DType.Int16: SetOnes(count, classes, indexType, pi, (short*)pd); break;
                case DType.Int32: SetOnes(count, classes, indexType, pi, (int*)pd); break;
                case DType.Int64: SetOnes(count, classes, indexType, pi, (long*)pd); break;
                case DType.Float32: SetOnes(count, classes, indexType, pi, (float*)pd); break;
                default: SetOnes(count, classes, indexType, pi, (double*)pd); break;
            }
        }
    }

    /// <summary>
    /// destination[o, k, i] = the last j with indices[o, j, i] = k, or -1 if there is none: the updates that remain when
    /// they are written in order. Indices are outer x indexCount x inner, the int64 destination outer x axisSize x inner.
    /// </summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside -axisSize to axisSize - 1.</exception>
    public static void LastWriters(
        int outer, int axisSize, int inner, DType indexType, ReadOnlySpan<byte> indices, int indexCount,
        Span<byte> destination)
    {
        CheckIndices(indices.Length, indexType, (long)outer * indexCount * inner);
        CheckTensor(destination.Length, sizeof(long), outer, axisSize, inner, "The destination");
        destination.Fill(0xFF);
        fixed (byte* pi = indices, pd = destination)
        {
            if (indexType == DType.Int64) LastWriters(outer, axisSize, inner, (long*)pi, indexCount, (long*)pd);
            else LastWriters(outer, axisSize, inner, (int*)pi, indexCount, (long*)pd);
        }
    }

    private static void LastWriters<I>(
        int outer, int axisSize, int inner, I* indices, int indexCount, long* destination)
        where I : unmanaged, IBinaryInteger<I>
    {
        for (int o = 0; o < outer; o++)
        {
            for (int j = 0; j < indexCount; j++)
            {
                for (int i = 0; i < inner; i++) destination[Resolve(*indices++, axisSize) * inner + i] = j;
            }

            destination += (long)axisSize * inner;
        }
    }

    private static void SetOnes<T>(int count, int classes, DType indexType, byte* indices, T* destination)
        where T : unmanaged, INumberBase<T>
    {
        for (long r = 0; r < count; r++)
        {
            long c = indexType == DType.Int64 ? ((long*)indices)[r] : ((int*)indices)[r];
            if ((ulong)c < (ulong)classes) destination[r * classes + c] = T.One;
        }
    }

    private static void TakeIndexed<I>(
        int elementSize, int outer, int axisSize, int inner, byte* x, I* indices, int indexCount, byte* destination)
        where I : unmanaged, IBinaryInteger<I>
    {
        long rowBytes = (long)inner * elementSize;
        if (outer == 0 || rowBytes == 0 || indexCount == 0)
        {
            for (int j = 0; j < indexCount; j++) Resolve(indices[j], axisSize);
            return;
        }

        long rows = (long)outer * indexCount;
        if (rows == 0) return;
        if (rows * rowBytes < 2 * BytesPerFork && rows < 2 * ElementsPerFork)
            TakeRows(rowBytes, axisSize, x, indices, indexCount, destination, 0, rows);
        else
            TakeForked(rowBytes, axisSize, x, indices, indexCount, destination, rows);
    }

    private static void TakeForked<I>(
        long rowBytes, int axisSize, byte* x, I* indices, int indexCount, byte* destination, long rows)
        where I : unmanaged, IBinaryInteger<I> =>
        Workers.ForUnits(rows, Math.Clamp(BytesPerFork / rowBytes, 1, ElementsPerFork), new Taking<I>
        {
            RowBytes = rowBytes,
            AxisSize = axisSize,
            X = x,
            Indices = indices,
            IndexCount = indexCount,
            Destination = destination,
        });

    private struct Taking<I> : IForkedRange
        where I : unmanaged, IBinaryInteger<I>
    {
        public long RowBytes;
        public int AxisSize, IndexCount;
        public byte* X, Destination;
        public I* Indices;

        public readonly void Run(long from, long to) =>
            TakeRows(RowBytes, AxisSize, X, Indices, IndexCount, Destination, from, to);
    }

    private static void TakeRows<I>(
        long rowBytes, int axisSize, byte* x, I* indices, int indexCount, byte* destination, long from, long to)
        where I : unmanaged, IBinaryInteger<I>
    {
        switch (rowBytes)
        {
            case 1: TakeElements(axisSize, x, indices, indexCount, destination, from, to); break;
            case 2: TakeElements(axisSize, (short*)x, indices, indexCount, (short*)destination, from, to); break;
            case 4: TakeElements(axisSize, (int*)x, indices, indexCount, (int*)destination, from, to); break;
            case 8: TakeElements(axisSize, (long*)x, indices, indexCount, (long*)destination, from, to); break;
            default:
                (long o, long j) = Math.DivRem(from, indexCount);
                byte* block = x + o * axisSize * rowBytes;
                for (long row = from; row < to; row++)
                {
                    byte* source = block + Resolve(indices[j], axisSize) * rowBytes;
                    byte* target = destination + row * rowBytes;
                    Unsafe.CopyBlockUnaligned(target, source, (uint)rowBytes);
                    if (++j == indexCount)
                    {
                        j = 0;
                        block += axisSize * rowBytes;
                    }
                }

                break;
        }
    }

    private static void TakeElements<T, I>(
        int axisSize, T* x, I* indices, int indexCount, T* destination, long from, long to)
        where T : unmanaged
        where I : unmanaged, IBinaryInteger<I>
    {
        while (from < to)
        {
            (long o, long j) = Math.DivRem(from, indexCount);
            long end = Math.Min(to, (o + 1) * indexCount);
            T* block = x + o * axisSize;
            for (; from < end; from++, j++) destination[from] = block[Resolve(indices[j], axisSize)];
        }
    }

    private static void GatherIndexed<I>(
        int elementSize, int outer, int axisSize, int inner, byte* x, I* indices, int indexCount, byte* destination)
        where I : unmanaged, IBinaryInteger<I>
    {
        switch (elementSize)
        {
            case 1: GatherElements(outer, axisSize, inner, x, indices, indexCount, destination); break;
            case 2: GatherElements(outer, axisSize, inner, (short*)x, indices, indexCount, (short*)destination); break;
            case 4: GatherElements(outer, axisSize, inner, (int*)x, indices, indexCount, (int*)destination); break;
            default: GatherElements(outer, axisSize, inner, (long*)x, indices, indexCount, (long*)destination); break;
        }
    }

    private static void GatherElements<T, I>(
        int outer, int axisSize, int inner, T* x, I* indices, int indexCount, T* destination)
        where T : unmanaged
        where I : unmanaged, IBinaryInteger<I>
    {
        // Rows of one index each, of inner elements.
        long rows = (long)outer * indexCount;
        if (rows * inner < 2 * ElementsPerFork) GatherRows(axisSize, inner, x, indices, indexCount, destination, 0, rows);
        else GatherForked(axisSize, inner, x, indices, indexCount, destination, rows);
    }

    private static void GatherForked<T, I>(
        int axisSize, int inner, T* x, I* indices, int indexCount, T* destination, long rows)
        where T : unmanaged
        where I : unmanaged, IBinaryInteger<I> =>
        Workers.ForUnits(rows, Math.Max(1, ElementsPerFork / Math.Max(1, inner)), (from, to) =>
            GatherRows(axisSize, inner, x, indices, indexCount, destination, from, to));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GatherRows<T, I>(
        int axisSize, int inner, T* x, I* indices, int indexCount, T* destination, long from, long to)
        where T : unmanaged
        where I : unmanaged, IBinaryInteger<I>
    {
        while (from < to)
        {
            (long o, long j) = Math.DivRem(from, indexCount);
            long end = Math.Min(to, (o + 1) * indexCount);
            T* block = x + o * axisSize * inner;
            I* at = indices + from * inner;
            T* target = destination + from * inner;
            if (inner == 1)
            {
                for (long k = 0; k < end - from; k++) target[k] = block[Resolve(at[k], axisSize)];
            }
            else
            {
                for (long row = from; row < end; row++, at += inner, target += inner)
                    for (int i = 0; i < inner; i++) target[i] = block[Resolve(at[i], axisSize) * inner + i];
            }

            from = end;
        }
    }

    /// <summary>
    /// destination[o, indices[o, j, i], i] = updates[o, j, i], in the order of j: of several updates of one element the last
    /// remains. Indices and updates are outer x indexCount x inner; the destination, outer x axisSize x inner, keeps its other
    /// elements.
    /// </summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside -axisSize to axisSize - 1.</exception>
    public static void Scatter(
        int elementSize, int outer, int axisSize, int inner, ReadOnlySpan<byte> updates,
        DType indexType, ReadOnlySpan<byte> indices, int indexCount, Span<byte> destination)
    {
        CheckTensor(updates.Length, elementSize, outer, indexCount, inner, "The updates");
        CheckIndices(indices.Length, indexType, (long)outer * indexCount * inner);
        CheckTensor(destination.Length, elementSize, outer, axisSize, inner, "The destination");
        fixed (byte* pu = updates, pi = indices, pd = destination)
        {
            switch (elementSize)
            {
                case 1: Each(pu, pi, pd); break;
                case 2: Each((short*)pu, pi, (short*)pd); break;
                case 4: Each((int*)pu, pi, (int*)pd); break;
                default: Each((long*)pu, pi, (long*)pd); break;
            }
        }

        void Each<T>(T* from, byte* at, T* into)
            where T : unmanaged
        {
            if (indexType == DType.Int64) Scatter<T, long, Writing<T>>(outer, axisSize, inner, from, (long*)at, indexCount, into);
            else Scatter<T, int, Writing<T>>(outer, axisSize, inner, from, (int*)at, indexCount, into);
        }
    }

    /// <summary>What becomes of an element that an index names.</summary>
    private interface IUpdate<T>
    {
        static abstract T Invoke(T before, T update);
    }

    private readonly struct Writing<T> : IUpdate<T>
    {
        public static T Invoke(T before, T update) => update;
    }

    private readonly struct Adding<T> : IUpdate<T>
        where T : INumberBase<T>
    {
        public static T Invoke(T before, T update) => unchecked(before + update);
    }

    /// <summary>Threads take different blocks or, of one block, different columns, so that updates keep their order.</summary>
    private static void Scatter<T, I, TUpdate>(
        int outer, int axisSize, int inner, T* updates, I* indices, int indexCount, T* destination)
        where T : unmanaged
        where I : unmanaged, IBinaryInteger<I>
        where TUpdate : struct, IUpdate<T>
    {
        long block = (long)indexCount * inner;
        if (block * outer < 2 * ElementsPerFork)
        {
            ScatterRange<T, I, TUpdate>(0, outer, 0, inner, axisSize, inner, updates, indices, indexCount, destination);
        }
        else if (outer >= Workers.Count)
        {
            Workers.ForUnits(outer, Math.Max(1, ElementsPerFork / Math.Max(1, block)), (from, to) =>
                ScatterRange<T, I, TUpdate>((int)from, (int)to, 0, inner, axisSize, inner, updates, indices, indexCount, destination));
        }
        else
        {
            Workers.ForRange(inner, 64, (from, to) =>
                ScatterRange<T, I, TUpdate>(0, outer, (int)from, (int)to, axisSize, inner, updates, indices, indexCount, destination));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScatterRange<T, I, TUpdate>(
        int firstBlock, int endBlock, int firstColumn, int endColumn, int axisSize, int inner, T* updates, I* indices,
        int indexCount, T* destination)
        where T : unmanaged
        where I : unmanaged, IBinaryInteger<I>
        where TUpdate : struct, IUpdate<T>
    {
        for (long o = firstBlock; o < endBlock; o++)
        {
            T* block = destination + o * axisSize * inner;
            if (inner == 1)
            {
                T* own = updates + o * indexCount;
                I* at = indices + o * indexCount;
                for (long j = 0; j < indexCount; j++)
                {
                    T* element = block + Resolve(at[j], axisSize);
                    *element = TUpdate.Invoke(*element, own[j]);
                }

                continue;
            }

            for (long j = 0; j < indexCount; j++)
            {
                long row = (o * indexCount + j) * inner;
                for (int i = firstColumn; i < endColumn; i++)
                {
                    ref T element = ref block[Resolve(indices[row + i], axisSize) * inner + i];
                    element = TUpdate.Invoke(element, updates[row + i]);
                }
            }
        }
    }

    /// <summary>The positions of bytes that are not 0, in their order; returns their number.</summary>
    /// <exception cref="ArgumentException">There is no room for all.</exception>
    public static int Positions(ReadOnlySpan<byte> truths, Span<long> destination)
    {
        int count = truths.Length - truths.Count((byte)0);
        if (destination.Length < count)
            throw new ArgumentException($"There are {count} positions, and room for {destination.Length}.");
        fixed (byte* t = truths)
        {
            fixed (long* p = destination)
            {
                // Each is written, and kept by moving on: there is nothing to predict.
                int at = 0;
                for (int i = 0; at < count; i++)
                {
                    p[at] = i;
                    at += t[i] == 0 ? 0 : 1;
                }
            }
        }

        return count;
    }

    /// <summary>The positions along each axis of bytes that are not 0, a row for each, in row-major order.</summary>
    /// <exception cref="ArgumentException">There is not exactly room for all.</exception>
    public static void Coordinates(ReadOnlySpan<byte> truths, ReadOnlySpan<int> shape, Span<long> destination)
    {
        int count = truths.Length - truths.Count((byte)0), rank = shape.Length;
        if (destination.Length != (long)count * rank || Layout.CountOf(shape) != truths.Length)
            throw new ArgumentException($"There are {count} positions along {rank} axes, and room for {destination.Length}.");
        if (count == 0 || rank == 0) return;
        int columns = shape[^1], at = 0;
        long[] found = new long[columns], row = new long[rank];
        for (int start = 0; start < truths.Length; start += columns)
        {
            int holding = Positions(truths.Slice(start, columns), found);
            for (int i = 0; i < holding; i++, at += rank)
            {
                for (int d = 0; d < rank - 1; d++) destination[at + d] = row[d];
                destination[at + rank - 1] = found[i];
            }

            for (int d = rank - 2; d >= 0 && ++row[d] == shape[d]; d--) row[d] = 0;
        }
    }

    private interface IAddition
    {
        static abstract void Run<T, I>(
            int outer, int axisSize, int inner, T* updates, I* indices, int indexCount, T* destination)
            where T : unmanaged, INumberBase<T>
            where I : unmanaged, IBinaryInteger<I>;
    }

    private readonly struct TakeAddition : IAddition
    {
        public static void Run<T, I>(
            int outer, int axisSize, int inner, T* updates, I* indices, int indexCount, T* destination)
            where T : unmanaged, INumberBase<T>
            where I : unmanaged, IBinaryInteger<I>
        {
            for (int o = 0; o < outer; o++)
            {
                if (inner == 1)
                {
                    for (int j = 0; j < indexCount; j++) destination[Resolve(indices[j], axisSize)] += *updates++;
                    destination += axisSize;
                    continue;
                }

                for (int j = 0; j < indexCount; j++)
                {
                    T* row = destination + Resolve(indices[j], axisSize) * inner;
                    int i = 0;
                    for (; i <= inner - Vector<T>.Count; i += Vector<T>.Count)
                        (Vector.Load(row + i) + Vector.Load(updates + i)).Store(row + i);
                    for (; i < inner; i++) row[i] += updates[i];
                    updates += inner;
                }

                destination += (long)axisSize * inner;
            }
        }
    }

    private readonly struct ScatterAddition : IAddition
    {
        public static void Run<T, I>(
            int outer, int axisSize, int inner, T* updates, I* indices, int indexCount, T* destination)
            where T : unmanaged, INumberBase<T>
            where I : unmanaged, IBinaryInteger<I> =>
            Scatter<T, I, Adding<T>>(outer, axisSize, inner, updates, indices, indexCount, destination);
    }

    private static void Add<TAddition>(
        DType dtype, int outer, int axisSize, int inner, ReadOnlySpan<byte> updates,
        DType indexType, ReadOnlySpan<byte> indices, int indexCount, Span<byte> destination)
        where TAddition : struct, IAddition
    {
        DTypes.CheckComputed(dtype);
        destination.Clear();
        fixed (byte* pu = updates, pi = indices, pd = destination)
        {
            switch (dtype)
            {
                case DType.Bool: throw NoSumOfBooleans();
                case DType.UInt8: Typed(pu, pi, pd); break;
                case DType.Int8: Typed((sbyte*)pu, pi, (sbyte*)pd); break;
                case DType.Int16: Typed((short*)pu, pi, (short*)pd); break;
                case DType.Int32: Typed((int*)pu, pi, (int*)pd); break;
                case DType.Int64: Typed((long*)pu, pi, (long*)pd); break;
                case DType.Float32: Typed((float*)pu, pi, (float*)pd); break;
                default: Typed((double*)pu, pi, (double*)pd); break;
            }
        }

        void Typed<T>(T* from, byte* at, T* into)
            where T : unmanaged, INumberBase<T>
        {
            if (indexType == DType.Int64)
                TAddition.Run(outer, axisSize, inner, from, (long*)at, indexCount, into);
            else
                TAddition.Run(outer, axisSize, inner, from, (int*)at, indexCount, into);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Resolve<I>(I index, int size)
        where I : unmanaged, IBinaryInteger<I>
    {
        long i = long.CreateTruncating(index);
        long resolved = i + (size & (i >> 63));
        if ((ulong)resolved >= (ulong)size) ThrowOutOfRange(i, size);
        return resolved;
    }

    [DoesNotReturn]
    private static void ThrowOutOfRange(long index, int size) =>
        throw new IndexOutOfRangeException($"The index {index} is out of range for an axis of size {size}.");

    private static ArgumentException NoSumOfBooleans() =>
        new("Booleans have no sum; convert them to a number type first.");

    private static void CheckTensor(int bytes, int elementSize, int outer, int axisSize, int inner, string name)
    {
        if (bytes != (long)outer * axisSize * inner * elementSize) Throw();

        void Throw() => throw new ArgumentException(
            $"{name} has {bytes} bytes, not {outer} x {axisSize} x {inner} elements of {elementSize} bytes.");
    }

    private static void CheckIndices(int bytes, DType indexType, long count)
    {
        if (indexType is not (DType.Int32 or DType.Int64))
            throw new ArgumentException($"Indices must be int32 or int64, not {indexType.Name()}.");
        if (bytes != count * indexType.Size())
            throw new ArgumentException($"The indices have {bytes} bytes, not {count} elements of {indexType.Name()}.");
    }
}
