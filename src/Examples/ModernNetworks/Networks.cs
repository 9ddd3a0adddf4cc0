using Autodiff.Layers;

namespace Autodiff.Examples.ModernNetworks;

/// <summary>
/// The networks of the chapter. Each takes a factor for its numbers of channels and units, so that small copies train in
/// minutes; a convolution with its activation is one layer, as the text counts them.
/// </summary>
internal static class Networks
{
    /// <summary>LeNet-5 (LeCun et al. 1998), for images of 28 x 28.</summary>
    internal static Sequential LeNet(double width = 1, int classes = 10)
    {
        // Sigmoids saturate unless weights start small.
        Initializer start = Initializers.GlorotUniform;
        Sequential Filters(int count, int padding) =>
            [new Conv2D(Scaled(count, width), 5, padding: padding, initializer: start), Activations.Sigmoid];
        Sequential Units(int count) => [new Dense(Scaled(count, width), start), Activations.Sigmoid];
        return
        [
            Filters(6, padding: 2), new AveragePool2D(2), Filters(16, padding: 0), new AveragePool2D(2),
            new Flatten(), Units(120), Units(84), new Dense(classes, start),
        ];
    }

    /// <summary>AlexNet (Krizhevsky et al. 2012) as the text writes it, for images of 67 x 67 and more.</summary>
    internal static Sequential AlexNet(double width = 1, int classes = 10) =>
    [
        Convolution(96, width, 11, stride: 4), new MaxPool2D(3, 2),
        Convolution(256, width, 5, padding: 2), new MaxPool2D(3, 2),
        Convolution(384, width, 3, padding: 1), Convolution(384, width, 3, padding: 1), Convolution(256, width, 3, padding: 1),
        new MaxPool2D(3, 2), new Flatten(),
        Units(4096, width), new Dropout(0.5), Units(4096, width), new Dropout(0.5),
        new Dense(classes),
    ];

    /// <summary>VGG-11 (Simonyan and Zisserman 2014), for images of 32 x 32 and more: blocks, then dense layers.</summary>
    internal static Sequential Vgg11(double width = 1, int classes = 10)
    {
        (int Convolutions, int Channels)[] blocks = [(1, 64), (1, 128), (2, 256), (2, 512), (2, 512)];
        var head = new Sequential(
            new Flatten(), Units(4096, width), new Dropout(0.5), Units(4096, width),
            new Dropout(0.5), new Dense(classes));
        return [.. blocks.Select(block => Block(block.Convolutions, block.Channels)), head];

        Sequential Block(int convolutions, int channels) =>
            [.. Enumerable.Range(0, convolutions).Select(_ => Convolution(channels, width, 3, padding: 1)), new MaxPool2D(2)];
    }

    /// <summary>A network in a network (Lin et al. 2013), for images of 67 x 67 and more: dense layers at each pixel.</summary>
    /// <remarks>Its last layer has no ReLU, other than in the paper: a class whose unit died would never be learned.</remarks>
    internal static Sequential NiN(double width = 1, int classes = 10)
    {
        return
        [
            Block(Scaled(96, width), 11, stride: 4), new MaxPool2D(3, 2),
            Block(Scaled(256, width), 5, padding: 2), new MaxPool2D(3, 2),
            Block(Scaled(384, width), 3, padding: 1), new MaxPool2D(3, 2), new Dropout(0.5),
            Block(classes, 3, padding: 1, last: new Conv2D(classes, 1)), new GlobalAveragePool(),
        ];

        static Sequential Block(int filters, int size, int stride = 1, int padding = 0, Layer? last = null) =>
        [
            Convolution(filters, 1, size, stride, padding), Convolution(filters, 1, 1), last ?? Convolution(filters, 1, 1),
        ];
    }

