using Microsoft.FSharp.Core;

namespace Autodiff;

/// <summary>Functions written down as programs.</summary>
public static class Stage
{
    /// <summary>A function that writes another down for arguments of certain shapes and types: the result holds the
    /// program, which prints, and runs on other arguments of the same shapes.</summary>
    /// <remarks>The function is run once, on tensors that have shapes but no values: an if on a value is an error (use
    /// Tensor.Where or ControlFlow.Cond), and a loop over numbers is written out. Every transform applies to the staged
    /// function as to the one it was made of.</remarks>
    /// <example><code>
    /// StagedFunction&lt;Tensor, Tensor&gt; slope = Stage.Of(Gradient.Of((Tensor x) => Tensor.Sin(x).Sum()))(point);
    /// Console.WriteLine(slope);          // one line for each operation
    /// Tensor value = slope.Invoke(other);
    /// </code></example>
    public static Func<T, StagedFunction<T, TResult>> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return x => Control.stage(function, x);
    }

    /// <summary>The same for a function of two arguments, as one of a pair.</summary>
    /// <example><code>
    /// var product = Stage.Of((Tensor x, Tensor y) => x * y)(a, b);
    /// Tensor value = product.Invoke((c, d));
    /// </code></example>
    public static Func<T1, T2, StagedFunction<(T1, T2), TResult>> Of<T1, T2, TResult>(Func<T1, T2, TResult> f)
    {
        Func<(T1, T2), StagedFunction<(T1, T2), TResult>> stage = Of(Tuples.Join(f));
        return (x, y) => stage((x, y));
    }
}

/// <summary>Functions compiled for the shapes of their arguments.</summary>
/// <remarks>The function is staged when it is first called with tensors of certain shapes and types: it may not branch on
/// values, and arrays that it uses besides its arguments are constants at their values of that call. Keep the result and
/// call it again: it remembers what it has compiled. Every transform applies to the result, and compiles what it
/// needs.</remarks>
public static class Jit
{
    /// <summary>The same function, run as a program: simplified, its elementwise operations fused into single passes over
    /// memory.</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; slope = Jit.Compile(Gradient.Of((Tensor x) => (Tensor.Sin(x) * x).Sum()));
    /// Tensor first = slope(point), second = slope(point * 2); // compiled once
    /// </code></example>
    public static Func<T, TResult> Compile<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> compiled = Control.jit<T, TResult>(Curried.From(f));
        return compiled.Invoke;
    }

    /// <summary>The same for a function of two arguments.</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor, Tensor&gt; distance = Jit.Compile((Tensor x, Tensor y) => Tensor.Square(x - y).Sum());
    /// </code></example>
    public static Func<T1, T2, TResult> Compile<T1, T2, TResult>(Func<T1, T2, TResult> f)
    {
        Func<(T1, T2), TResult> compiled = Compile(Tuples.Join(f));
        return (x, y) => compiled((x, y));
    }

    /// <summary>The same for a function of three arguments.</summary>
    /// <example><code>
    /// Func&lt;Tensor, Tensor, Tensor, Tensor&gt; line = Jit.Compile((Tensor a, Tensor b, Tensor x) => a * x + b);
    /// </code></example>
    public static Func<T1, T2, T3, TResult> Compile<T1, T2, T3, TResult>(Func<T1, T2, T3, TResult> f)
    {
        Func<(T1, T2, T3), TResult> compiled = Compile(Tuples.Join(f));
        return (x, y, z) => compiled((x, y, z));
    }

    /// <summary>The same function, whose first argument is donated: results of the same shapes and types are written over its
    /// tensors where they can be, such as the next parameters over the last.</summary>
    /// <remarks>The tensors of a donated argument, and all that share their memory (slices, transposes), are used up: reading
    /// one whose memory was taken is an <see cref="InvalidOperationException"/>, also if the call failed; use the results
    /// instead. Donate a copy (<c>tensor.Copy()</c>) of what is needed later or what others hold. Tensors in memory that is passed twice, or
    /// that are views of other memory, those of so few elements that they are in managed memory, and those of a call inside a
    /// transform, are not taken, and can still be read.</remarks>
    /// <example><code>
    /// var step = Jit.CompileDonating((Tensor w, Tensor x) => w - 0.1f * slope(w, x));
    /// for (int i = 0; i &lt; 100; i++) w = step(w, batches[i]);
    /// </code></example>
    public static Func<T1, T2, TResult> CompileDonating<T1, T2, TResult>(Func<T1, T2, TResult> f)
    {
        FSharpFunc<T1, FSharpFunc<T2, TResult>> function = Curried.From(f);
        FSharpFunc<T1, FSharpFunc<T2, TResult>> compiled = Control.jitDonating(function);
        return (donated, x) => FSharpFunc<T1, T2>.InvokeFast(compiled, donated, x);
    }
}

