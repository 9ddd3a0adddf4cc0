namespace Autodiff

open System
open System.Collections.Generic
open System.Linq.Expressions
open System.Reflection
open Microsoft.FSharp.Reflection

/// Functions that take values of a type apart and make them, compiled once for each type.
module internal TreeAccess =
    let private value = Expression.Parameter(typeof<obj>, "value")
    let private values = Expression.Parameter(typeof<obj[]>, "values")

    /// The values of fields or properties.
    let reader (t: Type) (members: MemberInfo[]) : obj -> obj[] =
        let itself: Expression = if t.IsValueType then Expression.Unbox(value, t) else Expression.Convert(value, t)

        let parts =
            members
            |> Array.map (fun m ->
                Expression.Convert(Expression.MakeMemberAccess(itself, m), typeof<obj>) :> Expression)

        let body = Expression.NewArrayInit(typeof<obj>, parts)
        let read = Expression.Lambda<Func<obj, obj[]>>(body, value).Compile()
        read.Invoke

    /// The value with the given parts.
    let maker (constructor: ConstructorInfo) : obj[] -> obj =
        let parts =
            constructor.GetParameters()
            |> Array.mapi (fun i p ->
                let part = Expression.ArrayIndex(values, Expression.Constant i)
                Expression.Convert(part, p.ParameterType) :> Expression)

        let body = Expression.Convert(Expression.New(constructor, parts), typeof<obj>)
        let make = Expression.Lambda<Func<obj[], obj>>(body, values).Compile()
        make.Invoke

    /// Sets fields and properties of an object, or of a structure in its box.
    let writer (t: Type) (members: MemberInfo[]) : obj -> obj[] -> unit =
        let itself: Expression = if t.IsValueType then Expression.Unbox(value, t) else Expression.Convert(value, t)

        let sets =
            members
            |> Array.mapi (fun i m ->
                let part = Expression.ArrayIndex(values, Expression.Constant i)

                match m with
                | :? PropertyInfo as p ->
                    Expression.Call(itself, p.SetMethod, Expression.Convert(part, p.PropertyType)) :> Expression
                | m ->
                    let field = m :?> FieldInfo
                    Expression.Assign(Expression.Field(itself, field), Expression.Convert(part, field.FieldType)))

        let body = Expression.Block(typeof<Void>, Array.append sets [| Expression.Empty() |])
        let write = Expression.Lambda<Action<obj, obj[]>>(body, value, values).Compile()
        fun target values -> write.Invoke(target, values)

    /// Public fields and properties with their types.
    let members (t: Type) : (MemberInfo * Type)[] =
        let flags = BindingFlags.Public ||| BindingFlags.Instance

        Array.append
            (t.GetProperties flags
             |> Array.filter (fun p -> p.CanRead && p.GetIndexParameters().Length = 0)
             |> Array.map (fun p -> p :> MemberInfo, p.PropertyType))
            (t.GetFields flags |> Array.map (fun f -> f :> MemberInfo, f.FieldType))

    /// Delegates and F#'s functions, which are carried along with what they have captured.
    let rec isFunction (t: Type) : bool =
        not (isNull t)
        && (t = typeof<Delegate>
            || t.IsGenericType && t.GetGenericTypeDefinition() = typedefof<FSharpFunc<_, _>>
            || isFunction t.BaseType)

    /// Whether a value of a type is known to hold tensors: by itself, as its elements, or in its fields and properties if
    /// the type is meant as data.
    let holdsTensors (t: Type) : bool =
        let seen = HashSet<Type>()

        let isData (t: Type) =
            t.IsValueType
            || not (isNull (t.GetMethod "<Clone>$"))
            || FSharpType.IsRecord(t, true)
            || FSharpType.IsUnion(t, true)

        let rec holds isWhole (t: Type) =
            typeof<Tensor>.IsAssignableFrom t
            || not (t.IsPrimitive || t.IsEnum || isFunction t)
               && seen.Add t
               && (t.HasElementType && holds false (t.GetElementType())
                   || t.IsGenericType && Array.exists (holds false) t.GenericTypeArguments
                   || (isWhole || isData t) && members t |> Array.exists (snd >> holds false))

        holds true t
