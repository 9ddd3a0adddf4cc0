/// Conversion to and from MathNet matrices and vectors, .NET arrays and spans.
module Core.Tests.InteropTests

open System
open Autodiff
open Core.Tests.Common
open MathNet.Numerics.LinearAlgebra
open Xunit

[<Fact>]
let ``matrices and vectors survive the round trip`` () =
    for shape in [ [| 3; 2 |]; [| 1; 4 |]; [| 5; 1 |] ] do
        let x = normal 1 shape
        near 0.0 x (x.ToMatrix().ToTensor())
        near 0.0 (Tensor.transpose x) ((Tensor.transpose x).ToMatrix().ToTensor())
        near 0.0 (Tensor.transpose x) (x.ToMatrix().Transpose().ToTensor())

    let v = normal 2 [| 7 |]
    near 0.0 v (v.ToVector().ToTensor())
    near 0.0 v[1..3] (v[1..3].ToVector().ToTensor())

[<Fact>]
let ``sparse, diagonal and single precision matrices convert`` () =
    near 0.0 (rows [ [ 2.0; 0.0 ]; [ 0.0; 2.0 ] ]) (Matrix<float>.Build.SparseDiagonal(2, 2, 2.0).ToTensor())
    near 0.0 (rows [ [ 2.0; 0.0 ]; [ 0.0; 2.0 ] ]) (Matrix<float>.Build.Diagonal(2, 2, 2.0).ToTensor())
    Assert.Equal(DType.Float32, (Matrix<float32>.Build.Dense(2, 3).ToTensor()).DType)
    Assert.Equal(DType.Float32, (Vector<float32>.Build.Dense(2).ToTensor()).DType)
    Assert.Equal(3.0, (Tensor.ofRows [ [ 1; 2 ]; [ 3; 4 ] ]).ToMatrix()[1, 0])

[<Fact>]
let ``a matrix product agrees with MathNet's`` () =
    let a, b = normal 3 [| 4; 6 |], normal 4 [| 6; 3 |]
    near 1e-14 (a.ToMatrix().Multiply(b.ToMatrix()).ToTensor()) (Tensor.matmul a b)

[<Fact>]
let ``arrays of every element type survive the round trip, and conversions round as .NET does`` () =
    Assert.Equal<int64[]>([| 1L; -2L |], Tensor.toArray<int64>(Tensor.ofSeq [ 1L; -2L ]))
    Assert.Equal<bool[]>([| true; false |], Tensor.toArray<bool>(Tensor.ofSeq [ true; false ]))
    Assert.Equal<byte[]>([| 0uy; 255uy |], Tensor.toArray<byte>(Tensor.ofSeq [ 0uy; 255uy ]))
    Assert.Equal<float32[]>([| 0.1f |], Tensor.toArray<float32>(Tensor.ofSeq [ 0.1f ]))
    Assert.Equal<int[]>([| 1; -1; 2 |], Tensor.toArray<int>(Tensor.ofSeq [ 1.9; -1.9; 2.5 ]))
    Assert.Equal<bool[]>([| true; false; true |], Tensor.toArray<bool>(Tensor.ofSeq [ 0.5; 0.0; nan ]))
    near 0.0 (rows [ [ 1.0; 2.0 ] ]) (Tensor.From(ReadOnlySpan [| 1.0; 2.0 |], 1, 2))

[<Fact>]
let ``a tensor does not see later changes of the array that it was made from`` () =
    let values = [| 1.0; 2.0 |]
    let x = Tensor.ofArray [ 2 ] values
    values[0] <- 9.0
    (Tensor.toArray<float> x)[1] <- 9.0
    near 0.0 (vector [ 1.0; 2.0 ]) x
