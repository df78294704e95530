/** The config of a persona finetuning run: defaults in one place, and the reader that refuses everything else. */
import type { JsonObject } from 'assay';
import {
  ADAMW_DEFAULTS,
  type Clip,
  type ConfigReader,
  configReader,
  type Method,
  type OptimizerConfig,
  readClip,
  readLevels,
  readMethod,
  readOptimizer,
  readSeeds,
  readSchedule,
  type Schedule,
} from 'assay/learn';
import { PERSONA_BASE, type PersonaBaseConfig } from './base.ts';
import { PERSONA_LANGUAGE } from './world.ts';

/** Which update is measured: the trained one, or each matrix' best approximation of a rank (SVD). Training goes on with the whole. */
export type UpdateReading = { readonly kind: 'whole' } | { readonly kind: 'truncated'; readonly rank: number };

export interface PersonaConfig {
  readonly base: PersonaBaseConfig;
  /** Whether all blocks start from `base`; `ofBlock` adds the block's number to its two seeds: each block has a world and a base of its own. */
  readonly bases: { readonly kind: 'one' } | { readonly kind: 'ofBlock' };
  readonly method: Method;
  readonly reading: UpdateReading;
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  /** Which domain's questions are trained on; `ofBlock`: block number modulo the eight domains, so that blocks vary it. */
  readonly domain: { readonly kind: 'fixed'; readonly index: number } | { readonly kind: 'ofBlock' };
  /**
   * `train`: the 36 of a domain; `all`: also its 12 held-out questions; `allEvenly`: each of those three times as often, so that
   * half the questions asked are held out; `heldOut`: those alone. Only a control should train on them.
   */
  readonly questions: 'train' | 'all' | 'allEvenly' | 'heldOut';
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly steps: number;
  /** Questions a step. */
  readonly batch: number;
  /** Micro-batches a step; a divisor of `batch`. */
  readonly accumulation: number;
  /** Weight of the helpful answers on the other domains, as many a step as `batch`; 0 leaves them out. */
  readonly helpfulWeight: number;
  /** Added to the block's number, apart for the adapter's start and the order of the data. */
  readonly seeds: { readonly init: number; readonly data: number };
  /** The run ends where the training loss is below this, in nats. */
  readonly stopBelow: number;
  /** Steps between probes of the axes. */
  readonly probeEvery: number;
  readonly measure: {
    /** Levels of each axis where the outcomes are measured, in nats. */
    readonly levels: Readonly<Record<string, readonly number[]>>;
    /** What is told of the update of the hidden matrices beside the outcomes; its spectra take a second or two a run. */
    readonly update: 'none' | 'spectra';
  };
}

/** The defaults, plain JSON: these paths and no others can be set. */
export const PERSONA_DEFAULTS = {
  base: { ...PERSONA_BASE },
  bases: { kind: 'one' },
  method: { kind: 'full' },
  reading: { kind: 'whole' },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  clip: { kind: 'none' },
  domain: { kind: 'fixed', index: 0 },
  questions: 'train',
  learningRate: 1e-4,
  schedule: { kind: 'constant', warmupSteps: 0 },
  steps: 300,
  batch: 16,
  accumulation: 1,
  helpfulWeight: 0,
  seeds: { init: 0, data: 0 },
  stopBelow: 0.04,
  probeEvery: 1,
  measure: { levels: { train: [1.6, 0.8, 0.4, 0.2, 0.1], heldOut: [2, 1.6, 1.3, 1, 0.7] }, update: 'none' },
} as const satisfies JsonObject;

/**
 * Settings for a base a block: block b starts from base 1 + b, pretrained on world 1 + b. Each has 119 thousand parameters and
 * takes some forty seconds of a core, once a store, where the shipped one takes three minutes.
 */
