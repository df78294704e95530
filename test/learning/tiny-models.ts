/** Tiny models that differ in everything that attention depends on, for tests that hold for any. */
import assert from 'node:assert/strict';

import { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';

export const VOCABULARY = 13;

/** @param length The context. @param theta The base of the rotary one's angles. */
export function tinyModels(length: number, theta: number): Readonly<Record<string, TransformerConfig>> {
  const gpt2 = gpt2Config({ vocabulary: VOCABULARY, dModel: 16, nLayers: 2, nHeads: 4, length, initialStd: 0.3 });
  const rotary: TransformerConfig = {
    ...gpt2,
    family: 'llama',
    nKvHeads: 2,
    norm: { kind: 'rmsNorm', epsilon: 1e-5 },
    mlp: 'gated',
    activation: 'silu',
    positions: { kind: 'rotary', theta },
    biases: { qkv: false, attentionOut: false, mlp: false },
  };
  return {
    'learned positions': gpt2,
    'rotary positions, grouped keys': rotary,
    'a window in one layer, no rotation in another, caps, norms before and after': {
      ...rotary,
      family: 'gemma2',
      norm: { kind: 'rmsNorm', epsilon: 1e-5, plusOne: true },
      normPlacement: 'both',
      qkNorm: true,
      attentionScale: 0.4,
      caps: { attention: 2, logits: 3 },
      multipliers: { embedding: 2, residual: 0.5 },
      layers: [{ window: 6, positions: { kind: 'rotary', theta: 3 * theta } }, { positions: { kind: 'none' } }],
    },
    'experts in one layer': {
      ...rotary,
      experts: { count: 4, perToken: 2, dHidden: 24, isNormed: true, denseLayers: [0] },
    },
    'an expert for all tokens beside those that are chosen, bounded queries and keys that are normed where they are turned':
      {
        ...rotary,
        family: 'hunyuan',
        qkNorm: 'eachHead',
        isNormedTurned: true,
        qkvBound: 0.5,
        experts: { count: 3, perToken: 1, dHidden: 24, isNormed: false, denseLayers: [1], sharedHidden: 20 },
      },
    'parallel residual, windows, heads turned in part': {
      ...gpt2,
      family: 'neox',
      residual: 'parallel',
      positions: { kind: 'rotary', theta, fraction: 0.5, attentionFactor: 1.2 },
      layers: [{ window: 5 }, { window: 40 }],
    },
    'learned positions behind two rows of their table, norms without parameters': {
      ...gpt2,
      family: 'opt',
      norm: { kind: 'layerNorm', epsilon: 1e-5, parts: 'none' },
      positions: { kind: 'learned', length, offset: 2 },
      activation: 'reluSquared',
      biases: { qkv: false, attentionOut: true, mlp: true }, // a key's changes nothing where keys are not turned: rounding alone
    },
    'neighbours turned together, one norm for attention and MLP, norms of queries and keys, a biased head': {
      ...gpt2,
      family: 'phi',
      nKvHeads: 2,
      residual: 'parallelOneNorm',
      positions: { kind: 'rotary', theta, fraction: 0.5, isInterleaved: true },
      qkNorm: true,
      biases: { ...gpt2.biases, head: true },
    },
  };
}

/** And one with a window that nothing else hides. @param length, theta As of `tinyModels`. */
export function windowedModels(length: number, theta: number): Readonly<Record<string, TransformerConfig>> {
  const tiny = tinyModels(length, theta);
  const rotary = tiny['rotary positions, grouped keys'] ?? assert.fail();
  const layers = [{ window: 3 }, { positions: { kind: 'none' } }] as const;
  return { ...tiny, 'a window in one layer, no positions in the other': { ...rotary, layers } };
}
