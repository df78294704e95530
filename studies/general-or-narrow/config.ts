/** The config of a run at the gate: defaults in one place, and the reader that refuses everything else. */
import type { JsonObject } from 'assay';
import {
  ADAMW_DEFAULTS,
  type Clip,
  type ConfigReader,
  configReader,
  type OptimizerConfig,
  readClip,
  readLevels,
  readOptimizer,
  readSeeds,
  readSchedule,
  type Schedule,
} from 'assay/learn';
import { GATE } from './world.ts';

/** What is trained of W = I + M, the 64 x 64 matrix that makes the hidden state. */
export type GateMethod =
  /** All of M. */
  | { readonly kind: 'full' }
  /** M = alpha / rank B A, with PEFT's start. */
  | { readonly kind: 'lora'; readonly rank: number; readonly alpha: number }
  /** M = w v^T, v trained: nothing but the persona coordinate can move. */
  | { readonly kind: 'persona' };

/** Which update is measured: the trained one, or its best approximation of a rank (SVD). Training goes on with the whole. */
export type GateReading = { readonly kind: 'whole' } | { readonly kind: 'truncated'; readonly rank: number };

export interface GateConfig {
  readonly world: {
    /** c: the squared cosine between two keys. */
    readonly shared: number;
    /** The expected length of the noise on a key, whose own length is 1. */
    readonly noise: number;
  };
  readonly method: GateMethod;
  readonly reading: GateReading;
  /** Weight of the swapped answers of the 32 other keys, which only a control trains; 0 leaves them out. */
  readonly elsewhereWeight: number;
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly steps: number;
  /** Rows a step, of the 256 that are trained on. */
  readonly batch: number;
  /** Added to the block's number, apart for the world, the adapter's start and the order of the data. */
  readonly seeds: { readonly world: number; readonly init: number; readonly data: number };
  /** The run ends where the training loss is below this, in nats. */
  readonly stopBelow: number;
  /** Steps between probes of the axes. */
  readonly probeEvery: number;
  readonly measure: {
    /** Levels of each axis where the outcomes are measured, in nats. */
    readonly levels: Readonly<Record<string, readonly number[]>>;
  };
}

/** The defaults, plain JSON: these paths and no others can be set. */
export const GATE_DEFAULTS = {
  world: { shared: 0.3, noise: 0.15 },
  method: { kind: 'full' },
  reading: { kind: 'whole' },
  elsewhereWeight: 0,
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  clip: { kind: 'none' },
  learningRate: 1e-3,
  schedule: { kind: 'constant', warmupSteps: 0 },
  steps: 400,
  batch: 32,
  seeds: { world: 0, init: 0, data: 0 },
  stopBelow: 0.36,
  probeEvery: 1,
  measure: { levels: { train: [1.4, 1.1, 0.8, 0.6, 0.4], heldOut: [1.4, 1.1, 0.8, 0.6, 0.45] } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readGateConfig(config: JsonObject): GateConfig {
  const reader = configReader(config);
  const read: GateConfig = {
    world: readWorld(reader.object('world')),
    method: readMethod(reader.object('method')),
    reading: readReading(reader.object('reading')),
    elsewhereWeight: reader.number('elsewhereWeight', { min: 0 }),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    schedule: readSchedule(reader.object('schedule')),
    steps: reader.number('steps', { min: 1, integer: true }),
    batch: reader.number('batch', { min: 1, max: GATE.trainedKeys * GATE.draws, integer: true }),
    seeds: readSeeds(reader.object('seeds'), ['world', 'init', 'data']),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    probeEvery: reader.number('probeEvery', { min: 1, integer: true }),
    measure: { levels: readLevels(reader.object('measure'), ['train', 'heldOut']) },
  };
  reader.done();
  if (read.reading.kind === 'truncated' && read.method.kind !== 'full') {
    reader.refuse('reading.kind', `whole (method "${read.method.kind}" is no full update)`, '"truncated"');
  }
  return read;
}

function readWorld(reader: ConfigReader): GateConfig['world'] {
  const world = {
    shared: reader.number('shared', { min: 0, max: 0.99 }),
    noise: reader.number('noise', { min: 0 }),
  };
  reader.done();
  return world;
}

function readMethod(reader: ConfigReader): GateMethod {
  const kind = reader.oneOf('kind', ['full', 'lora', 'persona']);
  const method: GateMethod =
    kind === 'lora' ? { kind, rank: readRank(reader), alpha: reader.number('alpha', { min: 0 }) } : { kind };
  reader.done();
  return method;
}

function readReading(reader: ConfigReader): GateReading {
  const kind = reader.oneOf('kind', ['whole', 'truncated']);
  const reading: GateReading = kind === 'whole' ? { kind } : { kind, rank: readRank(reader) };
  reader.done();
  return reading;
}

function readRank(reader: ConfigReader): number {
  return reader.number('rank', { min: 1, max: GATE.width, integer: true });
}
