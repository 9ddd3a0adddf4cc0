namespace Autodiff.Examples.GradBench;

/// <summary>The eval ht: how far the skin of a hand, posed by 26 parameters, lies from points that were measured.</summary>
internal static class HandTracking
{
    private const int ParameterCount = 26, Fingers = 5;

    internal static Module Module { get; } = Module.Of<Input, Problem>(
        "ht",
        Prepare,
        ("objective", problem => problem.Errors(problem.Theta, problem.Us)),
        ("jacobian", problem => problem.Jacobian()));

    private static Problem Prepare(Input input)
    {
        HandModel model = input.Data.Model;
        int bones = model.BoneCount, vertices = model.BasePositions.Shape[0], count = input.Data.Correspondences.Length;
        Module.Expect("theta", input.Theta, ParameterCount);
        Module.Expect("points", input.Data.Points, count, 3);
        Module.Expect("base_relatives", model.BaseRelatives, bones, 4, 4);
        Module.Expect("inverse_base_absolutes", model.InverseBaseAbsolutes, bones, 4, 4);
        Module.Expect("base_positions", model.BasePositions, vertices, 4);
        Module.Expect("weights", model.Weights, vertices, bones);
        if (input.Us.Size > 0) Module.Expect("us", input.Us, count, 2);
        if (bones < 2 + 4 * Fingers || model.Parents.Length != bones)
        {
            throw new ArgumentException(
                $"there are {bones} bones and {model.Parents.Length} parents; there must be as many, at least {2 + 4 * Fingers}.");
        }

        // A measured point belongs to a vertex, or lies in a triangle between three.
        int[][] corners = input.Us.Size == 0
            ? [input.Data.Correspondences]
            : [.. Enumerable.Range(0, 3).Select(i => Array.ConvertAll(input.Data.Correspondences, t => model.Triangles[t][i]))];

        // Only vertices that are looked at are posed: their weights times their places, for each bone.
        int[] used = [.. corners.SelectMany(vertex => vertex).Distinct()];
        Dictionary<int, int> place = used.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        Tensor rows = Positions(used);
        Tensor influences = model.Weights.Take(rows, 0).Reshape(used.Length, bones, 1)
            * model.BasePositions.Take(rows, 0).Reshape(used.Length, 1, 4);
        return new Problem(
            input.Theta, input.Us, input.Data.Points, influences.Reshape(used.Length, bones * 4),
            [.. corners.Select(vertex => Positions(Array.ConvertAll(vertex, v => place[v])))],
            model.BaseRelatives, model.InverseBaseAbsolutes, model.IsMirrored, Skeleton.Of(model.Parents), AngleSources(bones));
    }

    /// <summary>Which parameter is the angle of each bone about x, z and y, as rows; the place after the last means none.</summary>
    private static Tensor AngleSources(int bones)
    {
        var sources = new int[3 * bones];
        Array.Fill(sources, ParameterCount);
        for (int finger = 0; finger < Fingers; finger++)
        {
            int parameter = 6 + 4 * finger, bone = 2 + 4 * finger;
            sources[bone] = parameter;
            sources[bones + bone] = parameter + 1;
            sources[bone + 1] = parameter + 2;
            sources[bone + 2] = parameter + 3;
        }

        return Tensor.From(sources, 3, bones);
    }

    private static Tensor Positions(int[] values) => Tensor.From(values, values.Length);

    /// <summary>Bones that are equally far from the root, and the places of their parents among those one nearer.</summary>
    private sealed record Generation(Tensor Bones, Tensor Parents);

    /// <summary>The bones from the root outwards, and where each bone is in that order.</summary>
    private sealed record Skeleton(Generation[] Generations, Tensor Places)
    {
        internal static Skeleton Of(int[] parents)
        {
            var generations = new List<Generation>();
            var order = new List<int>();
            int[] above = [-1];
            while (order.Count < parents.Length)
            {
                int[] bones = [.. parents.Index().Where(pair => above.Contains(pair.Item)).Select(pair => pair.Index)];
                if (bones.Length == 0) throw new ArgumentException("parents: not every bone hangs on a root, whose parent is -1.");
                generations.Add(new Generation(
                    Positions(bones), Positions(Array.ConvertAll(bones, bone => Array.IndexOf(above, parents[bone])))));
                order.AddRange(bones);
                above = bones;
            }

            return new Skeleton([.. generations], Positions([.. Enumerable.Range(0, order.Count).Select(bone => order.IndexOf(bone))]));
        }
    }

    /// <summary>Rotations of space.</summary>
    private static class Rotation
    {
        private static readonly Tensor Identity = Tensor.From([1.0, 0, 0, 0, 1, 0, 0, 0, 1], 3, 3);

        // Row a holds the matrix of the cross product with axis a.
        private static readonly Tensor Crosses = Tensor.From(
            [
                0.0, 0, 0, 0, 0, -1, 0, 1, 0,
                0, 0, 1, 0, 0, 0, -1, 0, 0,
                0, -1, 0, 1, 0, 0, 0, 0, 0,
            ],
            3, 9);

