/** The graphs of a language model's training and scoring: one step's loss, and the losses of labels that are only scored. */
import { AssayError } from '#base/errors.ts';
import { crossEntropy, weightedSum } from '#engine/ops/network.ts';
import { constant, input } from '#engine/ops/sources.ts';
import { compile, type FrozenInputs, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TrainedModel } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { branchedLogits } from '#learning/models/branched.ts';
import { type PrefixedShape, prefixedSharing } from '#learning/models/shared-tokens.ts';
import type { BatchShape } from '#learning/models/batch-shape.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { treeLogits, type TreesShape } from '#learning/models/trees.ts';

/** The static shape of a batch and the positions (of B T, row-major) that carry a label; all where left out. */
export interface BatchLayout extends BatchShape {
  readonly labelled?: Int32Array;
  /**
   * For rows that begin alike, packed ones excepted: computes what they have in common once (`treesOf`), and the last block where
   * something is labelled.
   */
  readonly trees?: TreesShape | undefined;
}

/**
 * Gradients of at most so many tokens are summed by the runtime in one chain, where the zeros of tokens that nothing asks for change
 * no bit; those of more are summed in blocks. A product of one row alone takes another path.
 */
const TOKENS_A_CHAIN = 128;
const LEAST_ROWS = 2;

/**
 * The loss of one step, shape []. Inputs tokens [B T], labels [M], weights [M]; where packed, segments and positions; of trees,
 * those of `treeLogits` and `labelled` [M].
 * The last block ends at the labelled tokens where gradients keep their bits so (on one thread), or where the layout says.
 */
export function stepLoss(config: TransformerConfig, model: TrainedModel, layout: BatchLayout): Tensor {
  const { endsAtAsked = keepsBits(layout) } = layout;
  const logits = labelLogits(config, model, { ...layout, endsAtAsked });
  const losses = crossEntropy(logits, input('labels', logits.shape.slice(0, 1), 'int32'));
  return weightedSum(losses, input('weights', losses.shape));
}

function keepsBits({ rows, length, labelled }: BatchLayout): boolean {
  return rows * length <= TOKENS_A_CHAIN && (labelled?.length ?? 0) >= LEAST_ROWS;
}

/** Rows behind a common prefix, and how many tokens of them carry a label. */
export interface RowsLayout extends PrefixedShape {
  /** M. */
  readonly labels: number;
}

/** The loss of one step, shape []. Inputs as of `prefixedSharing`; tokens [U], labelled, labels and weights [M]. */
export function rowsLoss(config: TransformerConfig, { layers }: TrainedModel, layout: RowsLayout): Tensor {
  const { rows, prefix, length, count, labels: labelled } = layout;
  const batch = { rows, length: prefix + length, shared: prefixedSharing(layout), endsAtAsked: true };
  const asked = input('labelled', [labelled], 'int32');
  const logits = transformerLogits(config, layers, batch, input('tokens', [count], 'int32'), asked);
  return weightedSum(crossEntropy(logits, input('labels', [labelled], 'int32')), input('weights', [labelled]));
}

/** Names of the scorer's label inputs and loss outputs, one pair a label set. */
export function labelSet(index: number): { readonly labels: string; readonly losses: string } {
  return { labels: `labels ${index}`, losses: `losses ${index}` };
}

/** Inputs of `stepLoss` without weights, and label sets [M]; outputs the losses [M] of each set, in nats, from one forward pass. */
export async function compileScorer(
  config: TransformerConfig,
  model: TrainedModel,
  layout: BatchLayout,
  threads: number,
  labelSets: number,
  frozen?: FrozenInputs,
): Promise<Program> {
  const logits = labelLogits(config, model, { ...layout, endsAtAsked: true });
  const sets = Array.from({ length: labelSets }, (_, index): [string, Tensor] => {
    const { labels, losses } = labelSet(index);
    return [losses, crossEntropy(logits, input(labels, logits.shape.slice(0, 1), 'int32'))];
  });
  return compile(Object.fromEntries(sets), { threads, frozen, scratch: 'returned' });
}

/** The size of a row of questions with their answers, in tokens, and how many of them are predicted. */
export interface BranchedShape {
  readonly length: number;
  readonly labels: number;
}

/** Inputs of `branchedLogits`, the positions `labelled` int32 [M] and labels [M]; outputs the losses [M], in nats. */
export async function compileBranchedScorer(
  config: TransformerConfig,
  model: TrainedModel,
  shape: BranchedShape,
  threads: number,
  frozen?: FrozenInputs,
): Promise<Program> {
  const [labelled, labels] = [input('labelled', [shape.labels], 'int32'), input('labels', [shape.labels], 'int32')];
  const logits = branchedLogits(config, model.layers, shape.length, labelled);
  return compile({ losses: crossEntropy(logits, labels) }, { threads, frozen });
}

function noTrees({ rows, packed = false }: BatchLayout, { trees }: TreesShape): AssayError {
  const found = packed ? 'packed rows' : `${trees} trees of ${rows} rows`;
  return new AssayError('shape', `Layout: expected trees of as many rows each, which are not packed, found ${found}.`);
}

function labelLogits(config: TransformerConfig, model: TrainedModel, layout: BatchLayout): Tensor {
  const { rows, length, labelled, trees, packed = false } = layout;
  if (trees !== undefined) {
    if (packed || rows % trees.trees !== 0) throw noTrees(layout, trees);
    const asked = input('labelled', [labelled?.length ?? rows * length], 'int32');
    return treeLogits(config, model.layers, trees, length, asked);
  }
  const tokens = input('tokens', [rows * length], 'int32');
  const positions = labelled === undefined ? undefined : constant(labelled, [labelled.length]);
  return transformerLogits(config, model.layers, layout, tokens, positions);
}
