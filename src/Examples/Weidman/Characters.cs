using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapters 6.5 and 7.4: models that guess the next character of a text, of one recurrent layer and of the text's pairs (two
/// simple ones; gated units below long short-term memory), with 256 units and 25 steps back in time.
/// </summary>
/// <remarks>The text gives no results. Here the text is tiny Shakespeare, of which the last tenth is for validation. Each sequence of a
/// batch carries its own state on to the next batch, where the text's layers carry the mean of all; the gated units are those of PyTorch,
/// which multiply by the gate r after the matrix, where the text does so before.</remarks>
internal static class Characters
{
    private const int Units = 256, Below = 128, Steps = 25, Sample = 300;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        string text = Load(settings);
        var vocabulary = new CharacterVocabulary(text);
        int streams = settings.Batch ?? 32, epochs = settings.Epochs ?? 4, held = text.Length / 10;
        Dataset train = Sequences.Streams(vocabulary.Encode(text[..^held]), streams, Steps);
        Dataset validation = Sequences.Streams(vocabulary.Encode(text[^held..]), streams, Steps);
        settings.Output.WriteLine($"{text.Length:n0} characters of {vocabulary.Count} kinds");

        // One-hot characters, as in the text.
        int kinds = vocabulary.Count;
        var oneHot = new Lambda("OneHot", x => x.OneHot(kinds), shape => [.. shape, kinds]);
        (string Name, double LearningRate, Func<int, Sequential> Network)[] models =
        [
            ("LSTM", 4e-3, n => [oneHot, new LSTM(Units, returnSequences: true, carriedBatch: n), new Dense(kinds)]),
            ("GRU", 4e-3, n => [oneHot, new GRU(Units, returnSequences: true, carriedBatch: n), new Dense(kinds)]),
            ("RNN", 4e-3, n => [oneHot, new RNN(Units, returnSequences: true, carriedBatch: n), new Dense(kinds)]),
            ("RNN + RNN", 1e-3, n =>
            [
                oneHot, new RNN(Units, returnSequences: true, carriedBatch: n), new Dense(Below),
                new RNN(Units, returnSequences: true, carriedBatch: n), new Dense(kinds),
            ]),
            ("GRU + LSTM", 4e-3, n =>
            [
                oneHot, new GRU(Units, returnSequences: true, carriedBatch: n), new Dense(Below),
                new LSTM(Units, returnSequences: true, carriedBatch: n), new Dense(kinds),
            ]),
        ];
        var metrics = new Dictionary<string, double>();
        Axes curves = new Axes().Title("Next characters").XLabel("epoch").YLabel("validation loss, nats per character");
        foreach ((string name, double learningRate, Func<int, Sequential> network) in models)
        {
            if (settings.Cancellation.IsCancellationRequested) break;
            var losses = new List<double>();
            var batches = new Pipeline(train, streams, shuffle: false);
            var optimizer = new Chain(new Adam(Schedule.Cosine(learningRate, epochs * batches.Steps, to: learningRate / 20)), new ClipByNorm(1));
            var trainer = new Trainer(network(streams), Losses.SoftmaxCrossEntropy, optimizer)
            {
                Writer = settings.Output,
                Callbacks = [Callback.From(onEpochEnd: run => losses.Add(LossOf(run.Model, validation, streams)))],
            };
            TrainingResult result = trainer.Fit(batches, epochs: epochs, seed: settings.Seed, cancellationToken: settings.Cancellation);
            if (losses.Count == 0) break;
            settings.Output.WriteLine($"{name}: validation loss {losses[^1]:0.000} nats per character after {result.History.Seconds:0} s");
            settings.Output.WriteLine(Write(network(1), result.Model.Parameters, vocabulary, new Key(settings.Seed)));
            metrics[name + ".validationLoss"] = losses[^1];
            curves = curves.Line(Enumerable.Range(1, losses.Count).ToArray(), losses, name, marker: Marker.Circle);
        }

        settings.Save(curves.ToFigure(), "weidman-ch6-characters.svg");
        return metrics;
    }

    /// <summary>The mean loss on a text that is read on from batch to batch.</summary>
    private static double LossOf(Model model, Dataset data, int streams)
    {
        // The state starts at 0.
        Parameters parameters = model.Network.Initialize(new Key(0), [Steps]).WithTrainable(model.Parameters.Trainable);
        double sum = 0;
        foreach (Batch batch in data.Batches(streams))
        {
            (Tensor output, parameters) = model.Network.ApplyAndUpdate(parameters, batch.Inputs);
            sum += Losses.SoftmaxCrossEntropy.Of(output, batch.Targets).ToDouble() * batch.Inputs.Shape[0];
        }

        return sum / data.Count;
    }

    /// <summary>A text that a model writes: each character is drawn with the probability that the model gives it.</summary>
    private static string Write(Layer network, Parameters trained, CharacterVocabulary vocabulary, Key key)
    {
        Parameters parameters = network.Initialize(key, [1]).WithTrainable(trained.Trainable);
        Tensor character = vocabulary.Encode("\n").Reshape(1, 1);
        var written = new List<Tensor>();
        for (int i = 0; i < Sample; i++)
        {
            (Tensor output, parameters) = network.ApplyAndUpdate(parameters, character);
            character = key.FoldIn(i).Categorical(output.Reshape(1, -1)).Reshape(1, 1);
            written.Add(character);
        }

        return vocabulary.Decode(Tensor.Concat(0, written));
    }

    private static string Load(Settings settings)
    {
        if (settings.Data is { } data && Path.Combine(data, "shakespeare", "input.txt") is var file && File.Exists(file))
            return File.ReadAllText(file);
        settings.Output.WriteLine("A generated text; for tiny Shakespeare give the folder of shakespeare/input.txt with --data or AUTODIFF_DATA.");
        long[] numbers = new Key(settings.Seed).Integers([4000], 0, 50).ToArray<long>();
        return string.Concat(numbers.Chunk(2).Select(pair => $"{pair[0]} plus {pair[1]} is {pair[0] + pair[1]}.\n"));
    }
}
