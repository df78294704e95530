/** The shapes of real models that are measured with random weights where no files are given. */
import type { TransformerConfig } from '#learning/models/config.ts';

const LLAMA = {
  family: 'llama',
  norm: { kind: 'rmsNorm', epsilon: 1e-5 },
  activation: 'silu',
  mlp: 'gated',
  qkNorm: false,
  tied: true,
  initialStd: 0.02,
} as const;

/** SmolLM2-135M. */
export const SMOLLM2_135M: TransformerConfig = {
  ...LLAMA,
  vocabulary: 49_152,
  dModel: 576,
  nLayers: 30,
  nHeads: 9,
  nKvHeads: 3,
  headDim: 64,
  dMlp: 1536,
  positions: { kind: 'rotary', theta: 1e5 },
  biases: { qkv: false, attentionOut: false, mlp: false },
};

export const SHAPES: Readonly<Record<string, TransformerConfig>> = {
  'smollm2-135m': SMOLLM2_135M,
  'qwen2.5-0.5b': {
    ...LLAMA,
    vocabulary: 151_936,
    dModel: 896,
    nLayers: 24,
    nHeads: 14,
    nKvHeads: 2,
    headDim: 64,
    dMlp: 4864,
    positions: { kind: 'rotary', theta: 1e6 },
    biases: { qkv: true, attentionOut: false, mlp: false },
  },
};

/** Chat rows: so many tokens each, behind so many of the template that all begin with; the later half of the rest is learned. */
export const CHAT = { lengths: [40, 43, 47, 50, 54, 57, 60, 64], prefix: 24 } as const;

/** Where in a chat row learned tokens begin. */
export function learnedFrom(length: number): number {
  return CHAT.prefix + Math.floor((length - CHAT.prefix) / 2);
}
