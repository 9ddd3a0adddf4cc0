using System.Reflection;
using System.Runtime.CompilerServices;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

/// <summary>No public member answers null with a NullReferenceException: each argument that may not be null is refused by
/// name.</summary>
public class NullTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>Arguments that are there, by type; other types are left out, and null stands for them too.</summary>
    private static readonly Dictionary<Type, object> Samples = new()
    {
        [typeof(Tensor)] = Tensor.Ones(2, 2),
        [typeof(int[])] = new[] { 0, 1 },
        [typeof(Tensor[])] = new[] { Tensor.Ones(2, 2), Tensor.Ones(2, 2) },
        [typeof(string)] = "text",
        [typeof(Layer)] = new Dense(2),
        [typeof(Parameters)] = new Dense(2).Initialize(new Key(0), [2]),
        [typeof(Key)] = new Key(1),
        [typeof(Func<Tensor, Tensor>)] = (Tensor x) => x,
        [typeof(Optimizer)] = new SGD(0.1),
        [typeof(Dataset)] = new Dataset(Tensor.Ones(2, 2), Tensor.Ones(2, 2)),
    };

    private static object? Sample(Type type) =>
        Samples.TryGetValue(type, out object? value) ? value
        : type.IsValueType ? Activator.CreateInstance(type)
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IEnumerable<>) && type.GenericTypeArguments[0] == typeof(Tensor)
            ? Samples[typeof(Tensor[])]
        : null;

    private static IEnumerable<MethodBase> Members =>
        from type in new[] { typeof(Tensor).Assembly, typeof(Gradient).Assembly }.SelectMany(assembly => assembly.GetExportedTypes())
        where !type.IsDefined(typeof(CompilerGeneratedAttribute)) && !typeof(Delegate).IsAssignableFrom(type)
        from member in type.GetMethods(Declared).Cast<MethodBase>().Concat(type.GetConstructors())
        where !member.IsAbstract && !member.ContainsGenericParameters && !member.Name.Contains('<')
        where !member.DeclaringType!.ContainsGenericParameters
        select member;

    [Fact]
    public void Null_is_refused_by_name()
    {
        var failures = new List<string>();
        int tried = 0;
        foreach (MethodBase member in Members)
        {
            ParameterInfo[] parameters = member.GetParameters();
            object? target = null;
            if (!member.IsStatic && member is MethodInfo)
            {
                target = Samples.GetValueOrDefault(member.DeclaringType!);
                if (target is null) continue;
            }

            for (int i = 0; i < parameters.Length; i++)
            {
                Type type = parameters[i].ParameterType;
                if (type.IsValueType || type.IsByRef || type.IsPointer || type.IsByRefLike) continue;
                if (Nullability.Create(parameters[i]).WriteState == NullabilityState.Nullable) continue;
                if (parameters.Any(p => p.ParameterType.IsByRefLike || p.ParameterType.IsByRef)) continue;
                object?[] arguments = [.. parameters.Select((p, j) => j == i ? null : p.HasDefaultValue && p.DefaultValue is not DBNull ? (p.ParameterType.IsEnum ? Enum.ToObject(p.ParameterType, p.DefaultValue!) : p.DefaultValue) : Sample(p.ParameterType))];
                tried++;
                try
                {
                    if (member is ConstructorInfo constructor) constructor.Invoke(arguments);
                    else member.Invoke(target, arguments);
                }
                catch (TargetInvocationException error) when (error.InnerException is NullReferenceException inner)
                {
                    failures.Add($"{member.DeclaringType!.Name}.{member.Name}({string.Join(", ", parameters.Select(p => p.ParameterType.Name))}): {parameters[i].Name}");
                }
                catch (TargetInvocationException)
                {
                }
                catch (ArgumentException)
                {
                }
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {tried}\n{string.Join("\n", failures)}");
    }
}
