using System.Globalization;

namespace Autodiff.Plots;

/// <summary>A mark of an axis and its text.</summary>
internal readonly record struct Tick(double Value, string Text);

/// <summary>The marks of an axis: with text, without, and what the texts are to be multiplied by or added to.</summary>
internal sealed record Ticks(IReadOnlyList<Tick> Major, IReadOnlyList<double> Minor, string Factor)
{
    private static readonly double[] Mantissas = [1, 2, 2.5, 5, 10];

    /// <summary>Round numbers of a scale, about as many as asked for and not more, if there are two.</summary>
    internal static Ticks Of(Scale scale, int count, bool onlyWhole = false) =>
        scale.IsLog ? Log(scale, count) : Linear(scale, count, onlyWhole);

    private static Ticks Linear(Scale scale, int count, bool onlyWhole = false)
    {
        double half = scale.High / 2 - scale.Low / 2;
        (double mantissa, int exponent) = Step(half / Math.Max(count, 1) * 2, scale, count);
        if (onlyWhole && (exponent < 0 || (exponent == 0 && mantissa == 2.5))) (mantissa, exponent) = (exponent < 0 ? 1 : 5, 0);
        double step = mantissa * Power(exponent);
        long first = (long)Math.Ceiling(scale.Low / step - 1e-6), last = (long)Math.Floor(scale.High / step + 1e-6);
        double[] values = [.. Between(first, last).Select(i => Multiple(i, mantissa, exponent))];
        if (values.Length == 0) return new([], [], "");

        double largest = values.Max(Math.Abs);
        double offset = 0;
        if (largest > 0 && Math.Log10(largest) - exponent > 6.5)
        {
            // What all numbers share is told once, beside the axis.
            double unit = Power((int)Math.Ceiling(Math.Log10(half) + Math.Log10(2)));
            offset = Math.Floor(values[0] / unit) * unit;
        }

        double[] shown = [.. values.Select(value => value - offset)];
        largest = shown.Max(Math.Abs);
        int size = largest > 0 ? (int)Math.Floor(Math.Log10(largest) + 1e-9) : 0;
        int power = size is >= 6 or <= -4 ? size : 0;
        int decimals = Math.Max(0, power - exponent + (mantissa == 2.5 ? 1 : 0));
        string factor = power == 0 ? "" : $"×{PowerOfTen(power)}";
        if (offset != 0) factor += (offset > 0 ? " + " : " − ") + Shortest(Math.Abs(offset));
        return new([.. values.Select((value, i) => new Tick(value, Fixed(Divide(shown[i], power), decimals)))], [],
            factor.Trim());
    }

    /// <summary>The finest round step that gives no more marks than asked for; with a very short axis two, or one.</summary>
    private static (double Mantissa, int Exponent) Step(double raw, Scale scale, int count)
    {
        int exponent = (int)Math.Floor(Math.Log10(raw)) - 1;
        while (true)
        {
            foreach (double mantissa in Mantissas)
            {
                double step = mantissa * Power(exponent);
                double marks = Math.Floor(scale.High / step + 1e-6) - Math.Ceiling(scale.Low / step - 1e-6) + 1;
                if (marks <= Math.Max(count, 1)) return mantissa == 10 ? (1, exponent + 1) : (mantissa, exponent);
            }

            exponent++;
        }
    }

