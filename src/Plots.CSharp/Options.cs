namespace Autodiff.Plots;

/// <summary>How a line is broken.</summary>
public enum Dash
{
    /// <summary>Not at all.</summary>
    Solid,

    /// <summary>Into strokes.</summary>
    Dashed,

    /// <summary>Into dots.</summary>
    Dotted,

    /// <summary>Into strokes and dots in turn.</summary>
    DashDot,
}

/// <summary>The sign at a point.</summary>
public enum Marker
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A disc.</summary>
    Circle,

    /// <summary>A square.</summary>
    Square,

    /// <summary>A triangle that stands on its base.</summary>
    Triangle,

    /// <summary>A square that stands on a corner.</summary>
    Diamond,

    /// <summary>Two strokes: ×.</summary>
    Cross,

    /// <summary>Two strokes: +.</summary>
    Plus,
}

/// <summary>Where a line of steps rises between two points.</summary>
public enum StepAt
{
    /// <summary>At the first: each value holds from the point before to its own.</summary>
    Before,

    /// <summary>Half-way.</summary>
    Middle,

    /// <summary>At the second: each value holds from its own point to the next.</summary>
    After,
}

/// <summary>Where the legend stands.</summary>
public enum LegendPlace
{
    /// <summary>In the place with the fewest marks; outside, if it is too large for any.</summary>
    Best,

    /// <summary>Nowhere.</summary>
    None,

    /// <summary>To the right of the axes.</summary>
    Outside,

    /// <summary>In the upper right.</summary>
    UpperRight,

    /// <summary>In the upper left.</summary>
    UpperLeft,

    /// <summary>In the lower left.</summary>
    LowerLeft,

    /// <summary>In the lower right.</summary>
    LowerRight,

    /// <summary>On the right, half-way up.</summary>
    Right,

    /// <summary>On the left, half-way up.</summary>
    Left,

    /// <summary>Below, in the middle.</summary>
    Lower,

    /// <summary>Above, in the middle.</summary>
    Upper,
}
