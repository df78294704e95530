/**
 * A sparse autoencoder's forward pass as a graph: x -> y = x - bDec -> hiddenPre -> featureActs -> reconstruction.
 * Names after SAELens. Choices (which codes are kept) have no gradient; what is kept has its own.
 */
import { greater, less } from '#engine/ops/comparison.ts';
import { abs, add, detach, exp, mul, relu, step, sub } from '#engine/ops/elementwise.ts';
import { scatterAlong, takeAlong, topK } from '#engine/ops/indexing.ts';
import { concat, reshape } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { unitLength } from '#engine/ops/network.ts';
import { axisLength, sizeOf, type Tensor } from '#engine/tensor.ts';

import type { WholeSaeConfig } from './sae-config.ts';
import { featuresName, mapName } from './sae-parameters.ts';

/** A parameter by name. */
export type ParameterOf = (name: string) => Tensor;

/** Whether codes are chosen as in training, or as the trained autoencoder is read (they differ for batch-top-k alone). */
export type SaePhase = 'training' | 'reading';

/** The parts of one pass over B rows. */
export interface SaeTensors {
  /** What is reconstructed, shape [B, D]: x without its mean. */
  readonly centred: Tensor;
  /** Shape [B, F]; of a gated one the gate's, of a thresholding one the first step's. */
  readonly hiddenPre: Tensor;
  /** Codes, shape [B, F]. */
  readonly featureActs: Tensor;
  /** Features by slot, shape [F, D]. */
  readonly dictionary: Tensor;
  /** Of x, shape [B, D]. */
  readonly reconstruction: Tensor;
}

/** One pass. @param x shape [B, D]. */
export function saeTensors(config: WholeSaeConfig, parameter: ParameterOf, x: Tensor, phase: SaePhase): SaeTensors {
  const dictionary = dictionaryTensor(config, parameter);
  const centred = config.centre === 'none' ? x : sub(x, parameter('bDec'));
  const hiddenPre = hiddenPreOf(config, parameter, dictionary, centred);
  const featureActs = codes(config, parameter, { dictionary, centred, hiddenPre }, phase);
  const reconstruction = decoded(config, parameter, featureActs, dictionary);
  return { centred, hiddenPre, featureActs, dictionary, reconstruction };
}

/** `hiddenPre` of rows x [B, D] alone, shape [B, F]. */
export function preCodes(config: WholeSaeConfig, parameter: ParameterOf, x: Tensor): Tensor {
  const centred = config.centre === 'none' ? x : sub(x, parameter('bDec'));
  return hiddenPreOf(config, parameter, dictionaryTensor(config, parameter), centred);
}

/** z D + bDec. @param featureActs shape [B, n]. @param features shape [n, D], such as a prefix of the dictionary. */
export function decoded(
  { centre }: WholeSaeConfig,
  parameter: ParameterOf,
  featureActs: Tensor,
  features: Tensor,
): Tensor {
  const sum = matmul(featureActs, features);
  return centre === 'none' ? sum : add(sum, parameter('bDec'));
}

/** The k largest of each row where they are positive, 0 elsewhere. @param x shape [B, F]. */
export function positiveTopK(x: Tensor, k: number): Tensor {
  const { values, indices } = topK(x, k);
  return scatterAlong(relu(values), indices, axisLength(x, -1));
}

function dictionaryTensor(config: WholeSaeConfig, parameter: ParameterOf): Tensor {
  const features = parameter(featuresName(config));
  if (config.decoder.kind === 'free') return features;
  const images = Array.from({ length: config.decoder.slots - 1 }, (_, i) => {
    const image = matmul(features, parameter(mapName(i + 2)), { transposeB: true });
    return config.decoderNorm === 'unit' ? unitLength(image) : image;
  });
  return concat([features, ...images], 0);
}

function hiddenPreOf({ encoder }: WholeSaeConfig, parameter: ParameterOf, dictionary: Tensor, centred: Tensor): Tensor {
  const rows = encoder.kind === 'untied' ? parameter('wEnc') : dictionary;
  const products = matmul(centred, rows, { transposeB: true });
  return encoder.kind === 'thresholding' ? products : add(products, parameter('bEnc'));
}

