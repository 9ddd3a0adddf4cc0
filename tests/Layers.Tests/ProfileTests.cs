using System.Diagnostics;
using System.Text.Json;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class ProfileTests
{
    private static readonly Tensor Point = Tensor.From([0.5, 1.5, -0.25], 3);

    [Fact]
    public void A_profile_has_rows_a_table_and_a_trace()
    {
        Func<Tensor, Tensor> slope = Gradient.Of((Tensor x) => (Tensor.Sin(x) * x).Sum());
        var (value, report) = Profile.Run(slope, Point);
        Assert.Equal(slope(Point).ToArray<double>(), value.ToArray<double>());
        Assert.Equal(4, report.Rows.Single(row => row.Name == "multiply").Count);
        Assert.Contains("multiply", report.ToString());
        Assert.Equal("add", report.GroupBy(e => e.Name, ProfileOrder.Name)[0].Name);
        Assert.Contains(report.Events, e => e.Name == "cos" && e.Rule == "vjp of sin");
        var stream = new MemoryStream();
        report.WriteTrace(stream);
        Assert.Equal(JsonValueKind.Array, JsonDocument.Parse(stream.ToArray()).RootElement.GetProperty("traceEvents").ValueKind);
    }

    [Fact]
    public void Functions_of_several_arguments_are_profiled()
    {
        var (product, report) = Profile.Run((Tensor x, Tensor y) => x * y, Point, Point);
        Assert.Equal(2.25, product[1].ToDouble());
        Assert.Single(report.Events);
        var (sum, three) = Profile.Run((Tensor x, Tensor y, Tensor z) => x * y + z, Point, Point, Point);
        Assert.Equal(3.75, sum[1].ToDouble());
        Assert.Equal(2, three.Events.Count);
    }

    [Fact]
    public void A_step_of_training_is_profiled_with_its_layers()
    {
        var network = new Sequential(new Dense(4), Activations.ReLU, new Dense(2));
        Parameters parameters = network.Initialize(new Key(1), [3]);
        Tensor inputs = new Key(2).Normal([5, 3]), targets = Tensor.From([0, 1, 1, 0, 1], 5);
        var (_, report) = Profile.Run(
            (Parameters p, Tensor x) => Gradient.ValueAndGrad((Parameters q) =>
                Losses.SoftmaxCrossEntropy.Of(network.Apply(q, x, Context.Prediction), targets))(p),
            parameters, inputs);
        // Two layers forward; on the way back both weights, and the input of the second layer.
        Assert.Equal(5, report.Rows.Single(row => row.Name == "matmul").Count);
    }

    [Fact]
    public void Programs_are_drawn() =>
        Assert.StartsWith("digraph program {", Stage.Of((Tensor x) => Tensor.Sin(x))(Point).Program.ToGraphviz());

    [Fact]
    public void Compilations_epochs_and_steps_are_spans_for_those_who_listen()
    {
        using Activity root = new Activity("test").Start();
        var names = new List<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Autodiff",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                // Other tests run at the same time: only what belongs to this one.
                if (activity.RootId == root.RootId) lock (names) names.Add(activity.OperationName);
            },
        };
        ActivitySource.AddActivityListener(listener);
        Jit.Compile((Tensor x) => (Tensor.Sin(x) * x).Sum())(Point);
        Assert.Contains("autodiff.compile", names);
        var data = new Dataset(new Key(1).Normal([6, 3]), Tensor.From([0, 1, 1, 0, 1, 0], 6));
        new Trainer(new Sequential(new Dense(2)), Losses.SoftmaxCrossEntropy, new Adam(learningRate: 1e-3)).Fit(data, epochs: 2, batchSize: 3);
        Assert.Equal(2, names.Count(name => name == "autodiff.epoch"));
        Assert.Equal(4, names.Count(name => name == "autodiff.step"));
    }
}
