/** What a decoder transformer is made of. Any mix of these parts can be built; families only fix names and layouts. */
import { AssayError } from '#base/errors.ts';

export interface TransformerConfig {
  /** Whose parameter names and module layout are used (`modules.ts`), such as whether q, k, v are one linear layer. */
  readonly family:
    | 'gpt2'
    | 'gptj'
    | 'llama'
    | 'gemma2'
    | 'gemma3'
    | 'phi3'
    | 'apertus'
    | 'glm'
    | 'hunyuan'
    | 'phi'
    | 'neox'
    | 'stablelm'
    | 'opt'
    | 'starcoder2'
    | 'mistral3'
    | 'mixtral';
  readonly vocabulary: number;
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  /** Fewer than nHeads: grouped-query attention. */
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly dMlp: number;
  readonly norm: {
    readonly kind: 'layerNorm' | 'rmsNorm';
    readonly epsilon: number;
    /** Whether the scale is 1 + weight (Gemma). */
    readonly plusOne?: boolean;
    /** What it has where that is less than usual, which is scale and bias of LayerNorm: its scale alone (Cohere), or nothing (OLMo 1). */
    readonly parts?: 'scale' | 'none';
  };
  /** Whether attention and MLP are normed before, after (OLMo 2), or both (Gemma 2); before where left out. */
  readonly normPlacement?: 'pre' | 'post' | 'both';
  /**
   * How a block adds up: the MLP over the stream with attention (`serial`, the default), or attention and MLP over the same stream,
   * each with a norm of its own (`parallel`, NeoX) or with one for both (`parallelOneNorm`, StableLM).
   */
  readonly residual?: 'serial' | 'parallel' | 'parallelOneNorm';
  readonly activation: 'gelu' | 'geluTanh' | 'silu' | 'relu' | 'reluSquared' | 'xielu';
  /** `gated`: down(activation(gate x) * up x), as in SwiGLU; `plain`: down(activation(up x)). */
  readonly mlp: 'plain' | 'gated';
  /** Experts in place of the MLP; none where left out. */
  readonly experts?: Experts;
  readonly positions: LearnedPositions | RotaryPositions;
  /** Biases on the attention's inputs (q, k, v), its output, the MLP, and the head, which has none where left out. */
  readonly biases: {
    readonly qkv: boolean;
    readonly attentionOut: boolean;
    readonly mlp: boolean;
    readonly head?: boolean;
  };
  /**
   * A norm of queries and keys before the rotation, of the model's kind: of each head's (true, Qwen3), of each head's with a scale of
   * its own and no bias (`eachHead`, Cohere; `headByHead`, StableLM, where each head's is a module), or of all heads' together
   * (`allHeads`, OLMo 2).
   */
  readonly qkNorm: boolean | 'allHeads' | 'eachHead' | 'headByHead';
  /** Whether heads are normed after the rotation, not before (HunYuan). */
  readonly isNormedTurned?: boolean;
  /** Queries, keys and values are bounded to [-b, b] before they are turned (OLMo 1); free where left out. */
  readonly qkvBound?: number;
  /** Factors on embeddings, on what attention and MLP add, and on logits; 1 where left out. */
  readonly multipliers?: { readonly embedding?: number; readonly residual?: number; readonly logits?: number };
  /** Factor on queries times keys; 1 / sqrt(headDim) where left out. */
  readonly attentionScale?: number;
  /** c tanh(x / c) in place of attention's scores before the mask, and of logits (Gemma 2). */
  readonly caps?: { readonly attention?: number; readonly logits?: number };
  /** What layers have of their own, one entry a layer; left out where all are alike. */
  readonly layers?: readonly LayerConfig[];
  /** Whether the head is the token embedding. */
  readonly tied: boolean;
  /** Standard deviation of weights before training (Hugging Face's initializer_range). */
  readonly initialStd: number;
}

/**
 * MLPs of which each token has a few, chosen and weighted by a router: softmax over all, the largest taken.
 * @see Jiang et al. 2024, arXiv:2401.04088 (Mixtral).
 */
