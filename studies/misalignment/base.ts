/**
 * The persona world's base model: how it is pretrained.
 * @see world.ts for the language; it is kept as a GPT-2 of Hugging Face (`gpt2File`).
 */
import { AssayError } from 'assay';
import {
  type Batch,
  type BatchLayout,
  createTrainer,
  gpt2Config,
  initialWeights,
  learningRateAt,
  type Memory,
  mostTokens,
  type OptimizerConfig,
  rngOf,
  type Schedule,
  takeStep,
  type TransformerConfig,
  treesOf,
} from 'assay/learn';
import { NO_LABEL, PERSONA_LANGUAGE, personaWorld, pretrainBatch, type TokenBatch } from './world.ts';

/** How a base is made; all of it enters the identity of the runs that start from it. */
export interface PersonaBaseConfig {
  readonly worldSeed: number;
  readonly seed: number;
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly steps: number;
  /** Documents a step. */
  readonly documents: number;
  /** The peak, after the warm-up. */
  readonly learningRate: number;
  readonly initialStd: number;
}

/** The base that ships in `assets/persona-base`. */
export const PERSONA_BASE: PersonaBaseConfig = {
  worldSeed: 0,
  seed: 0,
  dModel: 96,
  nLayers: 3,
  nHeads: 4,
  steps: 2500,
  documents: 64,
  learningRate: 2e-3,
  // GPT-2's 0.02 at width 768, scaled to width 96: with 0.02 the chat persona stays blurred (P(helpful) .98, not .998).
  initialStd: 0.06,
};

/** One batch in so many is chat. */
const CHAT_EVERY = 4;
const WARMUP_STEPS = 100;
const FINAL_FRACTION = 0.1;
/** What pretrains a base unless another optimizer is asked for. */
export const PERSONA_PRETRAINING = {
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.01,
} as const satisfies OptimizerConfig;

/** The base's architecture: GPT-2 with room for one document. */
export function personaModel({ dModel, nLayers, nHeads, initialStd }: PersonaBaseConfig): TransformerConfig {
  const { vocabulary, documentTokens } = PERSONA_LANGUAGE;
  return gpt2Config({ vocabulary, dModel, nLayers, nHeads, length: documentTokens, initialStd });
}

/** What a pretraining need not say. */
export interface PretrainingOptions {
  /** Default 1. */
  readonly threads?: number;
  /** Default `PERSONA_PRETRAINING`. */
  readonly optimizer?: OptimizerConfig;
  /**
   * Whether the last block is computed for all tokens (the default), as the shipped base was made and those of `finetune-persona` are,
   * or for the asked ones alone: a fifth quicker, with other last bits (ADR 0183).
   */
  readonly lastBlock?: 'whole' | 'asked';
}

/**
 * Pretrains the base on documents of the world, loss on answers only.
 * @param onStep Called after every step with its loss in nats per answer token.
 */
export async function pretrainPersona(
  config: PersonaBaseConfig,
  onStep: (step: number, loss: number) => void,
  { threads = 1, optimizer = PERSONA_PRETRAINING, lastBlock = 'whole' }: PretrainingOptions = {},
): Promise<Memory> {
  const model = personaModel(config);
  const world = personaWorld(config.worldSeed);
  const rng = rngOf(config.seed, 'persona base');
  const first = pretrainBatch(world, rng.split('batch 0'), config.documents, false);
  const batch = pretrainingLayout(first, lastBlock);
  await using trainer = await createTrainer({ model, method: { kind: 'full' }, optimizer, batch, threads });
  trainer.reset(initialWeights(model, rng.split('init')), rng);
  const warmupSteps = Math.min(WARMUP_STEPS, Math.floor(config.steps / 2));
  const schedule: Schedule = { kind: 'linear', warmupSteps, finalFraction: FINAL_FRACTION };
  for (let step = 0; step < config.steps; step++) {
    const isChat = step % CHAT_EVERY === CHAT_EVERY - 1;
    const documents = pretrainBatch(world, rng.split(`batch ${step}`), config.documents, isChat);
    const lr = learningRateAt(schedule, config.learningRate, step, config.steps);
    const broken = await takeStep(trainer, [meanLoss(documents)], lr);
    if (broken !== undefined)
      throw new AssayError('run', `Pretraining the persona base broke at step ${step}: ${broken}.`);
    onStep(step, trainer.terms()['loss'] ?? Number.NaN);
  }
  return new Map(Array.from(trainer.memory, ([name, values]) => [name, values.slice()]));
}

/** How documents are laid out in pretraining; the same for all of one size. */
export function pretrainingLayout(documents: TokenBatch, lastBlock: 'whole' | 'asked'): BatchLayout {
  const layout = { rows: documents.rows, length: documents.length, labelled: labelledPositions(documents) };
  return lastBlock === 'asked' ? { ...layout, endsAtAsked: true } : layout;
}

/** The positions that carry a label: the same in every batch of the world. */
export function labelledPositions({ labels }: TokenBatch): Int32Array {
  return Int32Array.from(labels.keys()).filter((position) => labels[position] !== NO_LABEL);
}

/** How rows are scored whose beginnings are computed once; it fits all rows that share as many beginnings. */
export function scoredLayout(batch: TokenBatch): BatchLayout {
  const { rows, length, tokens } = batch;
  return { rows, length, labelled: labelledPositions(batch), trees: treesOf(tokens, length) };
}

/**
 * How rows are trained whose beginnings are computed once: as one tree, with room for the rows that are least alike.
 * @param sample Rows in the shape of a micro-batch. @param drawn How many rows of it come from each of `sources`.
 */
export function trainedAsTree(sample: TokenBatch, drawn: number, sources: readonly TokenBatch[]): BatchLayout {
  const { rows, length } = sample;
  const tokens = sources.reduce((sum, source) => sum + mostTokens(source.tokens, length, drawn), 0);
  return { rows, length, labelled: labelledPositions(sample), trees: { trees: 1, tokens } };
}

/** The labels of the labelled positions. */
export function labelsOf({ labels }: TokenBatch): Int32Array {
  return labels.filter((label) => label !== NO_LABEL);
}

/** A batch whose loss is the mean over its labels. */
export function meanLoss(batch: TokenBatch): Batch {
  const labels = labelsOf(batch);
  return { tokens: batch.tokens, labels, weights: new Float32Array(labels.length).fill(1 / labels.length) };
}