    private static Ticks Log(Scale scale, int count)
    {
        double low = Math.Log10(scale.Low), high = Math.Log10(scale.High);
        int first = (int)Math.Ceiling(low - 1e-9), last = (int)Math.Floor(high + 1e-9);
        int decades = last - first + 1;
        if (decades >= 2)
        {
            int stride = (decades - 1) / Math.Max(count, 2) + 1;
            int from = (int)Math.Ceiling((double)first / stride) * stride;
            bool isPlain = first >= -3 && last <= 4;
            Tick[] major =
            [
                .. Between(from, last).Where(i => (i - from) % stride == 0)
                    .Select(i => new Tick(Power((int)i), isPlain ? Plain(Power((int)i)) : PowerOfTen((int)i))),
            ];
            double[] minor = stride > 1
                ? [.. Between(first, last).Where(i => (i - from) % stride != 0).Select(i => Power((int)i))]
                : decades > 10 ? [] : [.. Subdivisions(scale, first - 1, last)];
            return new(major, minor, "");
        }

        // Less than two decades: round numbers between them, or those of a linear axis.
        foreach (double[] parts in new[] { new double[] { 1, 2, 5 }, [1, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9] })
        {
            double[] found =
            [
                .. Between(first - 1, last).SelectMany(i => parts.Select(part => Multiple((long)part, 1, (int)i)))
                    .Where(value => double.IsFinite(value) && value >= scale.Low * (1 - 1e-9)
                        && value / (1 + 1e-9) <= scale.High),
            ];
            if (found.Length < 2 || found.Length > Math.Max(count, 2)) continue;
            bool isPlain = found[0] >= 1e-4 && found[^1] < 1e6;
            return new(
                [.. found.Select(value => new Tick(value, isPlain ? Plain(value) : Scientific(value)))],
                [.. Subdivisions(scale, first - 1, last).Except(found)], "");
        }

        return Linear(scale with { IsLog = false }, count);
    }

    private static IEnumerable<double> Subdivisions(Scale scale, int first, int last) =>
        Between(first, last).SelectMany(i => Between(2, 9).Select(part => Multiple(part, 1, (int)i)))
            .Where(value => value >= scale.Low && value <= scale.High);

    private static IEnumerable<long> Between(long first, long last)
    {
        for (long i = first; i <= last; i++) yield return i;
    }

    /// <summary>A number as people write it: 0.25, 12, 3×10⁻⁷.</summary>
    internal static string Readable(double value, int digits = 4)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "∞" : "−∞";
        if (value == 0) return "0";
        double size = Math.Abs(value);
        return size is >= 1e-4 and < 1e6
            ? Signed(value.ToString("G" + (size >= 1000 ? digits + 2 : digits), CultureInfo.InvariantCulture))
            : Scientific(value, digits);
    }

    private static string Scientific(double value, int digits = 4)
    {
        string[] parts = value.ToString("E" + (digits - 1), CultureInfo.InvariantCulture).Split('E');
        string mantissa = parts[0].TrimEnd('0').TrimEnd('.');
        string power = PowerOfTen(int.Parse(parts[1], CultureInfo.InvariantCulture));
        return mantissa == "1" ? power : Signed(mantissa) + "×" + power;
    }

    private static string Shortest(double value)
    {
        string plain = Plain(value), scientific = Scientific(value, 15);
        return plain.Length <= scientific.Length + 2 ? plain : scientific;
    }

    private static string Fixed(double value, int decimals)
    {
        string text = value.ToString("F" + Math.Min(decimals, 20), CultureInfo.InvariantCulture);
        return text.Trim('-', '0', '.').Length == 0 ? text.TrimStart('-') : Signed(text);
    }

    private static string Plain(double value) => Signed(value.ToString("0.###############", CultureInfo.InvariantCulture));

    private static string Signed(string text) => text.Replace('-', '−');

    private static string PowerOfTen(int exponent) =>
        "10" + string.Concat(exponent.ToString(CultureInfo.InvariantCulture).Select(
            digit => digit == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit - '0']));

    private static double Power(int exponent) =>
        double.Parse(FormattableString.Invariant($"1E{exponent}"), CultureInfo.InvariantCulture);

    private static double Divide(double value, int power) => power < 0 ? value * Power(-power) : value / Power(power);

    /// <summary>A multiple of a step, rounded once: 3 times 0.1 is 0.3.</summary>
    private static double Multiple(long i, double mantissa, int exponent) =>
        exponent < 0 && exponent > -300 ? i * mantissa / Power(-exponent) : i * mantissa * Power(exponent);
}
