using Autodiff.Kernels;

namespace Kernels.Tests;

public class WorkersTests
{
    [Fact]
    public void Settings_of_the_environment_are_whole_numbers_that_the_machine_has()
    {
        Assert.Equal(3, Workers.Choose("3"));
        Assert.Equal(Environment.ProcessorCount, Workers.Choose(null));
        Assert.Equal(Environment.ProcessorCount, Workers.Choose(""));
        foreach (string wrong in new[] { "abc", "-1", "0", "1.5", "99999999999" })
        {
            Assert.Contains(
                $"AUTODIFF_THREADS is '{wrong}'; it must be a number of threads from 1", Assert.Throws<ArgumentException>(() => Workers.Choose(wrong)).Message,
                StringComparison.Ordinal);
        }

        Assert.All(Simd.Available, width => Assert.Equal(width, Simd.Choose($"{width}")));
        Assert.Equal(Simd.Available[0], Simd.Choose(null));
        foreach (string wrong in new[] { "77", "wide", "-128", "1024" })
        {
            Assert.Contains(
                $"AUTODIFF_SIMD is '{wrong}'; it must be a vector width in bits that this machine has (",
                Assert.Throws<ArgumentException>(() => Simd.Choose(wrong)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public void Every_task_runs_once(int count)
    {
        int[] runs = new int[count];
        Workers.For(count, i => Interlocked.Increment(ref runs[i]));
        Assert.All(runs, n => Assert.Equal(1, n));
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(63, 1)]
    [InlineData(1000, 7)]
    [InlineData(100_000, 1000)]
    public void Ranges_cover_the_length_without_overlap(long length, long grain)
    {
        int[] touched = new int[length];
        Workers.ForRange(length, grain, (from, to) =>
        {
            for (long i = from; i < to; i++) Interlocked.Increment(ref touched[i]);
        });
        Assert.All(touched, n => Assert.Equal(1, n));
    }

    [Fact]
    public void Regions_run_before_and_after_collections_and_meanwhile()
    {
        int sum = 0;
        var collecting = new Thread(() =>
        {
            for (int i = 0; i < 200; i++) Workers.Collect(i % 2);
        });
        collecting.Start();
        for (int i = 0; i < 1000; i++)
        {
            Workers.For(10, _ => Interlocked.Increment(ref sum));
            if (i % 10 == 0) Workers.Collect(0);
        }

        collecting.Join();
        Assert.Equal(10_000, sum);
    }

    [Fact]
    public void A_region_inside_a_region_runs()
    {
        int sum = 0;
        Workers.For(4, _ => Workers.For(5, _ => Interlocked.Increment(ref sum)));
        Assert.Equal(20, sum);
    }

    [Fact]
    public void Regions_from_many_threads_all_finish()
    {
        long sum = 0;
        Parallel.For(0, 200, _ => Workers.For(10, _ => Interlocked.Increment(ref sum)));
        Assert.Equal(2000, sum);
    }

    [Fact]
    public void An_exception_reaches_the_caller_and_the_pool_goes_on()
    {
        for (int round = 0; round < 3; round++)
        {
            Assert.Throws<InvalidOperationException>(() => Workers.For(8, i =>
            {
                if (i == 5) throw new InvalidOperationException();
            }));
        }

        int runs = 0;
        Workers.For(8, _ => Interlocked.Increment(ref runs));
        Assert.Equal(8, runs);
    }
}
