/** The cosines and sines of rotary positions. @see Su et al. 2021, arXiv:2104.09864, and Llama 3's frequency scaling. */
import type { RotaryPositions } from '#learning/models/config.ts';

export interface RotaryTables {
  /** cos and sin of position * frequency, shape [T, K/2] each. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables for positions start, start + 1, ... */
export function rotaryTables(positions: RotaryPositions, headDim: number, length: number, start = 0): RotaryTables {
  const half = headDim / 2;
  const frequencies = Array.from({ length: half }, (_, i) =>
    scaled(positions, positions.theta ** ((-2 * i) / headDim)),
  );
  const table = (of: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: length * half }, (_, i) =>
      of((start + Math.floor(i / half)) * (frequencies[i % half] ?? 0)),
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** Llama 3: frequencies below a wavelength stay, those above another are divided, with a ramp between. */
function scaled({ scaling }: RotaryPositions, frequency: number): number {
  if (scaling === undefined) return frequency;
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalLength } = scaling;
  const turns = (originalLength * frequency) / (2 * Math.PI);
  if (turns >= highFrequencyFactor) return frequency;
  if (turns <= lowFrequencyFactor) return frequency / factor;
  const kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return kept * frequency + ((1 - kept) * frequency) / factor;
}
