using System.Collections.Concurrent;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class SearchTests
{
    private static readonly Hyperparameter[] Space =
    [
        Hyperparameter.LogUniform("rate", 1e-4, 1), Hyperparameter.Uniform("x", -1, 1), Hyperparameter.Integer("units", 1, 4), Hyperparameter.Choice("kind", "a", "b", "c"),
    ];

    [Fact]
    public void Random_trials_cover_their_ranges_and_depend_on_the_seed_alone()
    {
        SearchResult result = HyperparameterSearch.Random(Space, 400, trial => trial["x"], seed: 1);
        Assert.Equal(400, result.Trials.Count);
        Assert.Equal(result.Trials.Min(trial => trial.Trial["x"]), result.Best!.Score);
        double[] rates = [.. result.Trials.Select(trial => trial.Trial["rate"])];
        Assert.All(rates, rate => Assert.InRange(rate, 1e-4, 1));
        Assert.InRange(rates.Count(rate => rate < 1e-2), 160, 240);
        Assert.Equal([1, 2, 3, 4], result.Trials.Select(trial => trial.Trial.Get<int>("units")).Distinct().Order());
        Assert.Equal(["a", "b", "c"], result.Trials.Select(trial => trial.Trial.Get<string>("kind")).Distinct().Order());
        Assert.Equal(400, result.Trials.Select(trial => trial.Trial.Key).Distinct().Count());
        SearchResult again = HyperparameterSearch.Random(Space, 400, trial => trial["x"], seed: 1);
        Assert.Equal(result.Trials.Select(trial => trial.Trial.ToString()), again.Trials.Select(trial => trial.Trial.ToString()));
        Assert.NotEqual(result.Best.Score, HyperparameterSearch.Random(Space, 400, trial => trial["x"], seed: 2).Best!.Score);
    }

    [Fact]
    public void Grids_try_each_combination_once()
    {
        var order = new ConcurrentBag<string>();
        SearchResult result = HyperparameterSearch.Grid(
            [Hyperparameter.Choice("a", 1, 2, 3), Hyperparameter.Choice("b", 0.5, 0.25)],
            trial =>
            {
                order.Add($"{trial}");
                return trial["a"] * trial["b"];
            },
            isLargestBest: true);
        Assert.Equal(["a 1, b 0.25", "a 1, b 0.5", "a 2, b 0.25", "a 2, b 0.5", "a 3, b 0.25", "a 3, b 0.5"], order.Order());
        Assert.Equal("a 3, b 0.5", result.Best!.Trial.ToString());
        Assert.Equal("a 1, b 0.5", result.Trials.Single(trial => trial.Trial.Number == 0).Trial.ToString());
        Assert.Equal(result.Trials.Select(trial => trial.Score).OrderDescending(), result.Trials.Select(trial => trial.Score));
    }

    [Fact]
    public void Trials_that_fail_come_last_and_say_why()
    {
        using var files = new Files();
        SearchResult result = HyperparameterSearch.Grid(
            [Hyperparameter.Choice("a", 1, 2, 3)], trial => trial["a"] == 2 ? throw new InvalidOperationException("two, of all") : trial["a"]);
        Assert.Equal([1, 3, 2], result.Trials.Select(trial => trial.Trial.Get<int>("a")));
        Assert.Equal("two, of all", result.Trials[2].Error!.Message);
        string[] lines = result.ToString().Split('\n');
        Assert.Matches("^trial +a +score +seconds +error$", lines[0]);
        Assert.Matches("^0 +1 +1.0000 ", lines[1]);
        Assert.Matches("two, of all$", lines[3]);
        result.SaveCsv(files["search.csv"]);
        Assert.Contains("\"two, of all\"", File.ReadAllText(files["search.csv"]));
        Assert.Null(HyperparameterSearch.Grid([Hyperparameter.Choice("a", 1)], _ => double.NaN).Best);
    }

    [Fact]
    public void Networks_trained_in_a_search_are_those_trained_alone()
    {
        Dataset data = new(new Key(1).Normal([64, 200]), new Key(2).Integers([64], 0, 3));
        double Train(Trial trial)
        {
            var trainer = new Trainer(new Sequential(new Dense(trial.Get<int>("units")), Activations.ReLU, new Dense(3)), Losses.SoftmaxCrossEntropy, new Adam(trial["rate"])) { Output = Output.None };
            return trainer.Fit(data, epochs: 3, batchSize: 16, seed: trial.Number).History.Epochs[^1].Loss;
        }

        SearchResult result = HyperparameterSearch.Random([Hyperparameter.LogUniform("rate", 1e-4, 1e-2), Hyperparameter.Choice("units", 100, 300)], 6, Train);
        foreach (TrialResult trial in result.Trials) Assert.Equal(Train(trial.Trial), trial.Score);
    }

    [Fact]
    public void A_cancelled_search_returns_what_has_ended()
    {
        using var source = new CancellationTokenSource();
        int ended = 0;
        SearchResult result = HyperparameterSearch.Random(Space, 1000, trial =>
        {
            if (Interlocked.Increment(ref ended) == 5) source.Cancel();
            return 0;
        }, cancellationToken: source.Token);
        Assert.True(result.Cancelled);
        Assert.InRange(result.Trials.Count, 5, 5 + Environment.ProcessorCount);
    }

    [Fact]
    public void What_cannot_be_searched_is_refused()
    {
        foreach ((Action wrong, string text) in ((Action, string)[])
            [
                (() => HyperparameterSearch.Grid(Space, _ => 0), "'rate' is a range"),
                (() => HyperparameterSearch.Random([], 1, _ => 0), "no hyperparameters"),
                (() => HyperparameterSearch.Random([Space[0], Space[0]], 1, _ => 0), "'rate' is used twice"),
                (() => HyperparameterSearch.Random(Space, 0, _ => 0), "trials is 0"),
                (() => Hyperparameter.Uniform("x", 1, 0), "in order"),
                (() => Hyperparameter.LogUniform("x", 0, 1), "low is 0"),
                (() => Hyperparameter.Choice<int>("x"), "no values"),
            ])
        {
            Assert.Contains(text, Assert.Throws<ArgumentException>(wrong).Message, StringComparison.Ordinal);
        }

        Trial trial = HyperparameterSearch.Random(Space, 1, _ => 0).Best!.Trial;
        Assert.Contains("'none'", Assert.Throws<ArgumentException>(() => trial["none"]).Message);
        Assert.Contains("no number", Assert.Throws<ArgumentException>(() => trial["kind"]).Message);
        Assert.Contains("Int32", Assert.Throws<ArgumentException>(() => trial.Get<double>("units")).Message);
    }
}
