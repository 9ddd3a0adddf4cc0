using System.Text.Json;

namespace Autodiff.Examples.GradBench;

/// <summary>The functions of one eval, each from the input of a message to a run that can be timed.</summary>
internal sealed class Module
{
    private readonly IReadOnlyDictionary<string, Func<JsonElement, Func<object>>> _functions;

    private Module(string name, IReadOnlyDictionary<string, Func<JsonElement, Func<object>>> functions) =>
        (Name, _functions) = (name, functions);

    internal string Name { get; }

    /// <summary>A module whose functions share an input. Preparing, which checks the input and brings it into the form
    /// that the functions take, is not timed; a result is a tensor, or an object with tensors for properties.</summary>
    internal static Module Of<TInput, TProblem>(
        string name, Func<TInput, TProblem> prepare, params (string Name, Func<TProblem, object> Run)[] functions) =>
        new(name, functions.ToDictionary(
            function => function.Name,
            function => (Func<JsonElement, Func<object>>)(json =>
            {
                TInput input = json.Deserialize<TInput>(TensorConverter.Options) ?? throw new JsonException("the input is null.");
                TProblem problem = prepare(input);
                return () => function.Run(problem);
            })));

    /// <summary>A function of the module at an input, ready to run.</summary>
    internal Func<object> Prepare(string function, JsonElement input) =>
        _functions.TryGetValue(function, out Func<JsonElement, Func<object>>? read)
            ? read(input)
            : throw new ArgumentException($"{Name} has no function '{function}'; it has {string.Join(", ", _functions.Keys)}.");

    /// <summary>Fails unless a tensor of the input has the shape that its sizes say.</summary>
    internal static void Expect(string name, Tensor x, params int[] shape)
    {
        if (!x.Shape.SequenceEqual(shape))
        {
            throw new ArgumentException(
                $"{name} has the shape ({string.Join(", ", x.Shape)}); it must be ({string.Join(", ", shape)}).");
        }
    }
}
