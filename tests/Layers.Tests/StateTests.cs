using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

/// <summary>What layers keep from step to step without training it.</summary>
public class StateTests
{
    private static readonly Context Training = Context.Training(new Key(3));

    private static Tensor Wave(double shift, params int[] shape) => Waves.Of(shift, shape);

    /// <summary>Weight, bias, running mean and running variance.</summary>
    private static Parameters BatchNormAt(BatchNorm layer, int channels)
    {
        Parameters parameters = layer.Initialize(new Key(0), [channels]).To(DType.Float64);
        return parameters.WithTrainable(
            parameters.Trainable.WithLeaves([Wave(0.2, channels), Wave(0.4, channels)]));
    }

    [Fact]
    public void Batch_normalization_has_the_numbers_of_PyTorch()
    {
        // BatchNorm2d(2, momentum=0.3, eps=1e-3) of PyTorch 1.13, to 12 digits.
        var layer = new BatchNorm(momentum: 0.3, epsilon: 1e-3);
        Tensor x = Wave(0.1, 2, 2, 1, 2);
        (Tensor y, Parameters after) = layer.ApplyAndUpdate(BatchNormAt(layer, 2), x, Training);
        Waves.AssertNear(
            [1.68433314496, 1.9877046504, 2.08385264916, 1.82828887943, 0.635218605709, -0.365457481115, 0.276600267665, -0.2678439051], y);
        Waves.AssertNear([0.195681694857, 0.0800822135403], after["running_mean"]);
        Waves.AssertNear([0.740214253494, 0.859163077866], after["running_var"]);
        Waves.AssertNear(
            [1.73841579641, 1.85069831548, 1.93326854043, 1.75923013559, 1.35012216584, 0.979756360924, 0.70253336244, 0.331767993566],
            layer.Apply(after, x));
    }

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(1e4, 1.0)]
    [InlineData(-300.0, 1e-2)]
    public void Batch_normalization_keeps_the_digits_of_what_lies_far_from_zero(double mean, double deviation)
    {
        // The first example, from which the statistics start, lies far from the others in one of two channels.
        var layer = new BatchNorm(epsilon: 1e-12);
        Tensor apart = Tensor.Relu(1.0 - Tensor.Arange(32).Reshape(32, 1, 1, 1).To(DType.Float64)) * Tensor.From([0.0, 100.0], 2, 1, 1);
        Tensor x = ((new Key(4).Normal([32, 2, 5, 5], dtype: DType.Float64) + apart) * deviation + mean).To(DType.Float32);
        Parameters parameters = layer.Initialize(new Key(0), [2, 5, 5]);
        (Tensor y, Parameters after) = layer.ApplyAndUpdate(parameters, x, Training);
        Tensor exact = x.To(DType.Float64);
        Tensor centred = exact - exact.Mean([0, 2, 3], true);
        Tensor variance = Tensor.Square(centred).Mean([0, 2, 3], true);
        double error = Tensor.Abs(y.To(DType.Float64) - centred / Tensor.Sqrt(variance)).Max().ToDouble();

        // The difference of the largest and the mean has this relative error, whatever the formula.
        double rounding = (Math.Abs(mean) / deviation + 100) * 1.2e-7;
        Assert.True(error < 4 * rounding, $"error {error}, {rounding} from rounding");
        double unbiased = (variance.Reshape(2) * (800 / 799.0))[0].ToDouble();
        Assert.Equal(0.9 + 0.1 * unbiased, after["running_var"][0].ToDouble(), 1e-6 * (1 + 0.1 * unbiased));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e10f)]
    [InlineData(-0.1f)]
    public void A_channel_of_one_value_is_its_bias(float value)
    {
        var layer = new BatchNorm();
        Parameters parameters = layer.Initialize(new Key(0), [1, 3, 7]);
        (Tensor y, Parameters after) = layer.ApplyAndUpdate(parameters, Tensor.Full([3, 1, 3, 7], value), Training);
        Assert.All(y.ToArray<float>(), element => Assert.True(Math.Abs(element) < 1));
        Assert.True(after["running_var"].ToArray<float>()[0] >= 0.9f);
    }

    [Fact]
    public void A_run_that_nobody_takes_the_state_of_leaves_it()
    {
        var layer = new BatchNorm();
        Parameters parameters = layer.Initialize(new Key(0), [3]);
        layer.Apply(parameters, new Key(1).Normal([4, 3]), Training);
        (_, Parameters predicted) = layer.ApplyAndUpdate(parameters, new Key(1).Normal([4, 3]));
        Assert.Equal(new float[3], parameters["running_mean"].ToArray<float>());
        Assert.Equal(new float[3], predicted["running_mean"].ToArray<float>());
    }

    [Fact]
    public void One_value_has_no_variance()
    {
        var layer = new BatchNorm();
        Parameters parameters = layer.Initialize(new Key(0), [3]);
        (Tensor y, Parameters after) = layer.ApplyAndUpdate(parameters, new Key(1).Normal([1, 3]), Training);
        Assert.Equal(new float[3], y.ToArray<float>());
        Assert.Equal([1f, 1f, 1f], after["running_var"].ToArray<float>());
        Assert.Equal(new float[3], after["running_mean"].ToArray<float>());
    }

    /// <summary>A part whose forward pass is computed again by reverse mode.</summary>
    private sealed class Again(Layer part) : Layer
    {
        public override int[] OutputShape(int[] inputShape) => part.OutputShape(inputShape);

        public override Parameters Initialize(Key key, int[] inputShape) => part.Initialize(key, inputShape);

        public override Tensor Apply(Parameters parameters, Tensor input, Context context) =>
            Checkpoint.Of((Tensor x) => part.Apply(parameters, x, context))(input);
    }

    [Fact]
    public void State_that_changes_inside_a_program_is_an_error_that_names_it()
    {
        var network = new Sequential(new Dense(4), new Again(new Sequential(new Dense(3), new BatchNorm())));
        Parameters parameters = network.Initialize(new Key(0), [2]);
        Tensor x = Wave(0.1, 5, 2);
        var error = Assert.Throws<ArgumentException>(() => network.ApplyAndUpdate(parameters, x, Training));
        Assert.Contains("'1.1.running_mean'", error.Message);
        Assert.Contains("ApplyAndUpdate inside", error.Message);

        // Nobody takes the state; or the program returns it.
        network.Apply(parameters, x, Training);
        var layer = new BatchNorm();
        Parameters own = layer.Initialize(new Key(0), [2]);
        (Tensor y, Parameters after) = Checkpoint.Of((Tensor v) => layer.ApplyAndUpdate(own, v, Training))(x);
        (Tensor wanted, Parameters wantedAfter) = layer.ApplyAndUpdate(own, x, Training);
        Assert.Equal(wanted.ToArray<float>(), y.ToArray<float>());
        Assert.Equal(wantedAfter["running_var"].ToArray<float>(), after["running_var"].ToArray<float>());
    }

    [Fact]
    public void State_is_told_from_what_is_trained()
    {
        Sequential network = [new Dense(2), new BatchNorm(), new Dense(1)];
        Parameters parameters = network.Initialize(new Key(0), [3]);
        Assert.Equal(
            ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "2.weight", "2.bias"], parameters.Names);
        Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"], parameters.Trainable.Names);
        Assert.True(parameters.IsTrainable("1.bias"));
        Assert.False(parameters.IsTrainable("1.running_var"));
        Assert.Same(parameters["2.weight"], parameters.Trainable.Part("2")["weight"]);
        Parameters part = parameters.Part("1");
        Assert.Equal(["weight", "bias"], part.Trainable.Names);
        Assert.Same(parameters["1.bias"], part.Trainable["bias"]);

        Parameters doubled = parameters.WithTrainable(parameters.Trainable.Map(leaf => leaf * 2.0));
        Assert.Equal(parameters.Names, doubled.Names);
        Assert.Same(parameters["1.running_var"], doubled["1.running_var"]);
        Assert.Equal(2f, doubled["1.weight"].ToArray<float>()[0]);
        Assert.Contains("'0.weight' is missing", Assert.Throws<ArgumentException>(() => parameters.WithTrainable(part)).Message);
        Assert.Contains("shape", Assert.Throws<ArgumentException>(
            () => parameters.WithTrainable(parameters.Trainable.Map(_ => Tensor.Scalar(1f)))).Message);
        Assert.Contains("part", Assert.Throws<ArgumentException>(() => parameters.WithState(("a", Tensor.Scalar(1f)))).Message);
        Assert.Contains("twice", Assert.Throws<ArgumentException>(
            () => Parameters.Of(("a", Tensor.Scalar(1f))).WithState(("a", Tensor.Scalar(1f)))).Message);
        Context collecting = Training;
        Assert.Contains("trainable", Assert.Throws<ArgumentException>(() => collecting.State(part, "weight")).Message);
    }

    [Fact]
    public void Optimizers_leave_state_alone()
    {
        Sequential network = [new BatchNorm(), new Dense(1)];
        Parameters parameters = network.Initialize(new Key(0), [3]);
        var optimizer = new Chain(new Adam(0.1), new WeightDecay(0.1));
        OptimizerState state = optimizer.Init(parameters);
        Tensor x = new Key(1).Normal([8, 3]);
        Parameters gradients = Gradient.Of((Parameters p) => Tensor.Square(network.Apply(p, x, Training)).Sum())(parameters);
        (Parameters after, _) = optimizer.Update(gradients, state, parameters);
        Assert.Same(parameters["0.running_var"], after["0.running_var"]);
        Assert.NotEqual(parameters["0.weight"].ToArray<float>(), after["0.weight"].ToArray<float>());
        Assert.NotEqual(parameters["1.weight"].ToArray<float>(), after["1.weight"].ToArray<float>());
    }

    [Fact]
    public void Training_moves_running_statistics_to_those_of_the_data_and_files_keep_them()
    {
        Sequential network = [new BatchNorm(momentum: 0.2), new Dense(1)];
        Tensor inputs = new Key(1).Normal([256, 2], mean: 5, standardDeviation: 3);
        var data = new Dataset(inputs, inputs.Sum([1], keepAxes: true));
        var trainer = new Trainer(network, Losses.MeanSquaredError, new Adam(0.05)) { Output = Output.None };
        Model model = trainer.Fit(data, epochs: 30, batchSize: 64).Model;
        Assert.All(model.Parameters["0.running_mean"].ToArray<float>(), mean => Assert.InRange(mean, 4.5, 5.5));
        Assert.All(model.Parameters["0.running_var"].ToArray<float>(), variance => Assert.InRange(variance, 7, 11));

        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            model.Save(path);
            Model loaded = Model.Load(network, path);
            Assert.Equal(model.Parameters["0.running_var"].ToArray<float>(), loaded.Parameters["0.running_var"].ToArray<float>());
            Assert.Equal(model.Predict(inputs).ToArray<float>(), loaded.Predict(inputs).ToArray<float>());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_training_step_with_state_can_be_compiled()
    {
        Sequential network = [new Dense(4), new BatchNorm(), Activations.Tanh, new LSTM(3, carriedBatch: 5), new Dense(1)];
        Sequential steps = [new Reshape(4, 2), .. network];
        Parameters parameters = steps.Initialize(new Key(0), [8]);
        (Tensor, Parameters, Parameters) Step(Parameters p, Tensor x, Tensor y)
        {
            var (loss, updated, gradients) = Gradient.ValueAndGradAux((Parameters trainable) =>
            {
                (Tensor output, Parameters after) = steps.ApplyAndUpdate(p.WithTrainable(trainable), x, Training);
                return (Losses.MeanSquaredError.Of(output, y), after);
            })(p.Trainable);
            return (loss, updated, gradients);
        }

        Func<(Parameters, Tensor, Tensor), (Tensor, Parameters, Parameters)> compiled =
            Jit.Compile(((Parameters P, Tensor X, Tensor Y) at) => Step(at.P, at.X, at.Y));
        Parameters eager = parameters, fast = parameters;
        for (int i = 0; i < 3; i++)
        {
            Tensor x = new Key(i).Normal([5, 8]), y = new Key(i + 9).Normal([5, 1]);
            (Tensor loss, eager, Parameters slopes) = Step(eager, x, y);
            (Tensor fastLoss, fast, Parameters fastSlopes) = compiled((fast, x, y));
            Assert.Equal(loss.ToDouble(), fastLoss.ToDouble(), 1e-5);
            foreach ((string name, Tensor value) in eager) Waves.AssertNear(value.ToArray<float>(), fast[name], 1e-5);
            foreach ((string name, Tensor value) in slopes) Waves.AssertNear(value.ToArray<float>(), fastSlopes[name], 1e-4);
        }

        Assert.NotEqual(new float[15], fast["4.state.cell"].ToArray<float>());
        Assert.NotEqual(new float[4], fast["2.running_mean"].ToArray<float>());
    }

    [Fact]
    public void State_of_a_wrong_shape_is_an_error()
    {
        var wrong = new Keeping(Tensor.Zeros(3));
        Assert.Contains(
            "(3)", Assert.Throws<ArgumentException>(
                () => wrong.ApplyAndUpdate(wrong.Initialize(new Key(0), [1]), Tensor.Zeros(1, 1), Training)).Message);
        var right = new Keeping(Tensor.Ones(2));
        (_, Parameters after) = right.ApplyAndUpdate(right.Initialize(new Key(0), [1]), Tensor.Zeros(1, 1), Training);
        Assert.Equal([1f, 1f], after["kept"].ToArray<float>());
    }

    [Fact]
    public void State_of_parameters_that_are_not_the_own_is_an_error()
    {
        Sequential network = [new Dense(1), new Keeping(Tensor.Ones(2), ofCopy: true)];
        Parameters parameters = network.Initialize(new Key(0), [1]);
        string message = Assert.Throws<ArgumentException>(
            () => network.ApplyAndUpdate(parameters, Tensor.Zeros(1, 1), Training)).Message;
        Assert.Contains("layer 1", message);
        Assert.Contains("'kept' cannot be kept", message);
        Assert.Contains("parameters that Apply received", message);

        // Who takes no state has none to lose; a run of its own within keeps its own.
        network.Apply(parameters, Tensor.Zeros(1, 1), Training);
        var copy = new Keeping(Tensor.Ones(2));
        (_, Parameters after) = copy.ApplyAndUpdate(copy.Initialize(new Key(0), [1]).To(DType.Float64), Tensor.Zeros(1, 1), Training);
        Assert.Equal([1.0, 1.0], after["kept"].ToArray<double>());
    }

    /// <summary>A layer of one's own with state.</summary>
    private sealed class Keeping(Tensor next, bool ofCopy = false) : Layer
    {
        public override int[] OutputShape(int[] inputShape) => inputShape;

        public override Parameters Initialize(Key key, int[] inputShape) =>
            Parameters.Empty.WithState(("kept", Tensor.Zeros(2)));

        public override Tensor Apply(Parameters parameters, Tensor input, Context context)
        {
            context.Update(ofCopy ? parameters.To(DType.Float64) : parameters, "kept", next);
            return input;
        }
    }
}

/// <summary>Numbers that a few characters of another program make as well.</summary>
internal static class Waves
{
    /// <summary>sin(1 + 0.37 i + shift) at position i.</summary>
    internal static Tensor Of(double shift, params int[] shape) =>
        Tensor.From(
            [.. Enumerable.Range(0, shape.Aggregate(1, (n, length) => n * length)).Select(i => Math.Sin(1 + 0.37 * i + shift))], shape);

    internal static void AssertNear(double[] expected, Tensor actual, double tolerance = 1e-10)
    {
        double[] values = actual.To(DType.Float64).ToArray<double>();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < values.Length; i++) Assert.Equal(expected[i], values[i], tolerance);
    }

    internal static void AssertNear(float[] expected, Tensor actual, double tolerance) =>
        AssertNear(Array.ConvertAll(expected, x => (double)x), actual, tolerance);
}
