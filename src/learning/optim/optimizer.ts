/**
 * Optimizers: they step parameters that live in an arena.
 * Invariant: the buffers and the step counter are the whole state, so saving, restoring and stepping on gives the same
 * bits as never having stopped.
 */
import type { ByteSource, Pieces } from '#base/bytes.ts';
import { AssayError } from '#base/errors.ts';
import { arenaBytes, type Arena } from '#engine/kernels/arena.ts';

import { adamwRule } from './adamw.ts';
import { lionRule } from './lion.ts';
import { muonRule, muonScratchLengths } from './muon.ts';
import { bufferLengths, checkOptimizerConfig, type OptimizerConfig } from './optimizer-config.ts';
import { decodeState, encodeState, type NamedBuffer } from './optimizer-state.ts';
import { parameterLengths, type ParameterHandle, type Trained } from './parameter.ts';
import { sgdRule } from './sgd.ts';
import { shampooRule } from './shampoo.ts';
import { sidesScratchLengths } from './sides.ts';
import { signRule } from './sign.ts';
import { soapRule } from './soap.ts';
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
  /** Starts over: no steps, a state of zeros. */
  reset(): void;
  /** The whole state, its buffers where they lie: to be used before the next step. */
  state(): Pieces;
  /**
   * Takes over a state.
   * @throws AssayError when it belongs to another kind of optimizer or to other parameters.
   */
  restore(state: ByteSource): void;
}

/** The bytes of an arena for these parameters, their gradients and the optimizer's state and scratch. */
export function trainingBytes(config: OptimizerConfig, parameters: readonly Trained[]): number {
  const buffers = parameters.flatMap((parameter) => bufferLengths(config, parameter));
  return arenaBytes([...parameterLengths(parameters), ...buffers, ...scratchLengths(config, parameters)]);
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
    const offsets = bufferLengths(config, parameter).map((length, i) => {
      const name = `${parameter.name} buffer ${i}`;
      const { offset, view } = arena.float32(name, length);
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
    reset() {
      stepCount = 0;
      for (const { view } of buffers) view.fill(0);
    },
    state: () => encodeState(config.kind, stepCount, buffers),
    restore(state) {
      stepCount = decodeState(state, config.kind, buffers);
    },
  };
}

/** Lengths of the scratch regions that a kind's rule takes from the arena. */
function scratchLengths({ kind }: OptimizerConfig, parameters: readonly Trained[]): readonly number[] {
  switch (kind) {
    case 'muon':
      return muonScratchLengths(parameters);
    case 'shampoo':
    case 'soap':
      return sidesScratchLengths(parameters);
    case 'adamw':
    case 'sgd':
    case 'sign':
    case 'lion':
      return [];
    default:
      return kind satisfies never;
  }
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
    case 'sign':
      return signRule(config, arena.kernels);
    case 'shampoo':
      return shampooRule(config, parameters, arena);
    case 'soap':
      return soapRule(config, parameters, arena);
    default:
      return config satisfies never;
  }
}
