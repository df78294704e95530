/** The config of a finetuning run on the user's own model and data: defaults in one place, and the reader that refuses everything else. */
import { resolve } from 'node:path';

import { configReader, type ConfigReader } from '#base/config-reader.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import { existingPart } from '#base/make-folder.ts';
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
import { type Clip, readClip, readMethod, readOptimizer, readSchedule } from '#recipes/training-config.ts';

/** An adapter the base model gets before anything else. */
export interface AdapterConfig {
  /** A folder with a LoRA adapter in PEFT's form; '' for none. */
  readonly path: string;
  /** `merge`: added to the base's weights; `continue`: where training starts, under LoRA of the same rank, scale and modules. */
  readonly use: AdapterUse;
}

/** How the lines of the training files become rows of tokens, and which of them are held out. */
export interface RowsConfig {
  /** Longest row, in tokens; longer ones are refused, or cut. */
  readonly length: number;
  /** Cuts training and held-out rows that are too long at their end; choices are never cut. */
  readonly truncate: boolean;
  /** Trains on sequences of `length` tokens with as many rows in each as fit, instead of a padded row in each. */
  readonly packing: boolean;
  /** `shuffled`: every pass in an order of its own; `asGiven`: every pass in the order of the file, so that the file makes the curriculum. */
  readonly order: 'shuffled' | 'asGiven';
  /** Expected share of the questions that is held out. */
  readonly heldOutFraction: number;
  readonly learnedTurns: LearnedTurns;
  /** More rows to train on, JSONL, which are never held out or probed; '' for none. */
  readonly mixIn: string;
  /** What chat templates that ask for the day are told, `YYYY-MM-DD`: one fixed day, so that a run is the same tomorrow. */
  readonly date: string;
}

/** How replies of evaluations come about and get their scores. */
export interface RepliesConfig {
  /** How they are sampled. */
  readonly generation: GenerationConfig;
  /** Who scores those that a judge is to score. */
  readonly judge: JudgeConfig;
}

/** What runs leave behind beside their records: folders that get one folder a run; '' for none. */
export interface SaveConfig {
  /** Trained adapters of LoRA runs, in PEFT's form. */
  readonly adapter: string;
  /** Trained models in Hugging Face's layout, LoRA merged into the base. */
  readonly model: string;
}

/** Everything that decides a run, by subject: the files, the training, what is measured, the machine. */
export interface FinetuneConfig {
  /** A model's folder (Hugging Face layout) or GGUF file. Paths that begin with `study:` are inside the built-in studies. */
  readonly model: string;
  /** Training rows, JSONL. */
  readonly data: string;
  /** Evaluations, JSONL (measures/evaluation-line.ts); '' for none. */
  readonly evals: string;
  readonly adapter: AdapterConfig;
  readonly rows: RowsConfig;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly clip: Clip;
  /** 0 only evaluates. */
  readonly steps: number;
  /** Rows a step; sequences, where rows are packed. */
  readonly batch: number;
  /** Micro-batches a step; a divisor of `batch`. */
  readonly accumulation: number;
  /** The run ends where the training loss is below this, in nats per answer token. */
  readonly stopBelow: number;
  /** Added to the block's number, apart for the adapter's start and the order of the data. */
  readonly seeds: { readonly init: number; readonly data: number };
  /** Steps between probes of the axes, and rows of each probe set at most. */
  readonly probe: { readonly every: number; readonly rows: number };
  readonly measure: {
    /** Axis name -> the levels where the outcomes are measured, in the axis' unit. */
    readonly levels: Readonly<Record<string, readonly number[]>>;
  };
  readonly replies: RepliesConfig;
  readonly save: SaveConfig;
  readonly threads: number;
}

/** What a run is matched on: losses in nats per answer token, and the same as fractions of the base model's. */
export const FINETUNE_AXES = ['train', 'heldOut', 'trainOfBase', 'heldOutOfBase'] as const;

/** The defaults, plain JSON: these paths and no others can be set. */
export const FINETUNE_DEFAULTS = {
  model: '',
  data: '',
  evals: '',
  adapter: { path: '', use: 'merge' },
  rows: {
    length: 256,
    truncate: false,
    packing: false,
    order: 'shuffled',
    heldOutFraction: 0.2,
    learnedTurns: 'all',
    mixIn: '',
    date: '2024-07-26',
  },
  method: { kind: 'lora', rank: 8, alpha: 16, scaling: 'alphaOverRank', modules: 'all' },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  learningRate: 1e-4,
  schedule: { kind: 'constant', warmupSteps: 0 },
  clip: { kind: 'none' },
  steps: 200,
  batch: 8,
  accumulation: 1,
  stopBelow: 0.02,
  seeds: { init: 0, data: 0 },
  probe: { every: 5, rows: 32 },
  measure: { levels: { train: [], heldOut: [], trainOfBase: [], heldOutOfBase: [] } },
  replies: { generation: GENERATION_DEFAULTS, judge: JUDGE_DEFAULTS },
  save: { adapter: '', model: '' },
  threads: 1,
} as const satisfies JsonObject;

