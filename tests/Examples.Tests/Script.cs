using System.Diagnostics;

namespace Examples.Tests;

/// <summary>Runs F# scripts of the repository.</summary>
internal static class Script
{
    /// <summary>Runs <c>dotnet fsi</c> in the root of the repository.</summary>
    internal static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Hybrid.sln"))) root = Path.GetDirectoryName(root)!;
        using Process script = Process.Start(new ProcessStartInfo("dotnet", ["fsi", .. arguments])
        {
            WorkingDirectory = root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> error = script.StandardError.ReadToEndAsync();
        string output = script.StandardOutput.ReadToEnd();
        script.WaitForExit();
        return (script.ExitCode, output, error.Result);
    }
}
