using System.Globalization;

namespace Autodiff.Layers;

/// <summary>A network with the values of its parameters: what training gives, and what predicts.</summary>
public sealed class Model
{
    private const string ShapeEntry = "input_shape";
    private readonly int[] inputShape;

    /// <summary>A model of a network with parameters.</summary>
    /// <param name="network">The network.</param>
    /// <param name="parameters">Parameters that the network made for inputs of the shape.</param>
    /// <param name="inputShape">The shape of one input, without the batch axis.</param>
    /// <exception cref="ArgumentException">The network does not take inputs of this shape.</exception>
    public Model(Layer network, Parameters parameters, int[] inputShape)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(parameters);
        network.OutputShape(inputShape);
        Network = network;
        Parameters = parameters;
        this.inputShape = [.. inputShape];
    }

    /// <summary>The network.</summary>
    public Layer Network { get; }

    /// <summary>The values of its parameters.</summary>
    public Parameters Parameters { get; }

    /// <summary>The shape of one input, without the batch axis.</summary>
    public IReadOnlyList<int> InputShape => inputShape;

    /// <summary>The outputs of the network for inputs, without anything random.</summary>
    /// <param name="inputs">The inputs, with a leading batch axis of any length.</param>
    /// <param name="batchSize">The number of inputs that are held in memory between layers at a time.</param>
    /// <param name="cancellationToken">Cancels between batches.</param>
    /// <exception cref="ArgumentException">The inputs have another shape.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Tensor Predict(Tensor inputs, int batchSize = 1000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Shapes.AtLeast(1, batchSize, "Predict", nameof(batchSize));
        if (inputs.Rank == 0 || !inputs.Shape.AsSpan(1).SequenceEqual(inputShape))
        {
            throw new ArgumentException(
                $"Predict: inputs have shape {Shapes.Format(inputs.Shape)}; the model takes {Shapes.FormatBatch(inputShape)}."
                + (inputs.Shape.AsSpan().SequenceEqual(inputShape) ? " Give a single input a batch axis: x.Reshape(1, ...)." : ""));
        }

        int count = inputs.Shape[0];
        if (count <= batchSize) return Network.Apply(Parameters, inputs);
        var outputs = new List<Tensor>();
        for (int from = 0; from < count; from += batchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            outputs.Add(Network.Apply(Parameters, inputs[from..Math.Min(count, from + batchSize)]));
        }

        return TensorModule.concat(0, outputs);
    }

    /// <summary>The value of a metric over all examples of a data set.</summary>
    /// <inheritdoc cref="Evaluate(Dataset, IReadOnlyList{Metric}, int, CancellationToken)"/>
    public double Evaluate(
        Dataset data, Metric metric, int batchSize = 1000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(metric);
        return Evaluate(data, [metric], batchSize, cancellationToken)[metric.Name];
    }

    /// <summary>The values of metrics, by name, over all examples of a data set.</summary>
    /// <param name="data">The examples, at least one.</param>
    /// <param name="metrics">The metrics; a loss becomes one by <see cref="Metric.From(Loss)"/>.</param>
    /// <param name="batchSize">The number of examples that are held in memory between layers at a time.</param>
    /// <param name="cancellationToken">Cancels between batches.</param>
    /// <exception cref="ArgumentException">There are no examples, or their shapes do not fit.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyDictionary<string, double> Evaluate(
        Dataset data, IReadOnlyList<Metric> metrics, int batchSize = 1000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(metrics);
        if (data.Count == 0) throw new ArgumentException("Evaluate: the data set is empty; a mean needs at least one example.");
        var sums = new MetricSums(metrics);
        foreach (Batch batch in data.Batches(batchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            sums.Add(Predict(batch.Inputs, batchSize, CancellationToken.None), batch.Targets);
        }

        return sums.Values();
    }

    /// <summary>Writes the parameters and the shape of inputs to a file in the safetensors format. The file is replaced
    /// at the end, in one step: a failed save leaves the old file whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) =>
        Safetensors.Save(path, Parameters, new Dictionary<string, string> { [ShapeEntry] = string.Join(',', inputShape) });

    /// <summary>Reads a model from a file that <see cref="Save"/> wrote, or another safetensors file: it must hold
    /// exactly the tensors that the network makes for inputs of the shape.</summary>
    /// <param name="network">The network, described as it was when the model was saved.</param>
    /// <param name="path">The file.</param>
    /// <param name="inputShape">The shape of one input, without the batch axis; by default the one that the file
    /// notes.</param>
    /// <exception cref="ArgumentException">Names or shapes differ (the message lists the first differences), or the
    /// shape of inputs is neither given nor noted in the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Model Load(Layer network, string path, int[]? inputShape = null)
    {
        NamedTensors found = Safetensors.Load(path);
        inputShape ??= NotedShape(found, path);
        Parameters expected = network.Initialize(new Key(0), inputShape);
        if (expected.DifferencesFrom(found) is { } differences)
        {
            throw new ArgumentException(
                $"Load: {path} does not fit the network {network.Name} for inputs {Shapes.FormatBatch(inputShape)}: {differences}. "
                + "Describe the network as it was when the file was saved.");
        }

        return new(network, expected.WithLeaves([.. expected.Names.Select(name => found[name])]), inputShape);
    }

    /// <summary>The layers with the shapes of their outputs and the numbers of their parameters, as text.</summary>
    public string Summary() => LayerSummary.Table(Network, Parameters, inputShape);

    /// <inheritdoc/>
    public override string ToString() => $"{Network.Name} with {LayerSummary.Count(Parameters)} parameters";

    private static int[] NotedShape(NamedTensors file, string path)
    {
        if (!file.Metadata.TryGetValue(ShapeEntry, out string? text))
            throw new ArgumentException($"Load: {path} does not note the shape of inputs; give inputShape.");
        if (text.Length == 0) return [];
        string[] lengths = text.Split(',');
        var shape = new int[lengths.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            if (!int.TryParse(lengths[i], NumberStyles.None, CultureInfo.InvariantCulture, out shape[i]))
            {
                throw new ArgumentException(
                    $"Load: {path} notes '{text}' as the shape of inputs, which is no shape; give inputShape.");
            }
        }

        return shape;
    }
}
