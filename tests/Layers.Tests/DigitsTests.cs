using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class DigitsTests
{
    [Fact]
    public void Digits_have_the_shapes_types_and_ranges_of_MNIST()
    {
        Dataset data = Digits.Generate(300, new Key(1));
        Assert.Equal("300 examples: float32 (784) -> int64 ()", data.ToString());
        Assert.Equal([300, 1, 28, 28], Digits.Generate(300, new Key(1), flatten: false).Inputs.Shape);
        float[] pixels = data.Inputs.ToArray<float>();
        Assert.All(pixels, p => Assert.InRange(p, 0f, 1f));
        Assert.InRange(pixels.Average(), 0.05f, 0.3f);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), data.Targets.ToArray<long>().Distinct().Order());
        Assert.Equal(0, Digits.Generate(0, new Key(1)).Count);
        Assert.Throws<ArgumentException>(() => Digits.Generate(-1, new Key(1)));
    }

    [Fact]
    public void Digits_depend_on_the_key_and_their_position_alone()
    {
        Dataset few = Digits.Generate(10, new Key(2)), many = Digits.Generate(200, new Key(2));
        Samples.AssertSame(few.Inputs, many.Take(10).Inputs, "images");
        Samples.AssertSame(few.Targets, many.Take(10).Targets, "labels");
        Assert.NotEqual(few.Inputs.ToArray<float>(), Digits.Generate(10, new Key(3)).Inputs.ToArray<float>());
    }

    [Fact]
    public void A_linear_classifier_tells_most_digits_apart()
    {
        Dataset train = Digits.Generate(1500, new Key(1)), test = Digits.Generate(300, new Key(2));
        Tensor weights = new Key(0).Normal([784, 10]) * 0.01;
        for (int epoch = 0; epoch < 6; epoch++)
        {
            foreach (Batch batch in train.Batches(50, new Key(epoch)))
            {
                Tensor error = batch.Inputs.MatMul(weights).Softmax(1) - batch.Targets.OneHot(10);
                weights -= batch.Inputs.Transpose().MatMul(error) * 0.002;
            }
        }

        double accuracy = Tensor.EqualTo(test.Inputs.MatMul(weights).ArgMax(1), test.Targets).To(DType.Float64).Mean().ToDouble();
        Assert.InRange(accuracy, 0.85, 1);
    }
}
