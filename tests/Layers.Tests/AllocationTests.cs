using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

/// <summary>What warm training allocates on the managed heap, by the counters of the collector.</summary>
public sealed class AllocationTests
{
    private const int BatchSize = 20;

    private static Dataset Examples(int count, int[] shape) => new(
        new Key(1).Normal([count, .. shape]), new Key(2).Integers([count], 0, 10));

    /// <summary>The bytes that this thread allocates in a warm epoch.</summary>
    private static long BytesOfEpoch(Layer network, Optimizer optimizer, int[] shape, int steps)
    {
        var ends = new List<long>();
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, optimizer)
        {
            Callbacks = [Callback.From(onEpochEnd: _ => ends.Add(GC.GetAllocatedBytesForCurrentThread()))],
            Output = Output.None,
        };
        trainer.Fit(Examples(steps * BatchSize, shape), epochs: 4, batchSize: BatchSize);
        return ends[3] - ends[2];
    }

    public static TheoryData<string> Networks => [.. Rows.Keys];

    private static readonly Dictionary<string, (Layer Network, Optimizer Optimizer, int[] Shape)> Rows = new()
    {
        ["dense"] = (new Sequential(new Dense(50), Activations.Sigmoid, new Dense(10)), new Momentum(0.01), [784]),
        ["batch norm"] = (
            new Sequential(new Dense(30), new BatchNorm(), Activations.Tanh, new Dense(10)), new Adam(1e-3), [20]),
        ["convolutions"] = (
            new Sequential(new Conv2D(4, 3), Activations.ReLU, new MaxPool2D(2), new Flatten(), new Dense(10)), new Adam(1e-3),
            [1, 12, 12]),
    };

    /// <summary>An epoch has a price of its own, such as the state that callbacks may keep; its steps have none.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void Steps_of_a_run_allocate_next_to_nothing(string name)
    {
        (Layer network, Optimizer optimizer, int[] shape) = Rows[name];
        long few = BytesOfEpoch(network, optimizer, shape, 20), many = BytesOfEpoch(network, optimizer, shape, 220);
        Assert.InRange((many - few) / 200.0, -400, 400);
    }

    /// <summary>A step by itself gives a state, a loss and an output, which are the user's to keep.</summary>
    [Fact]
    public void A_step_allocates_little_besides_what_it_gives()
    {
        (Layer network, Optimizer optimizer, int[] shape) = Rows["dense"];
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, optimizer);
        Dataset data = Examples(BatchSize, shape);
        var batch = new Batch(data.Inputs, data.Targets);
        TrainingState state = trainer.Start(new Key(0), shape).Copy();
        for (int i = 0; i < 100; i++) state = trainer.Step(state, batch, donate: true).State;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) state = trainer.Step(state, batch, donate: true).State;

        // Eleven tensors of the state with their arrays and owners of memory, and an output of 800 bytes.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 0, 5000);
    }
}
