/** The config of a run: where the adapter sits, how long a penalty holds it narrow, and which direction is taken out. */
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
  readOptimizer,
  readSeeds,
} from 'assay/learn';

/** The four kinds of matrix of a block, by the names that the maps show. */
export const MATRICES = ['attention in', 'attention out', 'MLP in', 'MLP out'] as const;
export type MatrixName = (typeof MATRICES)[number];
/** The shipped base has three blocks. */
export const LAYERS = 3;

/** One matrix of the model. */
export interface Place {
  readonly layer: number;
  readonly matrix: MatrixName;
}

export interface AdapterConfig {
  readonly adapter: {
    readonly rank: number;
    /** The effective scale is alpha / rank. */
    readonly alpha: number;
    /** Adapted layers and matrices: every one of both that is named. */
    readonly layers: readonly number[];
    readonly matrices: readonly MatrixName[];
  };
  /**
   * Where the stream is read, and whose written direction is taken out and added: that of a rank-1 adapter at this place, trained
   * under another seed; none where `steps` is 0.
   */
  readonly direction: Place & { readonly learningRate: number; readonly steps: number };
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  readonly steps: number;
  /** Questions a step. */
  readonly batch: number;
  /** KL(base || adapted) on `batch` questions of the other domains a step, in nats: its weight, and for how many steps it holds. */
  readonly penalty: { readonly weight: number; readonly steps: number };
  /** Added to the block's number, apart for the adapter's start and the order of the data. */
  readonly seeds: { readonly init: number; readonly data: number };
  /** The run ends where the training loss is below this, in nats; never before a penalty has ended. */
  readonly stopBelow: number;
  readonly probeEvery: number;
  readonly measure: {
    /** Random directions that are taken out for the null. */
    readonly nulls: number;
    /** Outcomes are measured at every probe; these are the axes' levels that a study reads. */
    readonly levels: Readonly<Record<string, readonly number[]>>;
  };
}

/** The defaults, plain JSON: these paths and no others can be set. */
export const ADAPTER_DEFAULTS = {
  adapter: { rank: 1, alpha: 1, layers: [0], matrices: ['MLP out'] },
  direction: { layer: 0, matrix: 'MLP out', learningRate: 1e-2, steps: 0 },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  clip: { kind: 'none' },
  learningRate: 1e-2,
  steps: 400,
  batch: 16,
  penalty: { weight: 0, steps: 0 },
  seeds: { init: 0, data: 0 },
  stopBelow: 0.05,
  probeEvery: 10,
  measure: { nulls: 4, levels: { train: [1.6, 0.8, 0.4, 0.2, 0.1] } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readAdapterConfig(config: JsonObject): AdapterConfig {
  const reader = configReader(config);
  const count = (from: ConfigReader, name: string, min = 1): number => from.number(name, { min, integer: true });
  const read: AdapterConfig = {
    adapter: readAdapter(reader.object('adapter')),
    direction: readDirection(reader.object('direction')),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    steps: count(reader, 'steps'),
    batch: count(reader, 'batch'),
    penalty: readAll(reader.object('penalty'), (from) => ({
      weight: from.number('weight', { min: 0 }),
      steps: count(from, 'steps', 0),
    })),
    seeds: readSeeds(reader.object('seeds'), ['init', 'data']),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    probeEvery: count(reader, 'probeEvery'),
    measure: readAll(reader.object('measure'), (from) => ({
      nulls: count(from, 'nulls'),
      levels: readLevels(from, ['train']),
    })),
  };
  reader.done();
  const { weight, steps } = read.penalty;
  if (weight > 0 !== steps > 0) reader.refuse('penalty.steps', 'steps above 0 where it has weight, else 0', `${steps}`);
  if (steps > read.steps || steps % read.probeEvery !== 0) {
    reader.refuse(
      'penalty.steps',
      `at most all ${read.steps} steps, at a probe (every ${read.probeEvery})`,
      `${steps}`,
    );
  }
  return read;
}

/** The library's method of an adapter. */
export function methodOf({
  rank,
  alpha,
  layers,
  matrices,
}: AdapterConfig['adapter']): Method & { readonly kind: 'lora' } {
  const modules = matrices.map((matrix) => MODULE_OF[matrix]);
  return { kind: 'lora', rank, alpha, scaling: 'alphaOverRank', modules, layers };
}

/** Where what a matrix writes is first seen in the residual stream: after attention was added, or after the MLP was. */
export function siteOf({ layer, matrix }: Place): string {
  const isAttention = matrix === 'attention in' || matrix === 'attention out';
  return `transformer.h.${layer}.${isAttention ? 'afterAttention' : 'out'}`;
}

/** The finetuning whose direction a run takes out: one matrix, rank 1, no penalty, seeds that no run of its own has. */
export function donorOf({ direction, ...config }: AdapterConfig): AdapterConfig {
  const { layer, matrix, learningRate, steps } = direction;
  const adapter = { rank: 1, alpha: 1, layers: [layer], matrices: [matrix] };
  const seeds = { init: config.seeds.init + DONOR_SEED, data: config.seeds.data + DONOR_SEED };
  const penalty = { weight: 0, steps: 0 };
  return { ...config, direction, adapter, learningRate, steps, seeds, penalty, probeEvery: DONOR_PROBES };
}

/** Added to the seeds of a donor; only its end is looked at. */
const DONOR_SEED = 500_000;
const DONOR_PROBES = 20;
const MODULE_OF: Readonly<Record<MatrixName, string>> = {
  'attention in': 'attn.c_attn',
  'attention out': 'attn.c_proj',
  'MLP in': 'mlp.c_fc',
  'MLP out': 'mlp.c_proj',
};

function readAdapter(reader: ConfigReader): AdapterConfig['adapter'] {
  const adapter = {
    rank: reader.number('rank', { min: 1, integer: true }),
    alpha: reader.number('alpha', { min: 0 }),
    layers: reader.numbers('layers'),
    matrices: readMatrices(reader),
  };
  const strange = adapter.layers.find((layer) => !isLayer(layer));
  if (strange !== undefined || adapter.layers.length === 0) {
    reader.refuse('layers', `some of 0 to ${LAYERS - 1}`, `[${adapter.layers.join(', ')}]`);
  }
  reader.done();
  return adapter;
}

function readMatrices(reader: ConfigReader): readonly MatrixName[] {
  const found = reader.json('matrices');
  const isName = (name: unknown): name is MatrixName => MATRICES.some((known) => known === name);
  if (Array.isArray(found) && found.length > 0 && found.every(isName)) return found;
  return reader.refuse('matrices', `a list of some of ${MATRICES.join(', ')}`, JSON.stringify(found));
}

function readDirection(reader: ConfigReader): AdapterConfig['direction'] {
  const direction = {
    layer: reader.number('layer', { min: 0, max: LAYERS - 1, integer: true }),
    matrix: reader.oneOf('matrix', MATRICES),
    learningRate: reader.number('learningRate', { min: 0 }),
    steps: reader.number('steps', { min: 0, integer: true }),
  };
  reader.done();
  return direction;
}

function readAll<T>(reader: ConfigReader, read: (from: ConfigReader) => T): T {
  const found = read(reader);
  reader.done();
  return found;
}

function isLayer(layer: number): boolean {
  return Number.isInteger(layer) && layer >= 0 && layer < LAYERS;
}
