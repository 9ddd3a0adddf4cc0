using System.Text.RegularExpressions;
using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 6.5.8: a recurrent layer reads a whole sentence, character by character, and one number after the last of them says which of two
/// kinds it is (figure 6-11). Here: whether a sentence of tiny Shakespeare, whose end is taken away, is a question.
/// </summary>
/// <remarks>The text names neither data nor results.</remarks>
internal static partial class Sentences
{
    private const int Shortest = 12, Longest = 60, Units = 64;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (string[] questions, string[] statements) = Load(settings);
        int each = Math.Min(questions.Length, statements.Length);
        var vocabulary = new CharacterVocabulary(" " + string.Concat(questions) + string.Concat(statements));

        // As many questions as statements; spaces before short sentences, so that all end together.
        Tensor Encoded(IEnumerable<string> sentences) =>
            Tensor.Stack(0, sentences.Select(sentence => vocabulary.Encode(sentence.PadLeft(Longest))));
        var key = new Key(settings.Seed);
        string[] Some(string[] sentences, int place) =>
            [.. key.FoldIn(place).Permutation(sentences.Length).ToArray<long>()[..each].Select(i => sentences[i])];
        var all = new Dataset(
            Encoded([.. Some(questions, 0), .. Some(statements, 1)]),
            Tensor.Concat(0, Tensor.Full([each, 1], 1), Tensor.Full([each, 1], 0)));
        (Dataset train, Dataset test) = all.Split(2 * each * 4 / 5, key.FoldIn(2));
        settings.Output.WriteLine($"{each} questions and as many statements of {Shortest} to {Longest} characters of {vocabulary.Count} kinds");

        int kinds = vocabulary.Count;
        var oneHot = new Lambda("OneHot", x => x.OneHot(kinds), shape => [.. shape, kinds]);
        var metrics = new Dictionary<string, double>();
        Axes curves = new Axes().Title("Test sentences told right").XLabel("epoch").YLabel("per cent");
        Axes readings = new Axes().Title("A question? After each character").YLabel("probability").YLimits(0, 1).HorizontalLine(0.5);
        foreach ((string name, Func<bool, Layer> layer) in new (string, Func<bool, Layer>)[]
            { ("RNN", all => new RNN(Units, returnSequences: all)), ("LSTM", all => new LSTM(Units, returnSequences: all)) })
        {
            Sequential Network(bool all) => [oneHot, layer(all), new Dense(1)];
            var batches = new Pipeline(train, settings.Batch ?? 32);
            int epochs = settings.Epochs ?? 15;
            var trainer = new Trainer(
                Network(all: false), Losses.BinaryCrossEntropy, new Chain(new Adam(Schedule.Cosine(3e-3, epochs * batches.Steps)), new ClipByNorm(1)))
            {
                Metrics = [Metrics.Accuracy],
                Writer = settings.Output,
            };
            TrainingResult result = trainer.Fit(batches, test, epochs, settings.Seed, cancellationToken: settings.Cancellation);
            if (settings.Cancellation.IsCancellationRequested) break;
            metrics[name + ".accuracy"] = result.Model.Evaluate(test, Metrics.Accuracy);
            settings.Output.WriteLine($"{name}: {metrics[name + ".accuracy"]:p1} of the test sentences");
            curves = curves.Line(
                result.History.Epochs.Select(epoch => (double)epoch.Epoch).ToArray(),
                result.History.Epochs.Select(epoch => 100 * epoch.ValidationMetrics["accuracy"]).ToArray(), name, marker: Marker.Circle);
            if (name != "LSTM") continue;

            // The same weights, asked after each character.
            foreach (string sentence in new[] { "what is the matter, my lord", "i will not go to the king", "will you go to the king" })
            {
                string padded = sentence.PadLeft(Longest);
                if (padded.Any(character => !vocabulary.Characters.Contains(character))) continue;
                Tensor answers = Tensor.Sigmoid(Network(all: true).Apply(result.Model.Parameters, vocabulary.Encode(padded).Reshape(1, -1))).Reshape(-1);
                readings = readings.Line(
                    Enumerable.Range(1, sentence.Length).ToArray(), answers[(Longest - sentence.Length)..].To(DType.Float64).ToArray<double>(), sentence);
            }
        }

        settings.Save(new Figure(curves, readings.XLabel("characters read").Legend(LegendPlace.Outside)).Size(1000, 380), "weidman-ch6-sentences.svg");
        return metrics;
    }

    /// <summary>Sentences of tiny Shakespeare in small letters, without the mark that ends them; generated ones without the data.</summary>
    private static (string[] Questions, string[] Statements) Load(Settings settings)
    {
        if (settings.Data is { } data && Path.Combine(data, "shakespeare", "input.txt") is var file && File.Exists(file))
        {
            // Names of speakers stand on lines of their own, before a colon.
            string text = Regex.Replace(Speaker().Replace(File.ReadAllText(file), "."), @"\s+", " ");
            ILookup<char, string> sentences = Sentence().Matches(text)
                .ToLookup(match => match.Groups[2].Value[0], match => match.Groups[1].Value.Trim().ToLowerInvariant());
            string[] Of(char mark) => [.. sentences[mark].Where(sentence => sentence.Length is >= Shortest and <= Longest).Distinct()];
            return (Of('?'), Of('.'));
        }

        settings.Output.WriteLine("Generated sentences; for tiny Shakespeare give the folder of shakespeare/input.txt with --data or AUTODIFF_DATA.");
        int[] numbers = [.. Enumerable.Range(0, 40)];
        return ([.. numbers.Select(n => $"is {n} plus {n + 1} an odd number")], [.. numbers.Select(n => $"{n} plus {n + 1} is an odd number")]);
    }

    [GeneratedRegex(@"^[^\n:]+:$", RegexOptions.Multiline)]
    private static partial Regex Speaker();

    [GeneratedRegex(@"([^.?!;:]+)([.?!;:])")]
    private static partial Regex Sentence();
}
