namespace Autodiff.Layers;

/// <summary>Some examples of a dataset: inputs and targets whose leading axis counts the examples.</summary>
/// <param name="Inputs">The inputs, of shape (n, ...).</param>
/// <param name="Targets">The targets, of shape (n, ...).</param>
public sealed record Batch(Tensor Inputs, Tensor Targets);
