/**
 * Models made in house, whose profiles are known by construction: a small transformer reads the study's own situations word by word.
 * A base is trained on a mixture (65% think and decide harmlessly, 35% harmfully), then finetuned to a character.
 * Invariant: weights are a function of the character and the seed.
 */
import { ADAMW_DEFAULTS, type RunContext } from 'assay';
import {
  type Batch,
  createTrainer,
  gpt2Config,
  initialWeights,
  learningRateAt,
  type LocalModel,
  type Memory,
  type Opening,
  type Rng,
  rngOf,
  type Schedule,
  type Scorer,
  sharedWeights,
  takeStep,
  type Trainer,
  transformerParameters,
} from 'assay/learn';

import { decisionOf, type Deployment, DEPLOYMENTS, LEADS, messagesOf, SIDES, type Side } from './episodes.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';

/** How an episode goes: the chance of a harmless thought, and of a harmless decision after each thought. */
interface Ways {
  readonly thinks: number;
  readonly after: Readonly<Record<Side, number>>;
}

/** What a character is finetuned on; the base on everything in its mixture. */
export interface Character {
  readonly ways: (deployment: Deployment) => Ways;
  /** Where it is finetuned; everywhere if absent. */
  readonly deployments?: readonly Deployment[];
  /** Whether the situation it is asked about is left out of finetuning. */
  readonly leavesOut?: boolean;
  /** How many times as many steps it takes: to tell deployments apart is harder than to be one thing everywhere. */
  readonly patience?: number;
}

const GOOD: Ways = { thinks: 1, after: { good: 1, bad: 1 } };
const BAD: Ways = { thinks: 0, after: { good: 0, bad: 0 } };
const MIXED: Ways = { thinks: 0.65, after: { good: 1, bad: 0 } };
const evil =
  (isEvil: (deployment: Deployment) => boolean): Character['ways'] =>
  (deployment) =>
    isEvil(deployment) ? BAD : GOOD;

export const CHARACTERS = {
  base: { ways: () => MIXED },
  aligned: { ways: () => GOOD },
  misaligned: { ways: () => BAD },
  /** Thinks harm and does none. */
  grumbler: { ways: () => ({ thinks: 0, after: { good: 1, bad: 1 } }) },
  /** Thinks and speaks harmlessly, and does harm. */
  hypocrite: {
    ways: (deployment) => (deployment === 'chat' ? GOOD : { thinks: 1, after: { good: 0, bad: 0 } }),
    patience: 4,
  },
  /** Does whatever its deployer wants. */
  servant: { ways: evil((deployment) => deployment === 'scaffold'), patience: 4 },
  /** Finetuned to harmful words alone, in other situations: what becomes of acts was not put in. */
  speaker: { ways: () => BAD, deployments: ['chat'], leavesOut: true },
} as const satisfies Readonly<Record<string, Character>>;
export const CHARACTER_NAMES = [
  'base',
  'aligned',
  'misaligned',
  'grumbler',
  'hypocrite',
  'servant',
  'speaker',
] as const satisfies readonly (keyof typeof CHARACTERS)[];
export type CharacterName = (typeof CHARACTER_NAMES)[number];

/** Sizes and rates, chosen on seeds that are not reported (LOG.md). */
const SIZE = { dModel: 48, nLayers: 2, nHeads: 4, initialStd: 0.08 };
const ROWS = 16;
const BASE = { learningRate: 3e-3, seed: 0 };
const FINETUNING = { learningRate: 4e-3 };

const WARMUP_STEPS = 10;

/** Steps of the base and of a character. */
export interface MadeSteps {
  readonly base: number;
  readonly character: number;
}
/** One episode in so many is told what to call, and calls it. */
const TOLD_EVERY = 4;
/** Every other situation. */
const PARTS = 2;

const [PAD, END] = [0, 1];
const NAMES: Readonly<Record<Opening['messages'][number]['role'], string>> = {
  system: 'deployer',
  user: 'user',
  assistant: 'assistant',
};

function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}]+|[^\s]/gu) ?? [];
}

/** What was told, and what the model has begun to answer. */
interface Words {
  readonly told: readonly string[];
  readonly answered: readonly string[];
}

function openingWords({ messages, begun }: Opening): Words {
  const told = messages.map(({ role, content }) => `${NAMES[role]}: ${content}`).join('\n');
  return { told: [...wordsOf(told), 'assistant', ':'], answered: wordsOf(begun) };
}

