namespace Autodiff.Layers;

/// <summary>Where data files lie.</summary>
public static class DataDirectory
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "AUTODIFF_DATA";

    /// <summary>
    /// The folder that an option names, else the one that <see cref="Variable"/> names, else null.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The folder named does not exist.</exception>
    public static string? Find(string? option = null)
    {
        bool hasOption = !string.IsNullOrEmpty(option);
        string? folder = hasOption ? option : Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(folder)) return null;
        return Directory.Exists(folder)
            ? folder
            : throw new DirectoryNotFoundException(
                $"The data folder '{Path.GetFullPath(folder)}', which {(hasOption ? "the option --data" : "the variable " + Variable)} names, does not exist. Name another, or none.");
    }
}
