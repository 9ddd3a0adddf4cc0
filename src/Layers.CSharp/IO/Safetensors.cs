using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Autodiff.Layers;

/// <summary>The safetensors format for named tensors, in which models are published.</summary>
/// <remarks>
/// Eight bytes with the little-endian length of the header; the header, a JSON object that gives the dtype, shape and
/// data_offsets of each tensor, and optional notes under __metadata__; then the data, row-major and little-endian,
/// without gaps or overlaps.
/// </remarks>
public static class Safetensors
{
    private const string MetadataKey = "__metadata__";
    private const string Damaged = "The file is damaged or incomplete: write, copy or download it again.";

    /// <summary>The largest header that readers of this format accept.</summary>
    private const long LargestHeader = 100_000_000;

    /// <summary>
    /// Saves tensors by name, as a whole or not at all. Loading gives them back in the same order; the same tensors
    /// give the same bytes.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and tensors; names must differ.</param>
    /// <param name="metadata">Notes to keep with them, such as how to rebuild the model.</param>
    /// <exception cref="ArgumentException">A name is empty, used twice, or __metadata__.</exception>
    /// <exception cref="IOException">The folder does not exist, or the file cannot be written.</exception>
    public static void Save(
        string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        KeyValuePair<string, Tensor>[] list = NamedTensors.Checked("Safetensors.Save", tensors);
        if (list.Any(pair => pair.Key == MetadataKey))
            throw new ArgumentException($"Safetensors.Save: a tensor cannot be named '{MetadataKey}', which the format keeps for notes; rename it.");

        // The widest elements come first, so that all data are aligned to their size; the header keeps the order given.
        int[] order = [.. Enumerable.Range(0, list.Length).OrderByDescending(i => list[i].Value.DType.Size())];
        long[] begins = new long[list.Length];
        long end = 0;
        foreach (int i in order)
        {
            begins[i] = end;
            end += (long)list[i].Value.Size * list[i].Value.DType.Size();
        }

        byte[] header = Header(list, begins, metadata);
        if (header.Length > LargestHeader)
            throw new ArgumentException($"Safetensors.Save: names and metadata need a header of {header.Length:N0} bytes; the format allows {LargestHeader:N0}. Shorten them.");

        DataFile.Replace(path, stream =>
        {
            byte[] length = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (int i in order) stream.Write(ElementTypes.ToBytes(list[i].Value));
        });
    }

    /// <summary>
    /// Loads all tensors and notes of a file, in the header's order. The elements stay as they are, except that U16 becomes
    /// int32, and U32 and U64 int64.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFormatException">
    /// The file is empty, truncated, damaged or of another format, or has elements of another type.
    /// </exception>
    public static NamedTensors Load(string path) => DataFile.Read(path, "safetensors", gunzip: false, Read);

    private static byte[] Header(
        KeyValuePair<string, Tensor>[] list, long[] begins, IReadOnlyDictionary<string, string>? metadata)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach ((string key, string value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }

            for (int i = 0; i < list.Length; i++)
            {
                Tensor x = list[i].Value;
                json.WriteStartObject(list[i].Key);
                json.WriteString("dtype", x.DType switch
                {
                    DType.Bool => "BOOL",
                    DType.UInt8 => "U8",
                    DType.Int8 => "I8",
                    DType.Int16 => "I16",
                    DType.Int32 => "I32",
                    DType.Int64 => "I64",
                    DType.Float16 => "F16",
                    DType.BFloat16 => "BF16",
                    DType.Float32 => "F32",
                    _ => "F64",
                });
                json.WriteStartArray("shape");
                foreach (int n in x.Shape) json.WriteNumberValue(n);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begins[i]);
                json.WriteNumberValue(begins[i] + (long)x.Size * x.DType.Size());
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces after the object align the data to 8 bytes.
        while (text.Length % 8 != 0) text.WriteByte((byte)' ');
        return text.ToArray();
    }

    private static NamedTensors Read(DataReader reader)
    {
        byte[] start = reader.ReadUpTo(8);
        ulong length = start.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(start) : ulong.MaxValue;
        if (length > LargestHeader)
            throw reader.Error(
                FileSignature.Describe([.. start, .. reader.ReadUpTo(FileSignature.Length - start.Length)]),
                $"8 bytes with the length of a header of at most {LargestHeader:N0} bytes", "Check that this is the right file.");

        byte[] header = reader.Read((long)length, "the header");
        if (header.Length == 0 || header[0] != (byte)'{')
            throw reader.Error(
                FileSignature.Describe([.. start, .. header.AsSpan(0, Math.Min(8, header.Length))]),
                "a header that is a JSON object", "Check that this is the right file.");

        try
        {
            using JsonDocument json = JsonDocument.Parse(header);
            return ReadTensors(json.RootElement, reader);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Names that are no Unicode text are found only when they are read, and not as JSON errors.
            throw reader.Error($"a header that is not JSON ({e.Message.TrimEnd('.')})", "a JSON object", Damaged, e);
        }
    }

