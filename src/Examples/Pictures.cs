using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>Writing the figures of an example to the folder that was asked for.</summary>
internal static class Pictures
{
    /// <summary>Writes a figure, if a folder was given, and says where it is.</summary>
    internal static void Save(this Settings settings, Figure figure, string name)
    {
        if (settings.Out is { } folder) Say(settings, Path.Combine(folder, name), figure.Save);
    }

    /// <summary>Writes a report, if a folder was given, and says where it is.</summary>
    internal static void Save(this Settings settings, Report report, string name)
    {
        if (settings.Out is { } folder) Say(settings, Path.Combine(folder, name), report.Save);
    }

    private static void Say(Settings settings, string file, Action<string> save)
    {
        save(file);
        settings.Output.WriteLine($"The picture is in {file}.");
    }
}
