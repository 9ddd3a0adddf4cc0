using System.Runtime.CompilerServices;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class HostMemoryTests
{
    private const int Large = 16 << 20;

    [Fact]
    public void Large_blocks_that_are_dropped_are_the_next_ones_whatever_else_is_in_use()
    {
        HostMemory[] others = [.. Enumerable.Range(0, 8).Select(_ => HostMemory.Allocate(Large))];
        for (int i = 0; i < 1000; i++) Dropped();
        nint[] last = [.. Enumerable.Range(0, 20).Select(_ => Dropped())];
        Assert.True(last.Distinct().Count() <= 2, "The memory went around.");
        Assert.DoesNotContain(others, other => last.Contains(other.Pointer));
    }

    [Fact]
    public void Blocks_that_are_kept_have_memory_of_their_own()
    {
        HostMemory[] kept = [.. Enumerable.Range(0, 40).Select(_ => HostMemory.Allocate(Large / 8))];
        Assert.Equal(kept.Length, kept.Select(memory => memory.Pointer).Distinct().Count());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Dropped() => HostMemory.Allocate(Large).Pointer;
}
