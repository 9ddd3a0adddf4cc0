using Autodiff;

namespace Layers.Tests;

public class ControlFlowTests
{
    private static readonly Tensor Point = Tensor.From([0.5, 1.5, -0.25], 3);

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.All(expected.ToArray<double>().Zip(actual.ToArray<double>()), p => Assert.Equal(p.First, p.Second, 12));
    }

    [Fact]
    public void Staged_functions_print_and_run()
    {
        StagedFunction<Tensor, Tensor> slope = Stage.Of(Gradient.Of((Tensor x) => Tensor.Sin(x).Sum()))(Point);
        Assert.Contains("= cos a", slope.ToString());
        Near(Tensor.Cos(Point * 2), slope.Invoke(Point * 2));
        var product = Stage.Of((Tensor x, Tensor y) => x * y)(Point, Point);
        Near(Point * Point * 3, product.Invoke((Point, Point * 3)));
    }

    [Fact]
    public void Compiled_functions_equal_their_functions_and_have_derivatives()
    {
        Func<Tensor, Tensor, Tensor> f = (x, y) => (Tensor.Tanh(x) * y + x).Sum();
        Func<Tensor, Tensor, Tensor> compiled = Jit.Compile(f);
        Near(f(Point, Point * 2), compiled(Point, Point * 2));
        Near(Gradient.Of(f)(Point, Point).First, Gradient.Of(compiled)(Point, Point).First);
        Near(Gradient.Of(f)(Point, Point).Second, Jit.Compile((Tensor a, Tensor b) => Gradient.Of(f)(a, b).Second)(Point, Point));
        Near(Point * Point + Point, Jit.Compile((Tensor a, Tensor b, Tensor c) => a * b + c)(Point, Point, Point));
    }

    [Fact]
    public void A_donated_argument_of_few_elements_can_still_be_read()
    {
        Func<Tensor, Tensor, Tensor> step = Jit.CompileDonating((Tensor w, Tensor x) => w - x);
        Tensor few = Tensor.From([3f, 4f]);
        Assert.Equal([2f, 3f], step(few, Tensor.Scalar(1f)).ToArray<float>());
        Assert.Equal([3f, 4f], few.ToArray<float>());
    }

    [Fact]
    public void Donated_arguments_are_written_over_and_copies_are_not()
    {
        Func<Tensor, Tensor, Tensor> step = Jit.CompileDonating((Tensor w, Tensor x) => w - (x.Sum() * w));
        Tensor w = new Key(1).Normal([50, 40], dtype: DType.Float64), x = Tensor.From([0.25, 0.5], 2);
        Tensor copy = w.Copy(), transposed = w.Transpose();
        Tensor next = step(w, x);
        Near(copy * 0.25, next);
        Assert.Contains("donated", Assert.Throws<InvalidOperationException>(() => w + 1).Message);
        Assert.Throws<InvalidOperationException>(() => (transposed * 2).ToArray<double>());
        Near(copy * 0.0625, step(next, x));
    }

    [Fact]
    public void Checkpoints_keep_values_and_gradients()
    {
        Func<Tensor, Tensor> block = x => (Tensor.Tanh(x) * x).Sum();
        Near(Gradient.Of(block)(Point), Gradient.Of(Checkpoint.Of(block))(Point));
    }

    [Fact]
    public void Scan_runs_a_recurrent_layer()
    {
        Tensor w = Tensor.From([0.3, -0.2, 0.1, 0.4], 2, 2);
        Tensor inputs = Tensor.From([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3, 1, 2);
        Tensor start = Tensor.Zeros(1, 2).To(DType.Float64);
        Func<Tensor, Tensor> scanned = w =>
        {
            (Tensor last, Tensor states) = ControlFlow.Scan(
                (Tensor h, Tensor x) => { Tensor next = Tensor.Tanh(h.MatMul(w) + x); return (next, next); }, start, inputs);
            return last.Sum() + (states * states).Sum();
        };
        Func<Tensor, Tensor> looped = w =>
        {
            Tensor h = start, total = Tensor.Scalar(0.0);
            for (int t = 0; t < 3; t++)
            {
                h = Tensor.Tanh(h.MatMul(w) + inputs[t]);
                total += (h * h).Sum();
            }
            return total + h.Sum();
        };
        Near(looped(w), scanned(w));
        Near(Gradient.Of(looped)(w), Gradient.Of(scanned)(w));
        Near(Gradient.Of(looped)(w), Stage.Of(Gradient.Of(scanned))(w).Invoke(w));
    }

    [Fact]
    public void ScanBack_sums_from_the_end()
    {
        var (first, sums) = ControlFlow.ScanBack((Tensor s, Tensor x) => (s + x, s + x), Tensor.Scalar(0.0), Point);
        Near(Tensor.From([1.75, 1.25, -0.25], 3), sums);
        Near(sums[0], first);
    }

    [Fact]
    public void Loops_and_branches_run_in_programs_and_in_Vmap()
    {
        Func<Tensor, Tensor> power = x => ControlFlow.ForiLoop(0, 4, (Tensor i, Tensor y) => y * x, x * 0 + 1);
        Near(Tensor.Pow(Point, 4.0), power(Point));
        Near(Tensor.Pow(Point, 4.0), Stage.Of(power)(Point).Invoke(Point));

        Func<Tensor, Tensor> doubled = x => ControlFlow.WhileLoop((Tensor s) => Tensor.Less(s, Tensor.Scalar(10.0)), s => s * 2, x);
        Near(Tensor.From([16.0, 12.0, 11.0], 3), Vmap.Of(doubled)(Tensor.From([0.5, 1.5, 11.0], 3)));

        Func<Tensor, Tensor> branch = x => ControlFlow.Cond(Tensor.Greater(x, Tensor.Scalar(0.0)), v => v * v, v => Tensor.Sin(v), x);
        Near(Tensor.From([0.25, 2.25, Math.Sin(-0.25)], 3), Vmap.Of(branch)(Point));
        Near(Tensor.From([1.0, 3.0, Math.Cos(-0.25)], 3), Vmap.Of(Gradient.Of(branch))(Point));
    }

    [Fact]
    public void Mistakes_name_the_operation_and_the_mend()
    {
        static void Fails(string start, string part, Action act)
        {
            string message = Assert.Throws<ArgumentException>(act).Message;
            Assert.StartsWith(start, message);
            Assert.Contains(part, message);
        }

        Tensor small = Tensor.Scalar(5.0);
        Fails("stage: ", "cond", () => Jit.Compile((Tensor x) => x.Sum().ToDouble() > 0 ? x : -x)(Point));
        Fails("stage: ", "cond", () => Jit.Compile((Tensor x) => (bool)Tensor.Less(x.Sum(), small) ? x : -x)(Point));
        Fails("stage: ", "no value", () => Checkpoint.Of((Tensor x) => Tensor.From(x.ToArray<double>()))(Point));
        Fails("vmap: ", "where", () => Vmap.Of((Tensor x) => (bool)Tensor.Less(x, small) ? x : -x)(Point));
        Fails("cond: ", "besides tensors (7 and 8)", () => Jit.Compile((Tensor x) =>
            ControlFlow.Cond(Tensor.Less(x.Sum(), small), v => (v, 7), v => (v, 8), x))(Point));
        Fails("scan: ", "besides tensors (0 and 1)", () => ControlFlow.Scan(
            ((Tensor Sum, int Count) c, Tensor x) => ((c.Sum + x, c.Count + 1), x), (Tensor.Scalar(0.0), 0), Point));
        Fails("scan: ", "float64()", () => ControlFlow.Scan((Tensor c, Tensor x) => (c * Point, x), Tensor.Scalar(0.0), Point));
        Fails("whileLoop: ", "scalar", () => ControlFlow.WhileLoop((Tensor x) => Tensor.Less(x, small), x => x * 2, Point));
        Fails("stage: ", "written for float64(3)", () => Stage.Of((Tensor x) => x * x)(Point).Invoke(small));
        Fails("jet: ", "(3)", () => Jet.Of((Tensor x) => x * x)(Point, [small]));
        Tensor? kept = null;
        Jit.Compile((Tensor x) => { kept = x * 2; return x; })(Point);
        Fails("stage: ", "return it from the function", () => _ = kept! + Point);
        Fails("profile: ", "no tensors", () => Profile.Run((string text) => text, "x"));
    }
}
