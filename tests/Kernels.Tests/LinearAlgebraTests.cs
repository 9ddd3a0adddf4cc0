using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

/// <summary>
/// The factorizations by the measures of LAPACK's tests: residuals relative to the size of the matrix, its order and the
/// precision stay below 30, whatever the matrix.
/// </summary>
public class LinearAlgebraTests
{
    private const double Threshold = 30;

    // Below, at and above a block, two blocks, and parts of columns.
    private static readonly int[] Orders = [1, 2, 3, 7, 16, 31, 32, 33, 64, 65, 97, 140, 260];

    public static TheoryData<string> Kinds =>
        ["normal", "ill-conditioned", "graded", "graded upwards", "rank deficient", "zeros", "identity", "clusters", "huge", "tiny", "split"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Elimination_gives_the_matrix_back_and_solves(string kind) => ForAll(kind, Elimination<double>, Elimination<float>);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_Cholesky_factor_times_its_transpose_is_the_matrix(string kind) => ForAll(kind, Root<double>, Root<float>);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Q_is_orthonormal_and_Q_R_is_the_matrix(string kind) => ForAll(kind, Orthogonal<double>, Orthogonal<float>);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Eigenvectors_are_orthonormal_and_diagonalise(string kind) => ForAll(kind, Symmetric<double>, Symmetric<float>);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Singular_vectors_are_orthonormal_and_diagonalise(string kind) => ForAll(kind, Singular<double>, Singular<float>);

    [Fact]
    public void Triangular_systems_are_solved_in_all_forms()
    {
        foreach (int n in Orders)
        {
            foreach (int columns in new[] { 1, 2, 17, 40, 300 })
            {
                Triangles<double>(n, columns);
                Triangles<float>(n, columns);
            }
        }
    }

    [Fact]
    public void A_matrix_has_the_same_factors_alone_and_in_a_batch()
    {
        // Alone it is computed by all threads, in a batch by one.
        foreach (int n in new[] { 20, 300 })
        {
            double[] one = Matrix("normal", n, n, seed: 1), definite = Definite(one, n);
            double[] a = [.. Enumerable.Repeat(one, 4).SelectMany(x => x)], positive = [.. Enumerable.Repeat(definite, 4).SelectMany(x => x)];
            double[] right = Matrix("normal", n, 300, seed: 2), b = [.. Enumerable.Repeat(right, 4).SelectMany(x => x)];
            Same((batch, x, y) => Lu.Factor(DType.Float64, batch, n, Copy(x, y), new int[batch * n]), one, a, n * n);
            Same((batch, x, y) => Cholesky.Factor(DType.Float64, batch, n, Copy(x, y)), definite, positive, n * n);
            Same((batch, x, y) => Qr.Factor(DType.Float64, batch, n, n, Bytes(x), Bytes(y)), one, a, 2 * n * n);
            Same((batch, x, y) => Eigh.Factor(DType.Float64, batch, n, Bytes(x), Bytes(y)), one, a, n * (n + 1));
            Same((batch, x, y) => Svd.Factor(DType.Float64, batch, n, n, Bytes(x), Bytes(y)), one, a, n * (2 * n + 1));
            Same(
                (batch, x, y) => Triangular.Solve(
                    DType.Float64, n, 300, Bytes(definite), new int[batch], true, false, false, Copy(x, y)), right, b, n * 300);
        }

        static void Same(Action<int, double[], double[]> factor, double[] one, double[] all, int size)
        {
            double[] alone = new double[size], batch = new double[4 * size];
            factor(1, one, alone);
            factor(4, all, batch);
            for (int i = 0; i < 4; i++) Assert.Equal(alone, batch[(i * size)..((i + 1) * size)]);
        }

        static Span<byte> Copy(double[] x, double[] y)
        {
            x.CopyTo(y, 0);
            return Bytes(y);
        }
    }

    [Fact]
    public void One_entry_that_is_NaN_makes_eigenvalues_and_singular_values_NaN_and_spreads_elsewhere()
    {
        foreach (int n in new[] { 3, 40 })
        {
            double[] a = Matrix("normal", n, n, seed: 1);
            a[n + 1] = double.NaN;
            double[] values = new double[n * (n + 1)], packed = new double[n * (2 * n + 1)], factors = new double[2 * n * n];
            Eigh.Factor(DType.Float64, 1, n, Bytes(a), Bytes(values));
            Svd.Factor(DType.Float64, 1, n, n, Bytes(a), Bytes(packed));
            Qr.Factor(DType.Float64, 1, n, n, Bytes(a), Bytes(factors));
            Assert.All(values, v => Assert.True(double.IsNaN(v)));
            Assert.All(packed, v => Assert.True(double.IsNaN(v)));
            Assert.Contains(factors, double.IsNaN);
            double[] lu = [.. a], definite = [.. a];
            Lu.Factor(DType.Float64, 1, n, Bytes(lu), new int[n]);
            Assert.True(double.IsNaN(lu[^1]));
            for (int i = 0; i < n; i++) definite[i * (n + 1)] += i == 1 ? 0 : 3 * n;
            Assert.Equal(-1, Cholesky.Factor(DType.Float64, 1, n, Bytes(definite)));
            Assert.True(double.IsNaN(definite[^1]));
        }
    }

    [Fact]
    public void A_matrix_that_is_not_definite_is_named()
    {
        foreach (int n in new[] { 2, 32, 50, 200 })
        {
            double[] a = Definite(Matrix("normal", n, n, seed: 3), n);
            double[] b = [.. a];
            b[^1] = -1;
            Assert.Equal(1, Cholesky.Factor(DType.Float64, 3, n, Bytes([.. a, .. b, .. a])));
        }
    }

    [Fact]
    public void Singular_values_of_a_bidiagonal_matrix_keep_their_digits()
    {
        // Graded and bidiagonal already: the reflections change nothing.
        int n = 12;
        double[] a = new double[n * n], packed = new double[n * (2 * n + 1)];
        for (int i = 0; i < n; i++)
        {
            a[i * (n + 1)] = Math.Pow(10, -2 * i);
            if (i < n - 1) a[(i * (n + 1)) + 1] = Math.Pow(10, -2 * i) * 1e-3;
        }

        Svd.Factor(DType.Float64, 1, n, n, Bytes(a), Bytes(packed));
        double product = 1;
        for (int i = 0; i < n; i++) product *= packed[(n * n) + i] * Math.Pow(10, 2 * i);
        Assert.Equal(1, product, 12);
    }

    private static void ForAll(string kind, Action<int, double[]> ofDouble, Action<int, double[]> ofFloat)
    {
        foreach (int n in Orders)
        {
            if (n > 200 && kind != "normal") continue;
            double[] a = Matrix(kind, n, n, seed: n);
            ofDouble(n, a);
            ofFloat(n, a);
        }
    }

    private static void Elimination<T>(int n, double[] matrix) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T[] a = Round<T>(matrix), lu = [.. a];
        int[] pivots = new int[n];
        Lu.Factor(Type<T>(), 1, n, Bytes(lu), pivots);
        double[] product = new double[n * n];
        bool isSingular = false;
        for (int i = 0; i < n; i++)
        {
            isSingular |= lu[i * (n + 1)] == T.Zero;
            for (int j = 0; j < n; j++)
            {
                for (int p = 0; p <= Math.Min(i, j); p++)
                    product[(i * n) + j] += (p == i ? 1 : Of(lu[(i * n) + p])) * Of(lu[(p * n) + j]);
                if (i > j) Assert.True(T.Abs(lu[(i * n) + j]) <= T.One);
            }
        }

        double[] exchanged = Wide(a);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) (exchanged[(i * n) + j], exchanged[(pivots[i] * n) + j]) = (exchanged[(pivots[i] * n) + j], exchanged[(i * n) + j]);
        Small<T>(n, Difference(exchanged, product), Size(exchanged));
        if (isSingular) return;

