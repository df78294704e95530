/** The order in which a graph can be computed: every node after those it reads. */
import type { Node, Tensor } from '#engine/tensor.ts';

/** The nodes that the outputs depend on, inputs first; the order follows from the graph alone. Iterative: graphs are deep. */
export function topologicalOrder(outputs: readonly Tensor[]): readonly Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const stack = outputs.map(({ node }) => node).toReversed();
  while (stack.length > 0) {
    const node = stack.at(-1);
    if (node === undefined) break;
    const seen = state.get(node);
    if (seen === undefined) {
      state.set(node, 'open');
      for (const { node: source } of node.inputs.toReversed()) if (!state.has(source)) stack.push(source);
    } else {
      stack.pop();
      if (seen === 'open') order.push(node);
      state.set(node, 'done');
    }
  }
  return order;
}
