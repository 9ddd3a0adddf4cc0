namespace Autodiff.Kernels;

/// <summary>One axis of a correlation: where the taps of a window lie for each place of the result.</summary>
/// <remarks>
/// Place o of the result reads input o * Stride + First + Taps[t], all Taps between 0 and Last, and is written to
/// OutputFirst + o * OutputStride.
/// </remarks>
internal unsafe struct CorrelationAxis
{
    internal int Input, Output, Stride, First, Last, Count;
    internal int OutputFirst, OutputStride;
    internal int* Taps;
    internal int* Weights;

    /// <summary>The axis of a convolution.</summary>
    internal static CorrelationAxis Forward(int* memory, in WindowAxis s)
    {
        CorrelationAxis axis = new()
        {
            Input = s.Size,
            Output = s.Output,
            Stride = s.Stride,
            First = -s.PadBefore,
            Last = s.Last,
            Count = s.Kernel,
            OutputStride = 1,
            Taps = memory,
            Weights = memory + s.Kernel,
        };
        for (int t = 0; t < s.Kernel; t++)
        {
            axis.Taps[t] = t * s.Dilation;
            axis.Weights[t] = t;
        }

        return axis;
    }

    /// <summary>
    /// The axis of the transpose, for the places of the image with remainder <paramref name="phase"/> modulo the
    /// stride: of the cotangent these read only the taps whose window begins at a whole number of strides.
    /// </summary>
    internal static CorrelationAxis Transposed(int* memory, in WindowAxis s, int phase)
    {
        CorrelationAxis axis = new()
        {
            Input = s.Output,
            Output = s.Size <= phase ? 0 : (s.Size - phase - 1) / s.Stride + 1,
            Stride = 1,
            OutputFirst = phase,
            OutputStride = s.Stride,
            Taps = memory,
            Weights = memory + s.Kernel,
        };
        for (int t = s.Kernel - 1; t >= 0; t--)
        {
            int distance = phase + s.PadBefore - t * s.Dilation;
            if (distance % s.Stride != 0) continue;
            int shift = distance / s.Stride;
            if (axis.Count == 0) axis.First = shift;
            axis.Taps[axis.Count] = shift - axis.First;
            axis.Weights[axis.Count++] = t;
            axis.Last = shift - axis.First;
        }

        return axis;
    }
}
