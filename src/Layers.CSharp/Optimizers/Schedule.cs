namespace Autodiff.Layers;

/// <summary>
/// The learning rate as a function of the number of steps taken before. A number is a schedule that never changes.
/// </summary>
/// <remarks>It is a formula of tensors, so that a compiled step computes it: choose with <c>Tensor.Where</c>, not with
/// <c>if</c>. What depends on results, not on the step, is a callback, such as <see
/// cref="ReduceOnPlateau"/>.</remarks>
/// <example><code>
/// var optimizer = new Adam(Schedule.Cosine(1e-3, steps: 10_000).WarmUp(500));
/// var own = new SGD(Schedule.From(step => 0.1 / (1 + step)));
/// </code></example>
public sealed class Schedule
{
    private readonly Func<Tensor, Tensor> rate;
    private readonly string name;

    private Schedule(string name, Func<Tensor, Tensor> rate) => (this.name, this.rate) = (name, rate);

    /// <summary>One learning rate.</summary>
    /// <exception cref="ArgumentException">The rate is not positive.</exception>
    public static implicit operator Schedule(double learningRate) => Constant(learningRate);

    /// <summary>A schedule times a number.</summary>
    /// <exception cref="ArgumentException">The number is not positive.</exception>
    public static Schedule operator *(Schedule schedule, double factor)
    {
        Shapes.Positive(factor, nameof(Schedule), nameof(factor));
        return new(Text($"{schedule} * {factor}"), step => schedule.rate(step) * factor);
    }

    /// <summary>A formula of one's own, from a float64 scalar to a scalar.</summary>
    public static Schedule From(Func<Tensor, Tensor> rate)
    {
        ArgumentNullException.ThrowIfNull(rate);
        return new("From", rate);
    }

    /// <summary>One learning rate.</summary>
    /// <exception cref="ArgumentException">The rate is not positive.</exception>
    public static Schedule Constant(double learningRate)
    {
        Shapes.Positive(learningRate, nameof(Schedule), nameof(learningRate));
        return new(Text($"{learningRate}"), step => Tensor.Full([], learningRate, DType.Float64, step.Device));
    }

    /// <summary>A straight line from one rate to another, which then stays.</summary>
    /// <param name="from">The first rate, from 0 up.</param>
    /// <param name="to">The last rate, from 0 up.</param>
    /// <param name="steps">The number of steps from the first to the last.</param>
    /// <exception cref="ArgumentException">A rate is negative, or the number not positive.</exception>
    public static Schedule Linear(double from, double to, int steps) => Polynomial(from, to, steps, 1);

    /// <summary>to + (from - to) (1 - t)^power, where t goes from 0 to 1 in some steps and stays.</summary>
    /// <param name="from">The first rate, from 0 up.</param>
    /// <param name="to">The last rate, from 0 up.</param>
    /// <param name="steps">The number of steps from the first to the last.</param>
    /// <param name="power">The exponent, positive.</param>
    /// <exception cref="ArgumentException">A number lies outside its range.</exception>
    public static Schedule Polynomial(double from, double to, int steps, double power)
    {
        CheckRates(nameof(Polynomial), from, to, steps);
        Shapes.Positive(power, nameof(Polynomial), nameof(power));
        return new(
            Text($"Polynomial({from}, {to}, {steps}, {power})"),
            step => to + (from - to) * Tensor.Pow(1 - Tensor.Clamp(step / steps, 0, 1), power));
    }

    /// <summary>from factor^(step / every), smoothly.</summary>
    /// <param name="from">The first rate, positive.</param>
    /// <param name="factor">What the rate is multiplied by, positive.</param>
    /// <param name="every">The number of steps in which it is.</param>
    /// <exception cref="ArgumentException">A number is not positive.</exception>
    public static Schedule Exponential(double from, double factor, int every = 1)
    {
        CheckRates(nameof(Exponential), Shapes.Positive(from, nameof(Exponential), nameof(from)), 0, every);
        Shapes.Positive(factor, nameof(Exponential), nameof(factor));
        return new(Text($"Exponential({from}, {factor}, {every})"), step => from * Tensor.Pow(factor, step / every));
    }

