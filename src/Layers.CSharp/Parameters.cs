using System.Collections;

namespace Autodiff.Layers;

/// <summary>
/// The parameters of a layer: an immutable tree of named tensors. A leaf layer holds tensors by name, a composite layer
/// holds the parameters of its parts by name, and the full name of a tensor joins the names on the way to it with dots
/// (<c>"0.weight"</c>). Beside what gradients change, the trainable tensors, it holds state: what layers keep from step
/// to step, such as running means, which <see cref="Layer.ApplyAndUpdate"/> brings up to date and optimizers leave as it
/// is.
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
    public static Parameters Empty { get; } = new(new Layout([], [], []), [], 0);

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
    public Tensor this[string name] => tensors[start + IndexOf(name)];

    /// <summary>Whether gradients change the tensor of a full name; if not, it is state.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists the names.</exception>
    public bool IsTrainable(string name) => !layout.IsState[IndexOf(name)];

    /// <summary>The trainable tensors alone, under their names; these parameters themselves if there is no state.</summary>
    public Parameters Trainable =>
        layout.HasState ? new(layout.Trainable, [.. Leaves.Where((_, i) => !layout.IsState[i])], 0) : this;

    /// <summary>Whether there is state.</summary>
    internal bool HasState => layout.HasState;

    /// <summary>Parameters of a leaf layer: tensors by name.</summary>
    /// <exception cref="ArgumentException">A name is empty, holds a dot, or is used twice.</exception>
    public static Parameters Of(params ReadOnlySpan<(string Name, Tensor Value)> tensors)
    {
        string[] names = NamesOf(tensors);
        var values = new Tensor[tensors.Length];
        for (int i = 0; i < tensors.Length; i++) values[i] = Given(tensors[i]);
        CheckNames(names);
        return new(new Layout(names, new bool[names.Length], []), values, 0);
    }

    /// <summary>The parameters of a leaf layer with tensors that gradients do not change: the state that it starts
    /// with.</summary>
    /// <exception cref="ArgumentException">A name is empty, holds a dot, or is used twice; these are the parameters of a
    /// composite layer.</exception>
    /// <example><code>
    /// Parameters parameters = Parameters.Of(("weight", scale)).WithState(("running_mean", Tensor.Zeros(8)));
    /// </code></example>
    public Parameters WithState(params ReadOnlySpan<(string Name, Tensor Value)> state)
    {
        if (layout.Parts.Length > 0)
            throw new ArgumentException("Parameters: those of a composite layer hold no tensors of its own; give the state a part.");
        string[] names = [.. layout.Names, .. NamesOf(state)];
        CheckNames(names);
        var isState = new bool[names.Length];
        layout.IsState.CopyTo(isState, 0);
        Array.Fill(isState, true, Count, state.Length);
        var values = new Tensor[names.Length];
        Leaves.ToArray().CopyTo(values, 0);
        for (int i = 0; i < state.Length; i++) values[Count + i] = Given(state[i]);
        return new(new Layout(names, isState, []), values, 0);
    }

    /// <summary>The same state with other trainable tensors: those of parameters of the same names, such as the ones that
    /// <see cref="Trainable"/> gave.</summary>
    /// <exception cref="ArgumentException">Names or shapes differ.</exception>
    /// <example><code>
    /// // A network for one sequence at a time takes what was trained on many.
    /// Parameters parameters = one.Initialize(new Key(0), shape).WithTrainable(trained.Trainable);
    /// </code></example>
    public Parameters WithTrainable(Parameters trainable)
    {
        ArgumentNullException.ThrowIfNull(trainable);
        string[] expected = layout.Trainable.Names;
        if (!ReferenceEquals(trainable.layout, layout.Trainable) && !trainable.layout.Names.AsSpan().SequenceEqual(expected))
        {
            string? missing = expected.Except(trainable.layout.Names).FirstOrDefault();
            throw new ArgumentException(
                "Parameters: the trainable tensors that are given do not have the names of these; "
                + (missing is null
                    ? $"'{trainable.layout.Names.Except(expected).FirstOrDefault() ?? "the order"}' differs."
                    : $"'{missing}' is missing."));
        }

        var values = new Tensor[Count];
        int position = trainable.start;
        for (int i = 0; i < Count; i++)
        {
            Tensor before = tensors[start + i];
            values[i] = layout.IsState[i] ? before : trainable.tensors[position++];
            if (!values[i].Shape.AsSpan().SequenceEqual(before.Shape))
            {
                throw new ArgumentException(
                    $"Parameters: '{layout.Names[i]}' has shape {Shapes.Format(before.Shape)}, the one given "
                    + $"{Shapes.Format(values[i].Shape)}.");
            }
        }

        return new(layout, values, 0);
    }

    /// <summary>Parameters of a composite layer: those of its parts, each under a name.</summary>
    /// <exception cref="ArgumentException">A name is empty, holds a dot, or is used twice.</exception>
    public static Parameters Join(params IReadOnlyList<(string Name, Parameters Value)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        CheckNames([.. parts.Select(part => part.Name)]);
        var placed = new (string, Layout, int)[parts.Count];
        var names = new List<string>();
        var isState = new List<bool>();
        var tensors = new List<Tensor>();
        for (int i = 0; i < parts.Count; i++)
        {
            (string name, Parameters value) = parts[i];
            if (value is null) throw new ArgumentException($"Parameters: the part '{name}' is null; Parameters.Empty stands for none.");
            placed[i] = (name, value.layout, tensors.Count);
            names.AddRange(value.layout.Names.Select(inner => $"{name}.{inner}"));
            isState.AddRange(value.layout.IsState);
            tensors.AddRange(value.Leaves);
        }

        return new(new Layout([.. names], [.. isState], placed), [.. tensors], 0);
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

    /// <summary>The tensor of a name that is state.</summary>
    /// <exception cref="ArgumentException">There is no such tensor, or it is trainable.</exception>
    internal Tensor StateOf(string name)
    {
        int index = IndexOf(name);
        return layout.IsState[index]
            ? tensors[start + index]
            : throw new ArgumentException($"Parameters: '{name}' is trainable; layers update their state only.");
    }

    /// <summary>The position among these of a tensor of parameters that are these or a part of them; null for others.</summary>
    internal int? PositionOf(Parameters part, string name)
    {
        int position = part.start + part.IndexOf(name) - start;
        return ReferenceEquals(part.tensors, tensors) && position >= 0 && position < Count ? position : null;
    }

    /// <summary>The same parameters with other tensors at some positions.</summary>
    internal Parameters With(IReadOnlyDictionary<int, Tensor> places)
    {
        if (places.Count == 0) return this;
        Tensor[] values = [.. Leaves];
        foreach ((int position, Tensor value) in places) values[position] = value;
        return new(layout, values, 0);
    }

    /// <summary>The same names with other tensors, in the order of <see cref="Leaves"/>.</summary>
    /// <exception cref="ArgumentException">The number of tensors differs.</exception>
    public Parameters WithLeaves(IReadOnlyList<Tensor> leaves)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        return leaves.Count == Count
            ? new(layout, [.. leaves], 0)
            : throw new ArgumentException($"Parameters: {leaves.Count} tensors were given for {Count} names.");
    }

    /// <summary>The first differences of tensors by name from these, in names, shapes and whether they are floating-point, as
    /// text; null if there are none.</summary>
    internal string? DifferencesFrom(IReadOnlyDictionary<string, Tensor> found)
    {
        const int shown = 4;
        var problems = new List<string>();
        foreach ((string name, Tensor tensor) in this)
        {
            if (!found.TryGetValue(name, out Tensor? value))
                problems.Add($"'{name}' {Shapes.Format(tensor.Shape)} is missing");
            else if (!value.Shape.AsSpan().SequenceEqual(tensor.Shape))
                problems.Add($"'{name}' has shape {Shapes.Format(value.Shape)} where the network has {Shapes.Format(tensor.Shape)}");
            else if (!value.DType.IsFloat())
                problems.Add($"'{name}' is {value.DType.Name()}, not a floating-point type");
        }

        problems.AddRange(found.Keys.Except(Names).Select(name => $"'{name}' is not in the network"));
        if (problems.Count == 0) return null;
        string more = problems.Count > shown ? $"; and {problems.Count - shown} more" : "";
        return string.Join("; ", problems.Take(shown)) + more;
    }

    // The layout, and where in it this part is, say all names.
    object ITree.Structure => (layout, start);

    /// <summary>What the tensors are called: equal for those that one compiled function takes. Null for a part of others.</summary>
    internal object? Structure => start == 0 ? layout : null;

    /// <summary>The tensors, in the order of <see cref="Leaves"/>.</summary>
    internal ReadOnlySpan<Tensor> Tensors => tensors.AsSpan(start, Count);

    /// <summary>The same names with the tensors of an array that nobody else has.</summary>
    internal Parameters WithOwn(Tensor[] own) => new(layout, own, 0);

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

    private int IndexOf(string name)
    {
        int index = Array.IndexOf(layout.Names, name);
        return index >= 0
            ? index
            : throw new ArgumentException($"Parameters: there is no tensor '{name}'; there are {Listed(layout.Names)}.");
    }

    private static Tensor Given((string Name, Tensor Value) tensor) =>
        tensor.Value ?? throw new ArgumentException($"Parameters: the tensor '{tensor.Name}' is null.");

    private static string[] NamesOf(ReadOnlySpan<(string Name, Tensor Value)> tensors)
    {
        var names = new string[tensors.Length];
        for (int i = 0; i < names.Length; i++) names[i] = tensors[i].Name;
        return names;
    }

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
    private sealed class Layout(string[] names, bool[] isState, (string Name, Layout Layout, int Start)[] parts)
    {
        // Made once, so that the trainable parts of all parameters of one layer have one structure.
        private readonly Lazy<Layout> trainable = new(() => Trained(names, isState, parts));

        internal string[] Names { get; } = names;

        internal bool[] IsState { get; } = isState;

        internal (string Name, Layout Layout, int Start)[] Parts { get; } = parts;

        internal bool HasState { get; } = Array.IndexOf(isState, true) >= 0;

        internal Layout Trainable => HasState ? trainable.Value : this;

        /// <summary>Whether names, state and parts are the same, so that parameters that are joined anew have the structure that
        /// functions are compiled for.</summary>
        public override bool Equals(object? obj) =>
            ReferenceEquals(this, obj)
            || (obj is Layout other && Names.AsSpan().SequenceEqual(other.Names) && IsState.AsSpan().SequenceEqual(other.IsState)
                && Parts.AsSpan().SequenceEqual(other.Parts));

        public override int GetHashCode() => HashCode.Combine(Names.Length, Parts.Length, Names is [var first, ..] ? first : "");

        private static Layout Trained(string[] names, bool[] isState, (string Name, Layout Layout, int Start)[] parts)
        {
            string[] kept = [.. names.Where((_, i) => !isState[i])];
            return new(
                kept, new bool[kept.Length],
                Array.ConvertAll(
                    parts,
                    part => (part.Name, part.Layout.Trainable, isState.AsSpan(0, part.Start).Count(false))));
        }
    }
}
