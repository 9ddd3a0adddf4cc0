using System.Text.Json;

namespace Benchmarks;

/// <summary>Times the rows and writes them as JSON: {"us": {row: {"eager": microseconds, "jit": microseconds}}}.</summary>
internal static class Program
{
    private const string Usage = """
        Times the library on its benchmark rows; every figure is the median time of one call in microseconds.

          --only TEXT      only rows whose name contains TEXT
          --seconds S      time spent on each row (default 1.0)
          --json FILE      write {"us": {row: {"eager": microseconds, "jit": microseconds}}}
          --openblas FILE  time the matrix product against this OpenBLAS library, in the same run
          --memory STEPS   run a training row for so many steps and report the resident memory
          --list           print the names of the rows

        The environment variable AUTODIFF_THREADS sets the number of threads.
        """;

    private static int Main(string[] arguments)
    {
        string only = "", json = "", openblas = "";
        double seconds = 1.0;
        int memorySteps = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            string Value() => ++i < arguments.Length ? arguments[i] : "";
            switch (arguments[i])
            {
                case "--only": only = Value(); break;
                case "--json": json = Value(); break;
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

        // The build that started this program ends some seconds later, and takes a core until then.
        Thread.Sleep(TimeSpan.FromSeconds(4));
        var times = new Dictionary<string, Dictionary<string, double>>();
        foreach (Row row in Rows.All.Where(row => row.Name.Contains(only, StringComparison.Ordinal)))
        {
            times[row.Name] = [];
            Time(row, "eager", row.Make);
            if (row.Compiled is { } compiled) Time(row, "jit", compiled);
        }

        void Time(Row row, string mode, Func<Action> make)
        {
            double microseconds = Clock.Median(make(), seconds);
            times[row.Name][mode] = microseconds;
            string rate = row.Flops > 0 ? $"{row.Flops / microseconds / 1e3,9:f1} GFLOP/s" : "";
            Console.WriteLine($"{row.Name,-46} {mode,-5} {microseconds,12:f1} us {rate}");
        }

        if (json != "")
        {
            string temporary = json + ".tmp";
            File.WriteAllText(temporary, JsonSerializer.Serialize(new { us = times }));
            File.Move(temporary, json, overwrite: true);
        }

        return 0;
    }
}