type Before = Pick<SaeTensors, 'dictionary' | 'centred' | 'hiddenPre'>;

function codes(config: WholeSaeConfig, parameter: ParameterOf, before: Before, phase: SaePhase): Tensor {
  const { activation } = config;
  const { hiddenPre } = before;
  switch (activation.kind) {
    case 'relu':
      return relu(hiddenPre);
    case 'gated':
      return mul(step(hiddenPre), relu(magnitudePre(parameter, hiddenPre)));
    case 'topK':
      return config.encoder.kind === 'thresholding'
        ? thresholded(before, activation.k, config.encoder.steps)
        : positiveTopK(hiddenPre, activation.k);
    case 'absTopK':
      return signedTopK(hiddenPre, activation.k);
    case 'batchTopK':
      return phase === 'training'
        ? batchTopK(hiddenPre, activation.k)
        : mul(hiddenPre, greater(hiddenPre, parameter('readingThreshold')));
    case 'jumpRelu':
      return jumpRelu(hiddenPre, parameter('threshold'), activation.bandwidth);
    default:
      return activation satisfies never;
  }
}

/** y (e^rMag * wEnc)^T + bMag: the gate's product at a scale of its own. @see arXiv:2404.16014, Eq. 7. */
function magnitudePre(parameter: ParameterOf, hiddenPre: Tensor): Tensor {
  const product = sub(hiddenPre, parameter('bEnc'));
  return add(mul(product, exp(parameter('rMag'))), parameter('bMag'));
}

/** z <- TopK(z + (y - z D) D^T) from TopK(y D^T), every step with its gradient. */
function thresholded({ dictionary, centred, hiddenPre }: Before, k: number, steps: number): Tensor {
  let z = positiveTopK(hiddenPre, k);
  for (let i = 0; i < steps; i++) {
    const left = sub(centred, matmul(z, dictionary));
    z = positiveTopK(add(z, matmul(left, dictionary, { transposeB: true })), k);
  }
  return z;
}

function signedTopK(x: Tensor, k: number): Tensor {
  const { indices } = topK(abs(x), k);
  return scatterAlong(takeAlong(x, indices), indices, axisLength(x, -1));
}

/** @param k Of a row; may be a fraction, the batch's number is rounded down. */
function batchTopK(x: Tensor, k: number): Tensor {
  const count = Math.floor(axisLength(x, 0) * k);
  return reshape(positiveTopK(reshape(x, [1, sizeOf(x.shape)]), count), x.shape);
}

/**
 * x [x > theta]; the gradient to theta is -(theta / w) [|x - theta| < w / 2], a straight-through estimate by a rectangle.
 * @see Rajamanoharan et al. 2024, arXiv:2407.14435, Eq. 11.
 */
function jumpRelu(x: Tensor, theta: Tensor, bandwidth: number): Tensor {
  const isNear = rectangle(x, theta, bandwidth);
  const slope = mul(mul(isNear, detach(theta)), -1 / bandwidth);
  return add(mul(relu(x), greater(x, theta)), mul(slope, zeroThrough(theta)));
}

/** [x > theta] summed over features; the gradient to theta is -(1 / w) [|x - theta| < w / 2]. @see arXiv:2407.14435, Eq. 12. */
export function jumpReluCount(x: Tensor, theta: Tensor, bandwidth: number): Tensor {
  const slope = mul(rectangle(x, theta, bandwidth), -1 / bandwidth);
  return add(greater(x, theta), mul(slope, zeroThrough(theta)));
}

function rectangle(x: Tensor, theta: Tensor, bandwidth: number): Tensor {
  const distance = detach(sub(x, theta));
  return mul(greater(distance, -bandwidth / 2), less(distance, bandwidth / 2));
}

/** 0, through which a gradient passes unchanged. */
function zeroThrough(x: Tensor): Tensor {
  return sub(x, detach(x));
}
