/**
 * What is computed once more on the way back instead of being kept: wide activations that cost little beside the products around them.
 * A remade node is the same operation on the same numbers, so no bit changes.
 */
import { axisLength, type Node, type PrimitiveName, sizeOf, type Tensor } from '#engine/tensor.ts';

/** What a gradient reads in the place of a tensor: the tensor, or one that is computed again. */
export type Remaker = (tensor: Tensor) => Tensor;

/** Operations without matrix products of their own, and attention, whose products are small beside those of wide layers. */
const CHEAP: ReadonlySet<PrimitiveName> = new Set(['swiglu', 'rmsNorm', 'layerNorm', 'attention']);
/** Operations that only move numbers: remade where what they move is. */
const MOVES: ReadonlySet<PrimitiveName> = new Set(['reshape', 'transpose']);
/** Tensors of at least so many values are remade, in models whose norms are at least so wide. */
const [LEAST_VALUES, LEAST_WIDTH] = [2 ** 18, 512];

/**
 * Remakes tensors of a graph, each once, where the graph is wide. Narrower models have memory to spare, and there attention costs a
 * larger share: about length / (6 width) of the products of a forward pass.
 * @param graph All nodes, in any order.
 */
export function remaker(graph: readonly Node[]): Remaker {
  if (!graph.some(isWideNorm)) return (tensor) => tensor;
  const known = new Map<Node, Node>();
  const remade = (tensor: Tensor): Tensor => {
    const { node } = tensor;
    if (!isRemade(node)) return tensor;
    const again = known.get(node) ?? { ...withInputs(node, node.inputs.map(remade)), isRemade: true };
    known.set(node, again);
    return { ...tensor, node: again };
  };
  return remade;
}

/** The node on other inputs of the same shapes. */
export function withInputs(node: Node, inputs: readonly Tensor[]): Node {
  // Sound, but beyond tsc: as many inputs as the node has.
  return { ...node, inputs } as Node;
}

function isWideNorm({ kind, inputs: [x] }: Node): boolean {
  return (kind === 'rmsNorm' || kind === 'layerNorm') && x !== undefined && axisLength(x, -1) >= LEAST_WIDTH;
}

function isRemade({ kind, inputs, outputs }: Node): boolean {
  if (MOVES.has(kind)) return inputs.every(({ node }) => isRemade(node));
  return CHEAP.has(kind) && outputs.some(({ shape }) => sizeOf(shape) >= LEAST_VALUES);
}
