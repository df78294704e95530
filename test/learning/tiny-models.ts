/** Two tiny models that differ in everything that attention depends on, for tests that hold for any. */
import { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';

export const VOCABULARY = 13;

/** @param length The context. @param theta The base of the rotary one's angles. */
export function tinyModels(length: number, theta: number): Readonly<Record<string, TransformerConfig>> {
  const gpt2 = gpt2Config({ vocabulary: VOCABULARY, dModel: 16, nLayers: 2, nHeads: 4, length, initialStd: 0.3 });
  return {
    'learned positions': gpt2,
    'rotary positions, grouped keys': {
      ...gpt2,
      family: 'llama',
      nKvHeads: 2,
      norm: { kind: 'rmsNorm', epsilon: 1e-5 },
      mlp: 'gated',
      activation: 'silu',
      positions: { kind: 'rotary', theta },
      biases: { qkv: false, attentionOut: false, mlp: false },
    },
  };
}
