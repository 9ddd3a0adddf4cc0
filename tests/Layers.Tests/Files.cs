using System.IO.Compression;
using Autodiff;

namespace Layers.Tests;

/// <summary>A folder for the files of one test, and ways to write them.</summary>
internal sealed class Files : TempFolder
{
    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public string Write(string name, string content)
    {
        File.WriteAllText(this[name], content);
        return this[name];
    }

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(content);
        return packed.ToArray();
    }
}

/// <summary>Tensors that every format must carry unchanged.</summary>
internal static class Samples
{
    private static readonly int[][] Shapes = [[], [1], [3], [2, 3], [2, 1, 4], [0], [0, 3], [3, 0], [1, 1, 1, 1, 1]];

    public static IEnumerable<KeyValuePair<string, Tensor>> Tensors()
    {
        foreach (DType dtype in Enum.GetValues<DType>())
            foreach (int[] shape in Shapes)
                yield return new($"{dtype} ({string.Join(", ", shape)})", (new Key(shape.Length).Uniform(shape) * 300.0 - 50.0).To(dtype));

        yield return new("extremes", Tensor.From(
            [double.NaN, double.PositiveInfinity, double.NegativeInfinity, -0.0, double.Epsilon, double.MaxValue], 6));
        yield return new("long extremes", Tensor.From([long.MinValue, long.MaxValue, -1], 3));
        Tensor x = new Key(1).Normal([4, 6]);
        yield return new("transposed", x.Transpose());
        yield return new("part", x[1..3, 2..5]);
        yield return new("row", x[2]);
    }

    /// <summary>The same type, shape and bits.</summary>
    public static void AssertSame(Tensor expected, Tensor actual, string name)
    {
        Assert.True(expected.DType == actual.DType, $"{name}: {actual.DType} instead of {expected.DType}");
        Assert.True(expected.Shape.SequenceEqual(actual.Shape), $"{name}: ({string.Join(", ", actual.Shape)})");
        bool same = expected.DType switch
        {
            DType.Float16 => Bits<Half>(expected).SequenceEqual(Bits<Half>(actual)),
            DType.BFloat16 => Bits<BFloat16>(expected).SequenceEqual(Bits<BFloat16>(actual)),
            DType.Float32 => Bits<float>(expected).SequenceEqual(Bits<float>(actual)),
            DType.Float64 => Bits<double>(expected).SequenceEqual(Bits<double>(actual)),
            _ => expected.ToArray<long>().SequenceEqual(actual.ToArray<long>()),
        };
        Assert.True(same, $"{name}: {actual} instead of {expected}");
    }

    /// <summary>Checks that loading fails with a message that names the file and has all the given parts.</summary>
    public static void AssertFails<TError>(string path, string[] parts, Action load)
        where TError : Exception
    {
        string message = Assert.Throws<TError>(load).Message;
        foreach (string part in parts.Append(path))
            Assert.True(message.Contains(part), $"'{part}' is not in: {message}");
    }

    private static byte[] Bits<T>(Tensor x)
        where T : unmanaged => System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(x.ToArray<T>()).ToArray();
}
