using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Autodiff.Layers;

/// <summary>Sequences computed ahead.</summary>
public static class Prefetching
{
    /// <summary>The same sequence, computed on a thread of its own, some items ahead of what has been asked for.</summary>
    /// <remarks>What the sequence throws is thrown after the items before it. Leaving the loop early stops the thread after
    /// the item that it computes, waits for it, and disposes the sequence. The thread starts with the loop.</remarks>
    /// <param name="source">The sequence.</param>
    /// <param name="count">The number of items to have ready, at least 1.</param>
    /// <exception cref="ArgumentException">The number is not positive.</exception>
    /// <example><code>
    /// foreach (Batch batch in dataset.Batches(100, key).Prefetch()) ...
    /// </code></example>
    public static IEnumerable<T> Prefetch<T>(this IEnumerable<T> source, int count = 2)
    {
        ArgumentNullException.ThrowIfNull(source);
        Shapes.AtLeast(1, count, nameof(Prefetch), nameof(count));
        return Iterate(source, count);
    }

    private static IEnumerable<T> Iterate<T>(IEnumerable<T> source, int count)
    {
        using var ready = new BlockingCollection<T>(count);
        using var left = new CancellationTokenSource();
        CancellationToken token = left.Token;
        ExceptionDispatchInfo? failure = null;
        var producer = new Thread(() =>
        {
            try
            {
                foreach (T item in source) ready.Add(item, token);
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested)
            {
            }
            catch (Exception error)
            {
                // Whatever it is belongs to the thread that asks.
                failure = ExceptionDispatchInfo.Capture(error);
            }
            finally
            {
                ready.CompleteAdding();
            }
        })
        {
            IsBackground = true,
            Name = "Autodiff prefetch",
        };
        producer.Start();
        try
        {
            foreach (T item in ready.GetConsumingEnumerable()) yield return item;
        }
        finally
        {
            left.Cancel();
            producer.Join();
        }

        failure?.Throw();
    }
}
