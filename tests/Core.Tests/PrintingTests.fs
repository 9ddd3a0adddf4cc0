/// Golden texts of printed tensors.
module Core.Tests.PrintingTests

open Autodiff
open Core.Tests.Common
open Xunit

let private table: (string * Tensor * string) list =
    [ "a scalar", scalar 1.5, "1.5"
      "a scalar in full", scalar 0.1, "0.1"
      "a float32 scalar", Tensor.Scalar 0.1f, "0.1"
      "an int scalar", indices [] [ 7 ], "7"
      "a bool scalar", Tensor.ofArray [] [| true |], "true"
      "NaN alone", scalar nan, "NaN"
      "a vector", vector [ 1.0; 2.5; -3.25 ], "[ 1.00  2.50 -3.25]"
      "whole numbers", vector [ 1.0; -20.0; 300.0 ], "[  1.0 -20.0 300.0]"
      "thirds", vector [ 1.0 / 3.0; 2.0 / 3.0 ], "[0.3333 0.6667]"
      "far apart", vector [ 1e-7; 1.5 ], "[1.0000e-07 1.5000e+00]"
      "large", vector [ 1e9; -1.0 ], "[ 1.0000e+09 -1.0000e+00]"
      "zeros", vector [ 0.0; 0.0 ], "[0.0 0.0]"
      "special values", vector [ nan; infinity; -infinity; 1.5 ], "[ nan  inf -inf  1.5]"
      "integers", Tensor.ofSeq [ 1; -20; 300 ], "[  1 -20 300]"
      "long integers in full", Tensor.ofSeq [ 9007199254740993L; -1L ], "[9007199254740993               -1]"
      "truth values", Tensor.ofSeq [ true; false ], "[ true false]"
      "bytes", Tensor.ofSeq [ 0uy; 255uy ], "[  0 255]"
      "an empty vector", Tensor.ofSeq Seq.empty<float>, "[]"
      "a matrix", rows [ [ 1.0; 2.0 ]; [ 3.0; 4.5 ] ], "[[1.0 2.0]\n [3.0 4.5]]"
      "rank 3", Tensor.ofArray [ 2; 2; 1 ] [| 1; 2; 3; 4 |], "[[[1]\n  [2]]\n\n [[3]\n  [4]]]"
      "a transpose", Tensor.transpose (rows [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ]), "[[1.0 3.0]\n [2.0 4.0]]"
      "a long vector", Tensor.arange 0.0 2000.0 1.0, "[   0.0    1.0    2.0 ... 1997.0 1998.0 1999.0]"
      "a long matrix",
      Tensor.ofArray [ 400; 3 ] [| 0..1199 |],
      "[[   0    1    2]\n [   3    4    5]\n [   6    7    8]\n ...\n [1191 1192 1193]\n [1194 1195 1196]\n [1197 1198 1199]]" ]

[<Fact>]
let ``tensors print as in the golden texts`` () =
    table |> forEach (fun (name, _, _) -> name) (fun (_, x, expected) -> Assert.Equal(expected, x.ToString()))

[<Fact>]
let ``a tensor that is being differentiated prints its value`` () =
    let mutable text = ""
    grad
        (fun x ->
            text <- string x
            Tensor.sum x)
        (vector [ 1.0; 2.0 ])
    |> ignore
    Assert.Equal("[1.0 2.0]", text)
