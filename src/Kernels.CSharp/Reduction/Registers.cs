namespace Autodiff.Kernels;

/// <summary>
/// What the kernels of reductions and random numbers need of a vector <typeparamref name="V"/> of
/// <typeparamref name="T"/>, so that each is written once for all widths.
/// </summary>
internal unsafe interface IRegister<T, V>
    where T : unmanaged
    where V : struct
{
    static abstract int Count { get; }

    static abstract V Broadcast(T value);

    static abstract V Load(T* source);

    /// <summary>Loads elements of the same type, or floats where this register holds doubles.</summary>
    static abstract V LoadWidened<S>(S* source)
        where S : unmanaged;

    static abstract void Store(V value, T* destination);

    /// <summary>The first <paramref name="count"/> elements from the source, and the fill in other lanes.</summary>
    static abstract V LoadPartial(T* source, int count, V fill);

    /// <summary>As <see cref="LoadPartial"/>, for elements that <see cref="LoadWidened"/> takes.</summary>
    static abstract V LoadWidenedPartial<S>(S* source, int count, T fill)
        where S : unmanaged;

    static abstract V Add(V x, V y);

    static abstract V Subtract(V x, V y);

    static abstract V Multiply(V x, V y);

    static abstract V Divide(V x, V y);

    static abstract V Max(V x, V y);

    static abstract V Min(V x, V y);

    /// <summary>The number of the first lane where both are equal; <see cref="Count"/> if there is none.</summary>
    static abstract int FirstEqual(V x, V y);

    /// <summary>Where neither low &lt;= high holds nor best is NaN, x, and elsewhere y.</summary>
    static abstract V IfOvertaken(V low, V high, V best, V x, V y);

    /// <summary>Combines all lanes to one.</summary>
    static abstract T Fold<TOp>(V value)
        where TOp : struct, IReducer<T>;
}

/// <summary>The further operations of registers of floats and doubles.</summary>
internal unsafe interface IFloatRegister<T, V> : IRegister<T, V>
    where T : unmanaged
    where V : struct
{
    /// <summary>x y + z with one rounding.</summary>
    static abstract V FusedMultiplyAdd(V x, V y, V z);

    static abstract V Round(V x);

    static abstract V Sqrt(V x);

    /// <summary>Where x &gt; y, x, and elsewhere y; a NaN in y stays, one in x may.</summary>
    static abstract V MaxNative(V x, V y);

    /// <summary>Where x &lt; y, x, and elsewhere y; a NaN in y stays, one in x may.</summary>
    static abstract V MinNative(V x, V y);

    /// <summary>x 2^n for an integral n between -2 and 2 times the largest exponent.</summary>
    static abstract V Scale(V x, V n);

    /// <summary>Where a &lt; b, x, and elsewhere, also where a or b is NaN, y.</summary>
    static abstract V IfLess(V a, V b, V x, V y);

    /// <summary>
    /// Splits a positive normal number into m 2^<paramref name="exponent"/>, where m is the result and lies between
    /// the square roots of 1/2 and 2.
    /// </summary>
    static abstract V Split(V x, out V exponent);

    /// <summary>Converts signed integers as wide as the elements.</summary>
    static abstract V LoadIntegers(void* source);

    /// <summary>
    /// Numbers in [0, 1): the upper 24 bits of 32, for floats, or 53 of 64, for doubles, as a binary fraction.
    /// </summary>
    static abstract V LoadFractions(void* source);

    /// <summary>Where integers as wide as the elements have a bit set, x, and elsewhere y.</summary>
    static abstract V IfBit(void* integers, int bit, V x, V y);

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    static abstract void StorePartial(V value, T* destination, int count);
}

/// <summary>Constants of the formats of floating-point numbers.</summary>
internal static class FloatBits
{
    /// <summary>The bits of the square root of 1/2 as a float.</summary>
    internal const int RootOfHalfSingle = 0x3F3504F3;

    /// <summary>The bits of the square root of 1/2 as a double, with 1024 taken from the exponent.</summary>
    internal const long BiasedRootOfHalfDouble = 0x3FE6A09E667F3BCD - (1024L << 52);

    /// <summary>2^-24.</summary>
    internal const float UlpOfHalfSingle = 1f / (1 << 24);

    /// <summary>2^-53.</summary>
    internal const double UlpOfHalfDouble = 1.0 / (1L << 53);

    /// <summary>1.5 2^52: a small integer added to it stands in the low bits of the sum.</summary>
    internal const double Magic = 6755399441055744.0;
}
