using Autodiff;
using Autodiff.Examples;

namespace Examples.Tests;

/// <summary>Random numbers against those that NumPy prints.</summary>
public class NumPyRandomTests
{
    [Fact]
    public void The_bits_are_those_of_the_twister()
    {
        // The first output for the seed of the reference program, and the ten thousandth, which the C++ standard names.
        var random = new NumPyRandom(5489);
        Assert.Equal(3499211612u, random.Bits());
        for (int i = 2; i < 10_000; i++) random.Bits();
        Assert.Equal(4123659995u, random.Bits());
    }

    [Fact]
    public void Rand_and_randn_of_seed_0_are_the_well_known_ones()
    {
        Assert.Equal([0.5488135, 0.71518937, 0.60276338], Rounded(new NumPyRandom(0).Rand(3), 8));
        Assert.Equal([[1.76405235, 0.40015721], [0.97873798, 2.2408932]], Rounded(new NumPyRandom(0).Randn(2, 2), 8).Chunk(2));
    }

    [Fact]
    public void The_second_normal_number_of_a_pair_waits_for_the_next_call()
    {
        var random = new NumPyRandom(0);
        random.Randn();
        random.Rand();
        Assert.Equal(0.40015721, Math.Round(random.Randn(), 8));
    }

    [Fact]
    public void A_permutation_is_that_of_the_seed()
    {
        int[] order = new NumPyRandom(42).Permutation(506);
        Assert.Equal([173, 274, 491, 72, 452, 76], order[..6]);
        Assert.Equal(Enumerable.Range(0, 506), order.Order());
        string[] letters = [.. Enumerable.Range(0, 506).Select(i => $"{i}")];
        new NumPyRandom(42).Shuffle<string>(letters);
        Assert.Equal(order.Select(i => $"{i}"), letters);
        Assert.Equal([0], new NumPyRandom(1).Permutation(1));
    }

    [Fact]
    public void Binomial_numbers_of_one_trial_are_those_of_the_seed()
    {
        var random = new NumPyRandom(7);
        Assert.Equal([1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0], random.Binomial(0.8, 2, 6).ToArray<double>());
        Assert.Equal([0, 0, 0, 1, 0, 0, 1, 0], random.Binomial(0.3, 8).ToArray<double>());
        Assert.Equal(0.60054892, Math.Round(random.Rand(), 8));
    }

    private static double[] Rounded(Tensor numbers, int digits) => [.. numbers.ToArray<double>().Select(number => Math.Round(number, digits))];
}