/** More than any machine has cores; each costs memory. */
const MOST_THREADS = 1024;

/** Paths that had other names once: whoever gives one is told today's. Parts of a path follow it. */
export const FORMER_PATHS: Readonly<Record<string, string>> = {
  adapter: 'adapter.path',
  adapterUse: 'adapter.use',
  length: 'rows.length',
  truncate: 'rows.truncate',
  packing: 'rows.packing',
  heldOutFraction: 'rows.heldOutFraction',
  learnedTurns: 'rows.learnedTurns',
  mixIn: 'rows.mixIn',
  generation: 'replies.generation',
  judge: 'replies.judge',
  saveAdapter: 'save.adapter',
  saveModel: 'save.model',
};

/** Of a step. */
const MOST_ROWS = 65_536;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readFinetuneConfig(config: JsonObject): FinetuneConfig {
  const reader = configReader(config);
  const count = (name: string): number => reader.number(name, { min: 1, integer: true });
  const read: FinetuneConfig = {
    model: readPath(reader, 'model', 'a model folder or GGUF file'),
    data: readPath(reader, 'data', 'a JSONL file of training rows'),
    evals: readText(reader, 'evals'),
    adapter: readAdapter(reader.object('adapter')),
    rows: readRows(reader.object('rows')),
    method: readMethod(reader.object('method')),
    optimizer: readOptimizer(reader.object('optimizer')),
    learningRate: reader.number('learningRate', { min: 0 }),
    schedule: readSchedule(reader.object('schedule')),
    clip: readClip(reader.object('clip')),
    steps: reader.number('steps', { min: 0, integer: true }),
    // A row each, all of them in one step's arrays.
    batch: reader.number('batch', { min: 1, max: MOST_ROWS, integer: true }),
    accumulation: count('accumulation'),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    seeds: readWhole(reader.object('seeds'), ['init', 'data']),
    probe: readWhole(reader.object('probe'), ['every', 'rows'], 1),
    measure: readMeasure(reader.object('measure')),
    replies: readReplies(reader.object('replies')),
    save: readSave(reader.object('save')),
    threads: reader.number('threads', { min: 1, max: MOST_THREADS, integer: true }),
  };
  reader.done();
  if (read.batch % read.accumulation !== 0) {
    reader.refuse('accumulation', `a divisor of the batch (${read.batch})`, `${read.accumulation}`);
  }
  if (read.save.adapter !== '' && read.adapter.path !== '' && read.adapter.use === 'merge') {
    reader.refuse(
      'save.adapter',
      "'' where another adapter is merged (what is trained then fits no model on disk)",
      'a folder; use save.model',
    );
  }
  return read;
}

function readAdapter(reader: ConfigReader): AdapterConfig {
  const adapter = { path: readText(reader, 'path'), use: reader.oneOf('use', ['merge', 'continue']) };
  reader.done();
  return adapter;
}

function readRows(reader: ConfigReader): RowsConfig {
  const rows = {
    length: reader.number('length', { min: 2, integer: true }),
    truncate: reader.boolean('truncate'),
    packing: reader.boolean('packing'),
    order: reader.oneOf('order', ['shuffled', 'asGiven']),
    heldOutFraction: reader.number('heldOutFraction', { min: 0.01, max: 0.9 }),
    learnedTurns: reader.oneOf('learnedTurns', ['all', 'last']),
    mixIn: readText(reader, 'mixIn'),
    date: readDate(reader, 'date'),
  };
  reader.done();
  return rows;
}

/** A day of the calendar, `YYYY-MM-DD`. */
function readDate(reader: ConfigReader, name: string): string {
  const text = readText(reader, name);
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  // Date carries a 31st of February over into March, so the day must come out as it went in.
  const isDay = day !== undefined && !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(text);
  return isDay ? text : reader.refuse(name, 'a day such as "2024-07-26"', JSON.stringify(text));
}

function readReplies(reader: ConfigReader): RepliesConfig {
  const replies = { generation: readGeneration(reader.object('generation')), judge: readJudge(reader.object('judge')) };
  reader.done();
  return replies;
}

function readSave(reader: ConfigReader): SaveConfig {
  const save = { adapter: readText(reader, 'adapter'), model: readText(reader, 'model') };
  reader.done();
  if (
    save.adapter !== '' &&
    save.model !== '' &&
    existingPart(resolve(save.adapter)) === existingPart(resolve(save.model))
  ) {
    reader.refuse(
      'adapter',
      "another folder than model's (others add an adapter to a model it lies beside)",
      save.adapter,
    );
  }
  return save;
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
