namespace Autodiff.Examples.GradBench;

/// <summary>The eval det: a determinant by expansion along the first row, all the way down.</summary>
internal static class Determinant
{
    internal static Module Module { get; } = Module.Of<Input, Tensor>(
        "det",
        input =>
        {
            if (input.Ell < 1) throw new ArgumentException($"ell is {input.Ell}; it must be at least 1.");
            Module.Expect("A", input.A, input.Ell * input.Ell);
            return input.A;
        },
        ("primal", Primal),
        ("gradient", a => Gradient.Of<Tensor>(Primal)(a)));

    private static Tensor Primal(Tensor a)
    {
        int n = (int)Math.Sqrt(a.Size);
        return ByMinors(a.Reshape(n, n, 1))[0];
    }

    /// <summary>The determinants of a batch of matrices, of shape (n, n, batch): sum_j (-1)^j a_0j det (minor j). The
    /// minors of all of them are the batch of the next level.</summary>
    private static Tensor ByMinors(Tensor a)
    {
        int n = a.Shape[0], batch = a.Shape[2];
        if (n == 1) return a[0, 0];

        // Entry (i, j) is the i-th column that remains without column j.
        var columns = new int[(n - 1) * n];
        for (int i = 0; i < n - 1; i++)
            for (int j = 0; j < n; j++)
                columns[i * n + j] = i < j ? i : i + 1;
        Tensor minors = a[1..].Take(Tensor.From(columns, n - 1, n), 1).Reshape(n - 1, n - 1, n * batch);

        double[] signs = [.. Enumerable.Range(0, n).Select(j => j % 2 == 0 ? 1.0 : -1.0)];
        return (Tensor.From(signs, n, 1) * a[0] * ByMinors(minors).Reshape(n, batch)).Sum(0);
    }

    private sealed record Input(Tensor A, int Ell);
}
