namespace Autodiff.Layers;

/// <summary>Columns brought to mean 0 and standard deviation 1: (x - mean) / deviation, with the mean and deviation of the data
/// that it was fitted to. Fit it to the training data, and apply it to those and to all others.</summary>
/// <param name="Mean">The means, of the shape of one example.</param>
/// <param name="StandardDeviation">The standard deviations (divided by n), with 1 where all examples are equal.</param>
/// <example><code>
/// var standardizer = Standardizer.Fit(train.Inputs);
/// (train, test) = (train.Map(standardizer.Apply), test.Map(standardizer.Apply));
/// </code></example>
public sealed record Standardizer(Tensor Mean, Tensor StandardDeviation)
{
    /// <summary>The mean and deviation over the examples.</summary>
    /// <param name="data">Examples, along the first axis, at least one.</param>
    /// <exception cref="ArgumentException">There are no examples.</exception>
    public static Standardizer Fit(Tensor data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.Rank == 0 || data.Shape[0] == 0)
            throw new ArgumentException($"Standardizer.Fit: the data have shape {Shapes.Format(data.Shape)}; at least one example is needed along the first axis.");
        Tensor deviation = Tensor.Sqrt(data.Variance(0));
        return new(data.Mean(0), Tensor.Where(Tensor.Greater(deviation, deviation * 0), deviation, Tensor.OnesLike(deviation)));
    }

    /// <summary>(x - mean) / deviation.</summary>
    public Tensor Apply(Tensor data) => (data - Mean) / StandardDeviation;

    /// <summary>x deviation + mean: what <see cref="Apply"/> is undone by.</summary>
    public Tensor Invert(Tensor data) => data * StandardDeviation + Mean;
}