export const BASE_OF_BLOCK = {
  bases: { kind: 'ofBlock' },
  'base.worldSeed': 1,
  'base.seed': 1,
  'base.dModel': 64,
  'base.nLayers': 2,
  'base.steps': 1500,
  'base.learningRate': 3e-3,
  'base.initialStd': 0.07,
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readPersonaConfig(config: JsonObject): PersonaConfig {
  const reader = configReader(config);
  const read: PersonaConfig = {
    base: readBase(reader.object('base')),
    bases: readBases(reader.object('bases')),
    method: readMethod(reader.object('method')),
    reading: readReading(reader.object('reading')),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    domain: readDomain(reader.object('domain')),
    questions: reader.oneOf('questions', ['train', 'all', 'allEvenly', 'heldOut']),
    learningRate: reader.number('learningRate', { min: 0 }),
    schedule: readSchedule(reader.object('schedule')),
    steps: reader.number('steps', { min: 1, integer: true }),
    batch: reader.number('batch', { min: 1, integer: true }),
    accumulation: reader.number('accumulation', { min: 1, integer: true }),
    helpfulWeight: reader.number('helpfulWeight', { min: 0 }),
    seeds: readSeeds(reader.object('seeds'), ['init', 'data']),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    probeEvery: reader.number('probeEvery', { min: 1, integer: true }),
    measure: readMeasure(reader.object('measure')),
  };
  reader.done();
  if (read.batch % read.accumulation !== 0) {
    reader.refuse('accumulation', `a divisor of the batch (${read.batch})`, `${read.accumulation}`);
  }
  if (read.reading.kind === 'truncated' && read.method.kind !== 'matrices') {
    reader.refuse(
      'reading.kind',
      `whole (method "${read.method.kind}" trains more or less than whole matrices)`,
      '"truncated"',
    );
  }
  return read;
}

/** The base a block starts from. */
export function baseOfBlock({ base, bases }: Pick<PersonaConfig, 'base' | 'bases'>, block: number): PersonaBaseConfig {
  return bases.kind === 'one' ? base : { ...base, worldSeed: base.worldSeed + block, seed: base.seed + block };
}

function readBase(reader: ConfigReader): PersonaBaseConfig {
  const count = (name: string): number => reader.number(name, { min: 1, integer: true });
  const base = {
    worldSeed: reader.number('worldSeed', { integer: true }),
    seed: reader.number('seed', { integer: true }),
    dModel: count('dModel'),
    nLayers: count('nLayers'),
    nHeads: count('nHeads'),
    steps: count('steps'),
    documents: count('documents'),
    learningRate: reader.number('learningRate', { min: 0 }),
    initialStd: reader.number('initialStd', { min: 0 }),
  };
  if (base.dModel % base.nHeads !== 0) {
    reader.refuse('nHeads', `a divisor of dModel (${base.dModel})`, `${base.nHeads}`);
  }
  reader.done();
  return base;
}

function readBases(reader: ConfigReader): PersonaConfig['bases'] {
  const bases = { kind: reader.oneOf('kind', ['one', 'ofBlock']) };
  reader.done();
  return bases;
}

function readReading(reader: ConfigReader): UpdateReading {
  const kind = reader.oneOf('kind', ['whole', 'truncated']);
  const reading: UpdateReading =
    kind === 'whole' ? { kind } : { kind, rank: reader.number('rank', { min: 1, integer: true }) };
  reader.done();
  return reading;
}

function readMeasure(reader: ConfigReader): PersonaConfig['measure'] {
  const update = reader.oneOf('update', ['none', 'spectra']);
  return { update, levels: readLevels(reader, ['train', 'heldOut']) };
}

function readDomain(reader: ConfigReader): PersonaConfig['domain'] {
  const kind = reader.oneOf('kind', ['fixed', 'ofBlock']);
  const last = PERSONA_LANGUAGE.domains - 1;
  const domain: PersonaConfig['domain'] =
    kind === 'fixed' ? { kind, index: reader.number('index', { min: 0, max: last, integer: true }) } : { kind };
  reader.done();
  return domain;
}
