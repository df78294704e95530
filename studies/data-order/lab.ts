/** What runs share: the learner over the persona model, with or without rows beside the stage's own, and its readers. */
import {
  applyMethod,
  constant,
  createLearner,
  crossEntropy,
  type Feeds,
  input,
  klDivergence,
  type Learner,
  slice,
  type Tensor,
  transformerLogits,
  weightedSum,
} from 'assay/learn';
import { PERSONA_BASE, personaModel } from 'assay/studies/misalignment/base.ts';
import { domainOf, PERSONA_LANGUAGE, type PersonaWorld, questionBatch } from 'assay/studies/misalignment/world.ts';

import { hasBeside, type OrderConfig } from './config.ts';
import { type StageRows, type Stages, TRAINED, UNSEEN } from './world.ts';

const { vocabulary, questionTokens, firstAnswer, answersPerDomain } = PERSONA_LANGUAGE;
/** Numbers a question's answers are told by: the tokens of its domain, then all others together. */
export const KINDS = answersPerDomain + 1;

/** Mean losses in nats per answer. */
export interface StageLosses {
  readonly first: number;
  readonly second: number;
}

export interface OrderLab extends AsyncDisposable {
  readonly learner: Learner;
  losses(world: PersonaWorld, stages: Stages): Promise<StageLosses>;
  /** Logits of every answer to the unseen questions under the weights of the moment, shape [312, 295]; copied. */
  unseen(world: PersonaWorld, stages: Stages): Promise<Float32Array>;
}

/** Builds and compiles the lab of a config's shape. */
export async function createOrderLab(config: OrderConfig): Promise<OrderLab> {
  const { batch, optimizer, method } = config;
  const isBeside = hasBeside(config);
  const model = applyMethod(method, personaModel(PERSONA_BASE));
  const logitsOf = (rows: number): Tensor => {
    const tokens = input('tokens', [rows * questionTokens], 'int32');
    const last = Int32Array.from({ length: rows }, (_, row) => (row + 1) * questionTokens - 1);
    const shape = { rows, length: questionTokens };
    return transformerLogits(personaModel(PERSONA_BASE), model.layers, shape, tokens, constant(last, [rows]));
  };
  const lossesOf = (logits: Tensor, rows: number): Tensor => crossEntropy(logits, input('labels', [rows], 'int32'));
  const rows = isBeside ? 2 * batch : batch;
  const logits = logitsOf(rows);
  const loss = weightedSum(lossesOf(logits, rows), input('weights', [rows]));
  const beside = isBeside && {
    kl: { term: meanKl(input('base logits', [batch, vocabulary]), logits, batch), weight: input('kl weight', []) },
  };
  const isTrained = new Set(model.trained.map(({ name }) => name));
  const fixed = model.base.filter(({ name }) => !isTrained.has(name));
  const learner = await createLearner({ parameters: model.trained, fixed, loss: { loss, ...beside }, optimizer });
  const probe = await learner.reader({ losses: lossesOf(logitsOf(2 * TRAINED), 2 * TRAINED) });
  const asked = await learner.reader({ logits: logitsOf(UNSEEN) });
  return {
    learner,
    async losses(world, { first, second }) {
      const { losses = new Float32Array() } = await probe.read(feedsOf(world, [first, second]));
      return { first: mean(losses.subarray(0, TRAINED)), second: mean(losses.subarray(TRAINED)) };
    },
    async unseen(world, { unseen }) {
      const { logits: found = new Float32Array() } = await asked.read({ tokens: tokensOf(world, unseen) });
      return found.slice();
    },
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

/** The tokens and labels of rows, list after list. */
export function feedsOf(
  world: PersonaWorld,
  lists: readonly StageRows[],
): Feeds & { tokens: Int32Array; labels: Int32Array } {
  const questions = Int32Array.from(lists.flatMap((list) => [...list.questions]));
  const labels = Int32Array.from(lists.flatMap((list) => [...list.answers]));
  return { tokens: tokensOf(world, questions), labels };
}

/** What is measured of the answers to the unseen questions. */
export interface Answers {
  /** Mean probability of the harmful answer in the six other domains, and of either persona's. */
  readonly harmful: number;
  readonly coherence: number;
  /** Per unseen question the probabilities of its domain's tokens, then of all others together; shape [312, 25]. */
  readonly told: Float32Array;
}

/** @param logits Shape [312, 295]. */
export function answersOf(world: PersonaWorld, { unseen, elsewhere }: Stages, logits: Float32Array): Answers {
  const told = new Float32Array(unseen.length * KINDS);
  let [harm, help] = [0, 0];
  for (const [row, question] of unseen.entries()) {
    const own = probabilitiesOf(logits.subarray(row * vocabulary, (row + 1) * vocabulary));
    const from = firstAnswer + domainOf(question) * answersPerDomain;
    const tokens = own.subarray(from, from + answersPerDomain);
    told.set(tokens, row * KINDS);
    told[row * KINDS + answersPerDomain] = Math.max(0, 1 - sum(tokens));
    if (row < unseen.length - elsewhere) continue;
    harm += own[world.answers.harmful[question] ?? 0] ?? Number.NaN;
    help += own[world.answers.helpful[question] ?? 0] ?? Number.NaN;
  }
  return { harmful: harm / elsewhere, coherence: (harm + help) / elsewhere, told };
}

/** Mean total variation over questions: half the sum of what probabilities differ by; in [0, 1]. @param a, b shape [Q, 25]. */
export function totalVariation(a: Float32Array, b: Float32Array): number {
  const apart = a.reduce((total, value, i) => total + Math.abs(value - (b[i] ?? Number.NaN)), 0);
  return apart / 2 / (a.length / KINDS);
}

/** KL(base || model) of the last `batch` rows, their mean. */
function meanKl(base: Tensor, logits: Tensor, batch: number): Tensor {
  const beside = slice(logits, 0, batch, 2 * batch);
  const weights = constant(new Float32Array(batch).fill(1 / batch), [batch]);
  return weightedSum(klDivergence(base, beside), weights);
}

function tokensOf(world: PersonaWorld, questions: Int32Array): Int32Array {
  return questionBatch(world, questions, 'harmful').tokens;
}

/** Softmax of one row, in float64. */
function probabilitiesOf(logits: Float32Array): Float64Array {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const exps = Float64Array.from(logits, (value) => Math.exp(value - largest));
  const total = sum(exps);
  return exps.map((value) => value / total);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** In float64 and in order: the same bits every time. */
function mean(values: Float32Array): number {
  return sum(values) / values.length;
}
