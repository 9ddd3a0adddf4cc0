namespace Autodiff

open System
open System.Collections.Concurrent
open System.Reflection
open Autodiff.Kernels

/// A NaN or an infinity that appeared in a function under `checkNumerics`.
[<Sealed>]
type NonFiniteException
    internal (message: string, operation: string, rule: string, methodName: string, file: string, line: int) =
    inherit ArithmeticException(message)
    /// The name of the operation whose output held the first such number.
    member _.Operation = operation
    /// The operation in whose derivative rule that happened; null in the forward pass.
    member _.Rule = rule
    /// The user's method that ran the operation: forward, where a rule failed.
    member _.Method = methodName
    /// The source file of that method; null without debugging symbols.
    member _.File = file
    /// The line in the source file, from 1; 0 without debugging symbols.
    member _.Line = line

/// The place in a user's program that ran an operation, and the derivative rules that have been entered since.
[<AllowNullLiteral>]
type internal CallSite(methodName: string, file: string, line: int, rules: string list) =
    // What users' code is called through, beside the library itself.
    static let isFramework (name: string) = name = "FSharp.Core" || name = "System" || name.StartsWith "System."
    static let isLibrary name = List.contains name [ "Autodiff.Core"; "Autodiff.Kernels"; "Autodiff.Layers" ]

    /// The name that a programmer gave: of the function that holds a closure, and without the compilers' marks.
    static let describe (m: MethodBase) =
        let until (mark: char) (text: string) =
            match text.IndexOf mark with
            | -1 -> text
            | i -> text[.. i - 1]

        let types = m.DeclaringType.FullName.Split([| '+'; '.' |]) |> Array.map (until '`')
        let isClosure = types |> Array.exists (fun t -> t.Contains '@' || t.StartsWith "<>")
        let own = if m.Name.StartsWith '<' then m.Name[1..] |> until '>' else m.Name

        types
        |> Array.filter (fun t -> not (t.StartsWith '<' || t.StartsWith "Pipe #"))
        |> Array.map (until '@')
        |> fun kept -> if isClosure && own = "Invoke" then kept else Array.append kept [| own |]
        |> String.concat "."

    member _.Method = methodName
    member _.File = file
    member _.Line = line
    /// The operations whose rules run, innermost first.
    member _.Rules = rules
    /// The same place, inside a derivative rule of an operation.
    member _.Inside(operation: string) = CallSite(methodName, file, line, operation :: rules)

    /// The nearest caller that is neither the library nor what it is built on. Symbols are looked up once for each place
    /// in the code: that takes far longer than walking the stack.
    static member Find(known: ConcurrentDictionary<struct (MethodBase * int), CallSite>) : CallSite =
        let isUsers (frame: Diagnostics.StackFrame) =
            match frame.GetMethod() with
            | null -> false
            | m when isNull m.DeclaringType -> false
            | m ->
                let name = m.DeclaringType.Assembly.GetName().Name
                not (isLibrary name || isFramework name)

        match Diagnostics.StackTrace(1, false).GetFrames() |> Array.tryFindIndex isUsers with
        | None -> CallSite("code without a method", null, 0, [])
        | Some i ->
            let frame = Diagnostics.StackTrace(1, false).GetFrame i
            let m = frame.GetMethod()

            known.GetOrAdd(
                struct (m, frame.GetILOffset()),
                fun _ ->
                    let frame = Diagnostics.StackTrace(true).GetFrames() |> Array.find isUsers
                    CallSite(describe m, frame.GetFileName(), frame.GetFileLineNumber(), [])
            )

    override _.ToString() = if isNull file then methodName else $"{methodName} in {file}:line {line}"

