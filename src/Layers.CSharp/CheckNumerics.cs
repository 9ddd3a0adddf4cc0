using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Functions that fail where a NaN or an infinity appears.</summary>
/// <remarks>A <see cref="NonFiniteException"/> names the operation whose output first held such a number though no input held
/// one of its kind, the element, the shapes, and the file and line of the code that ran it. Derivatives are checked too, those
/// taken inside the function and those taken of it: where a derivative rule fails, the error names the operation whose rule it
/// is, and the line that ran that operation forward. NaN and infinities of arguments and constants may stay. A function that
/// is not checked costs nothing.</remarks>
public static class CheckNumerics
{
    /// <summary>The same function, checked. It composes with all transforms, inside and outside.</summary>
    /// <param name="f">A function of a tree of tensors.</param>
    /// <param name="allowInfinities">Whether only NaN is an error.</param>
    /// <example><code>
    /// Tensor slope = CheckNumerics.Of(Gradient.Of((Tensor x) => Tensor.Sqrt(x).Sum()))(point);
    /// // divide: element [1] of the output became Infinity (...), in the derivative rule of sqrt, which ran at ... line 14
    /// </code></example>
    public static Func<T, TResult> Of<T, TResult>(Func<T, TResult> f, bool allowInfinities = false)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return x => Debugging.checkNumericsWith(allowInfinities, function, x);
    }
}
