using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>What a parallel region does, as a value: many threads run one at the same time.</summary>
internal interface IForked
{
    /// <summary>Does one part of the work.</summary>
    void Run(int index);
}

/// <summary>What a parallel region does, for parts of a range.</summary>
internal interface IForkedRange
{
    /// <summary>Does the work from one element to before another.</summary>
    void Run(long from, long to);
}

/// <summary>
/// A fork-join pool for kernels: a few threads that wait by spinning for a moment, then by sleeping, so that a
/// parallel region of some microseconds is worth its start.
/// </summary>
/// <remarks>
/// One region runs at a time. A region that is started while another runs (from another thread, or from inside a
/// region) runs its tasks one after another on its own thread. Kernels split their work by size alone, never by
/// the number of threads, wherever the split can change the rounding.
/// </remarks>
public static unsafe class Workers
{
    private const int SpinsBeforeSleep = 2000;

    // From 1024 on Thread.SpinWait waits as native code does, which a garbage collection need not stop. This is about what a
    // young collection takes.
    private const int NativeSpins = 2048;

    private const int MostThreads = 1024;
    internal const string Variable = "AUTODIFF_THREADS";

    /// <summary>The number of threads, the caller's included: the cores, or what the environment variable
    /// <c>AUTODIFF_THREADS</c> says: a whole number from 1 to 1024, which <see cref="EnvironmentSetting.Check"/>
    /// checks.</summary>
    public static readonly int Count = Choose(Environment.GetEnvironmentVariable(Variable));

    private static readonly Lazy<Worker[]> Threads = new(
        () => [.. Enumerable.Range(1, Count - 1).Select(index => new Worker(index))]);

    private static int busy;
    private static delegate*<void*, int, void> body;
    private static void* state;
    private static int taskCount;
    private static int nextTask;
    private static int running;
    private static Exception? failure;

    internal static int Choose(string? asked) => EnvironmentSetting.Parse(
        Variable, asked, Environment.ProcessorCount, count => count is >= 1 and <= MostThreads,
        $"a number of threads from 1 to {MostThreads}");

    /// <summary>Runs <paramref name="task"/> for 0 to <paramref name="count"/> - 1, on all threads, and waits.</summary>
    /// <exception cref="Exception">What a task threw, after all have ended.</exception>
    public static void For(int count, Action<int> task) => For(count, new Delegated(task));

    /// <summary>The same without an object for the task.</summary>
    internal static void For<TTask>(int count, TTask task)
        where TTask : struct, IForked
    {
        if (count <= 1 || Count == 1 || Interlocked.CompareExchange(ref busy, 1, 0) != 0)
        {
            for (int i = 0; i < count; i++) task.Run(i);
            return;
        }

        try
        {
            Worker[] workers = Threads.Value;
            int helpers = Math.Min(workers.Length, count - 1);
            body = &Run<TTask>;
            // The task lies on this thread's stack, and does not move, until all have ended.
            state = Unsafe.AsPointer(ref task);
            taskCount = count;
            failure = null;
            Volatile.Write(ref nextTask, 0);
            Volatile.Write(ref running, helpers);
            for (int i = 0; i < helpers; i++) workers[i].Start();
            Drain();

            // A helper that has not begun, because the machine is busy with something else, is not waited for.
            for (int i = 0; i < helpers; i++)
            {
                if (workers[i].TryWithdraw()) Interlocked.Decrement(ref running);
            }

            SpinWait spin = default;
            while (Volatile.Read(ref running) != 0) spin.SpinOnce(sleep1Threshold: -1);
            state = null;
            if (failure is { } error) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
        }
        finally
        {
            Volatile.Write(ref busy, 0);
        }
    }

    private static void Run<TTask>(void* task, int index)
        where TTask : struct, IForked => Unsafe.AsRef<TTask>(task).Run(index);

    /// <summary>The same for a function of what lies at an address.</summary>
    internal static void For(int count, void* self, delegate*<void*, int, void> task) =>
        For(count, new Pointed { Self = self, Task = task });

    private struct Pointed : IForked
    {
        public void* Self;
        public delegate*<void*, int, void> Task;

        public readonly void Run(int index) => Task(Self, index);
    }

