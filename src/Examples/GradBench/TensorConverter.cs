using System.Text.Json;
using System.Text.Json.Serialization;

namespace Autodiff.Examples.GradBench;

/// <summary>Tensors as nested JSON arrays in row-major order; what is read is float64.</summary>
internal sealed class TensorConverter : JsonConverter<Tensor>
{
    /// <summary>How messages are written: names in snake_case, nothing missing, tensors as arrays.</summary>
    internal static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        PropertyNameCaseInsensitive = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new TensorConverter() },
    };

    public override bool CanConvert(Type typeToConvert) => typeof(Tensor).IsAssignableFrom(typeToConvert);

    public override Tensor Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var values = new List<double>();
        var shape = new List<int>();
        ReadPart(ref reader, 0, shape, values);
        return Tensor.From(values.ToArray(), [.. shape]);
    }

    /// <summary>Reads a number or array at a depth; an axis has the length -1 until its first array ends.</summary>
    private static void ReadPart(ref Utf8JsonReader reader, int depth, List<int> shape, List<double> values)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            if (shape.Count != depth) throw new JsonException("an array of numbers has a number where others have an array.");
            values.Add(reader.GetDouble());
            return;
        }

        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException($"an array of numbers has a part of kind {reader.TokenType}.");
        if (shape.Count == depth)
        {
            if (values.Count > 0) throw new JsonException("an array of numbers has an array where others have a number.");
            shape.Add(-1);
        }

        int count = 0;
        for (reader.Read(); reader.TokenType != JsonTokenType.EndArray; reader.Read(), count++)
            ReadPart(ref reader, depth + 1, shape, values);
        if (shape[depth] == -1) shape[depth] = count;
        if (shape[depth] != count)
            throw new JsonException($"an array of numbers has parts of {shape[depth]} and of {count} elements.");
    }

    public override void Write(Utf8JsonWriter writer, Tensor value, JsonSerializerOptions options)
    {
        double[] elements = value.ToArray<double>();
        if (!elements.All(double.IsFinite))
            throw new JsonException("the result has elements that are NaN or infinite, which JSON cannot hold.");
        WritePart(writer, elements, value.Shape);
    }

    private static void WritePart(Utf8JsonWriter writer, ReadOnlySpan<double> elements, ReadOnlySpan<int> shape)
    {
        if (shape.IsEmpty)
        {
            writer.WriteNumberValue(elements[0]);
            return;
        }

        writer.WriteStartArray();
        for (int i = 0, size = elements.Length / Math.Max(shape[0], 1); i < shape[0]; i++)
            WritePart(writer, elements.Slice(i * size, size), shape[1..]);
        writer.WriteEndArray();
    }
}
