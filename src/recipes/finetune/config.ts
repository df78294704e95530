/** The config of a finetuning run on the user's own model and data: defaults in one place, and the reader that refuses everything else. */
import { configReader, type ConfigReader } from '#base/config-reader.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import type { LearnedTurns } from '#learning/data/assistant-spans.ts';
import type { Method } from '#learning/method.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import type { Schedule } from '#learning/optim/schedule.ts';
import type { JudgeConfig } from '#measures/judge.ts';

import {
  GENERATION_DEFAULTS,
  type GenerationConfig,
  JUDGE_DEFAULTS,
  readGeneration,
  readJudge,
} from './evaluation-config.ts';
import type { AdapterUse } from './adapter.ts';
import { readMethod, readOptimizer, readSchedule } from '#recipes/training-config.ts';

export interface FinetuneConfig {
  /** A model's folder (Hugging Face layout) or GGUF file. Paths that begin with `study:` are inside the built-in studies. */
  readonly model: string;
  /** Training rows, JSONL. */
  readonly data: string;
  /** Evaluations, JSONL (measures/evaluation-line.ts); '' for none. */
  readonly evals: string;
  /** More rows to train on, JSONL, which are never held out or probed; '' for none. */
  readonly mixIn: string;
  /** A folder with a LoRA adapter in PEFT's form that the base model gets before anything else; '' for none. */
  readonly adapter: string;
  /** `merge`: added to the base's weights; `continue`: where training starts, under LoRA of the same rank, scale and modules. */
  readonly adapterUse: AdapterUse;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** 0 only evaluates. */
  readonly steps: number;
  /** Rows a step; sequences, where rows are packed. */
  readonly batch: number;
  /** Micro-batches a step; a divisor of `batch`. */
  readonly accumulation: number;
  /** Longest row, in tokens; longer ones are refused, or cut. */
  readonly length: number;
  /** Cuts training and held-out rows that are too long at their end; choices are never cut. */
  readonly truncate: boolean;
  /** Trains on sequences of `length` tokens with as many rows in each as fit, instead of a padded row in each. */
  readonly packing: boolean;
  /** Expected share of the questions that is held out. */
  readonly heldOutFraction: number;
  readonly learnedTurns: LearnedTurns;
  /** Added to the block's number, apart for the adapter's start and the order of the data. */
  readonly seeds: { readonly init: number; readonly data: number };
  /** The run ends where the training loss is below this, in nats per answer token. */
  readonly stopBelow: number;
  /** Steps between probes of the axes, and rows of each probe set at most. */
  readonly probe: { readonly every: number; readonly rows: number };
  readonly threads: number;
  /** Folder for the trained adapters of LoRA runs, one folder a run, in PEFT's form; '' for none. */
  readonly saveAdapter: string;
  /** How replies of evaluations are sampled. */
  readonly generation: GenerationConfig;
  /** Who scores replies that a judge is to score. */
  readonly judge: JudgeConfig;
  /** Folder for the trained models, one Hugging Face folder a run, LoRA merged into the base; '' for none. */
  readonly saveModel: string;
  readonly measure: {
    /** Axis name -> the levels where the outcomes are measured, in the axis' unit. */
    readonly levels: Readonly<Record<string, readonly number[]>>;
  };
}

/** What a run is matched on: losses in nats per answer token, and the same as fractions of the base model's. */
export const FINETUNE_AXES = ['train', 'heldOut', 'trainOfBase', 'heldOutOfBase'] as const;