        /// <summary>Matrices of shape (n, 3, 3) for n angles about one of the axes x, y, z.</summary>
        internal static Tensor About(int axis, Tensor angles) => Of(Identity[axis], angles.Reshape(-1, 1, 1));

        /// <summary>The matrix for an axis whose length is the angle.</summary>
        internal static Tensor By(Tensor axis)
        {
            // The square root has no derivative at 0; there it takes another number, which is not used.
            Tensor squared = Tensor.Square(axis).Sum();
            Tensor isSmall = Tensor.Less(squared, Tensor.ZerosLike(squared) + 1e-8);
            Tensor angle = Tensor.Sqrt(Tensor.Where(isSmall, Tensor.OnesLike(squared), squared));
            return Tensor.Where(isSmall, Identity, Of(axis / angle, angle));
        }

        private static Tensor Of(Tensor unit, Tensor angle)
        {
            Tensor along = unit.Outer(unit), cross = unit.MatMul(Crosses).Reshape(3, 3);
            return along + Tensor.Cos(angle) * (Identity - along) + Tensor.Sin(angle) * cross;
        }
    }

    private sealed record Problem(
        Tensor Theta, Tensor Us, Tensor Points, Tensor Influences, Tensor[] Corners, Tensor BaseRelatives,
        Tensor InverseBaseAbsolutes, bool IsMirrored, Skeleton Skeleton, Tensor AngleSources)
    {
        /// <summary>The differences between the points and the places on the posed skin, as one vector.</summary>
        internal Tensor Errors(Tensor theta, Tensor us)
        {
            Tensor skin = Skin(theta);
            Tensor[] corners = Array.ConvertAll(Corners, vertices => skin.Take(vertices, 0));
            if (corners is [var places]) return (Points - places).Reshape(-1);
            Tensor u = us[.., 0..1], v = us[.., 1..2];
            return (Points - (u * corners[0] + v * corners[1] + (1.0 - u - v) * corners[2])).Reshape(-1);
        }

        /// <summary>The derivatives of each error by the two coordinates of its own point, if there are any, and by theta.
        /// No other error depends on those two: one direction of ones covers all points.</summary>
        internal Tensor Jacobian()
        {
            Tensor byTheta = Autodiff.Jacobian.Forward(theta => Errors(theta, Us))(Theta);
            if (Us.Size == 0) return byTheta;
            (_, Func<Tensor, Tensor> pushforward) = Linearize.Of((Tensor us) => Errors(Theta, us))(Us);
            Tensor Along(double u, double v) =>
                pushforward(Tensor.ZerosLike(Us) + Tensor.From([u, v], 2)).Reshape(-1, 1);
            return Tensor.Concat(1, Along(1, 0), Along(0, 1), byTheta);
        }

        /// <summary>The posed vertices (v, 3).</summary>
        private Tensor Skin(Tensor theta)
        {
            int bones = BaseRelatives.Shape[0];
            Tensor transforms = Absolutes(theta).MatMul(InverseBaseAbsolutes)[.., ..3];
            Tensor vertices = Influences.MatMul(transforms.Transpose().Reshape(bones * 4, 3));
            if (IsMirrored) vertices *= Tensor.From([-1.0, 1.0, 1.0], 3);
            return vertices.MatMul(Rotation.By(theta[..3]).Transpose()) + theta[3..6];
        }

        /// <summary>The transforms (bones, 4, 4) from each bone to the wrist.</summary>
        private Tensor Absolutes(Tensor theta)
        {
            Tensor none = Tensor.From([0.0], 1);
            Tensor angles = Tensor.Concat(0, theta, none).Take(AngleSources, 0);
            Tensor rotations = Rotation.About(2, angles[1])
                .MatMul(Rotation.About(1, angles[2]))
                .MatMul(Rotation.About(0, angles[0]));
            Tensor turned = BaseRelatives[.., .., ..3].MatMul(rotations);
            Tensor relatives = Tensor.Concat(2, turned, BaseRelatives[.., .., 3..]);

            var absolutes = new List<Tensor>();
            foreach (Generation generation in Skeleton.Generations)
            {
                Tensor own = relatives.Take(generation.Bones, 0);
                absolutes.Add(absolutes is [.., var above] ? above.Take(generation.Parents, 0).MatMul(own) : own);
            }

            return Tensor.Concat(0, absolutes).Take(Skeleton.Places, 0);
        }
    }

    private sealed record HandModel(
        int BoneCount, int[] Parents, Tensor BaseRelatives, Tensor InverseBaseAbsolutes, Tensor BasePositions, Tensor Weights,
        int[][] Triangles, bool IsMirrored);

    private sealed record HandData(HandModel Model, int[] Correspondences, Tensor Points);

    private sealed record Input(Tensor Theta, Tensor Us, HandData Data);
}
