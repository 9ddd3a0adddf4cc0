namespace Autodiff.Examples.GradBench;

/// <summary>The eval det: a determinant by expansion along the first row, all the way down. A minor is computed as often
/// as it occurs, as the eval asks; all minors of one size are one level.</summary>
internal static class Determinant
{
    internal static Module Module { get; } = Module.Of<Input, Problem>(
        "det",
        input =>
        {
            if (input.Ell < 1) throw new ArgumentException($"ell is {input.Ell}; it must be at least 1.");
            Module.Expect("A", input.A, input.Ell * input.Ell);
            return new Problem(input.A, Levels(input.Ell));
        },
        ("primal", problem => Primal(problem.A, problem.Columns)),
        ("gradient", problem => Gradient.Of<Tensor>(a => Primal(a, problem.Columns))(problem.A)));

    /// <summary>For each row the columns of the entries that it is expanded by, of shape (columns that remain, minors): a
    /// choice among them makes a minor of the next row, those of the first columns before those of the second.</summary>
    private static Tensor[] Levels(int n)
    {
        var levels = new Tensor[n];
        int[] columns = [.. Enumerable.Range(0, n)];
        for (int row = 0; row < n; row++)
        {
            int remaining = n - row, count = columns.Length / remaining;
            levels[row] = Tensor.From(columns, remaining, count);

            // What remains without column j: those before it, and those after it one place earlier.
            var next = new int[columns.Length * (remaining - 1)];
            for (int i = 0; i < remaining - 1; i++)
                for (int j = 0; j < remaining; j++)
                    columns.AsSpan((i < j ? i : i + 1) * count, count).CopyTo(next.AsSpan((i * remaining + j) * count));
            columns = next;
        }

        return levels;
    }

    /// <summary>sum_j (-1)^j a_0j det (minor j), from the minors of the last row up.</summary>
    private static Tensor Primal(Tensor a, Tensor[] columns)
    {
        int n = columns.Length;
        Tensor rows = a.Reshape(n, n);
        Tensor minors = rows[n - 1].Take(columns[n - 1], 0)[0];
        for (int row = n - 2; row >= 0; row--)
        {
            (int remaining, int count) = (columns[row].Shape[0], columns[row].Shape[1]);
            double[] signs = [.. Enumerable.Range(0, remaining).Select(j => j % 2 == 0 ? 1.0 : -1.0)];
            Tensor entries = rows[row].Take(columns[row], 0);
            minors = (Tensor.From(signs, remaining, 1) * entries * minors.Reshape(remaining, count)).Sum(0);
        }

        return minors[0];
    }

    private sealed record Problem(Tensor A, Tensor[] Columns);

    private sealed record Input(Tensor A, int Ell);
}