        const int columns = 3;
        T[] b = Round<T>(Matrix("normal", n, columns, seed: 1));
        foreach (bool transposed in new[] { false, true })
        {
            T[] x = [.. b];
            Lu.Solve(Type<T>(), n, columns, Bytes(lu), pivots, [0], transposed, Bytes(x));
            if (!x.All(T.IsFinite)) continue;
            double[] left = transposed ? Transposed(Wide(a), n, n) : Wide(a);
            Small<T>(n, Difference(Times(left, Wide(x), n, n, columns), Wide(b)), (Size(left) * Size(Wide(x))) + Size(Wide(b)));
        }
    }

    private static void Root<T>(int n, double[] matrix) where T : unmanaged, IFloatingPointIeee754<T>
    {
        double size = Size(matrix);
        T[] a = Round<T>(Definite([.. matrix.Select(v => size > 0 ? v / size : 0)], n)), root = [.. a];
        Assert.Equal(-1, Cholesky.Factor(Type<T>(), 1, n, Bytes(root)));
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++) Assert.Equal(T.Zero, root[(i * n) + j]);
        double[] wide = Wide(root);
        Small<T>(n, Difference(Wide(a), Times(wide, Transposed(wide, n, n), n, n, n)), Size(Wide(a)));
    }

    private static void Orthogonal<T>(int n, double[] matrix) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(n, matrix);
        Check(n + 40, Tall(matrix, n));

        void Check(int m, double[] matrix)
        {
            T[] a = Round<T>(matrix), packed = new T[(m + n) * n];
            Qr.Factor(Type<T>(), 1, m, n, Bytes(a), Bytes(packed));
            double[] q = Wide(packed[..(m * n)]), r = Wide(packed[(m * n)..]);
            for (int i = 0; i < n; i++)
            {
                Assert.True(r[i * (n + 1)] >= 0);
                for (int j = 0; j < i; j++) Assert.Equal(0, r[(i * n) + j]);
            }

            Orthonormal<T>(m, n, q);
            Small<T>(m, Difference(Wide(a), Times(q, r, m, n, n)), Size(Wide(a)));
        }
    }

    private static void Symmetric<T>(int n, double[] matrix) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T[] half = Round<T>(matrix), a = new T[n * n], packed = new T[n * (n + 1)];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) a[(i * n) + j] = (half[(i * n) + j] / T.CreateChecked(2)) + (half[(j * n) + i] / T.CreateChecked(2));
        Eigh.Factor(Type<T>(), 1, n, Bytes(a), Bytes(packed));
        double[] vectors = new double[n * n], scaled = new double[n * n];
        for (int j = 0; j < n; j++)
        {
            if (j > 0) Assert.True(packed[(j - 1) * (n + 1)] <= packed[j * (n + 1)]);
            for (int i = 0; i < n; i++)
            {
                vectors[(i * n) + j] = Of(packed[(i * (n + 1)) + 1 + j]);
                scaled[(i * n) + j] = vectors[(i * n) + j] * Of(packed[j * (n + 1)]);
            }

            Assert.True(Enumerable.Range(0, n).Select(i => vectors[(i * n) + j]).MaxBy(Math.Abs) > 0);
        }

        Orthonormal<T>(n, n, vectors);
        Small<T>(n, Difference(Wide(a), Times(scaled, Transposed(vectors, n, n), n, n, n)), Size(Wide(a)));
    }

    private static void Singular<T>(int n, double[] matrix) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(n, matrix);
        Check(n + 40, Tall(matrix, n));

        void Check(int m, double[] matrix)
        {
            T[] a = Round<T>(matrix), packed = new T[(m + 1 + n) * n];
            Svd.Factor(Type<T>(), 1, m, n, Bytes(a), Bytes(packed));
            double[] u = Wide(packed[..(m * n)]), s = Wide(packed[(m * n)..((m + 1) * n)]), v = Wide(packed[((m + 1) * n)..]);
            Assert.True(s[^1] >= 0);
            for (int i = 1; i < n; i++) Assert.True(s[i] <= s[i - 1]);
            Orthonormal<T>(m, n, u);
            Orthonormal<T>(n, n, v);
            double[] scaled = [.. u.Select((x, i) => x * s[i % n])];
            Small<T>(m, Difference(Wide(a), Times(scaled, Transposed(v, n, n), m, n, n)), Size(Wide(a)));
        }
    }

    private static void Triangles<T>(int n, int columns) where T : unmanaged, IFloatingPointIeee754<T>
    {
        double[] matrix = Matrix("normal", n, n, seed: 1);
        for (int i = 0; i < n * n; i++) matrix[i] = (matrix[i] * 0.5 / Math.Sqrt(n)) + (i % (n + 1) == 0 ? 2 : 0);
        T[] a = Round<T>(matrix), b = Round<T>(Matrix("normal", n, columns, seed: 2));
        for (int form = 0; form < 8; form++)
        {
            bool lower = (form & 1) != 0, transposed = (form & 2) != 0, unit = (form & 4) != 0;
            T[] x = [.. b];
            Triangular.Solve(Type<T>(), n, columns, Bytes(a), [0], lower, transposed, unit, Bytes(x));
            double[] meant = [.. Wide(a).Select((v, i) => i / n == i % n ? (unit ? 1 : v) : lower == (i / n > i % n) ? v : 0)];
            double[] left = transposed ? Transposed(meant, n, n) : meant;
            Small<T>(n, Difference(Times(left, Wide(x), n, n, columns), Wide(b)), Size(left) * Size(Wide(x)));
        }
    }

    private static void Orthonormal<T>(int m, int n, double[] q) where T : unmanaged, IFloatingPointIeee754<T>
    {
        double[] one = new double[n * n];
        for (int i = 0; i < n; i++) one[i * (n + 1)] = 1;
        Small<T>(m, Difference(one, Times(Transposed(q, m, n), q, n, m, n)), 1);
    }

    private static void Small<T>(int n, double error, double size) where T : unmanaged, IFloatingPointIeee754<T>
    {
        double epsilon = Of(T.BitIncrement(T.One) - T.One), ratio = error / (size * n * epsilon);
        Assert.True(error == 0 || ratio < Threshold, $"{typeof(T).Name}, order {n}: {ratio}");
    }

    /// <summary>A matrix of a kind, with entries that are drawn anew for each seed.</summary>
    private static double[] Matrix(string kind, int m, int n, int seed)
    {
        var random = new Random(seed);
        double[] a = [.. Enumerable.Range(0, m * n).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
        return kind switch
        {
            "normal" => a,
            "ill-conditioned" => [.. a.Select((_, i) => 1.0 / ((i / n) + (i % n) + 1))],
            "graded" => [.. a.Select((v, i) => v * Math.Pow(10, -12.0 * ((i / n) + (i % n)) / (m + n)))],
            "graded upwards" => [.. a.Select((v, i) => v * Math.Pow(10, (12.0 * ((i / n) + (i % n)) / (m + n)) - 12))],
            "rank deficient" => [.. a.Select((_, i) => a[i / n] * a[i % n])],
            "zeros" => new double[m * n],
            "identity" => [.. a.Select((_, i) => i / n == i % n ? 1.0 : 0)],
            "clusters" => [.. a.Select((v, i) => (i / n == i % n ? 1 + (i % 3) : 0) + (1e-9 * v))],
            "huge" => [.. a.Select(v => v * 1e33)],
            "tiny" => [.. a.Select(v => v * 1e-35)],
            _ => [.. a.Select((v, i) => Math.Abs((i / n) - (i % n)) <= 1 && i / n % 5 != 0 && i % n % 5 != 0 ? v : 0)],
        };
    }

    /// <summary>The matrix above 40 rows more.</summary>
    private static double[] Tall(double[] matrix, int n) => [.. matrix, .. Matrix("normal", 40, n, seed: 9).Select(v => v * Size(matrix))];

    private static double[] Definite(double[] a, int n)
    {
        double[] square = Times(a, Transposed(a, n, n), n, n, n);
        for (int i = 0; i < n; i++) square[i * (n + 1)] += 1e-3;
        return square;
    }

    private static double[] Times(double[] a, double[] b, int m, int k, int n)
    {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++)
        {
            for (int p = 0; p < k; p++)
            {
                double v = a[(i * k) + p];
                for (int j = 0; j < n; j++) c[(i * n) + j] += v * b[(p * n) + j];
            }
        }

        return c;
    }

    private static double[] Transposed(double[] a, int m, int n)
    {
        double[] b = new double[m * n];
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++) b[(j * m) + i] = a[(i * n) + j];
        return b;
    }

    /// <summary>The Frobenius norm of a difference.</summary>
    private static double Difference(double[] a, double[] b) => Size([.. a.Zip(b, (x, y) => x - y)]);

    private static double Size(double[] a) => Math.Sqrt(a.Sum(v => v * v));

    private static double Of<T>(T x) where T : unmanaged, IFloatingPointIeee754<T> => double.CreateChecked(x);

    private static T[] Round<T>(double[] a) where T : unmanaged, IFloatingPointIeee754<T> => [.. a.Select(T.CreateChecked)];

    private static double[] Wide<T>(T[] a) where T : unmanaged, IFloatingPointIeee754<T> => [.. a.Select(Of)];

    private static DType Type<T>() where T : unmanaged => typeof(T) == typeof(float) ? DType.Float32 : DType.Float64;

    private static Span<byte> Bytes<T>(T[] a) where T : unmanaged => MemoryMarshal.AsBytes(a.AsSpan());
}
