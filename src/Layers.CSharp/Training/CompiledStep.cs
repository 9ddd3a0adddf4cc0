using Microsoft.FSharp.Core;

namespace Autodiff.Layers;

/// <summary>The steps of a trainer, compiled for each kind of state and batch.</summary>
/// <param name="trainer">The trainer.</param>
/// <param name="donates">Whether a step may write the next state over the one that it is given.</param>
internal sealed class CompiledStep(Trainer trainer, bool donates)
{
    private readonly Control.CompiledFunction<
        ((Parameters, OptimizerState), (Batch, Key)), (Tensor, Tensor, Parameters, OptimizerState)> function = new(
        FuncConvert.FromFunc((((Parameters, OptimizerState) At, (Batch, Key)) x) => donates ? Tree.leaves(x.At).Length : 0),
        FuncConvert.FromFunc((((Parameters Parameters, OptimizerState Optimizer) At, (Batch Batch, Key Key) With) x) => donates
            ? trainer.ComputeIfFinite(x.At.Parameters, x.At.Optimizer, x.With.Batch, x.With.Key)
            : trainer.Compute(x.At.Parameters, x.At.Optimizer, x.With.Batch, x.With.Key)));

    // The last one, which the next often is.
    private Known? last;

    /// <summary>What a step is compiled to.</summary>
    internal JitEntry<(Tensor, Tensor, Parameters, OptimizerState)> Find(
        Parameters parameters, OptimizerState optimizer, Batch batch, Key key) => function.Find(((parameters, optimizer), (batch, key)));

    /// <summary>One step: the loss and the output before it, the parameters and the state of the optimizer after it.</summary>
    internal (Tensor Loss, Tensor Output, Parameters Parameters, OptimizerState State) Run(TrainingState state, Batch batch, Key key)
    {
        (Parameters parameters, OptimizerState optimizer) = (state.Parameters, state.Optimizer);
        int count = parameters.Count, memory = optimizer.Memory.Length;
        var arrays = new NDArray[count + memory + 5];
        bool isConcrete = true;
        int next = 0;

        void Add(Tensor x)
        {
            isConcrete &= x.Level == 0;
            if (isConcrete) arrays[next++] = x.Array;
        }

        foreach (Tensor x in parameters.Tensors) Add(x);
        Add(optimizer.Step);
        Add(optimizer.RateScale);
        foreach (Tensor x in optimizer.Memory) Add(x);
        Add(batch.Inputs);
        Add(batch.Targets);
        Add(key.Tensor);

        // Inside a transform a step is an operation as others.
        if (!isConcrete) return function.Invoke(((parameters, optimizer), (batch, key)));
        if (last is not { } known || !known.Fits(parameters, optimizer, arrays))
        {
            JitEntry<(Tensor, Tensor, Parameters, OptimizerState)> entry = Find(parameters, optimizer, batch, key);
            if (entry.Captured.Length > 0) return function.Invoke(((parameters, optimizer), (batch, key)));
            last = known = new(parameters, optimizer, entry);
        }

        NDArray[] results = known.Entry.Operation.Run(arrays);
        (_, _, Parameters template, OptimizerState optimizerTemplate) = known.Entry.Template;
        var own = new Tensor[template.Count];
        var remembered = new Tensor[optimizerTemplate.Memory.Length];
        for (int i = 0; i < own.Length; i++) own[i] = new Concrete(results[2 + i]);
        for (int i = 0; i < remembered.Length; i++) remembered[i] = new Concrete(results[own.Length + 4 + i]);
        var after = new OptimizerState(
            optimizerTemplate.Layout, new Concrete(results[own.Length + 2]), new Concrete(results[own.Length + 3]), remembered);
        return (new Concrete(results[0]), new Concrete(results[1]), template.WithOwn(own), after);
    }

    private sealed class Known(
        Parameters parameters, OptimizerState optimizer, JitEntry<(Tensor, Tensor, Parameters, OptimizerState)> entry)
    {
        private readonly object? structure = parameters.Structure;
        private readonly StateLayout layout = optimizer.Layout;

        internal JitEntry<(Tensor, Tensor, Parameters, OptimizerState)> Entry => entry;

        internal bool Fits(Parameters parameters, OptimizerState optimizer, NDArray[] arrays)
        {
            TensorType[] types = entry.Key.Types;
            if (structure is null || !structure.Equals(parameters.Structure) || !layout.Equals(optimizer.Layout)) return false;
            if (types.Length != arrays.Length || !ReferenceEquals(arrays[0].Device, entry.Key.Device)) return false;
            for (int i = 0; i < arrays.Length; i++)
            {
                if (arrays[i].DType != types[i].DType || !arrays[i].Shape.AsSpan().SequenceEqual(types[i].Shape)) return false;
            }

            return true;
        }
    }
}
