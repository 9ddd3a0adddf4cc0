// Numbers that remember how they were made, in thirty lines; and the same derivatives from the library, of any order.
//
//     dotnet fsi build.fsx build
//     dotnet fsi src/Examples/scripts/numbers.fsx
#r "../bin/Release/net10.0/MathNet.Numerics.dll"
#r "../bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../bin/Release/net10.0/Autodiff.Core.dll"

open Autodiff

/// A value, and what to give to which numbers that it was made of when its own gradient is known.
type Number(value: float, parents: (Number * (float -> float)) list) =
    let mutable grad = 0.0
    member _.Value = value
    member _.Grad = grad
    static member Of value = Number(value, [])

    static member (+)(a: Number, b: Number) = Number(a.Value + b.Value, [ a, id; b, id ])

    static member (*)(a: Number, b: Number) = Number(a.Value * b.Value, [ a, (*) b.Value; b, (*) a.Value ])

    /// Adds to the gradients along every way back from this number: what is used twice gets both.
    member this.Backward(ct: float) =
        grad <- grad + ct

        for parent, pullback in parents do
            parent.Backward(pullback ct)

let number = Number.Of
let a = number 3.0
let b = a * number 4.0
let c = b + number 5.0
c.Backward 1.0
printfn "c = 4 a + 5: slopes %g by a, %g by b (text 4, 1)" a.Grad b.Grad

// A function of anything that adds and multiplies: of these numbers, and of tensors.
let inline f (four, three, two) a = (a * four + three) * (a + two)

let x = number 3.0
let d = f (number 4.0, number 3.0, number 2.0) x
d.Backward 1.0
printfn "d = (4 a + 3)(a + 2) at 3: %g, slope %g (text 75, 35)" d.Value x.Grad

let g: Tensor -> Tensor = f (Tensor.scalar 4.0, Tensor.scalar 3.0, Tensor.scalar 2.0)
let at = Tensor.scalar 3.0
printfn "by the library: %g, slope %g, curvature %g" (float (g at)) (float (grad g at)) (float (grad (grad g) at))
printfn "by differences: %.1f" (float (g (at + 0.01) - g (at - 0.01)) / 0.02)