/// A primitive that looks at what it computes, and at what its rules compute.
[<Sealed; AllowNullLiteral>]
type internal CheckedPrimitive(inner: Primitive, site: CallSite, allowInfinities: bool) =
    inherit Primitive(inner.Name)

    let indexText (shape: int[]) (i: int) =
        let strides = Shape.rowMajorStrides shape
        "[" + String.Join(", ", Array.map2 (fun n stride -> i / stride % n) shape strides) + "]"

    /// The elements of the inputs from which an elementwise operation made one of its output.
    let inputsAt (inputs: NDArray[]) (out: TensorType) (i: int) =
        match inner with
        | :? UnaryPrimitive
        | :? BinaryPrimitive ->
            inputs
            |> Array.mapi (fun k x ->
                let stretched = x.View(out.Shape, x.StridesFor out.Shape, x.Offset)
                $"input {k} there: {(Host.toArray<float> stretched)[i]}")
            |> fun texts -> " (" + String.concat ", " texts + ")"
        | _ -> ""

    let fail (inputs: NDArray[]) (out: TensorType) (value: float) (i: int) =
        let place =
            match site.Rules with
            | [] -> $"at {site}"
            | rules ->
                let chain = rules |> String.concat ", itself in that of "
                $"in the derivative rule of {chain}, which ran at {site}"

        let types = inputs |> Array.map (fun x -> $"{DTypes.Name x.DType} {Shape.format x.Shape}") |> String.concat ", "

        raise (
            NonFiniteException(
                $"{inner.Name}: element {indexText out.Shape i} of the output became {value}{inputsAt inputs out i}, {place}; inputs: {types}.",
                inner.Name,
                (match site.Rules with
                 | [] -> null
                 | rules -> rules.Head),
                site.Method,
                site.File,
                site.Line
            )
        )

    let isFinite (x: NDArray) =
        // One NaN or infinity makes the sum one; a sum that only overflows is looked at again.
        not (DTypes.IsFloat x.DType)
        || (let total = x.Device.Reduce(Reduction.Sum, x, [| 0 .. x.Rank - 1 |], Shape.scalar)
            Array.forall Double.IsFinite (Host.toArray<float> total))

    let check (inputs: NDArray[]) (out: TensorType) (y: NDArray) =
        if not (isFinite y) then
            let values = Host.toArray<float> y

            let appeared (isKind: float -> bool) =
                match Array.tryFindIndex isKind values with
                | Some i when
                    not (
                        inputs
                        |> Array.exists (fun x -> not (isFinite x) && Array.exists isKind (Host.toArray<float> x))
                    )
                    ->
                    Some i
                | _ -> None

            let infinity = if allowInfinities then None else appeared Double.IsInfinity

            match appeared Double.IsNaN, infinity with
            | Some i, Some j -> fail inputs out values[min i j] (min i j)
            | Some i, None
            | None, Some i -> fail inputs out values[i] i
            | None, None -> ()

    /// Runs a rule with its tensors watched; null stays null.
    let watching (site: CallSite) (run: (Tensor -> Tensor) -> Tensor) : Tensor =
        let trace = CheckedTrace(site, allowInfinities)
        trace.Unwrap(run trace.Wrap)

    // The rules of a function with its own are users' code, which has a place of its own.
    let ruleSite = if inner :? CustomPrimitive then null else site.Inside inner.Name

    /// What is watched.
    member _.Inner = inner
    /// Where it ran.
    member _.Site = site
    /// Another primitive, watched as this one is.
    member _.Like(primitive: Primitive) = CheckedPrimitive(primitive, site, allowInfinities)

    override _.Parameters = inner.Parameters
    override _.Shape inputs = inner.Shape inputs

    override _.Value(inputs, out) =
        let y = inner.Value(inputs, out)
        check inputs out y
        y

    override _.Jvp(inputs, output, tangents) =
        watching ruleSite (fun wrap -> inner.Jvp(Array.map wrap inputs, wrap output, Array.map wrap tangents))

    override _.Vjp(inputs, output, ct, input) =
        watching ruleSite (fun wrap -> inner.Vjp(Array.map wrap inputs, wrap output, wrap ct, input))

    override _.Batch(inputs, isBatched, size) =
        watching site (fun wrap -> inner.Batch(Array.map wrap inputs, isBatched, size))

