using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>
/// The innermost kernel of products: a tile of C of 1 to 12 rows and one or two vectors of columns, kept in registers
/// while the sums run. Each element of C is one chain of multiply-adds in the order of k, whatever the tile.
/// </summary>
internal static unsafe class TileKernel<T, V, L>
    where T : unmanaged
    where V : struct
    where L : struct, ILanes<T, V>
{
    // The lines of C are asked for row by row during the last steps, so many steps apart: asked for all at the start, those
    // of rows that lie a power of two apart are gone again when the sums are done.
    private const int StepsBetweenRows = 8;

    /// <summary>The columns of a tile two vectors wide.</summary>
    public static int WideColumns => 2 * L.Count;

    /// <summary>Computes a tile, two vectors wide, of packed A: the elements of a column are adjacent.</summary>
    public static void RunPackedWide(int rows, Tile<T>* tile) => Run<N2, N1>(rows, tile);

    /// <summary>Computes a tile, one vector wide, of packed A: the elements of a column are adjacent.</summary>
    public static void RunPackedNarrow(int rows, Tile<T>* tile) => Run<N1, N1>(rows, tile);

    /// <summary>Computes a tile, two vectors wide, of A with any strides.</summary>
    public static void RunWide(int rows, Tile<T>* tile) => Run<N2, N0>(rows, tile);

    /// <summary>Computes a tile, one vector wide, of A with any strides.</summary>
    public static void RunNarrow(int rows, Tile<T>* tile) => Run<N1, N0>(rows, tile);

    /// <summary>Picks the code for a number of rows; <typeparamref name="P"/> is 1 for packed A.</summary>
    private static void Run<W, P>(int rows, Tile<T>* tile)
        where W : struct, INumber
        where P : struct, INumber
    {
        switch (rows)
        {
            case 1: Body<N1, W, P>(tile); break;
            case 2: Body<N2, W, P>(tile); break;
            case 3: Body<N3, W, P>(tile); break;
            case 4: Body<N4, W, P>(tile); break;
            case 5: Body<N5, W, P>(tile); break;
            case 6: Body<N6, W, P>(tile); break;
            case 7: Body<N7, W, P>(tile); break;
            case 8: Body<N8, W, P>(tile); break;
            case 9: Body<N9, W, P>(tile); break;
            case 10: Body<N10, W, P>(tile); break;
            case 11: Body<N11, W, P>(tile); break;
            default: Body<N12, W, P>(tile); break;
        }
    }

    /// <remarks>
    /// Tests on the values of type parameters vanish when code is generated, and with them the accumulators of rows
    /// that the tile does not have.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Body<R, W, P>(Tile<T>* tile)
        where R : struct, INumber
        where W : struct, INumber
        where P : struct, INumber
    {
        // Rows are addressed from four pointers, each serving three rows by scaled offsets, to stay within the
        // general registers.
        T* a = tile->A;
        nint row = tile->ARow * sizeof(T);
        nint next = tile->AColumn * sizeof(T);
        T* a3 = a + 3 * tile->ARow;
        T* a6 = a + 6 * tile->ARow;
        T* a9 = a + 9 * tile->ARow;
        T* b = tile->B;
        nint second = tile->Second * sizeof(T);
        nint bRow = tile->BRow * sizeof(T);
        nint steps = tile->K;
        int rowsToFetch = 0;
        T* fetched = tile->C;
        nint stepsBetween = 0;
        if (P.Value == 1)
        {
            rowsToFetch = R.Value;
            stepsBetween = Math.Min(StepsBetweenRows, steps / R.Value);
            steps -= R.Value * stepsBetween;
        }

        V c0 = default, d0 = default;
        V c1 = default, d1 = default;
        V c2 = default, d2 = default;
        V c3 = default, d3 = default;
        V c4 = default, d4 = default;
        V c5 = default, d5 = default;
        V c6 = default, d6 = default;
        V c7 = default, d7 = default;
        V c8 = default, d8 = default;
        V c9 = default, d9 = default;
        V c10 = default, d10 = default;
        V c11 = default, d11 = default;

        while (true)
        {
            for (; steps > 0; steps--)
            {
                V x, y = L.Load(b), z = W.Value > 1 ? L.Load((T*)((byte*)b + second)) : default;
                b = (T*)((byte*)b + bRow);

                x = L.Broadcast(Row<P>(a, a, row, 0));
                c0 = L.MultiplyAdd(x, y, c0);
                if (W.Value > 1) d0 = L.MultiplyAdd(x, z, d0);

                if (R.Value > 1)
                {
                    x = L.Broadcast(Row<P>(a, a, row, 1));
                    c1 = L.MultiplyAdd(x, y, c1);
                    if (W.Value > 1) d1 = L.MultiplyAdd(x, z, d1);
                }

                if (R.Value > 2)
                {
                    x = L.Broadcast(Row<P>(a, a, row, 2));
                    c2 = L.MultiplyAdd(x, y, c2);
                    if (W.Value > 1) d2 = L.MultiplyAdd(x, z, d2);
                }

                if (R.Value > 3)
                {
                    x = L.Broadcast(Row<P>(a, a3, row, 3));
                    c3 = L.MultiplyAdd(x, y, c3);
                    if (W.Value > 1) d3 = L.MultiplyAdd(x, z, d3);
                }

                if (R.Value > 4)
                {
                    x = L.Broadcast(Row<P>(a, a3, row, 4));
                    c4 = L.MultiplyAdd(x, y, c4);
                    if (W.Value > 1) d4 = L.MultiplyAdd(x, z, d4);
                }

                if (R.Value > 5)
                {
                    x = L.Broadcast(Row<P>(a, a3, row, 5));
                    c5 = L.MultiplyAdd(x, y, c5);
                    if (W.Value > 1) d5 = L.MultiplyAdd(x, z, d5);
                }

                if (R.Value > 6)
                {
                    x = L.Broadcast(Row<P>(a, a6, row, 6));
                    c6 = L.MultiplyAdd(x, y, c6);
                    if (W.Value > 1) d6 = L.MultiplyAdd(x, z, d6);
                }

                if (R.Value > 7)
                {
                    x = L.Broadcast(Row<P>(a, a6, row, 7));
                    c7 = L.MultiplyAdd(x, y, c7);
                    if (W.Value > 1) d7 = L.MultiplyAdd(x, z, d7);
                }

                if (R.Value > 8)
                {
                    x = L.Broadcast(Row<P>(a, a6, row, 8));
                    c8 = L.MultiplyAdd(x, y, c8);
                    if (W.Value > 1) d8 = L.MultiplyAdd(x, z, d8);
                }

                if (R.Value > 9)
                {
                    x = L.Broadcast(Row<P>(a, a9, row, 9));
                    c9 = L.MultiplyAdd(x, y, c9);
                    if (W.Value > 1) d9 = L.MultiplyAdd(x, z, d9);
                }

                if (R.Value > 10)
                {
                    x = L.Broadcast(Row<P>(a, a9, row, 10));
                    c10 = L.MultiplyAdd(x, y, c10);
                    if (W.Value > 1) d10 = L.MultiplyAdd(x, z, d10);
                }

                if (R.Value > 11)
                {
                    x = L.Broadcast(Row<P>(a, a9, row, 11));
                    c11 = L.MultiplyAdd(x, y, c11);
                    if (W.Value > 1) d11 = L.MultiplyAdd(x, z, d11);
                }

                a = (T*)((byte*)a + next);
                if (P.Value == 0)
                {
                    a3 = (T*)((byte*)a3 + next);
                    a6 = (T*)((byte*)a6 + next);
                    a9 = (T*)((byte*)a9 + next);
                }
            }

            if (P.Value == 0 || rowsToFetch == 0) break;
            Prefetch(fetched);
            fetched += tile->CRow;
            rowsToFetch--;
            steps = stepsBetween;
        }

        T* c = tile->C;
        nint cRow = tile->CRow;
        bool subtract = tile->Subtract;
        if (tile->Accumulate)
        {
            AddTo<W>(c, second, c0, d0, subtract);
            if (R.Value > 1) AddTo<W>(c += cRow, second, c1, d1, subtract);
            if (R.Value > 2) AddTo<W>(c += cRow, second, c2, d2, subtract);
            if (R.Value > 3) AddTo<W>(c += cRow, second, c3, d3, subtract);
            if (R.Value > 4) AddTo<W>(c += cRow, second, c4, d4, subtract);
            if (R.Value > 5) AddTo<W>(c += cRow, second, c5, d5, subtract);
            if (R.Value > 6) AddTo<W>(c += cRow, second, c6, d6, subtract);
            if (R.Value > 7) AddTo<W>(c += cRow, second, c7, d7, subtract);
            if (R.Value > 8) AddTo<W>(c += cRow, second, c8, d8, subtract);
            if (R.Value > 9) AddTo<W>(c += cRow, second, c9, d9, subtract);
            if (R.Value > 10) AddTo<W>(c += cRow, second, c10, d10, subtract);
            if (R.Value > 11) AddTo<W>(c += cRow, second, c11, d11, subtract);
        }
        else
        {
            Put<W>(c, second, c0, d0);
            if (R.Value > 1) Put<W>(c += cRow, second, c1, d1);
            if (R.Value > 2) Put<W>(c += cRow, second, c2, d2);
            if (R.Value > 3) Put<W>(c += cRow, second, c3, d3);
            if (R.Value > 4) Put<W>(c += cRow, second, c4, d4);
            if (R.Value > 5) Put<W>(c += cRow, second, c5, d5);
            if (R.Value > 6) Put<W>(c += cRow, second, c6, d6);
            if (R.Value > 7) Put<W>(c += cRow, second, c7, d7);
            if (R.Value > 8) Put<W>(c += cRow, second, c8, d8);
            if (R.Value > 9) Put<W>(c += cRow, second, c9, d9);
            if (R.Value > 10) Put<W>(c += cRow, second, c10, d10);
            if (R.Value > 11) Put<W>(c += cRow, second, c11, d11);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Row<P>(T* first, T* third, nint row, int index)
        where P : struct, INumber =>
        P.Value == 1 ? first[index]
        : index % 3 == 0 ? *third
        : index % 3 == 1 ? *(T*)((byte*)third + row)
        : *(T*)((byte*)third + 2 * row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<W>(T* c, nint second, V x, V y)
        where W : struct, INumber
    {
        L.Store(c, x);
        if (W.Value > 1) L.Store((T*)((byte*)c + second), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<W>(T* c, nint second, V x, V y, bool subtract)
        where W : struct, INumber
    {
        L.Store(c, subtract ? L.Subtract(L.Load(c), x) : L.Add(L.Load(c), x));
        if (W.Value <= 1) return;
        T* d = (T*)((byte*)c + second);
        L.Store(d, subtract ? L.Subtract(L.Load(d), y) : L.Add(L.Load(d), y));
    }

    /// <summary>Asks for the lines of a row of C, so that they have come when the sums are done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(T* row)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(row);
        Sse.Prefetch0(row + L.Count);
        Sse.Prefetch0(row + 2 * L.Count - 1);
    }
}
