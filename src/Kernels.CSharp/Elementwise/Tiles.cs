namespace Autodiff.Kernels;

/// <summary>Copies of strided matrices to packed ones.</summary>
internal static unsafe class Tiles
{
    /// <summary>
    /// Copies rows of elements that lie <paramref name="inner"/> apart, the rows <paramref name="step"/> apart, to
    /// contiguous rows <paramref name="pitch"/> apart, all in elements.
    /// </summary>
    internal static void Copy(
        int elementSize, byte* source, long step, long inner, byte* target, long pitch, int rows, int columns)
    {
        switch (elementSize)
        {
            case 1: Copy((byte*)source, step, inner, (byte*)target, pitch, rows, columns); break;
            case 2: Copy((short*)source, step, inner, (short*)target, pitch, rows, columns); break;
            case 4: Copy((int*)source, step, inner, (int*)target, pitch, rows, columns); break;
            case 8: Copy((long*)source, step, inner, (long*)target, pitch, rows, columns); break;
            default: throw new ArgumentException($"Elements of {elementSize} bytes are not supported.");
        }
    }

    private static void Copy<T>(T* source, long step, long inner, T* target, long pitch, int rows, int columns)
        where T : unmanaged
    {
        for (int i = 0; i < rows; i++)
        {
            T* from = source + i * step, to = target + i * pitch;
            for (int j = 0; j < columns; j++) to[j] = from[j * inner];
        }
    }
}