    /// <summary>from factor^floor(step / every): the rate falls at once after each so many steps.</summary>
    /// <param name="from">The first rate, positive.</param>
    /// <param name="factor">What the rate is multiplied by, positive.</param>
    /// <param name="every">The number of steps of one rate.</param>
    /// <exception cref="ArgumentException">A number is not positive.</exception>
    public static Schedule StepDecay(double from, double factor, int every)
    {
        CheckRates(nameof(StepDecay), Shapes.Positive(from, nameof(StepDecay), nameof(from)), 0, every);
        Shapes.Positive(factor, nameof(StepDecay), nameof(factor));
        return new(
            Text($"StepDecay({from}, {factor}, {every})"), step => from * Tensor.Pow(factor, Tensor.Floor(step / every)));
    }

    /// <summary>One rate, replaced by others from given steps on.</summary>
    /// <param name="first">The rate of the first steps, from 0 up.</param>
    /// <param name="changes">Steps, in rising order, and the rates from them on.</param>
    /// <exception cref="ArgumentException">A rate is negative, or the steps do not rise.</exception>
    public static Schedule Piecewise(double first, params IReadOnlyList<(int Step, double Rate)> changes)
    {
        CheckRates(nameof(Piecewise), first, 0, 1);
        (int Step, double Rate)[] copy = [.. changes];
        for (int i = 0; i < copy.Length; i++)
        {
            CheckRates(nameof(Piecewise), copy[i].Rate, 0, 1);
            if (copy[i].Step <= (i > 0 ? copy[i - 1].Step : 0))
                throw new ArgumentException($"Piecewise: the change at step {copy[i].Step} does not come after the one before; steps must rise from 1 up.");
        }

        return new(
            Text($"Piecewise({first}, {string.Join(", ", copy.Select(change => Text($"{change.Step}: {change.Rate}")))})"),
            step => copy.Aggregate(step * 0 + first, (rate, change) => At(step, change.Step, rate, step * 0 + change.Rate)));
    }

    /// <summary>Half a wave of the cosine, to + (from - to) (1 + cos(pi t)) / 2, where t goes from 0 to 1 in some steps
    /// and stays (Loshchilov and Hutter 2017).</summary>
    /// <param name="from">The first rate, from 0 up.</param>
    /// <param name="steps">The number of steps to the last rate.</param>
    /// <param name="to">The last rate, from 0 up.</param>
    /// <exception cref="ArgumentException">A rate is negative, or the number not positive.</exception>
    public static Schedule Cosine(double from, int steps, double to = 0)
    {
        CheckRates(nameof(Cosine), from, to, steps);
        return new(Text($"Cosine({from}, {steps}, {to})"), step => Wave(from, to, Tensor.Clamp(step / steps, 0, 1)));
    }

    /// <summary>Half waves of the cosine one after another, each from the first rate again (Loshchilov and Hutter 2017).
    /// The last rate is approached and never taken: the step at which it would be starts the next wave.</summary>
    /// <param name="from">The first rate of each wave, from 0 up.</param>
    /// <param name="period">The number of steps of the first wave.</param>
    /// <param name="growth">How many times longer each wave is than the one before, at least 1.</param>
    /// <param name="to">The rate that each wave goes to, from 0 up.</param>
    /// <exception cref="ArgumentException">A number lies outside its range.</exception>
    public static Schedule CosineRestarts(double from, int period, double growth = 1, double to = 0)
    {
        CheckRates(nameof(CosineRestarts), from, to, period);
        if (!(growth >= 1 && double.IsFinite(growth)))
            throw new ArgumentException($"CosineRestarts: growth is {growth}; it must be at least 1.");
        return new(Text($"CosineRestarts({from}, {period}, {growth}, {to})"), step =>
        {
            Tensor waves = step / period;
            if (growth == 1) return Wave(from, to, waves - Tensor.Floor(waves));

            // Wave n starts after (growth^n - 1) / (growth - 1) periods; the last digits of the logarithm must not tell.
            Tensor n = Tensor.Floor(Tensor.Log(waves * (growth - 1) + 1) / Math.Log(growth) + 1e-9);
            Tensor length = Tensor.Pow(growth, n);
            return Wave(from, to, Tensor.Clamp((waves - (length - 1) / (growth - 1)) / length, 0, 1));
        });
    }

