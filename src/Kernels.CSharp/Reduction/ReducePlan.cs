namespace Autodiff.Kernels;

/// <summary>An axis of a reduction: its size, its stride in the source, and in the destination if it is kept.</summary>
internal struct ReduceAxis
{
    internal nint Size;
    internal nint Stride;
    internal nint Destination; // -1 if the axis is reduced

    internal readonly bool IsReduced => Destination < 0;
}

/// <summary>
/// How a reduction walks its source. The axis with stride 1 is innermost, whatever its place in the shape. If it is
/// reduced, units are pieces of contiguous rows that each reduce to one element; if it is kept, units are rows of
/// columns that are combined column by column. Per output, units are combined in chunks, and then the chunks. A task
/// is one chunk of one output, or of one block of columns.
/// </summary>
internal unsafe struct ReducePlan
{
    private const nint RowPiece = 4096;
    private const nint ShortRow = 256;
    private const nint ChunkElements = 1 << 16;
    private const nint ChunkRows = 256;
    private const nint MaxBlockColumns = 2048;

    internal int Width;
    internal nint Outputs;
    internal bool IsEmpty;
    internal bool InRows;
    internal nint Repeat;
    internal nint Columns;
    internal nint ColumnDestination;
    internal nint BlockColumns;
    internal nint Units;
    internal nint GroupUnits;
    internal nint ChunkUnits;
    internal nint Chunks;
    internal nint Tasks;
    internal nint ElementsPerTask;

    private ReduceAxis* kept;
    private int keptRank;
    private ReduceAxis* reduced;
    private int reducedRank;
    private nint rowLength;
    private nint pieces;
    private nint columnBlocks;

    /// <summary>Makes the plan, which refers to <paramref name="axes"/>: room for the axes of the shape.</summary>
    internal static ReducePlan Make(
        ReduceAxis* axes, ReadOnlySpan<int> shape, ReadOnlySpan<int> strides, uint axisMask, int elementSize,
        int sourceBytes, int destinationBytes)
    {
        if (!strides.IsEmpty && strides.Length != shape.Length)
            throw new ArgumentException($"There are {strides.Length} strides for {shape.Length} axes.");
        if (shape.Length < 32 && axisMask >> shape.Length != 0)
            throw new ArgumentException($"A reduced axis is not among the {shape.Length} axes of the tensor.");

        bool isTotal = strides.IsEmpty && shape.Length < 32 && axisMask + 1 == 1u << shape.Length;
        if (isTotal && Layout.CountOf(shape) is > 0 and <= (int)RowPiece and int length)
            return MakeRow(length, elementSize, sourceBytes, destinationBytes);

        ReducePlan plan = new() { Outputs = 1, Repeat = 1 };
        int rank = plan.Collect(axes, shape, strides, axisMask, out nint extent);
        bool hasElements = !plan.IsEmpty && plan.Outputs != 0;
        CheckLengths(hasElements ? extent * elementSize : 0, sourceBytes, plan.Outputs, elementSize, destinationBytes);
        if (!hasElements) return plan;
        Sort(axes, rank);
        plan.Split(axes, Merge(axes, rank));
        return plan;
    }

    /// <summary>The plan of one short row, which all others would find the long way.</summary>
    private static ReducePlan MakeRow(nint length, int elementSize, int sourceBytes, int destinationBytes)
    {
        CheckLengths(length * elementSize, sourceBytes, 1, elementSize, destinationBytes);
        return new()
        {
            Outputs = 1,
            Repeat = 1,
            InRows = true,
            rowLength = length,
            pieces = 1,
            Units = 1,
            GroupUnits = 1,
            ChunkUnits = 1,
            Chunks = 1,
            Tasks = 1,
            Columns = 1,
            BlockColumns = 1,
            columnBlocks = 1,
            ColumnDestination = 1,
            ElementsPerTask = length,
        };
    }

