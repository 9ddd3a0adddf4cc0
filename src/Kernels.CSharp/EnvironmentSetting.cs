using System.Globalization;

namespace Autodiff.Kernels;

/// <summary>Whole numbers from environment variables.</summary>
internal static class EnvironmentSetting
{
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
