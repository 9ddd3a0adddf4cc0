using System.Diagnostics;

namespace Benchmarks;

/// <summary>A short timing loop: warm-up, repeats, median.</summary>
internal static class Clock
{
    /// <summary>The median time of one call in microseconds, after a warm-up that lets the compiler finish.</summary>
    internal static double Median(Action call, double seconds)
    {
        // Tiered compilation replaces code after 30 calls and a pause of 100 ms.
        double warm = Math.Min(seconds, 0.5);
        for (int round = 0; round < 2; round++)
        {
            long start = Stopwatch.GetTimestamp();
            do call();
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < warm / 2);
            Thread.Sleep(150);
        }

        var times = new List<double>();
        long begin = Stopwatch.GetTimestamp();
        while (times.Count < 5 || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
        {
            long start = Stopwatch.GetTimestamp();
            call();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        times.Sort();
        return times[times.Count / 2];
    }
}
