using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class ScheduleTests
{
    /// <summary>Every schedule and its first rates. Those marked so are PyTorch 1.13's.</summary>
    private static readonly (Schedule Schedule, double[] Rates)[] Table =
    [
        (0.5, [0.5, 0.5, 0.5]),
        (Schedule.Constant(0.5) * 2, [1, 1]),
        (Schedule.From(step => 1 / (1 + step)), [1, 0.5, 1 / 3.0]),

        // PyTorch: LinearLR, PolynomialLR, ExponentialLR, StepLR.
        (Schedule.Linear(0.5, 0.1, 4), [0.5, 0.4, 0.30000000000000004, 0.2, 0.09999999999999998, 0.09999999999999998]),
        (Schedule.Polynomial(0.5, 0, 4, 2), [0.5, 0.28125, 0.125, 0.03125, 0.0, 0.0]),
        (Schedule.Exponential(0.5, 0.9), [0.5, 0.45, 0.405, 0.36450000000000005, 0.32805000000000006, 0.2952450000000001]),
        (Schedule.StepDecay(0.5, 0.5, 2), [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),

        (Schedule.Exponential(0.5, 0.25, 2), [0.5, 0.25, 0.125, 0.0625]),
        (Schedule.Piecewise(0.5, (2, 0.25), (3, 1)), [0.5, 0.5, 0.25, 1, 1]),

        // PyTorch: CosineAnnealingLR, CosineAnnealingWarmRestarts with T_mult 2 and 1, OneCycleLR.
        (Schedule.Cosine(0.5, 5, 0.1), [0.5, 0.46180339887498956, 0.3618033988749896, 0.2381966011250106, 0.13819660112501056, 0.1]),
        (Schedule.CosineRestarts(0.5, 2, 2, 0.05),
            [
                0.5, 0.275, 0.5, 0.4340990257669732, 0.275, 0.11590097423302682, 0.5, 0.48287289481503953, 0.4340990257669732,
                0.3611037722821452, 0.275, 0.1888962277178548, 0.11590097423302682, 0.06712710518496048, 0.5, 0.49567668809072685,
            ]),
        (Schedule.CosineRestarts(0.5, 3, to: 0.05), [0.5, 0.3875, 0.16250000000000006, 0.5, 0.3875, 0.16250000000000006, 0.5]),
        (Schedule.OneCycle(0.5, 10),
            [
                0.020000000000000018, 0.26, 0.5, 0.47524231600673683, 0.40587282697488153, 0.30563101096814466, 0.19437098903185537,
                0.09412917302511849, 0.024759683993263143, 2e-06,
            ]),

        (Schedule.Constant(0.5).WarmUp(4), [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]),
        (Schedule.StepDecay(0.5, 0.5, 1).WarmUp(1), [0.25, 0.5, 0.25, 0.125]),
        (Schedule.Linear(1, 0, 4).Then(2, Schedule.Linear(1, 0, 2)), [1, 0.75, 1, 0.5, 0, 0]),
    ];

    [Fact]
    public void Rates_are_those_of_the_formula()
    {
        foreach ((Schedule schedule, double[] rates) in Table)
            for (int step = 0; step < rates.Length; step++)
                Assert.True(Math.Abs(rates[step] - schedule.At(step)) < 1e-14, $"{schedule}, step {step}: {schedule.At(step)} is not {rates[step]}");
    }

    [Fact]
    public void Restarts_fall_on_their_steps_however_late()
    {
        foreach ((int period, double growth) in new[] { (7, 2.0), (3, 3.0), (10, 1.5), (1000, 1.0) })
        {
            Schedule schedule = Schedule.CosineRestarts(1, period, growth);
            double start = 0;
            for (int wave = 0; wave < 20 && start < 1e8; wave++)
            {
                if (start == Math.Floor(start))
                {
                    Assert.Equal(1, schedule.At((int)start), 1e-9);
                    if (start > 0) Assert.True(schedule.At((int)start - 1) < 0.5);
                }

                start += period * Math.Pow(growth, wave);
            }
        }
    }

    [Fact]
    public void A_compiled_schedule_is_the_same_at_every_step()
    {
        foreach ((Schedule schedule, double[] rates) in Table)
        {
            int runs = 0;
            Func<Tensor, Tensor> compiled = Jit.Compile((Tensor step) =>
            {
                runs++;
                return schedule.At(step);
            });
            for (int step = 0; step < rates.Length; step++)
                Assert.Equal(rates[step], compiled(Tensor.Full([], step, DType.Int64)).ToDouble(), 1e-14);
            Assert.Equal(1, runs);
        }
    }

    [Fact]
    public void Names_tell_the_numbers() => Assert.Equal("Cosine(0.5, 100, 0).WarmUp(10)", Schedule.Cosine(0.5, 100).WarmUp(10).ToString());

    [Fact]
    public void What_is_no_schedule_is_refused()
    {
        foreach ((Action wrong, string text) in ((Action, string)[])
            [
                (() => Schedule.Constant(0), "learningRate is 0"),
                (() => Schedule.Linear(-1, 0, 10), "-1"),
                (() => Schedule.Cosine(1, 0), "steps is 0"),
                (() => Schedule.Piecewise(1, (5, 0.1), (5, 0.01)), "step 5"),
                (() => Schedule.CosineRestarts(1, 10, 0.5), "growth is 0.5"),
                (() => Schedule.OneCycle(1, 3), "OneCycle"),
                (() => Schedule.Constant(1).WarmUp(0), "steps is 0"),
                (() => Schedule.From(step => step.Reshape(1)).At(0), "shape (1)"),
            ])
        {
            Assert.Contains(text, Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }
    }
}
