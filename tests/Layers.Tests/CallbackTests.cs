using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class CallbackTests : IDisposable
{
    private readonly Files files = new();

    private static readonly Dataset Line = MakeLine(40, 1), Others = MakeLine(16, 2);

    public void Dispose() => files.Dispose();

    private static Dataset MakeLine(int count, int seed)
    {
        Tensor inputs = new Key(seed).Normal([count, 3]);
        return new(inputs, inputs.Sum([1], true) + 0.5);
    }

    private static Trainer MakeTrainer(Optimizer optimizer, params IReadOnlyList<Callback> callbacks) =>
        new(new Dense(1), Losses.MeanSquaredError, optimizer) { Metrics = [Metrics.MeanAbsoluteError], Callbacks = callbacks, Output = Output.None };

    private static History Scores(params double[] losses) => new([
        .. losses.Select((loss, i) => new EpochRecord(
            i + 1, 0, new Dictionary<string, double>(), loss, new Dictionary<string, double> { ["accuracy"] = -loss }, 1, 1)),
    ]);

    /// <summary>Writes down when it is called.</summary>
    private sealed class Recorder(string name, List<string> calls, Func<string, bool>? goesOn = null) : Callback
    {
        public override void OnStart(TrainingRun run) => Add($"start {run.Epoch}");

        public override bool OnStepEnd(TrainingRun run) => Add($"step {run.Epoch}.{run.Step}");

        public override bool OnEpochEnd(TrainingRun run) => Add($"epoch {run.Epoch}");

        public override void OnEnd(TrainingRun run, TrainingResult result) => Add($"end {result.Cancelled}");

        public override bool GoesOn(History history) => Add($"goes on {history.Epochs.Count}");

        public override double RateScale(History history)
        {
            Add($"scale {history.Epochs.Count}");
            return 1;
        }

        private bool Add(string call)
        {
            calls.Add($"{name}: {call}");
            return goesOn?.Invoke(call) ?? true;
        }
    }

    [Fact]
    public void Callbacks_are_called_in_order()
    {
        var calls = new List<string>();
        MakeTrainer(new SGD(0.1), new Recorder("a", calls), new Recorder("b", calls)).Fit(Line, epochs: 1, batchSize: 20);
        string[] moments = ["start 1", "goes on 0", "step 1.1", "step 1.2", "scale 1", "epoch 1", "end False"];
        Assert.Equal(moments.SelectMany(moment => new[] { $"a: {moment}", $"b: {moment}" }), calls);
    }

    [Theory]
    [InlineData("step 2.1", 1)]
    [InlineData("epoch 2", 2)]
    [InlineData("goes on 3", 3)]
    public void A_callback_stops_a_run_after_all_have_been_called(string at, int epochs)
    {
        var calls = new List<string>();
        TrainingResult result = MakeTrainer(new SGD(0.1), new Recorder("a", calls, call => call != at), new Recorder("b", calls))
            .Fit(Line, Others, epochs: 9, batchSize: 20);
        Assert.False(result.Cancelled);
        Assert.Equal(epochs, result.History.Epochs.Count);
        int position = calls.IndexOf($"a: {at}");
        Assert.Equal([$"a: {at}", .. at.StartsWith("goes", StringComparison.Ordinal) ? [] : (string[])[$"b: {at}"], "a: end False", "b: end False"], calls[position..]);
    }

    [Fact]
    public void What_a_callback_throws_comes_out_and_ends_the_run()
    {
        var calls = new List<string>();
        var thrower = new Recorder("a", calls, call => call != "step 1.2" ? true : throw new InvalidOperationException("mine"));
        string file = files["best.safetensors"];
        Assert.Equal("mine", Assert.Throws<InvalidOperationException>(() =>
            MakeTrainer(new SGD(0.1), thrower, new Recorder("b", calls), new ModelCheckpoint(file)).Fit(Line, epochs: 1, batchSize: 20)).Message);
        Assert.Equal("a: step 1.2", calls[^1]);
        Assert.False(File.Exists(file));
        Assert.Empty(Directory.GetFiles(files.Folder));
    }

    [Fact]
    public void Plateaus_lower_the_rate_as_in_PyTorch()
    {
        // ReduceLROnPlateau(factor=0.5, patience=1, threshold=0.01, threshold_mode='abs', cooldown=1) of PyTorch 1.13.
        double[] losses = [3, 2, 2, 2, 2, 2, 2, 2.5, 1, 1, 0.995, 1, 1];
        double[] expected = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125];
        var plateau = new ReduceOnPlateau(0.5, patience: 1, minimumChange: 0.01, cooldown: 1);
        for (int i = 0; i < losses.Length; i++) Assert.Equal(expected[i], plateau.RateScale(Scores(losses[..(i + 1)])));
        Assert.Equal(0.3, new ReduceOnPlateau(0.5, 0, minimumScale: 0.3).RateScale(Scores(1, 1, 1, 1)));
        Assert.Contains("factor", Assert.Throws<ArgumentException>(() => new ReduceOnPlateau(1.5)).Message);
        Assert.Contains("factor", Assert.Throws<ArgumentException>(() => new ReduceOnPlateau(0)).Message);

        TrainingResult result = MakeTrainer(new SGD(Schedule.Piecewise(0.1, (1, 1e-9))), new ReduceOnPlateau(0.5, patience: 0, minimumChange: 100))
            .Fit(Line, Others, epochs: 4, batchSize: 40);
        Assert.Equal([0.1, 1e-9, 0.5e-9, 0.25e-9], result.History.Epochs.Select(epoch => epoch.LearningRate));
    }

    [Fact]
    public void Criteria_rank_epochs()
    {
        History history = Scores(3, 1, double.NaN, 2);
        Assert.Equal(2, history.Best!.Epoch);
        Assert.Equal(2, (history with { Criterion = Criterion.Largest("accuracy") }).Best!.Epoch);
        Assert.Equal(1, (history with { Criterion = Criterion.Smallest("accuracy") }).Best!.Epoch);
        Assert.Equal("largest accuracy", Criterion.Largest("accuracy").ToString());
        Assert.Contains("'other'", Assert.Throws<ArgumentException>(() => (history with { Criterion = Criterion.Largest("other") }).Best).Message);
        Assert.False(new EarlyStopping(2).GoesOn(Scores(1, 2, 3)));
        Assert.True(new EarlyStopping(2).GoesOn(Scores(1, 2, 3) with { Criterion = Criterion.Smallest("accuracy") }));
    }

    [Fact]
    public void The_model_of_the_best_epoch_by_the_criterion_comes_back()
    {
        string byMetric = files["metric.safetensors"], byLoss = files["loss.safetensors"];
        var trainer = new Trainer(new Dense(1), Losses.MeanSquaredError, new SGD(Schedule.Piecewise(0.1, (4, 2))))
        {
            Metrics = [Metrics.MeanAbsoluteError],
            Criterion = Criterion.Largest("mean absolute error"),
            Callbacks =
            [
                new ModelCheckpoint(byMetric), new ModelCheckpoint(byLoss, Criterion.Loss),
                Callback.From((_, history) => history.Epochs.Count < 5),
            ],
            Output = Output.None,
        };
        TrainingResult result = trainer.Fit(Line, Others, epochs: 9, batchSize: 20);
        double worst = result.History.Epochs.Max(epoch => epoch.ValidationMetrics["mean absolute error"]);
        Assert.Equal(worst, result.Model.Evaluate(Others, Metrics.MeanAbsoluteError), 1e-6);
        Assert.Equal(worst, Model.Load(trainer.Network, byMetric).Evaluate(Others, Metrics.MeanAbsoluteError), 1e-6);
        Assert.Equal(
            result.History.Epochs.Min(epoch => epoch.ValidationLoss!.Value),
            Model.Load(trainer.Network, byLoss).Evaluate(Others, Metric.From(Losses.MeanSquaredError)), 1e-6);
    }

    [Fact]
    public void The_last_few_models_are_kept()
    {
        TrainingResult result = MakeTrainer(new SGD(0.1), new RecentModels(files["line-{epoch}.safetensors"], 2)).Fit(Line, epochs: 5);
        Assert.Equal(["line-4.safetensors", "line-5.safetensors"], Directory.GetFiles(files.Folder).Select(Path.GetFileName).Order());
        Assert.Equal(
            result.Model.Parameters["weight"].ToArray<float>(),
            Model.Load(result.Model.Network, files["line-5.safetensors"]).Parameters["weight"].ToArray<float>());
        Assert.Contains("{epoch}", Assert.Throws<ArgumentException>(() => new RecentModels("a", 2)).Message);
    }

    [Fact]
    public void The_log_is_a_table_of_the_history()
    {
        string file = files["log.csv"];
        TrainingResult result = MakeTrainer(new SGD(Schedule.StepDecay(0.1, 0.5, 2)), new CsvLog(file)).Fit(Line, Others, epochs: 3, batchSize: 20);
        CsvTable table = Csv.Load(file, dtype: DType.Float64);
        Assert.Equal(
            ["epoch", "learning rate", "loss", "mean absolute error", "validation loss", "validation mean absolute error", "steps", "seconds"],
            table.Columns);
        double[,] values = table.Values.ToArray2D<double>();
        for (int i = 0; i < 3; i++)
        {
            EpochRecord epoch = result.History.Epochs[i];
            Assert.Equal(
                [i + 1, 0.1 * Math.Pow(0.5, i), epoch.Loss, epoch.Metrics.Values.Single(), epoch.ValidationLoss!.Value, epoch.ValidationMetrics.Values.Single(), 2, epoch.Seconds],
                Enumerable.Range(0, 8).Select(column => values[i, column]));
        }
    }

    [Fact]
    public void A_diverging_run_can_end_with_the_best_model()
    {
        var optimizer = new SGD(Schedule.Piecewise(0.1, (8, 1e20)));
        Assert.Throws<TrainingException>(() => MakeTrainer(optimizer).Fit(Line, Others, epochs: 20, batchSize: 20));
        TrainingResult result = MakeTrainer(optimizer, new StopOnNaN()).Fit(Line, Others, epochs: 20, batchSize: 20);
        Assert.False(result.Cancelled);
        Assert.NotNull(result.Failure);
        Assert.False(double.IsFinite(result.Failure.Loss));
        Assert.Equal(
            result.History.Best!.ValidationLoss!.Value, result.Model.Evaluate(Others, Metric.From(Losses.MeanSquaredError)), 1e-6);
    }

    [Fact]
    public void Steps_tell_their_loss_and_learning_rate()
    {
        var seen = new List<(int, double, double)>();
        MakeTrainer(new SGD(Schedule.Linear(0.1, 0, 4)), Callback.From(onStepEnd: run => seen.Add((run.State.Step, run.Loss, run.LearningRate))))
            .Fit(Line, epochs: 2, batchSize: 20);
        Assert.Equal([1, 2, 3, 4], seen.Select(step => step.Item1));
        Assert.Equal([0.075, 0.05, 0.025, 0], seen.Select(step => Math.Round(step.Item3, 9)));
        Assert.All(seen, step => Assert.True(double.IsFinite(step.Item2)));
    }

    [Fact]
    public void Cross_validation_measures_each_example_once()
    {
        IReadOnlyList<TrainingResult> results = MakeTrainer(new SGD(0.1)).CrossValidate(Line, folds: 4, epochs: 20, batchSize: 10, seed: 1);
        Assert.Equal(4, results.Count);
        Assert.All(results, result => Assert.True(result.History.Epochs[^1].ValidationLoss < 0.1));
        Assert.Equal(4, results.Select(result => result.History.Epochs[0].Loss).Distinct().Count());
    }
}
