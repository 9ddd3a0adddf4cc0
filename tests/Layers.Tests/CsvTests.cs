using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class CsvTests : IDisposable
{
    private readonly Files files = new();

    private static readonly (string Text, bool? Header, char Separator, string[] Columns, double[] Values)[] Good =
    [
        ("a,b\n1,2\n3,4\n", null, ',', ["a", "b"], [1, 2, 3, 4]),
        ("1,2\n3,4", null, ',', ["column1", "column2"], [1, 2, 3, 4]),
        ("1,2\n3,4", true, ',', ["1", "2"], [3, 4]),
        ("a,b\r\n1,2\r\n\r\n3,4\r\n", true, ',', ["a", "b"], [1, 2, 3, 4]),
        ("a\r1\r2\r", null, ',', ["a"], [1, 2]),
        ("\uFEFFa;b\n1;2", null, ';', ["a", "b"], [1, 2]),
        ("a\tb\n 1 \t2e-3", null, '\t', ["a", "b"], [1, 2e-3]),
        ("a b\n1 2", null, ' ', ["a", "b"], [1, 2]),
        ("\"a, \"\"x\"\"\nmore\" , b\n\"1\",-2.5", null, ',', ["a, \"x\"\nmore", "b"], [1, -2.5]),
        (",b\n1,+.5", null, ',', ["column1", "b"], [1, .5]),
        ("a,b\n", null, ',', ["a", "b"], []),
        ("x\ninf\n-inf\n-Infinity", null, ',', ["x"], [double.PositiveInfinity, double.NegativeInfinity, double.NegativeInfinity]),
        ("1e400,-1e-400", false, ',', ["column1", "column2"], [double.PositiveInfinity, -0.0]),
    ];

    [Fact]
    public void Tables_load_with_their_names()
    {
        foreach ((string text, bool? header, char separator, string[] columns, double[] values) in Good)
        {
            CsvTable table = Csv.Load(files.Write("x.csv", text), header, separator, DType.Float64);
            Assert.Equal(columns, table.Columns);
            Assert.Equal([values.Length / columns.Length, columns.Length], table.Values.Shape);
            Assert.Equal(values, table.Values.ToArray<double>());
        }
    }

    [Fact]
    public void Numbers_are_float32_unless_asked_otherwise()
    {
        Assert.Equal(DType.Float32, Csv.Load(files.Write("x.csv", "1,2")).Values.DType);
        Assert.Contains("int32", Assert.Throws<ArgumentException>(() => Csv.Load(files["x.csv"], dtype: DType.Int32)).Message);
    }

    [Fact]
    public void Compressed_tables_load()
    {
        string path = files.Write("x.csv", Files.Gzip("a\n5\n"u8.ToArray()));
        Assert.Equal([5f], Csv.Load(path)["a"].ToArray<float>());
    }

    [Fact]
    public void Columns_are_selected_by_name()
    {
        CsvTable table = Csv.Load(files.Write("x.csv", "a,b,c\n1,2,3\n4,5,6\n"));
        Assert.Equal(2, table.Count);
        Assert.Equal([3f, 6f], table["c"].ToArray<float>());
        Assert.Equal([3f, 1f, 6f, 4f], table.Select("c", "a").ToArray<float>());
        Assert.Equal([2f, 3f, 5f, 6f], table.Without("a").ToArray<float>());
        Samples.AssertFails<KeyNotFoundException>(files["x.csv"], ["'d'", "a, b, c"], () => _ = table["d"]);
    }

    [Fact]
    public void Missing_values_become_NaN_only_when_asked()
    {
        string path = files.Write("x.csv", "a,b\n1,\nNaN,2\nNA,null\n");
        Samples.AssertFails<DataFormatException>(path, ["line 2", "column 2", "'b'", "missing", "missingAsNaN"], () => Csv.Load(path));
        Assert.Equal([1, double.NaN, double.NaN, 2, double.NaN, double.NaN], Csv.Load(path, missingAsNaN: true).Values.ToArray<double>());
    }

    private static readonly (string Name, string Text, string[] Message)[] Bad =
    [
        ("empty", "", ["empty", "CSV"]),
        ("blank", "\n \n", ["no line"]),
        ("short row", "a,b\n1,2\n3\n", ["line 3", "1 fields", "has 2"]),
        ("long row", "a,b\n1,2\n\n3,4,5\n", ["line 4", "column 2", "3 fields", "has 2"]),
        ("text", "a,b\n1,2\n3,x y\n", ["line 3", "column 2", "'x y'", "'b'", "not a number"]),
        ("text after a quoted line break", "\"a\nb\",c\n1,2\n3,?\n", ["line 4", "column 2", "'?'"]),
        ("another separator", "a;b\n1;2\n", ["line 2", "column 1", "';'", "separator"]),
        ("tabs", "a\tb\n1\t2\n", ["'\\t'", "separator"]),
        ("a decimal comma", "a;b\n1,5;2\n", ["line 2", "2 fields"]),
        ("open quotes", "a,b\n1,\"2\n", ["line 2", "column 2", "does not end"]),
        ("text after quotes", "a,b\n1,\"2\"3\n", ["line 2", "column 2", "closing quote"]),
        ("a name twice", "a,b,a\n1,2,3\n", ["line 1", "column 3", "'a'", "column 1"]),
        ("binary", "PK\0\0", ["line 1", "zero byte", "right file"]),
    ];

    [Fact]
    public void Broken_files_name_the_line_and_column()
    {
        foreach ((string name, string text, string[] message) in Bad)
        {
            string path = files.Write(name, text);
            Samples.AssertFails<DataFormatException>(path, message, () => Csv.Load(path));
        }
    }

    [Fact]
    public void A_cut_compressed_table_is_an_error()
    {
        byte[] packed = Files.Gzip("a,b\n1,2\n3,4\n5,6\n"u8.ToArray());
        string path = files.Write("x.csv.gz", packed[..^10]);
        Assert.Throws<DataFormatException>(() => Csv.Load(path));
    }

    [DataFact("boston/boston_house_prices.csv")]
    public void The_Boston_prices_load()
    {
        CsvTable table = Csv.Load(Path.Combine(DataDirectory.Find()!, "boston", "boston_house_prices.csv"));
        Assert.Equal([506, 14], table.Values.Shape);
        Assert.Equal("PRICE", table.Columns[^1]);
        Assert.Equal(24f, table["PRICE"].ToArray<float>()[0]);
    }

    public void Dispose() => files.Dispose();
}
