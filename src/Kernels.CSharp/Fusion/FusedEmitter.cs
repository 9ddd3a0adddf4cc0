using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Writes the loop of an expression over one row of elements as a method, which .NET compiles to vector code.</summary>
/// <remarks>
/// The method takes the addresses of the operands' and then the results' first elements, and the number of elements.
/// Each value of the expression is a local variable; the functions are those of the elementwise kernels, inlined.
/// </remarks>
internal static class FusedEmitter
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>The loop for operands that are the same for the whole row, or walked one by one.</summary>
    internal static DynamicMethod Emit(FusedGraph graph, bool[] isFixed, int width)
    {
        Type element = graph.DType == DType.Float32 ? typeof(float) : typeof(double);
        Type open = width switch { 512 => typeof(V512<>), 256 => typeof(V256<>), 128 => typeof(V128<>), _ => typeof(V1<>) };
        Type vector = open.MakeGenericType(element);
        Type rows = typeof(FusedRows<,>).MakeGenericType(vector, element);
        int lanes = (int)vector.GetProperty("Count", Any)!.GetValue(null)!;
        int size = graph.DType.Size();

        var method = new DynamicMethod("fused", typeof(void), [typeof(nint), typeof(nint)], typeof(FusedEmitter).Module, true);
        ILGenerator il = method.GetILGenerator();
        MethodInfo Of(string name) => rows.GetMethod(name, Any)!;

        FusedNode[] nodes = [.. graph.Nodes];
        var values = new LocalBuilder[nodes.Length];
        var pointers = new List<LocalBuilder>();
        LocalBuilder index = il.DeclareLocal(typeof(nint));
        for (int i = 0; i < nodes.Length; i++) values[i] = il.DeclareLocal(vector);

        // The addresses, and what is the same for all elements.
        int operands = nodes.Count(node => node.Kind == FusedKind.Input) + graph.Outputs.Count;
        for (int i = 0; i < operands; i++)
        {
            pointers.Add(il.DeclareLocal(typeof(nint)));
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldc_I4, i * IntPtr.Size);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldind_I);
            il.Emit(OpCodes.Stloc, pointers[i]);
        }

        int input = 0;
        var inputOf = new int[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            if (nodes[i].Kind == FusedKind.Input)
            {
                inputOf[i] = input++;
                if (!isFixed[inputOf[i]]) continue;
                il.Emit(OpCodes.Ldloc, pointers[inputOf[i]]);
                il.Emit(OpCodes.Call, Of(nodes[i].IsTruth ? "SplatTruth" : "Splat"));
            }
            else if (nodes[i].Kind == FusedKind.Constant)
            {
                il.Emit(OpCodes.Ldc_R8, nodes[i].Value);
                il.Emit(OpCodes.Call, Of("Constant"));
            }
            else
            {
                continue;
            }

            il.Emit(OpCodes.Stloc, values[i]);
        }

        void Address(int pointer, bool isTruth)
        {
            il.Emit(OpCodes.Ldloc, pointers[pointer]);
            il.Emit(OpCodes.Ldloc, index);
            if (!isTruth)
            {
                il.Emit(OpCodes.Ldc_I4, size);
                il.Emit(OpCodes.Mul);
            }

            il.Emit(OpCodes.Add);
        }

        void Rest()
        {
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldloc, index);
            il.Emit(OpCodes.Sub);
        }

        // A whole vector of elements, or, at the end, fewer.
        void Body(bool isPart)
        {
            for (int i = 0; i < nodes.Length; i++)
            {
                FusedNode node = nodes[i];
                if (node.Kind == FusedKind.Constant || node.Kind == FusedKind.Input && isFixed[inputOf[i]]) continue;
                if (node.Kind == FusedKind.Input)
                {
                    Address(inputOf[i], node.IsTruth);
                    if (isPart) Rest();
                    il.Emit(OpCodes.Call, Of((node.IsTruth ? "LoadTruth" : "Load") + (isPart ? "Part" : "")));
                }
                else
                {
                    foreach (int operand in (int[])[node.X, node.Y, node.Z])
                    {
                        if (operand >= 0) il.Emit(OpCodes.Ldloc, values[operand]);
                    }

                    il.Emit(OpCodes.Call, node.Operator is { } found
                        ? found.Type.GetMethods(Any).Single(m => m.Name == "Invoke" && m.IsGenericMethodDefinition).MakeGenericMethod(vector)
                        : Of(node.Kind.ToString()));
                }

                il.Emit(OpCodes.Stloc, values[i]);
            }

            for (int i = 0; i < graph.Outputs.Count; i++)
            {
                int output = graph.Outputs[i];
                il.Emit(OpCodes.Ldloc, values[output]);
                Address(input + i, nodes[output].IsTruth);
                if (isPart) Rest();
                il.Emit(OpCodes.Call, Of((nodes[output].IsTruth ? "StoreTruth" : "Store") + (isPart ? "Part" : "")));
            }
        }

        Label top = il.DefineLabel(), tail = il.DefineLabel(), end = il.DefineLabel();
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
        Body(isPart: true);
        il.MarkLabel(end);
        il.Emit(OpCodes.Ret);
        return method;
    }
}

