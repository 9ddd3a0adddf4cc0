using System.Diagnostics;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class ResumeTests : IDisposable
{
    private const int Epochs = 4, BatchSize = 7, Seed = 3;
    private readonly Files files = new();

    /// <summary>Small images, in two classes.</summary>
    private static readonly Dataset Images = MakeImages(30, 1), Others = MakeImages(12, 2);

    public void Dispose() => files.Dispose();

    private static Dataset MakeImages(int count, int seed)
    {
        Tensor images = new Key(seed).Normal([count, 1, 6, 6]);
        return new(images, Tensor.Greater(images.Mean(1, 2, 3), Tensor.Scalar(0f)).To(DType.Int64));
    }

    private static Pipeline Batches() =>
        new Pipeline(Images, BatchSize).Augment(Augmentation.Shift(1), Augmentation.Noise(0.1)).Prefetch();

    private static Trainer MakeTrainer(Optimizer optimizer, params IReadOnlyList<Callback> callbacks) =>
        new(new Sequential(new Conv2D(3, 3), Activations.ReLU, new Flatten(), new Dropout(0.2), new Dense(2)), Losses.SoftmaxCrossEntropy, optimizer)
        {
            Metrics = [Metrics.Accuracy],
            Callbacks = [new ReduceOnPlateau(0.5, patience: 0), .. callbacks],
            Output = Output.None,
        };

    private static readonly Optimizer[] Optimizers =
    [
        new Adam(Schedule.Cosine(0.02, 20).WarmUp(3)),
        new Accumulate(new Chain(new NAdam(0.02), new ClipByNorm(1)), 3),
        new ParameterGroups(new Momentum(0.05), (name => name.EndsWith("bias", StringComparison.Ordinal), new Frozen())),
    ];

    private static float[][] Values(Model model) => [.. model.Parameters.Leaves.Select(leaf => leaf.ToArray<float>())];

    private static void AssertSame(TrainingResult expected, TrainingResult found)
    {
        Assert.Equal(Values(expected.Model), Values(found.Model));
        Assert.Equal(expected.State.Optimizer.Leaves.Select(leaf => leaf.ToArray<double>()), found.State.Optimizer.Leaves.Select(leaf => leaf.ToArray<double>()));
        Assert.Equal(expected.State.Step, found.State.Step);
        Assert.Equal(expected.History.Epochs.Count, found.History.Epochs.Count);
        foreach ((EpochRecord a, EpochRecord b) in expected.History.Epochs.Zip(found.History.Epochs))
        {
            Assert.Equal((a.Epoch, a.Loss, a.ValidationLoss, a.Steps, a.LearningRate), (b.Epoch, b.Loss, b.ValidationLoss, b.Steps, b.LearningRate));
            Assert.Equal(a.Metrics, b.Metrics);
            Assert.Equal(a.ValidationMetrics, b.ValidationMetrics);
        }
    }

    [Fact]
    public void A_run_that_is_killed_at_any_step_goes_on_as_if_it_had_not_been()
    {
        var random = new Random(5);
        foreach (Optimizer optimizer in Optimizers)
        {
            TrainingResult whole = MakeTrainer(optimizer).Fit(Batches(), Others, Epochs, Seed);
            Assert.Equal(Epochs, whole.History.Epochs.Count);
            for (int attempt = 0; attempt < 4; attempt++)
            {
                string file = files[$"{Guid.NewGuid():N}.safetensors"];
                int total = Epochs * Batches().Steps, every = random.Next(1, 6), deaths = 0;
                TrainingResult? result = null;
                while (result is null)
                {
                    // Each life is longer than the distance of checkpoints, so that the run gets on.
                    int left = every + random.Next(1, total);
                    Callback killer = Callback.From(onStepEnd: run =>
                    {
                        if (--left == 0) throw new TimeoutException();
                    });
                    try
                    {
                        result = MakeTrainer(optimizer, new TrainingCheckpoint(file, every), killer).Fit(
                            Batches(), Others, Epochs, Seed, resumeFrom: File.Exists(file) ? file : null);
                    }
                    catch (TimeoutException)
                    {
                        deaths++;
                    }
                }

                AssertSame(whole, result);
                Assert.True(deaths < 2 * total);
            }
        }
    }

    /// <summary>What the process that is killed runs: it trains, goes on from its checkpoint if there is one, and then saves the
    /// model. Up to some step it takes time to be killed in; from there on, it waits for it.</summary>
    internal static void Train(string checkpoint, string model, int lastStep)
    {
        Callback slow = Callback.From(onStepEnd: run =>
            Thread.Sleep(run.State.Step < lastStep ? 10 : run.State.Step == lastStep ? Timeout.Infinite : 0));
        MakeTrainer(Optimizers[0], new TrainingCheckpoint(checkpoint, 1), slow).Fit(
            Batches(), Others, Epochs, Seed, resumeFrom: File.Exists(checkpoint) ? checkpoint : null).Model.Save(model);
    }

    [Fact]
    public void A_process_that_is_killed_leaves_a_whole_checkpoint_to_go_on_from()
    {
        string checkpoint = files["run.safetensors"], model = files["model.safetensors"];
        Process Start(int lastStep) => Process.Start(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [typeof(ResumeTests).Assembly.Location, checkpoint, model, $"{lastStep}"]);
        DateTime written = default;
        var random = new Random(1);
        foreach (int lastStep in new[] { 8, 17 })
        {
            using Process process = Start(lastStep);
            Assert.True(SpinWait.SpinUntil(
                () => process.HasExited || (File.Exists(checkpoint) && File.GetLastWriteTimeUtc(checkpoint) > written), 60_000));
            Thread.Sleep(random.Next(100));
            process.Kill();
            process.WaitForExit();
            Assert.False(File.Exists(model));
            written = File.GetLastWriteTimeUtc(checkpoint);
        }

        using Process last = Start(0);
        last.WaitForExit();
        Assert.Equal(0, last.ExitCode);
        TrainingResult whole = MakeTrainer(Optimizers[0]).Fit(Batches(), Others, Epochs, Seed);
        Assert.Equal(Values(whole.Model), Values(Model.Load(whole.Model.Network, model)));
    }

    [Fact]
    public void A_cancelled_run_goes_on_from_where_it_was_cancelled()
    {
        TrainingResult whole = MakeTrainer(Optimizers[0]).Fit(Batches(), Others, Epochs, Seed);
        foreach (int at in new[] { 1, 4, 5, 6, 12 })
        {
            string file = files[$"cancelled-{at}.safetensors"];
            using var source = new CancellationTokenSource();
            Callback cancel = Callback.From(onStepEnd: run =>
            {
                if (run.State.Step == at) source.Cancel();
            });
            TrainingResult first = MakeTrainer(Optimizers[0], new TrainingCheckpoint(file), cancel).Fit(
                Batches(), Others, Epochs, Seed, cancellationToken: source.Token);
            Assert.True(first.Cancelled);
            Assert.Equal(at, first.State.Step);
            AssertSame(whole, MakeTrainer(Optimizers[0]).Fit(Batches(), Others, Epochs, Seed, resumeFrom: file));
        }
    }

    [Fact]
    public void A_finished_run_can_be_made_longer()
    {
        string file = files["run.safetensors"];
        MakeTrainer(Optimizers[0], new TrainingCheckpoint(file)).Fit(Images, Others, 2, BatchSize, Seed);
        TrainingResult longer = MakeTrainer(Optimizers[0]).Fit(Images, Others, Epochs, BatchSize, Seed, resumeFrom: file);
        AssertSame(MakeTrainer(Optimizers[0]).Fit(Images, Others, Epochs, BatchSize, Seed), longer);
        TrainingResult over = MakeTrainer(Optimizers[0]).Fit(Images, Others, 2, BatchSize, Seed, resumeFrom: file);
        Assert.Equal(2, over.History.Epochs.Count);
        Assert.False(over.Cancelled);
    }

    [Fact]
    public void Early_stopping_judges_a_resumed_run_by_its_whole_history()
    {
        string file = files["run.safetensors"];
        Callback[] callbacks = [new TrainingCheckpoint(file), new EarlyStopping(1)];
        var optimizer = new SGD(Schedule.Piecewise(0.05, (5, 5)));
        TrainingResult first = MakeTrainer(optimizer, callbacks).Fit(Images, Others, 50, BatchSize, Seed);
        int epochs = first.History.Epochs.Count;
        Assert.InRange(epochs, 2, 49);
        TrainingResult again = MakeTrainer(optimizer, callbacks).Fit(Images, Others, 50, BatchSize, Seed, resumeFrom: file);
        Assert.Equal(epochs, again.History.Epochs.Count);
        Assert.Equal(Values(first.Model), Values(again.Model));
    }

    [Fact]
    public void What_does_not_belong_together_is_refused()
    {
        string file = files["run.safetensors"], model = files["model.safetensors"];
        TrainingResult result = MakeTrainer(Optimizers[0], new TrainingCheckpoint(file)).Fit(Images, Others, 1, BatchSize, Seed);
        result.Model.Save(model);
        Trainer trainer = MakeTrainer(Optimizers[0]);
        foreach ((Action wrong, string text) in ((Action, string)[])
            [
                (() => trainer.Fit(Images, Others, 2, 8, Seed, resumeFrom: file), "batchSize was 7, is 8"),
                (() => trainer.Fit(Images, Others, 2, BatchSize, 4, resumeFrom: file), "seed was 3, is 4"),
                (() => trainer.Fit(Images.Take(20), Others, 2, BatchSize, Seed, resumeFrom: file), "30, is 20"),
                (() => trainer.Fit(Images, Others, 2, BatchSize, Seed, resumeFrom: model), "no checkpoint of a run"),
                (() => trainer.Fit(Images, Others, 2, BatchSize, Seed, result.Model.Parameters, resumeFrom: file), "give one of the two"),
                (() => MakeTrainer(new SGD(0.1)).Fit(Images, Others, 2, BatchSize, Seed, resumeFrom: file), "under 'optimizer.'"),
                (() => MakeTrainer(new AMSGrad(0.1)).Fit(Images, Others, 2, BatchSize, Seed, resumeFrom: file), "under 'optimizer.'"),
            ])
        {
            Assert.Contains(text, Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }

        Assert.Throws<FileNotFoundException>(() => trainer.Fit(Images, resumeFrom: files["none"]));
        byte[] bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(file, bytes[..(bytes.Length / 2)]);
        Assert.Throws<DataFormatException>(() => trainer.Fit(Images, Others, 2, BatchSize, Seed, resumeFrom: file));
    }
}
