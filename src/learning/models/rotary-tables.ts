/** The cosines and sines of rotary positions. @see Su et al. 2021, arXiv:2104.09864, and Llama 3's frequency scaling. */
import { type RopeScaling, type RotaryPositions, turnedDim } from '#learning/models/config.ts';

export interface RotaryTables {
  /** cos and sin of position * frequency, shape [T, K/2] each, K being how much of a head is turned. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables for positions start, start + 1, ... */
export function rotaryTables(positions: RotaryPositions, headDim: number, length: number, start = 0): RotaryTables {
  const turned = turnedDim(positions, headDim);
  const half = turned / 2;
  const frequencies = ropeFrequencies(positions.theta, turned, positions.scaling);
  const factor = positions.attentionFactor ?? 1;
  const table = (of: (angle: number) => number): Float32Array =>
    Float32Array.from(
      { length: length * half },
      (_, i) => factor * of((start + Math.floor(i / half)) * (frequencies[i % half] ?? 0)),
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
    case 'yarn': {
      const keep = yarnRamp(theta, headDim, scaling);
      return plain.map((frequency, i) => {
        const share = keep[i] ?? 0;
        return share * frequency + (1 - share) * (frequency / scaling.factor);
      });
    }
    default:
      return scaling satisfies never;
  }
}

/** How much of each frequency stays: 1 where it turns often in the original context, 0 where seldom. @see arXiv:2309.00071, Sec. 3.2. */
function yarnRamp(theta: number, dim: number, scaling: RopeScaling & { readonly kind: 'yarn' }): Float64Array {
  const { betaFast, betaSlow, originalContextLength, truncate } = scaling;
  const indexOf = (turns: number): number =>
    (dim * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [low, high] = truncate
    ? [Math.floor(indexOf(betaFast)), Math.ceil(indexOf(betaSlow))]
    : [indexOf(betaFast), indexOf(betaSlow)];
  const [first, last] = [Math.max(low, 0), Math.min(high, dim - 1)];
  const width = first === last ? 0.001 : last - first; // as in transformers: no division by 0
  return Float64Array.from({ length: dim / 2 }, (_, i) => 1 - Math.min(1, Math.max(0, (i - first) / width)));
}
