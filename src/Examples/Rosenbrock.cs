namespace Autodiff.Examples;

/// <summary>
/// The valley of Rosenbrock (1960), f(x, y) = 100 (y - x^2)^2 + (1 - x)^2, with its minimum 0 at (1, 1): gradient descent
/// creeps along the floor, Newton's method with the exact Hessian takes a few steps.
/// </summary>
internal static class Rosenbrock
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor start = Tensor.From([-1.2, 1.0], 2);
        int descentSteps = settings.Epochs ?? 20_000;
        settings.Output.WriteLine($"from (-1.2, 1), f = {Valley(start)}");

        Func<Tensor, (Tensor Value, Tensor Gradient)> slope = Gradient.ValueAndGrad<Tensor>(Valley);
        Tensor x = start;
        settings.Output.WriteLine("gradient descent, learning rate 0.001");
        for (int step = 1; step <= descentSteps; step++)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            x -= 0.001 * slope(x).Gradient;
            if (step % Math.Max(descentSteps / 5, 1) == 0)
                settings.Output.WriteLine($"  step {step,6}  x = {x}  f = {Valley(x).ToDouble():e3}");
        }

        double descent = Valley(x).ToDouble();

        Func<Tensor, Tensor> hessian = Hessian.Of(Valley);
        Tensor y = start;
        int newtonSteps = 0;
        settings.Output.WriteLine("Newton's method");
        while (Valley(y).ToDouble() > 1e-24 && newtonSteps < 50)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            y -= hessian(y).ToMatrix().Solve(slope(y).Gradient.ToVector()).ToTensor();
            newtonSteps++;
            settings.Output.WriteLine($"  step {newtonSteps,6}  x = {y}  f = {Valley(y).ToDouble():e3}");
        }

        return new Dictionary<string, double>
        {
            ["descentSteps"] = descentSteps,
            ["descentValue"] = descent,
            ["newtonSteps"] = newtonSteps,
            ["newtonValue"] = Valley(y).ToDouble(),
        };
    }

    private static Tensor Valley(Tensor p) =>
        100.0 * Tensor.Square(p[1] - Tensor.Square(p[0])) + Tensor.Square(1.0 - p[0]);
}
