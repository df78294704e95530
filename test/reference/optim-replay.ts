/** Replays the reference trajectories of optimizers that optim.py and preconditioned.py write. */
import assert from 'node:assert/strict';

import { createArena } from '#engine/kernels/arena.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createOptimizer, trainingBytes } from '#learning/optim/optimizer.ts';
import { placeParameters, type Parameter, type Trained } from '#learning/optim/parameter.ts';

/** One recorded trajectory: the values of every parameter at some of its 12 updates. */
export interface Recorded {
  readonly specs: readonly Trained[];
  readonly config: OptimizerConfig;
  readonly lr: number;
  readonly steps: readonly { readonly step: number; readonly values: readonly (readonly number[])[] }[];
}

/** Makes 12 updates and compares the recorded ones. */
export function assertFollows(
  { specs, config, lr, steps }: Recorded,
  toleranceOf: (parameter: Trained) => number,
): void {
  const arena = createArena(trainingBytes(config, specs));
  const parameters = placeParameters(specs, arena);
  const handles = parameters.map(({ handle }) => handle);
  const optimizer = createOptimizer(config, handles, arena);
  parameters.forEach(setInitial);
  for (let t = 1; t <= 12; t++) {
    for (const [n, parameter] of parameters.entries()) setGradient(parameter, n, t);
    optimizer.step(lr);
    const recorded = steps.find(({ step }) => step === t)?.values;
    if (recorded === undefined) continue;
    for (const [n, { values, handle }] of parameters.entries()) {
      assertClose(values, recorded[n], toleranceOf(handle), `step ${t}, ${handle.name}`);
    }
  }
  assert.equal(optimizer.stepCount, 12);
}

/** The start of optim.py. */
export function setInitial({ values }: Parameter, n: number): void {
  for (let i = 0; i < values.length; i++) values[i] = 0.5 * Math.cos(1.3 * i + n);
}
/** The gradients of optim.py at update t. */
export function setGradient({ values, gradient }: Parameter, n: number, t: number): void {
  for (const [i, value] of values.entries()) gradient[i] = ((n + 1) / 4) * Math.sin(3 * value + 0.7 * i + t);
}

/** Every value within a tolerance of its reference. */
export function assertClose(
  found: Float32Array,
  expected: readonly number[] | undefined,
  tolerance: number,
  what: string,
): void {
  assert.ok(expected !== undefined && expected.length === found.length, `${what}: lengths differ`);
  for (const [i, value] of found.entries()) {
    const distance = Math.abs(value - (expected[i] ?? Number.NaN));
    assert.ok(distance <= tolerance, `${what}[${i}]: ${value} is ${distance} from ${expected[i]}`);
  }
}
