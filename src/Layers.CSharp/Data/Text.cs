namespace Autodiff.Layers;

/// <summary>The characters of a text, numbered in their order.</summary>
public sealed class CharacterVocabulary
{
    private readonly char[] characters;

    /// <summary>The characters that a text holds.</summary>
    /// <exception cref="ArgumentException">The text is empty.</exception>
    public CharacterVocabulary(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        characters = [.. text.Distinct().Order()];
    }

    /// <summary>The number of characters.</summary>
    public int Count => characters.Length;

    /// <summary>The characters, in order.</summary>
    public IReadOnlyList<char> Characters => characters;

    /// <summary>The numbers of the characters of a text, int64 of shape (length).</summary>
    /// <exception cref="ArgumentException">It holds another character; the message names it.</exception>
    public Tensor Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        long[] numbers = new long[text.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            int number = Array.BinarySearch(characters, text[i]);
            numbers[i] = number >= 0
                ? number
                : throw new ArgumentException($"Encode: '{text[i]}' (U+{(int)text[i]:X4}) at position {i} is not in the vocabulary of {Count} characters.");
        }

        return Tensor.From(numbers, numbers.Length);
    }

    /// <summary>The text of numbers.</summary>
    /// <exception cref="ArgumentException">A number is not that of a character.</exception>
    public string Decode(Tensor numbers) => string.Concat(numbers.Reshape(-1).To(DType.Int64).ToArray<long>().Select(number =>
        number >= 0 && number < Count
            ? characters[number]
            : throw new ArgumentException($"Decode: {number} is not the number of a character; they are 0 to {Count - 1}.")));
}

/// <summary>Examples made of a long sequence, such as an encoded text: the targets of each are its inputs one place
/// later.</summary>
public static class Sequences
{
    /// <summary>Windows of a sequence at regular distances: inputs and targets of shape (n, length), or (n, length, ...) if
    /// the items of the sequence have axes of their own.</summary>
    /// <param name="sequence">The sequence, along the first axis.</param>
    /// <param name="length">The length of a window, at least 1.</param>
    /// <param name="stride">The distance from window to window; by default the length, so that they do not overlap.</param>
    /// <exception cref="ArgumentException">A number is not positive, or the sequence is too short for one window.</exception>
    public static Dataset Windows(Tensor sequence, int length, int? stride = null)
    {
        int distance = Shapes.AtLeast(1, stride ?? length, nameof(Windows), nameof(stride));
        CheckLength(nameof(Windows), sequence, length, 1);
        int count = (sequence.Shape[0] - 1 - length) / distance + 1;
        return At(sequence, Tensor.Arange(count, DType.Int64) * distance, length);
    }

    /// <summary>A sequence read in several places at once, for states that are carried from batch to batch: batches in order
    /// of <c>streams</c> examples each, where example i of a batch goes on where example i of the batch before ended.</summary>
    /// <param name="sequence">The sequence, along the first axis.</param>
    /// <param name="streams">The number of places, which is the batch size, at least 1.</param>
    /// <param name="length">The length of a window, at least 1.</param>
    /// <exception cref="ArgumentException">A number is not positive, or the sequence is too short for one batch.</exception>
    /// <example><code>
    /// var batches = new Pipeline(Sequences.Streams(ids, streams: 32, length: 25), batchSize: 32, shuffle: false);
    /// </code></example>
    public static Dataset Streams(Tensor sequence, int streams, int length)
    {
        Shapes.AtLeast(1, streams, nameof(Streams), nameof(streams));
        CheckLength(nameof(Streams), sequence, length, streams);
        int batches = (sequence.Shape[0] - 1) / streams / length;
        Tensor batch = Tensor.Arange(batches, DType.Int64).Reshape(batches, 1);
        Tensor stream = Tensor.Arange(streams, DType.Int64).Reshape(1, streams);
        return At(sequence, (stream * ((long)batches * length) + batch * length).Reshape(-1), length);
    }

    private static void CheckLength(string owner, Tensor sequence, int length, int windows)
    {
        Shapes.AtLeast(1, length, owner, nameof(length));
        int items = sequence.Rank > 0 ? sequence.Shape[0] : 0;
        if (items > (long)length * windows) return;
        throw new ArgumentException($"{owner}: a sequence of {items} items is too short: {windows} of length {length} and their targets need {(long)length * windows + 1}.");
    }

    private static Dataset At(Tensor sequence, Tensor starts, int length)
    {
        Tensor places = starts.Reshape(-1, 1) + Tensor.Arange(length, DType.Int64).Reshape(1, length);
        return new(sequence.Take(places, 0), sequence.Take(places + 1, 0));
    }
}