    private static void CheckLengths(nint extentBytes, int sourceBytes, nint outputs, int elementSize, int destinationBytes)
    {
        if (destinationBytes != outputs * elementSize)
        {
            throw new ArgumentException(
                $"The destination has {destinationBytes} bytes, not {outputs} elements of {elementSize} bytes.");
        }

        if (extentBytes > sourceBytes)
            throw new ArgumentException($"The source has {sourceBytes} bytes, fewer than the shape needs.");
    }

    /// <summary>Makes each task reduce all units.</summary>
    internal void JoinChunks()
    {
        if (Chunks == 0) return;
        ElementsPerTask = ElementsPerTask / Math.Min(Units, ChunkUnits) * Units;
        Tasks /= Chunks;
        ChunkUnits = Units;
        Chunks = 1;
    }

    /// <summary>The number of source elements from a unit to the next; for plans with one reduced axis.</summary>
    internal readonly nint UnitStride => reducedRank == 0 ? 0 : reduced[0].Stride;

    /// <summary>Whether each output is one short row, and the rows lie at equal distances.</summary>
    internal readonly bool IsEachRow => InRows && Units == 1 && keptRank == 1 && rowLength <= ShortRow;

    internal readonly nint KeptStride => kept[0].Stride;

    /// <summary>Whether the rows of columns that are combined follow each other without a gap.</summary>
    internal readonly bool IsGapless => reducedRank == 1 && BlockColumns == Columns && reduced[0].Stride == Columns;

    /// <summary>The number of elements of a contiguous row.</summary>
    internal readonly nint RowLength => rowLength;

    internal readonly void Locate(nint task, out nint output, out nint column, out nint chunk)
    {
        nint block = task;
        chunk = 0;
        if (Chunks > 1)
        {
            block = task / Chunks;
            chunk = task - block * Chunks;
        }

        output = block;
        column = 0;
        if (columnBlocks > 1)
        {
            output = block / columnBlocks;
            column = (block - output * columnBlocks) * BlockColumns;
        }
    }

    internal readonly nint KeptOffset(nint output) => Offset(kept, keptRank, output);

    internal readonly nint KeptDestination(nint output)
    {
        if (keptRank <= 1) return keptRank == 0 ? 0 : output * kept[0].Destination;
        nint offset = 0;
        for (int i = keptRank - 1; i >= 0; i--)
        {
            nint rest = output / kept[i].Size;
            offset += (output - rest * kept[i].Size) * kept[i].Destination;
            output = rest;
        }

        return offset;
    }

    internal readonly nint UnitOffset(nint unit)
    {
        nint offset = 0;
        if (pieces > 1)
        {
            nint row = unit / pieces;
            offset = (unit - row * pieces) * RowPiece;
            unit = row;
        }

        return offset + Offset(reduced, reducedRank, unit);
    }

    internal readonly void FillOffsets(nint unit, int count, nint* offsets)
    {
        if (reducedRank == 1 && pieces == 1)
        {
            nint stride = reduced[0].Stride;
            for (int i = 0; i < count; i++) offsets[i] = (unit + i) * stride;
        }
        else
        {
            for (int i = 0; i < count; i++) offsets[i] = UnitOffset(unit + i);
        }
    }

    internal readonly nint UnitLength(nint unit) =>
        pieces == 1 ? rowLength : Math.Min(RowPiece, rowLength - unit % pieces * RowPiece);

    /// <summary>Where the index of an element of some axes leads.</summary>
    private static nint Offset(ReduceAxis* axes, int rank, nint index)
    {
        if (rank <= 1) return rank == 0 ? 0 : index * axes[0].Stride;
        nint offset = 0;
        for (int i = rank - 1; i >= 0; i--)
        {
            nint rest = index / axes[i].Size;
            offset += (index - rest * axes[i].Size) * axes[i].Stride;
            index = rest;
        }

        return offset;
    }

