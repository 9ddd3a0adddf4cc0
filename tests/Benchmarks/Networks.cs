using Autodiff;
using Autodiff.Layers;

namespace Benchmarks;

/// <summary>The networks of the training rows, as their authors or the books that teach them describe them.</summary>
internal static class Networks
{
    /// <summary>LeNet-5 (LeCun et al. 1998) with sigmoid and mean pooling.</summary>
    internal static Sequential LeNet() =>
    [
        new Conv2D(6, kernelSize: 5, padding: 2), Activations.Sigmoid, new AveragePool2D(2),
        new Conv2D(16, kernelSize: 5), Activations.Sigmoid, new AveragePool2D(2), new Flatten(),
        new Dense(120), Activations.Sigmoid, new Dense(84), Activations.Sigmoid, new Dense(10),
    ];

    /// <summary>One convolution, one hidden layer.</summary>
    internal static Sequential SimpleConvNet() =>
    [
        new Conv2D(30, kernelSize: 5), Activations.ReLU, new MaxPool2D(2), new Flatten(),
        new Dense(100), Activations.ReLU, new Dense(10),
    ];

    /// <summary>Hidden layers of 100 units, each normalized over the batch.</summary>
    internal static Sequential DeepBatchNorm(int hidden) =>
    [
        .. Enumerable.Range(0, hidden).SelectMany(_ => new Layer[] { new Dense(100), new BatchNorm(), Activations.ReLU }),
        new Dense(10),
    ];

    /// <summary>Six convolutions of 3x3 in three pairs, and dropout before and after the last layer.</summary>
    internal static Sequential DeepConvNet()
    {
        return
        [
            .. Convolution(16), .. Convolution(16), new MaxPool2D(2),
            .. Convolution(32), .. Convolution(32, padding: 2), new MaxPool2D(2),
            .. Convolution(64), .. Convolution(64), new MaxPool2D(2),
            new Flatten(), new Dense(50), Activations.ReLU, new Dropout(0.5), new Dense(10), new Dropout(0.5),
        ];

        static Layer[] Convolution(int filters, int padding = 1) =>
            [new Conv2D(filters, kernelSize: 3, padding: padding), Activations.ReLU];
    }

    /// <summary>AlexNet (Krizhevsky et al. 2012) for images of one channel and 224x224 places.</summary>
    internal static Sequential AlexNet() =>
    [
        new Conv2D(96, kernelSize: 11, stride: 4), Activations.ReLU, new MaxPool2D(3, stride: 2),
        new Conv2D(256, kernelSize: 5, padding: 2), Activations.ReLU, new MaxPool2D(3, stride: 2),
        new Conv2D(384, kernelSize: 3, padding: 1), Activations.ReLU,
        new Conv2D(384, kernelSize: 3, padding: 1), Activations.ReLU,
        new Conv2D(256, kernelSize: 3, padding: 1), Activations.ReLU, new MaxPool2D(3, stride: 2), new Flatten(),
        new Dense(4096), Activations.ReLU, new Dropout(0.5),
        new Dense(4096), Activations.ReLU, new Dropout(0.5), new Dense(10),
    ];

    /// <summary>ResNet-18 (He et al. 2016) for images of 96x96 places, whose last maps have 3x3.</summary>
    internal static Sequential ResNet18()
    {
        return
        [
            new Conv2D(64, kernelSize: 7, stride: 2, padding: 3), new BatchNorm(), Activations.ReLU,
            new MaxPool2D(3, stride: 2, padding: 1),
            .. Block(64), .. Block(64), .. Block(128, stride: 2), .. Block(128),
            .. Block(256, stride: 2), .. Block(256), .. Block(512, stride: 2), .. Block(512),
            new AveragePool2D(3), new Flatten(), new Dense(10),
        ];

        static Layer[] Block(int filters, int stride = 1) =>
        [
            new Residual(
                new Sequential(
                    new Conv2D(filters, kernelSize: 3, stride: stride, padding: 1), new BatchNorm(), Activations.ReLU,
                    new Conv2D(filters, kernelSize: 3, padding: 1), new BatchNorm()),
                stride == 1 ? null : new Conv2D(filters, kernelSize: 1, stride: stride)),
            Activations.ReLU,
        ];
    }

    /// <summary>A recurrent layer, and what it says of the next of 62 characters at each step.</summary>
    internal static Sequential Characters(Recurrent recurrent) => [recurrent, new Dense(62)];
}
