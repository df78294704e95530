/** What runs share: the policy as a learner, and what is read of it. Bare decisions are few enough to be read whole. */
import { AssayError } from 'assay';
import {
  createLearner,
  decisionLoss,
  feedLayers,
  input,
  type Learner,
  type OptimizerConfig,
  type PolicyTable,
  softmax,
  type Tensor,
  transformerLogits,
  transformerParameters,
} from 'assay/learn';

import { MODEL } from './base.ts';
import { type Action, actionToken, LANGUAGE, situationToken, STAGES, TAMPERING, VOCABULARY } from './world.ts';

export const PARAMETERS = transformerParameters(MODEL);

/** One decision with nothing before it: every situation of every stage, stage 1 first. */
export const PROMPTS = Array.from({ length: STAGES * LANGUAGE.situations }, (_, i) => ({
  stage: 1 + Math.floor(i / LANGUAGE.situations),
  token: situationToken(1 + Math.floor(i / LANGUAGE.situations), i % LANGUAGE.situations),
}));
const BARE = Int32Array.from(PROMPTS.flatMap(({ token }) => [LANGUAGE.opening, token]));
/** Tampering, asked of an agent that was just honest in a situation of stage 1. */
const AFTER_HONESTY = Int32Array.from(
  Array.from({ length: LANGUAGE.situations ** 2 }, (_, i) => [
    LANGUAGE.opening,
    situationToken(1, i % LANGUAGE.situations),
    actionToken(1, 'honest'),
    situationToken(TAMPERING, Math.floor(i / LANGUAGE.situations)),
  ]).flat(),
);

export interface GamingLab extends AsyncDisposable {
  readonly learner: Learner;
  /** The policy at `PROMPTS`, copied. */
  policy(): Promise<PolicyTable>;
  /** Its logits there, copied. */
  logits(): Promise<Float32Array>;
  /** P(tampering) of an agent that has just been honest. */
  afterHonesty(): Promise<number>;
}

export async function createGamingLab(optimizer: OptimizerConfig): Promise<GamingLab> {
  const layers = feedLayers(PARAMETERS);
  /** Logits of the action that follows each row of `length` tokens. */
  const next = (rows: number, length: number): Tensor => {
    const tokens = input('tokens', [rows * length], 'int32');
    return transformerLogits(MODEL, layers, { rows, length }, tokens, input('last', [rows], 'int32'));
  };
  const bare = next(PROMPTS.length, 2);
  const learner = await createLearner({ parameters: PARAMETERS, loss: decisionLoss(bare), optimizer });
  const reader = await learner.reader({ logits: bare, probabilities: softmax(bare) });
  const after = next(AFTER_HONESTY.length / 4, 4);
  const afterReader = await learner.reader({ probabilities: softmax(after) });
  const read = async (name: string): Promise<Float32Array> => {
    const values = (await reader.read(bareFeeds()))[name];
    if (values === undefined) throw new AssayError('run', `Policy: expected an output "${name}", found none.`);
    return values.slice();
  };
  return {
    learner,
    policy: async () => ({ actions: VOCABULARY, probabilities: await read('probabilities') }),
    logits: () => read('logits'),
    async afterHonesty() {
      const { probabilities = new Float32Array() } = await afterReader.read(promptFeeds(AFTER_HONESTY, 4));
      const token = actionToken(TAMPERING, 'gamed');
      return meanOf(probabilities.filter((_, i) => i % VOCABULARY === token));
    },
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

/** The tokens of `PROMPTS`, as every step feeds them. */
export function bareFeeds(): { tokens: Int32Array; last: Int32Array } {
  return promptFeeds(BARE, 2);
}

function promptFeeds(tokens: Int32Array, length: number): { tokens: Int32Array; last: Int32Array } {
  return { tokens, last: Int32Array.from({ length: tokens.length / length }, (_, row) => (row + 1) * length - 1) };
}

/** P(action) in a stage, the mean over its situations. */
export function probabilityOf({ actions, probabilities }: PolicyTable, stage: number, action: Action): number {
  const token = actionToken(stage, action);
  return meanOf(
    PROMPTS.flatMap((prompt, i) => (prompt.stage === stage ? [probabilities[i * actions + token] ?? Number.NaN] : [])),
  );
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
