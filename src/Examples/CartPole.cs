using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>
/// A pole on a cart (Barto, Sutton and Anderson 1983, with the numbers of Gym's CartPole-v1) is kept upright by a policy that
/// proximal policy optimization finds (Schulman et al. 2017).
/// </summary>
/// <remarks>The dynamics are those of one cart, mapped over many. Playing, judging what was played, and all steps of the optimizer
/// are loops of tensors, so that one compiled function is a whole iteration.</remarks>
internal static class CartPole
{
    private const int Carts = 32, Moves = 128, Passes = 4, Longest = 500;
    private const double Discount = 0.99, Trace = 0.95, Clip = 0.2, ValueShare = 0.5, EntropyShare = 0.01;

    private static readonly Sequential Actor = Network(outputs: 2, gain: 0.01), Critic = Network(outputs: 1, gain: 1);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        int iterations = settings.Epochs ?? 80, batch = settings.Batch ?? 1024, batches = Math.Max(1, Moves * Carts / batch);
        var optimizer = new Chain(new Adam(Schedule.Linear(2.5e-3, 2.5e-4, iterations * Passes * batches), epsilon: 1e-5), new ClipByNorm(0.5));
        var key = new Key(settings.Seed);
        var networks = new Networks(Actor.Initialize(key.FoldIn(0), [4]), Critic.Initialize(key.FoldIn(1), [4]));
        var state = new Learning(networks, optimizer.Init(networks), new World(Upright(key.FoldIn(2)), Tensor.Zeros(Carts)));
        Func<Learning, Key, (Learning, Tensor)> iterate =
            Jit.Compile((Learning now, Key own) => Iterate(now, own, optimizer, Math.Min(batch, Moves * Carts), batches));
        Func<Parameters, Tensor, (Tensor, Tensor)> play = Jit.Compile<Parameters, Tensor, (Tensor, Tensor)>(Play);
        double Held() => play(state.Networks.Actor, Upright(key.FoldIn(3))).Item2.Mean().ToDouble();

