using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>The prices of houses in Boston, as the text has them: 13 features, standardized over all rows, and 152 of 506 rows for
/// testing.</summary>
internal static class Boston
{
    /// <summary>The seed with which scikit-learn splits the rows in the text.</summary>
    private const uint SplitSeed = 80718;

    private const int Features = 13;

    /// <summary>The data in float64, (rows, 13) and (rows, 1), where the data folder has them, and else a generated set of the same
    /// shape.</summary>
    internal static (Dataset Train, Dataset Test, bool AreReal) Load(Settings settings)
    {
        bool areReal = settings.Data is { } data && File.Exists(PathIn(data));
        if (!areReal) settings.Output.WriteLine("Generated houses; for those of Boston give the folder of boston/boston_house_prices.csv with --data or AUTODIFF_DATA.");
        Dataset all = areReal ? Read(PathIn(settings.Data!)) : Generate(new Key(settings.Seed));
        all = all.Map(Standardizer.Fit(all.Inputs).Apply);
        int[] order = new NumPyRandom(SplitSeed).Permutation(all.Count);
        int tests = (int)Math.Ceiling(0.3 * all.Count);
        return (Rows(all, order[tests..]), Rows(all, order[..tests]), areReal);
    }

    /// <summary>Some rows of a data set, in the order of their numbers.</summary>
    internal static Dataset Rows(Dataset data, int[] numbers)
    {
        Tensor places = Tensor.From(numbers, numbers.Length);
        return data.Map(x => x.Take(places, 0), y => y.Take(places, 0));
    }

    private static string PathIn(string folder) => Path.Combine(folder, "boston", "boston_house_prices.csv");

    private static Dataset Read(string path)
    {
        CsvTable table = Csv.Load(path, dtype: DType.Float64);
        double[,] inputs = table.Without("PRICE").ToArray2D<double>();

        // In scikit-learn's file of that time one crime rate had lost its first digit (mended in version 0.20), and the text's figures
        // come from that file.
        const int row = 445;
        if (inputs[row, 0] == 10.6718) inputs[row, 0] = 0.6718;
        return new(Tensor.FromArray(inputs), table["PRICE"].Reshape(-1, 1));
    }

    private static Dataset Generate(Key key)
    {
        Tensor x = key.FoldIn(0).Normal([506, Features], dtype: DType.Float64);
        Tensor weights = key.FoldIn(1).Normal([Features, 1], dtype: DType.Float64);
        return new(x, 22.5 + 2 * Tensor.Tanh(x).MatMul(weights) + key.FoldIn(2).Normal([506, 1], dtype: DType.Float64));
    }
}
