/**
 * The choice of an optimizer as plain data: the union of the four configurations, what each keeps per parameter, and
 * the check of its constants.
 */
import { AssayError } from '#base/errors.ts';

import type { AdamWConfig } from './adamw.ts';
import type { LionConfig } from './lion.ts';
import type { MuonConfig } from './muon.ts';
import type { Trained } from './parameter.ts';
import type { SgdConfig } from './sgd.ts';

/** Which optimizer, with its constants; the learning rate comes with each step. */
export type OptimizerConfig = AdamWConfig | SgdConfig | MuonConfig | LionConfig;

/** How many buffers of a parameter's length the optimizer keeps for it. */
export function bufferCount(config: OptimizerConfig, { role }: Trained): number {
  switch (config.kind) {
    case 'adamw':
      return 2;
    case 'sgd':
      return config.momentum === 0 ? 0 : 1;
    case 'muon':
      return role === 'matrix' ? 1 : 2;
    case 'lion':
      return 1;
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
      checkNotNegative('muon.adamw.lrScale', config.adamw.lrScale);
      return checkAdamW('muon.adamw', config.adamw);
    case 'lion':
      checkDecay('lion.beta1', config.beta1);
      checkDecay('lion.beta2', config.beta2);
      return checkNotNegative('lion.weightDecay', config.weightDecay);
    default:
      return config satisfies never;
  }
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
