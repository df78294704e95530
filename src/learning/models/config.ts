/** What a decoder transformer is made of. Any mix of these parts can be built; families only fix names and layouts. */
import { AssayError } from '#base/errors.ts';

export interface TransformerConfig {
  /** Whose parameter names and module layout are used: `gpt2` fuses q, k, v in one linear, `llama` keeps them apart. */
  readonly family: 'gpt2' | 'llama';
  readonly vocabulary: number;
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  /** Fewer than nHeads: grouped-query attention. */
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly dMlp: number;
  readonly norm: { readonly kind: 'layerNorm' | 'rmsNorm'; readonly epsilon: number };
  readonly activation: 'gelu' | 'geluTanh' | 'silu';
  /** `gated`: down(activation(gate x) * up x), as in SwiGLU; `plain`: down(activation(up x)). */
  readonly mlp: 'plain' | 'gated';
  readonly positions: LearnedPositions | RotaryPositions;
  /** Biases on the attention's inputs (q, k, v), its output, and the MLP. */
  readonly biases: { readonly qkv: boolean; readonly attentionOut: boolean; readonly mlp: boolean };
  /** RMSNorm of each head's queries and keys before the rotation (Qwen3). */
  readonly qkNorm: boolean;
  /** Whether the head is the token embedding. */
  readonly tied: boolean;
  /** Standard deviation of weights before training (Hugging Face's initializer_range). */
  readonly initialStd: number;
}

export interface LearnedPositions {
  readonly kind: 'learned';
  /** The longest sequence. */
  readonly length: number;
}

export interface RotaryPositions {
  readonly kind: 'rotary';
  readonly theta: number;
  /** Changed frequencies for longer contexts; none where left out. */
  readonly scaling?: RopeScaling;
}

/** How rotation frequencies are changed for longer contexts. */
export type RopeScaling =
  /** Every frequency is divided by the factor. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Frequencies below a wavelength stay, those above another are divided, with a ramp between. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContextLength: number;
    }
  /** Each frequency is divided by its own number, shape [K/2]: what a GGUF file keeps of 'llama3'. */
  | { readonly kind: 'divisors'; readonly divisors: readonly number[] };

/** GPT-2's arrangement at any size: learned positions, pre-LayerNorm, GELU, biases, tied embedding. */
export function gpt2Config(size: {
  readonly vocabulary: number;
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly length: number;
  /** Default 0.02, GPT-2's, which suits widths of about 768; narrower models start better with more. */
  readonly initialStd?: number;
}): TransformerConfig {
  const { vocabulary, dModel, nLayers, nHeads, length, initialStd = 0.02 } = size;
  return {
    family: 'gpt2',
    vocabulary,
    dModel,
    nLayers,
    nHeads,
    nKvHeads: nHeads,
    headDim: dModel / nHeads,
    dMlp: 4 * dModel,
    norm: { kind: 'layerNorm', epsilon: 1e-5 },
    activation: 'gelu',
    mlp: 'plain',
    positions: { kind: 'learned', length },
    biases: { qkv: true, attentionOut: true, mlp: true },
    qkNorm: false,
    tied: true,
    initialStd,
  };
}

/** Refuses sizes that do not fit together. @throws AssayError naming the field. */
export function checkTransformer(config: TransformerConfig): void {
  const { nHeads, nKvHeads, headDim, family, dModel } = config;
  const sizes = [config.vocabulary, dModel, config.nLayers, nHeads, nKvHeads, headDim, config.dMlp];
  const demands: readonly (readonly [boolean, string])[] = [
    [sizes.every((size) => Number.isInteger(size) && size > 0), 'positive whole sizes'],
    [nHeads % nKvHeads === 0, `nHeads (${nHeads}) to be a multiple of nKvHeads (${nKvHeads})`],
    [
      config.positions.kind === 'learned' || headDim % 2 === 0,
      `an even headDim for rotary positions, found ${headDim}`,
    ],
    [family === 'llama' || nHeads === nKvHeads, 'as many kv heads as heads in the gpt2 layout'],
    [family === 'llama' || nHeads * headDim === dModel, `nHeads * headDim = dModel (${dModel}) in the gpt2 layout`],
    [family === 'llama' || config.mlp === 'plain', 'a plain MLP in the gpt2 layout'],
  ];
  const broken = demands.filter(([holds]) => !holds).map(([, demand]) => demand);
  if (broken.length > 0) throw new AssayError('config', `Transformer config: expected ${broken.join('; ')}.`);
}
