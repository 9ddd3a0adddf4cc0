using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Autodiff.Layers;

/// <summary>The tensors of a file by name, in the file's order, with the file's notes.</summary>
public sealed class NamedTensors : IReadOnlyDictionary<string, Tensor>
{
    private readonly OrderedDictionary<string, Tensor> tensors = [];
    private readonly string source;

    internal NamedTensors(
        string source, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        this.source = source;
        foreach ((string name, Tensor tensor) in tensors) this.tensors.Add(name, tensor);
        Metadata = metadata ?? new Dictionary<string, string>();
    }

    /// <summary>The notes that the file carries beside its tensors; empty where the format has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The names in the file's order.</summary>
    public IEnumerable<string> Keys => tensors.Keys;

    /// <summary>The tensors in the file's order.</summary>
    public IEnumerable<Tensor> Values => tensors.Values;

    /// <summary>The number of tensors.</summary>
    public int Count => tensors.Count;

    /// <summary>The tensor of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message lists the names.</exception>
    public Tensor this[string key] =>
        tensors.TryGetValue(key, out Tensor? tensor)
            ? tensor
            : throw new KeyNotFoundException(
                $"{source} has no tensor '{key}'; it has {(Count == 0 ? "none" : string.Join(", ", tensors.Keys.Take(50)))}{(Count > 50 ? ", ..." : "")}.");

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool ContainsKey(string key) => tensors.ContainsKey(key);

    /// <summary>The tensor of a name, if there is one.</summary>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value) => tensors.TryGetValue(key, out value);

    /// <summary>The names and tensors in the file's order.</summary>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => tensors.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Checks the names of tensors that are to be saved.</summary>
    internal static KeyValuePair<string, Tensor>[] Checked(string operation, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        KeyValuePair<string, Tensor>[] list = [.. tensors];
        var seen = new HashSet<string>();
        foreach ((string name, Tensor tensor) in list)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentException($"{operation}: a tensor has no name; give every one a name.");
            if (tensor is null) throw new ArgumentException($"{operation}: the tensor '{name}' is null.");
            if (!seen.Add(name)) throw new ArgumentException($"{operation}: two tensors are named '{name}'; names must differ.");
        }

        return list;
    }
}
