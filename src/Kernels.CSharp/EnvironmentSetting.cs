using System.Globalization;

namespace Autodiff.Kernels;

/// <summary>Whole numbers from environment variables.</summary>
public static class EnvironmentSetting
{
    // Found once and told at every use: an error of a type initializer would hide the message inside another.
    private static readonly string? Failure = FindFailure();

    /// <summary>Fails if the environment variable <c>AUTODIFF_THREADS</c> or <c>AUTODIFF_SIMD</c> says what this machine cannot
    /// do: to be called before the first use of a kernel, so that an error comes at once.</summary>
    /// <exception cref="ArgumentException">A variable is not a number that it may be; the message says which.</exception>
    public static void Check()
    {
        if (Failure is not null) throw new ArgumentException(Failure);
    }

    private static string? FindFailure()
    {
        try
        {
            Workers.Choose(Environment.GetEnvironmentVariable(Workers.Variable));
            Simd.Choose(Environment.GetEnvironmentVariable(Simd.Variable));
            return null;
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
    }

    /// <summary>The value of a variable, or what stands for it where it is not set or empty.</summary>
    /// <param name="name">The name of the variable.</param>
    /// <param name="text">Its text.</param>
    /// <param name="otherwise">The value without it.</param>
    /// <param name="isAllowed">Which numbers there are.</param>
    /// <param name="allowed">The same in words.</param>
    /// <exception cref="ArgumentException">The text is no such number.</exception>
    internal static int Parse(string name, string? text, int otherwise, Predicate<int> isAllowed, string allowed)
    {
        if (string.IsNullOrEmpty(text)) return otherwise;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && isAllowed(value)
            ? value
            : throw new ArgumentException($"The environment variable {name} is '{text}'; it must be {allowed}, or not be set.");
    }
}
