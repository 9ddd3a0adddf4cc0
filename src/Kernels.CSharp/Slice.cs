namespace Autodiff;

/// <summary>
/// What one axis of an index selects: a position (which removes the axis) or a range with a step. Made implicitly from
/// <see cref="int"/>, <see cref="Index"/> and <see cref="Range"/>, so that C# writes <c>x[0, 1..3, ..]</c>.
/// </summary>
public readonly record struct Slice
{
    private Slice(Index start, Index end, int step, bool isPosition)
    {
        Start = start;
        End = end;
        Step = step;
        IsPosition = isPosition;
    }

    /// <summary>The whole axis.</summary>
    public static Slice All => new(Index.Start, Index.End, 1, false);

    /// <summary>The first position.</summary>
    public Index Start { get; }

    /// <summary>The position after the last one; unused for a position.</summary>
    public Index End { get; }

    /// <summary>The distance between selected positions, negative if they are selected backwards.</summary>
    public int Step { get; }

    /// <summary>Whether this selects one position and removes the axis.</summary>
    public bool IsPosition { get; }

    /// <summary>One position; a negative one counts from the end.</summary>
    public static Slice At(int position) => new(position < 0 ? ^-position : position, default, 1, true);

    /// <summary>
    /// Every <paramref name="step"/>-th position of a range; with a negative step, from its last position backwards.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is 0.</exception>
    public static Slice Every(int step, Range range)
    {
        ArgumentOutOfRangeException.ThrowIfZero(step);
        return new(range.Start, range.End, step, false);
    }

    /// <summary>One position; a negative one counts from the end.</summary>
    public static implicit operator Slice(int position) => At(position);

    /// <summary>One position.</summary>
    public static implicit operator Slice(Index position) => new(position, default, 1, true);

    /// <summary>A range of positions.</summary>
    public static implicit operator Slice(Range range) => new(range.Start, range.End, 1, false);
}
