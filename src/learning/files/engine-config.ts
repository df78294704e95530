/** From the description of a pretrained model to the one the engine builds; tensor names and layouts are the same. */
import { AssayError } from '#base/errors.ts';
import type { RotaryPositions, TransformerConfig } from '#learning/models/config.ts';

import type { ModelConfig, PositionConfig } from './model-config.ts';

/** Hugging Face's `initializer_range`; a pretrained model's weights are not drawn, so it changes nothing. */
const INITIAL_STD = 0.02;

/**
 * The engine's config of a pretrained model.
 * @throws AssayError naming what the engine cannot compute.
 */
export function engineConfig(config: ModelConfig): TransformerConfig {
  const { activation, kind: mlp } = config.mlp;
  if (activation === 'relu') throw new AssayError('config', 'Models with relu are not supported by the engine.');
  return {
    family: config.family === 'gpt2' ? 'gpt2' : 'llama', // Qwen keeps Llama's names
    vocabulary: config.vocabSize,
    dModel: config.dModel,
    nLayers: config.nLayers,
    nHeads: config.nHeads,
    nKvHeads: config.nKvHeads,
    headDim: config.headDim,
    dMlp: config.dMlp,
    norm: { kind: config.norm.kind === 'rms' ? 'rmsNorm' : 'layerNorm', epsilon: config.norm.eps },
    activation,
    mlp,
    positions:
      config.position.kind === 'learned' ? { kind: 'learned', length: config.contextLength } : rotary(config.position),
    biases: config.biases,
    qkNorm: config.qkNorm,
    tied: config.tiedEmbeddings,
    initialStd: INITIAL_STD,
  };
}

function rotary({ theta, scaling }: Extract<PositionConfig, { kind: 'rope' }>): RotaryPositions {
  return { kind: 'rotary', theta, ...(scaling.kind === 'none' ? {} : { scaling }) };
}
