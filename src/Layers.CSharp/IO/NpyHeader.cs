using System.Globalization;
using System.Text;

namespace Autodiff.Layers;

/// <summary>The header of an npy array: a Python dictionary literal with descr, fortran_order and shape.</summary>
internal readonly record struct NpyHeader(ElementType Type, bool BigEndian, bool FortranOrder, int[] Shape)
{
    private const string Damaged = "The header is damaged: write the file again with numpy.save.";

    /// <summary>The text of the header of a tensor as Npy.Save writes it, without padding.</summary>
    /// <exception cref="ArgumentException">NumPy has no such element type.</exception>
    public static string Format(Tensor x)
    {
        string descr = x.DType switch
        {
            DType.Bool => "|b1",
            DType.UInt8 => "|u1",
            DType.Int8 => "|i1",
            DType.Int16 => "<i2",
            DType.Int32 => "<i4",
            DType.Int64 => "<i8",
            DType.Float16 => "<f2",
            DType.BFloat16 => throw new ArgumentException(
                "Npy.Save: NumPy has no bfloat16; convert the tensor with To(DType.Float32), or save it with Safetensors."),
            DType.Float32 => "<f4",
            _ => "<f8",
        };
        string shape = x.Rank == 1 ? $"{x.Shape[0]}," : string.Join(", ", x.Shape);
        return $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}";
    }

    /// <summary>Reads the text of a header.</summary>
    public static NpyHeader Parse(string text, DataReader reader) => new Parser(text, reader).Header();

    private sealed class Parser(string text, DataReader reader)
    {
        private int at;

        public NpyHeader Header()
        {
            (ElementType Type, bool BigEndian)? type = null;
            bool? fortran = null;
            int[]? shape = null;
            Expect('{');
            while (!Accept('}'))
            {
                string key = QuotedText("a key in quotes");
                Expect(':');
                switch (key)
                {
                    case "descr": type = ElementTypeOf(); break;
                    case "fortran_order": fortran = Truth(); break;
                    case "shape": shape = reader.Shape(Lengths()); break;
                    default: throw Bad($"the key '{key}'", "descr, fortran_order and shape");
                }

                if (!Accept(','))
                {
                    Expect('}');
                    break;
                }
            }

            Skip();
            if (at < text.Length) throw Bad($"'{text[at]}' after the header's closing brace", "nothing");
            if (type is null || fortran is null || shape is null)
                throw Bad("a header without " + (type is null ? "descr" : fortran is null ? "fortran_order" : "shape"), "descr, fortran_order and shape");
            return new NpyHeader(type.Value.Type, type.Value.BigEndian, fortran.Value, shape);
        }

        private (ElementType Type, bool BigEndian) ElementTypeOf()
        {
            const string Supported = "b1, u1 to u8, i1 to i8, f2, f4 or f8";
            Skip();
            if (at < text.Length && text[at] == '[')
                throw reader.Error("a structured array", $"one element type ({Supported})", "Save each field as its own array.");

            string descr = QuotedText("an element type in quotes");
            bool hasOrder = descr.Length > 0 && descr[0] is '<' or '>' or '|' or '=';
            ElementType? type = (hasOrder ? descr[1..] : descr) switch
            {
                "b1" or "?" => ElementType.Bool,
                "u1" => ElementType.UInt8,
                "i1" => ElementType.Int8,
                "u2" => ElementType.UInt16,
                "i2" => ElementType.Int16,
                "u4" => ElementType.UInt32,
                "i4" => ElementType.Int32,
                "u8" => ElementType.UInt64,
                "i8" => ElementType.Int64,
                "f2" => ElementType.Float16,
                "f4" => ElementType.Float32,
                "f8" => ElementType.Float64,
                _ => null,
            };
            return type is { } known
                ? (known, descr[0] == '>')
                : throw reader.Error(
                    $"elements of type '{descr}'", Supported,
                    "Convert the array in NumPy first, for instance with astype(numpy.float32).");
        }

        private bool Truth()
        {
            Skip();
            foreach ((string word, bool value) in new[] { ("True", true), ("False", false) })
            {
                if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) continue;
                at += word.Length;
                return value;
            }

            throw Bad(Here(), "True or False");
        }

        private long[] Lengths()
        {
            var lengths = new List<long>();
            Expect('(');
            while (!Accept(')'))
            {
                Skip();
                int start = at;
                while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '-')) at++;
                if (!long.TryParse(text.AsSpan(start, at - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long n))
                    throw Bad(at > start ? text[start..at] : Here(), "the length of an axis");
                lengths.Add(n);

                // Python 2 wrote long integers with an L.
                if (at < text.Length && text[at] == 'L') at++;
                if (!Accept(','))
                {
                    Expect(')');
                    break;
                }
            }

            return [.. lengths];
        }

        private string QuotedText(string expected)
        {
            Skip();
            int end = at < text.Length && text[at] is '\'' or '"' ? text.IndexOf(text[at], at + 1) : -1;
            if (end < 0) throw Bad(Here(), expected);
            string inside = text[(at + 1)..end];
            at = end + 1;
            return inside;
        }

        private bool Accept(char c)
        {
            Skip();
            if (at >= text.Length || text[at] != c) return false;
            at++;
            return true;
        }

        private void Expect(char c)
        {
            if (!Accept(c)) throw Bad(Here(), $"'{c}'");
        }

        private void Skip()
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        }

        private string Here() => at < text.Length ? $"'{text[at]}' at position {at} of the header" : "the end of the header";

        private DataFormatException Bad(string found, string expected) => reader.Error(found, expected, Damaged);
    }
}
