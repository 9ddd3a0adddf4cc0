using Autodiff;

namespace Layers.Tests;

public class TransformsTests
{
    private sealed record Line(Tensor Slope, Tensor Intercept);

    [Fact]
    public void Gradient_of_a_function_of_a_record_is_a_record()
    {
        var line = new Line(Tensor.Scalar(2.0), Tensor.Scalar(1.0));
        Line gradient = Gradient.Of((Line l) => l.Slope * l.Slope * 3.0 + l.Intercept)(line);
        Assert.Equal(12.0, gradient.Slope.ToDouble());
        Assert.Equal(1.0, gradient.Intercept.ToDouble());
    }

    [Fact]
    public void Slices_of_CSharp_select_rows_and_columns()
    {
        Tensor x = Tensor.From([1f, 2f, 3f, 4f, 5f, 6f], 2, 3);
        Assert.Equal([2f, 3f], x[0, 1..].ToArray<float>());
        Assert.Equal([2f, 5f], x[.., 1].ToArray<float>());
        Assert.Equal([4f, 5f, 6f], x[^1].ToArray<float>());
        Assert.Equal(6.0, x[1, 2].ToDouble());
    }
}
