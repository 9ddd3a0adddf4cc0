namespace Autodiff

open System
open System.Globalization
open System.Runtime.InteropServices
open System.Text
open Autodiff.Kernels

/// Moving elements between arrays on devices and .NET arrays, and printing them.
[<RequireQualifiedAccess>]
module internal Host =
    /// An array on the host with the elements of a span, in row-major order.
    let ofSpan<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
        operation
        (shape: int[])
        (values: ReadOnlySpan<'T>)
        =
        Shape.validate operation shape

        if Shape.size shape <> int64 values.Length then
            Shape.fail
                operation
                $"{values.Length} values do not fill the shape {Shape.format shape}, which has {Shape.size shape} elements."

        let bytes =
            MemoryMarshal.CreateReadOnlySpan(
                &MemoryMarshal.GetReference(MemoryMarshal.Cast<'T, byte> values),
                values.Length * sizeof<'T>
            )
        Cpu.Instance.FromHost(DTypes.Of<'T>(), shape, bytes)

    /// The elements as a flat .NET array, converted to the asked type if they have another.
    let toArray<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
        (x: NDArray)
        : 'T[] =
        let x = x.Device.Convert(x, DTypes.Of<'T>())
        let result = Array.zeroCreate<'T> x.Size
        x.Device.ToHost(x, MemoryMarshal.Cast<'T, byte>(Span<'T> result))
        result

    /// An array on the host with the shape and elements of a .NET array of any rank.
    let ofArray (values: Array) : NDArray =
        let found = DTypes.Find(values.GetType().GetElementType())

        if not found.HasValue then
            Shape.fail
                "FromArray"
                $"elements of type {values.GetType().GetElementType().Name}; they must be float, double, Half, BFloat16, int, long, short, sbyte, byte or bool."

        let shape = Array.init values.Rank values.GetLength
        Shape.validate "FromArray" shape
        let bytes = &MemoryMarshal.GetArrayDataReference values
        let length = Checked.(*) values.Length (DTypes.Size found.Value)
        Cpu.Instance.FromHost(found.Value, shape, MemoryMarshal.CreateReadOnlySpan(&bytes, length))

    let private invariant = CultureInfo.InvariantCulture

    /// Formats all numbers of one tensor alike: the fewest digits, at most four after the point, and an exponent
    /// where the magnitudes are far apart.
    let private formatter (sample: float[]) : float -> string =
        let finite = sample |> Array.filter Double.IsFinite
        let magnitudes = finite |> Array.filter ((<>) 0.0) |> Array.map abs
        let largest = Array.fold max 0.0 magnitudes
        let smallest = Array.fold min largest magnitudes
        let isWhole = finite |> Array.forall (fun v -> v = Math.Round v)
        let isFar =
            largest >= 1e8 || magnitudes.Length > 0 && smallest < 1e-4 || largest > 1e6 * smallest && not isWhole
        let digits (v: float) = let text = v.ToString("0.0###", invariant) in text.Length - 1 - text.IndexOf '.'
        let pattern =
            if isFar then
                "0.0000e+00"
            else
                "0." + String('0', Array.fold (fun n v -> max n (digits v)) 1 finite)

        fun v ->
            if Double.IsNaN v then "nan"
            elif Double.IsPositiveInfinity v then "inf"
            elif Double.IsNegativeInfinity v then "-inf"
            else v.ToString(pattern, invariant)

    /// The text of an array: rows in brackets, long axes abbreviated to their ends.
    let print (x: NDArray) : string =
        if x.Rank = 0 then
            match x.DType with
            | DType.Float64 -> ((toArray<float> x)[0]).ToString("R", invariant)
            | DType.Float32 -> ((toArray<float32> x)[0]).ToString("R", invariant)
            | DType.Float16 -> ((toArray<Half> x)[0]).ToString("R", invariant)
            | DType.BFloat16 -> ((toArray<BFloat16> x)[0]).ToString("R", invariant)
            | DType.Bool -> if (toArray<bool> x)[0] then "true" else "false"
            | _ -> ((toArray<int64> x)[0]).ToString(invariant)
        else
            let edge = 3
            let abbreviate = x.Size > 1000
            let strides = Shape.rowMajorStrides x.Shape

            let shown axis =
                let n = x.Shape[axis]

                if abbreviate && n > 2 * edge then
                    [| yield! [ 0 .. edge - 1 ]; yield -1; yield! [ n - edge .. n - 1 ] |]
                else
                    [| 0 .. n - 1 |]

            let rec offsets axis start =
                [| for i in shown axis do
                       if i >= 0 then
                           let at = start + i * strides[axis]
                           if axis = x.Rank - 1 then yield at else yield! offsets (axis + 1) at |]

            let visible = offsets 0 0

            let format: int -> string =
                if x.DType = DType.Bool then
                    let values = toArray<bool> x
                    fun i -> if values[i] then "true" else "false"
                elif DTypes.IsFloat x.DType then
                    let values = toArray<float> x
                    let format = formatter (visible |> Array.map (fun i -> values[i]))
                    fun i -> format values[i]
                else
                    let values = toArray<int64> x
                    fun i -> values[i].ToString invariant

            let width = Array.fold (fun w i -> max w (format i).Length) 0 visible
            let text = StringBuilder()

            let rec write axis start =
                text.Append '[' |> ignore

                shown axis
                |> Array.iteri (fun position i ->
                    if axis = x.Rank - 1 then
                        if position > 0 then
                            text.Append ' ' |> ignore

                        text.Append(if i < 0 then "..." else (format (start + i)).PadLeft width) |> ignore
                    else
                        if position > 0 then
                            text.Append('\n', x.Rank - 1 - axis).Append(' ', axis + 1) |> ignore

                        if i < 0 then
                            text.Append "..." |> ignore
                        else
                            write (axis + 1) (start + i * strides[axis]))

                text.Append ']' |> ignore

            write 0 0
            text.ToString()
