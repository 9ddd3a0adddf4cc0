using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>The instructions of a vector that emitted loops name themselves. Through a vector's own operators each would be two
/// methods to inline, and .NET's compiler inlines only so many into one; these it knows, and they count for nothing.</summary>
internal sealed class FusedIntrinsics
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private readonly Type element;
    private readonly Type held;
    private readonly Type functions;
    private readonly FieldInfo field;
    private readonly MethodInfo? maskLoad;
    private readonly MethodInfo? maskStore;

    private FusedIntrinsics(Type vector, Type element, Type functions)
    {
        this.element = element;
        this.functions = functions;
        field = vector.GetFields(Any).Single(f => !f.IsStatic);
        held = field.FieldType;
        if (functions != typeof(Vector512)) return;
        Type pointer = element.MakePointerType();
        maskLoad = typeof(Avx512F).GetMethod(nameof(Avx512F.MaskLoad), [pointer, held, held]);
        maskStore = typeof(Avx512F).GetMethod(nameof(Avx512F.MaskStore), [pointer, held, held]);
    }

    /// <summary>Those of a vector; null if it is a single number.</summary>
    internal static FusedIntrinsics? Of(Type vector, Type element, int width) => width switch
    {
        512 => new(vector, element, typeof(Vector512)),
        256 => new(vector, element, typeof(Vector256)),
        128 => new(vector, element, typeof(Vector128)),
        _ => null,
    };

    /// <summary>Whether a part of a vector is one instruction.</summary>
    internal bool HasMasks => maskLoad is not null;

    /// <summary>Whether a function is some of these.</summary>
    internal static bool Has(FusedNode node) => node.Kind == FusedKind.Select || node.Operator is { } found && Names(found.Type) is not null;

    /// <summary>Computes a function of variables into another.</summary>
    internal void Operation(ILGenerator il, FusedNode node, LocalBuilder[] values)
    {
        il.Emit(OpCodes.Ldloca, values[^1]);
        if (node.Kind == FusedKind.Select)
        {
            for (int i = 0; i < 3; i++) Get(il, values[i]);
            il.Emit(OpCodes.Call, Generic("ConditionalSelect", 3));
        }
        else
        {
            foreach (char step in Names(node.Operator!.Type)!)
            {
                if (step is 'x') Get(il, values[0]);
                else if (step is 'y') Get(il, values[1]);
                else if (step is '1') il.Emit(OpCodes.Call, held.GetProperty("One")!.GetMethod!);
                else il.Emit(OpCodes.Call, Operator(step));
            }
        }

        il.Emit(OpCodes.Stfld, field);
    }

    /// <summary>Reads a vector from an address, which is on the stack behind the address of the variable that takes it.</summary>
    internal void Load(ILGenerator il)
    {
        il.Emit(OpCodes.Call, Generic("Load", 1));
        il.Emit(OpCodes.Stfld, field);
    }

    /// <summary>The same of a part.</summary>
    internal void Load(ILGenerator il, LocalBuilder mask)
    {
        il.Emit(OpCodes.Ldloc, mask);
        il.Emit(OpCodes.Call, held.GetProperty("Zero")!.GetMethod!);
        il.Emit(OpCodes.Call, maskLoad!);
        il.Emit(OpCodes.Stfld, field);
    }

    /// <summary>Writes a variable to an address.</summary>
    internal void Store(ILGenerator il, LocalBuilder value, Action address)
    {
        Get(il, value);
        address();
        il.Emit(OpCodes.Call, Generic("Store", 2));
    }

    /// <summary>The same of a part.</summary>
    internal void Store(ILGenerator il, LocalBuilder value, Action address, LocalBuilder mask)
    {
        address();
        il.Emit(OpCodes.Ldloc, mask);
        Get(il, value);
        il.Emit(OpCodes.Call, maskStore!);
    }

    /// <summary>The mask of the first elements, of which the number is on the stack.</summary>
    internal LocalBuilder Mask(ILGenerator il, Action count)
    {
        LocalBuilder mask = il.DeclareLocal(held);
        il.Emit(OpCodes.Call, held.GetProperty("Indices")!.GetMethod!);
        count();
        il.Emit(element == typeof(float) ? OpCodes.Conv_R4 : OpCodes.Conv_R8);
        il.Emit(OpCodes.Call, functions.GetMethod("Create", [element])!);
        il.Emit(OpCodes.Call, Generic("LessThan", 2));
        il.Emit(OpCodes.Stloc, mask);
        return mask;
    }

    /// <summary>A function in the order of a stack: x and y are its operands, 1 is one, n is the negative.</summary>
    private static string? Names(Type function)
    {
        if (!function.IsGenericType) return null;
        Type open = function.GetGenericTypeDefinition();
        return open == typeof(AddOperator<>) ? "xy+"
            : open == typeof(SubtractOperator<>) ? "xy-"
            : open == typeof(MultiplyOperator<>) ? "xy*"
            : open == typeof(DivideOperator<>) ? "xy/"
            : open == typeof(NegateOperator<>) ? "xn"
            : open == typeof(SquareOperator<>) ? "xx*"
            : open == typeof(ReciprocalOperator<>) ? "1x/"
            : open == typeof(SigmoidGradientOperator<>) ? "xy*1y-*"
            : open == typeof(TanhGradientOperator<>) ? "x1yy*-*"
            : null;
    }

    private MethodInfo Operator(char step) => step switch
    {
        '+' => Operator("op_Addition"),
        '-' => Operator("op_Subtraction"),
        '*' => Operator("op_Multiply"),
        '/' => Operator("op_Division"),
        _ => held.GetMethod("op_UnaryNegation", [held])!,
    };

    private MethodInfo Operator(string name) => held.GetMethod(name, [held, held])!;

    private MethodInfo Generic(string name, int parameters) => functions.GetMethods()
        .Single(m => m.Name == name && m.IsGenericMethodDefinition && m.GetParameters().Length == parameters)
        .MakeGenericMethod(element);

    private void Get(ILGenerator il, LocalBuilder value)
    {
        il.Emit(OpCodes.Ldloca, value);
        il.Emit(OpCodes.Ldfld, field);
    }
}
