/**
 * What a finetuning wrote: the update of every hidden matrix, its spectrum, and measurements under its best approximation
 * of a rank. Invariant: measuring leaves the trainer's weights as they were, to the bit.
 */
import {
  type DenseMatrix,
  loraScale,
  type Memory,
  mergedWeight,
  type ParameterSpec,
  singularValueEntropy,
  singularValues,
  stableRank,
  type Trainer,
  truncate,
} from 'assay/learn';
import { type Gives, isJsonObject, type JsonObject } from 'assay';

import type { PersonaConfig } from './config.ts';

/** Measurements of a run under the weights of the moment; see `lab.ts`. */
export interface Measuring {
  axes(): Promise<{ train: number; heldOut: number }>;
  outcomes(): Promise<Readonly<Record<string, number>>>;
}

/** What an update is of, and what made it. */
export interface UpdateSubject {
  readonly trainer: Pick<Trainer, 'memory' | 'model'>;
  /** The weights the run started from. */
  readonly base: Memory;
  readonly method: PersonaConfig['method'];
}

/** Sums over the hidden matrices: of a spectrum the mean over matrices that moved, 0 where none has. */
export interface UpdateSpectra {
  /** |M|_F^2 / |M|_2^2, at least 1. */
  readonly stableRank: number;
  /** Entropy of the squared singular values, in nats: 0 for rank 1, log n for n equal ones. */
  readonly entropy: number;
  /** The length of the whole update over that of the matrices it was added to. */
  readonly updateNorm: number;
}

/** What runs of a config record; the config may be one that is refused. */
export function personaGives({ measure }: JsonObject): Gives {
  const isTold = measure !== undefined && isJsonObject(measure) && measure['update'] === 'spectra';
  const spectra: readonly (keyof UpdateSpectra)[] = isTold ? ['stableRank', 'entropy', 'updateNorm'] : [];
  return { axes: ['train', 'heldOut'], outcomes: ['harmful', 'coherence', ...spectra] };
}

/** The measurements a config asks for: under its reading of the update, and with the update's spectra. */
export function withReading(
  subject: UpdateSubject,
  { reading, measure }: Pick<PersonaConfig, 'reading' | 'measure'>,
  measuring: Measuring,
): Measuring {
  const under = async <T>(measureOnce: () => Promise<T>): Promise<T> =>
    reading.kind === 'whole' ? measureOnce() : underTruncation(subject, reading.rank, measureOnce);
  return {
    axes: () => under(() => measuring.axes()),
    outcomes: () =>
      under(async () => {
        const outcomes = await measuring.outcomes();
        return measure.update === 'none' ? outcomes : { ...outcomes, ...updateSpectra(subject) };
      }),
  };
}

/** The update of each hidden matrix, shape [dOut, dIn], whatever the method. */
export function updatesOf({ trainer, base, method }: UpdateSubject): ReadonlyMap<string, DenseMatrix> {
  return new Map(
    hiddenMatrices(trainer).map(({ name, shape: [rows = 0, columns = 0] }): readonly [string, DenseMatrix] => {
      const values =
        method.kind === 'lora' ? adapterOf(trainer, name, method, rows, columns) : moved(trainer, base, name);
      return [name, { rows, columns, values }];
    }),
  );
}

/** See `UpdateSpectra`. */
export function updateSpectra(subject: UpdateSubject): UpdateSpectra {
  const updates = updatesOf(subject);
  const spectra = [...updates.values()].map((update) => singularValues(update)).filter((sigma) => (sigma[0] ?? 0) > 0);
  const lengthOf = (matrices: Iterable<ArrayLike<number>>): number =>
    Math.sqrt([...matrices].reduce((sum, values) => sum + squares(values), 0));
  const start = Array.from(updates.keys(), (name) => subject.base.get(name) ?? new Float32Array());
  return {
    stableRank: meanOf(spectra.map((sigma) => stableRank(sigma) ?? 0)),
    entropy: meanOf(spectra.map((sigma) => singularValueEntropy(sigma, 'squares') ?? 0)),
    updateNorm: lengthOf(Array.from(updates.values(), ({ values }) => values)) / lengthOf(start),
  };
}

/** Measures with each hidden matrix at its start plus its truncated update, then puts the trained ones back. */
async function underTruncation<T>(subject: UpdateSubject, rank: number, measure: () => Promise<T>): Promise<T> {
  const { memory } = subject.trainer;
  const whole = new Map<Float32Array, Float32Array>();
  for (const [name, update] of updatesOf(subject)) {
    const [weight, start] = [memory.get(name), subject.base.get(name)];
    if (weight === undefined || start === undefined) continue;
    whole.set(weight, weight.slice());
    const kept = truncate(update, Math.min(rank, update.rows, update.columns)).values;
    weight.set(kept.map((value, i) => value + (start[i] ?? 0)));
  }
  try {
    return await measure();
  } finally {
    for (const [weight, values] of whole) weight.set(values);
  }
}

function hiddenMatrices({ model }: UpdateSubject['trainer']): readonly ParameterSpec[] {
  return model.base.filter(({ role }) => role === 'matrix');
}

/** scale * B A. */
function adapterOf(
  { memory }: UpdateSubject['trainer'],
  name: string,
  method: Extract<PersonaConfig['method'], { kind: 'lora' }>,
  dOut: number,
  dIn: number,
): Float32Array {
  const module = name.replace(/\.weight$/, '');
  const [a, b] = ['A', 'B'].map((factor) => memory.get(`${module}.lora_${factor}.weight`));
  const zero = new Float32Array(dOut * dIn);
  return a === undefined || b === undefined ? zero : mergedWeight(zero, { dIn, dOut, a, b }, loraScale(method));
}

function moved({ memory }: UpdateSubject['trainer'], base: Memory, name: string): Float32Array {
  const start = base.get(name);
  return (memory.get(name) ?? new Float32Array()).map((value, i) => value - (start?.[i] ?? 0));
}

function squares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) ** 2;
  return sum;
}

/** 0 of nothing. */
function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
