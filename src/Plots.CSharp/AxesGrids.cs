namespace Autodiff.Plots;

/// <content>What is drawn from matrices and pictures.</content>
public sealed partial record Axes
{
    /// <summary>A matrix as coloured cells. Without coordinates rows go down from the top, as it is printed; with them y
    /// goes up.</summary>
    /// <param name="z">The matrix; NaN is white.</param>
    /// <param name="x">The middles of the columns.</param>
    /// <param name="y">The middles of the rows.</param>
    /// <param name="map">The colours; <see cref="ColorMap.Viridis"/> by default.</param>
    /// <param name="low">The number of the first colour; NaN for the smallest.</param>
    /// <param name="high">The number of the last colour; NaN for the largest.</param>
    /// <param name="colorBar">Whether a bar explains the colours.</param>
    /// <param name="label">What the numbers are, beside the bar.</param>
    /// <param name="numbers">Whether the cells hold their numbers.</param>
    /// <param name="rows">The names of the rows.</param>
    /// <param name="columns">The names of the columns.</param>
    public Axes HeatMap(
        Values z, Values x = default, Values y = default, ColorMap? map = null, double low = double.NaN, double high = double.NaN,
        bool colorBar = true, string label = "", bool numbers = false, IReadOnlyList<string>? rows = null,
        IReadOnlyList<string>? columns = null)
    {
        Matrix matrix = z.Matrix(nameof(HeatMap), nameof(z));
        CheckNames(nameof(HeatMap), nameof(rows), rows, matrix.Rows);
        CheckNames(nameof(HeatMap), nameof(columns), columns, matrix.Columns);
        (double least, double most) = Grids.Range(matrix.Items);
        return this with
        {
            Marks = Marks.Add(new HeatMapMark(
                matrix, Edges(nameof(HeatMap), nameof(x), x, matrix.Columns, "columns"),
                Edges(nameof(HeatMap), nameof(y), y, matrix.Rows, "rows"),
                y.IsMissing, map ?? ColorMap.Viridis, double.IsNaN(low) ? least : low, double.IsNaN(high) ? most : high,
                colorBar, label)
            {
                Texts = numbers ? [.. matrix.Items.Select(value => Ticks.Readable(value, 3))] : null,
                Rows = rows,
                Columns = columns,
            }),
        };
    }

    /// <summary>How often each class was found for examples of each class: rows are what examples are, columns what was
    /// predicted.
    /// Cells hold the counts; colours are fractions of their rows.</summary>
    /// <param name="counts">The counts, a square matrix.</param>
    /// <param name="classes">The names of the classes; 0, 1, 2 ... by default.</param>
    public Axes ConfusionMatrix(Values counts, IReadOnlyList<string>? classes = null)
    {
        Matrix matrix = counts.Matrix(nameof(ConfusionMatrix), nameof(counts));
        if (matrix.Rows != matrix.Columns)
        {
            throw new ArgumentException(
                $"ConfusionMatrix: the counts have shape ({matrix.Rows}, {matrix.Columns}); give as many columns as rows, one for each class.");
        }

        CheckNames(nameof(ConfusionMatrix), nameof(classes), classes, matrix.Rows);
        string[] names = [.. classes ?? Enumerable.Range(0, matrix.Rows).Select(i => $"{i}")];
        var fractions = new double[matrix.Items.Length];
        for (int row = 0; row < matrix.Rows; row++)
        {
            double sum = 0;
            for (int column = 0; column < matrix.Columns; column++) sum += matrix[row, column];
            for (int column = 0; column < matrix.Columns; column++)
                fractions[row * matrix.Columns + column] = sum > 0 ? matrix[row, column] / sum : 0;
        }

        double[] edges = Grids.Edges(Places(matrix.Rows));
        Axes axes = this with
        {
            Marks = Marks.Add(
                new HeatMapMark(matrix with { Items = fractions }, edges, edges, true, ColorMap.Blues, 0, 1, true,
                    "fraction of the row")
                {
                    Texts = [.. matrix.Items.Select(value => value == 0 ? "" : Ticks.Readable(value, 6))],
                    Rows = names,
                    Columns = names,
                    HasSquareCells = true,
                }),
        };
        return axes with { XText = XText.Length > 0 ? XText : "predicted", YText = YText.Length > 0 ? YText : "actual" };
    }

