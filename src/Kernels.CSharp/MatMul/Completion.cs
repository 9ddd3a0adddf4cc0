namespace Autodiff.Kernels;

/// <summary>
/// Works on a part of the result of a product as soon as its sums are done, while it is in the cache: adds a bias,
/// applies an activation.
/// </summary>
/// <param name="result">The whole result, contiguous; its other parts must be left alone.</param>
/// <param name="row">The first row, counted through the matrices of a batch.</param>
/// <param name="rows">The number of rows.</param>
/// <param name="column">The first column.</param>
/// <param name="columns">The number of columns.</param>
/// <remarks>
/// The parts cover the result without overlap. How it is cut depends on sizes and threads; parts are handed out on all
/// threads, several at a time. The function must not multiply matrices itself, which would use the same scratch memory.
/// </remarks>
public delegate void ProductEpilogue(Span<byte> result, int row, int rows, int column, int columns);

/// <summary>A result, and the epilogue of its parts.</summary>
internal sealed unsafe class Completion(ProductEpilogue epilogue, byte* result, int length)
{
    /// <summary>Rows are computed until their results fill about half of a second-level cache.</summary>
    private const int BytesInCache = 256 * 1024;

    public void Complete(nint row, nint rows, nint column, nint columns) =>
        epilogue(new Span<byte>(result, length), (int)row, (int)rows, (int)column, (int)columns);

    /// <summary>So many rows, a multiple of a tile's, that their results stay in the cache.</summary>
    public static nint RowsAtATime(nint rowBytes, int tileRows) =>
        Math.Max(1, BytesInCache / Math.Max(1, rowBytes) / tileRows) * tileRows;
}
