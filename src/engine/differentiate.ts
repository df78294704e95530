/**
 * Reverse mode: one walk over the graph, last node first. Each node hands the gradient of its output to the row of
 * its primitive in `gradients.ts`; what broadcasting had repeated is summed back here and nowhere else.
 */
import { GRADIENTS, type Gradient } from '#engine/gradients.ts';
import { add } from '#engine/ops/elementwise.ts';
import { concat, sumTo } from '#engine/ops/layout.ts';
import { scalar } from '#engine/ops/sources.ts';
import { topologicalOrder } from '#engine/order.ts';
import { remaker, type Remaker, withInputs } from '#engine/remade.ts';
import {
  describe,
  shapeError,
  firstOutput,
  type Node,
  type NodeOf,
  type PrimitiveName,
  type Tensor,
} from '#engine/tensor.ts';

/**
 * The gradients of a scalar loss with respect to each tensor of `wrt` (inputs, or any output 0), as tensors of the same shapes.
 * @throws ShapeError if the loss is no scalar or does not depend on one of them.
 */
export function differentiate(loss: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  if (loss.shape.length !== 0) throw shapeError(`differentiate: loss is ${describe(loss)}`, 'a scalar, shape []');
  const order = topologicalOrder([loss]);
  const active = activeNodes(order, new Set(wrt.map(({ node }) => node)));
  const remade = remaker(order);
  const sharesOf = new Map<Node, readonly Share[]>([[loss.node, [{ gradient: scalar(1) }]]]);
  for (const node of order.toReversed()) {
    const shares = sharesOf.get(node);
    if (shares === undefined || !active.has(node)) continue;
    const dy = total(shares);
    inputGradients(...backwards(node, remade), dy).forEach((gradient, position) => {
      const source = node.inputs[position];
      if (gradient === undefined || source === undefined || !active.has(source.node)) return;
      if (source.output !== 0) throw new Error(`${source.node.kind}: only output 0 can be differentiated`);
      const share = {
        gradient: sumTo(gradient, source.shape),
        ...(node.kind === 'slice' && { piece: pieceOf(node, dy) }),
      };
      sharesOf.set(source.node, [...(sharesOf.get(source.node) ?? []), share]);
    });
  }
  return wrt.map((tensor) => {
    const shares = sharesOf.get(tensor.node);
    if (shares === undefined) {
      throw shapeError(`differentiate: the loss does not depend on ${describe(tensor)}`, 'a loss that does');
    }
    return total(shares);
  });
}

/** What one use of a tensor gives to its gradient; where that use is a slice, also as the piece without the zeros around it. */
interface Share {
  readonly gradient: Tensor;
  readonly piece?: Piece;
}

interface Piece {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly gradient: Tensor;
}

function pieceOf({ attributes }: NodeOf<'slice'>, gradient: Tensor): Piece {
  return { ...attributes, gradient };
}

/** The sum, in order; pieces that tile the tensor are joined, which is their sum without the zeros. */
function total(shares: readonly Share[]): Tensor {
  const whole = joined(shares);
  const first = shares.findIndex(({ piece }) => piece !== undefined);
  const terms = shares.flatMap(({ gradient, piece }, i) => {
    if (whole === undefined || piece === undefined) return [gradient];
    return i === first ? [whole] : [];
  });
  return terms.reduce(add);
}

function joined(shares: readonly Share[]): Tensor | undefined {
  const pieces = shares.flatMap(({ piece }) => piece ?? []).toSorted((a, b) => a.start - b.start);
  const [first] = pieces;
  const [share] = shares;
  if (first === undefined || share === undefined) return undefined;
  const ends = [0, ...pieces.map(({ end }) => end)];
  const tiles = pieces.every(({ axis, start }, i) => axis === first.axis && start === ends[i]);
  if (!tiles || ends.at(-1) !== share.gradient.shape[first.axis]) return undefined;
  return concat(
    pieces.map(({ gradient }) => gradient),
    first.axis,
  );
}

/** The nodes on a path from one of the sources: only through them does a gradient need to flow. */
function activeNodes(order: readonly Node[], sources: ReadonlySet<Node>): ReadonlySet<Node> {
  const active = new Set<Node>(sources);
  for (const node of order) if (node.inputs.some((input) => active.has(input.node))) active.add(node);
  return active;
}

/** A node as its gradient reads it: inputs, and an attention's outputs, are remade where they are not kept. */
function backwards(node: Node, remade: Remaker): readonly [node: Node, y: Tensor] {
  const y = firstOutput(node);
  return [withInputs(node, node.inputs.map(remade)), node.kind === 'attention' ? remade(y) : y];
}

function inputGradients<P extends PrimitiveName>(node: NodeOf<P>, y: Tensor, dy: Tensor): readonly Gradient[] {
  return GRADIENTS[node.kind](node, y, dy);
}
