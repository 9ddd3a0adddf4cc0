using System.Reflection;
using System.Reflection.Emit;

namespace Autodiff.Kernels;

/// <summary>Writes an expression of single numbers as a method, with the scalar forms of the functions.</summary>
internal static class FusedScalarEmitter
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    internal static DynamicMethod Emit(FusedGraph graph)
    {
        Type element = graph.DType == DType.Float32 ? typeof(float) : typeof(double);
        Type scalars = typeof(FusedScalars<>).MakeGenericType(element);
        var method = new DynamicMethod("fused", typeof(void), [typeof(nint)], typeof(FusedScalarEmitter).Module, true);
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
                foreach (int operand in node.Operands) il.Emit(OpCodes.Ldloc, values[operand]);
                il.Emit(OpCodes.Call, node.Operator is { } found
                    ? found.Type.GetMethods(Any).Single(m => m.Name == "Invoke" && !m.IsGenericMethodDefinition)
                    : scalars.GetMethod(node.Kind.ToString(), Any)!);
            }

            il.Emit(OpCodes.Stloc, value);
        }

        foreach (FusedOutput output in graph.Outputs)
        {
            Pointer();
            il.Emit(OpCodes.Ldloc, values[output.Node]);
            il.Emit(OpCodes.Call, scalars.GetMethod(graph.Nodes[output.Node].IsTruth ? "StoreTruth" : "Store", Any)!);
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
