using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class OptimizerTests
{
    /// <summary>The parameter before the first step, and the gradients of three steps.</summary>
    private const double Start = 1.0, G1 = 0.5, G2 = -0.25, G3 = 0.125;

    /// <summary>A step on numbers: its number from 1, the parameters, which it changes, and the gradients.</summary>
    private delegate void Naive(int t, double[] w, double[] g);

    /// <summary>An optimizer, a reference without tensors, and an optimizer of the same kind that reaches the minimum of x^2 / 20 +
    /// y^2. Steps: one parameter after one, two and three steps, written out by hand. Torch: two parameters after five steps with
    /// PyTorch 1.13, in float64.</summary>
    private sealed record Row(string Name, Optimizer Optimizer, Func<Naive> Reference, Optimizer Descent)
    {
        public double[]? Steps { get; init; }

        public double[]? Torch { get; init; }
    }

    private static readonly Row[] Table =
    [
        new("SGD", new SGD(0.1), () => (t, w, g) => Each(w, i => w[i] - 0.1 * g[i]), new SGD(0.9))
        {
            Steps = [0.95, 0.975, 0.9625],
            Torch = [0.95, -1.85, 0.975, -1.925, 0.9625, -2.125, 0.8625, -2.075, 0.9, -2.1],
        },
        new("SGD, schedule", new SGD(Schedule.From(step => 0.1 / (1 + step))), () => (t, w, g) => Each(w, i => w[i] - 0.1 / t * g[i]),
            new SGD(Schedule.Linear(0.9, 0.5, 100)))
        {
            Steps = [0.95, 0.9625, 0.9625 - 0.1 / 3 * 0.125],
        },

        // v: 0.5, 0.9 * 0.5 - 0.25 = 0.2, 0.9 * 0.2 + 0.125 = 0.305.
        new("Momentum", new Momentum(0.1), () => Velocity(0.1, 0.9, (g, v) => v), new Momentum(0.1))
        {
            Steps = [0.95, 0.93, 0.8995],
            Torch = [0.95, -1.85, 0.9299999999999999, -1.79, 0.8995, -1.936, 0.7720499999999999, -2.0174, 0.6948449999999999, -2.1156599999999997],
        },

        // g + 0.9 v: 0.95, -0.25 + 0.18 = -0.07, 0.125 + 0.2745 = 0.3995.
        new("Nesterov", new Nesterov(0.1), () => Velocity(0.1, 0.9, (g, v) => g + 0.9 * v), new Nesterov(0.1))
        {
            Steps = [0.905, 0.912, 0.87205],
            Torch = [0.905, -1.715, 0.912, -1.736, 0.87205, -2.0674, 0.657345, -2.09066, 0.6253605, -2.204094],
        },

        // h: 0.25, 0.3125, 0.328125.
        new("AdaGrad", new AdaGrad(0.1), () =>
        {
            double[] h = [0, 0];
            return (t, w, g) => Each(w, i => w[i] - 0.1 * g[i] / (Math.Sqrt(h[i] += g[i] * g[i]) + 1e-7));
        }, new AdaGrad(1.5))
        {
            Steps =
            [
                Start - 0.1 * 0.5 / (0.5 + 1e-7),
                Start - 0.1 * 0.5 / (0.5 + 1e-7) + 0.1 * 0.25 / (Math.Sqrt(0.3125) + 1e-7),
                Start - 0.1 * 0.5 / (0.5 + 1e-7) + 0.1 * 0.25 / (Math.Sqrt(0.3125) + 1e-7) - 0.1 * 0.125 / (Math.Sqrt(0.328125) + 1e-7),
            ],
            Torch = [0.900000019999996, -1.9000000066666662, 0.9447213715499932, -1.9447213635499956, 0.9228995863359172, -2.021347463431908, 0.8361274107378658, -2.0025330467722005, 0.8670700455724383, -2.0118989045371403],
        },

        // h: 0.025, 0.0225 + 0.00625 = 0.02875, 0.025875 + 0.0015625 = 0.0274375.
        new("RMSProp", new RMSProp(0.1), () =>
        {
            double[] h = [0, 0];
            return (t, w, g) => Each(w, i => w[i] - 0.1 * g[i] / (Math.Sqrt(h[i] = 0.9 * h[i] + 0.1 * g[i] * g[i]) + 1e-7));
        }, new RMSProp(Schedule.From(step => 0.1 / (1 + 0.01 * step))))
        {
            Steps =
            [
                Start - 0.05 / (Math.Sqrt(0.025) + 1e-7),
                Start - 0.05 / (Math.Sqrt(0.025) + 1e-7) + 0.025 / (Math.Sqrt(0.02875) + 1e-7),
                Start - 0.05 / (Math.Sqrt(0.025) + 1e-7) + 0.025 / (Math.Sqrt(0.02875) + 1e-7) - 0.0125 / (Math.Sqrt(0.0274375) + 1e-7),
            ],
            Torch = [0.6837724339830356, -1.6837723006498146, 0.8312143031814623, -1.8312142278192103, 0.7557507096803986, -2.0826175259665614, 0.4725609571155459, -2.0177746810839974, 0.5780851495403174, -2.0517520188229232],
        },
        new("AdaDelta", new AdaDelta(0.5), () =>
        {
            double[] h = [0, 0], u = [0, 0];
            return (t, w, g) => Each(w, i =>
            {
                h[i] = 0.9 * h[i] + 0.1 * g[i] * g[i];
                double d = Math.Sqrt(u[i] + 1e-6) / Math.Sqrt(h[i] + 1e-6) * g[i];
                u[i] = 0.9 * u[i] + 0.1 * d * d;
                return w[i] - 0.5 * d;
            });
        }, new AdaDelta(Schedule.Linear(20, 1, 400)))
        {
            Torch = [0.9984188927917438, -1.998418864683546, 0.9994614363056394, -1.9994614335807985, 0.9988849121664483, -2.001382150196469, 0.9967216199424852, -2.0007604569250654, 0.997786406318833, -2.0010811721620416],
        },

        // m: 0.05, 0.02, 0.0305; v: 0.00025, 0.00031225, 0.00032756275; corrections 1 - 0.9^t and 1 - 0.999^t.
        new("Adam", new Adam(0.1), () => AdamOf(0.999, false), new Adam(0.3))
        {
            Steps =
            [
                Start - 0.1 * 0.5 / (0.5 + 1e-8),
                Start - 0.1 * 0.5 / (0.5 + 1e-8) - AdamStep(0.02, 0.19, 0.00031225, 0.001999),
                Start - 0.1 * 0.5 / (0.5 + 1e-8) - AdamStep(0.02, 0.19, 0.00031225, 0.001999) - AdamStep(0.0305, 0.271, 0.00032756275, 0.002997001),
            ],
            Torch = [0.900000002, -1.9000000006666666, 0.8733662987078463, -1.8733662969252554, 0.8393233849166541, -1.9091129267366127, 0.7750341939353117, -1.9269277878157285, 0.74025770743421, -1.9470348145317646],
        },
        new("AMSGrad", new AMSGrad(0.1, beta2: 0.5), () => AdamOf(0.5, true), new AMSGrad(0.3))
        {
            Torch = [0.900000002, -1.9000000006666666, 0.8742159000759665, -1.8742158983215806, 0.8444389949643539, -1.9065984991702873, 0.7950254064015289, -1.9213250826118509, 0.7694725257729982, -1.936500555783346],
        },
        new("AdamW", new AdamW(0.1, weightDecay: 0.05), () =>
        {
            Naive adam = AdamOf(0.999, false);
            return (t, w, g) =>
            {
                Each(w, i => w[i] * (1 - 0.1 * 0.05));
                adam(t, w, g);
            };
        }, new AdamW(0.3))
        {
            Torch = [0.895000002, -1.8900000006666666, 0.8638912986978463, -1.853916296921922, 0.8255289284131649, -1.8803933452486699, 0.7571120927897567, -1.8888062396015424, 0.7185500458247063, -1.8994692351195708],
        },
        new("NAdam", new NAdam(0.1), () =>
        {
            double[] m = [0, 0], v = [0, 0];
            double product = 1;
            return (t, w, g) =>
            {
                double now = 0.9 * (1 - 0.5 * Math.Pow(0.96, t * 0.004)), next = 0.9 * (1 - 0.5 * Math.Pow(0.96, (t + 1) * 0.004));
                product *= now;
                Each(w, i =>
                {
                    m[i] = 0.9 * m[i] + 0.1 * g[i];
                    v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
                    double size = Math.Sqrt(v[i] / (1 - Math.Pow(0.999, t))) + 1e-8;
                    return w[i] - 0.1 * ((1 - now) / (1 - product) * g[i] + next / (1 - product * next) * m[i]) / size;
                });
            };
        }, new NAdam(0.3))
        {
            // With foreach: true, which follows its documentation; without, PyTorch 1.13 multiplies by c(t) twice in C(t + 1).
            Torch = [0.8943548242773647, -1.8943548228687623, 0.9354657961611363, -1.9354657954459944, 0.9082600781647536, -2.020295027540894, 0.7986719379402688, -2.0015334738097925, 0.8309394113643571, -2.0170051732167993],
        },
        new("LAMB", new LAMB(0.1, weightDecay: 0.05), () => LambOf(0.1, 0.05), new LAMB(Schedule.Exponential(0.3, 0.98))),
        new("Lion", new Lion(0.1), () =>
        {
            double[] m = [0, 0];
            return (t, w, g) => Each(w, i =>
            {
                double direction = Math.Sign(0.9 * m[i] + 0.1 * g[i]);
                m[i] = 0.99 * m[i] + 0.01 * g[i];
                return w[i] - 0.1 * direction;
            });
        }, new Lion(Schedule.Linear(0.1, 0.001, 400))),
        new("DecoupledWeightDecay", new DecoupledWeightDecay(new Momentum(0.1), 0.05), () =>
        {
            Naive momentum = Velocity(0.1, 0.9, (g, v) => v);
            return (t, w, g) =>
            {
                Each(w, i => w[i] * (1 - 0.1 * 0.05));
                momentum(t, w, g);
            };
        }, new DecoupledWeightDecay(new Momentum(0.1), 1e-3)),

        // g + 0.1 w: 0.6, -0.25 + 0.094 = -0.156, 0.125 + 0.09556 = 0.22056.
        new("Chain, weight decay", new Chain(new SGD(0.1), new WeightDecay(0.1)),
            () => (t, w, g) => Each(w, i => w[i] - 0.1 * (g[i] + 0.1 * w[i])), new Chain(new SGD(0.8), new WeightDecay(1e-3)))
        {
            Steps = [0.94, 0.9556, 0.933544],
            Torch = [0.94, -1.83, 0.9555999999999999, -1.8867, 0.9335439999999999, -2.0678330000000003, 0.82420856, -1.9971546700000002, 0.8534664744, -2.0021831233],
        },
        new("Chain, Adam and weight decay", new Chain(new Adam(0.1), new WeightDecay(0.1)), () =>
        {
            Naive adam = AdamOf(0.999, false);
            return (t, w, g) => adam(t, w, [g[0] + 0.1 * w[0], g[1] + 0.1 * w[1]]);
        }, new Chain(new Adam(0.3), new WeightDecay(1e-3)))
        {
            Torch = [0.9000000016666666, -1.9000000005882354, 0.8544413674617625, -1.8596539188895798, 0.8005694720858495, -1.8832541686397128, 0.7279986481960307, -1.8867489956882393, 0.6810446544747885, -1.890970822490291],
        },

        // Gradients cut to length 0.2.
        new("Chain, clipping", new Chain(new Momentum(0.1), new ClipByNorm(0.2)), () =>
        {
            Naive momentum = Velocity(0.1, 0.9, (g, v) => v);
            return (t, w, g) =>
            {
                double factor = Math.Min(1, 0.2 / Math.Sqrt(g.Sum(x => x * x)));
                momentum(t, w, [.. g.Select(x => x * factor)]);
            };
        }, new Chain(new Momentum(0.1), new ClipByNorm(5)))
        {
            Steps = [0.98, 0.982, 0.9713],
        },
        new("Chain, clipping by value", new Chain(new Momentum(0.1), new ClipByValue(0.4)), () =>
        {
            Naive momentum = Velocity(0.1, 0.9, (g, v) => v);
            return (t, w, g) => momentum(t, w, [.. g.Select(x => Math.Clamp(x, -0.4, 0.4))]);
        }, new Chain(new SGD(0.9), new ClipByValue(5)))
        {
            Torch = [0.96, -1.96, 0.949, -1.964, 0.9266, -2.0076, 0.86644, -2.00684, 0.849796, -2.0311559999999997],
        },
        new("Accumulate", new Accumulate(new Momentum(Schedule.StepDecay(0.1, 0.5, 1)), 2), () =>
        {
            double[] sum = [0, 0], v = [0, 0];
            return (t, w, g) => Each(w, i =>
            {
                sum[i] += g[i];
                if (t % 2 != 0) return w[i];
                v[i] = 0.9 * v[i] + sum[i] / 2;
                sum[i] = 0;
                return w[i] - 0.1 * Math.Pow(0.5, t / 2 - 1) * v[i];
            });
        }, new Accumulate(new Momentum(0.3), 2)),
        new("ParameterGroups", new ParameterGroups(new Adam(0.1), (name => name.EndsWith("[1]", StringComparison.Ordinal), new Momentum(0.1))), () =>
        {
            Naive adam = AdamOf(0.999, false), momentum = Velocity(0.1, 0.9, (g, v) => v);
            return (t, w, g) =>
            {
                double[] other = [.. w];
                adam(t, w, g);
                momentum(t, other, g);
                w[1] = other[1];
            };
        }, new ParameterGroups(new Adam(0.3), (name => name == "Item2", new Momentum(0.1)))),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    private static void Each(double[] w, Func<int, double> next)
    {
        for (int i = 0; i < w.Length; i++) w[i] = next(i);
    }

    private static Naive Velocity(double rate, double momentum, Func<double, double, double> direction)
    {
        double[] v = [0, 0];
        return (t, w, g) => Each(w, i => w[i] - rate * direction(g[i], v[i] = momentum * v[i] + g[i]));
    }

    private static Naive AdamOf(double beta2, bool isLargest)
    {
        double[] m = [0, 0], v = [0, 0], largest = [0, 0];
        return (t, w, g) => Each(w, i =>
        {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            largest[i] = isLargest ? Math.Max(largest[i], v[i]) : v[i];
            return w[i] - 0.1 * (m[i] / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(largest[i] / (1 - Math.Pow(beta2, t))) + 1e-8);
        });
    }

    /// <summary>Each parameter is a tensor of its own.</summary>
    private static Naive LambOf(double rate, double decay)
    {
        double[] m = [0, 0], v = [0, 0];
        return (t, w, g) => Each(w, i =>
        {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            double r = m[i] / (1 - Math.Pow(0.9, t)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, t))) + 1e-6) + decay * w[i];
            double trust = w[i] != 0 && r != 0 ? Math.Abs(w[i]) / Math.Abs(r) : 1;
            return w[i] - rate * trust * r;
        });
    }

    private static double AdamStep(double m, double correction1, double v, double correction2) =>
        0.1 * (m / correction1) / (Math.Sqrt(v / correction2) + 1e-8);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Three_steps_give_the_numbers_computed_by_hand(int index)
    {
        Row row = Table[index];
        Tensor parameter = Tensor.Scalar(Start);
        OptimizerState state = row.Optimizer.Init(parameter);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(i, (int)state.Step);
            (parameter, state) = row.Optimizer.Update(Tensor.Scalar(new[] { G1, G2, G3 }[i]), state, parameter);
            if (row.Steps is not { } steps) continue;
            Assert.True(Math.Abs(steps[i] - parameter.ToDouble()) < 1e-13, $"{row.Name}, step {i + 1}: {parameter.ToDouble()} is not {steps[i]}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Steps_are_those_of_the_reference_and_of_PyTorch(int index)
    {
        Row row = Table[index];
        double[][] gradients = [[0.5, -1.5], [-0.25, 0.75], [0.125, 2.0], [1.0, -0.5], [-0.375, 0.25], [0, 0], [3, 1e-3], [-2, 1]];
        Naive reference = row.Reference();
        double[] expected = [1, -2];
        Tensor[] parameters = [Tensor.Scalar(1.0), Tensor.Scalar(-2.0)];
        OptimizerState state = row.Optimizer.Init(parameters);
        for (int t = 1; t <= gradients.Length; t++)
        {
            double[] g = gradients[t - 1];
            reference(t, expected, g);
            (parameters, state) = row.Optimizer.Update([Tensor.Scalar(g[0]), Tensor.Scalar(g[1])], state, parameters);
            for (int i = 0; i < 2; i++)
            {
                double found = parameters[i].ToDouble();
                Assert.True(Math.Abs(expected[i] - found) < 1e-12, $"{row.Name}, step {t}: {found} is not {expected[i]}");
                if (row.Torch is not { } torch || t > 5) continue;
                double ofTorch = torch[2 * (t - 1) + i];
                Assert.True(Math.Abs(ofTorch - found) < 1e-12, $"{row.Name}, step {t}: {found} is not PyTorch's {ofTorch}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void It_descends_into_a_narrow_valley(int index)
    {
        Optimizer optimizer = Table[index].Descent;
        var gradient = Gradient.Of(((Tensor X, Tensor Y) p) => Tensor.Square(p.X) / 20.0 + Tensor.Square(p.Y));
        (Tensor X, Tensor Y) point = (Tensor.Scalar(-7.0), Tensor.Scalar(2.0));
        OptimizerState state = optimizer.Init(point);
        for (int i = 0; i < 400; i++) (point, state) = optimizer.Update(gradient(point), state, point);
        Assert.True(Math.Abs(point.X.ToDouble()) < 0.05, $"{Table[index].Name}: x is {point.X.ToDouble()}");
        Assert.True(Math.Abs(point.Y.ToDouble()) < 0.05, $"{Table[index].Name}: y is {point.Y.ToDouble()}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_whole_step_compiles_once_and_equals_the_eager_steps(int index)
    {
        Optimizer optimizer = Table[index].Optimizer;
        Sequential network = [new Dense(4), Activations.Tanh, new Dense(3)];
        int runs = 0;
        (Tensor, Parameters, OptimizerState) Step((Parameters P, OptimizerState S, Batch B) at)
        {
            runs++;
            (Tensor loss, Parameters gradients) = Gradient.ValueAndGrad(
                (Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, at.B.Inputs), at.B.Targets))(at.P);
            (Parameters next, OptimizerState state) = optimizer.Update(gradients, at.S, at.P);
            return (loss, next, state);
        }

        var compiled = Jit.Compile<(Parameters, OptimizerState, Batch), (Tensor Loss, Parameters Parameters, OptimizerState State)>(Step);
        Parameters eager = network.Initialize(new Key(1), [5]).To(DType.Float64), fast = eager;
        OptimizerState state = optimizer.Init(eager), fastState = optimizer.Init(fast);
        object structure = ((ITree)state).Structure;
        for (int i = 0; i < 20; i++)
        {
            var batch = new Batch(new Key(2).FoldIn(i).Normal([6, 5], dtype: DType.Float64), new Key(3).FoldIn(i).Integers([6], 0, 3));
            (Tensor loss, eager, state) = Step((eager, state, batch));
            runs--;
            (Tensor fastLoss, fast, fastState) = compiled((fast, fastState, batch));
            Assert.Equal(loss.ToDouble(), fastLoss.ToDouble(), 1e-12);
            foreach ((Tensor a, Tensor b) in eager.Leaves.Concat(state.Leaves).Zip(fast.Leaves.Concat(fastState.Leaves)))
            {
                Assert.Equal(a.DType, b.DType);
                Assert.All(a.ToArray<double>().Zip(b.ToArray<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
            }

            Assert.Equal(structure, ((ITree)state).Structure);
            Assert.Equal(structure, ((ITree)fastState).Structure);
        }

        Assert.Equal(1, runs);
        Assert.Equal(20, (int)fastState.Step);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Types_and_arguments_stay_as_they_were(int index)
    {
        Optimizer optimizer = Table[index].Optimizer;
        Tensor[] parameters = [new Key(1).Normal([2, 3]), new Key(2).Normal([3], dtype: DType.Float64), new Key(5).Normal([2]).To(DType.Float16)];
        Tensor[] gradients = [new Key(3).Normal([2, 3]), new Key(4).Normal([3], dtype: DType.Float64), new Key(6).Normal([2]).To(DType.Float16)];
        float[] before = parameters[0].ToArray<float>(), slopes = gradients[0].ToArray<float>();
        OptimizerState start = optimizer.Init(parameters);
        (Tensor[] first, OptimizerState state) = optimizer.Update(gradients, start, parameters);
        (Tensor[] again, _) = optimizer.Update(gradients, start, parameters);
        (Tensor[] second, state) = optimizer.Update(gradients, state, first);
        Assert.Equal(before, parameters[0].ToArray<float>());
        Assert.Equal(slopes, gradients[0].ToArray<float>());
        Assert.Equal(first[0].ToArray<float>(), again[0].ToArray<float>());
        Assert.Equal([DType.Float32, DType.Float64, DType.Float16], second.Select(leaf => leaf.DType));
        Assert.Equal([2, 3], second[0].Shape);
        Assert.All(second[2].ToArray<double>(), value => Assert.True(double.IsFinite(value)));
        Assert.DoesNotContain(DType.Float16, state.Leaves.Select(leaf => leaf.DType));
        Assert.Equal(start.Leaves.Select(leaf => leaf.DType), state.Leaves.Select(leaf => leaf.DType));
        Assert.Equal(2, (int)state.Step);
        OptimizerState copy = Tree.withLeaves(state, Tree.leaves(state));
        Assert.Equal(state.Leaves, copy.Leaves);
        Assert.Equal(2, (int)copy.Step);
        Assert.Equal(state.Names.Count, state.Leaves.Count);
        Assert.Equal(state.Names.Count, state.Names.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_scale_of_the_state_scales_the_learning_rate(int index)
    {
        Optimizer optimizer = Table[index].Optimizer;
        Tensor[] parameters = [Tensor.Scalar(1.0), Tensor.Scalar(-2.0)], gradients = [Tensor.Scalar(0.5), Tensor.Scalar(0.25)];
        OptimizerState state = optimizer.Init(parameters);
        double rate = optimizer.LearningRate(state);
        Assert.True(rate > 0);
        Assert.Equal(rate / 4, optimizer.LearningRate(state.WithRateScale(0.25)), 1e-15);
        (Tensor[] full, _) = optimizer.Update(gradients, state, parameters);
        (Tensor[] quarter, OptimizerState next) = optimizer.Update(gradients, state.WithRateScale(0.25), parameters);
        for (int i = 0; i < 2; i++)
            Assert.Equal((full[i] - parameters[i]).ToDouble() / 4, (quarter[i] - parameters[i]).ToDouble(), 1e-12);
        Assert.Equal(0.25, next.RateScale.ToDouble());
        Assert.Throws<ArgumentException>(() => state.WithRateScale(-1));
    }

    [Fact]
    public void Groups_leave_frozen_parameters_alone_and_name_what_they_remember()
    {
        Sequential network = [new Dense(2), new Dense(2)];
        Parameters parameters = network.Initialize(new Key(1), [3]);
        var optimizer = new Chain(
            new ParameterGroups(
                new AdamW(0.1), (name => name.StartsWith("0.", StringComparison.Ordinal), new Frozen()),
                (name => name.EndsWith("bias", StringComparison.Ordinal), new Momentum(0.1))),
            new ClipByNorm(1));
        OptimizerState state = optimizer.Init(parameters);
        Assert.Equal(["step", "rateScale", "velocity.1.bias", "mean.1.weight", "square.1.weight"], state.Names);
        (Parameters next, _) = optimizer.Update(parameters.Map(leaf => leaf + 1), state, parameters);
        Assert.Same(parameters["0.weight"], next["0.weight"]);
        Assert.NotEqual(parameters["1.weight"].ToArray<float>(), next["1.weight"].ToArray<float>());
        Assert.NotEqual(parameters["1.bias"].ToArray<float>(), next["1.bias"].ToArray<float>());
    }

    [Fact]
    public void Lamb_takes_lengths_over_a_whole_tensor()
    {
        double[] w = [3, 4], g = [1, -1];
        Tensor parameter = Tensor.From(w);
        var optimizer = new LAMB(0.1);
        (Tensor next, _) = optimizer.Update(Tensor.From(g), optimizer.Init(parameter), parameter);

        // The first direction is the sign of the gradient, up to epsilon, of length sqrt 2 against 5.
        Assert.Equal(3 - 0.1 * 5 / Math.Sqrt(2), next.ToArray<double>()[0], 1e-5);
        Assert.Equal(4 + 0.1 * 5 / Math.Sqrt(2), next.ToArray<double>()[1], 1e-5);
        Tensor zero = Tensor.From([0.0, 0.0]);
        Assert.Equal(-0.1, optimizer.Update(Tensor.From(g), optimizer.Init(zero), zero).Parameters.ToArray<double>()[0], 1e-5);
    }

    [Fact]
    public void Gradients_of_half_precision_are_clipped_without_overflow()
    {
        // 300^2 does not fit into float16.
        Tensor parameter = Tensor.From([0f, 0f]).To(DType.Float16), gradient = Tensor.From([300f, 400f]).To(DType.Float16);
        var optimizer = new Chain(new SGD(1), new ClipByNorm(5));
        Assert.Equal([-3f, -4f], optimizer.Update(gradient, optimizer.Init(parameter), parameter).Parameters.ToArray<float>());
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        Tensor parameter = TensorModule.full(DType.Float32, [3], 1), wrong = TensorModule.full(DType.Float32, [2], 1);
        var adam = new Adam();
        OptimizerState state = adam.Init(parameter);
        Assert.Contains("(2)", Assert.Throws<ArgumentException>(() => adam.Update(wrong, state, parameter)).Message);
        Assert.Contains("Init", Assert.Throws<ArgumentException>(() => new SGD().Update(parameter, state, parameter)).Message);
        Assert.Contains("2 gradients", Assert.Throws<ArgumentException>(() => adam.Update([wrong, wrong], state, (Tensor[])[parameter])).Message);
        var never = new SGD(Schedule.From(step => step * double.NaN));
        Assert.Contains("step 0", Assert.Throws<ArgumentException>(() => never.Update(parameter, never.Init(parameter), parameter)).Message);
        Assert.Contains("learningRate is -1", Assert.Throws<ArgumentException>(() => new Adam(-1)).Message);
        Assert.Contains("beta1 is 1", Assert.Throws<ArgumentException>(() => new Adam(0.1, beta1: 1)).Message);
        Assert.Contains("momentum", Assert.Throws<ArgumentException>(() => new Momentum(0.1, 1.5)).Message);
        Assert.Contains("epsilon", Assert.Throws<ArgumentException>(() => new AdaGrad(0.1, 0)).Message);
        Assert.Contains("rate is 0", Assert.Throws<ArgumentException>(() => new DecoupledWeightDecay(new SGD(), 0)).Message);
        Assert.Contains("steps is 0", Assert.Throws<ArgumentException>(() => new Accumulate(new SGD(), 0)).Message);
    }
}
