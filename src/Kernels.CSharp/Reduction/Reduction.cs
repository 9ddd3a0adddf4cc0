namespace Autodiff.Kernels;

/// <summary>What a reduction computes of the elements it combines.</summary>
public enum Reduction
{
    /// <summary>The sum; 0 of no elements.</summary>
    Sum,

    /// <summary>The product; 1 of no elements.</summary>
    Product,

    /// <summary>The largest element; NaN if any is NaN; no elements have none.</summary>
    Maximum,

    /// <summary>The smallest element; NaN if any is NaN; no elements have none.</summary>
    Minimum,

    /// <summary>Whether any element is true; false of no elements.</summary>
    Any,

    /// <summary>Whether all elements are true; true of no elements.</summary>
    All,
}
