namespace Layers.Tests;

/// <summary>The process that a test of resuming starts and kills.</summary>
internal static class Program
{
    private static void Main(string[] arguments) =>
        ResumeTests.Train(arguments[0], arguments[1], int.Parse(arguments[2], System.Globalization.CultureInfo.InvariantCulture));
}
