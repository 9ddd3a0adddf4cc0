using System.Reflection;
using System.Reflection.Emit;

namespace Autodiff.Kernels;

/// <summary>Writes the loops of an expression over rows of elements as a method, which .NET compiles to vector code.</summary>
/// <remarks>
/// The method takes the addresses of the operands' and then the results' first elements, how far they lie from row to row in
/// bytes, the number of rows, the number of elements of each, and memory for what is kept between the walks over a row. Each
/// value of the expression is a local variable; the functions are those of the elementwise kernels, inlined. What is the
/// same for a whole row is computed once for it, in all lanes of a vector.
/// </remarks>
internal sealed class FusedEmitter
{
    // .NET's compiler inlines into one method until it has some hundred local variables; what comes later becomes a call, and a
    // loop of short ones ten times slower. Where long functions, by their costs, would use that up, they are called.
    private const int MostInlined64 = 20, MostInlined32 = 26;

    // It also inlines in proportion to the length of the code that it is given, of which code that is never reached is a part.
    private const int CodeOfFunction = 1024;

    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private readonly FusedGraph graph;
    private readonly FusedNode[] nodes;
    private readonly FusedStages stages;
    private readonly string steps;
    private readonly int width;
    private readonly Type element;
    private readonly Type openVector;
    private readonly Type vector;
    private readonly Type rows;
    private readonly int lanes;
    private readonly int inputs;
    private readonly int[] inputOf;
    private readonly bool[] varies;
    private readonly bool callsFunctions;
    private readonly FusedIntrinsics? intrinsics;
    private readonly Dictionary<Type, DynamicMethod> functions = [];

    private readonly DynamicMethod method;
    private readonly ILGenerator il;
    private readonly LocalBuilder[] values;
    private readonly LocalBuilder[] pointers;
    private readonly LocalBuilder[] slots;
    private readonly LocalBuilder index;
    private LocalBuilder? mask;
    private readonly Dictionary<(bool IsResult, int Index), (Type Fold, LocalBuilder[] Totals)> folds = [];

    private FusedEmitter(FusedGraph graph, string steps, int width)
    {
        this.graph = graph;
        this.steps = steps;
        this.width = width;
        nodes = [.. graph.Nodes];
        stages = graph.Stages;
        element = graph.DType == DType.Float32 ? typeof(float) : typeof(double);
        openVector = width switch { 512 => typeof(V512<>), 256 => typeof(V256<>), 128 => typeof(V128<>), _ => typeof(V1<>) };
        vector = openVector.MakeGenericType(element);
        rows = typeof(FusedRows<,>).MakeGenericType(vector, element);
        lanes = (int)vector.GetProperty("Count", Any)!.GetValue(null)!;
        intrinsics = FusedIntrinsics.Of(vector, element, width);

        inputOf = new int[nodes.Length];
        varies = new bool[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            if (nodes[i].Kind == FusedKind.Input) inputOf[i] = inputs++;
            varies[i] = nodes[i].Kind switch
            {
                FusedKind.Input => steps[inputOf[i]] != '0',
                FusedKind.Constant or FusedKind.Reduce => false,
                _ => nodes[i].Operands.Any(operand => varies[operand]),
            };
        }

        int most = element == typeof(float) ? MostInlined32 : MostInlined64;
        callsFunctions = width > 0 && nodes.Where(IsLong).Sum(node => node.Operator!.Cost) > most;
        method = new("fused", typeof(void), [typeof(nint), typeof(nint), typeof(nint), typeof(nint), typeof(nint)], typeof(FusedEmitter).Module, true)
        {
            InitLocals = false,
        };
        il = method.GetILGenerator();
        values = [.. nodes.Select(_ => il.DeclareLocal(vector))];
        pointers = [.. steps.Select(_ => il.DeclareLocal(typeof(nint)))];
        slots = [.. Enumerable.Range(0, stages.Slots).Select(_ => il.DeclareLocal(typeof(nint)))];
        index = il.DeclareLocal(typeof(nint));
    }

    /// <summary>The loops for operands that stay along a row, '0', or go on, '1'.</summary>
    internal static DynamicMethod Emit(FusedGraph graph, string steps, int width)
    {
        var emitter = new FusedEmitter(graph, steps, width);
        emitter.Begin();
        Label top = emitter.il.DefineLabel();
        emitter.il.MarkLabel(top);
        for (int stage = 0; stage < emitter.stages.Count; stage++) emitter.Stage(stage);
        emitter.EndRow(top);
        emitter.il.Emit(OpCodes.Ret);
        return emitter.method;
    }

