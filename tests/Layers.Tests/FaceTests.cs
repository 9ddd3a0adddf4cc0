using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Autodiff;
using Microsoft.FSharp.Core;

namespace Layers.Tests;

/// <summary>What F# can call, C# can call under the same word in PascalCase, without types that only F# writes.</summary>
public class FaceTests
{
    /// <summary>The C# word, where it is not the F# word; each must exist. A function for given axes needs no entry: axes
    /// are parameters of the method without them (sumAxes is Sum).</summary>
    private static readonly Dictionary<string, string> Renamed = new()
    {
        // Arguments choose between forms for which F# has functions.
        ["Tensor.ofArray"] = "Tensor.From",
        ["Tensor.ofSeq"] = "Tensor.From",
        ["Tensor.ofRows"] = "Tensor.FromArray",
        ["Tensor.padWith"] = "ArrangementExtensions.Pad",
        ["Tensor.padValue"] = "ArrangementExtensions.Pad",
        ["Tensor.splitEqually"] = "ArrangementExtensions.Split",
        ["Tensor.sortDescending"] = "ArrangementExtensions.Sort",
        ["Tensor.argsortDescending"] = "ArrangementExtensions.ArgSort",
        ["Tensor.searchsortedRight"] = "ArrangementExtensions.SearchSorted",
        ["Linalg.pinvWith"] = "LinalgExtensions.Pinv",
        ["Signal.fftWith"] = "SignalExtensions.Fft",
        ["Signal.ifftWith"] = "SignalExtensions.Ifft",
        ["Signal.fftnWith"] = "SignalExtensions.Fftn",
        ["Signal.ifftnWith"] = "SignalExtensions.Ifftn",
        ["Signal.rfftWith"] = "SignalExtensions.Rfft",
        ["Signal.irfftWith"] = "SignalExtensions.Irfft",
        ["UniversalFunctions.isCloseWith"] = "UniversalFunctionExtensions.IsClose",

        // Transformations are classes in C#, so that each has room for functions of one to four arguments.
        ["Transforms.grad"] = "Gradient.Of",
        ["Transforms.valueAndGrad"] = "Gradient.ValueAndGrad",
        ["Transforms.valueAndGradAux"] = "Gradient.ValueAndGradAux",
        ["Transforms.stopGradient"] = "Gradient.Stop",
        ["Transforms.jvp"] = "Jvp.Of",
        ["Transforms.vjp"] = "Vjp.Of",
        ["Transforms.linearize"] = "Linearize.Of",
        ["Transforms.jacfwd"] = "Jacobian.Forward",
        ["Transforms.jacrev"] = "Jacobian.Reverse",
        ["Transforms.hessian"] = "Hessian.Of",
        ["Transforms.hvp"] = "Hessian.VectorProduct",
        ["Transforms.vmap"] = "Vmap.Of",
        ["Transforms.vmapWith"] = "Vmap.Of",
        ["Transforms.linearTranspose"] = "LinearTranspose.Of",
        ["Transforms.jet"] = "Jet.Of",
        ["Transforms.derivatives"] = "Derivatives.Of",
        ["VectorCalculus.laplacian"] = "Laplacian.Of",
        ["VectorCalculus.divergence"] = "Divergence.Of",
        ["VectorCalculus.curl"] = "Curl.Of",
        ["Debugging.checkNumerics"] = "CheckNumerics.Of",
        ["Debugging.checkNumericsWith"] = "CheckNumerics.Of",
        ["Profiling.profile"] = "Profile.Run",
        ["Control.stage"] = "Stage.Of",
        ["Control.jit"] = "Jit.Compile",
        ["Control.jitDonating"] = "Jit.CompileDonating",
        ["Control.checkpoint"] = "Checkpoint.Of",
        ["CustomRules.customJvp"] = "Custom.Jvp",
        ["CustomRules.customVjp"] = "Custom.Vjp",
        ["Minimize.minimize"] = "Minimize.Bfgs",
        ["LeastSquares.levenbergMarquardt"] = "Minimize.LeastSquares",
        ["Ode.odeint"] = "Ode.Solve",
        ["Ode.odeintAt"] = "Ode.SolveAt",
        ["Ode.odeintAdjoint"] = "Ode.SolveAdjoint",
        ["Ode.odeintAdjointAt"] = "Ode.SolveAdjointAt",
        ["Implicit.implicitRoot"] = "Implicit.Differentiate",
    };

    /// <summary>What C# callers do without, and why.</summary>
    private static readonly Dictionary<string, string> Exempt = new()
    {
        ["Batching"] = "rules of primitives share it; its functions have plain signatures",
        ["Shape"] = "arithmetic on int[] for authors of primitives; its functions have plain signatures",
        ["Slicing"] = "F# slices; C# has ranges",
    };

    /// <summary>Members of types whose signatures hold F# types, and why.</summary>
    private static readonly Dictionary<string, string> FSharpOnly = new()
    {
        ["CheckGrads.Check"] = "the curried form of CheckGrads.Run",
        ["Operation.Parameters"] = "primitives are written in F#",
    };

    private static readonly Assembly Core = typeof(Tensor).Assembly, Facade = typeof(Gradient).Assembly;

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static bool IsModule(Type type) =>
        type.GetCustomAttributes<CompilationMappingAttribute>().Any(mapping => mapping.SourceConstructFlags == SourceConstructFlags.Module);

    private static string ModuleName(Type module) => module.Name == "TensorModule" ? "Tensor" : module.Name;

    private static IEnumerable<(string Module, MethodInfo Function)> Functions =>
        from module in Core.GetExportedTypes()
        where IsModule(module)
        from function in module.GetMethods(Declared)
        where !function.IsSpecialName && !function.Name.Contains('.')
        select (ModuleName(module), function);

