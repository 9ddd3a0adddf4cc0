using System.Text.Json.Serialization;

namespace Autodiff.Examples.GradBench;

/// <summary>The eval ba: the errors of points seen through cameras, and their sparse Jacobian. An error depends on one
/// camera, one point and one weight; all observations are computed at once, with one tensor for each coordinate.</summary>
internal static class BundleAdjustment
{
    private const int CameraSize = 11, PointSize = 3;

    internal static Module Module { get; } = Module.Of<Input, Problem>(
        "ba",
        Prepare,
        ("objective", problem => problem.Objective()),
        ("jacobian", problem => problem.Jacobian()));

    /// <summary>Cameras (11, n), points (3, m), weights (p) and features (2, p), with one coordinate in each row.</summary>
    private static Problem Prepare(Input input)
    {
        (int n, int m, int p) = (input.N, input.M, input.P);
        if (n < 1 || m < 1 || p < 1) throw new ArgumentException($"n, m and p are {n}, {m} and {p}; each must be at least 1.");
        Module.Expect("cam", input.Cam, CameraSize);
        Module.Expect("x", input.X, PointSize);
        Module.Expect("w", input.W);
        Module.Expect("feat", input.Feat, 2);
        Tensor Repeat(Tensor x, int count) => x.Reshape(-1, 1) * Tensor.Full([1, count], 1, DType.Float64);
        int[] observations = [.. Enumerable.Range(0, p)];
        return new Problem(
            Repeat(input.Cam, n), Repeat(input.X, m), Repeat(input.W, p)[0], Repeat(input.Feat, p),
            Tensor.From(Array.ConvertAll(observations, i => i % n), p), Tensor.From(Array.ConvertAll(observations, i => i % m), p));
    }

    /// <summary>The errors of all observations, of which the answer holds those of the first.</summary>
    private sealed record Errors(
        [property: JsonIgnore] Tensor X, [property: JsonIgnore] Tensor Y, [property: JsonIgnore] Tensor Weights)
    {
        public object ReprojError => new { Elements = new[] { X[0], Y[0] }, Repeated = Weights.Size };

        public object WErr => new { Element = Weights[0], Repeated = Weights.Size };
    }

    /// <summary>Points or directions in space, one tensor for each coordinate.</summary>
    private sealed record Space(Tensor X, Tensor Y, Tensor Z)
    {
        public static Space operator +(Space a, Space b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z);
        public static Space operator -(Space a, Space b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z);
        public static Space operator *(Tensor scale, Space a) => new(scale * a.X, scale * a.Y, scale * a.Z);
        internal Tensor Dot(Space b) => X * b.X + Y * b.Y + Z * b.Z;
        internal Space Cross(Space b) => new(Y * b.Z - Z * b.Y, Z * b.X - X * b.Z, X * b.Y - Y * b.X);
        internal Space Map(Func<Tensor, Tensor> f) => new(f(X), f(Y), f(Z));

        /// <summary>These points turned about axes through the origin by the lengths of the axes.</summary>
        internal Space Rotated(Space axis)
        {
            // Where the length is 0 the square root has no derivative; there the turn is that of first order.
            Tensor squared = axis.Dot(axis);
            Tensor zero = Tensor.ZerosLike(squared);
            Tensor isZero = Tensor.EqualTo(squared, zero);
            Tensor angle = Tensor.Sqrt(Tensor.Where(isZero, zero + 1.0, squared));
            Space unit = (1.0 / angle) * axis, first = this + axis.Cross(this);
            Tensor cos = Tensor.Cos(angle);
            Space turned = cos * this + Tensor.Sin(angle) * unit.Cross(this) + (unit.Dot(this) * (1.0 - cos)) * unit;
            return new Space(
                Tensor.Where(isZero, first.X, turned.X),
                Tensor.Where(isZero, first.Y, turned.Y),
                Tensor.Where(isZero, first.Z, turned.Z));
        }
    }

    /// <summary>What each observation depends on: the camera that made it, the point it shows, its weight.</summary>
    private sealed record Observation(
        Space Rotation, Space Centre, Tensor Focus, Tensor PrincipalX, Tensor PrincipalY, Tensor Kappa1, Tensor Kappa2,
        Space Point, Tensor Weight)
    {
        /// <summary>The parts in the order of the columns of the Jacobian.</summary>
        internal Tensor[] Columns =>
        [
            Rotation.X, Rotation.Y, Rotation.Z, Centre.X, Centre.Y, Centre.Z, Focus, PrincipalX, PrincipalY, Kappa1, Kappa2,
            Point.X, Point.Y, Point.Z, Weight,
        ];
    }

