namespace Autodiff.Layers;

/// <summary>
/// The content of a data file is not what its format demands: truncated, mislabelled, damaged, or of a kind that
/// tensors cannot hold. The message names the file, what was found, what was expected and what to do.
/// </summary>
public sealed class DataFormatException : Exception
{
    /// <summary>An error with its message.</summary>
    public DataFormatException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its message and the error that led to it.</summary>
    public DataFormatException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
