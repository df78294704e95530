/** Shampoo, SOAP and sign descent against their published algorithms: preconditioned.py writes preconditioned.json, this replays it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import type { Trained } from '#learning/optim/parameter.ts';

import { assertFollows } from './optim-replay.ts';
import reference from './preconditioned.json' with { type: 'json' };

/** float32 rounding in another order over 12 steps; values are at most about 1. */
const TOLERANCE = 2e-6;
/** Sides, roots and bases are kept in float32 and taken in float64; the published codes, all in float32, are 1e-5 to 1.5e-4 off. */
const MATRIX_TOLERANCE = 5e-5;

const SPECS: readonly Trained[] = [
  { name: 'wide', shape: [5, 6], role: 'matrix' },
  { name: 'tall', shape: [6, 5], role: 'matrix' },
  { name: 'square', shape: [6, 6], role: 'matrix' },
  { name: 'embedding', shape: [6, 3], role: 'embedding' },
  { name: 'vector', shape: [9], role: 'vector' },
];
const adamw = { beta1: 0.9, beta2: 0.95, eps: 1e-10, weightDecay: 0.02, lrScale: 0.5 };
const shampoo = {
  kind: 'shampoo',
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-6,
  exponent: 0.25,
  every: 1,
  weightDecay: 0.1,
  adamw,
} as const;
const soap = {
  kind: 'soap',
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  shampooBeta: 0.9,
  every: 2,
  weightDecay: 0.1,
  adamw,
} as const;
const CONFIGS: Readonly<Record<string, OptimizerConfig>> = {
  'sign descent': { kind: 'sign', momentum: 0, weightDecay: 0.1 },
  Signum: { kind: 'sign', momentum: 0.9, weightDecay: 0.1 },
  'Shampoo, Alg. 1': { ...shampoo, beta1: 0, beta2: 1, eps: 1e-4, weightDecay: 0 },
  'Shampoo with means': shampoo,
  'Shampoo, exponent 1/2, roots at every third step': { ...shampoo, beta1: 0.5, exponent: 0.5, every: 3, eps: 1e-3 },
  SOAP: soap,
  'SOAP, bases turned at every step': { ...soap, every: 1, shampooBeta: 0.95, weightDecay: 0 },
};

test('the reference covers every case and the same parameters', () => {
  assert.deepEqual(reference.specs, SPECS);
  assert.deepEqual(Object.fromEntries(reference.cases.map(({ name, config }) => [name, config])), CONFIGS);
});

for (const { name, lr, steps } of reference.cases) {
  test(`${name} follows its reference trajectory for 12 steps`, () => {
    const config = CONFIGS[name];
    assert.ok(config !== undefined);
    const isPreconditioned = config.kind !== 'sign';
    assertFollows({ specs: SPECS, config, lr, steps }, ({ role }) =>
      isPreconditioned && role === 'matrix' ? MATRIX_TOLERANCE : TOLERANCE,
    );
  });
}
