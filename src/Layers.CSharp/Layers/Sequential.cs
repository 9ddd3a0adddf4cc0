using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Autodiff.Layers;

/// <summary>
/// Layers one after another, itself a layer. The parameters of the layer at position i are the part named i:
/// "0.weight".
/// </summary>
/// <example><code>
/// Sequential network = [new Dense(50), Activations.Sigmoid, new Dense(10)];
/// </code></example>
[CollectionBuilder(typeof(Sequential), nameof(Create))]
public sealed class Sequential : Layer, IReadOnlyList<Layer>
{
    private readonly Layer[] layers;

    /// <summary>Layers in the order in which they are applied.</summary>
    /// <exception cref="ArgumentException">A layer is null.</exception>
    public Sequential(params IEnumerable<Layer> layers)
    {
        this.layers = [.. layers];
        int missing = Array.IndexOf(this.layers, null);
        if (missing >= 0) throw new ArgumentException($"Sequential: layer {missing} is null.");
    }

    /// <inheritdoc/>
    public int Count => layers.Length;

    /// <inheritdoc/>
    public Layer this[int index] => layers[index];

    /// <summary>Layers in the order in which they are applied: what a collection expression calls.</summary>
    public static Sequential Create(ReadOnlySpan<Layer> layers) => new(layers.ToArray());

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        int[] shape = inputShape;
        for (int i = 0; i < layers.Length; i++) shape = Within($"layer {i}", layers[i], shape);
        return [.. shape];
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        var parts = new (string, Parameters)[layers.Length];
        int[] shape = inputShape;
        for (int i = 0; i < layers.Length; i++)
        {
            (Parameters parameters, int[] next) = Within(
                $"layer {i}", layers[i], (Key: key.FoldIn(i), Shape: shape),
                static (layer, at) => (layer.Initialize(at.Key, at.Shape), layer.OutputShape(at.Shape)));
            parts[i] = (PartName(i), parameters);
            shape = next;
        }

        return Parameters.Join(parts);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (parameters.PartCount != layers.Length)
        {
            throw new ArgumentException(
                $"{Name}: the parameters have {parameters.PartCount} parts for {layers.Length} layers; "
                + "initialize them with this network.");
        }

        Tensor output = input;
        for (int i = 0; i < layers.Length; i++)
        {
            output = Within($"layer {i}", layers[i], parameters.Part(i), output, context.For(i));
        }

        return output;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LayerPart> Parts(int[] inputShape)
    {
        var parts = new LayerPart[layers.Length];
        int[] shape = inputShape;
        for (int i = 0; i < layers.Length; i++)
        {
            parts[i] = new(PartName(i), layers[i], shape);
            shape = Within($"layer {i}", layers[i], shape);
        }

        return parts;
    }

    /// <inheritdoc/>
    public IEnumerator<Layer> GetEnumerator() => ((IEnumerable<Layer>)layers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static string PartName(int index) => index.ToString(CultureInfo.InvariantCulture);
}
