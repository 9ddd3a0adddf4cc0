using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Autodiff.Examples;
using Autodiff.Examples.GradBench;

namespace Examples.Tests;

public class GradBenchTests
{
    private static string Sessions => Path.Combine(Environment.GetEnvironmentVariable("AUTODIFF_DATA")!, "gradbench");

    /// <summary>The messages of a recorded session with the answers of a correct tool.</summary>
    private static IEnumerable<(string Message, JsonElement Answer)> Recorded(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            JsonElement pair = JsonDocument.Parse(line).RootElement;
            yield return (pair.GetProperty("message").GetRawText(), pair.GetProperty("answer"));
        }
    }

    private static JsonElement Answer(string message) => JsonDocument.Parse(Session.Answer(message)).RootElement;

    /// <summary>Fails unless two values have the same keys, lengths and types, and numbers that are close.</summary>
    private static void AssertAgree(JsonElement expected, JsonElement actual, string path)
    {
        Assert.True(expected.ValueKind == actual.ValueKind, $"{path}: {actual.ValueKind}, not {expected.ValueKind}");
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                Dictionary<string, JsonElement> parts = actual.EnumerateObject().ToDictionary(part => part.Name, part => part.Value);
                Assert.Equal(expected.EnumerateObject().Select(part => part.Name).Order(), parts.Keys.Order());
                foreach (JsonProperty part in expected.EnumerateObject())
                    AssertAgree(part.Value, parts[part.Name], $"{path}.{part.Name}");
                break;
            case JsonValueKind.Array:
                Assert.True(expected.GetArrayLength() == actual.GetArrayLength(), $"{path}: {actual.GetArrayLength()} elements, not {expected.GetArrayLength()}");
                foreach ((int i, JsonElement part) in expected.EnumerateArray().Index()) AssertAgree(part, actual[i], $"{path}[{i}]");
                break;
            case JsonValueKind.Number:
                double x = expected.GetDouble(), y = actual.GetDouble();
                Assert.True(Math.Abs(x - y) / Math.Max(1, Math.Abs(x) + Math.Abs(y)) <= 1e-4, $"{path}: {y}, not {x}");
                break;
            default:
                Assert.Equal(expected.GetRawText(), actual.GetRawText());
                break;
        }
    }

    [DataFact("gradbench/hello.jsonl.gz")]
    public void Every_recorded_session_is_answered_as_by_a_correct_tool()
    {
        string[] sessions = Directory.GetFiles(Sessions, "*.jsonl.gz");
        Assert.Equal(13, sessions.Length);
        Assert.All(sessions.Order(StringComparer.Ordinal), session =>
        {
            foreach ((string message, JsonElement expected) in Recorded(session))
            {
                JsonElement answer = Answer(message);
                string where = $"{Path.GetFileName(session)}, message {expected.GetProperty("id")}: {answer.ToString()[..Math.Min(200, answer.ToString().Length)]}";
                Assert.Equal(expected.GetProperty("id").GetInt32(), answer.GetProperty("id").GetInt32());
                if (!expected.TryGetProperty("success", out JsonElement success)) continue;
                AssertAgree(success, answer.GetProperty("success"), where);
                if (!expected.TryGetProperty("output", out JsonElement output)) continue;
                AssertAgree(output, answer.GetProperty("output"), where);
                Assert.Contains(answer.GetProperty("timings").EnumerateArray(), timing =>
                    timing.GetProperty("name").GetString() == "evaluate" && timing.GetProperty("nanoseconds").GetInt64() >= 0);
            }
        });
    }

    [DataFact("gradbench/ht.jsonl.gz")]
    public void A_hand_whose_points_lie_at_corners_of_triangles_is_one_whose_points_belong_to_vertices()
    {
        string recorded = Recorded(Path.Combine(Sessions, "ht.jsonl.gz")).First(pair => pair.Message.Contains("\"jacobian\"", StringComparison.Ordinal)).Message;
        JsonNode atCorners = JsonNode.Parse(recorded)!, atVertices = JsonNode.Parse(recorded)!;
        JsonNode data = atVertices["input"]!["data"]!;
        JsonArray triangles = data["model"]!["triangles"]!.AsArray(), correspondences = data["correspondences"]!.AsArray();
        for (int i = 0; i < correspondences.Count; i++)
        {
            atCorners["input"]!["us"]![i] = new JsonArray(1.0, 0.0);
            correspondences[i] = triangles[correspondences[i]!.GetValue<int>()]![0]!.GetValue<int>();
        }

        atVertices["input"]!["us"] = new JsonArray();
        JsonElement wide = Answer(atCorners.ToJsonString()).GetProperty("output"), narrow = Answer(atVertices.ToJsonString()).GetProperty("output");
        Assert.Equal(3 * correspondences.Count, narrow.GetArrayLength());
        foreach ((int i, JsonElement row) in wide.EnumerateArray().Index())
            Assert.Equal(row.EnumerateArray().Skip(2).Select(x => x.GetDouble()), narrow[i].EnumerateArray().Select(x => x.GetDouble()), (x, y) => Math.Abs(x - y) < 1e-12);
    }

    [Fact]
    public void A_function_runs_as_often_and_as_long_as_asked()
    {
        static int Runs(string input) => Answer($$"""{"id":3,"kind":"evaluate","module":"lse","function":"primal","input":{{input}}}""")
            .GetProperty("timings").EnumerateArray().Count(timing => timing.GetProperty("name").GetString() == "evaluate");
        Assert.Equal(1, Runs("""{"x":[1,2],"min_runs":1,"min_seconds":0}"""));
        Assert.Equal(7, Runs("""{"x":[1,2],"min_runs":7,"min_seconds":0.0}"""));
        Assert.True(Runs("""{"x":[1,2],"min_runs":1,"min_seconds":0.02}""") > 1);
    }

    [Fact]
    public void A_camera_that_is_not_turned_leaves_points_and_their_derivatives_as_first_order_says()
    {
        JsonElement values = Answer(
            """{"id":1,"kind":"evaluate","module":"ba","function":"jacobian","input":{"n":1,"m":1,"p":1,"cam":[0,0,0,0,0,0,1,0,0,0,0],"x":[3,5,2],"w":1,"feat":[0,0],"min_runs":1,"min_seconds":0}}""")
            .GetProperty("output").GetProperty("vals");
        // (x / z, y / z) at (3, 5, 2), turned by r: the derivatives by r are those of (3, 5, 2) + r x (3, 5, 2).
        double[] byRotation = [-3.75, 1 + 9.0 / 4, -2.5, -1 - 25.0 / 4, 15.0 / 4, 1.5];
        Assert.Equal(byRotation, [.. Enumerable.Range(0, 3).Concat(Enumerable.Range(15, 3)).Select(i => values[i].GetDouble())], (x, y) => Math.Abs(x - y) < 1e-12);
    }

    [Theory]
    [InlineData("""{"id":1,"kind":"define","module":"fft"}""", "fft")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"fft","function":"primal","input":1}""", "fft")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"hessian","input":{"x":[1]}}""", "hessian")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","input":{"x":[1]}}""", "lacks")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{}}""", "x")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{"x":null}}""", "x")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{"x":"1"}}""", "String")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[[1,2],[3]]}}""", "2 and of 1")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[[1],2]}}""", "number")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[1,[2]]}}""", "number")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"lse","function":"primal","input":{"x":[]}}""", "empty")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"kmeans","function":"cost","input":{"points":[[1,2]],"centroids":[[1]]}}""", "centroids")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"kmeans","function":"cost","input":{"points":[],"centroids":1}}""", "points")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"det","function":"primal","input":{"A":[1,2,3],"ell":2}}""", "A has the shape (3)")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"saddle","function":"rr","input":{"start":[1]}}""", "start")]
    [InlineData("""{"id":1,"kind":"evaluate","module":"hello","function":"square","input":1e300,"min_runs":1}""", "infinite")]
    [InlineData("""{"id":1,"kind":""", "")]
    [InlineData("[]", "")]
    [InlineData("", "")]
    public void Messages_that_are_wrong_are_answered_with_what_is_wrong(string message, string named)
    {
        JsonElement answer = Answer(message);
        Assert.False(answer.GetProperty("success").GetBoolean());
        Assert.Contains(named, answer.GetProperty("error").GetString()!, StringComparison.Ordinal);
        Assert.Equal(message.StartsWith("""{"id":1,"kind":"d""", StringComparison.Ordinal) || message.Contains("evaluate", StringComparison.Ordinal) ? "1" : "", answer.GetProperty("id").ToString());
    }

    [Fact]
    public void A_session_over_text_answers_each_line_with_a_line()
    {
        string[] messages =
        [
            """{"id":0,"kind":"start","eval":"hello"}""",
            """{"id":1,"kind":"define","module":"hello"}""",
            "nonsense",
            """{"id":2,"kind":"evaluate","module":"hello","function":"double","input":8}""",
            """{"id":3,"kind":"analysis","of":2,"valid":true}""",
        ];
        var output = new StringWriter();
        int code = Program.Run(["gradbench"], new StringReader(string.Join('\n', messages)), output, TextWriter.Null, CancellationToken.None);
        Assert.Equal(0, code);
        string[] answers = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(messages.Length, answers.Length);
        Assert.Equal("""{"id":1,"success":true}""", answers[1].Trim());
        Assert.Equal(16, JsonDocument.Parse(answers[3]).RootElement.GetProperty("output").GetDouble());
        Assert.Equal("""{"id":3}""", answers[4].Trim());
    }
}