/// <summary>Writes an expression of single numbers as a method, with the scalar forms of the functions.</summary>
internal static class FusedScalarEmitter
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    internal static DynamicMethod Emit(FusedGraph graph)
    {
        Type element = graph.DType == DType.Float32 ? typeof(float) : typeof(double);
        Type scalars = typeof(FusedScalars<>).MakeGenericType(element);
        var method = new DynamicMethod("fused", typeof(void), [typeof(nint), typeof(nint)], typeof(FusedEmitter).Module, true);
        ILGenerator il = method.GetILGenerator();
        var values = new List<LocalBuilder>();
        int pointer = 0;

        void Pointer()
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldc_I4, pointer++ * IntPtr.Size);
            il.Emit(OpCodes.Add);
            il.Emit(OpCodes.Ldind_I);
        }

        foreach (FusedNode node in graph.Nodes)
        {
            LocalBuilder value = il.DeclareLocal(node.IsTruth ? typeof(bool) : element);
            values.Add(value);
            if (node.Kind == FusedKind.Input)
            {
                Pointer();
                il.Emit(OpCodes.Call, scalars.GetMethod(node.IsTruth ? "LoadTruth" : "Load", Any)!);
            }
            else if (node.Kind == FusedKind.Constant)
            {
                if (element == typeof(float)) il.Emit(OpCodes.Ldc_R4, (float)node.Value);
                else il.Emit(OpCodes.Ldc_R8, node.Value);
            }
            else
            {
                foreach (int operand in (int[])[node.X, node.Y, node.Z])
                {
                    if (operand >= 0) il.Emit(OpCodes.Ldloc, values[operand]);
                }

                il.Emit(OpCodes.Call, node.Operator is { } found
                    ? found.Type.GetMethods(Any).Single(m => m.Name == "Invoke" && !m.IsGenericMethodDefinition)
                    : scalars.GetMethod(node.Kind.ToString(), Any)!);
            }

            il.Emit(OpCodes.Stloc, value);
        }

        foreach (int output in graph.Outputs)
        {
            Pointer();
            il.Emit(OpCodes.Ldloc, values[output]);
            il.Emit(OpCodes.Call, scalars.GetMethod(graph.Nodes[output].IsTruth ? "StoreTruth" : "Store", Any)!);
        }

        il.Emit(OpCodes.Ret);
        return method;
    }
}

/// <summary>What emitted scalar code calls besides the functions themselves.</summary>
internal static unsafe class FusedScalars<T>
    where T : unmanaged
{
    internal static T Load(nint source) => *(T*)source;

    internal static bool LoadTruth(nint source) => *(byte*)source != 0;

    internal static void Store(nint target, T x) => *(T*)target = x;

    internal static void StoreTruth(nint target, bool x) => *(byte*)target = x ? (byte)1 : (byte)0;

    internal static T Select(bool condition, T x, T y) => condition ? x : y;

    internal static bool And(bool x, bool y) => x & y;

    internal static bool Or(bool x, bool y) => x | y;

    internal static bool Not(bool x) => !x;
}

/// <summary>What emitted loops call besides the functions themselves.</summary>
internal static unsafe class FusedRows<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Load(nint source) => V.Load((T*)source);

    [MethodImpl(Inline)]
    internal static V LoadPart(nint source, nint count) => V.LoadPart((T*)source, (int)count);

    [MethodImpl(Inline)]
    internal static void Store(V x, nint target) => x.Store((T*)target);

    [MethodImpl(Inline)]
    internal static void StorePart(V x, nint target, nint count) => x.StorePart((T*)target, (int)count);

    [MethodImpl(Inline)]
    internal static V Splat(nint source) => V.Splat(*(T*)source);

    [MethodImpl(Inline)]
    internal static V Constant(double value) => V.Constant(value);

    [MethodImpl(Inline)]
    internal static V LoadTruth(nint source) => V.LoadTruth((byte*)source);

    [MethodImpl(Inline)]
    internal static V SplatTruth(nint source) => Truth(*(byte*)source);

    internal static V LoadTruthPart(nint source, nint count)
    {
        ulong* truths = stackalloc ulong[8];
        Unsafe.CopyBlockUnaligned(truths, (byte*)source, (uint)count);
        return V.LoadTruth((byte*)truths);
    }

    [MethodImpl(Inline)]
    internal static void StoreTruth(V mask, nint target) => V.StoreTruth(mask, (byte*)target);

    internal static void StoreTruthPart(V mask, nint target, nint count)
    {
        ulong* truths = stackalloc ulong[8];
        V.StoreTruth(mask, (byte*)truths);
        Unsafe.CopyBlockUnaligned((byte*)target, truths, (uint)count);
    }

    [MethodImpl(Inline)]
    internal static V Select(V mask, V x, V y) => V.Select(mask, x, y);

    [MethodImpl(Inline)]
    internal static V And(V x, V y) => x & y;

    [MethodImpl(Inline)]
    internal static V Or(V x, V y) => x | y;

    [MethodImpl(Inline)]
    internal static V Not(V x) => V.Not(x);

    private static V Truth(byte value)
    {
        ulong* truths = stackalloc ulong[8];
        new Span<byte>(truths, 64).Fill(value);
        return V.LoadTruth((byte*)truths);
    }
}
