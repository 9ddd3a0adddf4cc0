using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class FusedTests
{
    /// <summary>An operand or a result in managed memory, as the loops take it.</summary>
    private sealed record Operand(byte[] Bytes, int[]? Strides);

    private static Operand Of<T>(T[] values, int[]? strides = null)
        where T : unmanaged => new(MemoryMarshal.AsBytes<T>(values).ToArray(), strides);

    private static T[] Read<T>(Operand operand)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(operand.Bytes).ToArray();

    private static void Compute(FusedGraph graph, int[] shape, Operand[] operands, int rowAxes = 0) => graph.Kernel.Run(
        shape, [.. operands.Select(operand => operand.Strides)], new nint[operands.Length],
        [.. operands.Select(operand => operand.Bytes)], rowAxes);

    private static float[] Numbers(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(37)]
    [InlineData(100_003)]
    public void An_expression_equals_its_kernels_one_after_another(int count)
    {
        float[] x = Numbers(1, count), y = Numbers(2, count);
        var graph = new FusedGraph(DType.Float32);
        int a = graph.Input(), b = graph.Input();
        int product = graph.Binary(Binary.Multiply, graph.Unary(Unary.Sigmoid, a), graph.Unary(Unary.Tanh, b));
        int less = graph.Compare(Compare.Less, a, b);
        int result = graph.Select(less, graph.Unary(Unary.Exp, product), graph.Binary(Binary.Add, a, graph.Constant(0.5)));
        graph.Output(result);
        graph.Output(less);
        graph.Output(product);
        Operand r = Of(new float[count]), t = Of(new byte[count]), p = Of(new float[count]);
        Compute(graph, [count], [Of(x), Of(y), r, t, p]);

        float[] sigmoid = Apply(Unary.Sigmoid, x), tanh = Apply(Unary.Tanh, y);
        float[] products = Apply(Binary.Multiply, sigmoid, tanh), exp = Apply(Unary.Exp, products);
        Assert.Equal(products, Read<float>(p));
        Assert.Equal(x.Zip(y, (x, y) => (byte)(x < y ? 1 : 0)), Read<byte>(t));
        Assert.Equal(Enumerable.Range(0, count).Select(i => x[i] < y[i] ? exp[i] : x[i] + 0.5f), Read<float>(r));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(21)]
    [InlineData(1003)]
    public void An_expression_of_many_long_functions_equals_its_kernels_one_after_another(int count)
    {
        UnaryKernel[] functions = [Unary.Sigmoid, Unary.Exp, Unary.Tanh];
        float[] x = Numbers(1, count), expected = x;
        var graph = new FusedGraph(DType.Float32);
        int input = graph.Input(), node = input;
        for (int i = 0; i < 15; i++)
        {
            // Products bring the numbers back to where the functions are not flat.
            node = graph.Binary(Binary.Multiply, graph.Unary(functions[i % 3], node), input);
            expected = Apply(Binary.Multiply, Apply(functions[i % 3], expected), x);
        }

        graph.Output(node);
        Operand r = Of(new float[count]);
        Compute(graph, [count], [Of(x), r]);
        Assert.Equal(expected, Read<float>(r));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(14)]
    [InlineData(1003)]
    public void An_expression_of_very_many_short_functions_equals_its_formula(int count)
    {
        double[] x = [.. Numbers(1, count).Select(v => (double)v)], y = [.. Numbers(2, count).Select(v => v + 3.0)], expected = [.. x];
        var graph = new FusedGraph(DType.Float64);
        int a = graph.Input(), b = graph.Input(), node = a;
        for (int i = 0; i < 20; i++)
        {
            int slope = graph.Binary(Binary.SigmoidGradient, graph.Unary(Unary.Reciprocal, b), node);
            int bend = graph.Binary(Binary.TanhGradient, graph.Binary(Binary.Subtract, slope, a), b);
            int less = graph.Compare(Compare.Less, bend, node);
            int sum = graph.Binary(Binary.Add, graph.Binary(Binary.Divide, bend, graph.Unary(Unary.Square, b)), a);
            node = graph.Select(less, graph.Unary(Unary.Negate, sum), graph.Binary(Binary.Multiply, sum, b));
            for (int j = 0; j < count; j++)
            {
                double s = 1 / y[j] * expected[j] * (1 - expected[j]), t = (s - x[j]) * (1 - y[j] * y[j]);
                double u = t / (y[j] * y[j]) + x[j];
                expected[j] = t < expected[j] ? -u : u * y[j];
            }
        }

        graph.Output(node);
        Operand r = Of(new double[count]);
        Compute(graph, [count], [Of(x), Of(y), r]);
        Assert.Equal(expected, Read<double>(r));
    }

    [Fact]
    public void Operands_broadcast_and_truth_values_are_read()
    {
        float[] rows = [1, 2, 3], columns = [10, 20, 30, 40];
        byte[] truth = [1, 0, 1, 0];
        var graph = new FusedGraph(DType.Float32);
        int a = graph.Input(), b = graph.Input(), c = graph.Input(isTruth: true), d = graph.Input();
        graph.Output(graph.Select(graph.Not(c), graph.Binary(Binary.Add, a, b), graph.Binary(Binary.Multiply, b, d)));
        Operand r = Of(new float[12]);
        var half = Of([0.5f], [0, 0]);
        Compute(graph, [3, 4], [Of(rows, [1, 0]), Of(columns, [0, 1]), Of(truth, [0, 1]), half, r]);
        Assert.Equal([5f, 21, 15, 41, 5, 22, 15, 42, 5, 23, 15, 43], Read<float>(r));
    }

    [Fact]
    public void A_single_number_is_computed_by_the_scalar_forms()
    {
        var graph = new FusedGraph(DType.Float64);
        int x = graph.Input();
        int big = graph.Compare(Compare.Greater, x, graph.Constant(1));
        graph.Output(graph.Select(big, graph.Unary(Unary.Sin, x), x));
        graph.Output(graph.Not(big));
        Operand r = Of(new double[1]), t = Of(new byte[1]);
        Compute(graph, [], [Of([1.5]), r, t]);
        Assert.Equal(Math.Sin(1.5), Read<double>(r)[0]);
        Assert.Equal(0, Read<byte>(t)[0]);
    }

    [Fact]
    public void Functions_without_a_vector_form_are_not_part_of_expressions()
    {
        Assert.True(FusedGraph.Supports(Unary.Exp, DType.Float32, isSingle: false));
        Assert.False(FusedGraph.Supports(Unary.Sinh, DType.Float32, isSingle: false));
        Assert.True(FusedGraph.Supports(Unary.Sinh, DType.Float32, isSingle: true));
        Assert.False(FusedGraph.Supports(Binary.And, DType.Float32, isSingle: true));
        Assert.True(FusedGraph.Supports(Compare.Less, DType.Float64));
    }

    [Theory]
    [InlineData(3, 17)]
    [InlineData(70, 1000)]
    [InlineData(2, 100_003)]
    public void Reductions_equal_those_of_the_written_expression_whatever_the_number_of_threads(int rows, int columns)
    {
        float[] x = Numbers(1, rows * columns), exp = Apply(Unary.Exp, x);
        var graph = new FusedGraph(DType.Float32);
        int e = graph.Unary(Unary.Exp, graph.Input());
        graph.Output(e, Reduction.Sum);
        graph.Output(e, Reduction.Sum);
        graph.Output(e, Reduction.Sum);
        graph.Output(e, Reduction.Maximum);

        float[][] Run()
        {
            Operand all = Of(new float[1], [0, 0]), each = Of(new float[rows], [1, 0]), column = Of(new float[columns], [0, 1]);
            Operand largest = Of(new float[columns], [0, 1]);
            Compute(graph, [rows, columns], [Of(x), all, each, column, largest]);
            return [Read<float>(all), Read<float>(each), Read<float>(column), Read<float>(largest)];
        }

        float[][] results = Run();
        float[] Column(int j) => [.. Enumerable.Range(0, rows).Select(i => exp[i * columns + j])];
        Assert.Equal(exp.Sum(v => (double)v), results[0][0], results[0][0] * 1e-7);
        for (int i = 0; i < rows; i++)
            Assert.Equal(exp.Skip(i * columns).Take(columns).Sum(v => (double)v), results[1][i], results[1][i] * 1e-7);
        for (int j = 0; j < columns; j++) Assert.Equal(Column(j).Sum(v => (double)v), results[2][j], results[2][j] * 1e-7);
        Assert.Equal(Enumerable.Range(0, columns).Select(j => Column(j).Max()), results[3]);

        // Inside a region everything runs on one thread.
        var alone = new float[2][][];
        Workers.For(2, i => alone[i] = Run());
        Assert.All(alone, one => Assert.Equal(results, one));
    }

    [Theory]
    [InlineData(16, 70, 9)]
    [InlineData(64, 512, 9)]
    [InlineData(5, 33, 36)]
    [InlineData(300, 7, 2)]
    public void Short_rows_are_joined_with_the_same_numbers_whatever_the_number_of_threads(int images, int channels, int pixels)
    {
        float[] x = Numbers(1, images * channels * pixels), y = Numbers(2, channels), z = Numbers(3, images * channels);
        byte[] truth = [.. y.Select(v => (byte)(v > 0 ? 1 : 0))];
        var graph = new FusedGraph(DType.Float32);
        int a = graph.Input(), b = graph.Input(), c = graph.Input(), t = graph.Input(isTruth: true);
        int value = graph.Select(t, graph.Binary(Binary.Multiply, a, b), graph.Binary(Binary.Add, a, c));
        graph.Output(value);
        graph.Output(value, Reduction.Sum);
        graph.Output(value, Reduction.Maximum);
        graph.Output(value, Reduction.Sum);

        float[][] Run()
        {
            Operand all = Of(new float[x.Length]), channel = Of(new float[channels], [0, 1, 0]);
            Operand pixel = Of(new float[channels * pixels], [0, pixels, 1]), one = Of(new float[1], [0, 0, 0]);
            Compute(
                graph,
                [images, channels, pixels],
                [Of(x), Of(y, [0, 1, 0]), Of(z, [channels, 1, 0]), Of(truth, [0, 1, 0]), all, channel, pixel, one]);
            return [Read<float>(all), Read<float>(channel), Read<float>(pixel), Read<float>(one)];
        }

        float[][] results = Run();
        int[] places = [.. Enumerable.Range(0, x.Length)];
        int Channel(int i) => i / pixels % channels;
        float[] expected = [.. places.Select(i => truth[Channel(i)] != 0 ? x[i] * y[Channel(i)] : x[i] + z[i / pixels])];
        Assert.Equal(expected, results[0]);
        foreach (IGrouping<int, int> group in places.GroupBy(Channel))
            Assert.Equal(group.Sum(i => (double)expected[i]), results[1][group.Key], 1e-6 * group.Sum(i => Math.Abs(expected[i])));
        foreach (IGrouping<int, int> group in places.GroupBy(i => i % (channels * pixels)))
            Assert.Equal(group.Max(i => expected[i]), results[2][group.Key]);
        Assert.Equal(expected.Sum(v => (double)v), results[3][0], 1e-6 * expected.Sum(v => Math.Abs(v)));

        // Inside a region everything runs on one thread.
        var alone = new float[2][][];
        Workers.For(2, i => alone[i] = Run());
        Assert.All(alone, one => Assert.Equal(results, one));
    }

    [Fact]
    public void What_follows_from_a_reduction_of_a_row_is_computed_in_the_same_pass()
    {
        const int rows = 5, columns = 37;
        float[] x = Numbers(1, rows * columns);
        var graph = new FusedGraph(DType.Float32);
        int a = graph.Input();
        int e = graph.Unary(Unary.Exp, graph.Binary(Binary.Subtract, a, graph.Reduce(Reduction.Maximum, a)));
        int sum = graph.Reduce(Reduction.Sum, e);
        graph.Output(graph.Binary(Binary.Divide, e, sum));
        graph.Output(sum);
        Operand r = Of(new float[x.Length]), s = Of(new float[rows], [1, 0]);
        Compute(graph, [rows, columns], [Of(x), r, s], rowAxes: 1);
        for (int i = 0; i < rows; i++)
        {
            float[] row = x[(i * columns)..((i + 1) * columns)];
            float[] exp = Apply(Unary.Exp, [.. row.Select(v => v - row.Max())]);
            var total = (float)exp.Sum(v => (double)v);
            Assert.Equal(total, Read<float>(s)[i]);
            Assert.Equal(exp.Select(v => v / total), Read<float>(r)[(i * columns)..((i + 1) * columns)]);
        }
    }

    private static float[] Apply(UnaryKernel kernel, float[] x)
    {
        var r = new float[x.Length];
        kernel.Invoke(DType.Float32, MemoryMarshal.AsBytes<float>(x), [], MemoryMarshal.AsBytes(r.AsSpan()), [x.Length]);
        return r;
    }

    private static float[] Apply(BinaryKernel kernel, float[] x, float[] y)
    {
        var r = new float[x.Length];
        kernel.Invoke(
            DType.Float32, MemoryMarshal.AsBytes<float>(x), [], MemoryMarshal.AsBytes<float>(y), [],
            MemoryMarshal.AsBytes(r.AsSpan()), [x.Length]);
        return r;
    }
}