    /// <summary>GoogLeNet (Szegedy et al. 2014), for images of 32 x 32 and more: four ways beside each other.</summary>
    internal static Sequential GoogLeNet(double width = 1, int classes = 10)
    {
        return
        [
            new Sequential(Convolution(64, width, 7, 2, 3), Pool()),
            new Sequential(Convolution(64, width, 1), Convolution(192, width, 3, padding: 1), Pool()),
            new Sequential(Inception(64, 96, 128, 16, 32, 32), Inception(128, 128, 192, 32, 96, 64), Pool()),
            new Sequential(
                Inception(192, 96, 208, 16, 48, 64), Inception(160, 112, 224, 24, 64, 64), Inception(128, 128, 256, 24, 64, 64),
                Inception(112, 144, 288, 32, 64, 64), Inception(256, 160, 320, 32, 128, 128), Pool()),
            new Sequential(Inception(256, 160, 320, 32, 128, 128), Inception(384, 192, 384, 48, 128, 128), new GlobalAveragePool()),
            new Dense(classes),
        ];

        static MaxPool2D Pool() => new(3, 2, padding: 1);

        Concat Inception(int by1, int to3, int by3, int to5, int by5, int pooled) => new(
            Convolution(by1, width, 1),
            new Sequential(Convolution(to3, width, 1), Convolution(by3, width, 3, padding: 1)),
            new Sequential(Convolution(to5, width, 1), Convolution(by5, width, 5, padding: 2)),
            new Sequential(new MaxPool2D(3, 1, padding: 1), Convolution(pooled, width, 1)));
    }

    /// <summary>ResNet-18 (He et al. 2015), for images of 32 x 32 and more: layers learn what to add to their input.</summary>
    internal static Sequential ResNet18(double width = 1, int classes = 10)
    {
        return
        [
            new Sequential(Unbiased(Scaled(64, width), 7, 2, 3), new BatchNorm(), Activations.ReLU, new MaxPool2D(3, 2, padding: 1)),
            Stage(64, stride: 1), Stage(128, stride: 2), Stage(256, stride: 2), Stage(512, stride: 2),
            new GlobalAveragePool(), new Dense(classes),
        ];

        Sequential Stage(int channels, int stride) =>
            [Block(Scaled(channels, width), stride), Activations.ReLU, Block(Scaled(channels, width), 1), Activations.ReLU];

        static Residual Block(int channels, int stride) => new(
            new Sequential(
                Unbiased(channels, 3, stride, 1), new BatchNorm(), Activations.ReLU, Unbiased(channels, 3, 1, 1), new BatchNorm()),
            shortcut: stride == 1 ? null : new Sequential(Unbiased(channels, 1, stride), new BatchNorm()));
    }

    /// <summary>DenseNet-BC (Huang et al. 2016), for images of 32 x 32 and more: each layer sees the outputs of all before
    /// it. Without blocks of one's own it is DenseNet-121.</summary>
    /// <param name="width">The factor of the 64 first channels and of the growth of 32.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="blocks">The numbers of layers of the blocks.</param>
    internal static Sequential DenseNet(double width = 1, int classes = 10, params int[] blocks)
    {
        if (blocks.Length == 0) blocks = [6, 12, 24, 16];
        int channels = Scaled(64, width), growth = Scaled(32, width);
        List<Layer> layers =
            [new Sequential(Unbiased(channels, 7, 2, 3), new BatchNorm(), Activations.ReLU, new MaxPool2D(3, 2, padding: 1))];
        foreach ((int i, int count) in blocks.Index())
        {
            layers.Add(new Sequential(Enumerable.Range(0, count).Select(_ => new Concat(Activations.Identity, Addition()))));
            channels += count * growth;
            if (i == blocks.Length - 1) break;
            channels /= 2;
            layers.Add(new Sequential(new BatchNorm(), Activations.ReLU, Unbiased(channels, 1), new AveragePool2D(2)));
        }

        return [.. layers, new Sequential(new BatchNorm(), Activations.ReLU, new GlobalAveragePool()), new Dense(classes)];

        Sequential Addition() =>
        [
            new BatchNorm(), Activations.ReLU, Unbiased(4 * growth, 1),
            new BatchNorm(), Activations.ReLU, Unbiased(growth, 3, 1, 1),
        ];
    }

    private static int Scaled(int count, double width) => Math.Max(1, (int)Math.Round(count * width));

    private static Sequential Convolution(int filters, double width, int size, int stride = 1, int padding = 0) =>
        [new Conv2D(Scaled(filters, width), size, stride, padding), Activations.ReLU];

    private static Sequential Units(int units, double width) => [new Dense(Scaled(units, width)), Activations.ReLU];

    /// <summary>A convolution before batch normalization, which takes away what a bias would add.</summary>
    private static Conv2D Unbiased(int filters, int size, int stride = 1, int padding = 0) =>
        new(filters, size, stride, padding, useBias: false);
}