    /// <summary>Members of <see cref="Tensor"/>, extension members, and static classes of the main namespace.</summary>
    private static readonly MethodInfo[] Face =
    [
        .. from type in Core.GetExportedTypes().Concat(Facade.GetExportedTypes())
           where type.Namespace == "Autodiff" && !IsModule(type)
           where type == typeof(Tensor) || type.IsDefined(typeof(ExtensionAttribute)) || (type.IsAbstract && type.IsSealed)
           from method in type.GetMethods(Declared)
           where IsCSharp(method)
           select method,
    ];

    private static bool IsCSharp(MethodInfo method) =>
        method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType).All(IsCSharp);

    private static bool IsCSharp(Type type)
    {
        if (type.HasElementType) return IsCSharp(type.GetElementType()!);
        bool isFSharp = type.Namespace?.StartsWith("Microsoft.FSharp", StringComparison.Ordinal) == true
            || (type.Namespace == "System" && type.Name.StartsWith("Tuple", StringComparison.Ordinal));
        return !isFSharp && (!type.IsGenericType || type.GenericTypeArguments.All(IsCSharp));
    }

    private static bool Exists(string className, string name) => Face.Any(m =>
        m.DeclaringType!.Name == className && m.Name == name);

    /// <summary>A function of each element is static, as those of the type are, so that all are called alike.</summary>
    private static bool HasCounterpart(string module, string name)
    {
        bool isElementwise = module is "SpecialFunctions" or "ElementFunctions";
        return Face.Any(m => string.Equals(m.Name, name, StringComparison.OrdinalIgnoreCase) && char.IsUpper(m.Name[0])
            && (!isElementwise || m.DeclaringType == typeof(Tensor) || m.DeclaringType == typeof(TensorOperations)));
    }

    private static string? Missing(string module, string name)
    {
        string key = $"{module}.{name}";
        if (Exempt.ContainsKey(module) || Exempt.ContainsKey(key)) return null;
        if (Renamed.TryGetValue(key, out string? renamed))
        {
            string[] parts = renamed.Split('.');
            return Exists(parts[0], parts[1]) ? null : $"{key}: the table says {renamed}, which does not exist.";
        }

        string word = name.EndsWith("Axes", StringComparison.Ordinal) && name != "expandAxes" && name != "swapAxes" ? name[..^4] : name;
        return HasCounterpart(module, word)
            ? null
            : $"{key}: C# has no {char.ToUpperInvariant(word[0])}{word[1..]}. Add it to the extension blocks of "
              + "src/Layers.CSharp/Operations.cs (or as an [<Extension>] member with C# types beside the function).";
    }

    [Fact]
    public void Every_function_of_FSharp_has_a_counterpart_in_CSharp()
    {
        Assert.True(Functions.Count() > 150, "the functions were not found");
        string[] missing = [.. Functions.Select(f => Missing(f.Module, f.Function.Name)).OfType<string>().Distinct()];
        Assert.True(missing.Length == 0, string.Join("\n", missing));
    }

    [Fact]
    public void The_tables_of_this_test_name_functions_that_exist()
    {
        HashSet<string> known = [.. Functions.Select(f => $"{f.Module}.{f.Function.Name}")];
        HashSet<string> modules = [.. Core.GetExportedTypes().Where(IsModule).Select(ModuleName)];
        Assert.All(Renamed.Keys, key => Assert.Contains(key, known));
        Assert.All(Exempt.Keys, key => Assert.True(known.Contains(key) || modules.Contains(key), key));
    }

    [Fact]
    public void A_missing_counterpart_is_reported_with_its_mend() =>
        Assert.Contains("C# has no Conv9d. Add it to", Missing("Tensor", "conv9d"));

    [Fact]
    public void Signatures_hold_no_types_that_only_FSharp_writes()
    {
        var found =
        (
            from type in Core.GetExportedTypes().Concat(Facade.GetExportedTypes())
            where !IsModule(type) && type.Namespace!.StartsWith("Autodiff", StringComparison.Ordinal)
            where type.Namespace != "Autodiff.Numerics"
            from method in type.GetMethods(Declared)
            where !IsCSharp(method) && !method.IsDefined(typeof(CompilerGeneratedAttribute)) && !IsOverride(method)
            select (Name: $"{type.Name}.{(method.IsSpecialName ? method.Name[4..] : method.Name)}", Method: method)
        ).ToArray();
        Assert.All(found, member => Assert.True(FSharpOnly.ContainsKey(member.Name), $"{member.Name}: {member.Method}"));
        Assert.All(FSharpOnly.Keys, name => Assert.Contains(name, found.Select(member => member.Name)));
    }

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition().DeclaringType != method.DeclaringType;

    [Fact]
    public void Every_transform_is_documented_with_an_example()
    {
        var documents = XDocument.Load(Path.ChangeExtension(Facade.Location, ".xml")).Descendants("member")
            .ToLookup(member => member.Attribute("name")!.Value.Split('(', '`')[0], member => member.Element("example"));
        Type[] transforms =
        [
            typeof(Gradient), typeof(Jvp), typeof(Vjp), typeof(Linearize), typeof(Jacobian), typeof(Hessian), typeof(Vmap), typeof(Custom),
        ];
        foreach (MethodInfo method in transforms.SelectMany(type => type.GetMethods(Declared)))
        {
            XElement?[] examples = [.. documents[$"M:{method.DeclaringType!.FullName}.{method.Name}"]];
            Assert.True(examples.Length > 0 && !examples.Contains(null), $"{method} has no example");
        }
    }
}
