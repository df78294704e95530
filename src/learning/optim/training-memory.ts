/**
 * Where what is trained lives: parameters, their gradients and the optimizer's state, and all that works on them. A learner asks
 * this interface and nothing else, so what a device would need stands here in one piece (ADR 0189); today it is host memory.
 * Invariant: parameters and the optimizer's state are the whole state.
 */
import type { ByteSource, Pieces } from '#base/bytes.ts';
import { AssayError } from '#base/errors.ts';
import type { Region } from '#engine/kernels/arena.ts';
import type { Program } from '#engine/session.ts';
import { packPieces, unpackSource } from '#learning/checkpoint.ts';
import { gradientOutput } from '#learning/loss.ts';
import type { Memory } from '#learning/weights.ts';

import { clipGradients, type ClipResult } from './clip.ts';
import type { OptimizerConfig } from './optimizer-config.ts';
import type { Parameter, Trained } from './parameter.ts';
import { placeTraining, type Placement } from './placement.ts';

/** The parameters, gradients and optimizer state of a training. */
export interface TrainingMemory {
  /** The parameters by name, as they change. */
  readonly parameters: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** The gradients by parameter name, as they were last collected. */
  readonly gradients: Memory;
  /** Lets a program read the parameters that are among its inputs, whatever they become. */
  bindParameters(program: Program): void;
  /** Lets a program of the loss write the gradients, which `collect` takes in. */
  bindGradients(program: Program): void;
  /** Takes in what the program has just written: the first gradients since a step are what counts, later ones are added. */
  collect(isFirst: boolean): void;
  clearGradients(): void;
  /** Scales the gradients down to a norm of all together; says where one is not finite. */
  clip(maxNorm: number): ClipResult;
  /** One update of every parameter. */
  step(lr: number): void;
  /** The first weight that is not finite. */
  brokenWeight(): BrokenWeight | undefined;
  /** Sets the optimizer's state to that before any step. */
  resetOptimizer(): void;
  /** The parameters alone, where they lie: to be used before they change. */
  weights(): Pieces;
  /** @throws AssayError on others than these parameters. */
  restoreWeights(weights: ByteSource): void;
  /** Everything that goes on from here to the same bits, where it lies: to be used before the next step. */
  state(): Pieces;
  /** @throws AssayError on a state of another optimizer or other parameters. */
  restoreState(state: ByteSource): void;
}

/** A weight that is not finite. */
export interface BrokenWeight {
  readonly kind: 'weightNotFinite';
  readonly parameter: string;
  readonly index: number;
}

/**
 * Training memory on the host, in as many arenas as it needs.
 * @param isAccumulated Whether gradients of several micro-batches are added up, for which programs write to memory of its own.
 */
export function hostTraining(
  config: OptimizerConfig,
  specs: readonly Trained[],
  isAccumulated: boolean,
): TrainingMemory {
  const placed = placeTraining(config, specs, isAccumulated ? 1 : 0);
  if (!isAccumulated) return hostMemory(placed);
  const fresh = placed.parameters.map(({ handle, arena }) =>
    arena.float32(`${handle.name} fresh gradient`, handle.length),
  );
  return hostMemory(placed, fresh);
}

/**
 * Training memory of parameters that were placed.
 * @param fresh Where programs write gradients that are then added up; absent where they write them in place.
 */
export function hostMemory({ parameters, optimizer }: Placement, fresh?: readonly Region[]): TrainingMemory {
  const restore = (parts: readonly ByteSource[]): void => {
    parameters.forEach(({ values }, i) => parts[i]?.read(0, bytesOf(values)));
  };
  return {
    parameters: new Map(parameters.map(({ handle, values }) => [handle.name, values])),
    gradients: new Map(parameters.map(({ handle, gradient }) => [handle.name, gradient])),
    bindParameters(program) {
      for (const { handle, values } of parameters) program.bindIfKnown(handle.name, values);
    },
    bindGradients(program) {
      parameters.forEach(({ handle, gradient }, i) =>
        program.bind(gradientOutput(handle.name), fresh?.[i]?.view ?? gradient),
      );
    },
    collect(isFirst) {
      fresh?.forEach(({ offset, view }, i) => {
        const { handle, gradient, arena } = parameters[i] ?? {};
        // The first overwrites: 0 times what a broken run left is not 0.
        if (isFirst) gradient?.set(view);
        else arena?.kernels.scaledAdd(handle?.gradientOffset ?? 0, offset, view.length, 1, 1);
      });
    },
    clearGradients() {
      for (const { gradient } of parameters) gradient.fill(0);
    },
    clip: (maxNorm) => clipGradients(parameters, maxNorm),
    step: optimizer.step,
    brokenWeight: () => brokenWeight(parameters),
    resetOptimizer: optimizer.reset,
    weights: () => packPieces(valuesOf(parameters)),
    restoreWeights(weights) {
      const parts = unpackSource(weights);
      checkFits(parameters, parts);
      restore(parts);
    },
    state: () => packPieces([optimizer.state(), ...valuesOf(parameters)]),
    restoreState(state) {
      const [ofOptimizer, ...parts] = unpackSource(state);
      checkFits(parameters, parts);
      if (ofOptimizer !== undefined) optimizer.restore(ofOptimizer);
      restore(parts);
    },
  };
}

function valuesOf(parameters: readonly Parameter[]): readonly Pieces[] {
  return parameters.map(({ values }) => [bytesOf(values)]);
}

function brokenWeight(parameters: readonly Parameter[]): BrokenWeight | undefined {
  for (const { handle, arena } of parameters) {
    const index = arena.kernels.firstNonFinite(handle.offset, handle.length);
    if (index >= 0) return { kind: 'weightNotFinite', parameter: handle.name, index };
  }
  return undefined;
}

function checkFits(parameters: readonly Parameter[], parts: readonly ByteSource[]): void {
  const fits =
    parts.length === parameters.length && parameters.every((one, i) => one.values.byteLength === parts[i]?.length);
  if (fits) return;
  throw new AssayError(
    'store',
    `Checkpoint: expected the ${parameters.length} parameters of this trainer, found others. Delete the run to start it over.`,
  );
}

function bytesOf(values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
