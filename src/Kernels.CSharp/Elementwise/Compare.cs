namespace Autodiff.Kernels;

/// <summary>The kernels of relations between two tensors of one type; with a NaN all but NotEqual are false.</summary>
public static class Compare
{
    /// <summary>x = y.</summary>
    public static readonly CompareKernel Equal =
        new NumberCompareKernel<EqualOperator<float>, EqualOperator<double>, EqualOperator<int>,
            EqualOperator<long>, EqualOperator<short>,
            EqualOperator<sbyte>, EqualOperator<byte>>("equal", "x == y");

    /// <summary>Not x = y; true with a NaN.</summary>
    public static readonly CompareKernel NotEqual =
        new NumberCompareKernel<NotEqualOperator<float>, NotEqualOperator<double>, NotEqualOperator<int>,
            NotEqualOperator<long>, NotEqualOperator<short>,
            NotEqualOperator<sbyte>, NotEqualOperator<byte>>("notEqual", "x != y");

    /// <summary>x below y.</summary>
    public static readonly CompareKernel Less =
        new NumberCompareKernel<LessOperator<float>, LessOperator<double>, LessOperator<int>,
            LessOperator<long>, LessOperator<short>,
            LessOperator<sbyte>, LessOperator<byte>>("less", "x < y");

    /// <summary>x not above y.</summary>
    public static readonly CompareKernel LessOrEqual =
        new NumberCompareKernel<LessOrEqualOperator<float>, LessOrEqualOperator<double>, LessOrEqualOperator<int>,
            LessOrEqualOperator<long>, LessOrEqualOperator<short>,
            LessOrEqualOperator<sbyte>, LessOrEqualOperator<byte>>("lessOrEqual", "x <= y");

    /// <summary>x above y.</summary>
    public static readonly CompareKernel Greater =
        new NumberCompareKernel<GreaterOperator<float>, GreaterOperator<double>, GreaterOperator<int>,
            GreaterOperator<long>, GreaterOperator<short>,
            GreaterOperator<sbyte>, GreaterOperator<byte>>("greater", "x > y");

    /// <summary>x not below y.</summary>
    public static readonly CompareKernel GreaterOrEqual =
        new NumberCompareKernel<GreaterOrEqualOperator<float>, GreaterOrEqualOperator<double>,
            GreaterOrEqualOperator<int>, GreaterOrEqualOperator<long>, GreaterOrEqualOperator<short>,
            GreaterOrEqualOperator<sbyte>, GreaterOrEqualOperator<byte>>(
            "greaterOrEqual", "x >= y");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<CompareKernel> All { get; } =
        [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
}
