namespace Autodiff.Tests;

/// <summary>A folder for the files of one test, which goes with all that is in it.</summary>
internal class TempFolder : IDisposable
{
    private int next;

    /// <summary>The full name of the folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("autodiff-tests-").FullName;

    /// <summary>The full name of a file in it.</summary>
    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>A new empty folder in it.</summary>
    public string New() => Directory.CreateDirectory(this[$"{next++}"]).FullName;

    /// <summary>A new empty file in it.</summary>
    public string NewFile()
    {
        string file = this[$"{next++}"];
        File.WriteAllText(file, "");
        return file;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
