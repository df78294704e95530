/** Optimizers and clipping against PyTorch: optim.py writes optim.json, this replays it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createArena } from '#engine/kernels/arena.ts';
import { clipGradients } from '#learning/optim/clip.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { placeParameters, type Trained } from '#learning/optim/parameter.ts';

import { assertClose, assertFollows, setGradient, setInitial } from './optim-replay.ts';
import reference from './optim.json' with { type: 'json' };

/** float32 rounding in another order over 12 steps; values are at most about 1. */
const TOLERANCE = 2e-6;
/** 12 steps of lr 0.02 with updates that differ by up to 2e-4 (newton-schulz.ts, Precision); torch's bfloat16 by 4e-3. */
const MUON_TOLERANCE = 5e-5;

const SPECS: readonly Trained[] = [
  { name: 'wide', shape: [5, 7], role: 'matrix' },
  { name: 'tall', shape: [7, 5], role: 'matrix' },
  { name: 'square', shape: [6, 6], role: 'matrix' },
  { name: 'embedding', shape: [6, 3], role: 'embedding' },
  { name: 'vector', shape: [9], role: 'vector' },
];
const adamw = { beta1: 0.9, beta2: 0.95, eps: 1e-10, weightDecay: 0.02, lrScale: 0.5 };
const muon = { kind: 'muon', momentum: 0.95, weightDecay: 0.1, adamw } as const;
const CONFIGS: Readonly<Record<string, OptimizerConfig>> = {
  AdamW: { kind: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 },
  'AdamW with a large eps': { kind: 'adamw', beta1: 0.8, beta2: 0.95, eps: 0.05, weightDecay: 0 },
  SGD: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0.05 },
  'SGD with momentum': { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.05 },
  'SGD with Nesterov momentum': { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.05 },
  Lion: { kind: 'lion', beta1: 0.9, beta2: 0.98, weightDecay: 0.1 },
  Muon: { ...muon, scale: 'spectral', nesterov: true },
  "Muon with AdamW's RMS, without Nesterov": { ...muon, scale: 'rmsMatched', nesterov: false },
};

test('the reference covers every case and the same parameters', () => {
  assert.deepEqual(reference.specs, SPECS);
  assert.deepEqual(Object.fromEntries(reference.cases.map(({ name, config }) => [name, config])), CONFIGS);
});

for (const { name, lr, steps } of reference.cases) {
  test(`${name} follows its reference trajectory for 12 steps`, () => {
    const config = CONFIGS[name];
    assert.ok(config !== undefined);
    assertFollows({ specs: SPECS, config, lr, steps }, ({ role }) =>
      config.kind === 'muon' && role === 'matrix' ? MUON_TOLERANCE : TOLERANCE,
    );
  });
}

for (const { maxNorm, norm, gradients } of reference.clips) {
  test(`clipping to norm ${maxNorm} scales gradients as clip_grad_norm_ does`, () => {
    const arena = createArena(2 ** 16);
    const parameters = placeParameters(SPECS, arena);
    for (const [n, parameter] of parameters.entries()) {
      setInitial(parameter, n);
      setGradient(parameter, n, 1);
    }
    const result = clipGradients(parameters, maxNorm);
    assert.ok(result.kind === 'finite');
    assert.ok(Math.abs(result.norm - norm) <= TOLERANCE * norm, `${result.norm} against ${norm}`);
    assert.equal(result.isClipped, maxNorm < norm);
    for (const [n, { gradient, handle }] of parameters.entries()) {
      assertClose(gradient, gradients[n], TOLERANCE, handle.name);
    }
  });
}
