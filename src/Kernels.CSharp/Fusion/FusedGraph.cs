using System.Reflection;

namespace Autodiff.Kernels;

/// <summary>
/// An expression over the elements of several tensors, to be computed in one pass over memory: inputs, constants,
/// elementwise functions, and which of them are results. Nodes are numbered as they are added.
/// </summary>
/// <param name="dtype">The type of all numbers in it, float32 or float64; besides them there are truth values.</param>
public sealed class FusedGraph(DType dtype)
{
    private readonly List<FusedNode> nodes = [];
    private readonly List<int> outputs = [];
    private FusedKernel? kernel;

    /// <summary>The type of the numbers.</summary>
    public DType DType => dtype;

    internal IReadOnlyList<FusedNode> Nodes => nodes;

    internal IReadOnlyList<int> Outputs => outputs;

    /// <summary>Whether a result is a truth value.</summary>
    public bool IsTruth(int output) => nodes[outputs[output]].IsTruth;

    /// <summary>Whether a function can be part of an expression over elements of a type. Over rows it needs a vector form; an
    /// expression of single numbers takes any.</summary>
    public static bool Supports(UnaryKernel kernel, DType dtype, bool isSingle) =>
        FusedOperator.Find(kernel, dtype) is { } found && (found.IsVector || isSingle);

    /// <inheritdoc cref="Supports(UnaryKernel, DType, bool)"/>
    public static bool Supports(BinaryKernel kernel, DType dtype, bool isSingle) =>
        FusedOperator.Find(kernel, dtype) is { } found && (found.IsVector || isSingle);

    /// <inheritdoc cref="Supports(UnaryKernel, DType, bool)"/>
    public static bool Supports(CompareKernel kernel, DType dtype) => FusedOperator.Find(kernel, dtype) is not null;

    /// <summary>An operand: numbers, or truth values of one byte each.</summary>
    public int Input(bool isTruth = false) => Add(new(FusedKind.Input, isTruth));

    /// <summary>A number that is the same for all elements.</summary>
    public int Constant(double value) => Add(new(FusedKind.Constant, false) { Value = value });

    /// <summary>A function of one number.</summary>
    public int Unary(UnaryKernel kernel, int x) => Add(new(FusedKind.Unary, false, x)
    {
        Operator = FusedOperator.Find(kernel, dtype),
    });

    /// <summary>A function of two numbers.</summary>
    public int Binary(BinaryKernel kernel, int x, int y) => Add(new(FusedKind.Binary, false, x, y)
    {
        Operator = FusedOperator.Find(kernel, dtype),
    });

    /// <summary>A relation between two numbers.</summary>
    public int Compare(CompareKernel kernel, int x, int y) =>
        Add(new(FusedKind.Compare, true, x, y) { Operator = FusedOperator.Find(kernel, dtype) });

    /// <summary>x where a truth value holds, else y.</summary>
    public int Select(int condition, int x, int y) => Add(new(FusedKind.Select, false, condition, x, y));

    /// <summary>Both of two truth values.</summary>
    public int And(int x, int y) => Add(new(FusedKind.And, true, x, y));

    /// <summary>Either of two truth values.</summary>
    public int Or(int x, int y) => Add(new(FusedKind.Or, true, x, y));

    /// <summary>The opposite truth value.</summary>
    public int Not(int x) => Add(new(FusedKind.Not, true, x));

    /// <summary>Makes a node a result; results are numbered in the order of these calls.</summary>
    public void Output(int node) => outputs.Add(node);

    /// <summary>The kernel of the expression for the host, made when it is first asked for.</summary>
    public FusedKernel Kernel => kernel ?? Interlocked.CompareExchange(ref kernel, new FusedKernel(this), null) ?? kernel;

    private int Add(FusedNode node)
    {
        nodes.Add(node);
        return nodes.Count - 1;
    }
}

internal enum FusedKind
{
    Input,
    Constant,
    Unary,
    Binary,
    Compare,
    Select,
    And,
    Or,
    Not,
}

/// <summary>One step of an expression; operands are the numbers of earlier nodes.</summary>
internal sealed record FusedNode(FusedKind Kind, bool IsTruth, int X = -1, int Y = -1, int Z = -1)
{
    internal FusedOperator? Operator { get; init; }

    internal double Value { get; init; }
}

/// <summary>The struct with the scalar and vector forms of a kernel's function for one type.</summary>
internal sealed record FusedOperator(Type Type, bool IsVector, int Cost)
{
    /// <summary>The function of a kernel for a type; null if it has none.</summary>
    internal static FusedOperator? Find(object kernel, DType dtype)
    {
        Type element = dtype == DType.Float32 ? typeof(float) : typeof(double);
        Type[] forms = [typeof(IUnaryOperator<>), typeof(IBinaryOperator<>), typeof(ICompareOperator<>)];
        Type? found = kernel.GetType().GetGenericArguments().FirstOrDefault(
            type => forms.Any(form => form.MakeGenericType(element).IsAssignableFrom(type)));
        return found is null
            ? null
            : (FusedOperator)typeof(FusedOperator).GetMethod(nameof(Of), BindingFlags.Static | BindingFlags.NonPublic)!
                .MakeGenericMethod(found).Invoke(null, null)!;
    }

    private static FusedOperator Of<TOp>()
        where TOp : IOperator => new(typeof(TOp), TOp.IsVector, TOp.Cost);
}
