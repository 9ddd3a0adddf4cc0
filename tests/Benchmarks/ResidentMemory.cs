using System.Diagnostics;
using Autodiff;
using Autodiff.Kernels;

namespace Benchmarks;

/// <summary>The resident memory of an eager training loop, over time.</summary>
internal static class ResidentMemory
{
    internal static int Report(int steps, string only)
    {
        Row? row = Rows.All.FirstOrDefault(row => row.Name.StartsWith("train", StringComparison.Ordinal) && row.Name.Contains(only, StringComparison.Ordinal));
        if (row is null)
        {
            Console.Error.WriteLine($"no training row contains '{only}'; --list shows the rows.");
            return 2;
        }

        Console.WriteLine(row.Name);
        Action step = row.Eager!();
        double first = 0;
        for (int i = 1; i <= steps; i++)
        {
            step();
            if (i == 500 || i % Math.Max(steps / 10, 1) == 0)
            {
                double resident = Process.GetCurrentProcess().WorkingSet64 / 1048576.0;
                if (first == 0) first = resident;
                Console.WriteLine(
                    $"step {i,8}: resident {resident,8:f1} MiB ({resident / first - 1,7:p1}), native {HostMemory.InUse / 1048576.0,7:f1} MiB in use, {HostMemory.Kept / 1048576.0,7:f1} MiB kept, managed {GC.GetTotalMemory(false) / 1048576.0,7:f1} of {GC.GetGCMemoryInfo().TotalCommittedBytes / 1048576.0,7:f1} MiB");
            }
        }

        return 0;
    }
}
