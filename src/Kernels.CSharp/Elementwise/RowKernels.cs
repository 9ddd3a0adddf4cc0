namespace Autodiff.Kernels;

internal readonly unsafe struct UnaryRow<TOp, T> : IRowKernel
    where TOp : IUnaryOperator<T>
    where T : unmanaged
{
    public static int ResultSize => sizeof(T);

    public static int SizeA => sizeof(T);

    public static int Grain => 1 << 14;

    public static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a, r = (T*)result;
        for (nint i = 0; i < count; i++) r[i] = TOp.Invoke(x[i * strideA]);
    }
}

internal readonly unsafe struct BinaryRow<TOp, T> : IRowKernel
    where TOp : IBinaryOperator<T>
    where T : unmanaged
{
    public static int ResultSize => sizeof(T);

    public static int SizeA => sizeof(T);

    public static int SizeB => sizeof(T);

    public static int Grain => 1 << 14;

    public static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a, y = (T*)b, r = (T*)result;
        for (nint i = 0; i < count; i++) r[i] = TOp.Invoke(x[i * strideA], y[i * strideB]);
    }
}

internal readonly unsafe struct CompareRow<TOp, T> : IRowKernel
    where TOp : ICompareOperator<T>
    where T : unmanaged
{
    public static int ResultSize => 1;

    public static int SizeA => sizeof(T);

    public static int SizeB => sizeof(T);

    public static int Grain => 1 << 14;

    public static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a, y = (T*)b;
        for (nint i = 0; i < count; i++) result[i] = TOp.Invoke(x[i * strideA], y[i * strideB]) ? (byte)1 : (byte)0;
    }
}

/// <summary>x where the byte of a condition is not 0, else y.</summary>
internal readonly unsafe struct SelectRow<T> : IRowKernel
    where T : unmanaged
{
    public static int ResultSize => sizeof(T);

    public static int SizeA => 1;

    public static int SizeB => sizeof(T);

    public static int SizeC => sizeof(T);

    public static int Grain => 1 << 14;

    public static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)b, y = (T*)c, r = (T*)result;
        for (nint i = 0; i < count; i++) r[i] = a[i * strideA] != 0 ? x[i * strideB] : y[i * strideC];
    }
}

/// <summary>Numbers to numbers: floats to integers truncate and saturate, NaN gives 0.</summary>
internal readonly unsafe struct ConvertRow<TFrom, TTo> : IRowKernel
    where TFrom : unmanaged, System.Numerics.INumber<TFrom>
    where TTo : unmanaged, System.Numerics.INumber<TTo>
{
    public static int ResultSize => sizeof(TTo);

    public static int SizeA => sizeof(TFrom);

    public static int Grain => 1 << 14;

    public static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        TFrom* x = (TFrom*)a;
        TTo* r = (TTo*)result;
        for (nint i = 0; i < count; i++)
        {
            // Among integers the high bits are cut off, as everywhere.
            r[i] = typeof(TFrom) == typeof(float) || typeof(TFrom) == typeof(double)
                ? TTo.CreateSaturating(x[i * strideA])
                : TTo.CreateTruncating(x[i * strideA]);
        }
    }
}

internal readonly unsafe struct TruthRow<T> : IRowKernel
    where T : unmanaged, System.Numerics.INumber<T>
{
    public static int ResultSize => 1;

    public static int SizeA => sizeof(T);

    public static int Grain => 1 << 14;

    public static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a;
        for (nint i = 0; i < count; i++) result[i] = x[i * strideA] != T.Zero ? (byte)1 : (byte)0;
    }
}
