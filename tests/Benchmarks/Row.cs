using Autodiff;
using Autodiff.Kernels;
using Autodiff.Layers;

namespace Benchmarks;

/// <summary>One benchmark: each function prepares the inputs and returns what is timed.</summary>
/// <param name="Name">The name that the comparison with a peer uses.</param>
/// <param name="Eager">The work, operation by operation; null if there is no such way.</param>
/// <param name="Compiled">The same work, compiled.</param>
/// <param name="Work">What it has to compute or to move, if that is known.</param>
/// <param name="Without">Work whose time is taken off the compiled one's.</param>
internal sealed record Row(
    string Name, Func<Action>? Eager, Func<Action>? Compiled = null, Func<Work>? Work = null, Func<Action>? Without = null)
{
    /// <summary>A function of one tensor, as it is and compiled.</summary>
    internal static Row Of(string name, Func<Tensor> input, Func<Tensor, Tensor> function, Work? work = null)
    {
        return new(name, () => Call(function), () => Call(Jit.Compile(function)), work is null ? null : () => work);

        Action Call(Func<Tensor, Tensor> f)
        {
            Tensor x = input();
            return () => f(x);
        }
    }

    /// <summary>A kernel of which the number of floating-point operations is known.</summary>
    internal static Row Of(string name, double flops, Func<Action> make) => new(name, make, Work: () => new(flops, 0));

    /// <summary>A training step: forward, loss, gradient, update.</summary>
    internal static Row Of(string name, Func<Training> make)
    {
        return new(name, () => Step(isCompiled: false), () => Step(isCompiled: true), () => make().Products());

        Action Step(bool isCompiled)
        {
            (Trainer trainer, TrainingState state, Batch batch) = make().Start(isCompiled);
            return () => state = trainer.Step(state, batch, donate: true).State;
        }
    }

    /// <summary>What the first compiled step takes longer than those after it, once .NET has compiled the library.</summary>
    internal static Row Compilation(string name, Func<Training> make)
    {
        return new(name, null, () => Step(isNew: true), Without: () => Step(isNew: false));

        Action Step(bool isNew)
        {
            Training training = make();
            (Trainer trainer, TrainingState state, Batch batch) = training.Start(isCompiled: true);
            return () => (isNew ? training.Trainer(isCompiled: true) : trainer).Step(state, batch);
        }
    }

    /// <summary>The median times of a call in microseconds, by way: "eager" and "jit".</summary>
    internal IEnumerable<(string Way, double Microseconds)> Times(double seconds)
    {
        if (Eager is not null) yield return ("eager", Clock.Median(Eager(), seconds));
        if (Compiled is null) yield break;
        double all = Clock.Median(Compiled(), seconds);
        yield return ("jit", Without is null ? all : all - Clock.Median(Without(), seconds));
    }
}

/// <summary>What has to be computed and moved.</summary>
/// <param name="Flops">The number of additions and multiplications of floating-point numbers.</param>
/// <param name="Bytes">The bytes of inputs and results: what no order of operations can avoid to move.</param>
internal sealed record Work(double Flops, double Bytes);

/// <summary>A network, and what it is trained on and by.</summary>
internal sealed record Training(Layer Network, Optimizer Optimizer, Tensor Inputs, Tensor Targets, Loss Loss)
{
    internal Trainer Trainer(bool isCompiled) => new(Network, Loss, Optimizer) { Compiled = isCompiled };

    internal (Trainer Trainer, TrainingState State, Batch Batch) Start(bool isCompiled)
    {
        Trainer trainer = Trainer(isCompiled);
        return (trainer, trainer.Start(new Key(2), Inputs.Shape[1..]), new(Inputs, Targets));
    }

    /// <summary>The work of the matrix products and convolutions of a step, as a profile counts it.</summary>
    internal Work Products()
    {
        (Trainer trainer, TrainingState state, Batch batch) = Start(isCompiled: false);
        var (_, report) = Profile.Run(
            (Parameters p, OptimizerState s, Batch b) => trainer.Compute(p, s, b, state.Key), state.Parameters, state.Optimizer, batch);
        return new(report.Rows.Where(row => row.Name is "matmul" or "conv" or "convInputGradient" or "convFilterGradient").Sum(row => row.Flops), 0);
    }
}
