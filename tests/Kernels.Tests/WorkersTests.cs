using Autodiff.Kernels;

namespace Kernels.Tests;

public class WorkersTests
{
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
