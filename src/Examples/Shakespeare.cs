using Autodiff.Layers;

namespace Autodiff.Examples;

/// <summary>
/// A small transformer of GPT-2's kind learns to write like tiny Shakespeare, character by character.
/// </summary>
internal static class Shakespeare
{
    private const int Time = 64, Features = 128, Heads = 4, StepsOfEpoch = 100;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        string text = Load(settings);
        var vocabulary = new CharacterVocabulary(text);
        Tensor all = vocabulary.Encode(text);
        int cut = all.Size * 9 / 10, epochs = settings.Epochs ?? 20, batchSize = settings.Batch ?? 32, steps = epochs * StepsOfEpoch;
        Tensor train = all[..cut], held = all[cut..];

        Initializer small = Initializers.Normal(0.02);
        var network = new Sequential(
            new Embedding(vocabulary.Count, Features, small), new PositionalEmbedding(Time),
            new TransformerBlock(Heads, causal: true, activation: Activations.GELU), new TransformerBlock(Heads, causal: true, activation: Activations.GELU),
            new LayerNorm(), new Dense(vocabulary.Count, small));
        settings.Output.WriteLine(network.Summary([Time]));

        Schedule rate = Schedule.Cosine(1e-3, steps, to: 1e-4).WarmUp(Math.Min(StepsOfEpoch, steps / 2));
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Chain(new AdamW(rate, weightDecay: 0.1, beta2: 0.99), new ClipByNorm(1)));
        var key = new Key(settings.Seed);

        // Windows at random places; the targets are the characters that follow.
        Batch Draw(Tensor from, Key own)
        {
            Tensor places = own.Integers([batchSize, 1], 0, from.Size - Time) + Tensor.Arange(Time, DType.Int64);
            return new Batch(from.Take(places, 0), from.Take(places + 1, 0));
        }

        TrainingState state = trainer.Start(key.FoldIn(0), [Time]);
        Func<Parameters, Tensor, Tensor> apply = Jit.Compile((Parameters parameters, Tensor input) => network.Apply(parameters, input));
        double Held() => Enumerable.Range(0, 10).Average(i =>
        {
            Batch batch = Draw(held, key.FoldIn(1).FoldIn(i));
            return Losses.SoftmaxCrossEntropy.Of(apply(state.Parameters, batch.Inputs), batch.Targets).ToDouble();
        });

        double loss = double.NaN;
        for (int i = 1; i <= steps; i++)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            state = trainer.Step(state, Draw(train, key.FoldIn(2).FoldIn(i)), donate: true).State;
            if (i % (2 * StepsOfEpoch) != 0 && i != steps) continue;
            loss = Held();
            settings.Output.WriteLine($"step {i,5}: {loss:f3} nats for a character of the text held back");
        }

        // What lies behind the last character does not matter: attention is causal.
        List<int> written = [.. vocabulary.Encode("\n").ToArray<int>()];
        for (int i = 0; i < (settings.Epochs is null ? 500 : 100); i++)
        {
            int[] context = [.. written.TakeLast(Time)];
            Tensor logits = apply(state.Parameters, Tensor.From([.. context, .. new int[Time - context.Length]], 1, Time))[0, context.Length - 1];
            written.Add((int)key.FoldIn(3).FoldIn(i).Categorical(logits / 0.8).ToDouble());
        }

        settings.Output.WriteLine(vocabulary.Decode(Tensor.From(written.ToArray())));
        return new Dictionary<string, double> { ["loss"] = loss };
    }

    private static string Load(Settings settings)
    {
        if (settings.Data is { } data && Path.Combine(data, "shakespeare", "input.txt") is var file && File.Exists(file)) return File.ReadAllText(file);
        settings.Output.WriteLine("Generated sentences; for tiny Shakespeare give the folder of shakespeare/input.txt with --data or AUTODIFF_DATA.");
        return string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i * 37 % 100} plus {i * 11 % 100} is {i * 37 % 100 + i * 11 % 100}.\n"));
    }
}
