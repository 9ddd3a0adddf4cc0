namespace Autodiff.Layers;

/// <summary>Some examples: inputs and targets along a leading axis.</summary>
public sealed record Batch(Tensor Inputs, Tensor Targets);

/// <summary>Examples in memory.</summary>
public sealed record Dataset(Tensor Inputs, Tensor Targets)
{
    /// <summary>The number of examples.</summary>
    public int Count => Inputs.Shape[0];

    /// <summary>The examples in batches.</summary>
    public IEnumerable<Batch> Batches(int batchSize, Key? shuffleKey = null, bool dropLast = false)
    {
        Tensor? order = shuffleKey?.Permutation(Count);
        for (int from = 0; from < Count; from += batchSize)
        {
            int to = Math.Min(Count, from + batchSize);
            if (dropLast && to - from < batchSize) yield break;
            yield return order is null
                ? new(Inputs[from..to], Targets[from..to])
                : new(Inputs.Take(order[from..to], 0), Targets.Take(order[from..to], 0));
        }
    }
}
