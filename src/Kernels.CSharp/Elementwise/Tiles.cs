using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>Copies between matrices of any strides.</summary>
internal static unsafe class Tiles
{
    /// <summary>The least number of elements that is worth a thread of its own.</summary>
    internal const int Grain = 1 << 15;

    // Runs up to this many bytes are copied without a call.
    private const int ShortRun = 512;

    // Elements that are copied, and then turned around, at a time.
    private const int Turned = 1024;

    /// <summary>Copies a matrix; strides are in elements.</summary>
    /// <param name="size">The size of an element in bytes: 1, 2, 4 or 8.</param>
    /// <param name="source">The elements to copy.</param>
    /// <param name="sourceRow">The distance of rows there.</param>
    /// <param name="sourceColumn">The distance of columns there.</param>
    /// <param name="target">The copy.</param>
    /// <param name="targetRow">The distance of rows there.</param>
    /// <param name="targetColumn">The distance of columns there.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The number of columns.</param>
    internal static void Copy(
        int size, byte* source, long sourceRow, long sourceColumn, byte* target, long targetRow, long targetColumn,
        int rows, int columns)
    {
        if (sourceColumn == 1 && targetColumn == 1 && columns * size >= 32)
        {
            CopyRows(source, sourceRow * size, target, targetRow * size, rows, columns * size);
            return;
        }

        if (sourceColumn is -1 or 0 && targetColumn == 1 && columns * size >= 32)
        {
            switch (size)
            {
                case 1: Runs<byte>(source, sourceRow, sourceColumn, target, targetRow, rows, columns); break;
                case 2: Runs<short>(source, sourceRow, sourceColumn, target, targetRow, rows, columns); break;
                case 4: Runs<int>(source, sourceRow, sourceColumn, target, targetRow, rows, columns); break;
                default: Runs<long>(source, sourceRow, sourceColumn, target, targetRow, rows, columns); break;
            }

            return;
        }

        switch (size)
        {
            case 1:
                Copy<byte>(source, sourceRow, sourceColumn, target, targetRow, targetColumn, rows, columns);
                break;
            case 2:
                Copy<short>(source, sourceRow, sourceColumn, target, targetRow, targetColumn, rows, columns);
                break;
            case 4 when Avx.IsSupported && sourceRow == 1 && targetColumn == 1:
                Transpose4((float*)source, sourceColumn, (float*)target, targetRow, rows, columns);
                break;
            case 4:
                Copy<int>(source, sourceRow, sourceColumn, target, targetRow, targetColumn, rows, columns);
                break;
            case 8 when Avx.IsSupported && sourceRow == 1 && targetColumn == 1:
                Transpose8((double*)source, sourceColumn, (double*)target, targetRow, rows, columns);
                break;
            case 8:
                Copy<long>(source, sourceRow, sourceColumn, target, targetRow, targetColumn, rows, columns);
                break;
            default:
                throw new ArgumentException($"Elements of {size} bytes are not supported.");
        }
    }

    private static void CopyRows(byte* source, long sourceRow, byte* target, long targetRow, int rows, int bytes)
    {
        for (; rows > 0; rows--)
        {
            if (bytes <= ShortRun) CopyShort(source, target, bytes);
            else Unsafe.CopyBlockUnaligned(target, source, (uint)bytes);
            source += sourceRow;
            target += targetRow;
        }
    }

    /// <summary>Copies from 32 bytes on; the last vector overlaps the one before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyShort(byte* source, byte* target, int bytes)
    {
        for (int i = 0; i <= bytes - 32; i += 32) Vector256.Load(source + i).Store(target + i);
        Vector256.Load(source + bytes - 32).Store(target + bytes - 32);
    }

