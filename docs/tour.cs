#:project ../src/Layers.CSharp/Layers.CSharp.csproj
#:property PublishAot=false

using Autodiff;
using Autodiff.Layers;

// Handwritten digits, generated; Mnist.Load reads the real ones.
Dataset train = Digits.Generate(4000, new Key(1), flatten: false);
Dataset test = Digits.Generate(1000, new Key(2), flatten: false);

// A network is a description: input shapes are inferred, and parameters are kept apart.
var network = new Sequential(
    new Conv2D(8, kernelSize: 5), Activations.ReLU, new MaxPool2D(2), new Flatten(),
    new Dense(64), Activations.ReLU, new Dropout(0.3), new Dense(10));

var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(learningRate: 2e-3))
{
    Metrics = [Metrics.Accuracy],
    Callbacks = [new EarlyStopping(patience: 2)],
    Output = Output.None, // the default is a progress bar
};
TrainingResult result = trainer.Fit(train, validation: test, epochs: 3, batchSize: 50);

foreach (EpochRecord epoch in result.History.Epochs)
    Console.WriteLine($"epoch {epoch.Epoch}: loss {epoch.Loss:0.00}, accuracy {epoch.ValidationMetrics["accuracy"]:0.00}");

// Training changed nothing: it returned a model, which predicts, and is saved and loaded.
string file = Path.Combine(Path.GetTempPath(), "digits.safetensors");
result.Model.Save(file);
Model model = Model.Load(network, file);
Console.WriteLine(model.Summary());

Console.WriteLine($"predicted {model.Predict(test.Inputs[..10]).ArgMax(1)}");
Console.WriteLine($"drawn     {test.Targets[..10]}");

// Transformations take any function of tensors. Here the gradient is by the pixels: each moved a little the wrong way, the
// digits look the same to us, and not to the network.
Tensor slope = Gradient.Of((Tensor x) => Losses.SoftmaxCrossEntropy.Of(model.Predict(x), test.Targets))(test.Inputs);
var misleading = new Dataset(test.Inputs + 0.2 * Tensor.Signum(slope), test.Targets);
Console.WriteLine($"read correctly: {model.Evaluate(test, Metrics.Accuracy):0.00}, misled: {model.Evaluate(misleading, Metrics.Accuracy):0.00}");
