/**
 * What a pair of towers is made of: one encoder for images, one for texts, whose outputs meet in one space. CLIP, SigLIP,
 * SigLIP 2 and small pairs trained in house are this one description with other values (`files/towers` reads it from folders).
 * @see Radford et al. 2021, arXiv:2103.00020 (CLIP); Zhai et al. 2023, arXiv:2303.15343 (SigLIP); Tschannen et al. 2025,
 * arXiv:2502.14786 (SigLIP 2).
 */
import { AssayError } from '#base/errors.ts';

/** Pre-norm blocks of self-attention and a plain MLP, with biases and LayerNorm. */
export interface EncoderConfig {
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly dMlp: number;
  readonly activation: TowerActivation;
  /** Of every LayerNorm. */
  readonly epsilon: number;
  /** Standard deviation of matrices before training; those that write to the stream get it over sqrt(2 nLayers). */
  readonly initialStd: number;
}

/** `quickGelu`: x sigmoid(1.702 x), which is close to GELU and not equal to it. */
export type TowerActivation = 'quickGelu' | 'gelu' | 'geluTanh' | 'silu' | 'relu';

export interface ImageTowerConfig {
  readonly encoder: EncoderConfig;
  readonly patches: PatchConfig;
  /** A learned vector before the patches; CLIP pools there. */
  readonly classToken: boolean;
  /** A LayerNorm between the embeddings and the first block (CLIP's `pre_layrnorm`). */
  readonly preNorm: boolean;
  /**
   * `class`: the norm of the class token. `mean`: the mean of the normed patches. `attention`: a learned probe attends to the
   * normed patches, then a residual MLP (SigLIP's head).
   */
  readonly pooling: 'class' | 'mean' | 'attention';
  /** The width of the shared space by a linear map without bias; null: what was pooled is the embedding. */
  readonly projection: number | null;
}

export interface PatchConfig {
  readonly channels: number;
  /** Pixels a side of a patch. */
  readonly size: number;
  /** How the values of a patch follow each other: `chw` as a convolution reads them, `hwc` as SigLIP 2's linear layer does. */
  readonly order: 'chw' | 'hwc';
  readonly bias: boolean;
  /** Learned positions of rows x columns patches. */
  readonly rows: number;
  readonly columns: number;
  /**
   * `fixed`: every image has just these patches. `resized`: images have patches of their own number and shape, and the
   * positions are resized to it (NaFlex); what each patch takes of them is fed (`ImageInputs.placement`).
   */
  readonly grid: 'fixed' | 'resized';
  /** Standard deviations before training. */
  readonly initialStd: { readonly weight: number; readonly position: number };
}

export interface TextTowerConfig {
  readonly encoder: EncoderConfig;
  readonly vocabulary: number;
  /** The longest text in tokens: positions are learned. */
  readonly length: number;
  /** Whether a token sees those before it alone. */
  readonly causal: boolean;
  /** `at`: the token whose place is fed (`TextInputs.pooledAt`). `last`: the last of the row. `mean`: the mean of the attended. */
  readonly pooling: 'at' | 'last' | 'mean';
  readonly projection: { readonly width: number; readonly bias: boolean } | null;
  /** Standard deviations before training; they decide whether small towers learn the order of words. */
  readonly initialStd: { readonly token: number; readonly position: number };
}

export interface TowersConfig {
  readonly image: ImageTowerConfig;
  readonly text: TextTowerConfig;
  /** The logarithm of what cosines are multiplied by, before training; null: there is no such parameter. */
  readonly logitScale: number | null;
  /** What is added to them, before training; null: there is no such parameter. */
  readonly logitBias: number | null;
}

/** The width of the space in which the two towers meet. */
export function embeddingWidth({ image, text }: TowersConfig): number {
  return text.projection?.width ?? image.projection ?? image.encoder.dModel;
}

/** Sizes of a small pair; what is left out is the number in brackets. */
export interface SmallTowersSize {
  /** Pixels: rows x columns of the image, and a side of its patches. */
  readonly height: number;
  readonly width: number;
  readonly patch: number;
  readonly channels?: number;
  readonly vocabulary: number;
  readonly textLength: number;
  readonly dModel?: number;
  readonly nLayers?: number;
  readonly nHeads?: number;
  /** The shared space; as wide as the towers where left out. */
  readonly dEmbedding?: number;
  /** Of token and position embeddings [.3 each]. */
  readonly textStd?: { readonly token: number; readonly position: number };
  readonly imagePooling?: ImageTowerConfig['pooling'];
  readonly textPooling?: TextTowerConfig['pooling'];
  readonly causal?: boolean;
}

/**
 * A small pair to be trained from nothing: mean pooling, texts in both directions, GELU, projections without bias, and
 * neither scale nor bias of its own (the loss is given a temperature). Width 64, 2 blocks, 4 heads where not said.
 */
export function smallTowers(size: SmallTowersSize): TowersConfig {
  const { height, width, patch, channels = 3, vocabulary, textLength, dModel = 64, nLayers = 2, nHeads = 4 } = size;
  const { dEmbedding = dModel, textStd = { token: 0.3, position: 0.3 }, imagePooling = 'mean' } = size;
  const encoder: EncoderConfig = {
    dModel,
    nLayers,
    nHeads,
    dMlp: 4 * dModel,
    activation: 'gelu',
    epsilon: 1e-5,
    initialStd: 1 / Math.sqrt(dModel),
  };
  const weight = 1 / Math.sqrt(channels * patch * patch);
  return checkedTowers({
    image: {
      encoder,
      patches: {
        channels,
        size: patch,
        order: 'chw',
        bias: true,
        rows: height / patch,
        columns: width / patch,
        grid: 'fixed',
        initialStd: { weight, position: 0.3 },
      },
      classToken: imagePooling === 'class',
      preNorm: false,
      pooling: imagePooling,
      projection: dEmbedding,
    },
    text: {
      encoder,
      vocabulary,
      length: textLength,
      causal: size.causal ?? false,
      pooling: size.textPooling ?? 'mean',
      projection: { width: dEmbedding, bias: false },
      initialStd: textStd,
    },
    logitScale: null,
    logitBias: null,
  });
}

/** Refuses sizes that do not fit together. @throws AssayError naming what was expected. */
export function checkedTowers(config: TowersConfig): TowersConfig {
  const { image, text } = config;
  const { patches } = image;
  const positive = [patches.channels, patches.size, patches.rows, patches.columns, text.vocabulary, text.length];
  const demands: readonly (readonly [boolean, string])[] = [
    [positive.every(isSize), `whole patches and sizes, found ${positive.join(', ')}`],
    ...[image.encoder, text.encoder].map((encoder): [boolean, string] => [
      [encoder.dModel, encoder.nLayers, encoder.nHeads, encoder.dMlp].every(isSize) &&
        encoder.dModel % encoder.nHeads === 0,
      `whole sizes and heads that divide the width ${encoder.dModel}, found ${encoder.nHeads} heads`,
    ]),
    [image.pooling !== 'class' || image.classToken, 'a class token where it is pooled'],
    [image.classToken ? patches.grid === 'fixed' : true, 'no class token where positions are resized'],
    [
      (image.projection ?? image.encoder.dModel) === (text.projection?.width ?? text.encoder.dModel),
      'one width of the shared space',
    ],
  ];
  const broken = demands.find(([holds]) => !holds);
  if (broken !== undefined) throw new AssayError('config', `Towers: expected ${broken[1]}.`);
  return config;
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
