/**
 * Reverse mode: one walk over the graph, last node first. Each node hands the gradient of its output to the row of
 * its primitive in `gradients.ts`; what broadcasting had repeated is summed back here and nowhere else.
 */
import { GRADIENTS, type Gradient } from '#engine/gradients.ts';
import { add } from '#engine/ops/elementwise.ts';
import { sumTo } from '#engine/ops/layout.ts';
import { scalar } from '#engine/ops/sources.ts';
import { topologicalOrder } from '#engine/order.ts';
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
  const gradientOf = new Map<Node, Tensor>([[loss.node, scalar(1)]]);
  for (const node of order.toReversed()) {
    const dy = gradientOf.get(node);
    if (dy === undefined || !active.has(node)) continue;
    const y: Tensor = firstOutput(node);
    inputGradients(node, y, dy).forEach((gradient, position) => {
      const source = node.inputs[position];
      if (gradient === undefined || source === undefined || !active.has(source.node)) return;
      if (source.output !== 0) throw new Error(`${source.node.kind}: only output 0 can be differentiated`);
      const share = sumTo(gradient, source.shape);
      const sofar = gradientOf.get(source.node);
      gradientOf.set(source.node, sofar === undefined ? share : add(sofar, share));
    });
  }
  return wrt.map((tensor) => {
    const gradient = gradientOf.get(tensor.node);
    if (gradient === undefined) {
      throw shapeError(`differentiate: the loss does not depend on ${describe(tensor)}`, 'a loss that does');
    }
    return gradient;
  });
}

/** The nodes on a path from one of the sources: only through them does a gradient need to flow. */
function activeNodes(order: readonly Node[], sources: ReadonlySet<Node>): ReadonlySet<Node> {
  const active = new Set<Node>(sources);
  for (const node of order) if (node.inputs.some((input) => active.has(input.node))) active.add(node);
  return active;
}

function inputGradients<P extends PrimitiveName>(node: NodeOf<P>, y: Tensor, dy: Tensor): readonly Gradient[] {
  return GRADIENTS[node.kind](node, y, dy);
}
