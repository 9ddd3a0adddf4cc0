using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class AugmentationTests
{
    private static readonly Tensor Images = new Key(1).Uniform([5, 2, 6, 7], 0.5, 1.5);

    private static readonly Augmentation[] Table =
    [
        Augmentation.Shift(2), Augmentation.Crop(6, 7, 1), Augmentation.Rotate(20), Augmentation.Zoom(0.3), Augmentation.Affine(1.5, 10, 0.1),
        Augmentation.Flip(), Augmentation.Flip(vertical: true), Augmentation.Noise(0.1),
    ];

    [Fact]
    public void Changes_depend_on_the_key_and_differ_from_image_to_image()
    {
        Tensor same = Images[..1].BroadcastTo(8, 2, 6, 7);
        foreach (Augmentation augmentation in Table)
        {
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            {
                Tensor changed = augmentation.Apply(same.To(dtype), new Key(2));
                Assert.Equal(same.Shape, changed.Shape);
                Assert.Equal(dtype, changed.DType);
                float[] values = changed.ToArray<float>();
                Assert.Equal(values, augmentation.Apply(same.To(dtype), new Key(2)).ToArray<float>());
                Assert.NotEqual(values, augmentation.Apply(same.To(dtype), new Key(3)).ToArray<float>());
                Assert.True(values.Chunk(84).Select(image => image.Sum()).Distinct().Count() > 1 || augmentation.Name.StartsWith("Flip", StringComparison.Ordinal));
                Assert.True(values.Chunk(84).Select(image => string.Join(' ', image)).Distinct().Count() > 1, augmentation.Name);
            }
        }
    }

    [Fact]
    public void Nothing_changes_where_the_range_is_0()
    {
        foreach (Augmentation none in new[] { Augmentation.Shift(0), Augmentation.Crop(6, 7), Augmentation.Rotate(0), Augmentation.Zoom(0), Augmentation.Flip(0) })
            Assert.Equal(Images.ToArray<float>(), none.Apply(Images, new Key(1)).ToArray<float>());
        Assert.Equal(Images.Flip(3).ToArray<float>(), Augmentation.Flip(1).Apply(Images, new Key(1)).ToArray<float>());
        Assert.Equal(Images.Flip(2).ToArray<float>(), Augmentation.Flip(1, vertical: true).Apply(Images, new Key(1)).ToArray<float>());
    }

    [Fact]
    public void Shifted_images_are_moved_by_whole_pixels()
    {
        // All 25 places, each found by looking for the one pixel.
        Tensor one = Tensor.From([12L], 1).OneHot(25).Reshape(1, 1, 5, 5).BroadcastTo(500, 1, 5, 5);
        float[] moved = Augmentation.Shift(2).Apply(one, new Key(1)).ToArray<float>();
        int[] counts = new int[25];
        foreach (float[] image in moved.Chunk(25))
        {
            Assert.Equal(1f, image.Sum());
            counts[Array.IndexOf(image, 1f)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 5, 45));
    }

    [Fact]
    public void Crops_are_parts_of_their_images()
    {
        float[] all = Images.ToArray<float>();
        Tensor crops = Augmentation.Crop(3, 4).Apply(Images, new Key(4));
        Assert.Equal([5, 2, 3, 4], crops.Shape);
        float[] values = crops.ToArray<float>();
        for (int i = 0; i < 5; i++)
            for (int c = 0; c < 2; c++)
            {
                // Elements are distinct, so that the first tells the place.
                int from = Array.IndexOf(all, values[(i * 2 + c) * 12]) - (i * 2 + c) * 42;
                for (int k = 0; k < 12; k++) Assert.Equal(all[(i * 2 + c) * 42 + from + k / 4 * 7 + k % 4], values[(i * 2 + c) * 12 + k]);
            }

        Assert.Contains("6 by 7", Assert.Throws<ArgumentException>(() => Augmentation.Crop(9, 3).Apply(Images, new Key(1))).Message);
    }

    [Fact]
    public void Affine_maps_are_those_of_a_loop_over_pixels()
    {
        // The numbers that Affine draws, in its order.
        const double shift = 1.5, degrees = 25, zoom = 0.2;
        Tensor images = Images.To(DType.Float64);
        Key[] keys = new Key(9).Split(4);
        double[] Draw(int i, double range) => keys[i].Uniform([5, 1, 1], -range, range, DType.Float64).ToArray<double>();
        double[] right = Draw(0, shift), down = Draw(1, shift), angle = Draw(2, degrees * Math.PI / 180), size = Draw(3, zoom);
        double[] source = images.ToArray<double>(), found = Augmentation.Affine(shift, degrees, zoom).Apply(images, new Key(9)).ToArray<double>();
        for (int i = 0; i < 5; i++)
            for (int c = 0; c < 2; c++)
                for (int y = 0; y < 6; y++)
                    for (int x = 0; x < 7; x++)
                    {
                        double At(int row, int column) => row is >= 0 and < 6 && column is >= 0 and < 7 ? source[((i * 2 + c) * 6 + row) * 7 + column] : 0;
                        double u = x - 3 - right[i], v = y - 2.5 - down[i], s = 1 + size[i];
                        double fromX = (Math.Cos(angle[i]) * u + Math.Sin(angle[i]) * v) / s + 3;
                        double fromY = (Math.Cos(angle[i]) * v - Math.Sin(angle[i]) * u) / s + 2.5;
                        int left = (int)Math.Floor(fromX), top = (int)Math.Floor(fromY);
                        double a = fromX - left, b = fromY - top;
                        double expected = (1 - b) * ((1 - a) * At(top, left) + a * At(top, left + 1)) + b * ((1 - a) * At(top + 1, left) + a * At(top + 1, left + 1));
                        Assert.Equal(expected, found[((i * 2 + c) * 6 + y) * 7 + x], 1e-9);
                    }
    }

    [Fact]
    public void What_is_no_image_is_refused()
    {
        Assert.Contains("(n, c, h, w)", Assert.Throws<ArgumentException>(() => Augmentation.Flip().Apply(Images.Reshape(5, 84), new Key(1))).Message);
        Assert.Contains("uint8", Assert.Throws<ArgumentException>(() => Augmentation.Flip().Apply(Images.To(DType.UInt8), new Key(1))).Message);
        Assert.Throws<ArgumentException>(() => Augmentation.Shift(-1));
        Assert.Throws<ArgumentException>(() => Augmentation.Zoom(1));
        Assert.Throws<ArgumentException>(() => Augmentation.Flip(1.5));
        Assert.Throws<ArgumentException>(() => Augmentation.Noise(0));
    }
}
