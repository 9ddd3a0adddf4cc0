using System.Reflection;
using System.Runtime.CompilerServices;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

/// <summary>No member that C# calls answers null with a NullReferenceException: what may not be null is refused with a
/// message. (Functions of F#, which writes no null, share what they call with these.)</summary>
public class NullTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>Arguments and receivers; of other types there are the default values of structures, and null.</summary>
    private static readonly Dictionary<Type, object> Samples = new()
    {
        [typeof(Tensor)] = Tensor.Ones(2, 2),
        [typeof(int[])] = new[] { 0, 1 },
        [typeof(Tensor[])] = new[] { Tensor.Ones(2, 2), Tensor.Ones(2, 2) },
        [typeof(IEnumerable<Tensor>)] = new[] { Tensor.Ones(2, 2), Tensor.Ones(2, 2) },
        [typeof(string)] = "text",
        [typeof(Layer)] = new Dense(2),
        [typeof(Parameters)] = new Dense(2).Initialize(new Key(0), [2]),
        [typeof(Key)] = new Key(1),
        [typeof(Func<Tensor, Tensor>)] = (Tensor x) => x,
        [typeof(Optimizer)] = new SGD(0.1),
        [typeof(Dataset)] = new Dataset(Tensor.Ones(2, 2), Tensor.Ones(2, 2)),
        [typeof(Loss)] = Losses.MeanSquaredError,
        [typeof(Metric)] = Metrics.Accuracy,
        [typeof(Model)] = new Model(new Dense(2), new Dense(2).Initialize(new Key(0), [2]), [2]),
    };

    private static readonly object[] Receivers = [.. Samples.Values, .. LayerTests.All];

    /// <summary>What authors of primitives and devices call, who read the code of others.</summary>
    private static bool IsForAuthors(MethodBase member) =>
        typeof(Operation).IsAssignableFrom(member.DeclaringType) || member.DeclaringType == typeof(Concrete)
        || member.GetParameters().Any(p => typeof(Operation).IsAssignableFrom(p.ParameterType));

    private static IEnumerable<MethodBase> Members =>
        from type in new[] { typeof(Tensor).Assembly, typeof(Gradient).Assembly }.SelectMany(assembly => assembly.GetExportedTypes())
        where !type.IsDefined(typeof(CompilerGeneratedAttribute)) && !typeof(Delegate).IsAssignableFrom(type)
        where !type.ContainsGenericParameters
        from member in type.GetMethods(Declared).Cast<MethodBase>().Concat(type.IsAbstract ? [] : type.GetConstructors())
        where !member.IsAbstract && !member.ContainsGenericParameters && !IsForAuthors(member)
        where char.IsUpper(member.Name[0]) || member.IsSpecialName
        where !member.GetParameters().Any(p => p.ParameterType.IsByRefLike || p.ParameterType.IsByRef)
        select member;

    private static bool MayBeNull(ParameterInfo parameter) =>
        parameter.ParameterType.IsValueType || parameter.IsOptional
        || Nullability.Create(parameter).WriteState == NullabilityState.Nullable;

    private static object? Argument(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType;
        if (Samples.TryGetValue(type, out object? sample)) return sample;
        if (parameter.HasDefaultValue && parameter.DefaultValue is { } value) return type.IsEnum ? Enum.ToObject(type, value) : value;
        return type.IsValueType ? Activator.CreateInstance(type) : null;
    }

    private static object? Receiver(Type type) => Array.Find(Receivers, value => value.GetType() == type) ?? Samples.GetValueOrDefault(type);

    [Fact]
    public void Null_is_refused_with_a_message()
    {
        var failures = new List<string>();
        int tried = 0;
        foreach (MethodBase member in Members)
        {
            object? receiver = member.IsStatic || member is ConstructorInfo ? null : Receiver(member.DeclaringType!);
            if (receiver is null && !member.IsStatic && member is MethodInfo) continue;
            ParameterInfo[] parameters = member.GetParameters();
            foreach (ParameterInfo tested in parameters.Where(parameter => !MayBeNull(parameter)))
            {
                object?[] arguments = [.. parameters.Select(parameter => parameter == tested ? null : Argument(parameter))];
                tried++;
                try
                {
                    if (member is ConstructorInfo constructor) constructor.Invoke(arguments);
                    else member.Invoke(receiver, arguments);
                }
                catch (TargetInvocationException error)
                {
                    if (error.InnerException is NullReferenceException inner)
                        failures.Add($"{member.DeclaringType!.Name}.{member}: {tested.Name}{inner.StackTrace!.Split('\n')[0]}");
                }
            }
        }

        Assert.True(tried > 500, $"only {tried} arguments were found");
        Assert.True(failures.Count == 0, $"{failures.Count} of {tried}\n{string.Join("\n", failures)}");
    }

    [Fact]
    public void Null_among_parameters_is_named()
    {
        Assert.Contains("'weight' is null", Assert.Throws<ArgumentException>(() => Parameters.Of(("weight", null!))).Message);
        Assert.Contains("part '0' is null", Assert.Throws<ArgumentException>(() => Parameters.Join(("0", null!))).Message);
        Assert.Equal(
            "parameters",
            Assert.Throws<ArgumentNullException>(() => new Dense(2).Apply(null!, Tensor.Ones(1, 2), default)).ParamName);
    }
}
