namespace Autodiff.Kernels;

/// <summary>
/// What follows a convolution, such as a bias and an activation, done with elements of the result that are final while they
/// are still in the cache. Every element belongs to exactly one call, and calls come from several threads at once.
/// </summary>
/// <remarks>
/// A call has elements of one channel of one image: whole planes, or some rows of larger ones. It costs some nanoseconds
/// beside what it does, so that a pass of its own over the result is faster for planes of less than about a hundred elements.
/// </remarks>
/// <param name="channel">The channel of the elements, which is the number of their filter.</param>
/// <param name="offset">The place of the first of them in the result.</param>
/// <param name="length">The number of elements.</param>
public delegate void ConvolutionEpilogue(int channel, int offset, int length);
