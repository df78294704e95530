/**
 * The trainer of a language model: the learner over a decoder transformer under a method, its batches of tokens, and its
 * readers. Everything of training itself stands in `learner.ts`.
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import type { FrozenInputs } from '#engine/session.ts';
import type { Feeds } from '#learning/feeds.ts';
import { createLearner, type Learner, type Pass } from '#learning/learner.ts';
import { applyMethod, type Method, type TrainedModel } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { readsPackedPositions } from '#learning/models/transformer.ts';
import { readsPositions, type RowsAsTrees, treeFeeds } from '#learning/models/trees.ts';
import type { Layers } from '#learning/nn/layers.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { type BatchLayout, type RowsLayout, rowsLoss, stepLoss } from '#learning/programs.ts';
import { type Readers, readersOf } from '#learning/readers.ts';
import type { Loss } from '#learning/loss.ts';
import type { Weights } from '#learning/weights.ts';

export interface TrainerConfig {
  readonly model: TransformerConfig;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  /** The shape of batches; of rows behind a prefix, that of most, since each brings its own. */
  readonly batch: BatchLayout | RowsLayout;
  /** Micro-batches whose gradients are added up to one optimizer step; default 1. */
  readonly accumulation?: number;
  /** Threads of the programs; default 1. */
  readonly threads?: number;
  /** Base weights that programs map from a file; those that are trained are read from `reset`'s base as ever. */
  readonly frozen?: FrozenInputs | undefined;
}

/** One micro-batch. M is the number of labelled positions. */
export interface Batch {
  /** Token ids, shape [B T]. */
  readonly tokens: Int32Array;
  /** The token to predict, shape [M]. */
  readonly labels: Int32Array;
  /** Weight of each label's loss, shape [M]; the loss is the weighted sum. */
  readonly weights: Float32Array;
  /** Where rows are packed: which row of its sequence each token belongs to, shape [B T]. */
  readonly segments?: Int32Array;
  /** Where rows are packed: the place of each token in its row, shape [B T]. */
  readonly positions?: Int32Array;
}

/** One micro-batch of rows behind a common prefix, as `prefixedSharing` lays them out. */
export interface RowsBatch {
  /** A program is compiled for each layout that is met, so they should be few. */
  readonly layout: RowsLayout;
  /** Token ids: the prefix, then row after row; shape [U]. */
  readonly tokens: Int32Array;
  /** The place of each token in its row, shape [U]. */
  readonly positions: Int32Array;
  /** The token, counted after the prefix, at each place after it, shape [B length]; and the way back, shape [U - prefix]. */
  readonly tokenOf: Int32Array;
  readonly placeOf: Int32Array;
  /** The tokens that predict, shape [M], and the tokens to predict, with the weight of each one's loss; the loss is the weighted sum. */
  readonly labelled: Int32Array;
  readonly labels: Int32Array;
  readonly weights: Float32Array;
}

/** What trains a language model, and reads what it has trained. */
export interface Trainer extends Readers, Omit<Learner, 'forwardBackward'> {
  /** The layers that the programs are built on, and what of them is trained. */
  readonly model: TrainedModel;
  /** As `Learner.reset`; an adapter is that of `base`, else a fresh one drawn from `rng`. @throws AssayError on a base that lacks a tensor. */
  reset(base: Weights, rng: Rng): void;
  /** The readers of the model through other layers, such as `model.layers` with sites changed (`nn/sites.ts`). */
  through(layers: Layers): Readers;
  /** Computes the loss and its gradients; from the second micro-batch since the last step, gradients are added. */
  forwardBackward(batch: Batch | RowsBatch): Promise<number>;
}

