/** The cosines and sines of rotary positions. @see Su et al. 2021, arXiv:2104.09864, and Llama 3's frequency scaling. */
import type { RopeScaling, RotaryPositions } from '#learning/models/config.ts';

export interface RotaryTables {
  /** cos and sin of position * frequency, shape [T, K/2] each. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables for positions start, start + 1, ... */
export function rotaryTables(positions: RotaryPositions, headDim: number, length: number, start = 0): RotaryTables {
  const half = headDim / 2;
  const frequencies = ropeFrequencies(positions.theta, headDim, positions.scaling);
  const table = (of: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: length * half }, (_, i) =>
      of((start + Math.floor(i / half)) * (frequencies[i % half] ?? 0)),
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/**
 * Rotation frequencies in radians a token, fastest first: theta^(-2i/K) after scaling.
 * @returns headDim / 2 numbers.
 * @see `modeling_rope_utils.py` of transformers.
 */
export function ropeFrequencies(theta: number, headDim: number, scaling?: RopeScaling): Float64Array {
  const plain = Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  if (scaling === undefined) return plain;
  switch (scaling.kind) {
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'divisors':
      return plain.map((frequency, i) => frequency / (scaling.divisors[i] ?? 1));
    case 'llama3':
      return plain.map((frequency) => {
        const turns = (scaling.originalContextLength * frequency) / (2 * Math.PI); // in the original context
        const { factor, lowFreqFactor: low, highFreqFactor: high } = scaling;
        const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
        return keep * frequency + (1 - keep) * (frequency / factor);
      });
    default:
      return scaling satisfies never;
  }
}