    private static NamedTensors ReadTensors(JsonElement header, DataReader reader)
    {
        var metadata = new OrderedDictionary<string, string>();
        var entries = new List<Entry>();
        var names = new HashSet<string>();
        foreach (JsonProperty property in header.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw reader.Error($"two entries named '{property.Name}'", "names that differ", Damaged);
            if (property.Name == MetadataKey) ReadMetadata(property.Value, metadata, reader);
            else entries.Add(ReadEntry(property, reader));
        }

        // Tensors must lie one after another and fill the file: anything else means that they were not written by
        // whoever wrote the header.
        Entry[] byPosition = [.. entries.OrderBy(e => e.Begin).ThenBy(e => e.End)];
        long end = 0;
        string? previous = null;
        foreach (Entry e in byPosition)
        {
            string place = $"'{e.Name}' at data_offsets [{e.Begin}, {e.End}]";
            if (e.Begin < end) throw reader.Error($"{place}, which overlaps '{previous}'", $"data from {end}", Damaged);
            if (e.Begin > end) throw reader.Error($"{place}, with a gap before it", $"data from {end}", Damaged);
            (end, previous) = (e.End, e.Name);
        }

        if (reader.Remaining is { } left && left < end)
            throw reader.Error($"{left:N0} bytes of data", $"{end:N0}, as the header says", "The file is incomplete: write, copy or download it again.");

        var tensors = new Dictionary<string, Tensor>();
        foreach (Entry e in byPosition)
            tensors[e.Name] = reader.ReadTensor(e.Type, bigEndian: false, e.Shape, $"the data of '{e.Name}'");
        reader.ExpectEnd();
        return new NamedTensors(reader.Name, entries.Select(e => KeyValuePair.Create(e.Name, tensors[e.Name])), metadata);
    }

    private static void ReadMetadata(JsonElement value, OrderedDictionary<string, string> metadata, DataReader reader)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty note in value.EnumerateObject())
            {
                if (note.Value.ValueKind != JsonValueKind.String)
                    throw reader.Error($"{note.Value.ValueKind} as '{note.Name}' of {MetadataKey}", "a string", Damaged);
                if (!metadata.TryAdd(note.Name, note.Value.GetString()!))
                    throw reader.Error($"two notes named '{note.Name}' in {MetadataKey}", "names that differ", Damaged);
            }
        }
        else
        {
            throw reader.Error($"{value.ValueKind} as {MetadataKey}", "an object of strings", Damaged);
        }
    }

    private static Entry ReadEntry(JsonProperty property, DataReader reader)
    {
        string name = property.Name;
        JsonElement? Field(string key, JsonValueKind kind) =>
            property.Value.ValueKind == JsonValueKind.Object
            && property.Value.TryGetProperty(key, out JsonElement found) && found.ValueKind == kind ? found : null;

        long[] Numbers(string key)
        {
            var numbers = new List<long>();
            JsonElement list = Field(key, JsonValueKind.Array)
                ?? throw reader.Error($"'{name}' without a list '{key}'", "dtype, shape and data_offsets", Damaged);
            foreach (JsonElement element in list.EnumerateArray())
            {
                if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out long n) || n < 0)
                    throw reader.Error($"{element.GetRawText()} in the {key} of '{name}'", "integers from 0 up", Damaged);
                numbers.Add(n);
            }

            return [.. numbers];
        }

        string dtype = Field("dtype", JsonValueKind.String)?.GetString()
            ?? throw reader.Error($"'{name}' without a string 'dtype'", "dtype, shape and data_offsets", Damaged);
        ElementType type = TypeOf(dtype)
            ?? throw reader.Error(
                $"elements of type {dtype} in '{name}'", "BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32 or F64",
                "Convert the tensor before saving.");
        int[] shape = reader.Shape(Numbers("shape"));
        long[] offsets = Numbers("data_offsets");
        long size = shape.Aggregate(1L, (n, d) => n == 0 || d == 0 ? 0 : n * d) * type.Size();
        if (offsets.Length != 2 || offsets[1] - offsets[0] != size)
            throw reader.Error(
                $"data_offsets [{string.Join(", ", offsets)}] for '{name}'",
                $"a range of {size:N0} bytes, which {dtype} of shape ({string.Join(", ", shape)}) needs", Damaged);
        return new Entry(name, type, shape, offsets[0], offsets[1]);
    }

    private static ElementType? TypeOf(string dtype) => dtype switch
    {
        "BOOL" => ElementType.Bool,
        "U8" => ElementType.UInt8,
        "I8" => ElementType.Int8,
        "U16" => ElementType.UInt16,
        "I16" => ElementType.Int16,
        "U32" => ElementType.UInt32,
        "I32" => ElementType.Int32,
        "U64" => ElementType.UInt64,
        "I64" => ElementType.Int64,
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        "F32" => ElementType.Float32,
        "F64" => ElementType.Float64,
        _ => null,
    };

    private readonly record struct Entry(string Name, ElementType Type, int[] Shape, long Begin, long End);
}
