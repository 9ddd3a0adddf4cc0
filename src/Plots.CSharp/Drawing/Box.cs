namespace Autodiff.Plots;

/// <summary>A rectangle of the page, in pixels; y grows downwards.</summary>
internal readonly record struct Box(double Left, double Top, double Width, double Height)
{
    internal double Right => Left + Width;

    internal double Bottom => Top + Height;

    internal double CenterX => Left + Width / 2;

    internal double CenterY => Top + Height / 2;

    internal bool IsFinite => double.IsFinite(Left + Top + Width + Height);

    internal Box Grow(double by) => new(Left - by, Top - by, Width + 2 * by, Height + 2 * by);

    internal bool Contains(double x, double y) => x >= Left && x <= Right && y >= Top && y <= Bottom;
}

/// <summary>A point of the page, in pixels.</summary>
internal readonly record struct Point(double X, double Y)
{
    internal bool IsFinite => double.IsFinite(X) && double.IsFinite(Y);
}
