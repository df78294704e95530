/** The parts of a training config that recipes share: method, optimizer, schedule, clipping, read from JSON with every error named. */
import type { ConfigReader } from '#base/config-reader.ts';
import type { DataOrder } from '#learning/data/order.ts';
import type { LoraConfig } from '#learning/lora.ts';
import type { Method } from '#learning/method.ts';
import type { AdamWShare } from '#learning/optim/adamw.ts';
import { checkOptimizerConfig, OPTIMIZER_KINDS, type OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import type { Schedule } from '#learning/optim/schedule.ts';

/** What becomes of large gradients: nothing, or all are scaled so that their joint Euclidean norm is at most `max`. */
export type Clip = { readonly kind: 'none' } | { readonly kind: 'globalNorm'; readonly max: number };

/** `{ kind: 'full' }`, `{ kind: 'matrices' }` or `{ kind: 'lora', rank, alpha, scaling, modules, layers? }`. */
export function readMethod(reader: ConfigReader): Method {
  const kind = reader.oneOf('kind', ['full', 'matrices', 'lora']);
  const method: Method = kind === 'lora' ? { kind, ...readLora(reader) } : { kind };
  reader.done();
  return method;
}

function readLora(reader: ConfigReader): LoraConfig {
  const layers = reader.has('layers') ? { layers: reader.numbers('layers') } : {};
  return {
    rank: reader.number('rank', { min: 1, integer: true }),
    alpha: reader.number('alpha', { min: 0 }),
    scaling: reader.oneOf('scaling', ['alphaOverRank', 'alphaOverSqrtRank']),
    modules: readModules(reader),
    ...layers,
  };
}

function readModules(reader: ConfigReader): LoraConfig['modules'] {
  const modules = reader.json('modules');
  if (Array.isArray(modules) && modules.every((name): name is string => typeof name === 'string')) return modules;
  reader.oneOf('modules', ['all']);
  return 'all';
}

/** An optimizer with all its constants; see `learning/optim` for their units and defaults. */
export function readOptimizer(reader: ConfigReader): OptimizerConfig {
  const config = optimizerOf(reader);
  reader.done();
  checkOptimizerConfig(config);
  return config;
}

function optimizerOf(reader: ConfigReader): OptimizerConfig {
  const kind = reader.oneOf('kind', OPTIMIZER_KINDS);
  const weightDecay = reader.number('weightDecay', { min: 0 });
  switch (kind) {
    case 'adamw':
      return { kind, ...readAdam(reader), weightDecay };
    case 'sgd':
      return { kind, momentum: reader.number('momentum'), nesterov: reader.boolean('nesterov'), weightDecay };
    case 'lion':
      return { kind, beta1: reader.number('beta1'), beta2: reader.number('beta2'), weightDecay };
    case 'sign':
      return { kind, momentum: reader.number('momentum'), weightDecay };
    case 'muon': {
      const scale = reader.oneOf('scale', ['spectral', 'rmsMatched']);
      const [momentum, nesterov] = [reader.number('momentum'), reader.boolean('nesterov')];
      return { kind, momentum, nesterov, weightDecay, scale, adamw: readShare(reader) };
    }
    case 'shampoo': {
      const roots = { exponent: reader.number('exponent'), every: reader.number('every') };
      return { kind, ...readAdam(reader), ...roots, weightDecay, adamw: readShare(reader) };
    }
    case 'soap': {
      const bases = { shampooBeta: reader.number('shampooBeta'), every: reader.number('every') };
      return { kind, ...readAdam(reader), ...bases, weightDecay, adamw: readShare(reader) };
    }
    default:
      return kind satisfies never;
  }
}

/** AdamW for what is no matrix. */
function readShare(reader: ConfigReader): AdamWShare {
  const adamw = reader.object('adamw');
  const rest = { weightDecay: adamw.number('weightDecay'), lrScale: adamw.number('lrScale') };
  const read = { ...readAdam(adamw), ...rest };
  adamw.done();
  return read;
}

function readAdam(reader: ConfigReader): { beta1: number; beta2: number; eps: number } {
  return { beta1: reader.number('beta1'), beta2: reader.number('beta2'), eps: reader.number('eps') };
}

/** A schedule; warm-up steps are part of every kind. */
export function readSchedule(reader: ConfigReader): Schedule {
  const kind = reader.oneOf('kind', ['constant', 'cosine', 'linear', 'wsd']);
  const warmupSteps = reader.number('warmupSteps', { min: 0, integer: true });
  const finalFraction = kind === 'constant' ? 1 : reader.number('finalFraction', { min: 0, max: 1 });
  const decayFraction = kind === 'wsd' ? reader.number('decayFraction', { min: 0, max: 1 }) : 0;
  reader.done();
  if (kind === 'constant') return { kind, warmupSteps };
  return kind === 'wsd' ? { kind, warmupSteps, decayFraction, finalFraction } : { kind, warmupSteps, finalFraction };
}

/** An order of the data over rows that have a key (`learning/data/order.ts`), for worlds whose rows have one. */
export function readOrder(reader: ConfigReader): DataOrder {
  const kind = reader.oneOf('kind', ['shuffled', 'sorted', 'staged', 'curriculum']);
  const order = orderOf(reader, kind);
  reader.done();
  return order;
}

function orderOf(reader: ConfigReader, kind: DataOrder['kind']): DataOrder {
  switch (kind) {
    case 'shuffled':
      return { kind };
    case 'sorted':
      return { kind, direction: reader.oneOf('direction', ['rising', 'falling']) };
    case 'staged': {
      const [keys, steps] = [reader.numbers('keys'), reader.numbers('steps')];
      if (keys.length !== steps.length) {
        reader.refuse('steps', `a number for each of the ${keys.length} keys`, `${steps.length}`);
      }
      return { kind, stages: keys.map((key, i) => ({ key, steps: steps[i] ?? 0 })) };
    }
    case 'curriculum': {
      const startFraction = reader.number('startFraction', { min: 0, max: 1 });
      return { kind, startFraction, growSteps: reader.number('growSteps', { min: 1, integer: true }) };
    }
    default:
      return kind satisfies never;
  }
}

/** `{ kind: 'none' }` or `{ kind: 'globalNorm', max }`. @see Pascanu et al. 2013, arXiv:1211.5063, Alg. 1. */
export function readClip(reader: ConfigReader): Clip {
  const kind = reader.oneOf('kind', ['none', 'globalNorm']);
  const clip: Clip = kind === 'none' ? { kind } : { kind, max: readNorm(reader) };
  reader.done();
  return clip;
}

function readNorm(reader: ConfigReader): number {
  const max = reader.number('max', { min: 0 });
  return max > 0 ? max : reader.refuse('max', 'a norm above 0; {"kind": "none"} leaves gradients as they are', '0');
}

/** The largest norm that gradients may have under `clip`, as a trainer takes it. */
export function largestNorm(clip: Clip): number {
  return clip.kind === 'none' ? Infinity : clip.max;
}

/** The levels of each axis where outcomes are measured: `{ levels: { train: [...], heldOut: [...] } }`, every axis named. */
export function readLevels<Axis extends string>(
  reader: ConfigReader,
  axes: readonly Axis[],
): Readonly<Record<Axis, readonly number[]>> {
  const byAxis = reader.object('levels');
  const read = axes.map((axis): [Axis, readonly number[]] => [axis, byAxis.numbers(axis)]);
  byAxis.done();
  reader.done();
  return recordOf(read);
}

/** Seeds by name, whole numbers: `{ init, data }`, or whatever else a recipe draws apart. */
export function readSeeds<Name extends string>(
  reader: ConfigReader,
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  const seeds = recordOf(names.map((name): [Name, number] => [name, reader.number(name, { integer: true })]));
  reader.done();
  return seeds;
}

/** As Object.fromEntries, with the names known. */
function recordOf<Name extends string, Value>(
  entries: readonly (readonly [Name, Value])[],
): Readonly<Record<Name, Value>> {
  // Every name has an entry: fromEntries gives them under `string`.
  return Object.fromEntries(entries) as Record<Name, Value>;
}