    /// <summary>
    /// Splits 0 to <paramref name="length"/> into ranges of at least <paramref name="grain"/> and runs them on all
    /// threads: for work whose result does not depend on the split.
    /// </summary>
    public static void ForRange(long length, long grain, Action<long, long> task) =>
        ForRange(length, grain, new DelegatedRange { Task = task });

    /// <summary>The same without an object for the task.</summary>
    internal static void ForRange<TTask>(long length, long grain, TTask task)
        where TTask : struct, IForkedRange =>
        // Ranges start at multiples of 64 elements, so that no two threads write to one cache line.
        Split(length, grain, 64, task);

    /// <summary>The same for lines, tiles or other units of many elements, which are split anywhere.</summary>
    internal static void ForUnits(long length, long grain, Action<long, long> task) =>
        ForUnits(length, grain, new DelegatedRange { Task = task });

    /// <summary>The same without an object for the task.</summary>
    internal static void ForUnits<TTask>(long length, long grain, TTask task)
        where TTask : struct, IForkedRange => Split(length, grain, 1, task);

    private static void Split<TTask>(long length, long grain, long multiple, TTask task)
        where TTask : struct, IForkedRange
    {
        long parts = Math.Min(Count, length / Math.Max(grain, 1));
        if (parts <= 1)
        {
            if (length > 0) task.Run(0, length);
            return;
        }

        long size = ((length + parts - 1) / parts + multiple - 1) / multiple * multiple;
        For((int)((length + size - 1) / size), new Ranged<TTask> { Task = task, Length = length, Size = size });
    }

    private struct Ranged<TTask> : IForked
        where TTask : struct, IForkedRange
    {
        public TTask Task;
        public long Length, Size;

        public readonly void Run(int index) => Task.Run(index * Size, Math.Min(Length, (index + 1) * Size));
    }

    private struct DelegatedRange : IForkedRange
    {
        public Action<long, long> Task;

        public readonly void Run(long from, long to) => Task(from, to);
    }

    /// <summary>
    /// Runs a garbage collection while the threads that spin do so as native code: to stop each of them, and to start it again,
    /// would take longer than the collection.
    /// </summary>
    internal static void Collect(int generation)
    {
        Worker[] workers = Threads.IsValueCreated ? Threads.Value : [];
        foreach (Worker worker in workers) worker.StepAside();
        GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
        foreach (Worker worker in workers) worker.StepBack();
    }

    private static void Drain()
    {
        delegate*<void*, int, void> run = body;
        void* task = state;
        try
        {
            for (int i; (i = Interlocked.Increment(ref nextTask) - 1) < taskCount;) run(task, i);
        }
        catch (Exception error)
        {
            failure = error;
            Volatile.Write(ref nextTask, int.MaxValue / 2);
        }
    }

    private readonly struct Delegated(Action<int> task) : IForked
    {
        public void Run(int index) => task(index);
    }

    private sealed class Worker
    {
        private readonly SemaphoreSlim signal = new(0);
        private const int Idle = 0, Asked = 1, Asleep = 2, Working = 3, Aside = 4;
        private int state;

        internal Worker(int index)
        {
            new Thread(Loop) { IsBackground = true, Name = $"Autodiff worker {index}" }.Start();
        }

        internal void Start()
        {
            if (Interlocked.Exchange(ref state, Asked) == Asleep) signal.Release();
        }

        /// <summary>Takes the request back; false when the worker has begun, or has already finished.</summary>
        internal bool TryWithdraw() => Interlocked.CompareExchange(ref state, Idle, Asked) == Asked;

        internal void StepAside() => Interlocked.CompareExchange(ref state, Aside, Idle);

        internal void StepBack() => Interlocked.CompareExchange(ref state, Idle, Aside);

        private void Loop()
        {
            while (true)
            {
                int seen;
                for (int i = 0; i < SpinsBeforeSleep && (seen = Volatile.Read(ref state)) != Asked; i++)
                {
                    Thread.SpinWait(seen == Aside ? NativeSpins : 1);
                }

                if (Interlocked.CompareExchange(ref state, Working, Asked) == Asked)
                {
                    Drain();
                    Volatile.Write(ref state, Idle);
                    Interlocked.Decrement(ref running);
                }
                else if (Interlocked.CompareExchange(ref state, Asleep, Idle) == Idle)
                {
                    signal.Wait();
                }
            }
        }
    }
}