/** Builds and compiles a trainer; its weights are zero until `reset`. */
export async function createTrainer(config: TrainerConfig): Promise<Trainer> {
  const { optimizer, batch: layout, accumulation = 1, threads = 1 } = config;
  const model = applyMethod(config.method, config.model);
  const isTrained = new Set(model.trained.map(({ name }) => name));
  const fixed = model.base.filter(({ name }) => !isTrained.has(name));
  const frozen = stillFrozen(config.frozen, isTrained);
  const lossOf = (rows: RowsLayout): Loss => ({ loss: rowsLoss(config.model, model, rows) });
  const loss = 'prefix' in layout ? lossOf(layout) : { loss: stepLoss(config.model, model, layout) };
  const learner = await createLearner({
    parameters: model.trained,
    fixed,
    loss,
    optimizer,
    accumulation,
    threads,
    frozen,
  });
  const isLearned = config.model.positions.kind === 'learned';
  const feedsIn = (batch: Batch): Feeds => {
    if ('prefix' in layout) return feedsOf(batch, false);
    if (layout.trees === undefined) return feedsOf(batch, readsPackedPositions(config.model) && layout.packed === true);
    return treesFeeds(batch, { ...layout, trees: layout.trees }, readsPositions(config.model));
  };
  const passes = new Map<string, Promise<Pass | undefined>>();
  if ('prefix' in layout) passes.set(nameOf(layout), Promise.resolve(undefined));
  const passOf = async (rows: RowsLayout): Promise<Pass | undefined> => {
    const pass = passes.get(nameOf(rows)) ?? learner.another(lossOf(rows));
    passes.set(nameOf(rows), pass);
    return pass;
  };
  const through = (layers: Layers): Readers =>
    readersOf({ config: config.model, model: { ...model, layers }, frozen, threads }, learner.attach);
  return {
    ...learner,
    ...through(model.layers),
    model,
    through,
    reset(base, rng) {
      checkBase(model, frozen, base);
      learner.reset(base, rng);
    },
    forwardBackward: async (batch) =>
      'layout' in batch
        ? learner.forwardBackward(rowsFeeds(batch, isLearned), await passOf(batch.layout))
        : learner.forwardBackward(feedsIn(batch)),
  };
}

function nameOf({ rows, prefix, length, count, labels }: RowsLayout): string {
  return [rows, prefix, length, count, labels].join(' ');
}

function rowsFeeds(batch: RowsBatch, takesPositions: boolean): Feeds {
  const { tokens, labelled, labels, weights, tokenOf, placeOf, positions } = batch;
  const feeds = { tokens, labelled, labels, weights, 'token of': tokenOf, 'place of': placeOf };
  return takesPositions ? { ...feeds, positions } : feeds;
}

/** The inputs that the method does not train. */
function stillFrozen(frozen: FrozenInputs | undefined, isTrained: ReadonlySet<string>): FrozenInputs | undefined {
  if (frozen === undefined) return undefined;
  return { ...frozen, inputs: new Map([...frozen.inputs].filter(([name]) => !isTrained.has(name))) };
}

/** A base is whole: what it lacks is never drawn. */
function checkBase({ base }: TrainedModel, frozen: FrozenInputs | undefined, given: Weights): void {
  const lacking = base.find(({ name }) => !given.has(name) && frozen?.inputs.has(name) !== true);
  if (lacking === undefined) return;
  throw new AssayError(
    'file',
    `Base model: expected a tensor "${lacking.name}", found none. Are these the weights of this config?`,
  );
}

function treesFeeds({ tokens, labels, weights }: Batch, layout: RowsAsTrees, takesPositions: boolean): Feeds {
  const { positions, ...feeds } = treeFeeds(tokens, layout);
  return { ...feeds, labels, weights, ...(takesPositions ? { positions } : {}) };
}

function feedsOf({ tokens, labels, weights, segments, positions }: Batch, takesPositions: boolean): Feeds {
  return {
    tokens,
    labels,
    weights,
    ...(segments === undefined ? {} : { segments: Float32Array.from(segments) }),
    ...(positions === undefined || !takesPositions ? {} : { positions }),
  };
}
