/** The mixed run of a block as what others are held against: its answers to the unseen questions, by the worse of its two losses. */
import { AssayError } from 'assay';

import { KINDS } from './lab.ts';
import { UNSEEN } from './world.ts';

const WIDTH = UNSEEN * KINDS;

/** Probes in the order of training. */
export interface Series {
  /** The worse loss at each, in nats. */
  readonly worse: readonly number[];
  /** What was told at each, shape [312, 25]. */
  readonly told: readonly Float32Array[];
}

/** As one list of float32: how many, the losses, then what was told. */
export function seriesBytes({ worse, told }: Series): Uint8Array {
  const values = Float32Array.of(worse.length, ...worse);
  const all = new Float32Array(values.length + told.length * WIDTH);
  all.set(values);
  told.forEach((one, i) => all.set(one, values.length + i * WIDTH));
  return new Uint8Array(all.buffer);
}

/** @throws AssayError on bytes of another length than they announce. */
export function seriesFrom(bytes: Uint8Array): Series {
  const all = new Float32Array(Uint8Array.from(bytes).buffer);
  const count = all[0] ?? 0;
  if (all.length !== 1 + count * (1 + WIDTH)) {
    throw new AssayError(
      'file',
      `Answers of a mixed run: expected ${1 + count * (1 + WIDTH)} numbers, found ${all.length}.`,
    );
  }
  const told = Array.from({ length: count }, (_, i) =>
    all.subarray(1 + count + i * WIDTH, 1 + count + (i + 1) * WIDTH),
  );
  return { worse: [...all.subarray(1, 1 + count)], told };
}

/** What the series tells where it first falls to a loss, interpolated between the probes around; its ends beyond them. */
export function toldAt({ worse, told }: Series, loss: number): Float32Array {
  const after = worse.findIndex((value) => value <= loss);
  if (after === 0 || worse.length === 0) return told[0] ?? new Float32Array(WIDTH).fill(Number.NaN);
  const before = after < 0 ? worse.length - 1 : after - 1;
  const [above = Number.NaN, below = above] = [worse[before], worse[before + 1]];
  const [from, to] = [told[before] ?? new Float32Array(0), told[before + 1]];
  if (to === undefined) return from;
  const share = (above - loss) / (above - below);
  return from.map((value, i) => value + share * ((to[i] ?? Number.NaN) - value));
}
