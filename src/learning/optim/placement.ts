/**
 * Trained parameters in as many memories as they need: an arena ends at 4 GiB (32-bit kernels), the parameters of a model of half a
 * billion weights with their gradients and moments take eight.
 * Invariant: a parameter, its gradient and its buffers lie in one arena, so every kernel works within one; and the parts follow the
 * order of the parameters, so a split changes no bit of any step.
 */
import { sourceOf } from '#base/bytes.ts';
import { arenaBytes, createArena, MOST_ARENA_BYTES } from '#engine/kernels/arena.ts';
import { sizeOf } from '#engine/tensor.ts';
import { packPieces, unpackSource } from '#learning/checkpoint.ts';

import type { OptimizerConfig } from './optimizer-config.ts';
import { createOptimizer, trainingBytes, type Optimizer } from './optimizer.ts';
import { placeParameters, type Parameter, type Trained } from './parameter.ts';

const NOTHING = sourceOf(new Uint8Array());

/** Parameters with the optimizer that steps them. */
export interface Placement {
  readonly parameters: readonly Parameter[];
  readonly optimizer: Optimizer;
}

/**
 * Places parameters, gradients and the optimizer's state.
 * @param copiesBeside How many further regions of each parameter's length its arena has room for.
 * @param mostBytes Of an arena.
 * @throws AssayError where one parameter alone is too large for an arena.
 */
export function placeTraining(
  config: OptimizerConfig,
  specs: readonly Trained[],
  copiesBeside = 0,
  mostBytes = MOST_ARENA_BYTES,
): Placement {
  const bytesOf = (part: readonly Trained[]): number =>
    trainingBytes(config, part) +
    arenaBytes(part.flatMap(({ shape }) => Array.from({ length: copiesBeside }, () => sizeOf(shape))));
  const placed = partsOf(specs, (part) => bytesOf(part) <= mostBytes).map((part): Placement => {
    const arena = createArena(bytesOf(part));
    const parameters = placeParameters(part, arena);
    const handles = parameters.map(({ handle }) => handle);
    return { parameters, optimizer: createOptimizer(config, handles, arena) };
  });
  return {
    parameters: placed.flatMap(({ parameters }) => parameters),
    optimizer: joined(placed.map(({ optimizer }) => optimizer)),
  };
}

/** Runs of neighbours that fit, each as long as it can be; what fits nowhere stands alone. */
function partsOf(specs: readonly Trained[], fits: (part: readonly Trained[]) => boolean): readonly Trained[][] {
  // The whole, as nearly always: counted once, not for every beginning of it.
  if (fits(specs)) return [[...specs]];
  const parts: Trained[][] = [];
  for (const spec of specs) {
    const last = parts.at(-1);
    if (last !== undefined && fits([...last, spec])) last.push(spec);
    else parts.push([spec]);
  }
  return parts;
}

/** One optimizer over several memories; the state of a single one is that one's. */
function joined(optimizers: readonly Optimizer[]): Optimizer {
  const [first] = optimizers;
  if (first === undefined) throw new RangeError('Expected at least one part of parameters.');
  if (optimizers.length === 1) return first;
  return {
    get stepCount() {
      return first.stepCount;
    },
    step(lr) {
      for (const one of optimizers) one.step(lr);
    },
    reset() {
      for (const one of optimizers) one.reset();
    },
    state: () => packPieces(optimizers.map((one) => one.state())),
    restore(state) {
      const states = unpackSource(state);
      optimizers.forEach((one, i) => one.restore(states[i] ?? NOTHING));
    },
  };
}
