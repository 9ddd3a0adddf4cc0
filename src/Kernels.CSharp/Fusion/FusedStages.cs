namespace Autodiff.Kernels;

/// <summary>
/// In which walk over a row each node of an expression is computed: a node that needs a reduction of the row is computed in a
/// walk after the reduction's. What later walks need of earlier ones is read again, computed again if that is as cheap, or
/// kept in a buffer of one row.
/// </summary>
internal sealed class FusedStages
{
    private readonly FusedGraph graph;
    private readonly int[] stages;
    private readonly bool[] isRow;
    private readonly int[] outputs;
    private readonly int[] slots;
    private readonly int[] lastRead;

    internal FusedStages(FusedGraph graph)
    {
        this.graph = graph;
        FusedNode[] nodes = [.. graph.Nodes];
        stages = new int[nodes.Length];
        isRow = new bool[nodes.Length];
        outputs = new int[nodes.Length];
        slots = new int[nodes.Length];
        lastRead = new int[nodes.Length];
        Array.Fill(outputs, -1);
        Array.Fill(slots, -1);
        for (int i = 0; i < nodes.Length; i++)
        {
            foreach (int operand in nodes[i].Operands) stages[i] = Math.Max(stages[i], stages[operand]);
            if (nodes[i].Kind == FusedKind.Reduce) stages[i]++;
            isRow[i] = nodes[i].Kind is FusedKind.Constant or FusedKind.Reduce
                || nodes[i].Kind != FusedKind.Input && nodes[i].Operands.All(operand => isRow[operand]);
        }

        Count = stages.Append(0).Max() + 1;
        for (int i = 0; i < graph.Outputs.Count; i++)
        {
            FusedOutput output = graph.Outputs[i];
            if (output.Reduction is null && !isRow[output.Node]) outputs[output.Node] = i;
        }

        // From the last walk back, so that what is kept for a later one is known when an earlier one is looked at.
        for (int stage = Count - 1; stage >= 0; stage--)
        {
            var seen = new bool[nodes.Length];
            foreach (int root in Roots(stage)) Read(root, stage, seen);
        }
    }

    /// <summary>The number of walks.</summary>
    internal int Count { get; }

    /// <summary>The number of buffers.</summary>
    internal int Slots { get; private set; }

    /// <summary>The walk in which a node is first computed.</summary>
    internal int Of(int node) => stages[node];

    /// <summary>The last walk that reads an operand.</summary>
    internal int LastRead(int input) => lastRead[graph.Nodes.Index().Where(n => n.Item.Kind == FusedKind.Input).ElementAt(input).Index];

    /// <summary>The buffer of a node that is kept for later walks; -1 if it has none.</summary>
    internal int Slot(int node) => slots[node];

    /// <summary>The result from which later walks read a node; -1 if there is none.</summary>
    internal int OutputOf(int node) => outputs[node];

    /// <summary>Whether a later walk computes a node again: one cheap step from what it can read, or has at hand.</summary>
    internal bool IsRepeated(int node) =>
        outputs[node] < 0 && (graph.Nodes[node].Operator?.Cost ?? 1) <= 1
        && graph.Nodes[node].Operands.All(operand => isRow[operand] || graph.Nodes[operand].Kind == FusedKind.Input);

    /// <summary>What a walk is for: results, what is reduced, and what is kept.</summary>
    internal IEnumerable<int> Roots(int stage) =>
        graph.Outputs.Where(output => output.Reduction is not null || !isRow[output.Node]).Select(output => output.Node)
            .Concat(graph.Nodes.Where(node => node.Kind == FusedKind.Reduce).Select(node => node.X))
            .Concat(Enumerable.Range(0, slots.Length).Where(node => slots[node] >= 0))
            .Where(node => stages[node] == stage);

    private void Read(int node, int stage, bool[] seen)
    {
        if (seen[node] || isRow[node]) return;
        seen[node] = true;
        if (graph.Nodes[node].Kind == FusedKind.Input) lastRead[node] = Math.Max(lastRead[node], stage);
        else if (stages[node] == stage || IsRepeated(node)) foreach (int operand in graph.Nodes[node].Operands) Read(operand, stage, seen);
        else if (outputs[node] < 0 && slots[node] < 0) slots[node] = Slots++;
    }
}
