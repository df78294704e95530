/** The loss of a sparse autoencoder by its terms: squared errors are summed over D and averaged over rows, as in SAELens. */
import { greater, where } from '#engine/ops/comparison.ts';
import { abs, add, detach, mul, relu, square, step, sub } from '#engine/ops/elementwise.ts';
import { scatterAlong, topK } from '#engine/ops/indexing.ts';
import { slice, sum } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { l2Norm, reduceMin } from '#engine/ops/reduction.ts';
import { input } from '#engine/ops/sources.ts';
import { axisLength, type Tensor } from '#engine/tensor.ts';
import type { Loss, LossTerm } from '#learning/loss.ts';

import type { DeadFeatures, WholeSaeConfig } from './sae-config.ts';
import { decoded, jumpReluCount, type ParameterOf, type SaeTensors } from './sae-graph.ts';

/** The input that holds 1 for each dead feature, shape [F], and the input that holds the weight of their loss, shape []. */
export const DEAD_INPUT = 'dead';
export const DEAD_WEIGHT_INPUT = 'dead weight';

/** What a trainer observes: `firedCounts`, `rowErrors` and `smallestCode`. */
export const FIRED = 'fired';
export const ROW_ERRORS = 'row errors';
export const SMALLEST = 'smallest code';

/** The code of a feature that is alive, among dead ones: below every code. */
export const NEVER = -1e30;

/** Above every code. */
export const NO_CODE = 1e30;

/** The squared error of each row, shape [B]. */
export function rowErrors({ reconstruction }: SaeTensors, x: Tensor): Tensor {
  return sum(square(detach(sub(reconstruction, x))), [-1]);
}

/** The smallest code above 0, shape []; `NO_CODE` where none is. */
export function smallestCode({ featureActs }: SaeTensors): Tensor {
  const acts = detach(featureActs);
  return reduceMin(where(greater(acts, 0), acts, NO_CODE));
}

/** The terms of the loss over rows x [B, D]: `mse`; `l1`, `l0`, `gate`, `auxiliary` as the config has them. */
export function saeLoss(config: WholeSaeConfig, parameter: ParameterOf, x: Tensor, parts: SaeTensors): Loss {
  const { deadFeatures } = config;
  return {
    mse: reconstructionTerm(config, parameter, x, parts),
    ...sparsityTerms(config, parameter, x, parts),
    ...(deadFeatures?.kind === 'auxiliary' ? { auxiliary: auxiliaryTerm(deadFeatures, x, parts) } : {}),
  };
}

/** In how many of the rows each feature fires, shape [F]. */
export function firedCounts({ featureActs }: SaeTensors): Tensor {
  return sum(step(abs(detach(featureActs))), [0]);
}

/** The squared error; of a matryoshka, the sum over its prefixes. */
function reconstructionTerm(config: WholeSaeConfig, parameter: ParameterOf, x: Tensor, parts: SaeTensors): Tensor {
  const { prefixes } = config;
  const { featureActs, dictionary, reconstruction } = parts;
  const whole = squaredError(reconstruction, x);
  return (prefixes ?? []).slice(0, -1).reduce((total, width) => {
    const [acts, features] = [slice(featureActs, 1, 0, width), slice(dictionary, 0, 0, width)];
    return add(total, squaredError(decoded(config, parameter, acts, features), x));
  }, whole);
}

function sparsityTerms(
  config: WholeSaeConfig,
  parameter: ParameterOf,
  x: Tensor,
  { featureActs, hiddenPre, dictionary }: SaeTensors,
): Readonly<Record<string, LossTerm>> {
  const { activation, decoderNorm } = config;
  const l1 = (acts: Tensor): Tensor => perRow(decoderNorm === 'unit' ? acts : mul(acts, l2Norm(dictionary, [-1])));
  switch (activation.kind) {
    case 'relu':
      return { l1: { term: l1(featureActs), weight: activation.l1 } };
    case 'gated': {
      // The gate alone must reconstruct too, since no gradient passes through its choice; arXiv:2404.16014, Eq. 8.
      const gate = relu(hiddenPre);
      return {
        l1: { term: l1(gate), weight: activation.l1 },
        gate: squaredError(decoded(config, parameter, gate, dictionary), x),
      };
    }
    case 'jumpRelu': {
      const count = jumpReluCount(hiddenPre, parameter('threshold'), activation.bandwidth);
      return { l0: { term: perRow(count), weight: activation.l0 } };
    }
    case 'topK':
    case 'absTopK':
    case 'batchTopK':
      return {};
    default:
      return activation satisfies never;
  }
}

/** What the largest codes among dead features leave of what is left; without a bias, which is in what is left. */
function auxiliaryTerm(
  { k }: Extract<DeadFeatures, { kind: 'auxiliary' }>,
  x: Tensor,
  { hiddenPre, dictionary, reconstruction }: SaeTensors,
): LossTerm {
  const width = axisLength(hiddenPre, -1);
  const { values, indices } = topK(where(input(DEAD_INPUT, [width]), hiddenPre, NEVER), k);
  const acts = scatterAlong(where(greater(values, NEVER), values, 0), indices, width);
  const left = detach(sub(x, reconstruction));
  return { term: squaredError(matmul(acts, dictionary), left), weight: input(DEAD_WEIGHT_INPUT, []) };
}

/** Summed over D, averaged over rows. */
function squaredError(a: Tensor, b: Tensor): Tensor {
  return perRow(square(sub(a, b)));
}

/** Summed over a row, averaged over rows. @param x shape [B, n]. */
function perRow(x: Tensor): Tensor {
  return mul(sum(x), 1 / axisLength(x, 0));
}
