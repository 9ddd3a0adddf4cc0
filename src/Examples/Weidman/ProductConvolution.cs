using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>The appendix: a convolution that keeps the lengths of images, as one product of matrices, with the gradients that the appendix
/// prints. They are wrong: the first where there is more than one image, the second unless filters are symmetric.</summary>
internal static class ProductConvolution
{
    /// <summary>For each image (n) and pixel (h w) the numbers about it: (n, channels, h, w) to (n, h w, channels size²).</summary>
    internal static Tensor Patches(Tensor images, int size)
    {
        (int n, int channels, int height, int width) = (images.Shape[0], images.Shape[1], images.Shape[2], images.Shape[3]);
        (int, int) sides = (size / 2, size / 2);
        Tensor padded = images.Pad((0, 0), (0, 0), sides, sides);
        Tensor patches = Tensor.Stack(2, Enumerable.Range(0, size * size).Select(
            i => padded[.., .., (i / size)..(i / size + height), (i % size)..(i % size + width)]));
        return patches.Permute(0, 3, 4, 1, 2).Reshape(n, height * width, channels * size * size);
    }

    /// <summary>Patches times filters, of which each is a column.</summary>
    internal static Tensor Of(Tensor images, Tensor filters)
    {
        Tensor products = Patches(images, filters.Shape[2]).MatMul(filters.Reshape(filters.Shape[0], -1).Transpose());
        return products.Reshape(images.Shape[0], images.Shape[2], images.Shape[3], -1).Permute(0, 3, 1, 2);
    }

    /// <summary>The gradient by the filters as printed: patches, of which the first pixels of all images come first, times cotangents, of
    /// which all pixels of the first image come first.</summary>
    internal static Tensor ByFiltersAsPrinted(Tensor images, Tensor filters, Tensor ct)
    {
        Tensor patches = Patches(images, filters.Shape[2]).Permute(1, 0, 2);
        patches = patches.Reshape(-1, patches.Shape[2]);
        return ct.Permute(1, 0, 2, 3).Reshape(filters.Shape[0], -1).MatMul(patches).Reshape(filters.Shape);
    }

    /// <summary>The gradient by the images as printed: the filters, over the cotangents, are not turned round.</summary>
    internal static Tensor ByImagesAsPrinted(Tensor filters, Tensor ct) => Of(ct, filters.Permute(1, 0, 2, 3));

    /// <summary>The convolution, with the gradient by the filters as printed and none by the images, as the first layer needs.</summary>
    internal static Func<(Tensor Images, Tensor Filters), Tensor> AsPrinted { get; } = Custom.Vjp(
        ((Tensor Images, Tensor Filters) at) => at.Images.Conv2D(at.Filters, padding: Padding.Same),
        at => (at.Images.Conv2D(at.Filters, padding: Padding.Same), at),
        (at, ct) => (Tensor.ZerosLike(at.Images), ByFiltersAsPrinted(at.Images, at.Filters, ct)));
}
