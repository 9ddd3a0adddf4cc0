using Xunit;

namespace Autodiff.Tests;

/// <summary>A test that needs a file or folder of the real data sets, and is skipped, visibly, without it.</summary>
public sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute(string path)
    {
        string? data = Environment.GetEnvironmentVariable("AUTODIFF_DATA");
        if (string.IsNullOrEmpty(data) || !Path.Exists(Path.Combine(data, path)))
            Skip = $"the environment variable AUTODIFF_DATA names no folder with {path}";
    }
}
