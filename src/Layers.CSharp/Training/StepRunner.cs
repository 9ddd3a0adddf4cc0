using System.Runtime.InteropServices;

namespace Autodiff.Layers;

/// <summary>
/// The steps of one run. Compiled ones write each state over the last, where it is, and allocate nothing, until somebody asks
/// for the state: what was given away is never written over.
/// </summary>
/// <param name="trainer">The trainer.</param>
/// <param name="start">The state before the first step.</param>
/// <param name="keepsOutputs">Whether the output of each step is asked for, and so is a tensor of its own.</param>
internal sealed class StepRunner(Trainer trainer, TrainingState start, bool keepsOutputs)
{
    private readonly List<Prepared> prepared = [];
    private TrainingState given = start;
    private Resident? resident;
    private int step = start.Step;
    private bool isAhead;

    // Whether others hold the state, so that a step that is not resident must not write over it.
    private bool isShared = true;

    /// <summary>The state of now. Who reads it may keep it.</summary>
    internal TrainingState State
    {
        get
        {
            if (isAhead)
            {
                Tensor[] leaves = resident!.Leaves;
                int count = given.Parameters.Count;
                given = given with
                {
                    Parameters = given.Parameters.WithLeaves(new ArraySegment<Tensor>(leaves, 0, count)),
                    Optimizer = given.Optimizer.WithLeaves(new ArraySegment<Tensor>(leaves, count, leaves.Length - count)),
                    Step = step,
                };
                isAhead = false;
            }

            isShared = true;
            return given;
        }

        set => (given, resident, step, isAhead, isShared) = (value, null, value.Step, false, true);
    }

    /// <summary>One step; its loss before it. A loss that is not finite leaves the state as it is.</summary>
    /// <param name="batch">The examples.</param>
    /// <param name="isBuffer">Whether the tensors of the batch are written over by those of the next.</param>
    /// <param name="output">The output of the network, if it is asked for.</param>
    internal double Step(Batch batch, bool isBuffer, out Tensor? output)
    {
        Key key = given.Key.FoldIn(step);
        if (trainer.Compiled && Find(batch, isBuffer, key) is { } found)
        {
            using System.Diagnostics.Activity? span = Telemetry.Source.StartActivity("autodiff.step");
            double value = Run(found, batch, isBuffer, key, out output);
            if (double.IsFinite(value)) step++;
            return value;
        }

        bool mustCopy = trainer.Compiled && (isShared || isAhead);
        TrainingState before = isAhead ? State : given;
        TrainingStep result = trainer.Step(mustCopy ? before.Copy() : before, isBuffer ? Copy(batch) : batch, donate: true);
        bool isFinite = double.IsFinite(result.Loss);
        State = isFinite ? result.State : result.State with { Step = before.Step };
        isShared = false;
        output = result.Output;
        return result.Loss;
    }

    private double Run(Prepared found, Batch batch, bool isBuffer, Key key, out Tensor? output)
    {
        NDArray[] results = found.Results;
        NDArray? fresh = keepsOutputs ? Resident.Place(found.Output) : null;
        results[1] = fresh ?? (found.OwnOutput ??= Resident.Place(found.Output));
        found.Inputs[0] = batch.Inputs.Array;
        found.Inputs[1] = batch.Targets.Array;
        MemoryMarshal.Write(HostArrays.writable(found.Inputs[2]), key.State);
        try
        {
            resident!.Advance(found.Executable, found.Inputs, results);
        }
        catch (ArgumentException)
        {
            trainer.Explain(isBuffer ? Copy(batch) : batch, key);
            throw;
        }

        isAhead = true;
        output = fresh is null ? null : new Concrete(fresh);
        NDArray loss = results[0];
        return loss.DType == DType.Float32 ? loss.InlineSingle : loss.InlineDouble;
    }