        double before = Held();
        var lengths = new List<double>();
        for (int iteration = 1; iteration <= iterations; iteration++)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            (state, Tensor length) = iterate(state, key.FoldIn(iteration + 3));
            lengths.Add(length.ToDouble());
            if (iteration % 10 == 0 || iteration == iterations)
                settings.Output.WriteLine($"{iteration * Moves * Carts,9:n0} moves: games that ended lasted {lengths[^1],5:f1} moves");
        }

        double held = Held();
        settings.Output.WriteLine($"by the likelier move poles stay up for {held:f1} of {Longest} moves; before, for {before:f1}");

        Tensor path = play(state.Networks.Actor, Upright(key.FoldIn(3))).Item1[.., 0];
        settings.Save(
            new Figure(
                new Axes().Line(Enumerable.Range(1, iterations).Select(i => (double)i * Moves * Carts).ToArray(), lengths.ToArray())
                    .Title("Learning").XLabel("moves").YLabel("moves of a game"),
                new Axes().Line(path[.., 0], "place in metres").Line(path[.., 2] * (180 / Math.PI), "angle in degrees")
                    .Title("One game afterwards").XLabel("moves")).Size(1000, 380),
            "cartpole.svg");
        return new Dictionary<string, double> { ["heldBefore"] = before, ["held"] = held };
    }

    /// <summary>One cart (place, speed, angle, turn) 0.02 s later, pushed left (0) or right (1), and whether it has left its bounds.</summary>
    private static (Tensor Next, Tensor Failed) Move(Tensor cart, Tensor action)
    {
        const double gravity = 9.8, pole = 0.1, mass = 1.1, half = 0.5, seconds = 0.02;
        (Tensor speed, Tensor angle, Tensor turn) = (cart[1], cart[2], cart[3]);
        Tensor push = 20.0 * action.To(DType.Float32) - 10.0;
        Tensor sine = Tensor.Sin(angle), cosine = Tensor.Cos(angle);
        Tensor pull = (push + pole * half * Tensor.Square(turn) * sine) / mass;
        Tensor turning = (gravity * sine - cosine * pull) / (half * (4.0 / 3.0 - pole * Tensor.Square(cosine) / mass));
        Tensor speeding = pull - pole * half * turning * cosine / mass;
        Tensor next = cart + seconds * Tensor.Stack(0, speed, speeding, turn, turning);
        return (next, Tensor.Or(Tensor.Abs(next[0]) > 2.4, Tensor.Abs(next[2]) > 12 * Math.PI / 180));
    }

    private static readonly Func<Tensor, Tensor, (Tensor Next, Tensor Failed)> MoveAll = Vmap.Of<Tensor, Tensor, (Tensor, Tensor)>(Move);

    /// <summary>An iteration: what is known after it, and the mean length of the games that ended in it.</summary>
    private static (Learning, Tensor) Iterate(Learning now, Key key, Optimizer optimizer, int batch, int batches)
    {
        Networks networks = now.Networks;
        Tensor Worth(Tensor carts) => Critic.Apply(networks.Critic, carts).Squeeze(-1);

        // Playing. A game that ends goes on as a new one; one that is merely cut off is worth what the critic thinks.
        (World world, Played played) = ControlFlow.Scan((World world, Tensor i) =>
        {
            Key own = key.FoldIn(i);
            Tensor logits = Actor.Apply(networks.Actor, world.Carts);
            Tensor action = own.Categorical(logits);
            (Tensor next, Tensor failed) = MoveAll(world.Carts, action);
            Tensor age = world.Ages + 1.0, over = Tensor.Or(failed, age >= Longest);
            var moment = new Played(
                world.Carts, action, LogProbability(logits, action), Worth(world.Carts), Tensor.Where(failed, 0.0, Worth(next)),
                over.To(DType.Float32), Tensor.Where(over, age, 0.0));
            return (new World(Tensor.Where(over.ExpandAxis(-1), Upright(own.FoldIn(1)), next), Tensor.Where(over, 0.0, age)), moment);
        }, now.World, Tensor.Arange(Moves, DType.Int32));

        // How much better than expected each move was, from the last back to the first (Schulman et al. 2016).
        (_, Tensor advantages) = ControlFlow.ScanBack((Tensor sum, Played at) =>
        {
            sum = 1.0 + Discount * at.After - at.Before + Discount * Trace * (1.0 - at.Over) * sum;
            return (sum, sum);
        }, Tensor.Zeros(Carts), played);

        // Learning, from all moves in random order, some times.
        var lessons = Tree.Map(
            x => x.Flatten(0).Reshape([Moves * Carts, .. x.Shape[2..]]),
            new Lesson(played.Carts, played.Actions, played.LogProbabilities, advantages, advantages + played.Before));
        Tensor orders = Tensor.Concat(0, Enumerable.Range(0, Passes).Select(pass => key.FoldIn(Moves + pass).Permutation(Moves * Carts)[..(batch * batches)]));
        ((Networks, OptimizerState) end, _) = ControlFlow.Scan(((Networks Networks, OptimizerState State) at, Tensor chosen) =>
        {
            Lesson lesson = Tree.Map(x => x.Take(chosen, 0), lessons);
            (Tensor loss, Networks slope) = Gradient.ValueAndGrad((Networks n) => Loss(n, lesson))(at.Networks);
            return (optimizer.Update(slope, at.State, at.Networks), loss);
        }, (networks, now.State), orders.Reshape(Passes * batches, batch));

        Tensor length = played.Lengths.Sum() / Tensor.Maximum(played.Over.Sum(), 1.0);
        return (new Learning(end.Item1, end.Item2, world), length);
    }

    /// <summary>Moves that were better than expected become likelier, but by no more than a factor; the critic learns what they came to.</summary>
    private static Tensor Loss(Networks networks, Lesson lesson)
    {
        Tensor logits = Actor.Apply(networks.Actor, lesson.Carts);
        Tensor ratio = Tensor.Exp(LogProbability(logits, lesson.Actions) - lesson.LogProbabilities);
        Tensor advantage = (lesson.Advantages - lesson.Advantages.Mean()) / (Tensor.Sqrt(lesson.Advantages.Variance()) + 1e-8);
        Tensor gain = Tensor.Minimum(ratio * advantage, Tensor.Clamp(ratio, 1 - Clip, 1 + Clip) * advantage).Mean();
        Tensor miss = Tensor.Square(Critic.Apply(networks.Critic, lesson.Carts).Squeeze(-1) - lesson.Returns).Mean();
        Tensor entropy = -(logits.Softmax(-1) * logits.LogSoftmax(-1)).Sum(-1).Mean();
        return ValueShare * miss - gain - EntropyShare * entropy;
    }

    /// <summary>Games by the likelier move: all states (moves, carts, 4), and for how many moves each pole stayed up.</summary>
    private static (Tensor States, Tensor Held) Play(Parameters actor, Tensor carts)
    {
        ((_, Tensor up), Tensor states) = ControlFlow.Scan(((Tensor Carts, Tensor Up) at, Tensor i) =>
        {
            (Tensor next, Tensor failed) = MoveAll(at.Carts, Actor.Apply(actor, at.Carts).ArgMax(-1));
            Tensor standing = Tensor.And(Tensor.EqualTo(at.Up, i), Tensor.Not(failed));
            return ((Tensor.Where(standing.ExpandAxis(-1), next, at.Carts), at.Up + standing.To(DType.Float32)), at.Carts);
        }, (carts, Tensor.Zeros(Carts)), Tensor.Arange(Longest, DType.Float32));
        return (states, up);
    }

    private static Tensor LogProbability(Tensor logits, Tensor actions) => logits.LogSoftmax(-1).Gather(actions.ExpandAxis(-1), -1).Squeeze(-1);

    private static Tensor Upright(Key key) => key.Uniform([Carts, 4], -0.05, 0.05);

    private static Sequential Network(int outputs, double gain) =>
    [
        new Dense(64, Initializers.Orthogonal(Math.Sqrt(2))), Activations.Tanh, new Dense(64, Initializers.Orthogonal(Math.Sqrt(2))), Activations.Tanh,
        new Dense(outputs, Initializers.Orthogonal(gain)),
    ];

    private sealed record Networks(Parameters Actor, Parameters Critic);

    private sealed record World(Tensor Carts, Tensor Ages);

    private sealed record Learning(Networks Networks, OptimizerState State, World World);

    private sealed record Played(Tensor Carts, Tensor Actions, Tensor LogProbabilities, Tensor Before, Tensor After, Tensor Over, Tensor Lengths);

    private sealed record Lesson(Tensor Carts, Tensor Actions, Tensor LogProbabilities, Tensor Advantages, Tensor Returns);
}
