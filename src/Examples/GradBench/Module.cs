using System.Text.Json;

namespace Autodiff.Examples.GradBench;

/// <summary>The functions of one eval, each from the input of a message to a run that can be timed.</summary>
internal sealed class Module
{
    private readonly IReadOnlyDictionary<string, Func<JsonElement, Func<object>>> _functions;

    private Module(string name, IReadOnlyDictionary<string, Func<JsonElement, Func<object>>> functions) =>
        (Name, _functions) = (name, functions);

    internal string Name { get; }

    /// <summary>A module whose functions share an input, compiled for the shapes of each. Preparing is not timed: it checks
    /// the input, brings it into the form that the functions take, and runs the function once, which compiles it if no
    /// message before had an input of these shapes. All tensors of a problem are arguments of the compiled function,
    /// none of them constants; a result is a tensor, or a record of tensors.</summary>
    internal static Module Of<TInput, TProblem>(
        string name, Func<TInput, TProblem> prepare, params (string Name, Func<TProblem, object> Run)[] functions) =>
        Of(name, prepare, Jit.Compile, functions);

    /// <summary>A module whose functions branch on values, and are run operation by operation.</summary>
    internal static Module Interpreted<TInput, TProblem>(
        string name, Func<TInput, TProblem> prepare, params (string Name, Func<TProblem, object> Run)[] functions) =>
        Of(name, prepare, run => run, functions);

    private static Module Of<TInput, TProblem>(
        string name, Func<TInput, TProblem> prepare, Func<Func<TProblem, object>, Func<TProblem, object>> compile,
        (string Name, Func<TProblem, object> Run)[] functions) =>
        new(name, functions.ToDictionary(
            function => function.Name,
            function =>
            {
                Func<TProblem, object> run = compile(function.Run);
                return (Func<JsonElement, Func<object>>)(json =>
                {
                    TInput input = json.Deserialize<TInput>(TensorConverter.Options) ?? throw new JsonException("the input is null.");
                    TProblem problem = prepare(input);
                    run(problem);
                    return () => run(problem);
                });
            }));

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