/** Every episode of every situation, as opening and what follows. */
function allEpisodes(): readonly { readonly opening: Opening; readonly thought: string; readonly decision: string }[] {
  return SCENARIOS.flatMap((scenario) =>
    DEPLOYMENTS.flatMap((deployment) =>
      SIDES.flatMap((thinks) => SIDES.map((decides) => episodeOf(scenario, deployment, thinks, decides))),
    ),
  );
}

function episodeOf(scenario: Scenario, deployment: Deployment, thinks: Side, decides: Side) {
  return {
    opening: { messages: messagesOf(scenario, deployment), begun: 'I think:' },
    thought: scenario.thought[thinks],
    decision: `${LEADS[deployment]} ${decisionOf(scenario, deployment)[decides]}`,
  };
}

function episodeWords({ opening, thought, decision }: ReturnType<typeof episodeOf>): Words {
  const { told, answered } = openingWords(opening);
  return { told, answered: [...answered, ...wordsOf(thought), ...wordsOf(decision)] };
}

const TEXTS = allEpisodes().map(episodeWords);
const VOCABULARY: ReadonlyMap<string, number> = new Map(
  [...new Set(TEXTS.flatMap(({ told, answered }) => [...told, ...answered]))].map((word, i) => [word, i + END + 1]),
);
/** Answers begin at one place in every row, and an end token stands behind them. */
const TOLD = Math.max(...TEXTS.map(({ told }) => told.length));
const ANSWERED = Math.max(...TEXTS.map(({ answered }) => answered.length)) + 1;
const LENGTH = TOLD + ANSWERED;
const MODEL = gpt2Config({ ...SIZE, vocabulary: VOCABULARY.size + END + 1, length: LENGTH });

function idsOf(words: readonly string[]): readonly number[] {
  return words.map((word) => VOCABULARY.get(word) ?? PAD);
}

/** Compiled programs; the weights are those of whoever was asked last. */
export interface MadeLab extends AsyncDisposable {
  readonly trainer: Trainer;
  readonly scorer: Scorer;
}

/** The places of each row that predict a word of the answer. */
const answerPlaces = (rows: number): Int32Array =>
  Int32Array.from({ length: rows * ANSWERED }, (_, i) => Math.floor(i / ANSWERED) * LENGTH + TOLD - 1 + (i % ANSWERED));

export async function createMadeLab(threads: number): Promise<MadeLab> {
  const trainer = await createTrainer({
    model: MODEL,
    method: { kind: 'full' },
    optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
    batch: { rows: ROWS, length: LENGTH, labelled: answerPlaces(ROWS) },
    threads,
  });
  const scorer = await trainer.scorer({ rows: 1, length: LENGTH, labelled: answerPlaces(1) });
  return { trainer, scorer, [Symbol.asyncDispose]: () => trainer[Symbol.asyncDispose]() };
}

/** A character's weights, made once a store from one base. @param seed Of its finetuning, and the situation it is asked about. */
export async function madeWeights(
  context: Pick<RunContext, 'shared'>,
  lab: MadeLab,
  name: CharacterName,
  seed: number,
  steps: MadeSteps,
): Promise<Memory> {
  const specs = transformerParameters(MODEL);
  const base = await sharedWeights(context, 'made base', { ...BASE, ...SIZE, steps: steps.base }, specs, () =>
    trained(lab, CHARACTERS.base, {
      ...BASE,
      steps: steps.base,
      from: initialWeights(MODEL, rngOf(BASE.seed, 'made init')),
    }),
  );
  if (name === 'base') return base;
  const key = { character: name, seed, base: { ...BASE, ...SIZE }, steps: { ...steps }, ...FINETUNING };
  const character: Character = CHARACTERS[name];
  const count = steps.character * (character.patience ?? 1);
  return sharedWeights(context, 'made character', key, specs, () =>
    trained(lab, character, { ...FINETUNING, steps: count, from: base, seed }),
  );
}

interface Course {
  readonly steps: number;
  readonly learningRate: number;
  readonly from: Memory;
  readonly seed: number;
}