    /// <summary>Copies rows that lie backwards, or repeat one element.</summary>
    private static void Runs<T>(
        byte* source, long sourceRow, long sourceColumn, byte* target, long targetRow, int rows, int columns)
        where T : unmanaged
    {
        for (int i = 0; i < rows; i++)
        {
            T* from = (T*)source + i * sourceRow, to = (T*)target + i * targetRow;
            if (sourceColumn == 0)
            {
                new Span<T>(to, columns).Fill(*from);
                continue;
            }

            for (int j = 0; j < columns; j += Turned)
            {
                // What is turned around is still in the first cache.
                int count = Math.Min(Turned, columns - j);
                Span<T> part = new(to + j, count);
                new ReadOnlySpan<T>(from - j - (count - 1), count).CopyTo(part);
                part.Reverse();
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy<T>(
        byte* source, long sourceRow, long sourceColumn, byte* target, long targetRow, long targetColumn, int rows,
        int columns)
        where T : unmanaged
    {
        for (int i = 0; i < rows; i++)
        {
            T* from = (T*)source + i * sourceRow, to = (T*)target + i * targetRow;
            for (int j = 0; j < columns; j++)
            {
                *to = *from;
                from += sourceColumn;
                to += targetColumn;
            }
        }
    }

    /// <summary>Transposes elements of 4 bytes, in squares of 8: the columns of the source are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose4(float* source, long column, float* target, long pitch, int rows, int columns)
    {
        int wholeRows = rows & ~7, wholeColumns = columns & ~7;
        for (int i = 0; i < wholeRows; i += 8)
        {
            for (int j = 0; j < wholeColumns; j += 8)
                Square4(source + i + j * column, column, target + i * pitch + j, pitch);
        }

        Copy<int>(
            (byte*)(source + wholeColumns * column), 1, column, (byte*)(target + wholeColumns), pitch, 1, wholeRows,
            columns - wholeColumns);
        Copy<int>(
            (byte*)(source + wholeRows), 1, column, (byte*)(target + wholeRows * pitch), pitch, 1, rows - wholeRows,
            columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square4(float* s, long column, float* t, long pitch)
    {
        Vector256<float> a0 = Halves(s, s + 4 * column), a1 = Halves(s + column, s + 5 * column);
        Vector256<float> a2 = Halves(s + 2 * column, s + 6 * column), a3 = Halves(s + 3 * column, s + 7 * column);
        s += 4;
        Vector256<float> b0 = Halves(s, s + 4 * column), b1 = Halves(s + column, s + 5 * column);
        Vector256<float> b2 = Halves(s + 2 * column, s + 6 * column), b3 = Halves(s + 3 * column, s + 7 * column);
        Quarter(a0, a1, a2, a3, t, pitch);
        Quarter(b0, b1, b2, b3, t + 4 * pitch, pitch);
    }

    /// <summary>Four rows of one column and of the column four further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* low, float* high) =>
        Vector256.Create(Vector128.Load(low), Vector128.Load(high));

    /// <summary>Writes four rows of eight, from the four pairs of columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(
        Vector256<float> c0, Vector256<float> c1, Vector256<float> c2, Vector256<float> c3, float* t, long pitch)
    {
        Vector256<double> low01 = Avx.UnpackLow(c0, c1).AsDouble(), high01 = Avx.UnpackHigh(c0, c1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(c2, c3).AsDouble(), high23 = Avx.UnpackHigh(c2, c3).AsDouble();
        Avx.UnpackLow(low01, low23).AsSingle().Store(t);
        Avx.UnpackHigh(low01, low23).AsSingle().Store(t + pitch);
        Avx.UnpackLow(high01, high23).AsSingle().Store(t + 2 * pitch);
        Avx.UnpackHigh(high01, high23).AsSingle().Store(t + 3 * pitch);
    }

    /// <summary>Transposes elements of 8 bytes, in squares of 4: the columns of the source are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose8(double* source, long column, double* target, long pitch, int rows, int columns)
    {
        int wholeRows = rows & ~3, wholeColumns = columns & ~3;
        for (int i = 0; i < wholeRows; i += 4)
        {
            for (int j = 0; j < wholeColumns; j += 4)
            {
                double* s = source + i + j * column, t = target + i * pitch + j;
                Vector256<double> c0 = Vector256.Load(s), c1 = Vector256.Load(s + column);
                Vector256<double> c2 = Vector256.Load(s + 2 * column), c3 = Vector256.Load(s + 3 * column);
                Vector256<double> low01 = Avx.UnpackLow(c0, c1), high01 = Avx.UnpackHigh(c0, c1);
                Vector256<double> low23 = Avx.UnpackLow(c2, c3), high23 = Avx.UnpackHigh(c2, c3);
                Avx.Permute2x128(low01, low23, 0x20).Store(t);
                Avx.Permute2x128(high01, high23, 0x20).Store(t + pitch);
                Avx.Permute2x128(low01, low23, 0x31).Store(t + 2 * pitch);
                Avx.Permute2x128(high01, high23, 0x31).Store(t + 3 * pitch);
            }
        }

        Copy<long>(
            (byte*)(source + wholeColumns * column), 1, column, (byte*)(target + wholeColumns), pitch, 1, wholeRows,
            columns - wholeColumns);
        Copy<long>(
            (byte*)(source + wholeRows), 1, column, (byte*)(target + wholeRows * pitch), pitch, 1, rows - wholeRows,
            columns);
    }
}