    /// <summary>What runs batches of these shapes; null if tensors belong to a transform.</summary>
    private Prepared? Find(Batch batch, bool isBuffer, Key key)
    {
        if (resident is not null)
        {
            foreach (Prepared known in prepared)
            {
                if (known.Fits(batch)) return resident.Fits(known.Executable) ? known : null;
            }
        }

        Tensor[] leaves = [.. given.Parameters.Leaves, .. given.Optimizer.Leaves];
        if (leaves.Append(batch.Inputs).Append(batch.Targets).Any(x => x.Level != 0)) return null;
        JitEntry<(Tensor, Tensor, Parameters, OptimizerState)> entry;
        try
        {
            entry = trainer.Donating.Find(given.Parameters, given.Optimizer, batch, key);
        }
        catch (ArgumentException)
        {
            trainer.Explain(isBuffer ? Copy(batch) : batch, key);
            throw;
        }

        if (entry.Captured.Length > 0 || entry.Operation.Results[0] is not { Shape.Length: 0, DType: DType.Float32 or DType.Float64 }) return null;
        resident ??= new Resident(leaves);
        var made = new Prepared(entry.Operation, batch);
        if (!resident.Fits(made.Executable)) return null;
        if (!prepared.Exists(known => known.Executable == made.Executable)) prepared.Add(made);
        return prepared.Find(known => known.Executable == made.Executable);
    }

    private static Batch Copy(Batch batch) => new(batch.Inputs.Copy(), batch.Targets.Copy());

    /// <summary>A compiled step for batches of some shapes, with what it is called with.</summary>
    private sealed class Prepared
    {
        private readonly (int[] Shape, DType Type) inputs, targets;

        internal Prepared(JitPrimitive operation, Batch batch)
        {
            Executable = operation.Executable;
            (inputs, targets) = ((batch.Inputs.Shape, batch.Inputs.DType), (batch.Targets.Shape, batch.Targets.DType));
            Output = operation.Results[1];
            Results = [Resident.Place(operation.Results[0]), null!];
            Inputs = [null!, null!, Resident.Place(new TensorType([], DType.Int64))];
        }

        internal Executable Executable { get; }

        internal TensorType Output { get; }

        internal NDArray[] Results { get; }

        internal NDArray[] Inputs { get; }

        internal NDArray? OwnOutput { get; set; }

        internal bool Fits(Batch batch) => IsOf(batch.Inputs, inputs) && IsOf(batch.Targets, targets);

        private static bool IsOf(Tensor x, (int[] Shape, DType Type) type) =>
            x.Level == 0 && x.DType == type.Type && x.Shape.AsSpan().SequenceEqual(type.Shape);
    }
}

/// <summary>The batches of a data set in memory that each writes over the last: for who keeps none of them.</summary>
internal sealed class BatchBuffer(Dataset data, int batchSize, bool dropLast)
{
    private readonly Dictionary<int, Batch> batches = [];

    /// <summary>The same batches as those of <see cref="Dataset.Batches"/>.</summary>
    internal IEnumerable<Batch> Batches(Key? shuffleKey, int skip)
    {
        NDArray? order = shuffleKey?.Permutation(data.Count).Array;
        for (int start = (int)Math.Min(data.Count, (long)skip * batchSize); start < data.Count; start += Math.Min(batchSize, data.Count - start))
        {
            int count = Math.Min(batchSize, data.Count - start);
            if (dropLast && count < batchSize) yield break;
            if (!batches.TryGetValue(count, out Batch? batch)) batches[count] = batch = new(Rows(data.Inputs, count), Rows(data.Targets, count));
            Fill(batch.Inputs.Array, data.Inputs.Array, order, start);
            Fill(batch.Targets.Array, data.Targets.Array, order, start);
            yield return batch;
        }
    }

    private static Concrete Rows(Tensor x, int count) => new(Resident.Place(new TensorType([count, .. x.Shape[1..]], x.DType)));

    private static void Fill(NDArray rows, NDArray all, NDArray? order, int start)
    {
        if (order is not null) Resident.TakeRows(all, order, start, rows);
        else if (rows.Size > 0) rows.Point(all.Offset + start * (rows.Size / rows.Shape[0]), all.Storage, 0);
    }
}
