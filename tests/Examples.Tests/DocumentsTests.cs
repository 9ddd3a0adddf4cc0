namespace Examples.Tests;

public class DocumentsTests
{
    [Theory]
    [InlineData("core.md")]
    [InlineData("tour.fsx")]
    [InlineData("tour.cs")]
    public void Documents_show_the_code_that_runs_and_what_it_prints(string document)
    {
        (int code, string output, string error) = Script.Run("docs/literate.fsx", document, "--check");
        Assert.True(code == 0, output + error);
        Assert.Contains("up to date", output, StringComparison.Ordinal);
    }
}