    /// <summary>A sparse matrix by compressed rows: where each starts, and the columns and values of the entries. The answer
    /// holds the first 30 elements of each part and the last.</summary>
    private sealed record SparseRows(
        [property: JsonIgnore] Tensor Starts, [property: JsonIgnore] Tensor Columns, [property: JsonIgnore] Tensor Values)
    {
        public Tensor Rows => Excerpt(Starts);

        public Tensor Cols => Excerpt(Columns);

        public Tensor Vals => Excerpt(Values);

        private static Tensor Excerpt(Tensor x) => Tensor.Concat(0, x[..Math.Min(30, x.Size)], x[^1..]);
    }

    private sealed record Problem(
        Tensor Cameras, Tensor Points, Tensor Weights, Tensor Features, Tensor CameraOf, Tensor PointOf)
    {
        internal Observation Observe()
        {
            Tensor camera = Cameras.Take(CameraOf, 1), point = Points.Take(PointOf, 1);
            return new Observation(
                new Space(camera[0], camera[1], camera[2]), new Space(camera[3], camera[4], camera[5]),
                camera[6], camera[7], camera[8], camera[9], camera[10],
                new Space(point[0], point[1], point[2]), Weights);
        }

        internal (Tensor X, Tensor Y) ErrorsOf(Observation seen)
        {
            Space view = (seen.Point - seen.Centre).Rotated(seen.Rotation);
            Tensor x = view.X / view.Z, y = view.Y / view.Z;
            Tensor radius = x * x + y * y;
            Tensor scale = (1.0 + radius * (seen.Kappa1 + radius * seen.Kappa2)) * seen.Focus;
            return (seen.Weight * (x * scale + seen.PrincipalX - Features[0]),
                    seen.Weight * (y * scale + seen.PrincipalY - Features[1]));
        }

        internal Errors Objective()
        {
            (Tensor x, Tensor y) = ErrorsOf(Observe());
            return new Errors(x, y, WeightError(Weights));
        }

        private static Tensor WeightError(Tensor weights) => 1.0 - Tensor.Square(weights);

        /// <summary>Two rows for each observation, then one for each weight. No observation shares an argument with another
        /// here, so one pullback of ones gives the rows of all observations.</summary>
        internal SparseRows Jacobian()
        {
            (_, Func<(Tensor X, Tensor Y), Observation> pullback) = Vjp.Of<Observation, (Tensor X, Tensor Y)>(ErrorsOf)(Observe());
            Tensor one = Tensor.OnesLike(Weights), zero = Tensor.ZerosLike(Weights);
            Tensor blocks = Tensor.Stack(0, [.. pullback((one, zero)).Columns, .. pullback((zero, one)).Columns]).Transpose();
            Tensor ofWeights = Gradient.Of<Tensor>(w => WeightError(w).Sum())(Weights);

            int n = Cameras.Shape[1], m = Points.Shape[1], p = Weights.Size, width = CameraSize + PointSize + 1;
            Tensor weightColumns = Count(p) + Whole(CameraSize * n + PointSize * m);
            Tensor columns = Tensor.Concat(
                1,
                CameraOf.Reshape(p, 1) * Whole(CameraSize) + Count(CameraSize),
                PointOf.Reshape(p, 1) * Whole(PointSize) + Count(PointSize) + Whole(CameraSize * n),
                weightColumns.Reshape(p, 1));
            return new SparseRows(
                Tensor.Concat(0, Count(2 * p + 1) * Whole(width), Count(p) + Whole(2 * p * width + 1)),
                Tensor.Concat(0, Tensor.Concat(1, columns, columns).Reshape(-1), weightColumns),
                Tensor.Concat(0, blocks.Reshape(-1), ofWeights));
        }

        private static Tensor Count(int n) => Tensor.From(Enumerable.Range(0, n).ToArray(), n);

        private static Tensor Whole(int value) => Tensor.From([value], []);
    }

    private sealed record Input(int N, int M, int P, Tensor Cam, Tensor X, Tensor W, Tensor Feat);
}
