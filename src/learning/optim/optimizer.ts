/**
 * Optimizers: they step parameters that live in an arena.
 * Invariant: the buffers and the step counter are the whole state, so saving, restoring and stepping on gives the same
 * bits as never having stopped.
 */
import { AssayError } from '#base/errors.ts';
import { arenaBytes, type Arena } from '#engine/kernels/arena.ts';
import { sizeOf } from '#engine/tensor.ts';

import { adamwRule } from './adamw.ts';
import { lionRule } from './lion.ts';
import { muonRule, muonScratchLengths } from './muon.ts';
import { bufferCount, checkOptimizerConfig, type OptimizerConfig } from './optimizer-config.ts';
import { decodeState, encodeState, type NamedBuffer } from './optimizer-state.ts';
import { parameterLengths, type ParameterHandle, type Trained } from './parameter.ts';
import { sgdRule } from './sgd.ts';
import type { UpdateRule } from './update-rule.ts';

/** Steps parameters from their gradients. */
export interface Optimizer {
  /** Updates made so far. */
  readonly stepCount: number;
  /**
   * One update of every parameter from its gradient; gradients are left as they are.
   * @param lr Learning rate, in the unit of the optimizer's kind.
   */
  step(lr: number): void;
  /** The whole state, as bytes. */
  saveState(): Uint8Array<ArrayBuffer>;
  /**
   * Takes over a saved state.
   * @throws AssayError when it belongs to another kind of optimizer or to other parameters.
   */
  restoreState(bytes: Uint8Array): void;
}

/** The bytes of an arena for these parameters, their gradients and the optimizer's state and scratch. */
export function trainingBytes(config: OptimizerConfig, parameters: readonly Trained[]): number {
  const buffers = parameters.flatMap((parameter) =>
    Array.from({ length: bufferCount(config, parameter) }, () => sizeOf(parameter.shape)),
  );
  const scratch = config.kind === 'muon' ? muonScratchLengths(parameters) : [];
  return arenaBytes([...parameterLengths(parameters), ...buffers, ...scratch]);
}

/**
 * Creates an optimizer over placed parameters, its state zero.
 * @param arena The arena the parameters are in; the state and scratch are taken from it, see `trainingBytes`.
 * @throws AssayError on constants out of range, or an arena too small.
 */
export function createOptimizer(
  config: OptimizerConfig,
  parameters: readonly ParameterHandle[],
  arena: Arena,
): Optimizer {
  checkOptimizerConfig(config);
  const rule = ruleOf(config, parameters, arena);
  const buffers: NamedBuffer[] = [];
  const slots = parameters.map((parameter) => {
    const offsets = Array.from({ length: bufferCount(config, parameter) }, (_, i) => {
      const name = `${parameter.name} buffer ${i}`;
      const { offset, view } = arena.float32(name, parameter.length);
      buffers.push({ name, view });
      return offset;
    });
    return { parameter, offsets };
  });
  let stepCount = 0;
  return {
    get stepCount() {
      return stepCount;
    },
    step(lr) {
      if (!(lr >= 0 && Number.isFinite(lr))) {
        throw new AssayError('config', `Optimizer step: expected a learning rate >= 0, found ${lr}.`);
      }
      stepCount++;
      for (const { parameter, offsets } of slots) rule(parameter, offsets, stepCount, lr);
    },
    saveState: () => encodeState(config.kind, stepCount, buffers),
    restoreState(bytes) {
      stepCount = decodeState(bytes, config.kind, buffers);
    },
  };
}

function ruleOf(config: OptimizerConfig, parameters: readonly ParameterHandle[], arena: Arena): UpdateRule {
  switch (config.kind) {
    case 'adamw':
      return adamwRule(config, arena.kernels);
    case 'sgd':
      return sgdRule(config, arena.kernels);
    case 'muon':
      return muonRule(config, parameters, arena);
    case 'lion':
      return lionRule(config, arena.kernels);
    default:
      return config satisfies never;
  }
}
