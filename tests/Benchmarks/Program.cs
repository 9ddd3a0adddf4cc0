using System.Text.Json;
using Autodiff.Kernels;

namespace Benchmarks;

/// <summary>Times the rows and writes them as JSON: {"us": {row: {"eager": microseconds, "jit": microseconds}}}.</summary>
internal static class Program
{
    private const string Usage = """
        Times the library on its benchmark rows; every figure is the median time of one call in microseconds.

          --only TEXT      only rows whose name contains TEXT
          --seconds S      time spent on each row (default 1.0)
          --json FILE      write {"us": {row: {"eager": microseconds, "jit": microseconds}}}
          --report FILE    write all rows as a page, beside what the machine can do at most
          --peer FILE      put the times of {"name": name, "us": {row: microseconds}} into the page
          --openblas FILE  time the matrix product against this OpenBLAS library, in the same run
          --memory STEPS   run a training row for so many steps and report the resident memory
          --list           print the names of the rows

        The environment variable AUTODIFF_THREADS sets the number of threads.
        """;

    private static int Main(string[] arguments)
    {
        string only = "", json = "", report = "", peer = "", openblas = "";
        double seconds = 1.0;
        int memorySteps = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            string Value() => ++i < arguments.Length ? arguments[i] : "";
            switch (arguments[i])
            {
                case "--only": only = Value(); break;
                case "--json": json = Value(); break;
                case "--report": report = Value(); break;
                case "--peer": peer = Value(); break;
                case "--openblas": openblas = Value(); break;
                case "--list":
                    foreach (Row row in Rows.All) Console.WriteLine(row.Name);
                    return 0;
                case "--seconds" when double.TryParse(Value(), out seconds): break;
                case "--memory" when int.TryParse(Value(), out memorySteps): break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        if (openblas != "") return OpenBlas.Compare(openblas, seconds);
        if (memorySteps > 0) return ResidentMemory.Report(memorySteps, only);

        if (report != "" && only != "")
        {
            Console.Error.WriteLine("A report has all rows: leave out --only.");
            return 2;
        }

        if (peer != "" && report == "")
        {
            Console.Error.WriteLine("--peer belongs to a page: give --report FILE too.");
            return 2;
        }

        Peer? compared;
        try
        {
            compared = peer == "" ? null : Peer.Read(peer);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            Console.Error.WriteLine(error.Message);
            return 2;
        }

        // The build that started this program ends some seconds later, and takes a core until then.
        Thread.Sleep(TimeSpan.FromSeconds(4));
        var times = new Dictionary<Row, Dictionary<string, double>>();
        foreach (Row row in Rows.All.Where(row => row.Name.Contains(only, StringComparison.Ordinal)))
        {
            times[row] = [];
            double flops = row.Work?.Invoke().Flops ?? 0;
            foreach ((string way, double microseconds) in row.Times(seconds))
            {
                times[row][way] = microseconds;
                string rate = flops > 0 ? $"{flops / microseconds / 1e3,9:f1} GFLOP/s" : "";
                Console.WriteLine($"{row.Name,-46} {way,-5} {microseconds,12:f1} us {rate}");
            }
        }

        if (json != "")
            Write(json, JsonSerializer.Serialize(new { us = times.ToDictionary(row => row.Key.Name, row => row.Value) }));
        if (report != "") Write(report, Report.Markdown(times, Limits.Measure(Workers.Count), compared));
        return 0;
    }

    private static void Write(string path, string text)
    {
        string temporary = path + ".tmp";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }
}