/** The defaults, plain JSON: these paths and no others can be set. */
export const FINETUNE_DEFAULTS = {
  model: '',
  data: '',
  evals: '',
  mixIn: '',
  adapter: '',
  adapterUse: 'merge',
  method: { kind: 'lora', rank: 8, alpha: 16, scaling: 'alphaOverRank', modules: 'all' },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  learningRate: 1e-4,
  schedule: { kind: 'constant', warmupSteps: 0 },
  steps: 200,
  batch: 8,
  accumulation: 1,
  length: 256,
  truncate: false,
  packing: false,
  heldOutFraction: 0.2,
  learnedTurns: 'all',
  seeds: { init: 0, data: 0 },
  stopBelow: 0.02,
  probe: { every: 5, rows: 32 },
  threads: 1,
  saveAdapter: '',
  generation: GENERATION_DEFAULTS,
  judge: JUDGE_DEFAULTS,
  saveModel: '',
  measure: { levels: { train: [], heldOut: [], trainOfBase: [], heldOutOfBase: [] } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readFinetuneConfig(config: JsonObject): FinetuneConfig {
  const reader = configReader(config);
  const count = (name: string): number => reader.number(name, { min: 1, integer: true });
  const read: FinetuneConfig = {
    model: readPath(reader, 'model', 'a model folder or GGUF file'),
    data: readPath(reader, 'data', 'a JSONL file of training rows'),
    evals: readText(reader, 'evals'),
    mixIn: readText(reader, 'mixIn'),
    adapter: readText(reader, 'adapter'),
    adapterUse: reader.oneOf('adapterUse', ['merge', 'continue']),
    method: readMethod(reader.object('method')),
    optimizer: readOptimizer(reader.object('optimizer')),
    learningRate: reader.number('learningRate', { min: 0 }),
    schedule: readSchedule(reader.object('schedule')),
    steps: reader.number('steps', { min: 0, integer: true }),
    batch: count('batch'),
    accumulation: count('accumulation'),
    length: reader.number('length', { min: 2, integer: true }),
    truncate: reader.boolean('truncate'),
    packing: reader.boolean('packing'),
    heldOutFraction: reader.number('heldOutFraction', { min: 0.01, max: 0.9 }),
    learnedTurns: reader.oneOf('learnedTurns', ['all', 'last']),
    seeds: readWhole(reader.object('seeds'), ['init', 'data']),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    probe: readWhole(reader.object('probe'), ['every', 'rows'], 1),
    threads: count('threads'),
    saveAdapter: readText(reader, 'saveAdapter'),
    generation: readGeneration(reader.object('generation')),
    judge: readJudge(reader.object('judge')),
    saveModel: readText(reader, 'saveModel'),
    measure: readMeasure(reader.object('measure')),
  };
  reader.done();
  if (read.batch % read.accumulation !== 0) {
    reader.refuse('accumulation', `a divisor of the batch (${read.batch})`, `${read.accumulation}`);
  }
  if (read.saveAdapter !== '' && read.adapter !== '' && read.adapterUse === 'merge') {
    reader.refuse(
      'saveAdapter',
      "'' where another adapter is merged (what is trained then fits no model on disk)",
      'a folder; use saveModel',
    );
  }
  if (read.saveAdapter !== '' && read.saveAdapter === read.saveModel) {
    reader.refuse(
      'saveAdapter',
      "another folder than saveModel's (an adapter beside a model is added to it by others)",
      read.saveAdapter,
    );
  }
  return read;
}

function readText(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' ? value : reader.refuse(name, 'text', JSON.stringify(value));
}

function readPath(reader: ConfigReader, name: string, what: string): string {
  const path = readText(reader, name);
  return path === '' ? reader.refuse(name, `the path of ${what}`, `none; give it with --set ${name}=PATH`) : path;
}

function readWhole<N extends string>(
  reader: ConfigReader,
  names: readonly N[],
  min = -Infinity,
): Readonly<Record<N, number>> {
  const entries = names.map((name) => [name, reader.number(name, { min, integer: true })] as const);
  reader.done();
  return Object.fromEntries(entries) as Record<N, number>;
}

function readMeasure(reader: ConfigReader): FinetuneConfig['measure'] {
  const levels = reader.json('levels');
  if (!isJsonObject(levels)) return reader.refuse('levels', 'an object of levels by axis', JSON.stringify(levels));
  const byAxis = configReader(levels, 'measure.levels');
  const read = Object.fromEntries(FINETUNE_AXES.map((axis) => [axis, byAxis.has(axis) ? byAxis.numbers(axis) : []]));
  byAxis.done();
  reader.done();
  return { levels: read };
}
