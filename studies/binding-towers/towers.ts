/** The pair of towers, the losses it is trained on, and how it is read: its embeddings, and its streams at every depth. */
import {
  captionLength,
  captionWords,
  feedLayers,
  imageDepths,
  imageTower,
  input,
  layerNorm,
  type Layers,
  learnedScaling,
  type LogitScaling,
  mean,
  mul,
  pairLogits,
  type ParameterSpec,
  recordingSites,
  reshape,
  type SceneWorld,
  sigmoidContrastive,
  slice,
  smallTowers,
  softmaxContrastive,
  softplus,
  sub,
  sum,
  type Tensor,
  textDepths,
  textTower,
  type TowersConfig,
  towerSites,
  unitLength,
} from 'assay/learn';

/** Both towers are alike in these. */
export interface TowerSize {
  readonly dModel: number;
  readonly nLayers: number;
  readonly nHeads: number;
  /** Standard deviation of token and text position embeddings at the start. */
  readonly textStd: number;
}

/**
 * `softmax` and `sigmoid`: contrastive, over all images and captions of a batch. `binding`: told right from swapped for each image by
 * itself, the most that labels can say of binding. Cosines are multiplied by `scale`, and `bias` is added; under the sigmoid both are
 * starts of what is learned, as in SigLIP.
 */
export const LOSSES = ['softmax', 'sigmoid', 'binding'] as const;
export interface LossRules {
  readonly kind: (typeof LOSSES)[number];
  readonly scale: number;
  readonly bias: number;
}

/** Epsilon of the towers' norms. */
const EPSILON = 1e-5;
/** MLPs of twice the width and ReLU take two thirds of the time of four times and GELU, and bind as well (LOG.md). */
const MLP_RATIO = 2;

export function towersOf(
  world: SceneWorld,
  { dModel, nLayers, nHeads, textStd }: TowerSize,
  loss: LossRules,
): TowersConfig {
  const { image, text } = smallTowers({
    height: world.height,
    width: world.width,
    patch: world.patch,
    vocabulary: captionWords(world).length + 1,
    textLength: captionLength(world),
    dModel,
    nLayers,
    nHeads,
    textStd: { token: textStd, position: textStd },
  });
  const cheap = { dMlp: MLP_RATIO * dModel, activation: 'relu' } as const;
  const isLearned = loss.kind === 'sigmoid';
  return {
    image: {
      ...image,
      patches: { ...image.patches, order: 'hwc' },
      encoder: { ...image.encoder, ...cheap },
    },
    text: { ...text, encoder: { ...text.encoder, ...cheap } },
    logitScale: isLearned ? Math.log(loss.scale) : null,
    logitBias: isLearned ? loss.bias : null,
  };
}

/** Embeddings of `images` images [images, D] and `texts` texts [texts, D], of the inputs `patches` and `tokens`. */
function embeddings(config: TowersConfig, layers: Layers, images: number, texts: number): readonly [Tensor, Tensor] {
  const { channels, size, rows, columns } = config.image.patches;
  const { length } = config.text;
  const places = rows * columns;
  const patches = input('patches', [images * places, channels * size ** 2]);
  return [
    imageTower(config.image, layers, { rows: images, length: places }, { patches }),
    textTower(config.text, layers, { rows: texts, length }, { tokens: input('tokens', [texts * length], 'int32') }),
  ];
}

/** The loss of a batch of `images` images and as many captions, or twice as many where wrong ones follow. */
export function towerLoss(
  config: TowersConfig,
  layers: Layers,
  { kind, scale }: LossRules,
  images: number,
  texts: number,
): Tensor {
  const [image, text] = embeddings(config, layers, images, texts);
  switch (kind) {
    case 'softmax':
      return softmaxContrastive(pairLogits(image, text, { scale }));
    case 'sigmoid':
      return sigmoidContrastive(pairLogits(image, text, learnedScaling(config, layers)));
    case 'binding':
      return bindingLoss(image, text, { scale });
    default:
      return kind satisfies never;
  }
}

/** -log of the probability of the right caption among it and the swapped one, a mean over images. */
function bindingLoss(image: Tensor, text: Tensor, { scale }: LogitScaling): Tensor {
  const [images = 0] = image.shape;
  const [seen, said] = [unitLength(image), unitLength(text)];
  const cosine = (from: number): Tensor => sum(mul(seen, slice(said, 0, from, from + images)), [1]);
  return mul(sum(softplus(mul(sub(cosine(images), cosine(0)), scale))), 1 / images);
}

/** What is read of `rows` images and `rows` texts. */
export interface TowerOutputs {
  /** `image` and `text`: the embeddings. */
  readonly embeddings: Readonly<Record<string, Tensor>>;
  /**
   * By depth d, from the embeddings (0) and the end of each block to the shared space (last): `image d` and `text d`, the mean of the
   * stream over patches or tokens through the tower's own last norm and projection; `imageMean d` and `textMean d`, the mean itself.
   * In the shared space both are the embedding.
   */
  readonly depths: Readonly<Record<string, Tensor>>;
}

export function towerOutputs(config: TowersConfig, specs: readonly ParameterSpec[], rows: number): TowerOutputs {
  const { layers, recorded } = recordingSites(feedLayers(specs), towerSites(config));
  const [image, text] = embeddings(config, layers, rows, rows);
  const streams = (sites: readonly string[]): Tensor[] =>
    sites.map((site) => {
      const stream = recorded.get(site);
      if (stream === undefined) throw new Error(`expected the towers to pass "${site}"`);
      return mean(reshape(stream, [rows, (stream.shape[0] ?? 0) / rows, stream.shape[1] ?? 0]), [1]);
    });
  const perToken = (depths: ReturnType<typeof imageDepths>): string[] =>
    depths.flatMap(({ site, per }) => (per === 'token' ? [site] : []));
  const named = (
    name: string,
    depths: ReturnType<typeof imageDepths>,
    lens: (pooled: Tensor) => Tensor,
    embedding: Tensor,
  ) => {
    const means = streams(perToken(depths));
    const seen = [...means.map(lens), embedding];
    return Object.fromEntries([
      ...seen.map((x, depth) => [`${name} ${depth}`, x] as const),
      ...[...means, embedding].map((x, depth) => [`${name}Mean ${depth}`, x] as const),
    ]);
  };
  const lensOf =
    (norm: string, projection: string) =>
    (pooled: Tensor): Tensor =>
      layers.linear(
        projection,
        layerNorm(pooled, layers.parameter(`${norm}.weight`), layers.parameter(`${norm}.bias`), EPSILON),
      );
  return {
    embeddings: { image, text },
    depths: {
      ...named('image', imageDepths(config.image), lensOf('vision_model.post_layernorm', 'visual_projection'), image),
      ...named('text', textDepths(config.text), lensOf('text_model.final_layer_norm', 'text_projection'), text),
    },
  };
}

/** How many depths are read: the embeddings, the end of each block, the shared space. */
export function depthsOf({ nLayers }: TowerSize): number {
  return nLayers + 2;
}