    /// <summary>Up to a highest rate and down to almost nothing, both along half waves of the cosine, as in PyTorch
    /// (Smith and Topin 2018).</summary>
    /// <param name="highest">The highest rate, positive.</param>
    /// <param name="steps">The number of all steps, at least 2.</param>
    /// <param name="rising">The share of the steps in which the rate rises, between 0 and 1.</param>
    /// <param name="startDivisor">The first rate is the highest divided by this.</param>
    /// <param name="endDivisor">The last rate is the first divided by this.</param>
    /// <exception cref="ArgumentException">A number lies outside its range.</exception>
    public static Schedule OneCycle(
        double highest, int steps, double rising = 0.3, double startDivisor = 25, double endDivisor = 1e4)
    {
        Shapes.Positive(highest, nameof(OneCycle), nameof(highest));
        Shapes.AtLeast(2, steps, nameof(OneCycle), nameof(steps));
        Shapes.Positive(startDivisor, nameof(OneCycle), nameof(startDivisor));
        Shapes.Positive(endDivisor, nameof(OneCycle), nameof(endDivisor));
        double top = rising * steps - 1, last = steps - 1;
        if (!(top > 0 && top < last))
            throw new ArgumentException(Text($"OneCycle: a share of {rising} of {steps} steps leaves none to rise or to fall in; it must lie between 0 and 1, with more steps."));
        double first = highest / startDivisor;
        return new(
            Text($"OneCycle({highest}, {steps}, {rising}, {startDivisor}, {endDivisor})"),
            step => At(
                step, top, Wave(first, highest, Tensor.Clamp(step / top, 0, 1)),
                Wave(highest, first / endDivisor, Tensor.Clamp((step - top) / (last - top), 0, 1))));
    }

    /// <summary>A straight line up to the first rate of this schedule, which starts after it: the rate of step i below
    /// the number of steps is (i + 1) / (steps + 1) times that first rate.</summary>
    /// <param name="steps">The number of steps, at least 1.</param>
    /// <exception cref="ArgumentException">The number is not positive.</exception>
    public Schedule WarmUp(int steps)
    {
        Shapes.AtLeast(1, steps, nameof(WarmUp), nameof(steps));
        return From(step => rate(step * 0) * ((step + 1) / (steps + 1.0))).Then(steps, this, Text($"{this}.WarmUp({steps})"));
    }

    /// <summary>This schedule for some steps, then another from its start.</summary>
    /// <exception cref="ArgumentException">The number is not positive.</exception>
    public Schedule Then(int steps, Schedule next) => Then(steps, next, Text($"{this}.Then({steps}, {next})"));

    /// <summary>The learning rate after some number of steps, a float64 scalar.</summary>
    /// <exception cref="ArgumentException">The formula did not return one number.</exception>
    public Tensor At(Tensor step)
    {
        Tensor value = rate(step.To(DType.Float64));
        return value.Rank == 0
            ? value.To(DType.Float64)
            : throw new ArgumentException($"Schedule {name}: the rate has shape {Shapes.Format(value.Shape)}; it must be a scalar.");
    }

    /// <summary>The learning rate after some number of steps.</summary>
    public double At(int step) => At(Tensor.Scalar((double)step)).ToDouble();

    /// <inheritdoc/>
    public override string ToString() => name;

    private Schedule Then(int steps, Schedule next, string text)
    {
        ArgumentNullException.ThrowIfNull(next);
        Shapes.AtLeast(1, steps, nameof(Then), nameof(steps));
        return new(text, step => At(step, steps, rate(step), next.rate(Tensor.Maximum(step - steps, step * 0))));
    }

    /// <summary>One rate before a step, another from it on.</summary>
    private static Tensor At(Tensor step, double change, Tensor before, Tensor after) =>
        Tensor.Where(Tensor.Less(step, step * 0 + change), before, after);

    private static Tensor Wave(double from, double to, Tensor t) => to + (from - to) / 2 * (1 + Tensor.Cos(t * Math.PI));

    private static void CheckRates(string owner, double from, double to, int steps)
    {
        if (!(from >= 0 && to >= 0 && double.IsFinite(from + to)))
            throw new ArgumentException(Text($"{owner}: the rates {from} and {to} must be numbers from 0 up."));
        Shapes.AtLeast(1, steps, owner, nameof(steps));
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