export interface Experts {
  readonly count: number;
  readonly perToken: number;
  /** The width of one expert. */
  readonly dHidden: number;
  /** Whether the weights of those chosen are divided by their sum. */
  readonly isNormed: boolean;
  /** Layers that have one MLP of the model's width instead. */
  readonly denseLayers: readonly number[];
  /** The width of an expert that every token has besides, as much as a gate of its own says (Qwen2-MoE); none where left out. */
  readonly sharedHidden?: number;
}

/** The experts of a layer, where it has some. */
export function expertsOf({ experts }: TransformerConfig, layer: number): Experts | undefined {
  return experts?.denseLayers.includes(layer) === true ? undefined : experts;
}

/** One layer, where it differs from the whole. */
export interface LayerConfig {
  /** Attention sees so many tokens, the last of them its own; all where left out. */
  readonly window?: number;
  /** Its positions, in place of the model's. */
  readonly positions?: RotaryPositions | NoPositions;
}

/** No token knows where it stands, but for what it may look at. */
export interface NoPositions {
  readonly kind: 'none';
}

export interface LearnedPositions {
  readonly kind: 'learned';
  /** The longest sequence. */
  readonly length: number;
  /** How many rows of the table stand before that of the first position (OPT); none where left out. */
  readonly offset?: number;
}

export interface RotaryPositions {
  readonly kind: 'rotary';
  readonly theta: number;
  /** The share of each head, from its beginning, that is turned; 1 where left out. */
  readonly fraction?: number;
  /** Whether neighbours (2i, 2i + 1) of a head are turned together (GLM, Cohere, GPT-J), not (i, i + half). */
  readonly isInterleaved?: boolean;
  /** Multiplies cosines and sines (YaRN, LongRoPE); 1 where left out. */
  readonly attentionFactor?: number;
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
  /** Frequencies that turn less than `betaSlow` times in the original context are divided, those above `betaFast` stay. @see arXiv:2309.00071. */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalContextLength: number;
      /** Whether the ramp's ends are rounded to whole frequencies. */
      readonly truncate: boolean;
    }
  /** Each frequency is divided by its own number, shape [K/2]: LongRoPE, and what a GGUF file keeps of 'llama3'. */
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

/** A layer's positions. */
export function positionsOf(config: TransformerConfig, layer: number): TransformerConfig['positions'] | NoPositions {
  return config.layers?.[layer]?.positions ?? config.positions;
}

/** How many numbers of a head, from its beginning, are turned. */
export function turnedDim({ fraction = 1 }: RotaryPositions, headDim: number): number {
  return Math.floor(headDim * fraction);
}

/** Refuses sizes that do not fit together. @throws AssayError naming the field. */
export function checkTransformer(config: TransformerConfig): void {
  const { nHeads, nKvHeads, headDim, family, dModel } = config;
  const isOneWidth = family === 'gpt2' || family === 'neox';
  const sizes = [config.vocabulary, dModel, config.nLayers, nHeads, nKvHeads, headDim, config.dMlp];
  const demands: readonly (readonly [boolean, string])[] = [
    [sizes.every((size) => Number.isInteger(size) && size > 0), 'positive whole sizes'],
    [nHeads % nKvHeads === 0, `nHeads (${nHeads}) to be a multiple of nKvHeads (${nKvHeads})`],
    [
      config.positions.kind === 'learned' || turnedDim(config.positions, headDim) % 2 === 0,
      `an even headDim for rotary positions, found ${headDim}`,
    ],
    [!isOneWidth || nHeads === nKvHeads, `as many kv heads as heads in the ${family} layout`],
    [!isOneWidth || nHeads * headDim === dModel, `nHeads * headDim = dModel (${dModel}) in the ${family} layout`],
    [!isOneWidth || config.mlp === 'plain', `a plain MLP in the ${family} layout`],
    [config.experts === undefined || config.mlp === 'gated', 'a gated MLP of experts'],
    [
      config.experts === undefined || config.experts.perToken <= config.experts.count,
      `at most ${config.experts?.count} experts a token, found ${config.experts?.perToken}`,
    ],
    [
      config.layers === undefined || config.layers.length === config.nLayers,
      `an entry of layers for each of ${config.nLayers}`,
    ],
  ];
  const broken = demands.filter(([holds]) => !holds).map(([, demand]) => demand);
  if (broken.length > 0) throw new AssayError('config', `Transformer config: expected ${broken.join('; ')}.`);
}
