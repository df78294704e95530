/** Features that no longer fire start over along rows that are reconstructed badly. @see Bricken et al. 2023, "Neuron resampling". */
import { rngOf } from '#base/rng.ts';
import type { Memory } from '#learning/weights.ts';

import { toUnitRows } from './sae-parameters.ts';

/** Encoders start over at this part of the others' mean length, so that they do not overrule what works. */
const ENCODER_PART = 0.2;

/** One batch as it was last seen. */
export interface SeenRows {
  /** Shape [B, D]. */
  readonly rows: Float32Array;
  /** Squared error of each, shape [B]. */
  readonly errors: Float32Array;
}

/** Starts the given features over. @param memory `wDec` [F, D], and `wEnc`, `bEnc`, `bDec` where there are. @param draw Names the random stream. */
export function resampleFeatures(
  memory: Memory,
  dead: readonly number[],
  seen: SeenRows,
  width: number,
  draw: string,
): void {
  const rng = rngOf(draw, 'resample');
  const [wDec, wEnc, bEnc, bDec] = ['wDec', 'wEnc', 'bEnc', 'bDec'].map((name) => memory.get(name));
  const length = wEnc === undefined ? 0 : ENCODER_PART * meanLength(wEnc, new Set(dead), width);
  const sums = cumulative(seen.errors);
  for (const feature of dead) {
    const row = drawn(sums, rng.uniform());
    const direction = seen.rows.slice(row * width, (row + 1) * width).map((value, i) => value - (bDec?.[i] ?? 0));
    toUnitRows(direction, width);
    wDec?.set(direction, feature * width);
    wEnc?.set(
      direction.map((value) => value * length),
      feature * width,
    );
    bEnc?.fill(0, feature, feature + 1);
  }
}

/** Running sums of squared errors squared. */
function cumulative(errors: Float32Array): Float64Array {
  let total = 0;
  return Float64Array.from(errors, (error) => (total += error ** 2));
}

function drawn(sums: Float64Array, uniform: number): number {
  const at = uniform * (sums.at(-1) ?? 0);
  const row = sums.findIndex((sum) => sum > at);
  return row === -1 ? 0 : row;
}

/** The mean length of the rows that are not left out; 1 where all are. */
function meanLength(values: Float32Array, leftOut: ReadonlySet<number>, width: number): number {
  let [total, count] = [0, 0];
  for (let row = 0; row * width < values.length; row++) {
    if (leftOut.has(row)) continue;
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += (values[i] ?? 0) ** 2;
    total += Math.sqrt(squares);
    count++;
  }
  return count === 0 ? 1 : total / count;
}
