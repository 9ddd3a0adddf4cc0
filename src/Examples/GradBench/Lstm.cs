namespace Autodiff.Examples.GradBench;

/// <summary>The eval lstm: the loss of a recurrent network with diagonal weights that predicts the next character.</summary>
internal static class Lstm
{
    internal static Module Module { get; } = Module.Of<Input, Problem>(
        "lstm",
        Prepare,
        ("objective", problem => problem.Loss(problem.Weights)),
        ("jacobian", problem => Flat(Gradient.Of<Weights>(problem.Loss)(problem.Weights))));

    private static Problem Prepare(Input input)
    {
        if (input.Sequence.Rank != 2 || input.Sequence.Shape[0] < 2 || input.MainParams.Rank != 2)
            throw new ArgumentException("sequence must be at least two rows of bits, main_params a matrix.");
        int bits = input.Sequence.Shape[1], layers = input.MainParams.Shape[0] / 2;
        Module.Expect("main_params", input.MainParams, 2 * layers, 4 * bits);
        Module.Expect("extra_params", input.ExtraParams, 3, bits);
        Module.Expect("state", input.State, 2 * layers, bits);
        return new Problem(new Weights(input.MainParams, input.ExtraParams), input.State, input.Sequence);
    }

    private static Tensor Flat(Weights weights) => Tensor.Concat(0, weights.Main.Reshape(-1), weights.Extra.Reshape(-1));

    private sealed record Weights(Tensor Main, Tensor Extra);

    /// <summary>A gate sees each element of its input through a weight and a bias of its own.</summary>
    private readonly record struct Gate(Tensor Weight, Tensor Bias)
    {
        internal Tensor Of(Tensor x) => x * Weight + Bias;
    }

    private sealed record Layer(Gate Forget, Gate Ingate, Gate Outgate, Gate Change)
    {
        /// <summary>A layer from its row of weights and its row of biases, each four blocks.</summary>
        internal static Layer Of(Tensor weights, Tensor biases, int bits)
        {
            Gate At(int block)
            {
                Range range = (block * bits)..((block + 1) * bits);
                return new Gate(weights[range], biases[range]);
            }

            return new Layer(At(0), At(1), At(2), At(3));
        }

        internal (Tensor Hidden, Tensor Cell) Step(Tensor x, Tensor hidden, Tensor cell)
        {
            Tensor forget = Tensor.Sigmoid(Forget.Of(x));
            Tensor ingate = Tensor.Sigmoid(Ingate.Of(hidden));
            Tensor outgate = Tensor.Sigmoid(Outgate.Of(x));
            Tensor change = Tensor.Tanh(Change.Of(hidden));
            Tensor next = cell * forget + ingate * change;
            return (outgate * Tensor.Tanh(next), next);
        }
    }

    private sealed record Problem(Weights Weights, Tensor State, Tensor Sequence)
    {
        internal Tensor Loss(Weights weights)
        {
            int count = State.Shape[0] / 2, steps = Sequence.Shape[0] - 1, bits = Sequence.Shape[1];
            Layer[] layers = [.. Enumerable.Range(0, count).Select(i => Layer.Of(weights.Main[2 * i], weights.Main[2 * i + 1], bits))];
            (Tensor Hidden, Tensor Cell)[] start = [.. Enumerable.Range(0, count).Select(i => (State[2 * i], State[2 * i + 1]))];
            (_, Tensor last) = ControlFlow.Scan(
                ((Tensor Hidden, Tensor Cell)[] states, Tensor x) =>
                {
                    var next = new (Tensor Hidden, Tensor Cell)[count];
                    for (int i = 0; i < count; i++)
                    {
                        next[i] = layers[i].Step(x, states[i].Hidden, states[i].Cell);
                        x = next[i].Hidden;
                    }

                    return (next, x);
                },
                start, Sequence[..steps] * weights.Extra[0]);

            // What was predicted is judged for all steps at once.
            Tensor outputs = last * weights.Extra[1] + weights.Extra[2];
            Tensor logSums = Tensor.Log(2.0 + Tensor.Exp(outputs).Sum([1], keepAxes: true));
            return (Sequence[1..] * (outputs - logSums)).Sum() * (-1.0 / (steps * bits));
        }
    }

    private sealed record Input(Tensor MainParams, Tensor ExtraParams, Tensor State, Tensor Sequence);
}
