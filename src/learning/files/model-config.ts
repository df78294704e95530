/**
 * What a language model is made of, in the few words the engine needs, and the tensors that follow from it.
 * One description serves every supported family; what it cannot say is refused when a model is read.
 */
import type { RopeScaling } from '#learning/models/config.ts';

/** The families whose weights are understood. */
export type ModelFamily = 'llama' | 'qwen2' | 'qwen3' | 'gpt2';

/** A decoder-only transformer. Plain JSON. */
export interface ModelConfig {
  readonly family: ModelFamily;
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  /** Heads of keys and values; fewer than `nHeads` is grouped-query attention. */
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly dMlp: number;
  /** Rows of the embedding; the tokenizer may know fewer tokens. */
  readonly vocabSize: number;
  /** Longest sequence the model was made for, in tokens. */
  readonly contextLength: number;
  /** 'layer' has a bias, 'rms' has none; both have a scale. */
  readonly norm: { readonly kind: 'rms' | 'layer'; readonly eps: number };
  /** 'gated': down(act(gate x) * up x); 'plain': down(act(up x)). */
  readonly mlp: { readonly kind: 'gated' | 'plain'; readonly activation: Activation };
  readonly position: PositionConfig;
  /** The output head is the embedding. */
  readonly tiedEmbeddings: boolean;
  /** Which linear maps have a bias. */
  readonly biases: { readonly qkv: boolean; readonly attentionOut: boolean; readonly mlp: boolean };
  /** Queries and keys are normalised per head (RMS) before the rotation. */
  readonly qkNorm: boolean;
}

/** 'geluTanh' is the approximation GPT-2 was trained with. */
export type Activation = 'silu' | 'geluTanh' | 'gelu' | 'relu';

/** How a model knows where a token stands; rotations pair element i with i + headDim/2 (the "neox" order). */
export type PositionConfig =
  | { readonly kind: 'learned' }
  | { readonly kind: 'rope'; readonly theta: number; readonly scaling: RopeScaling };

/** A tensor the model needs; `isTransposed` marks one that GPT-2 checkpoints keep as [dIn, dOut]. */
export interface NeededTensor {
  /** Shape as the engine gets it: linear maps are [dOut, dIn]. */
  readonly shape: readonly number[];
  readonly isTransposed: boolean;
}

/** Every tensor of a model by its Hugging Face name. Shapes: linear maps [dOut, dIn], embeddings [V, D]. */
export function neededTensors(config: ModelConfig): ReadonlyMap<string, NeededTensor> {
  const tensors = new Map<string, NeededTensor>();
  const add = (name: string, shape: readonly number[], isTransposed = false): void => {
    tensors.set(name, { shape, isTransposed });
  };
  if (config.family === 'gpt2') addGpt2Tensors(config, add);
  else addLlamaTensors(config, add);
  return tensors;
}

type Add = (name: string, shape: readonly number[], isTransposed?: boolean) => void;

function addLlamaTensors(config: ModelConfig, add: Add): void {
  const { dModel, dMlp, headDim, nHeads, nKvHeads, biases } = config;
  const linear = (name: string, dOut: number, dIn: number, hasBias: boolean): void => {
    add(`${name}.weight`, [dOut, dIn]);
    if (hasBias) add(`${name}.bias`, [dOut]);
  };
  add('model.embed_tokens.weight', [config.vocabSize, dModel]);
  for (let layer = 0; layer < config.nLayers; layer++) {
    const block = `model.layers.${layer}`;
    add(`${block}.input_layernorm.weight`, [dModel]);
    linear(`${block}.self_attn.q_proj`, nHeads * headDim, dModel, biases.qkv);
    linear(`${block}.self_attn.k_proj`, nKvHeads * headDim, dModel, biases.qkv);
    linear(`${block}.self_attn.v_proj`, nKvHeads * headDim, dModel, biases.qkv);
    if (config.qkNorm) {
      add(`${block}.self_attn.q_norm.weight`, [headDim]);
      add(`${block}.self_attn.k_norm.weight`, [headDim]);
    }
    linear(`${block}.self_attn.o_proj`, dModel, nHeads * headDim, biases.attentionOut);
    add(`${block}.post_attention_layernorm.weight`, [dModel]);
    linear(`${block}.mlp.gate_proj`, dMlp, dModel, biases.mlp);
    linear(`${block}.mlp.up_proj`, dMlp, dModel, biases.mlp);
    linear(`${block}.mlp.down_proj`, dModel, dMlp, biases.mlp);
  }
  add('model.norm.weight', [dModel]);
  if (!config.tiedEmbeddings) add('lm_head.weight', [config.vocabSize, dModel]);
}

function addGpt2Tensors(config: ModelConfig, add: Add): void {
  const { dModel, dMlp } = config;
  const norm = (name: string): void => {
    add(`${name}.weight`, [dModel]);
    add(`${name}.bias`, [dModel]);
  };
  const linear = (name: string, dOut: number, dIn: number): void => {
    add(`${name}.weight`, [dOut, dIn], true);
    add(`${name}.bias`, [dOut]);
  };
  add('transformer.wte.weight', [config.vocabSize, dModel]);
  add('transformer.wpe.weight', [config.contextLength, dModel]);
  for (let layer = 0; layer < config.nLayers; layer++) {
    const block = `transformer.h.${layer}`;
    norm(`${block}.ln_1`);
    linear(`${block}.attn.c_attn`, 3 * dModel, dModel); // rows: all queries, then all keys, then all values
    linear(`${block}.attn.c_proj`, dModel, dModel);
    norm(`${block}.ln_2`);
    linear(`${block}.mlp.c_fc`, dMlp, dModel);
    linear(`${block}.mlp.c_proj`, dModel, dMlp);
  }
  norm('transformer.ln_f');
  if (!config.tiedEmbeddings) add('lm_head.weight', [config.vocabSize, dModel]);
}
