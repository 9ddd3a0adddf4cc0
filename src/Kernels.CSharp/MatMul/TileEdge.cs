using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Tiles that reach beyond C: they are computed beside it.</summary>
internal static unsafe class TileEdge<T, V, L>
    where T : unmanaged, INumberBase<T>
    where V : struct
    where L : struct, ILanes<T, V>
{
    /// <summary>Brings the part of a tile that lies inside C into it.</summary>
    public static void Merge(
        T* edge, nint edgeRow, T* c, nint cRow, int rows, nint columns, bool accumulate, bool subtract)
    {
        for (int i = 0; i < rows; i++, edge += edgeRow, c += cRow)
        {
            if (!accumulate)
            {
                Buffer.MemoryCopy(edge, c, columns * sizeof(T), columns * sizeof(T));
                continue;
            }

            nint j = 0;
            for (; j <= columns - L.Count; j += L.Count)
                L.Store(c + j, subtract ? L.Subtract(L.Load(c + j), L.Load(edge + j)) : L.Add(L.Load(c + j), L.Load(edge + j)));
            for (; j < columns; j++) c[j] = subtract ? c[j] - edge[j] : c[j] + edge[j];
        }
    }
}