    /// <summary>The bytes of memory that rows of some length need between walks.</summary>
    internal static long ScratchSize(FusedGraph graph, long columns) => graph.Stages.Slots * SlotSize(graph, columns) + 64;

    private static long SlotSize(FusedGraph graph, long columns) => (columns * graph.DType.Size() + 127) & ~63L;

    private bool IsTotal(int output) => graph.Outputs[output].Reduction is not null;

    private bool Goes(int output) => steps[inputs + output] != '0';

    private MethodInfo Of(string name) => rows.GetMethod(name, Any)!;

    private void Begin()
    {
        for (int i = 0; i < pointers.Length; i++)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldc_I4, i * IntPtr.Size);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Stloc, pointers[i]);
        }

        for (int i = 0; i < slots.Length; i++)
        {
            il.Emit(OpCodes.Ldarg_S, (byte)4);
            il.Emit(OpCodes.Ldarg_3);
            il.Emit(OpCodes.Ldc_I4, graph.DType.Size());
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Ldc_I4, 127);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldc_I4, ~63);
            il.Emit(OpCodes.Conv_I);
            il.Emit(OpCodes.And);
            il.Emit(OpCodes.Ldc_I4, i);
            il.Emit(OpCodes.Mul);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, slots[i]);
        }

        for (int i = 0; i < nodes.Length; i++)
        {
            if (nodes[i].Kind != FusedKind.Constant) continue;
            il.Emit(OpCodes.Ldc_R8, nodes[i].Value);
            il.Emit(OpCodes.Call, Of("Constant"));
            il.Emit(OpCodes.Stloc, values[i]);
        }
    }

    /// <summary>One walk over a row, after what is the same for all of it.</summary>
    private void Stage(int stage)
    {
        for (int i = 0; i < nodes.Length; i++)
        {
            if (varies[i] || stages.Of(i) != stage || nodes[i].Kind == FusedKind.Constant) continue;
            if (nodes[i].Kind == FusedKind.Reduce)
            {
                Type fold = Total(false, i);
                il.Emit(OpCodes.Call, fold.GetMethod("Total", Any)!);
            }
            else if (nodes[i].Kind == FusedKind.Input)
            {
                il.Emit(OpCodes.Ldloc, pointers[inputOf[i]]);
                il.Emit(OpCodes.Call, Of(nodes[i].IsTruth ? "SplatTruth" : "Splat"));
            }
            else
            {
                Operation(i);
                continue;
            }

            il.Emit(OpCodes.Stloc, values[i]);
        }

        int[] reduced = [.. nodes.Index().Where(n => n.Item.Kind == FusedKind.Reduce && stages.Of(n.Item.X) == stage).Select(n => n.Index)];
        int[] results = [.. Enumerable.Range(0, graph.Outputs.Count).Where(
            output => stages.Of(graph.Outputs[output].Node) == stage && (IsTotal(output) || Goes(output)))];
        int[] kept = [.. Enumerable.Range(0, nodes.Length).Where(i => stages.Slot(i) >= 0 && varies[i] && stages.Of(i) == stage)];
        if (reduced.Length + results.Length + kept.Length == 0) return;
        foreach (int i in reduced) Start(false, i, nodes[i].Reduction);
        foreach (int output in results)
        {
            if (IsTotal(output)) Start(true, output, graph.Outputs[output].Reduction!.Value, !Goes(output));
        }

        void Body(bool isPart)
        {
            var computed = new bool[nodes.Length];
            foreach (int i in reduced)
            {
                Compute(nodes[i].X, stage, isPart, computed);
                Accumulate(false, i, nodes[i].X, isPart);
            }

            foreach (int output in results)
            {
                int node = graph.Outputs[output].Node;
                Compute(node, stage, isPart, computed);
                if (IsTotal(output)) Accumulate(true, output, node, isPart);
            }

            foreach (int i in kept) Compute(i, stage, isPart, computed);

            // Results come last: one may lie where an operand is.
            foreach (int output in results)
            {
                if (!IsTotal(output)) Store(output, isPart);
            }

            foreach (int i in kept) Store(values[i], slots[stages.Slot(i)], isTruth: false, isPart: false);
        }

        Label top = il.DefineLabel(), tail = il.DefineLabel(), end = il.DefineLabel();
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Stloc, index);
        il.MarkLabel(top);
        Rest();
        il.Emit(OpCodes.Ldc_I4, lanes);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Blt, tail);
        Body(isPart: false);
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldc_I4, lanes);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, index);
        il.Emit(OpCodes.Br, top);
        il.MarkLabel(tail);
        Rest();
        il.Emit(OpCodes.Brfalse, end);
        mask = intrinsics is { HasMasks: true } ? intrinsics.Mask(il, Rest) : null;
        Body(isPart: true);
        il.MarkLabel(end);

        foreach (int output in results)
        {
            if (!IsTotal(output) || Goes(output)) continue;
            Type fold = Total(true, output);
            il.Emit(OpCodes.Ldloc, pointers[inputs + output]);
            il.Emit(OpCodes.Call, fold.GetMethod("Into", Any)!);
        }
    }

    /// <summary>Puts a node's value for the elements at hand into its variable.</summary>
    private void Compute(int node, int stage, bool isPart, bool[] computed)
    {
        if (!varies[node] || computed[node]) return;
        computed[node] = true;
        if (nodes[node].Kind == FusedKind.Input)
        {
            Load(node, pointers[inputOf[node]], isPart);
        }
        else if (stages.Of(node) == stage || stages.IsRepeated(node))
        {
            foreach (int operand in nodes[node].Operands) Compute(operand, stage, isPart, computed);
            Operation(node);
        }
        else if (stages.OutputOf(node) is >= 0 and int output)
        {
            Load(node, pointers[inputs + output], isPart);
        }
        else
        {
            Load(node, slots[stages.Slot(node)], isPart: false);
        }
    }

    /// <summary>Puts a function of variables into a node's own.</summary>
    private void Operation(int i)
    {
        if (intrinsics is not null && FusedIntrinsics.Has(nodes[i]))
        {
            intrinsics.Operation(il, nodes[i], [.. nodes[i].Operands.Select(operand => values[operand]), values[i]]);
            return;
        }

        foreach (int operand in nodes[i].Operands) il.Emit(OpCodes.Ldloc, values[operand]);
        il.Emit(OpCodes.Call, nodes[i].Operator is not { } found ? Of(nodes[i].Kind.ToString())
            : callsFunctions && IsLong(nodes[i]) ? Function(found.Type)
            : Vectorized(found.Type));
        il.Emit(OpCodes.Stloc, values[i]);
    }

    private static bool IsLong(FusedNode node) => node is { Kind: FusedKind.Unary, Operator.Cost: > 2 };

    private MethodInfo Vectorized(Type function) =>
        function.GetMethods(Any).Single(m => m.Name == "Invoke" && m.IsGenericMethodDefinition).MakeGenericMethod(vector);

    /// <summary>A method of its own for a function, into which all of it is inlined.</summary>
    private DynamicMethod Function(Type function)
    {
        if (functions.TryGetValue(function, out DynamicMethod? known)) return known;
        var called = new DynamicMethod("function", vector, [vector], typeof(FusedEmitter).Module, true);
        ILGenerator code = called.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Call, Vectorized(function));
        code.Emit(OpCodes.Ret);
        for (int i = 0; i < CodeOfFunction; i++) code.Emit(OpCodes.Nop);
        code.Emit(OpCodes.Ret);
        return functions[function] = called;
    }

    /// <summary>Puts elements in memory into a node's variable.</summary>
    private void Load(int node, LocalBuilder pointer, bool isPart)
    {
        bool isTruth = nodes[node].IsTruth;
        if (isTruth || intrinsics is null || isPart && mask is null)
        {
            Address(pointer, isTruth ? 1 : graph.DType.Size());
            if (isPart) Rest();
            il.Emit(OpCodes.Call, Of((isTruth ? "LoadTruth" : "Load") + (isPart ? "Part" : "")));
            il.Emit(OpCodes.Stloc, values[node]);
            return;
        }

        il.Emit(OpCodes.Ldloca, values[node]);
        Address(pointer, graph.DType.Size());
        if (isPart) intrinsics.Load(il, mask!);
        else intrinsics.Load(il);
    }

    private void Store(int output, bool isPart)
    {
        int node = graph.Outputs[output].Node;
        Store(values[node], pointers[inputs + output], nodes[node].IsTruth, isPart);
    }

    private void Store(LocalBuilder value, LocalBuilder pointer, bool isTruth, bool isPart)
    {
        void Target() => Address(pointer, isTruth ? 1 : graph.DType.Size());
        if (isTruth || intrinsics is null || isPart && mask is null)
        {
            il.Emit(OpCodes.Ldloc, value);
            Target();
            if (isPart) Rest();
            il.Emit(OpCodes.Call, Of((isTruth ? "StoreTruth" : "Store") + (isPart ? "Part" : "")));
        }
        else if (isPart)
        {
            intrinsics.Store(il, value, Target, mask!);
        }
        else
        {
            intrinsics.Store(il, value, Target);
        }
    }

    private void Address(LocalBuilder pointer, int size)
    {
        il.Emit(OpCodes.Ldloc, pointer);
        il.Emit(OpCodes.Ldloc, index);
        if (size > 1)
        {
            il.Emit(OpCodes.Ldc_I4, size);
            il.Emit(OpCodes.Mul);
        }

        il.Emit(OpCodes.Add);
    }

    private void Rest()
    {
        il.Emit(OpCodes.Ldarg_3);
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Sub);
    }

    // Sums and products of floats are those of doubles, of which a vector of floats fills two.
    private bool IsWide(Reduction reduction) => graph.DType == DType.Float32 && reduction is (Reduction.Sum or Reduction.Product);

    private void Start(bool isResult, int at, Reduction reduction, bool isFold = true)
    {
        Type total = IsWide(reduction) ? typeof(double) : element;
        Type reducer = reduction switch
        {
            Reduction.Sum => typeof(SumReducer<>),
            Reduction.Product => typeof(ProductReducer<>),
            Reduction.Maximum => typeof(MaximumReducer<>),
            _ => typeof(MinimumReducer<>),
        };
        Type wide = openVector.MakeGenericType(total);
        Type fold = typeof(FusedFold<,,,,>).MakeGenericType(vector, element, wide, total, reducer.MakeGenericType(total));
        var totals = new LocalBuilder[isFold ? total != element && lanes > 1 ? 2 : 1 : 0];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = il.DeclareLocal(wide);
            il.Emit(OpCodes.Call, fold.GetMethod("Start", Any)!);
            il.Emit(OpCodes.Stloc, totals[i]);
        }

        folds[(isResult, at)] = (fold, totals);
    }

    private void Accumulate(bool isResult, int at, int node, bool isPart)
    {
        (Type fold, LocalBuilder[] totals) = folds[(isResult, at)];
        Reduction reduction = isResult ? graph.Outputs[at].Reduction!.Value : nodes[at].Reduction;
        bool isWide = IsWide(reduction);
        LocalBuilder value = values[node];
        if (isPart)
        {
            value = il.DeclareLocal(vector);
            il.Emit(OpCodes.Ldloc, values[node]);
            Rest();
            il.Emit(OpCodes.Call, fold.GetMethod("Only", Any)!);
            il.Emit(OpCodes.Stloc, value);
        }

        if (totals.Length == 0)
        {
            il.Emit(OpCodes.Ldloc, value);
            Address(pointers[inputs + at], isWide ? sizeof(double) : graph.DType.Size());
            il.Emit(OpCodes.Call, fold.GetMethod(isWide ? lanes > 1 ? "AddWide" : "AddLower" : "Add", Any)!);
            return;
        }

        for (int i = 0; i < totals.Length; i++)
        {
            il.Emit(OpCodes.Ldloc, totals[i]);
            il.Emit(OpCodes.Ldloc, value);
            il.Emit(OpCodes.Call, fold.GetMethod(!isWide ? "Take" : i == 0 ? "TakeLower" : "TakeUpper", Any)!);
            il.Emit(OpCodes.Stloc, totals[i]);
        }
    }

    /// <summary>Leaves the vector of a total.</summary>
    private Type Total(bool isResult, int at)
    {
        (Type fold, LocalBuilder[] totals) = folds[(isResult, at)];
        foreach (LocalBuilder total in totals) il.Emit(OpCodes.Ldloc, total);
        if (totals.Length > 1) il.Emit(OpCodes.Call, fold.GetMethod("Join", Any)!);
        return fold;
    }

    /// <summary>Writes what there is one of for each row, and goes on to the next.</summary>
    private void EndRow(Label top)
    {
        for (int output = 0; output < graph.Outputs.Count; output++)
        {
            if (IsTotal(output) || Goes(output)) continue;
            int node = graph.Outputs[output].Node;
            il.Emit(OpCodes.Ldloc, values[node]);
            il.Emit(OpCodes.Ldloc, pointers[inputs + output]);
            il.Emit(OpCodes.Call, Of(nodes[node].IsTruth ? "StoreTruthFirst" : "StoreFirst"));
        }

        for (int i = 0; i < pointers.Length; i++)
        {
            il.Emit(OpCodes.Ldloc, pointers[i]);
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldc_I4, i * IntPtr.Size);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Stloc, pointers[i]);
        }

        il.Emit(OpCodes.Ldarg_2);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Starg_S, (byte)2);
        il.Emit(OpCodes.Ldarg_2);
        il.Emit(OpCodes.Brtrue, top);
    }
}
