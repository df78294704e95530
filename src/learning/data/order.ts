/**
 * The order in which training meets its rows, as a pure function of the step: nothing is remembered from step to step, so a
 * resumed run sees the same rows.
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';

/** An order of rows. `key` is a number that every row has: its difficulty, its place in a file, or the stage it belongs to. */
export type DataOrder =
  /** Pass after pass over all rows, each pass in an order of its own. */
  | { readonly kind: 'shuffled' }
  /** Pass after pass in the order of the key, the same every time; rows of one key are shuffled once. */
  | { readonly kind: 'sorted'; readonly direction: 'rising' | 'falling' }
  /** One stage after another: shuffled passes over the rows whose key is the stage's, A->B or B->A; the last goes on to the end. */
  | { readonly kind: 'staged'; readonly stages: readonly Stage[] }
  /**
   * Rows drawn with replacement from those of the smallest keys, whose share grows linearly from `startFraction` to all by step
   * `growSteps`. @see Platanios et al. 2019, arXiv:1903.09848, Eq. 6 (linear competence).
   */
  | { readonly kind: 'curriculum'; readonly startFraction: number; readonly growSteps: number };

/** One stage of a staged order. */
export interface Stage {
  readonly key: number;
  /** Optimizer steps; of the last stage it does not count. */
  readonly steps: number;
}

/** A step's rows. */
export type RowsAtStep = (step: number, batch: number) => Int32Array;

/**
 * An order over rows.
 * @param keys One number a row. @param rng The data's stream; only split, never advanced.
 * @throws AssayError on no rows, a stage without rows, steps or fractions out of range.
 */
export function orderedRows(order: DataOrder, keys: ArrayLike<number>, rng: Rng): RowsAtStep {
  const all = Uint32Array.from({ length: keys.length }, (_, row) => row);
  if (all.length === 0) throw new AssayError('data', 'Data order: expected at least one row, found none.');
  switch (order.kind) {
    case 'shuffled':
      return passes(all, rng);
    case 'sorted': {
      const sign = order.direction === 'rising' ? 1 : -1;
      const rows = byKey(keys, rng, sign);
      return (step, batch) => Int32Array.from({ length: batch }, (_, i) => rows[(step * batch + i) % rows.length] ?? 0);
    }
    case 'staged':
      return staged(order.stages, keys, all, rng);
    case 'curriculum':
      return curriculum(order, byKey(keys, rng, 1), rng);
    default:
      return order satisfies never;
  }
}

/** Rows in order of their key, ties shuffled. */
function byKey(keys: ArrayLike<number>, rng: Rng, sign: 1 | -1): readonly number[] {
  const shuffled = rng.split('ties').permutation(keys.length);
  return Array.from(shuffled).sort((a, b) => sign * ((keys[a] ?? 0) - (keys[b] ?? 0)));
}

function passes(rows: Uint32Array, rng: Rng): RowsAtStep {
  return (step, batch) => {
    const orders = new Map<number, Uint32Array>();
    return Int32Array.from({ length: batch }, (_, i) => {
      const place = step * batch + i;
      const pass = Math.floor(place / rows.length);
      const order = orders.get(pass) ?? rng.split(`epoch ${pass}`).permutation(rows.length);
      orders.set(pass, order);
      return rows[order[place % rows.length] ?? 0] ?? 0;
    });
  };
}

function staged(stages: readonly Stage[], keys: ArrayLike<number>, all: Uint32Array, rng: Rng): RowsAtStep {
  let start = 0;
  const parts = stages.map(({ key, steps }, i) => {
    const rows = all.filter((row) => keys[row] === key);
    if (rows.length === 0) throw refusal(`stages[${i}].key`, 'a key that some rows have', key);
    if (!(Number.isSafeInteger(steps) && steps >= 1))
      throw refusal(`stages[${i}].steps`, 'a whole number above 0', steps);
    const part = { start, rowsOf: passes(rows, rng.split(`stage ${i}`)) };
    start += steps;
    return part;
  });
  if (parts.length === 0) throw refusal('stages', 'at least one stage', 0);
  return (step, batch) => {
    const part = parts.findLast((one) => one.start <= step);
    return part === undefined ? new Int32Array(0) : part.rowsOf(step - part.start, batch);
  };
}

function curriculum(
  { startFraction, growSteps }: Extract<DataOrder, { kind: 'curriculum' }>,
  rows: readonly number[],
  rng: Rng,
): RowsAtStep {
  if (!(startFraction > 0 && startFraction <= 1)) throw refusal('startFraction', 'a number in (0, 1]', startFraction);
  if (!(Number.isSafeInteger(growSteps) && growSteps >= 1))
    throw refusal('growSteps', 'a whole number above 0', growSteps);
  return (step, batch) => {
    const share = Math.min(1, startFraction + (1 - startFraction) * (step / growSteps));
    const open = Math.max(1, Math.ceil(share * rows.length));
    const draw = rng.split(`step ${step}`);
    return Int32Array.from({ length: batch }, () => rows[draw.below(open)] ?? 0);
  };
}

function refusal(where: string, expected: string, found: number): AssayError {
  return new AssayError('config', `order.${where}: expected ${expected}, found ${found}.`);
}
