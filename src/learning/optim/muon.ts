/** Muon for hidden matrices, with AdamW for everything else, as one update rule. */
import type { Arena } from '#engine/kernels/arena.ts';
import { matrixShape } from '#learning/nn/layers.ts';

import { adamwRule, type AdamWShare } from './adamw.ts';
import { createNewtonSchulz, newtonSchulzLength, type MatrixShape } from './newton-schulz.ts';
import type { Trained } from './parameter.ts';
import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * Muon: momentum, orthogonalized by Newton-Schulz, so that every direction of a matrix's update has about the same size.
 * Parameters of role `matrix` take Muon, all others (embeddings, head, vectors) AdamW inside the same optimizer.
 *
 * Learning rate: with `spectral`, the spectral norm of each update of a square matrix, 0.02 in muon.py; with
 * `rmsMatched`, AdamW's unit, so AdamW's rate and decay can be reused. AdamW's share steps with lr times `lrScale`.
 * Not for: embeddings, heads and vectors (hence the roles), nor a factor of a product whose other factor is small, such
 * as LoRA's A and B, without a sweep of the rate: there an orthogonal update of one factor is not one of the weight.
 * Newton-Schulz runs in float32 here, in bfloat16 in muon.py and torch.optim.Muon.
 * @see K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, and muon.py in github.com/KellerJordan/Muon.
 */
export interface MuonConfig {
  readonly kind: 'muon';
  /** Decay of the momentum, in [0, 1); 0.95 in muon.py. */
  readonly momentum: number;
  /** Whether the update looks one gradient ahead; true in muon.py. */
  readonly nesterov: boolean;
  /** Each step multiplies matrices by 1 - lr weightDecay. */
  readonly weightDecay: number;
  /**
   * Factor on the orthogonal update: `spectral` is sqrt(max(1, dOut / dIn)), muon.py; `rmsMatched` is
   * 0.2 sqrt(max(dOut, dIn)), the root mean square of a typical AdamW update, Liu et al. 2025, arXiv:2502.16982,
   * Eq. 4.
   */
  readonly scale: 'spectral' | 'rmsMatched';
  /** AdamW for the parameters that are not matrices; its learning rate is lr times `lrScale`. */
  readonly adamw: AdamWShare;
}

/** muon.py's constants; 0.015 is its ratio of AdamW's rate (3e-4) to Muon's (0.02). */
export const MUON_DEFAULTS = {
  kind: 'muon',
  momentum: 0.95,
  nesterov: true,
  weightDecay: 0,
  scale: 'spectral',
  adamw: { beta1: 0.9, beta2: 0.95, eps: 1e-10, weightDecay: 0, lrScale: 0.015 },
} as const satisfies MuonConfig;

/** Lengths of the scratch regions that `muonRule` takes from an arena, for `arenaBytes`. */
export function muonScratchLengths(parameters: readonly Trained[]): readonly number[] {
  const shapes = matrixShapes(parameters);
  const longest = Math.max(0, ...shapes.map(([dOut, dIn]) => dOut * dIn));
  return [longest, longest, newtonSchulzLength(shapes)];
}

/**
 * The Muon rule: one buffer for a matrix, AdamW's two for the rest.
 * @param parameters Every parameter it will update; they size the scratch.
 */
export function muonRule(config: MuonConfig, parameters: readonly Trained[], arena: Arena): UpdateRule {
  const { momentum, nesterov, weightDecay } = config;
  const [longest = 0] = muonScratchLengths(parameters);
  const orthogonalize = createNewtonSchulz(arena, matrixShapes(parameters));
  const blended = arena.float32('Muon update', longest);
  const orthogonal = arena.float32('Muon orthogonalized update', longest);
  const adamw = adamwRule(config.adamw, arena.kernels);
  return (parameter, buffers, step, lr) => {
    if (parameter.role !== 'matrix') {
      adamw(parameter, buffers, step, lr * config.adamw.lrScale);
      return;
    }
    const { offset, gradientOffset, length } = parameter;
    const buffer = bufferAt(buffers, 0);
    arena.kernels.muonMomentum(gradientOffset, buffer, blended.offset, length, 1 - momentum, momentum, nesterov);
    const [dOut, dIn] = matrixShape(parameter);
    orthogonalize(blended.view.subarray(0, length), dOut, dIn, orthogonal.view.subarray(0, length));
    const stepSize = lr * updateScale(config.scale, dOut, dIn);
    arena.kernels.scaledAdd(offset, orthogonal.offset, length, 1 - lr * weightDecay, -stepSize);
  };
}

/** The factor on a matrix's orthogonal update. */
function updateScale(scale: MuonConfig['scale'], dOut: number, dIn: number): number {
  switch (scale) {
    case 'spectral':
      return Math.sqrt(Math.max(1, dOut / dIn));
    case 'rmsMatched':
      return 0.2 * Math.sqrt(Math.max(dOut, dIn));
    default:
      return scale satisfies never;
  }
}

function matrixShapes(parameters: readonly Trained[]): readonly MatrixShape[] {
  return parameters.filter(({ role }) => role === 'matrix').map(matrixShape);
}
