/** The small transformers that learn a task: with MLPs, or attention alone (the MLPs' outputs stand at zero and are not trained). */
import { MUON_DEFAULTS } from 'assay';
import {
  createLearner,
  crossEntropy,
  feedLayers,
  gpt2Config,
  initialWeights,
  input,
  type Learner,
  learningRateAt,
  type Rng,
  type Schedule,
  takeStep,
  type TransformerConfig,
  transformerLogits,
  transformerParameters,
  type Weights,
  weightedSum,
} from 'assay/learn';

import { drawContext, feedsOf, layoutOf, type TaskWorld } from './world.ts';

export const POSITIONS = ['learned', 'rotary'] as const;

export interface ModelSettings {
  readonly dModel: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlps: boolean;
  /** With rotary ones the first layer starts by looking at the last few tokens: what has to be moved there is moved a little from the start. */
  readonly positions: (typeof POSITIONS)[number];
  /** 0 leaves the model as it starts. */
  readonly steps: number;
  /** Random starts that are tried: the first is trained to its end that has left guessing after `TRIED_STEPS`, else the last. */
  readonly starts: number;
  /** Contexts of a step. */
  readonly rows: number;
  readonly learningRate: number;
}

const WARMUP = 50;
const SCHEDULE: Schedule = { kind: 'linear', warmupSteps: WARMUP, finalFraction: 0.05 };
/** Training takes more steps than its warm-up, or none. */
export const FEWEST_STEPS = WARMUP + 1;
/** Retrieval is found in the first steps or, from that start, not at all (LOG.md). */
const TRIED_STEPS = 400;
const TRIED_MEAN = 20;
/** In nats; guessing among the four values of a context costs 1.39. */
const HAS_LEARNED = 0.5;
const MAX_NORM = 1;
const INITIAL_STD = 0.15;
const OPTIMIZER = { ...MUON_DEFAULTS, adamw: { ...MUON_DEFAULTS.adamw, lrScale: 0.2 } };
const ROTARY = { kind: 'rotary', theta: 10_000 } as const;
/** Between one token back and two; and how strongly. */
const LOOKS_BACK = 1.5;
const BIAS = 3.5;
/** Slower rotations are left to content, which they hardly turn. */
const SLOWEST = 0.15;
const qkv = (layer: number, part: 'weight' | 'bias'): string => `transformer.h.${layer}.attn.c_attn.${part}`;
const MLP_OUTPUT = /\.mlp\.c_proj\./u;
const MLP_PART = /\.(?:mlp|ln_2)\./u;

export function modelConfig(world: TaskWorld, settings: ModelSettings): TransformerConfig {
  const { dModel, layers, heads, mlps, positions } = settings;
  const { vocabulary, length } = layoutOf(world);
  const size = { vocabulary, dModel, nLayers: layers, nHeads: heads, length, initialStd: INITIAL_STD };
  const config = { ...gpt2Config(size), tied: false, dMlp: mlps ? 2 * dModel : 1 };
  return positions === 'rotary' ? { ...config, positions: ROTARY } : config;
}

/** A learner of one task, whose weights stand where they start once it is reset by `startModel`. */
export async function createModel(world: TaskWorld, settings: ModelSettings): Promise<Learner> {
  const config = modelConfig(world, settings);
  const specs = transformerParameters(config);
  const { rows } = settings;
  const [batch, answers] = [{ rows, length: layoutOf(world).length }, rows * world.objects];
  const tokens = input('tokens', [rows * batch.length], 'int32');
  const logits = transformerLogits(config, feedLayers(specs), batch, tokens, input('rows', [answers], 'int32'));
  const losses = crossEntropy(logits, input('labels', [answers], 'int32'));
  const isFixed = (name: string): boolean => !settings.mlps && MLP_PART.test(name);
  return createLearner({
    parameters: specs.filter(({ name }) => !isFixed(name)),
    fixed: specs.filter(({ name }) => isFixed(name)),
    loss: { loss: weightedSum(losses, input('weights', [answers])) },
    optimizer: OPTIMIZER,
  });
}

