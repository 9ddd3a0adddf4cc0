global using static Kernels.Tests.Arrays;
using System.Runtime.InteropServices;

namespace Kernels.Tests;

/// <summary>What the tests share.</summary>
internal static class Arrays
{
    /// <summary>An array as the bytes that kernels take.</summary>
    internal static Span<byte> Bytes<T>(T[] x)
        where T : struct => MemoryMarshal.AsBytes(x.AsSpan());
}
