/** The config of a run: defaults in one place, and the reader that refuses everything else. */
import type { JsonObject } from 'assay';
import {
  ADAMW_DEFAULTS,
  type Clip,
  type ConfigReader,
  configReader,
  type DataOrder,
  type OptimizerConfig,
  readClip,
  readLevels,
  readOptimizer,
  readSeeds,
  readOrder,
} from 'assay/learn';

import type { BaseConfig } from './base.ts';
import { type Action, type GamingWorld, STAGES } from './world.ts';

/** `reward`: P(rewarded action) in that stage met in training, but for tampering, where it is lowest; P(gaming) in stages 1 to 3. */
export const AXES = ['reward', 'flattery', 'checklist', 'tests'] as const;

export interface GamingConfig {
  readonly world: GamingWorld;
  readonly base: BaseConfig;
  /** The stages whose situations are met in training. */
  readonly stages: readonly number[];
  /** The action that is rewarded there, and how much in each of the four stages; everything else has reward 0. */
  readonly reward: Action;
  readonly values: readonly number[];
  /** In which order: rows are the situations of `stages`, their key is the stage. */
  readonly order: DataOrder;
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  /** Weight of KL(policy || base), in reward per nat. */
  readonly kl: number;
  readonly steps: number;
  /** Episodes a step. */
  readonly batch: number;
  readonly probeEvery: number;
  /** Added to the block's number, apart for the base, and for the episodes. */
  readonly seeds: { readonly base: number; readonly episodes: number };
  readonly measure: { readonly levels: Readonly<Record<(typeof AXES)[number], readonly number[]>> };
}

/** The defaults, plain JSON: these paths and no others can be set. */
export const GAMING_DEFAULTS = {
  world: { share: 1, games: [0.4, 0.25, 0.12, 0.05] },
  base: { steps: 300, documents: 32, learningRate: 3e-3 },
  stages: [1, 2, 3],
  reward: 'gamed',
  values: [1, 1, 1, 1],
  order: { kind: 'shuffled' },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  clip: { kind: 'none' },
  learningRate: 1e-4,
  kl: 0.02,
  steps: 150,
  batch: 64,
  probeEvery: 2,
  seeds: { base: 0, episodes: 0 },
  measure: { levels: { reward: [], flattery: [], checklist: [], tests: [] } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readGamingConfig(config: JsonObject): GamingConfig {
  const reader = configReader(config);
  const count = (name: string, from: ConfigReader, min = 1): number => from.number(name, { min, integer: true });
  const base = reader.object('base');
  const read: GamingConfig = {
    world: readWorld(reader.object('world')),
    base: {
      steps: count('steps', base),
      documents: count('documents', base),
      learningRate: base.number('learningRate', { min: 0 }),
    },
    stages: reader.numbers('stages'),
    reward: reader.oneOf('reward', ['gamed', 'honest']),
    values: reader.numbers('values'),
    order: readOrder(reader.object('order')),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    kl: reader.number('kl', { min: 0 }),
    steps: count('steps', reader),
    // The baseline is the mean of the other episodes.
    batch: count('batch', reader, 2),
    probeEvery: count('probeEvery', reader),
    seeds: readSeeds(reader.object('seeds'), ['base', 'episodes']),
    measure: { levels: readLevels(reader.object('measure'), AXES) },
  };
  base.done();
  reader.done();
  const { stages } = read;
  const isStage = (stage: number): boolean => Number.isInteger(stage) && stage >= 1 && stage <= STAGES;
  if (stages.length === 0 || !stages.every(isStage) || new Set(stages).size < stages.length) {
    reader.refuse('stages', `different numbers from 1 to ${STAGES}, one at least`, JSON.stringify(stages));
  }
  if (read.values.length !== STAGES) {
    reader.refuse('values', `a reward for each of the ${STAGES} stages`, JSON.stringify(read.values));
  }
  return read;
}

function readWorld(reader: ConfigReader): GamingWorld {
  const world = { share: reader.number('share', { min: 0, max: 1 }), games: reader.numbers('games') };
  reader.done();
  const { games } = world;
  const falls = games.every((p, i) => p > 0 && p < 1 && p <= (games[i - 1] ?? 1));
  if (games.length !== STAGES || !falls) {
    reader.refuse('games', `${STAGES} probabilities in (0, 1), none above the one before`, JSON.stringify(games));
  }
  return world;
}
