using System.Reflection;

namespace Autodiff.Kernels;

/// <summary>
/// An expression over the elements of several tensors, to be computed in one pass over memory: inputs, constants,
/// elementwise functions, reductions, and which of them are results. Nodes are numbered as they are added.
/// </summary>
/// <remarks>
/// A reduction that is a node combines the elements of each row, and functions of its value follow in the same pass: the row
/// is walked once for each such step, while it stays in the cache. A reduction that is only a result combines elements over
/// any axes. Sums and products of float32 are accumulated in double precision.
/// </remarks>
/// <param name="dtype">The type of all numbers in it, float32 or float64; besides them there are truth values.</param>
public sealed class FusedGraph(DType dtype)
{
    private readonly List<FusedNode> nodes = [];
    private readonly List<FusedOutput> outputs = [];
    private FusedKernel? kernel;
    private FusedStages? stages;

    /// <summary>The type of the numbers.</summary>
    public DType DType => dtype;

    internal IReadOnlyList<FusedNode> Nodes => nodes;

    internal IReadOnlyList<FusedOutput> Outputs => outputs;

    internal FusedStages Stages => stages ??= new FusedStages(this);

    /// <summary>Whether rows are walked whole, because nodes reduce them.</summary>
    public bool HasRows => nodes.Exists(node => node.Kind == FusedKind.Reduce);

    /// <summary>Whether a result of the shape of the expression may lie where an operand does: nothing of the operand is read
    /// after it is written.</summary>
    public bool MayOverwrite(int input, int output) =>
        outputs[output].Reduction is null && Stages.LastRead(input) <= outputs.Where(o => o.Reduction is null).Min(o => Stages.Of(o.Node));

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

    /// <summary>The numbers of a row, combined: the sum, the product, the largest or the smallest.</summary>
    public int Reduce(Reduction reduction, int x) => Add(new(FusedKind.Reduce, false, x) { Reduction = reduction });

    /// <summary>Makes a node a result; results are numbered in the order of these calls.</summary>
    public void Output(int node) => outputs.Add(new(node, null));

    /// <summary>Makes a result of the numbers of a node, combined over those axes along which the strides of the result
    /// are 0.</summary>
    public void Output(int node, Reduction reduction) => outputs.Add(new(node, reduction));

    /// <summary>A text that equal expressions share, and no others.</summary>
    public string Text => string.Join(
        ';',
        nodes.Select(n => FormattableString.Invariant(
            $"{n.Kind} {n.IsTruth} {n.X} {n.Y} {n.Z} {n.Operator?.Type} {BitConverter.DoubleToInt64Bits(n.Value)} {n.Reduction}"))
            .Concat(outputs.Select(o => $"{o.Node} {o.Reduction}")).Append(dtype.ToString()));

    /// <summary>The kernel of the expression for the host, made when it is first asked for.</summary>
    public FusedKernel Kernel => kernel ?? Interlocked.CompareExchange(ref kernel, new FusedKernel(this), null) ?? kernel;

    private int Add(FusedNode node)
    {
        nodes.Add(node);
        stages = null;
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
    Reduce,
}

/// <summary>A result: a node, or what all its elements along some axes combine to.</summary>
internal sealed record FusedOutput(int Node, Reduction? Reduction);

/// <summary>One step of an expression; operands are the numbers of earlier nodes.</summary>
internal sealed record FusedNode(FusedKind Kind, bool IsTruth, int X = -1, int Y = -1, int Z = -1)
{
    internal FusedOperator? Operator { get; init; }

    internal double Value { get; init; }

    internal Reduction Reduction { get; init; }

    internal IEnumerable<int> Operands => ((int[])[X, Y, Z]).Where(operand => operand >= 0);
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
