namespace Autodiff.Layers;

/// <summary>What ranks epochs: a number of each, of which the smallest or the largest is best.</summary>
public sealed class Criterion
{
    private readonly Func<EpochRecord, double> value;
    private readonly double sign;

    private Criterion(string name, Func<EpochRecord, double> value, double sign) =>
        (Name, this.value, this.sign) = (name, value, sign);

    /// <summary>The smallest validation loss, or loss without validation data.</summary>
    public static Criterion Loss { get; } = new("loss", epoch => epoch.Score, 1);

    /// <summary>The name of the number.</summary>
    public string Name { get; }

    /// <summary>The smallest value of a metric, on the validation data if there are any.</summary>
    public static Criterion Smallest(string metric) => new(metric, epoch => Find(epoch, metric), 1);

    /// <summary>The largest value of a metric, on the validation data if there are any.</summary>
    public static Criterion Largest(string metric) => new(metric, epoch => Find(epoch, metric), -1);

    /// <summary>The number that ranks an epoch: lower is better, so that what should be large has its sign changed; NaN
    /// counts as infinite.</summary>
    /// <exception cref="ArgumentException">The epoch has no such metric; the message lists those it has.</exception>
    public double Rank(EpochRecord epoch)
    {
        double rank = sign * value(epoch);
        return double.IsNaN(rank) ? double.PositiveInfinity : rank;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(sign > 0 ? "smallest" : "largest")} {Name}";

    private static double Find(EpochRecord epoch, string metric) =>
        epoch.ValidationMetrics.TryGetValue(metric, out double found) || epoch.Metrics.TryGetValue(metric, out found)
            ? found
            : throw new ArgumentException(
                $"Criterion: there is no metric '{metric}'; the trainer has "
                + $"{(epoch.Metrics.Count == 0 ? "none" : string.Join(", ", epoch.Metrics.Keys))}.");
}
