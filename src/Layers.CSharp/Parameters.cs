using System.Collections;

namespace Autodiff.Layers;

/// <summary>
/// The parameters of a layer: an immutable tree of named tensors. A leaf layer holds tensors by name, a composite layer
/// holds the parameters of its parts by name, and the full name of a tensor joins the names on the way to it with dots
/// (<c>"0.weight"</c>).
/// </summary>
/// <remarks>
/// As a tree (<see cref="ITree"/>) it is an argument that the transforms differentiate with respect to: the gradient of
/// a function of parameters has the same names. Taking it apart and rebuilding it moves references only. Enumerating it
/// gives the full names and tensors in a fixed order.
/// </remarks>
public sealed class Parameters : INamedTree, IReadOnlyCollection<KeyValuePair<string, Tensor>>
{
    private readonly Layout layout;
    private readonly Tensor[] tensors;
    private readonly int start;

    private Parameters(Layout layout, Tensor[] tensors, int start)
    {
        this.layout = layout;
        this.tensors = tensors;
        this.start = start;
    }

    /// <summary>No parameters.</summary>
    public static Parameters Empty { get; } = new(new Layout([], []), [], 0);

    /// <summary>The number of tensors, those of the parts included.</summary>
    public int Count => layout.Names.Length;

    /// <summary>The full names of the tensors, in order.</summary>
    public IReadOnlyList<string> Names => layout.Names;

    /// <summary>The names of the parts, in order.</summary>
    public IEnumerable<string> PartNames => layout.Parts.Select(part => part.Name);

    /// <summary>The number of elements of all tensors together.</summary>
    public long ElementCount => Leaves.Sum(tensor => (long)tensor.Size);

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Leaves => new ArraySegment<Tensor>(tensors, start, Count);

    /// <summary>The tensor of a full name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists the names.</exception>
    public Tensor this[string name]
    {
        get
        {
            int index = Array.IndexOf(layout.Names, name);
            return index >= 0
                ? tensors[start + index]
                : throw new ArgumentException($"Parameters: there is no tensor '{name}'; there are {Listed(layout.Names)}.");
        }
    }

    /// <summary>Parameters of a leaf layer: tensors by name.</summary>
    /// <exception cref="ArgumentException">A name is empty, holds a dot, or is used twice.</exception>
    public static Parameters Of(params ReadOnlySpan<(string Name, Tensor Value)> tensors)
    {
        var names = new string[tensors.Length];
        var values = new Tensor[tensors.Length];
        for (int i = 0; i < tensors.Length; i++) (names[i], values[i]) = tensors[i];
        CheckNames(names);
        return new(new Layout(names, []), values, 0);
    }

    /// <summary>Parameters of a composite layer: those of its parts, each under a name.</summary>
    /// <exception cref="ArgumentException">A name is empty, holds a dot, or is used twice.</exception>
    public static Parameters Join(params IReadOnlyList<(string Name, Parameters Value)> parts)
    {
        CheckNames([.. parts.Select(part => part.Name)]);
        var placed = new (string, Layout, int)[parts.Count];
        var names = new List<string>();
        var tensors = new List<Tensor>();
        for (int i = 0; i < parts.Count; i++)
        {
            (string name, Parameters value) = parts[i];
            placed[i] = (name, value.layout, tensors.Count);
            names.AddRange(value.layout.Names.Select(inner => $"{name}.{inner}"));
            tensors.AddRange(value.Leaves);
        }

        return new(new Layout([.. names], placed), [.. tensors], 0);
    }

    /// <summary>The parameters of a part of a composite layer.</summary>
    /// <exception cref="ArgumentException">There is no such part; the message lists the names.</exception>
    public Parameters Part(string name)
    {
        foreach ((string found, Layout inner, int offset) in layout.Parts)
        {
            if (found == name) return new(inner, tensors, start + offset);
        }

        throw new ArgumentException($"Parameters: there is no part '{name}'; there are {Listed([.. PartNames])}.");
    }

    /// <summary>The parameters of the part at a position.</summary>
    internal Parameters Part(int index)
    {
        (_, Layout inner, int offset) = layout.Parts[index];
        return new(inner, tensors, start + offset);
    }

    /// <summary>The number of parts.</summary>
    internal int PartCount => layout.Parts.Length;

    /// <summary>The same names with other tensors, in the order of <see cref="Leaves"/>.</summary>
    /// <exception cref="ArgumentException">The number of tensors differs.</exception>
    public Parameters WithLeaves(IReadOnlyList<Tensor> leaves) =>
        leaves.Count == Count
            ? new(layout, [.. leaves], 0)
            : throw new ArgumentException($"Parameters: {leaves.Count} tensors were given for {Count} names.");

    // The layout, and where in it this part is, say all names.
    object ITree.Structure => (layout, start);

    ITree ITree.WithLeaves(IReadOnlyList<Tensor> leaves) => WithLeaves(leaves);

    /// <summary>Applies a function to each tensor.</summary>
    public Parameters Map(Func<Tensor, Tensor> function) => WithLeaves([.. Leaves.Select(function)]);

    /// <summary>The same values as another element type, such as float64 for checking derivatives.</summary>
    public Parameters To(DType dtype) => Map(tensor => tensor.To(dtype));

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return new(layout.Names[i], tensors[start + i]);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The names and shapes.</summary>
    public override string ToString() =>
        Count == 0 ? "no parameters" : string.Join(", ", this.Select(entry => $"{entry.Key} {Shapes.Format(entry.Value.Shape)}"));

    private static string Listed(string[] names) => names.Length == 0 ? "none" : string.Join(", ", names);

    private static void CheckNames(string[] names)
    {
        for (int i = 0; i < names.Length; i++)
        {
            if (string.IsNullOrEmpty(names[i]) || names[i].Contains('.', StringComparison.Ordinal))
                throw new ArgumentException($"Parameters: '{names[i]}' is not a name; it must not be empty or hold a dot.");
            if (Array.IndexOf(names, names[i]) != i)
                throw new ArgumentException($"Parameters: the name '{names[i]}' is used twice.");
        }
    }

    /// <summary>The names, shared by all parameters of one layer.</summary>
    private sealed record Layout(string[] Names, (string Name, Layout Layout, int Start)[] Parts);
}
