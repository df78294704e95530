/**
 * Losses that bring an image and its text together and keep them from the others of the batch.
 * Row i of the images belongs to row i of the texts; further texts, such as captions with their attributes swapped, are
 * wrong for every image.
 */
import { add, exp, mul, negate, softplus } from '#engine/ops/elementwise.ts';
import { slice, sum, transpose } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { crossEntropy, unitLength } from '#engine/ops/network.ts';
import { constant } from '#engine/ops/sources.ts';
import { axisLength, describe, shapeError, type Tensor } from '#engine/tensor.ts';
import type { TowersConfig } from '#learning/models/towers/config.ts';
import { LOGIT_BIAS, LOGIT_SCALE } from '#learning/models/towers/modules.ts';
import type { Layers } from '#learning/nn/layers.ts';

/** What cosines are multiplied by (an inverse temperature) and what is then added. */
export interface LogitScaling {
  readonly scale: number | Tensor;
  readonly bias?: number | Tensor;
}

/** e^`logit_scale` and `logit_bias` of a pair that has such parameters; a factor of 1 where it has none. */
export function learnedScaling({ logitScale, logitBias }: TowersConfig, layers: Layers): LogitScaling {
  const scale = logitScale === null ? 1 : exp(layers.parameter(LOGIT_SCALE));
  return logitBias === null ? { scale } : { scale, bias: layers.parameter(LOGIT_BIAS) };
}

/** scale cos(image, text) + bias. @param images shape [B, D]. @param texts shape [M, D]. @returns shape [B, M]. */
export function pairLogits(images: Tensor, texts: Tensor, { scale, bias }: LogitScaling): Tensor {
  const cosines = matmul(unitLength(images), unitLength(texts), { transposeB: true });
  const scaled = mul(cosines, scale);
  return bias === undefined ? scaled : add(scaled, bias);
}

/**
 * The mean of two cross-entropies, in nats: each image among all texts, each of the first B texts among the images.
 * @param logits shape [B, M], M >= B. @returns shape [].
 * @see Radford et al. 2021, arXiv:2103.00020, Figure 3.
 */
export function softmaxContrastive(logits: Tensor): Tensor {
  const [rows, labels] = rowsAndLabels(logits);
  const ofImages = crossEntropy(logits, labels);
  const ofTexts = crossEntropy(transpose(slice(logits, 1, 0, rows), [1, 0]), labels);
  return mul(add(sum(ofImages), sum(ofTexts)), 0.5 / rows);
}

/**
 * Each pair is told right from wrong by itself: -sum log sigmoid(+-logit) / B, in nats an image.
 * @param logits shape [B, M], M >= B. @returns shape [].
 * @see Zhai et al. 2023, arXiv:2303.15343, Algorithm 1.
 */
export function sigmoidContrastive(logits: Tensor): Tensor {
  const [rows] = rowsAndLabels(logits);
  const columns = axisLength(logits, 1);
  const signs = Float32Array.from({ length: rows * columns }, (_, i) =>
    i % columns === Math.floor(i / columns) ? 1 : -1,
  );
  const losses = softplus(negate(mul(logits, constant(signs, [rows, columns]))));
  return mul(sum(losses), 1 / rows);
}

function rowsAndLabels(logits: Tensor): readonly [rows: number, labels: Tensor] {
  const [rows = 0, columns = 0] = logits.shape;
  if (logits.shape.length !== 2 || columns < rows || rows < 1) {
    throw shapeError(`contrastive loss of ${describe(logits)}`, 'images x texts, with a text for each image first');
  }
  const labels = Int32Array.from({ length: rows }, (_, i) => i);
  return [rows, constant(labels, [rows])];
}
