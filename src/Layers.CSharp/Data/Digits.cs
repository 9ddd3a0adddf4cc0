using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff.Kernels;

namespace Autodiff.Layers;

/// <summary>Generated images of handwritten digits, for when no data file is at hand.</summary>
public static class Digits
{
    private const int Side = 28;
    private const int Pixels = Side * Side;
    private const int ImagesPerTask = 64;

    /// <summary>Curves are drawn as this many straight lines between two points of a stroke.</summary>
    private const int LinesPerSpan = 5;

    /// <summary>Random numbers for the shape of an image; those for the noise of its pixels follow.</summary>
    private const int ShapeNumbers = 80;

    /// <summary>
    /// Draws random digits with pens of random width, with random slant, turn, size, place, wobble and noise. Shapes,
    /// types and ranges are those of <see cref="Mnist.Load"/>: float32 images in [0, 1], int64 labels from 0 to 9. The same
    /// key gives the same images, and image i does not depend on how many follow.
    /// </summary>
    /// <param name="count">The number of images.</param>
    /// <param name="key">The key; training and test sets need different ones.</param>
    /// <param name="flatten">Whether images have the shape (n, 784) rather than (n, 1, 28, 28).</param>
    /// <exception cref="ArgumentException">The count is negative.</exception>
    public static Dataset Generate(int count, Key key, bool flatten = true)
    {
        if (count < 0 || count > int.MaxValue / Pixels)
            throw new ArgumentException($"Digits.Generate: {count} images cannot be made; ask for 0 to {int.MaxValue / Pixels:N0}.");

        ulong seed = (ulong)key.Integers([1], 0, long.MaxValue).ToArray<long>()[0];
        float[] images = new float[count * Pixels];
        long[] labels = new long[count];
        Workers.For((count + ImagesPerTask - 1) / ImagesPerTask, task =>
        {
            int end = Math.Min(count, (task + 1) * ImagesPerTask);
            for (int i = task * ImagesPerTask; i < end; i++)
                labels[i] = Draw(seed, (ulong)i, images.AsSpan(i * Pixels, Pixels));
        });

        int[] shape = flatten ? [count, Pixels] : [count, 1, Side, Side];
        return new Dataset(Tensor.From(images, shape), Tensor.From(labels, count));
    }

    private static long Draw(ulong seed, ulong index, Span<float> image)
    {
        Span<float> random = stackalloc float[ShapeNumbers + Pixels];
        CounterRandom.Uniform(DType.Float32, seed, index, MemoryMarshal.AsBytes(random));
        var numbers = new Numbers(random[..ShapeNumbers]);

        int digit = (int)numbers.Between(0, 10);
        Vector2[][][] ways = DigitStrokes.Ways[digit];
        Vector2[][] strokes = ways[(int)numbers.Between(0, ways.Length)];

        // From the unit square to pixels: size, slant, turn, place.
        float width = numbers.Between(10.5f, 16.5f);
        float height = numbers.Between(16.5f, 21f);
        float slant = numbers.Between(-0.12f, 0.42f);
        (float sin, float cos) = MathF.SinCos(numbers.Between(-0.17f, 0.17f));
        var center = new Vector2(numbers.Between(12.1f, 14.9f), numbers.Between(12.1f, 14.9f));
        float radius = numbers.Between(0.75f, 1.9f);
        float softness = numbers.Between(0.9f, 1.7f);
        float ink = numbers.Between(0.8f, 1.05f);
        float wobble = numbers.Between(0.02f, 0.095f);
        float noise = numbers.Between(0, 0.1f);

        // Squares of the distances from the nearest line, until all lines are drawn.
        image.Fill(float.MaxValue);
        float reach = radius + softness;
        Span<Vector2> points = stackalloc Vector2[16];
        foreach (Vector2[] stroke in strokes)
        {
            for (int i = 0; i < stroke.Length; i++)
            {
                // Both points of a corner move together.
                if (i > 0 && stroke[i] == stroke[i - 1])
                {
                    points[i] = points[i - 1];
                    continue;
                }

                Vector2 p = stroke[i] + new Vector2(numbers.Between(-wobble, wobble), numbers.Between(-wobble, wobble)) - new Vector2(0.5f);
                p = new Vector2(p.X * width - p.Y * height * slant, p.Y * height);
                points[i] = center + new Vector2(cos * p.X - sin * p.Y, sin * p.X + cos * p.Y);
            }

            DrawCurve(points[..stroke.Length], reach, image);
        }

        for (int i = 0; i < Pixels; i++)
        {
            float covered = Math.Clamp((radius - MathF.Sqrt(image[i])) / softness + 0.5f, 0, 1);
            image[i] = Math.Clamp(ink * covered + noise * (2 * random[ShapeNumbers + i] - 1), 0, 1);
        }

        return digit;
    }

    /// <summary>Draws the Catmull-Rom spline through some points.</summary>
    private static void DrawCurve(ReadOnlySpan<Vector2> points, float reach, Span<float> image)
    {
        Vector2 from = points[0];
        for (int i = 0; i + 1 < points.Length; i++)
        {
            Vector2 a = points[Math.Max(i - 1, 0)], b = points[i], c = points[i + 1], d = points[Math.Min(i + 2, points.Length - 1)];
            if (b == c) continue;
            for (int k = 1; k <= LinesPerSpan; k++)
            {
                float t = k / (float)LinesPerSpan;
                Vector2 to = b + 0.5f * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
                DrawLine(from, to, reach, image);
                from = to;
            }
        }
    }

    /// <summary>Lowers the squared distances of the pixels within reach to those from a line.</summary>
    private static void DrawLine(Vector2 from, Vector2 to, float reach, Span<float> image)
    {
        int left = Math.Max(0, (int)MathF.Ceiling(Math.Min(from.X, to.X) - reach));
        int right = Math.Min(Side - 1, (int)MathF.Floor(Math.Max(from.X, to.X) + reach));
        int top = Math.Max(0, (int)MathF.Ceiling(Math.Min(from.Y, to.Y) - reach));
        int bottom = Math.Min(Side - 1, (int)MathF.Floor(Math.Max(from.Y, to.Y) + reach));
        float dx = to.X - from.X, dy = to.Y - from.Y;
        float perLength = 1 / Math.Max(dx * dx + dy * dy, 1e-12f);
        for (int y = top; y <= bottom; y++)
        {
            for (int x = left; x <= right; x++)
            {
                float px = x - from.X, py = y - from.Y;
                float t = Math.Clamp((px * dx + py * dy) * perLength, 0, 1);
                float ex = px - t * dx, ey = py - t * dy;
                ref float nearest = ref image[y * Side + x];
                nearest = Math.Min(nearest, ex * ex + ey * ey);
            }
        }
    }

    /// <summary>Hands out uniform random numbers one after another.</summary>
    private ref struct Numbers(ReadOnlySpan<float> uniform)
    {
        private readonly ReadOnlySpan<float> uniform = uniform;
        private int next;

        public float Between(float low, float high) => low + (high - low) * uniform[next++];
    }
}
