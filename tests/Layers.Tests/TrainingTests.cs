using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class TrainingTests : IDisposable
{
    private readonly TempFolder folder = new();

    private static readonly Dataset Rings = MakeRings(256, 1), OtherRings = MakeRings(64, 2);

    public void Dispose() => folder.Dispose();

    private string FilePath(string name) => folder[name];

    /// <summary>Points of the plane; the class tells whether they lie inside a circle.</summary>
    private static Dataset MakeRings(int count, int seed)
    {
        Tensor points = new Key(seed).Uniform([count, 2], -1, 1);
        Tensor isInside = Tensor.Less(Tensor.Square(points).Sum(1), Tensor.Scalar(0.5f));
        return new Dataset(points, isInside.To(DType.Int32));
    }

    private static Trainer RingTrainer(Optimizer? optimizer = null, params IReadOnlyList<Callback> callbacks) =>
        new(
            new Sequential(new Dense(16), Activations.Tanh, new Dropout(0.1), new Dense(2)),
            Losses.SoftmaxCrossEntropy, optimizer ?? new Adam(0.02))
        {
            Metrics = [Metrics.Accuracy],
            Callbacks = callbacks,
            Output = Output.None,
        };

    private static float[][] Values(Model model) => [.. model.Parameters.Leaves.Select(leaf => leaf.ToArray<float>())];

    private static float[][] Values(TrainingState state) =>
        [.. state.Parameters.Leaves.Concat(state.Optimizer.Leaves).Select(leaf => leaf.ToArray<float>())];

    [Fact]
    public void A_result_prints_as_its_model_and_a_line_for_each_epoch()
    {
        TrainingResult result = RingTrainer().Fit(Rings, OtherRings, epochs: 2);
        string[] lines = result.ToString().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal("Sequential with 82 parameters", lines[0]);
        Assert.Matches(@"^epoch 2  loss 0\.\d{4}  accuracy 0\.\d{4}  validation loss 0\.\d{4}  validation accuracy 0\.\d{4}  \d+ steps/s  \d+\.\d\d s$", lines[2]);
        Assert.Equal(lines[2], result.History.Epochs[1].ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Steps_that_donate_their_state_give_the_bits_of_steps_that_do_not(bool isCompiled)
    {
        Trainer trainer = new(
            new Sequential(new Dense(100), Activations.Tanh, new BatchNorm(), new Dense(2)), Losses.SoftmaxCrossEntropy, new Adam(0.02))
        {
            Compiled = isCompiled,
        };
        var batch = new Batch(Rings.Inputs[..32], Rings.Targets[..32]);
        TrainingState kept = trainer.Start(new Key(3), [2]), donated = kept.Copy();
        for (int i = 0; i < 4; i++)
        {
            TrainingStep expected = trainer.Step(kept, batch), actual = trainer.Step(donated, batch, donate: true);
            Assert.Equal(expected.Loss, actual.Loss);
            Assert.Equal(Values(expected.State), Values(actual.State));
            if (isCompiled && i > 0) Assert.Throws<InvalidOperationException>(() => Values(donated));
            (kept, donated) = (expected.State, actual.State);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_donated_state_survives_a_loss_that_is_not_finite(bool isCompiled)
    {
        Trainer trainer = new(new Dense(2), Losses.MeanSquaredError, new Momentum(0.1)) { Compiled = isCompiled };
        Tensor targets = Tensor.Zeros(4, 2);
        TrainingState state = trainer.Step(trainer.Start(new Key(3), [2]), new Batch(Rings.Inputs[..4], targets)).State;
        float[][] before = Values(state);
        TrainingStep step = trainer.Step(state, new Batch(Tensor.Full([4, 2], float.NaN), targets), donate: true);
        Assert.Equal(double.NaN, step.Loss);
        Assert.Equal(before, Values(step.State));
    }

    [Fact]
    public void States_that_callbacks_keep_do_not_change()
    {
        var kept = new List<(TrainingState State, float[][] Values)>();
        Callback keeper = Callback.From(run => kept.Add((run.State, Values(run.State))), run => kept.Add((run.State, Values(run.State))));
        RingTrainer(null, keeper).Fit(Rings, OtherRings, epochs: 3, batchSize: 64);
        Assert.Equal(15, kept.Count);
        Assert.All(kept, pair => Assert.Equal(pair.Values, Values(pair.State)));
        Assert.NotEqual(kept[0].Values, kept[^1].Values);

        // Between the ends of epochs nobody holds the states.
        kept.Clear();
        Callback ends = Callback.From(onEpochEnd: run => kept.Add((run.State, Values(run.State))));
        TrainingResult result = RingTrainer(null, ends).Fit(Rings, OtherRings, epochs: 3, batchSize: 64);
        Assert.Equal(3, kept.Count);
        Assert.All(kept, pair => Assert.Equal(pair.Values, Values(pair.State)));
        Assert.Equal(kept[^1].Values, Values(result.State));
    }

    /// <summary>Batches that only a run sees are written over; what metrics are given is not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_metrics_are_given_does_not_change(bool isShuffled)
    {
        var kept = new List<(Tensor Tensor, double[] Values)>();
        var keeper = new Metric("kept", (output, target) =>
        {
            kept.Add((output, output.To(DType.Float64).ToArray<double>()));
            kept.Add((target, target.To(DType.Float64).ToArray<double>()));
            return 0;
        });
        var trainer = new Trainer(new Dense(2), Losses.SoftmaxCrossEntropy, new Adam(0.02)) { Metrics = [keeper], Output = Output.None };
        trainer.Fit(new Pipeline(Rings, 100, isShuffled), epochs: 2);
        Assert.Equal(12, kept.Count);
        Assert.All(kept, pair => Assert.Equal(pair.Values, pair.Tensor.To(DType.Float64).ToArray<double>()));
        Assert.Equal(isShuffled, !kept[1].Values.AsSpan().SequenceEqual(kept[7].Values));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void A_run_over_plain_batches_gives_the_bits_of_steps_one_by_one(bool isShuffled, bool dropLast)
    {
        Trainer trainer = RingTrainer();
        var pipeline = new Pipeline(Rings, 100, isShuffled, dropLast);
        TrainingResult plain = trainer.Fit(pipeline, epochs: 2, seed: 3), changed = trainer.Fit(pipeline.Map(batch => batch), epochs: 2, seed: 3);
        Assert.Equal(Values(plain.State), Values(changed.State));
        Assert.Equal(plain.History.Epochs.Select(epoch => epoch.Loss), changed.History.Epochs.Select(epoch => epoch.Loss));

        var key = new Key(3);
        TrainingState state = trainer.Start(key.FoldIn(0), [2]);
        for (int epoch = 1; epoch <= 2; epoch++)
        {
            foreach (Batch batch in pipeline.Batches(key.FoldIn(epoch))) state = trainer.Step(state, batch).State;
        }

        Assert.Equal(Values(state), Values(plain.State));
    }

    [Fact]
    public void The_program_of_the_readme_trains_saves_and_predicts()
    {
        Dataset images = new(new Key(1).Normal([24, 1, 14, 14]), new Key(2).Integers([24], 0, 10));
        (Dataset train, Dataset validation) = images.Split(16);
        string best = FilePath("best.safetensors"), digits = FilePath("digits.safetensors");
        CancellationToken token = CancellationToken.None;

        var network = new Sequential(
            new Conv2D(30, kernelSize: 5), Activations.ReLU, new MaxPool2D(2), new Flatten(),
            new Dense(100), Activations.ReLU, new Dropout(0.5), new Dense(10));

        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(learningRate: 1e-3))
        {
            Metrics = [Metrics.Accuracy],
            Callbacks = [new EarlyStopping(patience: 3), new ModelCheckpoint(best)],
            Output = Output.None,
        };
        TrainingResult result = trainer.Fit(train, validation, epochs: 2, batchSize: 10, cancellationToken: token);
        Tensor logits = result.Model.Predict(validation.Inputs);
        result.Model.Save(digits);

        Assert.Equal([8, 10], logits.Shape);
        Assert.Equal(2, result.History.Epochs.Count);
        Assert.False(result.Cancelled);
        Assert.Equal(logits.ToArray<float>(), Model.Load(network, digits).Predict(validation.Inputs).ToArray<float>());
        Assert.True(File.Exists(best));
    }

    [Fact]
    public void A_network_learns_a_problem_that_is_not_linear()
    {
        TrainingResult result = RingTrainer().Fit(Rings, OtherRings, epochs: 60, batchSize: 32);
        IReadOnlyList<EpochRecord> epochs = result.History.Epochs;
        Assert.Equal(60, epochs.Count);
        Assert.All(epochs, epoch => Assert.Equal(8, epoch.Steps));
        Assert.True(epochs[^1].Loss < 0.4 * epochs[0].Loss, $"loss {epochs[^1].Loss}");
        Assert.True(epochs[^1].ValidationMetrics["accuracy"] > 0.9, $"accuracy {epochs[^1].ValidationMetrics["accuracy"]}");
        Assert.Equal(epochs[^1].ValidationMetrics["accuracy"], result.Model.Evaluate(OtherRings, Metrics.Accuracy));
        Assert.Equal(
            epochs[^1].ValidationLoss!.Value, result.Model.Evaluate(OtherRings, Metric.From(Losses.SoftmaxCrossEntropy), batchSize: 7), 1e-6);
        Assert.Equal(480, result.History.Steps);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others()
    {
        float[][] Train(int seed) => Values(RingTrainer().Fit(Rings, epochs: 2, batchSize: 50, seed: seed).Model);
        Assert.Equal(Train(1), Train(1));
        Assert.NotEqual(Train(1), Train(2));
    }

    [Fact]
    public void A_loop_of_ones_own_is_as_short_as_the_built_in_one()
    {
        Sequential network = [new Dense(8), Activations.Tanh, new Dense(2)];
        var optimizer = new Adam(0.02);
        Parameters parameters = network.Initialize(new Key(0), [2]);
        OptimizerState state = optimizer.Init(parameters);
        double first = 0, last = 0;
        for (int epoch = 0; epoch < 20; epoch++)
        {
            foreach (Batch batch in Rings.Batches(32, new Key(epoch)))
            {
                var lossAndGradient = Gradient.ValueAndGrad(
                    (Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, batch.Inputs), batch.Targets));
                (Tensor loss, Parameters gradients) = lossAndGradient(parameters);
                (parameters, state) = optimizer.Update(gradients, state, parameters);
                last = loss.ToDouble();
                if (first == 0) first = last;
            }
        }

        Assert.True(last < 0.7 * first);
    }

    [Fact]
    public void Steps_of_the_trainer_are_functions_of_the_state()
    {
        Trainer trainer = RingTrainer();
        TrainingState start = trainer.Start(new Key(0), [2]);
        Batch batch = Rings.Batches(32).First();
        TrainingStep once = trainer.Step(start, batch), again = trainer.Step(start, batch), next = trainer.Step(once.State, batch);
        Assert.Equal(once.Loss, again.Loss);
        Assert.NotEqual(once.Loss, next.Loss);
        Assert.Equal([32, 2], once.Output.Shape);
        Assert.Equal(once.Loss, Losses.SoftmaxCrossEntropy.Of(once.Output, batch.Targets).ToDouble());
        Assert.Equal(2, (int)next.State.Optimizer.Step);
        Assert.Equal(2, next.State.Step);
    }

    [Fact]
    public void Training_goes_on_from_given_parameters()
    {
        Model first = RingTrainer().Fit(Rings, epochs: 5).Model;
        TrainingResult second = RingTrainer(new SGD(1e-6)).Fit(Rings, OtherRings, epochs: 1, initial: first.Parameters);
        Assert.Equal(first.Evaluate(OtherRings, Metrics.Accuracy), second.Model.Evaluate(OtherRings, Metrics.Accuracy), 0.05);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Class_numbers_and_tokens_outside_their_range_are_named_compiled_or_not(bool isCompiled)
    {
        foreach ((long wrong, string range) in ((long, string)[])[(-1, "from -1 to 1"), (2, "from 0 to 2")])
        {
            Tensor labels = Tensor.From([0, wrong, 1, 1]);
            Trainer trainer = new(new Dense(2), Losses.SoftmaxCrossEntropy, new SGD(0.1)) { Compiled = isCompiled, Output = Output.None };
            string message = Assert.Throws<ArgumentException>(() => trainer.Fit(new Dataset(Rings.Inputs[..4], labels))).Message;
            Assert.StartsWith($"SoftmaxCrossEntropy: class numbers run {range}; outputs with 2 classes take 0 to 1", message, StringComparison.Ordinal);
        }

        Trainer embedding = new(
            new Sequential(new Embedding(3, 2), new Flatten(), new Dense(2)), Losses.SoftmaxCrossEntropy, new SGD(0.1))
        {
            Compiled = isCompiled,
            Output = Output.None,
        };
        foreach (int wrong in new[] { -1, 3 })
        {
            string message = Assert.Throws<ArgumentException>(
                () => embedding.Fit(new Dataset(Tensor.From([0, 1, 2, wrong], 2, 2), Tensor.From([0, 1])))).Message;
            Assert.Equal($"Sequential, layer 0: Embedding(3, 2): a token is {wrong}; tokens are 0 to 2.", message);
        }
    }

    [Fact]
    public void What_does_not_fit_is_named_before_training()
    {
        var steps = 0;
        Trainer trainer = RingTrainer(null, Callback.From(onStepEnd: _ => steps++));
        Parameters other = new Sequential(new Dense(16), Activations.Tanh, new Dropout(0.1), new Dense(3)).Initialize(new Key(0), [2]);
        foreach ((Action act, string[] pieces) in ((Action, string[])[])
            [
                (() => trainer.Fit(Rings, initial: other), ["Start: ", "network Sequential", "'3.weight' has shape (16, 3)", "(16, 2)", "same network"]),
                (() => trainer.Fit(Rings, initial: other.Part("0")), ["Start: ", "'0.weight' (2, 16) is missing", "and 2 more"]),
                (() => trainer.Fit(Rings, new Dataset(Tensor.Ones(4, 3), Tensor.Zeros(4).To(DType.Int32))), ["Fit: ", "(n, 3)", "(n, 2)", "validation"]),
            ])
        {
            string message = Assert.Throws<ArgumentException>(act).Message;
            foreach (string piece in pieces) Assert.Contains(piece, message, StringComparison.Ordinal);
        }

        foreach (double slope in new[] { -1.0, double.NaN })
        {
            Trainer wrong = RingTrainer(new SGD(Schedule.From(step => 0.1 + step * slope)));
            string message = Assert.Throws<ArgumentException>(() => wrong.Fit(Rings, epochs: 3)).Message;
            Assert.StartsWith("Fit: the learning rate of epoch ", message, StringComparison.Ordinal);
        }

        Assert.Throws<ArgumentException>(() => new Sequential(new Dense(2), null!));
        Assert.Equal(0, steps);
    }

    [Fact]
    public void Cancelling_returns_the_best_model_so_far()
    {
        using var source = new CancellationTokenSource();
        var models = new List<Model>();
        Callback cancel = Callback.From((model, history) =>
        {
            models.Add(model);
            if (history.Epochs.Count == 4) source.Cancel();
            return true;
        });

        // Ascent from the third epoch on makes a model in the middle the best.
        var optimizer = new SGD(Schedule.From(step =>
            Tensor.Where(Tensor.Less(step, Tensor.Scalar(16.0)), Tensor.Scalar(0.5), Tensor.Remainder(step, Tensor.Scalar(2.0)) * 20)));
        TrainingResult result = RingTrainer(optimizer, cancel).Fit(
            Rings, OtherRings, epochs: 50, batchSize: 32, cancellationToken: source.Token);
        Assert.True(result.Cancelled);
        Assert.Equal(4, result.History.Epochs.Count);
        Assert.Equal(Values(models[result.History.Best!.Epoch - 1]), Values(result.Model));

        using var early = new CancellationTokenSource();
        early.Cancel();
        TrainingResult none = RingTrainer().Fit(Rings, epochs: 5, cancellationToken: early.Token);
        Assert.True(none.Cancelled);
        Assert.Empty(none.History.Epochs);
        Assert.Equal(256, none.Model.Predict(Rings.Inputs).Shape[0]);
    }

    [Fact]
    public void Cancelling_within_an_epoch_keeps_the_latest_parameters()
    {
        using var source = new CancellationTokenSource();
        int calls = 0;
        var counting = new Metric("calls", (_, _) =>
        {
            if (++calls == 3) source.Cancel();
            return 0;
        });
        var trainer = new Trainer(new Dense(2), Losses.SoftmaxCrossEntropy, new SGD(0.1)) { Metrics = [counting], Output = Output.None };
        TrainingResult result = trainer.Fit(Rings, epochs: 5, batchSize: 32, cancellationToken: source.Token);
        Assert.True(result.Cancelled);
        Assert.Equal(3, calls);
        Assert.Empty(result.History.Epochs);
        Assert.NotEqual(Values(new Model(trainer.Network, trainer.Start(new Key(0).FoldIn(0), [2]).Parameters, [2])), Values(result.Model));
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_training_and_says_where_and_why()
    {
        var trainer = new Trainer(new Dense(1), Losses.MeanSquaredError, new SGD(1e6)) { Output = Output.None };
        Dataset line = new(new Key(1).Normal([64, 3]), new Key(2).Normal([64, 1]));
        var diverged = Assert.Throws<TrainingException>(() => trainer.Fit(line, epochs: 50, batchSize: 16));
        Assert.False(double.IsFinite(diverged.Loss));
        Assert.Contains($"epoch {diverged.Epoch}, step {diverged.Step}", diverged.Message);
        Assert.Contains("lower the learning rate", diverged.Message);

        Dataset holed = new(Tensor.Where(Tensor.Less(line.Inputs, Tensor.Scalar(-1.5f)), Tensor.Scalar(float.NaN), line.Inputs), line.Targets);
        var dirty = Assert.Throws<TrainingException>(() => trainer.Fit(holed, batchSize: 64));
        Assert.Equal((1, 1), (dirty.Epoch, dirty.Step));
        Assert.Contains("inputs of this batch hold NaN", dirty.Message);
    }

    [Fact]
    public void Early_stopping_waits_for_its_patience_and_returns_the_best_model()
    {
        static History Scores(params double[] losses) =>
            new([.. losses.Select((loss, i) => new EpochRecord(i + 1, 0, new Dictionary<string, double>(), loss, new Dictionary<string, double>(), 1, 1))]);
        var stopping = new EarlyStopping(patience: 2);
        foreach ((double[] losses, bool goesOn) in ((double[], bool)[])
            [([3], true), ([3, 4], true), ([3, 4, 3], false), ([3, 4, 2.9], true), ([3, 4, 2.9, 3, 3], false), ([double.NaN, double.NaN], false)])
        {
            Assert.Equal(goesOn, stopping.GoesOn(Scores(losses)));
        }

        Assert.Equal(3, Scores(3, double.NaN, 1).Best!.Epoch);
        TrainingResult result = RingTrainer(new SGD(Schedule.Piecewise(0.5, (16, 20))), new EarlyStopping(2)).Fit(Rings, OtherRings, epochs: 50);
        Assert.False(result.Cancelled);
        Assert.True(result.History.Epochs.Count < 50);
        Assert.Equal(
            result.History.Best!.ValidationLoss!.Value, result.Model.Evaluate(OtherRings, Metric.From(Losses.SoftmaxCrossEntropy)), 1e-6);
    }

    [Fact]
    public void Checkpoints_hold_the_best_model()
    {
        string path = FilePath("best.safetensors");
        TrainingResult result = RingTrainer(new SGD(Schedule.Piecewise(0.5, (16, 20))), new ModelCheckpoint(path)).Fit(Rings, OtherRings, epochs: 6);
        Model best = Model.Load(RingTrainer().Network, path);
        Assert.Equal(
            result.History.Best!.ValidationLoss!.Value, best.Evaluate(OtherRings, Metric.From(Losses.SoftmaxCrossEntropy)), 1e-6);
    }

    [Fact]
    public void Progress_tells_where_the_run_stands()
    {
        var reports = new List<TrainingProgress>();
        RingTrainer().Fit(Rings, epochs: 3, batchSize: 100, progress: new Collector(reports));
        Assert.Equal([1, 2, 3], reports.Where(report => report.Step == report.Steps).Select(report => report.Epoch));
        TrainingProgress last = reports[^1];
        Assert.Equal((3, 3, 3, 3), (last.Epoch, last.Epochs, last.Step, last.Steps));
        Assert.Equal(TimeSpan.Zero, last.Remaining);
        Assert.Contains("accuracy", last.Metrics.Keys);
        Assert.True(last.StepsPerSecond > 0);
    }

    [Fact]
    public void Plain_output_is_one_line_for_each_epoch()
    {
        using var writer = new StringWriter();
        var reporter = new PlainReporter(writer);
        var metrics = new Dictionary<string, double> { ["accuracy"] = 0.5 };
        reporter.OnEpoch(new EpochRecord(2, 0.25, metrics, 0.125, metrics, 100, 0.5), 20);
        Assert.Equal(
            "epoch 2/20  loss 0.2500  accuracy 0.5000  validation loss 0.1250  validation accuracy 0.5000  200 steps/s  0.50 s",
            writer.ToString().TrimEnd());
    }

    [Fact]
    public void The_terminal_shows_a_bar_and_a_line_for_each_epoch()
    {
        using var writer = new StringWriter();
        Spectre.Console.IAnsiConsole console = Spectre.Console.AnsiConsole.Create(new Spectre.Console.AnsiConsoleSettings
        {
            Ansi = Spectre.Console.AnsiSupport.Yes,
            Interactive = Spectre.Console.InteractionSupport.Yes,
            Out = new Spectre.Console.AnsiConsoleOutput(writer),
        });
        console.Profile.Width = 160;
        var reporter = new TerminalReporter(console);
        var metrics = new Dictionary<string, double> { ["accuracy [0, 1]"] = 0.5 };
        reporter.Run(() =>
        {
            reporter.OnProgress(new TrainingProgress(1, 2, 5, 10, 0.75, metrics, 50, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(83)));
            reporter.OnEpoch(new EpochRecord(1, 0.5, metrics, null, new Dictionary<string, double>(), 10, 0.5), 2);
            Thread.Sleep(300);
        });
        Assert.Contains("epoch 1/2  loss 0.5000  accuracy [0, 1] 0.5000  20 steps/s", writer.ToString());
        Assert.Contains("00:01:23 left", writer.ToString());
    }

    [Fact]
    public void What_cannot_be_trained_is_refused_with_a_message()
    {
        Trainer trainer = RingTrainer();
        Dataset empty = Rings.Take(0);
        foreach ((Action wrong, string text) in ((Action, string)[])
            [
                (() => trainer.Fit(empty), "training data are empty"),
                (() => trainer.Fit(Rings, empty), "validation data are empty"),
                (() => trainer.Fit(Rings, epochs: 0), "epochs is 0"),
                (() => trainer.Fit(Rings, batchSize: 0), "batchSize is 0"),
                (() => trainer.Fit(new Dataset(Rings.Inputs, Rings.Inputs.Reshape(256, 2, 1))), "SoftmaxCrossEntropy"),
            ])
        {
            Assert.Contains(text, Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Accuracy_over_batches_is_the_exact_quotient_of_counts()
    {
        // 49 has no exact reciprocal, nor do batches of 10 divide it.
        Tensor labels = Tensor.From([.. Enumerable.Range(0, 49).Select(i => i % 3)], 49);
        var model = new Model(Activations.Identity, Parameters.Empty, [3]);
        Dataset data = new(labels.OneHot(3), Tensor.Where(Tensor.EqualTo(labels, Tensor.From([2], 1)), Tensor.From([0], 1), labels));
        Assert.Equal(33 / 49.0, model.Evaluate(data, Metrics.Accuracy, batchSize: 10));
        Assert.Equal(33 / 49.0, Metrics.Accuracy.Of(data.Inputs, data.Targets));
    }

    [Fact]
    public void Models_predict_in_batches_what_they_predict_at_once()
    {
        Model model = RingTrainer().Fit(Rings).Model;
        float[] atOnce = model.Predict(Rings.Inputs).ToArray<float>();
        Assert.Equal(atOnce.Length, model.Predict(Rings.Inputs, batchSize: 100).Size);
        Assert.All(atOnce.Zip(model.Predict(Rings.Inputs, batchSize: 100).ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.Equal([0, 2], model.Predict(Rings.Inputs[0..0]).Shape);
        string message = Assert.Throws<ArgumentException>(() => model.Predict(Rings.Inputs[0])).Message;
        Assert.Contains("(n, 2)", message);
        Assert.Contains("Reshape", message);
        Assert.Contains("empty", Assert.Throws<ArgumentException>(() => model.Evaluate(Rings.Take(0), Metrics.Accuracy)).Message);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => model.Predict(Rings.Inputs, 10, source.Token));
    }

    [Fact]
    public void A_saved_model_comes_back_and_another_network_is_refused()
    {
        Model model = RingTrainer().Fit(Rings).Model;
        string path = FilePath("model.safetensors");
        model.Save(path);
        Model loaded = Model.Load(model.Network, path);
        Assert.Equal(Values(model), Values(loaded));
        Assert.Equal([2], loaded.InputShape);
        foreach ((Layer network, string text) in ((Layer, string)[])
            [
                (new Sequential(new Dense(8), Activations.Tanh, new Dropout(0.1), new Dense(2)), "'0.weight' has shape (2, 16) where the network has (2, 8)"),
                (new Sequential(new Dense(16), Activations.Tanh, new Dense(2)), "'2.weight' (16, 2) is missing"),
                (new Sequential(new Dense(16), Activations.Tanh), "'3.weight' is not in the network"),
            ])
        {
            string message = Assert.Throws<ArgumentException>(() => Model.Load(network, path)).Message;
            Assert.Contains(text, message, StringComparison.Ordinal);
            Assert.Contains(path, message, StringComparison.Ordinal);
        }

        string bare = FilePath("bare.safetensors");
        Safetensors.Save(bare, model.Parameters);
        Assert.Contains("inputShape", Assert.Throws<ArgumentException>(() => Model.Load(model.Network, bare)).Message);
        Assert.Equal(Values(model), Values(Model.Load(model.Network, bare, [2])));
    }

    [Fact]
    public void Lines_go_to_the_writer_that_is_given()
    {
        var data = new Dataset(new Key(0).Normal([8, 2]), Tensor.Zeros(8, 1));
        var lines = new StringWriter();
        var trainer = new Trainer(new Dense(1), Losses.MeanSquaredError, new SGD(0.1)) { Writer = lines };
        trainer.Fit(data, epochs: 2);
        string[] printed = lines.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, printed.Length);
        Assert.StartsWith("epoch 1/2  loss ", printed[0], StringComparison.Ordinal);
        Assert.StartsWith("epoch 2/2  loss ", printed[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_summary_lists_layers_shapes_and_parameter_counts()
    {
        Sequential network = [new Conv2D(4, 3), Activations.ReLU, new Sequential(new Flatten(), new Dense(10))];
        var model = new Model(network, network.Initialize(new Key(0), [1, 8, 8]), [1, 8, 8]);
        Assert.Equal(
            """
            Layer           Output        Parameters
            Conv2D(4, 3x3)  (n, 4, 6, 6)          40
            ReLU            (n, 4, 6, 6)           0
            Sequential
              Flatten       (n, 144)               0
              Dense(10)     (n, 10)            1,450
            Total           (n, 10)            1,490

            """,
            string.Join('\n', model.Summary().Split('\n').Select(line => line.TrimEnd())));
    }

    private sealed class Collector(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }
}
