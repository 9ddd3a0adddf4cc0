namespace Autodiff.Layers;

/// <summary>Tensor files.</summary>
public static class Safetensors
{
    /// <summary>Writes a file.</summary>
    public static void Save(
        string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        throw new NotSupportedException($"{path} {tensors} {metadata}");

    /// <summary>Reads a file.</summary>
    public static IReadOnlyDictionary<string, Tensor> Load(string path) => throw new NotSupportedException(path);
}