    /// <summary>A picture: (h, w) or (1, h, w) grey, (3, h, w) red, green and blue.</summary>
    /// <param name="pixels">The pixels. Colours are fractions of 1, or of 255 if any is above 1.</param>
    /// <param name="map">The colours of pixels with one channel; by default they are grey, as screens show fractions of
    /// white.</param>
    /// <param name="low">The number of black; NaN for the smallest (0 with three colours).</param>
    /// <param name="high">The number of white; NaN for the largest (1 or 255 with three colours).</param>
    public Axes Image(Values pixels, ColorMap? map = null, double low = double.NaN, double high = double.NaN)
    {
        int[] shape = pixels.Lengths is [int rows, int columns] ? [1, 1, rows, columns] : [1, .. pixels.Lengths];
        return AddImages(nameof(Image), "(h, w), (1, h, w) or (3, h, w)", pixels, shape, 0, null, map, low, high, false);
    }

    /// <summary>Pictures side by side: (n, h, w) or (n, 1, h, w) grey, (n, 3, h, w) red, green and blue.</summary>
    /// <param name="pixels">The pixels. Colours are fractions of 1, or of 255 if any is above 1.</param>
    /// <param name="columns">The number of pictures in a row; 0 for about as many as there are rows.</param>
    /// <param name="captions">Texts below the pictures.</param>
    /// <param name="map">The colours of pixels with one channel; by default they are grey, as screens show fractions of
    /// white.</param>
    /// <param name="low">The number of black; NaN for the smallest of all (0 with three colours).</param>
    /// <param name="high">The number of white; NaN for the largest of all (1 or 255 with three colours).</param>
    /// <param name="each">Whether smallest and largest are those of each picture on its own.</param>
    public Axes ImageGrid(
        Values pixels, int columns = 0, IReadOnlyList<string>? captions = null, ColorMap? map = null, double low = double.NaN,
        double high = double.NaN, bool each = false)
    {
        if (columns < 0)
            throw new ArgumentException($"ImageGrid: columns is {columns}; give a positive number, or 0 to have it chosen.");
        int[] shape = pixels.Lengths is [int count, int h, int w] ? [count, 1, h, w] : pixels.Lengths;
        int across = columns > 0 ? columns : Math.Max(1, (int)Math.Ceiling(Math.Sqrt(shape.Length > 0 ? shape[0] : 1)));
        return AddImages(
            nameof(ImageGrid), "(n, h, w), (n, 1, h, w) or (n, 3, h, w)", pixels, shape, across, captions, map, low, high, each);
    }

    /// <summary>Lines on which a function has one value (marching squares).</summary>
    /// <param name="x">The coordinates of the columns, rising or falling.</param>
    /// <param name="y">The coordinates of the rows.</param>
    /// <param name="z">The values of the function: row i, column j is that at (x[j], y[i]).</param>
    /// <param name="levels">The values that have lines; round ones by default.</param>
    /// <param name="map">The colours of the levels; <see cref="ColorMap.Viridis"/> by default.</param>
    /// <param name="color">One colour for all.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="numbers">Whether the lines carry their levels.</param>
    public Axes Contour(
        Values x, Values y, Values z, Values levels = default, ColorMap? map = null, string? color = null, double width = 1.1,
        bool numbers = false) =>
        AddContour(nameof(Contour), x, y, z, levels, false, map, color, width, numbers, false, "");

    /// <summary>The areas between the lines on which a function has one value, coloured. Below the lowest level and above the
    /// highest the colour is that of the end.</summary>
    /// <param name="x">The coordinates of the columns, rising or falling.</param>
    /// <param name="y">The coordinates of the rows.</param>
    /// <param name="z">The values of the function: row i, column j is that at (x[j], y[i]).</param>
    /// <param name="levels">The values between the colours, at least two; round ones by default.</param>
    /// <param name="map">The colours; <see cref="ColorMap.Viridis"/> by default.</param>
    /// <param name="colorBar">Whether a bar explains the colours.</param>
    /// <param name="label">What the numbers are, beside the bar.</param>
    public Axes ContourFilled(
        Values x, Values y, Values z, Values levels = default, ColorMap? map = null, bool colorBar = true, string label = "") =>
        AddContour(nameof(ContourFilled), x, y, z, levels, true, map, null, 0, false, colorBar, label);

