using System.Globalization;

namespace Autodiff.Layers;

/// <summary>A setting that a search tries values of: a name, and the values, or a range to draw them from.</summary>
public sealed class Hyperparameter
{
    private readonly Func<double, object> draw;

    private Hyperparameter(string name, IReadOnlyList<object> values, Func<double, object> draw)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (Name, Values, this.draw) = (name, values, draw);
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The values of a grid; empty for a range.</summary>
    public IReadOnlyList<object> Values { get; }

    /// <summary>One of some values, all equally likely.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public static Hyperparameter Choice<T>(string name, params IReadOnlyList<T> values)
        where T : notnull
    {
        object[] all = [.. values];
        return all.Length > 0
            ? new(name, all, u => all[Math.Min(all.Length - 1, (int)(u * all.Length))])
            : throw new ArgumentException($"Choice: '{name}' has no values.");
    }

    /// <summary>A number uniform between two bounds.</summary>
    /// <exception cref="ArgumentException">The bounds are not finite and in order.</exception>
    public static Hyperparameter Uniform(string name, double low, double high)
    {
        Check(name, low, high);
        return new(name, [], u => low + (high - low) * u);
    }

    /// <summary>A number whose logarithm is uniform between those of two bounds: for learning rates and such.</summary>
    /// <exception cref="ArgumentException">The bounds are not positive and in order.</exception>
    public static Hyperparameter LogUniform(string name, double low, double high)
    {
        Check(name, low, high);
        Shapes.Positive(low, nameof(LogUniform), nameof(low));
        return new(name, [], u => low * Math.Pow(high / low, u));
    }

    /// <summary>A whole number from one bound to the other, both included.</summary>
    /// <exception cref="ArgumentException">The bounds are not in order.</exception>
    public static Hyperparameter Integer(string name, int low, int high)
    {
        Check(name, low, high);
        return new(name, [], u => (int)Math.Min(high, low + (long)(u * ((long)high - low + 1))));
    }

    /// <summary>The value for a number uniform on [0, 1).</summary>
    internal object Draw(double uniform) => draw(uniform);

    private static void Check(string name, double low, double high)
    {
        if (!(low <= high && double.IsFinite(high - low)))
            throw new ArgumentException(FormattableString.Invariant($"Hyperparameter: the bounds of '{name}' are {low} and {high}; they must be finite and in order."));
    }
}

/// <summary>One try of a search: values of the hyperparameters by name.</summary>
public sealed class Trial
{
    private readonly IReadOnlyDictionary<string, object> values;

    internal Trial(int number, Key key, IReadOnlyDictionary<string, object> values) =>
        (Number, Key, this.values) = (number, key, values);

    /// <summary>Its number, from 0.</summary>
    public int Number { get; }

    /// <summary>A key of its own.</summary>
    public Key Key { get; }

    /// <summary>The values by name.</summary>
    public IReadOnlyDictionary<string, object> Values => values;

    /// <summary>The value of a hyperparameter that is a number.</summary>
    /// <exception cref="ArgumentException">There is no such name, or the value is no number.</exception>
    public double this[string name] => Get<object>(name) is IConvertible value and not string
        ? value.ToDouble(CultureInfo.InvariantCulture)
        : throw new ArgumentException($"Trial: '{name}' is no number; use Get.");

    /// <summary>The value of a hyperparameter.</summary>
    /// <exception cref="ArgumentException">There is no such name, or the value has another type.</exception>
    public T Get<T>(string name) =>
        !values.TryGetValue(name, out object? value)
            ? throw new ArgumentException($"Trial: there is no hyperparameter '{name}'; there are {string.Join(", ", values.Keys)}.")
            : value is T typed ? typed
            : throw new ArgumentException($"Trial: '{name}' is of type {value.GetType().Name}, not {typeof(T).Name}.");

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", values.Select(pair => $"{pair.Key} {Format(pair.Value)}"));

    internal static string Format(object value) =>
        value is double number ? number.ToString("G4", CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
