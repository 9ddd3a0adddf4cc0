namespace Autodiff.Layers;

/// <summary>MNIST and its relatives (Fashion-MNIST, KMNIST): 28 x 28 images of ten classes in four idx files.</summary>
public static class Mnist
{
    private const int Side = 28;
    private const int Classes = 10;

    /// <summary>
    /// Loads the training and test sets: float32 images scaled to [0, 1], and int64 labels from 0 to 9.
    /// </summary>
    /// <param name="directory">
    /// The folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    /// t10k-labels-idx1-ubyte, each with or without .gz, or a folder whose subfolder mnist has them.
    /// </param>
    /// <param name="flatten">Whether images have the shape (n, 784) rather than (n, 1, 28, 28).</param>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it and where it was looked for.</exception>
    /// <exception cref="DataFormatException">A file is damaged, or images and labels do not belong together.</exception>
    public static (Dataset Train, Dataset Test) Load(string directory, bool flatten = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return (LoadPart(directory, "train", flatten), LoadPart(directory, "t10k", flatten));
    }

    /// <summary>Whether a folder has all four files.</summary>
    public static bool Exists(string? directory) =>
        !string.IsNullOrEmpty(directory)
        && new[] { "train", "t10k" }.All(part => Find(directory, Images(part)) is not null && Find(directory, Labels(part)) is not null);

    private static Dataset LoadPart(string directory, string part, bool flatten)
    {
        string imagesPath = Require(directory, Images(part));
        string labelsPath = Require(directory, Labels(part));
        Tensor images = Idx.Load(imagesPath);
        if (images.DType != DType.UInt8 || images.Rank != 3 || images.Shape[1] != Side || images.Shape[2] != Side)
            throw Mismatch(imagesPath, images, "uint8 of shape (n, 28, 28)");
        Tensor labels = Idx.Load(labelsPath);
        if (labels.DType != DType.UInt8 || labels.Rank != 1 || labels.Shape[0] != images.Shape[0])
            throw Mismatch(labelsPath, labels, $"uint8 of shape ({images.Shape[0]}), one label for each image of '{Path.GetFileName(imagesPath)}'");
        if (labels.ToArray<byte>() is { Length: > 0 } values && values.Max() is byte largest and >= Classes)
            throw new DataFormatException($"'{labelsPath}' is not a file of labels: found {largest}; expected 0 to 9. Check that this is the right file.");

        int n = images.Shape[0];
        Tensor scaled = images.To(DType.Float32) / 255.0;
        return new Dataset(
            flatten ? scaled.Reshape(n, Side * Side) : scaled.Reshape(n, 1, Side, Side), labels.To(DType.Int64));
    }

    private static string Images(string part) => part + "-images-idx3-ubyte";

    private static string Labels(string part) => part + "-labels-idx1-ubyte";

    private static string? Find(string directory, string name) =>
        new[] { directory, Path.Combine(directory, "mnist") }
            .SelectMany(folder => new[] { Path.Combine(folder, name), Path.Combine(folder, name + ".gz") })
            .FirstOrDefault(File.Exists);

    private static string Require(string directory, string name) =>
        Find(directory, name)
        ?? throw new FileNotFoundException(
            $"MNIST: '{name}' (or '{name}.gz') is neither in '{Path.GetFullPath(directory)}' nor in its subfolder 'mnist'. Put the four idx files there, or name another folder.", name);

    private static DataFormatException Mismatch(string path, Tensor found, string expected) =>
        new($"'{path}' is not the MNIST file that its name says: found {found.DType.Name()} of shape ({string.Join(", ", found.Shape)}); expected {expected}. Check that the file has the right name.");
}