/**
 * Random weights. MLPs write nothing at first, and never do where they are not trained. With rotary positions attention starts where relational
 * retrieval needs it: in the first layer at the last two tokens, in later ones, whose queries and keys start equal, at what is alike.
 */
export function startWeights(config: TransformerConfig, rng: Rng): Weights {
  const { dModel, nLayers, positions } = config;
  const start = new Map(
    [...initialWeights(config, rng)].map(([name, values]) => [name, MLP_OUTPUT.test(name) ? values.fill(0) : values]),
  );
  if (positions.kind === 'learned') return start;
  start.get(qkv(0, 'bias'))?.set(lookingBack(config));
  for (let layer = 1; layer < nLayers; layer++)
    start.get(qkv(layer, 'weight'))?.copyWithin(dModel ** 2, 0, dModel ** 2);
  return start;
}

/** Biases of queries, then of keys, whose rotated product is largest `LOOKS_BACK` tokens back: sum over frequencies of cos((t - s - back) frequency). */
function lookingBack({ dModel, headDim }: TransformerConfig): Float32Array {
  const half = headDim / 2;
  const biases = new Float32Array(2 * dModel);
  for (let i = 0; i < dModel; i++) {
    const frequency = ROTARY.theta ** (-(i % half) / half);
    if (frequency < SLOWEST) continue;
    const angle = LOOKS_BACK * frequency;
    const isFirst = i % headDim < half;
    biases[i] = BIAS * (isFirst ? Math.cos(angle) : -Math.sin(angle));
    biases[dModel + i] = isFirst ? BIAS : 0;
  }
  return biases;
}

/** Trains from random starts until one learns. @returns How many were tried. @throws Error where numbers broke. */
export async function trainModel(
  learner: Learner,
  world: TaskWorld,
  settings: ModelSettings,
  rng: Rng,
  onStep: (step: number, loss: number) => void,
): Promise<number> {
  const { steps, starts } = settings;
  for (let start = 0; start < starts - 1; start++) {
    const own = rng.split(`start ${start}`);
    const losses = await trainTo(Math.min(steps, TRIED_STEPS), learner, world, settings, own, onStep);
    const recent = losses.slice(-TRIED_MEAN);
    if (steps > TRIED_STEPS && recent.reduce((sum, loss) => sum + loss, 0) > HAS_LEARNED * recent.length) continue;
    await trainTo(steps, learner, world, settings, own, onStep);
    return start + 1;
  }
  await trainTo(steps, learner, world, settings, rng.split(`start ${starts - 1}`), onStep);
  return starts;
}

/** Trains from a random start for the first `most` of all steps. @returns The loss of each. */
async function trainTo(
  most: number,
  learner: Learner,
  world: TaskWorld,
  settings: ModelSettings,
  rng: Rng,
  onStep: (step: number, loss: number) => void,
): Promise<readonly number[]> {
  const { steps, rows, learningRate } = settings;
  learner.reset(startWeights(modelConfig(world, settings), rng.split('start')), rng);
  const answers = rows * world.objects;
  const weights = new Float32Array(answers).fill(1 / answers);
  const losses: number[] = [];
  for (let step = 0; step < most; step++) {
    const own = rng.split(`step ${step}`);
    const contexts = Array.from({ length: rows }, () => drawContext(world, own, { anyKind: true }));
    const feeds = { ...feedsOf(world, contexts), weights };
    const broken = await takeStep(learner, [feeds], learningRateAt(SCHEDULE, learningRate, step, steps), MAX_NORM);
    if (broken !== undefined) throw new Error(`training broke: ${broken}`);
    const loss = learner.terms()['loss'] ?? Number.NaN;
    losses.push(loss);
    onStep(step, loss);
  }
  return losses;
}