/// A value that is watched: a tensor of `checkNumerics`, with the primitive that gave it; null for an argument.
and [<Sealed; AllowNullLiteral>] internal Checked(trace: Trace, value: Tensor, source: CheckedPrimitive) =
    inherit Tensor(trace.Level, value.Shape, value.DType)
    member _.Value = value
    override _.Trace = trace
    override _.Array = value.Array
    override _.IsKnown = value.IsKnown
    override _.Device = value.Device
    override _.ToString() = value.ToString()

    override _.RulesOf(primitive: Primitive) : Primitive =
        match primitive with
        | :? CheckedPrimitive -> primitive
        | _ when isNull source -> primitive
        | _ when obj.ReferenceEquals(primitive, source.Inner) -> source
        | _ -> source.Like primitive

/// Binds each primitive as one that is checked when arrays are reached, below all other interpreters. Inside a rule the
/// site is that of its primitive; else it is looked up.
and [<Sealed>] internal CheckedTrace(site: CallSite, allowInfinities: bool) =
    inherit Trace()
    let known = ConcurrentDictionary<struct (MethodBase * int), CallSite>()

    member this.Wrap(x: Tensor) : Tensor = if isNull x then null else Checked(this, x, null)

    member this.Unwrap(x: Tensor) : Tensor =
        match x with
        | :? Checked as x when obj.ReferenceEquals(x.Trace, this) -> x.Value
        | _ -> x

    override this.Process(primitive: Primitive, inputs: Tensor[]) : Tensor =
        let watched =
            match primitive with
            | :? CheckedPrimitive as p -> p
            | _ -> CheckedPrimitive(primitive, (if isNull site then CallSite.Find known else site), allowInfinities)

        Checked(this, Tensor.Bind(watched, Array.map this.Unwrap inputs), watched)

    // What programs do is watched equation by equation, at the place that ran the operation which holds them.
    override this.ProcessAll(operation, inputs) =
        let site = if isNull site then CallSite.Find known else site

        let rec watched (program: Program) : Program =
            let equations =
                program.Equations
                |> Array.map (fun e ->
                    let operation: Operation =
                        match e.Operation with
                        | :? CheckedPrimitive as p -> p
                        | :? Primitive as p -> CheckedPrimitive(p, site, allowInfinities)
                        | :? ProgramPrimitive as p -> p.Mapped watched
                        | other -> other

                    Equation(operation, e.Inputs, e.Outputs))

            Program.Of(program.Inputs, equations, program.Outputs)

        let run =
            match operation with
            | :? ProgramPrimitive as p -> p.Mapped watched
            | other -> other

        Tensor.BindAll(run, Array.map this.Unwrap inputs) |> Array.map this.Wrap

/// Finding where numbers go wrong.
[<AutoOpen>]
module Debugging =
    /// f, which fails where a NaN appears, and where an infinity does unless these are allowed; see checkNumerics.
    let checkNumericsWith (allowInfinities: bool) (f: 'a -> 'b) (x: 'a) : 'b =
        let trace = CheckedTrace(null, allowInfinities)
        f (Tree.map trace.Wrap x) |> Tree.map trace.Unwrap

    /// f, which fails with a NonFiniteException where a NaN or an infinity first appears, that is, in the output of an
    /// operation of which no input held one of its kind: `checkNumerics : (a -> b) -> a -> b`. The error names the
    /// operation, the element, the shapes of the inputs, and the file and line of the user's code that ran it. Derivatives
    /// are checked as well, those taken inside f (`checkNumerics (grad loss)`) and those taken of it
    /// (`grad (checkNumerics loss)`): where a derivative rule fails, the error names the operation whose rule it is, and the
    /// line that ran that operation forward.
    ///
    /// NaN and infinities that x or constants hold may stay and pass through; what becomes of an infinity is an error only
    /// when it is NaN. Operations that involve no tensor of x are not seen. Each operation costs a walk over its
    /// output and the stack (about 8 microseconds), and a function that is not checked costs nothing. Lines need debugging symbols, without which
    /// the method's name stands alone. They are exact in code that is not optimized; else calls whose results go straight into
    /// the next share the line of the last, and a method may have been merged into its caller, or have left the stack by a
    /// tail call, so that the caller is named.
    let checkNumerics (f: 'a -> 'b) (x: 'a) : 'b = checkNumericsWith false f x
