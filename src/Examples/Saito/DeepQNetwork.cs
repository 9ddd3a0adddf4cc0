using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 8.5: a deep Q-network learns a game from what it sees and what it is paid, four frames at a time as in the
/// text: a paddle is to catch a ball that falls aslant and comes back from walls.</summary>
/// <remarks>The text shows an Atari game and has no numbers. The network tells what each action will be worth, and learns from what
/// is paid and what an older copy of it says of the next frames (Mnih et al. 2015).</remarks>
internal static class DeepQNetwork
{
    private const int Side = 8, Frames = 4, Actions = 3, Memory = 20_000;
    private const double Discount = 0.95;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        int rounds = settings.Epochs ?? 400, batch = settings.Batch ?? 64, tested = settings.Epochs is null ? 500 : 20;
        Sequential network =
            [new Conv2D(16, kernelSize: 3, padding: 1), Activations.ReLU, new Flatten(), new Dense(64), Activations.ReLU, new Dense(Actions)];

        // A target has two rows: what the actions are worth, and which of them was taken.
        var loss = new Loss("TemporalDifference", (worth, target) => (target[.., 1] * Tensor.Square(worth - target[.., 0])).Sum(1).Mean());
        var trainer = new Trainer(network, loss, new Adam(1e-3));
        var key = new Key(settings.Seed);
        TrainingState state = trainer.Start(key.FoldIn(0), [Frames, Side, Side]);
        Parameters older = state.Parameters;
        var memory = new List<Move>();
        var shares = new List<(int Round, double Share)>();
        void Test(int round) => shares.Add((round, Caught(Play(network, state.Parameters, tested, 0, key.FoldIn(1)))));

        Test(0);
        for (int round = 1; round <= rounds; round++)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            Key own = key.FoldIn(round + 1);
            memory.AddRange(Play(network, state.Parameters, 32, Math.Max(0.05, 1 - 2.0 * round / rounds), own.FoldIn(0)));
            if (memory.Count > Memory) memory.RemoveRange(0, memory.Count - Memory);
            int[] drawn = own.FoldIn(1).Integers([14 * batch], 0, memory.Count).To(DType.Int32).ToArray<int>();
            foreach (int[] some in drawn.Chunk(batch)) state = trainer.Step(state, Targets(network, older, [.. some.Select(i => memory[i])])).State;
            if (round % 10 == 0) older = state.Parameters;
            if (round % 20 == 0 || round == rounds) Test(round);
        }

        settings.Output.WriteLine($"caught of {tested} balls: {shares[0].Share:0.000} before, {shares[^1].Share:0.000} after {rounds * 32:n0} games");
        Move[] game = [.. Play(network, state.Parameters, 1, 0, key.FoldIn(2))];
        settings.Save(
            new Figure(
                1,
                new Axes().Line(shares.Select(at => at.Round * 32.0).ToArray(), shares.Select(at => at.Share).ToArray(), marker: Marker.Circle)
                    .YLimits(0, 1.02).XLabel("games").YLabel("balls caught"),
                new Axes().ImageGrid(Last([.. game.Select(move => move.Before), game[^1].After]), columns: Side, low: 0, high: 1).Title("one game"))
                .Title("Chapter 8.5: learning to catch").Size(900, 520),
            "saito-ch8-dqn.svg");
        return new Dictionary<string, double> { ["caughtBefore"] = shares[0].Share, ["caught"] = shares[^1].Share };
    }

    /// <summary>Games played side by side, move by move, by the best action that the network knows or, as often as it is told, by any.</summary>
    private static List<Move> Play(Layer network, Parameters parameters, int count, double exploring, Key key)
    {
        double[] start = key.FoldIn(0).Uniform([count * 3], dtype: DType.Float64).ToArray<double>();
        Game[] games = [.. start.Chunk(3).Select(u => Game.Start((int)(u[0] * Side), (int)(u[1] * 3) - 1, (int)(u[2] * Side)))];
        var moves = new List<Move>();
        for (int row = 1; row < Side; row++)
        {
            long[] best = network.Apply(parameters, Stacked([.. games.Select(game => game.Seen)])).ArgMax(1).ToArray<long>();
            double[] u = key.FoldIn(row).Uniform([count * 2], dtype: DType.Float64).ToArray<double>();
            for (int i = 0; i < count; i++)
            {
                int action = u[2 * i] < exploring ? (int)(u[2 * i + 1] * Actions) : (int)best[i];
                Game next = games[i].Next(action - 1);
                bool isLast = row == Side - 1;
                moves.Add(new(games[i].Seen, action, !isLast ? 0 : next.IsCaught ? 1 : -1, next.Seen, isLast));
                games[i] = next;
            }
        }

        return moves;
    }

    /// <summary>What was seen, and what the actions taken turned out to be worth.</summary>
    private static Batch Targets(Layer network, Parameters older, Move[] moves)
    {
        float[] best = network.Apply(older, Stacked([.. moves.Select(move => move.After)])).Max(1).ToArray<float>();
        var targets = new float[moves.Length * 2 * Actions];
        foreach ((int i, Move move) in moves.Index())
        {
            targets[i * 2 * Actions + move.Action] = (float)(move.Reward + (move.IsLast ? 0 : Discount * best[i]));
            targets[(i * 2 + 1) * Actions + move.Action] = 1;
        }

        return new(Stacked([.. moves.Select(move => move.Before)]), Tensor.From(targets, moves.Length, 2, Actions));
    }

    private static double Caught(List<Move> moves) => moves.Where(move => move.IsLast).Average(move => move.Reward > 0 ? 1.0 : 0);

    /// <summary>Four frames for each game: (n, 4, 8, 8).</summary>
    private static Tensor Stacked(float[][] seen) => Tensor.From(seen.SelectMany(frames => frames).ToArray(), seen.Length, Frames, Side, Side);

    /// <summary>The last frame of each.</summary>
    private static Tensor Last(float[][] seen) => Stacked(seen)[.., Frames - 1];

    private sealed record Move(float[] Before, int Action, double Reward, float[] After, bool IsLast);

    /// <summary>The ball, the middle of the paddle, which is three wide, and the last four frames.</summary>
    private sealed record Game(int Row, int Column, int Drift, int Paddle, float[] Seen)
    {
        internal bool IsCaught => Row == Side - 1 && Math.Abs(Column - Paddle) <= 1;

        internal static Game Start(int column, int drift, int paddle)
        {
            float[] frame = Draw(0, column, paddle);
            return new(0, column, drift, paddle, [.. Enumerable.Repeat(frame, Frames).SelectMany(pixels => pixels)]);
        }

        internal Game Next(int step)
        {
            int drift = Column + Drift is < 0 or >= Side ? -Drift : Drift, column = Column + drift, paddle = Math.Clamp(Paddle + step, 0, Side - 1);
            return new(Row + 1, column, drift, paddle, [.. Seen[(Side * Side)..], .. Draw(Row + 1, column, paddle)]);
        }

        private static float[] Draw(int row, int column, int paddle)
        {
            var pixels = new float[Side * Side];
            for (int at = Math.Max(0, paddle - 1); at <= Math.Min(Side - 1, paddle + 1); at++) pixels[(Side - 1) * Side + at] = 0.5f;
            pixels[row * Side + column] = 1;
            return pixels;
        }
    }
}
