using Autodiff;
using Autodiff.Kernels;
using Autodiff.Layers;

namespace Benchmarks;

/// <summary>What a call costs when there is next to nothing to compute: so many calls that microseconds read as nanoseconds
/// a call. Each operation is called as it is, compiled, and recorded and pulled back.</summary>
internal static class SmallRows
{
    private const int Calls = 1000;

    internal static IEnumerable<Row> All =>
    [
        .. Operation("add number f64", () => Tensor.Scalar(0.5), x => x + 1.5),
        .. Operation("exp number f64", () => Tensor.Scalar(0.5), x => Tensor.Exp(x)),
        .. Operation("mul [10]", () => Vector, x => x * x),
        .. Operation("mul [10] by a number", () => Vector, x => x * 2.0),
        .. Operation("sum [10]", () => Vector, x => x.Sum()),
        .. Operation("sum [4, 4] axis 0", () => Matrix, x => x.Sum(0)),
        .. Operation("max [10]", () => Vector, x => x.Max()),
        .. Operation("slice [10] 1..", () => Vector, x => x[1..]),
        .. Operation("index [10] 3", () => Vector, x => x[3]),
        .. Operation("reshape [10] to [2, 5]", () => Vector, x => x.Reshape(2, 5)),
        .. Operation("transpose [4, 4]", () => Matrix, x => x.Transpose()),
        .. Operation("concat [10] [10]", () => Vector, x => Tensor.Concat(0, x, x)),
        .. Operation("where [10]", () => Vector, x => Tensor.Where(Positive, x, Zero)),
        .. Operation("matmul [4, 4]", () => Matrix, x => x.MatMul(x)),
        .. Operation("dot [10]", () => Vector, x => TensorModule.dot(x, x)),
    ];

    private static Tensor Vector { get; } = new Key(0).Normal([10]);

    private static Tensor Matrix { get; } = new Key(1).Normal([4, 4]);

    private static Tensor Zero { get; } = Tensor.Scalar(0f);

    private static Tensor Positive { get; } = Tensor.Greater(Vector, Zero);

    private static IEnumerable<Row> Operation(string name, Func<Tensor> input, Func<Tensor, Tensor> f)
    {
        yield return new($"small: {name}, {Calls} calls", () => Repeated(input(), f), () => Repeated(input(), Jit.Compile(f)));
        yield return new($"small: {name}, {Calls} recorded and pulled back", () =>
        {
            Tensor x = input(), ct = Tensor.OnesLike(f(x));
            Tensor[] cts = [.. Enumerable.Repeat(ct, Calls)];
            var both = Vjp.Of((Tensor v) =>
            {
                var results = new Tensor[Calls];
                for (int i = 0; i < Calls; i++) results[i] = f(v);
                return results;
            });
            return () => both(x).Pullback(cts);
        });
    }

    private static Action Repeated(Tensor x, Func<Tensor, Tensor> f) => () =>
    {
        for (int i = 0; i < Calls; i++) f(x);
    };
}
