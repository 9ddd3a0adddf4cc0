using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Benchmarks;

/// <summary>The matrix product beside OpenBLAS, in turn, in one run.</summary>
internal static unsafe class OpenBlas
{
    internal static int Compare(string library, double seconds)
    {
        if (!NativeLibrary.TryLoad(library, out nint handle))
        {
            Console.Error.WriteLine($"{library} cannot be loaded; give the path of libopenblas.so.0.");
            return 2;
        }

        var gemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(handle, "cblas_sgemm");
        var setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(handle, "openblas_set_num_threads");
        setThreads(Workers.Count);
        Console.WriteLine($"float32, {Workers.Count} thread(s), GFLOP/s");
        Console.WriteLine($"{"n",6} {"OpenBLAS",10} {"ours",10} {"ratio",7}");
        foreach (int n in new[] { 64, 256, 1024, 2048 })
        {
            float[] a = new Key(1).Normal([n, n]).ToArray<float>(), b = new Key(2).Normal([n, n]).ToArray<float>();
            float[] c = new float[n * n], d = new float[n * n];
            Action theirs = () =>
            {
                fixed (float* pa = a, pb = b, pc = c) gemm(101, 111, 111, n, n, n, 1f, pa, n, pb, n, 0f, pc, n);
            };
            Action ours = () => MatMul.Multiply(
                DType.Float32, 1, n, n, n,
                MemoryMarshal.AsBytes<float>(a), 0, n, 1, MemoryMarshal.AsBytes<float>(b), 0, n, 1, MemoryMarshal.AsBytes(d.AsSpan()));

            // In turn, twice, and the better time of each: a noisy machine hurts both alike.
            double best = double.MaxValue, own = double.MaxValue;
            for (int round = 0; round < 3; round++)
            {
                best = Math.Min(best, Clock.Median(theirs, seconds));
                own = Math.Min(own, Clock.Median(ours, seconds));
            }

            float difference = c.Zip(d, (x, y) => Math.Abs(x - y)).Max();
            if (difference > 1e-2f) throw new InvalidOperationException($"the products differ by {difference}");
            double work = 2.0 * n * n * n / 1e3;
            Console.WriteLine($"{n,6} {work / best,10:f1} {work / own,10:f1} {best / own,7:f2}");
        }

        return 0;
    }
}