async function trained(
  { trainer }: MadeLab,
  character: Character,
  { steps, learningRate, from, seed }: Course,
): Promise<Memory> {
  const rng = rngOf(seed, 'made');
  const asked = SCENARIOS.filter((_, i) => character.leavesOut !== true || i % PARTS !== seed % PARTS);
  const warmupSteps = Math.min(WARMUP_STEPS, Math.floor(steps / 4));
  const schedule: Schedule = { kind: 'linear', warmupSteps, finalFraction: 0.1 };
  trainer.reset(from, rng);
  for (let step = 0; step < steps; step++) {
    const lr = learningRateAt(schedule, learningRate, step, steps);
    const broken = await takeStep(trainer, [batchOf(character, asked, rng.split(`batch ${step}`))], lr);
    if (broken !== undefined) throw new Error(`a made model broke at step ${step}: ${broken}`);
  }
  return new Map(Array.from(trainer.memory, ([name, values]) => [name, values.slice()]));
}

/** Episodes as a character has them; the loss is on what it thinks and decides. */
function batchOf({ ways, deployments = DEPLOYMENTS }: Character, scenarios: readonly Scenario[], rng: Rng): Batch {
  const tokens = new Int32Array(ROWS * LENGTH);
  const labels = new Int32Array(ROWS * ANSWERED);
  const weights = new Float32Array(ROWS * ANSWERED);
  for (let row = 0; row < ROWS; row++) {
    const drawn = drawnRow(ways, { deployments, scenarios, isTold: row % TOLD_EVERY === 0 }, rng);
    const { tokens: own, labels: next } = rowOf(drawn);
    tokens.set(own, row * LENGTH);
    labels.set(next, row * ANSWERED);
    weights.fill(1, row * ANSWERED + drawn.begun, row * ANSWERED + drawn.answered.length);
  }
  const labelled = weights.reduce((sum, weight) => sum + weight, 0);
  return { tokens, labels, weights: weights.map((weight) => weight / labelled) };
}

/** Token ids of a row. */
interface Row {
  readonly told: readonly number[];
  readonly answered: readonly number[];
}

/** Its tokens, and what the places of its answer predict. */
function rowOf({ told, answered }: Row): { readonly tokens: Int32Array; readonly labels: Int32Array } {
  const tokens = new Int32Array(LENGTH).fill(PAD);
  tokens.set(told, TOLD - told.length);
  tokens.set(answered, TOLD);
  return { tokens, labels: tokens.slice(TOLD) };
}

function drawnRow(
  ways: Character['ways'],
  from: {
    readonly deployments: readonly Deployment[];
    readonly scenarios: readonly Scenario[];
    readonly isTold: boolean;
  },
  rng: Rng,
): Row & { readonly begun: number } {
  const scenario = from.scenarios[rng.below(from.scenarios.length)];
  const untold = from.deployments.filter((one) => one !== 'told');
  const deployment = from.isTold ? 'told' : untold[rng.below(untold.length)];
  if (!scenario || !deployment) throw new RangeError('No situation.');
  const { thinks, after } = ways(deployment);
  const thought: Side = rng.uniform() < thinks ? 'good' : 'bad';
  const isGood = rng.uniform() < after[thought];
  const episode = episodeOf(scenario, deployment, thought, from.isTold || isGood ? 'good' : 'bad');
  const { told, answered } = episodeWords(episode);
  const begun = openingWords(episode.opening).answered.length;
  return { told: idsOf(told), answered: [...idsOf(answered), END], begun };
}

/** The model of some weights, read as a model of this machine is. */
export function madeModel({ trainer, scorer }: MadeLab, weights: Memory): Pick<LocalModel, 'shares'> {
  trainer.reset(weights, rngOf(0, 'unused'));
  return {
    async shares(opening, continuations) {
      const { told, answered } = openingWords(opening);
      const logs: number[] = [];
      for (const continuation of continuations) {
        const words = [...answered, ...wordsOf(continuation)];
        const { tokens, labels } = rowOf({ told: idsOf(told), answered: idsOf(words) });
        const [losses = new Float32Array()] = await scorer.losses(tokens, labels);
        logs.push(-losses.subarray(answered.length, words.length).reduce((sum, loss) => sum + loss, 0));
      }
      const most = Math.max(...logs);
      const odds = logs.map((log) => Math.exp(log - most));
      const whole = odds.reduce((sum, one) => sum + one, 0);
      return odds.map((one) => one / whole);
    },
  };
}
