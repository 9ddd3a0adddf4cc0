namespace Autodiff.Kernels;

/// <summary>One axis along which windows slide: window o covers the places o * Stride + t * Dilation - PadBefore.</summary>
/// <param name="Size">The length of the axis.</param>
/// <param name="Kernel">The number of places of a window.</param>
/// <param name="Stride">The step from one window to the next.</param>
/// <param name="PadBefore">The places of padding before the axis.</param>
/// <param name="PadAfter">The places of padding after the axis; where negative, so many last places have no window.</param>
/// <param name="Dilation">The step from one place of a window to the next.</param>
public readonly record struct WindowAxis(
    int Size, int Kernel, int Stride = 1, int PadBefore = 0, int PadAfter = 0, int Dilation = 1)
{
    /// <summary>An axis that is not there: one place with one window.</summary>
    public static WindowAxis Unit => new(1, 1);

    /// <summary>The number of windows that fit whole; 0 when none does.</summary>
    public int Output
    {
        get
        {
            long room = (long)Size + PadBefore + PadAfter - Last - 1;
            return room < 0 || Stride < 1 ? 0 : (int)(room / Stride) + 1;
        }
    }

    /// <summary>The distance from the first place of a window to its last.</summary>
    internal int Last => Dilation * (Kernel - 1);

    /// <summary>Whether all windows lie inside, none in the padding.</summary>
    internal bool IsInside => PadBefore == 0 && (Output - 1) * Stride + Last < Size;

    /// <summary>Whether the axis has one place with one window.</summary>
    internal bool IsUnit => Size == 1 && Kernel == 1 && PadBefore == 0 && PadAfter == 0;

    /// <summary>Whether no two windows have a place in common.</summary>
    internal bool IsApart => Stride > Last || Output < 2;

    /// <summary>The first place of a window without gaps that lies inside the axis, and how many do.</summary>
    internal (int First, int Count) Inside(int window)
    {
        int from = window * Stride - PadBefore, first = Math.Clamp(from, 0, Size);
        return (first, Math.Clamp(from + Kernel, first, Size) - first);
    }

    /// <summary>The windows without gaps that hold a place, from the first to before the last.</summary>
    internal (int First, int Last) Windows(int place)
    {
        int at = place + PadBefore;
        int first = at < Kernel ? 0 : (at - Kernel) / Stride + 1;
        return (first, Math.Max(Math.Min(at / Stride + 1, Output), first));
    }

    internal void Validate(string what)
    {
        if (Size < 0 || PadBefore < 0) throw new ArgumentException($"{what} has no negative sizes or padding: {this}.");
        if (Kernel < 1 || Stride < 1 || Dilation < 1)
            throw new ArgumentException($"Windows, strides and dilations of {what} are at least 1: {this}.");
    }
}
