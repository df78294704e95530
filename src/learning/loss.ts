/** One loss graph of named terms, and its gradient with respect to every trained parameter. */
import { AssayError } from '#base/errors.ts';
import { differentiate } from '#engine/differentiate.ts';
import { add, mul } from '#engine/ops/elementwise.ts';
import { topologicalOrder } from '#engine/order.ts';
import { describe, firstOutput, sameShape, type Shape, type Tensor } from '#engine/tensor.ts';

import { type TableOutputs, tablePartsOf } from './table-rows.ts';

/** A scalar, shape [], that is trained on as it is, or times a weight: a number, or a scalar that is fed. */
export type LossTerm = Tensor | { readonly term: Tensor; readonly weight: number | Tensor };

/** The terms of a loss by name; the loss is their weighted sum. */
export type Loss = Readonly<Record<string, LossTerm>>;

/** The output that holds the loss. */
export const LOSS_OUTPUT = 'loss';

/** The name of the output that holds a parameter's gradient. */
export function gradientOutput(parameter: string): string {
  return `gradient of ${parameter}`;
}

/** The outputs of a training program. */
export interface LossGraph {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Term -> the output that holds its value, without its weight. */
  readonly terms: ReadonlyMap<string, string>;
  /** Gradients of large tables to whose outputs rows are still to be added (`addTableRows`). */
  readonly tables: readonly TableOutputs[];
}

/**
 * The gradients of the parameters, the loss and its terms, as outputs of one program.
 * @param parameters What is trained; the loss reads each as an input of its name and shape.
 * @throws AssayError on a term that is no scalar, and on a parameter that no term reads, or reads in another shape.
 */
export function lossGraph(
  loss: Loss,
  parameters: readonly { readonly name: string; readonly shape: Shape }[],
): LossGraph {
  const terms = Object.entries(loss).map(([name, term]) => ({
    name,
    ...('term' in term ? term : { term, weight: 1 }),
  }));
  for (const { name, term } of terms) checkScalar(name, term);
  const total = weightedTotal(terms);
  const nodes = parameterNodes(total, parameters);
  const gradients = differentiate(total, nodes.flat());
  let next = 0;
  const named = parameters.map(({ name }, i): [string, Tensor] => {
    // A parameter that was written as an input more than once has one gradient: the sum.
    const own = gradients.slice(next, (next += nodes[i]?.length ?? 0));
    return [gradientOutput(name), own.reduce(add)];
  });
  const { plain, rows, whole, tables } = withoutTables(named);
  const isOne = terms.length === 1 && terms[0]?.term === total;
  const values = isOne ? [] : terms.map(({ name, term }): [string, Tensor] => [`term ${name}`, term]);
  return {
    // The runtime begins at the end: the loss, which lets softmax and its gradient write over the logits; what else reads that gradient;
    // and so on down to the embeddings.
    outputs: Object.fromEntries([...rows, ...plain, ...whole, [LOSS_OUTPUT, total], ...values]),
    terms: new Map(terms.map(({ name }) => [name, isOne ? LOSS_OUTPUT : `term ${name}`])),
    tables,
  };
}

type Named = readonly (readonly [string, Tensor])[];

/** Gradients of large tables as outputs of their parts, which `tables` names. */
function withoutTables(gradients: Named): {
  readonly plain: Named;
  readonly rows: Named;
  readonly whole: Named;
  readonly tables: readonly TableOutputs[];
} {
  const split = gradients.map(([name, gradient]) => ({ name, gradient, parts: tablePartsOf(gradient) }));
  const tables = split.flatMap(({ name, parts }) =>
    parts === undefined ? [] : [{ whole: name, rows: `rows of ${name}`, indices: `indices of ${name}`, parts }],
  );
  return {
    plain: split.flatMap(({ name, gradient, parts }): Named => (parts === undefined ? [[name, gradient]] : [])),
    rows: tables.flatMap(({ rows, indices, parts }): Named => [
      [rows, parts.rows],
      [indices, parts.indices],
    ]),
    whole: tables.map(({ whole, parts }): Named[number] => [whole, parts.whole]),
    tables,
  };
}

function weightedTotal(terms: readonly { readonly term: Tensor; readonly weight: number | Tensor }[]): Tensor {
  const [first, ...rest] = terms.map(({ term, weight }) => (weight === 1 ? term : mul(term, weight)));
  if (first === undefined) throw new AssayError('shape', 'Loss: expected at least one term, found none.');
  return rest.reduce((sum, term) => add(sum, term), first);
}

function checkScalar(name: string, term: Tensor): void {
  if (term.shape.length === 0) return;
  throw new AssayError('shape', `Loss term "${name}": expected a scalar, shape [], found ${describe(term)}.`);
}

/** Every input node of each parameter's name. */
function parameterNodes(
  loss: Tensor,
  parameters: readonly { readonly name: string; readonly shape: Shape }[],
): readonly (readonly Tensor[])[] {
  const byName = new Map<string, Tensor[]>();
  for (const node of topologicalOrder([loss])) {
    if (node.kind !== 'input') continue;
    const { name } = node.attributes;
    byName.set(name, [...(byName.get(name) ?? []), firstOutput(node)]);
  }
  return parameters.map(({ name, shape }) => {
    const found = byName.get(name) ?? [];
    if (found.length > 0 && found.every((tensor) => sameShape(tensor.shape, shape))) return found;
    const read = found.length === 0 ? 'none' : found.map(describe).join(', ');
    throw new AssayError(
      'shape',
      `Parameter "${name}": expected the loss to read it as an input of shape [${shape.join(', ')}], found ${read}.`,
    );
  });
}