/// <summary>Less memory for reverse mode, at the price of a second evaluation.</summary>
public static class Checkpoint
{
    /// <summary>The same function, of which reverse mode keeps only the argument: what else its pullback needs is computed
    /// again when it runs.</summary>
    /// <remarks>The function is staged, and so may not branch on values.</remarks>
    /// <example><code>
    /// Func&lt;Tensor, Tensor&gt; block = Checkpoint.Of((Tensor x) => Tensor.Tanh(x) * x);
    /// </code></example>
    public static Func<T, TResult> Of<T, TResult>(Func<T, TResult> f)
    {
        FSharpFunc<T, TResult> function = Curried.From(f);
        return x => Control.checkpoint(function, x);
    }
}

/// <summary>Branches and loops that become part of programs, and that every transform knows.</summary>
/// <remarks>Arguments, carries and results are trees of tensors. What is staged is run once on tensors without values, and
/// may use any tensor from outside, also ones that are being differentiated.</remarks>
public static class ControlFlow
{
    /// <summary>One of two functions of x, as a scalar truth value says.</summary>
    /// <remarks>Where the value is known only the side that it chooses is run, as by if. In a program both are written
    /// down and one is run. Inside Vmap, where examples may differ, both are computed, and derivatives of the side that is
    /// not chosen are multiplied by 0: keep its argument in its domain.</remarks>
    /// <exception cref="ArgumentException">The truth value is not a scalar; the sides return different types.</exception>
    /// <example><code>
    /// Tensor y = ControlFlow.Cond(Tensor.Greater(x.Sum(), Tensor.Scalar(0f)), v => v * v, v => Tensor.Sin(v), x);
    /// </code></example>
    public static TResult Cond<T, TResult>(Tensor predicate, Func<T, TResult> ifTrue, Func<T, TResult> ifFalse, T x) =>
        Control.cond(predicate, Curried.From(ifTrue), Curried.From(ifFalse), x);

    /// <summary>The last carry and the stacked results of a step (carry, item) -> (carry, result), run for the entries of
    /// tensors along their first axis, in order.</summary>
    /// <remarks>The step is staged once. Reverse mode keeps from each step what its pullback needs, and no more.</remarks>
    /// <exception cref="ArgumentException">The items have different numbers of entries; the step changes a shape or type of
    /// the carry.</exception>
    /// <example><code>
    /// // A recurrent layer: all states h[t] = tanh(h[t-1] w + x[t]).
    /// var (last, states) = ControlFlow.Scan(
    ///     (Tensor h, Tensor x) => { Tensor next = Tensor.Tanh(h.MatMul(w) + x); return (next, next); }, start, inputs);
    /// </code></example>
    public static (TCarry Carry, TResult Results) Scan<TCarry, TItem, TResult>(
        Func<TCarry, TItem, (TCarry Carry, TResult Result)> step, TCarry init, TItem items) =>
        Control.scan(Step(step), init, items).ToValueTuple();

    /// <summary>The same from the last entry to the first; results lie at the places of their items.</summary>
    /// <exception cref="ArgumentException">As Scan.</exception>
    /// <example><code>
    /// var (_, sums) = ControlFlow.ScanBack((Tensor s, Tensor x) => (s + x, s + x), zero, xs); // sums from each place to the end
    /// </code></example>
    public static (TCarry Carry, TResult Results) ScanBack<TCarry, TItem, TResult>(
        Func<TCarry, TItem, (TCarry Carry, TResult Result)> step, TCarry init, TItem items) =>
        Control.scanBack(Step(step), init, items).ToValueTuple();

    /// <summary>A step for each number from lower to upper - 1, which it gets as an int32 scalar.</summary>
    /// <exception cref="ArgumentException">The step changes a shape or type of what it carries.</exception>
    /// <example><code>
    /// Tensor power = ControlFlow.ForiLoop(0, 10, (Tensor i, Tensor y) => y * x, Tensor.Ones());
    /// </code></example>
    public static T ForiLoop<T>(int lower, int upper, Func<Tensor, T, T> body, T x)
    {
        FSharpFunc<Tensor, FSharpFunc<T, T>> step = Curried.From(body);
        return Control.foriLoop(lower, upper, step, x);
    }

    /// <summary>Steps from x on while a condition holds.</summary>
    /// <remarks>Where all values are known the loop is run as it is; in a program, and inside Vmap, condition and step are
    /// staged. Inside Vmap it runs until all examples are done; those that are stay as they are.</remarks>
    /// <exception cref="ArgumentException">The condition is not one truth value; the step changes a shape or type of what it
    /// carries.</exception>
    /// <example><code>
    /// Tensor doubled = ControlFlow.WhileLoop((Tensor s) => Tensor.Less(s.Sum(), Tensor.Scalar(100f)), s => s * 2, x);
    /// </code></example>
    public static T WhileLoop<T>(Func<T, Tensor> condition, Func<T, T> body, T x)
    {
        FSharpFunc<T, Tensor> test = Curried.From(condition);
        return Control.whileLoop(test, Curried.From(body), x);
    }

    private static FSharpFunc<TCarry, FSharpFunc<TItem, Tuple<TCarry, TResult>>> Step<TCarry, TItem, TResult>(
        Func<TCarry, TItem, (TCarry, TResult)> step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return FuncConvert.FromFunc((TCarry carry, TItem item) => step(carry, item).ToTuple());
    }
}
