namespace Autodiff.Layers;

/// <summary>A random change of images (n, c, h, w), another for each image, that keeps what they show. Outside an image is
/// 0. The same key gives the same changes.</summary>
/// <param name="name">The name.</param>
/// <param name="change">The function: images and key.</param>
public sealed class Augmentation(string name, Func<Tensor, Key, Tensor> change)
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>Images moved by whole pixels, up to a number in each direction, all equally likely.</summary>
    /// <param name="pixels">The largest distance, from 0 up.</param>
    /// <exception cref="ArgumentException">It is negative.</exception>
    public static Augmentation Shift(int pixels)
    {
        Shapes.AtLeast(0, pixels, nameof(Shift), nameof(pixels));
        return new(Text($"Shift({pixels})"), (images, key) => Window(images, images.Shape[2], images.Shape[3], pixels, key));
    }

    /// <summary>Parts of images of a smaller or, with padding, equal size, at places that are all equally likely.</summary>
    /// <param name="height">The height of the parts.</param>
    /// <param name="width">The width of the parts.</param>
    /// <param name="padding">The width of a frame of zeros around images.</param>
    /// <exception cref="ArgumentException">A number is negative; when applied: images are too small.</exception>
    public static Augmentation Crop(int height, int width, int padding = 0)
    {
        Shapes.AtLeast(1, height, nameof(Crop), nameof(height));
        Shapes.AtLeast(1, width, nameof(Crop), nameof(width));
        Shapes.AtLeast(0, padding, nameof(Crop), nameof(padding));
        return new(
            Text($"Crop({height}, {width}, {padding})"), (images, key) => Window(images, height, width, padding, key));
    }

    /// <summary>Images turned about their centre by angles uniform between two bounds, with bilinear interpolation.</summary>
    /// <param name="degrees">The largest angle.</param>
    public static Augmentation Rotate(double degrees) => Affine(degrees: degrees);

    /// <summary>Images magnified about their centre by factors uniform between 1 - range and 1 + range, with bilinear
    /// interpolation.</summary>
    /// <param name="range">The largest change, from 0 up and below 1.</param>
    /// <exception cref="ArgumentException">It is not such a number.</exception>
    public static Augmentation Zoom(double range) => Affine(zoom: range);

    /// <summary>Images turned, magnified and moved by parts of a pixel at once, so that they are interpolated only
    /// once.</summary>
    /// <param name="shift">The largest distance in each direction, in pixels.</param>
    /// <param name="degrees">The largest angle.</param>
    /// <param name="zoom">The largest change of size, from 0 up and below 1.</param>
    /// <exception cref="ArgumentException">A number lies outside its range.</exception>
    public static Augmentation Affine(double shift = 0, double degrees = 0, double zoom = 0)
    {
        Shapes.Fraction(zoom, nameof(Augmentation), nameof(zoom));
        if (!(shift >= 0 && double.IsFinite(shift) && double.IsFinite(degrees)))
            throw new ArgumentException(Text($"Augmentation: a shift of {shift} and an angle of {degrees} must be finite, the shift from 0 up."));
        return new(Text($"Affine({shift}, {degrees}, {zoom})"), (images, key) =>
        {
            Key[] keys = key.Split(4);
            Tensor Draw(int i, double range) => keys[i].Uniform([images.Shape[0], 1, 1], -range, range, images.DType);
            return Transform(images, Draw(0, shift), Draw(1, shift), Draw(2, degrees * Math.PI / 180), Draw(3, zoom) + 1);
        });
    }

    /// <summary>Images mirrored with a probability, left to right or top to bottom.</summary>
    /// <param name="probability">The probability.</param>
    /// <param name="vertical">Whether top and bottom change places.</param>
    /// <exception cref="ArgumentException">It is no probability.</exception>
    public static Augmentation Flip(double probability = 0.5, bool vertical = false)
    {
        if (!(probability is >= 0 and <= 1))
            throw new ArgumentException(Text($"Flip: {probability} is not a probability between 0 and 1."));
        return new(Text($"Flip({probability})"), (images, key) => Tensor.Where(
            key.Bernoulli([images.Shape[0], 1, 1, 1], probability), images.Flip(vertical ? 2 : 3), images));
    }

    /// <summary>Normal random numbers added to each pixel.</summary>
    /// <param name="standardDeviation">Their standard deviation, positive.</param>
    /// <exception cref="ArgumentException">It is not positive.</exception>
    public static Augmentation Noise(double standardDeviation)
    {
        Shapes.Positive(standardDeviation, nameof(Noise), nameof(standardDeviation));
        return new(Text($"Noise({standardDeviation})"), (images, key) =>
            images + key.Normal(images.Shape, 0, standardDeviation, images.DType));
    }

    /// <summary>The changed images.</summary>
    /// <exception cref="ArgumentException">They are not floating-point images (n, c, h, w).</exception>
    public Tensor Apply(Tensor images, Key key) =>
        images.Rank == 4 && images.DType.IsFloat()
            ? change(images, key)
            : throw new ArgumentException(
                $"{Name}: inputs are {images.DType.Name()} of shape {Shapes.Format(images.Shape)}; augmentation takes floating-point images (n, c, h, w): reshape them, or convert with To.");

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Windows of images in a frame of zeros, each at a place of its own.</summary>
    private static Tensor Window(Tensor images, int height, int width, int padding, Key key)
    {
        int n = images.Shape[0], fullHeight = images.Shape[2] + 2 * padding, fullWidth = images.Shape[3] + 2 * padding;
        if (height > fullHeight || width > fullWidth)
            throw new ArgumentException($"Crop: images of {images.Shape[2]} by {images.Shape[3]} with padding {padding} hold no part of {height} by {width}.");
        Key[] keys = key.Split(2);
        Tensor top = keys[0].Integers([n, 1, 1], 0, fullHeight - height + 1);
        Tensor left = keys[1].Integers([n, 1, 1], 0, fullWidth - width + 1);
        Tensor rows = Tensor.Arange(height, DType.Int64).Reshape(1, height, 1) + top;
        Tensor columns = Tensor.Arange(width, DType.Int64).Reshape(1, 1, width) + left;
        return Pixels(images.Pad((0, 0), (0, 0), (padding, padding), (padding, padding)), rows * fullWidth + columns);
    }

    /// <summary>Images seen through an affine map about their centre, interpolated between the four nearest pixels.</summary>
    private static Tensor Transform(Tensor images, Tensor right, Tensor down, Tensor angle, Tensor scale)
    {
        int height = images.Shape[2], width = images.Shape[3];
        double middleY = (height - 1) / 2.0, middleX = (width - 1) / 2.0;
        Tensor y = Tensor.Arange(height, images.DType).Reshape(1, height, 1) - middleY - down;
        Tensor x = Tensor.Arange(width, images.DType).Reshape(1, 1, width) - middleX - right;
        Tensor cos = Tensor.Cos(angle) / scale, sin = Tensor.Sin(angle) / scale;

        // Where each pixel comes from. One frame of zeros holds all that lies outside.
        Tensor fromX = Tensor.Clamp(cos * x + sin * y + middleX, -1, width);
        Tensor fromY = Tensor.Clamp(cos * y - sin * x + middleY, -1, height);
        Tensor leftX = Tensor.Clamp(Tensor.Floor(fromX), -1, width - 1), topY = Tensor.Clamp(Tensor.Floor(fromY), -1, height - 1);
        Tensor partX = (fromX - leftX).ExpandAxis(1), partY = (fromY - topY).ExpandAxis(1);
        Tensor framed = images.Pad((0, 0), (0, 0), (1, 1), (1, 1));
        Tensor place = (topY + 1).To(DType.Int64) * (width + 2) + (leftX + 1).To(DType.Int64);
        Tensor At(int offset) => Pixels(framed, place + offset);
        Tensor top = At(0) * (1 - partX) + At(1) * partX;
        Tensor bottom = At(width + 2) * (1 - partX) + At(width + 3) * partX;
        return top * (1 - partY) + bottom * partY;
    }

    /// <summary>Pixels of images at places (n, height, width) that count row by row, the same in all channels.</summary>
    private static Tensor Pixels(Tensor images, Tensor places)
    {
        int n = images.Shape[0], channels = images.Shape[1], height = places.Shape[1], width = places.Shape[2];
        Tensor flat = images.Reshape(n, channels, images.Shape[2] * images.Shape[3]);
        Tensor indices = places.Reshape(n, 1, height * width).BroadcastTo(n, channels, height * width);
        return flat.Gather(indices, 2).Reshape(n, channels, height, width);
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