    private int Collect(
        ReduceAxis* axes, ReadOnlySpan<int> shape, ReadOnlySpan<int> strides, uint axisMask, out nint extent)
    {
        int rank = 0;
        nint contiguous = 1;
        extent = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            nint size = shape[i];
            nint stride = strides.IsEmpty ? contiguous : strides[i];
            if (stride < 0) throw new ArgumentException($"Axis {i} has the stride {stride}; it must not be negative.");
            bool isReduced = (axisMask >> i & 1) != 0;
            nint destination = isReduced ? -1 : Outputs;
            contiguous *= size;
            extent += (size - 1) * stride;
            if (!isReduced) Outputs *= size;
            else if (size == 0) IsEmpty = true;
            if (isReduced && stride == 0) Repeat *= size;
            else if (size != 1) axes[rank++] = new() { Size = size, Stride = stride, Destination = destination };
        }

        return rank;
    }

    // Largest strides first; a kept axis that repeats the source (stride 0) comes before all.
    private static void Sort(ReduceAxis* axes, int rank)
    {
        for (int i = 1; i < rank; i++)
        {
            ReduceAxis axis = axes[i];
            int at = i;
            for (; at > 0 && (axis.Stride == 0 || axes[at - 1].Stride != 0 && axes[at - 1].Stride < axis.Stride); at--)
                axes[at] = axes[at - 1];
            axes[at] = axis;
        }
    }

    // Joins neighbours that together are one axis.
    private static int Merge(ReduceAxis* axes, int rank)
    {
        int last = 0;
        for (int i = 1; i < rank; i++)
        {
            ReduceAxis* outer = axes + last;
            ReduceAxis inner = axes[i];
            bool joins = outer->Stride == inner.Size * inner.Stride && (outer->IsReduced
                ? inner.IsReduced
                : !inner.IsReduced && outer->Destination == inner.Size * inner.Destination);
            if (joins)
            {
                inner.Size *= outer->Size;
                *outer = inner;
            }
            else
            {
                axes[++last] = inner;
            }
        }

        return Math.Min(rank, last + 1);
    }

    private void Split(ReduceAxis* axes, int rank)
    {
        ReduceAxis inner = new() { Size = 1, Destination = 1 };
        if (rank > 0 && axes[rank - 1].Stride == 1) inner = axes[--rank];
        nint outputs = 1, rows = 1;
        for (int i = 0; i < rank; i++)
        {
            // Stable partition: kept axes to the front.
            ReduceAxis axis = axes[i];
            if (axis.IsReduced)
            {
                rows *= axis.Size;
                continue;
            }

            outputs *= axis.Size;
            for (int at = i; at > keptRank; at--) axes[at] = axes[at - 1];
            axes[keptRank++] = axis;
        }

        kept = axes;
        reduced = axes + keptRank;
        reducedRank = rank - keptRank;
        InRows = inner.IsReduced;
        if (InRows)
        {
            rowLength = inner.Size;
            pieces = (rowLength + RowPiece - 1) / RowPiece;
            nint length = Math.Min(rowLength, RowPiece);
            Units = rows * pieces;
            GroupUnits = pieces > 1 ? 1 : Math.Min(32, RowPiece / length);
            ChunkUnits = ChunkElements / length;
            Columns = BlockColumns = columnBlocks = 1;
            ColumnDestination = 1;
            ElementsPerTask = Math.Min(Units, ChunkUnits) * length;
        }
        else
        {
            Units = rows;
            pieces = 1;
            Columns = inner.Size;
            ColumnDestination = inner.Destination;
            BlockColumns = Math.Min(Columns, MaxBlockColumns);
            columnBlocks = (Columns + BlockColumns - 1) / BlockColumns;
            ChunkUnits = Math.Max(ChunkRows, ChunkElements / BlockColumns);
            ElementsPerTask = Math.Min(Units, ChunkUnits) * BlockColumns;
        }

        Chunks = (Units + ChunkUnits - 1) / ChunkUnits;
        Tasks = outputs * columnBlocks * Chunks;
    }
}
