using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 7.5: a convolutional autoencoder learns 28 numbers for an image of MNIST, with figures 7-3 (images and what their numbers
/// say), 7-4 (where t-SNE puts the numbers) and 7-5 (images that random numbers say).
/// </summary>
/// <remarks>The text has no numbers. By its gradient descent with momentum one pass over the images leaves nearly twice the error; the pictures
/// are of the network that Adam trains. Its t-SNE is of 10,000 images; here it is of 2,000, because it takes all pairs.</remarks>
internal static class Autoencoder
{
    private const int Codes = 28, Side = 28;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, _) = settings.Digits(flatten: false);

        // Pixels from -1 to 1, as tanh makes them; the images are their own targets.
        train = train.Map(x => x * 2 - 1);
        test = test.Map(x => x * 2 - 1);
        var images = new Dataset(train.Inputs, train.Inputs);
        Layer Convolution(int filters) => new Conv2D(filters, 5, padding: Padding.Same, initializer: Initializers.GlorotNormal);
        Layer Full(int units) => new Dense(units, Initializers.GlorotNormal);
        Sequential encoder =
            [Convolution(14), Activations.Tanh, Convolution(7), Activations.Tanh, new Flatten(), Full(Codes), Activations.Tanh];
        Sequential decoder =
        [
            Full(7 * Side * Side), Activations.Tanh, new Reshape(7, Side, Side), Convolution(14), Activations.Tanh, Convolution(1),
            Activations.Tanh,
        ];
        TrainingResult Train(Optimizer optimizer)
        {
            var trainer = new Trainer(new Sequential(encoder, decoder), Losses.MeanSquaredError, optimizer) { Writer = settings.Output };
            return trainer.Fit(
                images, epochs: settings.Epochs ?? 1, batchSize: settings.Batch ?? 60, seed: settings.Seed, cancellationToken: settings.Cancellation);
        }

        double Error(Model model) => model.Evaluate(new Dataset(test.Inputs, test.Inputs), Metric.From(Losses.MeanSquaredError));
        double ofText = Error(Train(new Momentum(0.01)).Model);
        TrainingResult result = Train(new Adam(1e-3));
        Parameters parameters = result.Model.Parameters;
        Tensor Encode(Tensor x) => encoder.Apply(parameters.Part("0"), x);
        Tensor Decode(Tensor codes) => decoder.Apply(parameters.Part("1"), codes);

        double error = Error(result.Model);
        double ofMean = Tensor.Square(test.Inputs - train.Inputs.Mean(0)).Mean().ToDouble();
        settings.Output.WriteLine($"mean squared error of the test images {error:0.0000}; by the text's momentum {ofText:0.0000}; of the mean image {ofMean:0.0000}");

        Tensor some = test.Inputs[..10];
        int count = settings.Epochs is null ? 2000 : 200;
        Tensor codes = Tensor.Concat(0, test.Take(Math.Min(count, test.Count)).Batches(100).Select(batch => Encode(batch.Inputs)));
        Tensor places = Projection.TSne(codes, iterations: settings.Epochs is null ? 500 : 50, cancellationToken: settings.Cancellation);
        long[] labels = test.Targets.ToArray<long>();
        Axes map = new Axes().Title("Fig 7-4: the codes, placed by t-SNE").HideAxes().Legend(LegendPlace.Outside);
        for (int digit = 0; digit < 10; digit++)
        {
            int[] rows = [.. Enumerable.Range(0, places.Shape[0]).Where(i => labels[i] == digit)];
            Tensor its = places.Take(Tensor.From(rows, rows.Length), 0);
            map = map.Scatter(its[.., 0], its[.., 1], $"{digit}", size: 3.5, opacity: 0.8);
        }

        settings.Compare("7.5", "numbers for an image", "28", codes.Shape[1]);
        Tensor random = new Key(settings.Seed).FoldIn(7).Uniform([5, Codes], -1, 1);
        settings.Save(
            new Figure(1,
                new Axes().Title("Fig 7-3: images and what their codes say").ImageGrid(Tensor.Concat(0, some, Decode(Encode(some))), 10, low: -1, high: 1),
                new Axes().Title("Fig 7-5: what random codes say").ImageGrid(Decode(random), 5, low: -1, high: 1)).Size(700, 400),
            "weidman-ch7-autoencoder.svg");
        settings.Save(map.ToFigure(700, 560), "weidman-ch7-codes.svg");
        return new Dictionary<string, double> { ["error"] = error, ["errorByMomentum"] = ofText, ["errorOfMean"] = ofMean };
    }
}
