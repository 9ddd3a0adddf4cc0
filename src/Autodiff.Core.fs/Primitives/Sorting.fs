namespace Autodiff

open Autodiff.Kernels

/// Order along an axis. NaN comes last, and equal elements keep their order.
[<AutoOpen>]
module internal Sorting =
    let rec private argsortP (axis: int) (descending: bool) =
        { new Primitive("argsort") with
            member _.Parameters = [ "axis", box axis; "descending", box descending ]

            member _.Shape inputs = { Shape = inputs[0].Shape; DType = DType.Int64 }

            member _.Value(inputs, _) = inputs[0].Device.ArgSort(inputs[0], axis, descending)
            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, _, _) = Tensor.Bind(argsortP (axis + 1) descending, inputs) }

    /// The int64 positions that sort the elements along an axis.
    let argsort axis descending (x: Tensor) : Tensor =
        Tensor.Bind(argsortP (Tensor.AxisOf("argsort", x, axis)) descending, x)

    /// The elements along an axis in order; each derivative goes to the element that moved there.
    let sort axis descending (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("sort", x, axis)
        gather axis (argsort axis descending x) x

    // Rows of the last axis, so that leading axes are those of a batch.
    let private searchSortedP (after: bool) =
        { new Primitive("searchsorted") with
            member _.Parameters = [ "after", box after ]

            member _.Shape inputs =
                let sorted, values = inputs[0], inputs[1]

                if
                    sorted.Rank < 1
                    || values.Rank <> sorted.Rank
                    || not (Shape.equal sorted.Shape[.. sorted.Rank - 2] values.Shape[.. values.Rank - 2])
                then
                    Shape.fail
                        "searchsorted"
                        $"rows of shape {Shape.format sorted.Shape} and values of shape {Shape.format values.Shape} must agree in all axes but the last."

                if sorted.DType <> values.DType then
                    Shape.fail
                        "searchsorted"
                        $"{DTypes.Name sorted.DType} and {DTypes.Name values.DType} differ; convert with To."

                { Shape = values.Shape; DType = DType.Int64 }

            member _.Value(inputs, _) =
                Tensor.SameDevice("searchsorted", inputs[0], inputs[1])
                inputs[0].Device.SearchSorted(inputs[0], inputs[1], after)

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member this.Batch(inputs, isBatched, size) = Tensor.Bind(this, Batching.fronts size inputs isBatched) }

    /// The int64 positions at which values would be put into rows of the last axis that are sorted. One row serves
    /// values of any shape; rows with leading axes take values with the same.
    let searchSorted after (sorted: Tensor) (values: Tensor) : Tensor =
        Tensor.NotNull("searchsorted", sorted)
        Tensor.NotNull("searchsorted", values)
        let dtype = DTypes.Promote(sorted.DType, values.DType)
        let rows, values = Tensor.Cast(sorted, dtype), Tensor.Cast(values, dtype)

        if rows.Rank = 1 && values.Rank <> 1 then
            reshape values.Shape (Tensor.Bind(searchSortedP after, rows, reshape [| values.Size |] values))
        else
            Tensor.Bind(searchSortedP after, rows, values)
