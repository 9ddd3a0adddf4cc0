using System.Text.Json;
using System.Text.Json.Serialization;

namespace Autodiff.Layers;

/// <summary>Where a run stands, besides its tensors, as it is written to a checkpoint.</summary>
internal sealed record Position
{
    public required int Seed { get; init; }

    public required int BatchSize { get; init; }

    public required bool IsShuffled { get; init; }

    public required bool DropLast { get; init; }

    public required int DataCount { get; init; }

    public required int[] InputShape { get; init; }

    /// <summary>The steps of the run.</summary>
    public required int Steps { get; init; }

    /// <summary>The steps of the epoch that runs, with the sums over them.</summary>
    public required int Step { get; init; }

    /// <summary>The learning rate of the first of them.</summary>
    public required double LearningRate { get; init; }

    public required double LossSum { get; init; }

    public required long Examples { get; init; }

    public required double[]?[] MetricSums { get; init; }

    public required double Seconds { get; init; }

    public required EpochRecord[] Epochs { get; init; }
}

/// <summary>All that a run needs to go on.</summary>
internal sealed record Snapshot(TrainingState State, Parameters? Best, Position Position)
{
    private const string Entry = "training";
    private static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    internal void Save(string path)
    {
        IEnumerable<KeyValuePair<string, Tensor>> tensors =
            [.. Named("model.", State.Parameters), .. Named("optimizer.", State.Optimizer), .. Best is null ? [] : Named("best.", Best)];
        Safetensors.Save(path, tensors, new Dictionary<string, string> { [Entry] = JsonSerializer.Serialize(Position, Json) });
    }

    /// <summary>Reads a checkpoint, which must be that of a run like the one that starts.</summary>
    internal static Snapshot Load(string path, TrainingState start, Pipeline train, int seed, int metrics)
    {
        NamedTensors file = Safetensors.Load(path);
        if (!file.Metadata.TryGetValue(Entry, out string? text))
            throw new ArgumentException($"Fit: {path} is no checkpoint of a run, but perhaps a model; start from its parameters with initial.");
        Position position;
        try
        {
            position = JsonSerializer.Deserialize<Position>(text, Json) ?? throw new JsonException("it is null");
        }
        catch (JsonException error)
        {
            throw new DataFormatException($"{path} is damaged: where its run stood cannot be read ({error.Message}). Use another checkpoint.");
        }

        var differences = new List<string>();
        void Compare<T>(string what, T then, T now)
        {
            if (!Equals(then, now)) differences.Add($"{what} was {then}, is {now}");
        }

        Compare("seed", position.Seed, seed);
        Compare("batchSize", position.BatchSize, train.BatchSize);
        Compare("shuffling", position.IsShuffled, train.IsShuffled);
        Compare("dropLast", position.DropLast, train.DropLast);
        Compare("the number of training examples", position.DataCount, train.Data.Count);
        Compare("the shape of inputs", Shapes.FormatBatch(position.InputShape), Shapes.FormatBatch(train.InputShape));
        Compare("the number of metrics", position.MetricSums.Length, metrics);
        if (differences.Count > 0)
        {
            throw new ArgumentException(
                $"Fit: {path} is the checkpoint of another run: {string.Join("; ", differences)}. Go on with the settings that it had.");
        }

        var state = new TrainingState(
            Restore(path, file, "model.", start.Parameters), Restore(path, file, "optimizer.", start.Optimizer), start.Key,
            position.Steps);
        bool hasBest = file.Keys.Any(name => name.StartsWith("best.", StringComparison.Ordinal));
        return new(state, hasBest ? Restore(path, file, "best.", start.Parameters) : null, position);
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Named(string prefix, INamedTree tree) =>
        tree.Names.Zip(tree.Leaves, (name, leaf) => KeyValuePair.Create(prefix + name, leaf));

    /// <summary>A tree with the tensors of the file under its names, on the device where its own are.</summary>
    private static T Restore<T>(string path, NamedTensors file, string prefix, T tree)
        where T : INamedTree
    {
        int found = file.Keys.Count(name => name.StartsWith(prefix, StringComparison.Ordinal));
        if (found != tree.Names.Count)
        {
            throw new ArgumentException(
                $"Fit: {path} has {found} tensors under '{prefix}', this run needs {tree.Names.Count}; use the network and the "
                + "optimizer that it was made with.");
        }

        return (T)tree.WithLeaves([.. tree.Names.Zip(tree.Leaves, (name, leaf) =>
        {
            if (!file.TryGetValue(prefix + name, out Tensor? value))
                throw new ArgumentException($"Fit: {path} has no tensor '{prefix}{name}'; use the network and the optimizer that it was made with.");
            if (value.DType != leaf.DType || !value.Shape.AsSpan().SequenceEqual(leaf.Shape))
            {
                throw new ArgumentException(
                    $"Fit: in {path}, '{prefix}{name}' is {value.DType.Name()} {Shapes.Format(value.Shape)}; this run needs "
                    + $"{leaf.DType.Name()} {Shapes.Format(leaf.Shape)}.");
            }

            return ReferenceEquals(value.Device, leaf.Device)
                ? value
                : new Concrete(leaf.Device.FromHost(value.DType, value.Shape, ElementTypes.ToBytes(value)));
        })]);
    }
}
