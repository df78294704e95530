/**
 * The choice of an optimizer as plain data: the union of the configurations, what each keeps per parameter, and
 * the check of its constants.
 */
import { AssayError } from '#base/errors.ts';
import { sizeOf } from '#engine/tensor.ts';

import type { AdamWConfig, AdamWShare } from './adamw.ts';
import type { LionConfig } from './lion.ts';
import type { MuonConfig } from './muon.ts';
import type { Trained } from './parameter.ts';
import type { SgdConfig } from './sgd.ts';
import { type ShampooConfig, shampooBuffers } from './shampoo.ts';
import type { SignConfig } from './sign.ts';
import { type SoapConfig, soapBuffers } from './soap.ts';

/** Which optimizer, with its constants; the learning rate comes with each step. */
export type OptimizerConfig =
  | AdamWConfig
  | SgdConfig
  | SignConfig
  | LionConfig
  | MuonConfig
  | ShampooConfig
  | SoapConfig;

/** The kinds, as configs name them. */
export const OPTIMIZER_KINDS = ['adamw', 'sgd', 'sign', 'lion', 'muon', 'shampoo', 'soap'] as const;

/** The lengths of the buffers the optimizer keeps for a parameter, in float32 values. */
export function bufferLengths(config: OptimizerConfig, parameter: Trained): readonly number[] {
  const length = sizeOf(parameter.shape);
  const isMatrix = parameter.role === 'matrix';
  switch (config.kind) {
    case 'adamw':
      return [length, length];
    case 'sgd':
    case 'sign':
      return config.momentum === 0 ? [] : [length];
    case 'muon':
      return isMatrix ? [length] : [length, length];
    case 'lion':
      return [length];
    case 'shampoo':
      return isMatrix ? shampooBuffers(parameter) : [length, length];
    case 'soap':
      return isMatrix ? soapBuffers(parameter) : [length, length];
    default:
      return config satisfies never;
  }
}

/**
 * Refuses constants outside their ranges.
 * @throws AssayError naming the field, its range and what was found.
 */
export function checkOptimizerConfig(config: OptimizerConfig): void {
  switch (config.kind) {
    case 'adamw':
      return checkAdamW('adamw', config);
    case 'sgd':
      checkDecay('sgd.momentum', config.momentum);
      checkNotNegative('sgd.weightDecay', config.weightDecay);
      if (config.nesterov && config.momentum === 0) {
        throw new AssayError(
          'config',
          'sgd.nesterov: expected momentum above 0, found 0. Set it, or switch nesterov off.',
        );
      }
      return undefined;
    case 'muon':
      checkDecay('muon.momentum', config.momentum);
      checkNotNegative('muon.weightDecay', config.weightDecay);
      return checkShare('muon.adamw', config.adamw);
    case 'lion':
      checkDecay('lion.beta1', config.beta1);
      checkDecay('lion.beta2', config.beta2);
      return checkNotNegative('lion.weightDecay', config.weightDecay);
    case 'sign':
      checkDecay('sign.momentum', config.momentum);
      return checkNotNegative('sign.weightDecay', config.weightDecay);
    case 'shampoo':
      return checkShampoo(config);
    case 'soap':
      checkAdamW('soap', config);
      checkDecay('soap.shampooBeta', config.shampooBeta);
      checkEvery('soap.every', config.every);
      return checkShare('soap.adamw', config.adamw);
    default:
      return config satisfies never;
  }
}

function checkShampoo({ beta1, beta2, eps, exponent, every, weightDecay, adamw }: ShampooConfig): void {
  checkDecay('shampoo.beta1', beta1);
  if (!(beta2 > 0 && beta2 <= 1)) throw outOfRange('shampoo.beta2', 'in (0, 1], 1 for the plain sum', beta2);
  if (!(eps > 0 && Number.isFinite(eps))) throw outOfRange('shampoo.eps', 'above 0', eps);
  if (!(exponent > 0 && exponent <= 1)) throw outOfRange('shampoo.exponent', 'in (0, 1]', exponent);
  checkEvery('shampoo.every', every);
  checkNotNegative('shampoo.weightDecay', weightDecay);
  checkShare('shampoo.adamw', adamw);
}

function checkShare(where: string, share: AdamWShare): void {
  checkNotNegative(`${where}.lrScale`, share.lrScale);
  checkAdamW(where, share);
}

function checkEvery(where: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 1)) throw outOfRange(where, 'of steps, whole and at least 1', value);
}

function checkAdamW(where: string, { beta1, beta2, eps, weightDecay }: Omit<AdamWConfig, 'kind'>): void {
  checkDecay(`${where}.beta1`, beta1);
  checkDecay(`${where}.beta2`, beta2);
  checkNotNegative(`${where}.eps`, eps);
  checkNotNegative(`${where}.weightDecay`, weightDecay);
}

function checkDecay(where: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw outOfRange(where, 'in [0, 1)', value);
}

function checkNotNegative(where: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) throw outOfRange(where, '>= 0', value);
}

function outOfRange(where: string, range: string, value: number): AssayError {
  return new AssayError('config', `${where}: expected a number ${range}, found ${value}.`);
}