    private Axes AddContour(
        string owner, Values x, Values y, Values z, Values levels, bool isFilled, ColorMap? map, string? color, double width,
        bool hasNumbers,
        bool hasBar, string barLabel)
    {
        Matrix matrix = z.Matrix(owner, nameof(z));
        double[] xs = x.Vector(owner, nameof(x), matrix.Columns, "a row of z"),
            ys = y.Vector(owner, nameof(y), matrix.Rows, "a column of z");
        CheckCoordinates(owner, nameof(x), xs);
        CheckCoordinates(owner, nameof(y), ys);
        double[] at = levels.IsMissing ? Grids.Levels(matrix.Items, isFilled, 10)
            : [.. levels.Vector(owner, nameof(levels)).Where(double.IsFinite).Distinct().Order()];
        if (at.Length < (isFilled && !levels.IsMissing ? 2 : 0))
            throw new ArgumentException($"{owner}: {at.Length} levels were given; areas need two or more.");
        return Add(new ContourMark(xs, ys, matrix, at, isFilled, map ?? ColorMap.Viridis, width, hasNumbers, hasBar, barLabel),
            owner, null, color);
    }

    private Axes AddImages(
        string owner, string shapes, Values pixels, int[] shape, int columns, IReadOnlyList<string>? captions, ColorMap? map,
        double low,
        double high, bool each)
    {
        if (shape is not [int count, 1 or 3, int height, int width] || (count > 0 && height * width == 0))
            throw new ArgumentException($"{owner}: the pixels have shape ({string.Join(", ", pixels.Lengths)}); give {shapes}.");
        if (captions is not null && captions.Count != count)
            throw new ArgumentException($"{owner}: {captions.Count} captions were given for {count} pictures; give as many.");
        int size = shape[1] * height * width;
        (double least, double most) = RangeOf(pixels.Items, shape[1] == 3);
        var pictures = new string[count];
        for (int i = 0; i < count; i++)
        {
            double[] one = pixels.Items[(i * size)..((i + 1) * size)];
            if (each) (least, most) = RangeOf(one, shape[1] == 3);
            (double Low, double High) range = (double.IsNaN(low) ? least : low, double.IsNaN(high) ? most : high);
            pictures[i] = shape[1] == 3 ? Colored(one, height, width, range) : Grey(one, height, width, range, map);
        }

        return this with { Marks = Marks.Add(new ImagesMark(pictures, width, height, columns, captions)) };
    }

    private static (double Low, double High) RangeOf(double[] pixels, bool isColored)
    {
        (double low, double high) = Grids.Range(pixels);
        return isColored ? (0, high > 1 ? 255 : 1) : (low, high);
    }

    private static string Grey(double[] pixels, int height, int width, (double, double) range, ColorMap? map)
    {
        if (map is null)
            return Png.Encode(Array.ConvertAll(pixels, pixel => Byte(pixel, range)), width, height, 1);
        byte[] colors = [.. pixels.SelectMany(pixel => map.Color(Grids.Place(pixel, range)) is var c
            ? new[] { c.Red, c.Green, c.Blue } : [])];
        return Png.Encode(colors, width, height, 3);
    }

    private static string Colored(double[] pixels, int height, int width, (double, double) range)
    {
        int area = height * width;
        var colors = new byte[3 * area];
        for (int i = 0; i < colors.Length; i++) colors[i] = Byte(pixels[i % 3 * area + i / 3], range);
        return Png.Encode(colors, width, height, 3);
    }

    private static byte Byte(double pixel, (double, double) range) =>
        double.IsNaN(pixel) ? (byte)0 : (byte)Math.Round(255 * Grids.Place(pixel, range));

    private static double[] Edges(string owner, string name, Values centers, int count, string of)
    {
        if (centers.IsMissing) return Grids.Edges(Places(count));
        double[] found = centers.Vector(owner, name, count, $"the {of} of z");
        CheckCoordinates(owner, name, found);
        return Grids.Edges(found);
    }

    private static void CheckCoordinates(string owner, string name, double[] values)
    {
        bool rises = values.Zip(values.Skip(1), (a, b) => a < b).All(isSo => isSo);
        bool falls = values.Zip(values.Skip(1), (a, b) => a > b).All(isSo => isSo);
        if (!values.All(double.IsFinite) || !(rises || falls))
            throw new ArgumentException(
                $"{owner}: {name} must be finite numbers that all rise or all fall, as the lines of a grid do.");
    }

    private static void CheckNames(string owner, string what, IReadOnlyList<string>? names, int count)
    {
        if (names is not null && names.Count != count)
            throw new ArgumentException($"{owner}: {names.Count} {what} were named where the matrix has {count}; name as many.");
    }
}
