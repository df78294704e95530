/** Gradients of every architecture against finite differences, through the graph; the kernels' against the graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { createLearner } from '#learning/learner.ts';
import { gradientOutput, LOSS_OUTPUT, lossGraph } from '#learning/loss.ts';
import { SGD_DEFAULTS } from '#learning/optim/sgd.ts';

import { type SaeConfig, type WholeSaeConfig, wholeSaeConfig } from './sae-config.ts';
import { saeTensors } from './sae-graph.ts';
import { DEAD_INPUT, DEAD_WEIGHT_INPUT, FIRED, firedCounts, ROW_ERRORS, rowErrors, saeLoss } from './sae-loss.ts';
import { saeFixed, saeParameters, saeStart } from './sae-parameters.ts';
import { parameterInputs } from './sae-trainer.ts';
import { createSparseLearner, isSparse } from './sparse-pass.ts';

const [D_IN, D_SAE, ROWS] = [6, 12, 8];
const SIZE = { dIn: D_IN, dSae: D_SAE } as const;
/** Of a direction of length 1. */
const STEP = 2e-3;
/** float32 losses of order 10, over 2 STEP, and the curvature within it. */
const TOLERANCE = 1e-2;
/** The order of float32 sums. */
const ROUNDING = 2e-5;

const TOP_K = { kind: 'topK', k: 3 } as const;
const THRESHOLDING = { kind: 'thresholding', steps: 2 } as const;
const CONFIGS: Readonly<Record<string, SaeConfig>> = {
  standard: { ...SIZE, activation: { kind: 'relu', l1: 0.3 }, decoderNorm: 'free' },
  'standard, three slots': {
    ...SIZE,
    activation: { kind: 'relu', l1: 0.3 },
    decoder: { kind: 'slots', slots: 3, maps: 'random' },
  },
  gated: { ...SIZE, activation: { kind: 'gated', l1: 0.3 }, decoderNorm: 'free' },
  'top-k': { ...SIZE, activation: TOP_K },
  'top-k of sizes': { ...SIZE, activation: { kind: 'absTopK', k: 3 } },
  'batch-top-k': { ...SIZE, activation: { kind: 'batchTopK', k: 2.5 } },
  JumpReLU: { ...SIZE, activation: { kind: 'jumpRelu', l0: 0.3, bandwidth: 0.2, threshold: 0.1 } },
  matryoshka: { ...SIZE, activation: { kind: 'batchTopK', k: 3 }, prefixes: [3, 6, 12] },
  tied: { ...SIZE, activation: TOP_K, encoder: { kind: 'tied' } },
  'tied, two slots of free length': {
    ...SIZE,
    activation: TOP_K,
    encoder: { kind: 'tied' },
    decoder: { kind: 'slots', slots: 2, maps: 'random' },
    decoderNorm: 'free',
  },
  thresholding: { ...SIZE, activation: TOP_K, encoder: THRESHOLDING, centre: 'none' },
  'thresholding by small steps': {
    ...SIZE,
    activation: TOP_K,
    encoder: { ...THRESHOLDING, stepSize: 0.5 },
  },
  'thresholding, two slots': {
    ...SIZE,
    activation: TOP_K,
    encoder: THRESHOLDING,
    decoder: { kind: 'slots', slots: 2, maps: 'orthonormal' },
  },
};

for (const [name, sae] of Object.entries(CONFIGS)) {
  test(`${name}: gradients are the loss's finite differences`, async () => {
    const config = wholeSaeConfig(sae);
    const parameter = parameterInputs(config);
    const x = input('x', [ROWS, D_IN]);
    const loss = saeLoss(config, parameter, x, saeTensors(config, parameter, x, 'training'));
    await using program = await compile(lossGraph(loss, saeParameters(config)).outputs);
    program.bind('x', rows());
    const weights = start(config);
    for (const [one, values] of weights) program.bind(one, values);
    await program.run();
    const gradients = new Map(saeParameters(config).map(({ name: one }) => [one, gradientNow(one)]));
    for (const { name: one } of saeParameters(config)) {
      // A threshold's gradient is an estimate by design: it has no derivative.
      if (one === 'threshold') continue;
      const values = weights.get(one) ?? assert.fail(one);
      const [direction, before] = [directionOf(one, values.length), values.slice()];
      const shifted = async (by: number): Promise<number> => {
        before.forEach((value, i) => (values[i] = value + by * (direction[i] ?? 0)));
        await program.run();
        return program.float32(LOSS_OUTPUT)[0] ?? Number.NaN;
      };
      const slope = ((await shifted(STEP)) - (await shifted(-STEP))) / (2 * STEP);
      values.set(before);
      const found = direction.reduce((sum, value, i) => sum + value * (gradients.get(one)?.[i] ?? Number.NaN), 0);
      const off = Math.abs(found - slope) / Math.max(1, Math.abs(slope));
      assert.ok(off < TOLERANCE, `${one}: ${found} along a direction, by differences ${slope}`);
    }

    function gradientNow(one: string): Float32Array {
      return program.float32(gradientOutput(one)).slice();
    }
  });
}

const SPARSE: Readonly<Record<string, SaeConfig>> = {
  'top-k': { ...SIZE, activation: TOP_K },
  'top-k without a centre': { ...SIZE, activation: TOP_K, centre: 'none' },
  'top-k about a mean, lengths free': { ...SIZE, activation: TOP_K, centre: 'mean', decoderNorm: 'free' },
  'top-k with resampling': {
    ...SIZE,
    activation: TOP_K,
    deadFeatures: { kind: 'resample', afterRows: 9, every: 9, seed: 0 },
  },
  'top-k with an auxiliary loss': {
    ...SIZE,
    activation: TOP_K,
    deadFeatures: { kind: 'auxiliary', afterRows: 9, k: 4, weight: 1 },
  },
};

for (const [name, sae] of Object.entries(SPARSE)) {
  // More rows than are held at a time, with a rest.
  for (const batchRows of [ROWS, 1100]) {
    test(`${name}, ${batchRows} rows: the kernels have the loss, the terms, what is observed and the gradients of the graph`, async () => {
      const config = wholeSaeConfig(sae);
      assert.ok(isSparse(config));
      const parameter = parameterInputs(config);
      const x = input('x', [batchRows, D_IN]);
      const parts = saeTensors(config, parameter, x, 'training');
      const setup = { parameters: saeParameters(config), fixed: saeFixed(config), optimizer: SGD_DEFAULTS };
      const loss = saeLoss(config, parameter, x, parts);
      const observed = { [FIRED]: firedCounts(parts), [ROW_ERRORS]: rowErrors(parts, x) };
      await using graph = await createLearner({ ...setup, loss, observed });
      await using sparse = await createSparseLearner({
        config,
        parameter,
        optimizer: SGD_DEFAULTS,
        batchRows,
        threads: 1,
      });
      const dead = Float32Array.from({ length: D_SAE }, (_, i) => (i % 3 === 0 ? 1 : 0));
      const isDead = sae.deadFeatures?.kind === 'auxiliary' ? { [DEAD_INPUT]: dead, [DEAD_WEIGHT_INPUT]: 0.7 } : {};
      const feeds = { x: rows(batchRows), ...isDead };
      const losses = [];
      for (const one of [graph, sparse]) {
        one.reset(start(config), rngOf(0));
        losses.push(await one.forwardBackward(feeds));
      }
      assertClose([losses[1] ?? Number.NaN], [losses[0] ?? Number.NaN], 'loss');
      assertClose(Object.values(sparse.terms()), Object.values(graph.terms()), 'terms');
      for (const what of [FIRED, ROW_ERRORS]) assertClose(sparse.observed(what), graph.observed(what), what);
      for (const [one, gradient] of graph.gradients) {
        assertClose(sparse.gradients.get(one) ?? [], gradient, `gradient of ${one}`);
      }
    });
  }
}

function start(config: WholeSaeConfig): ReadonlyMap<string, Float32Array> {
  const bias = (name: string, length: number): [string, Float32Array] => [
    name,
    Float32Array.from(directionOf(name, length), (value) => 0.3 * value),
  ];
  const lengths: Readonly<Record<string, number>> = { bDec: D_IN, bEnc: D_SAE, rMag: D_SAE, bMag: D_SAE };
  const known = [...saeParameters(config), ...saeFixed(config)].filter(({ name }) => name in lengths);
  const given = new Map(known.map(({ name }) => bias(name, lengths[name] ?? 0)));
  const whole = new Map(saeStart(config, given, rngOf(4, 'start')));
  // Encoders of their own, not the dictionary's: errors that cancel there would not be seen.
  const encoder = whole.get('wEnc');
  if (encoder !== undefined) directionOf('wEnc', encoder.length).forEach((value, i) => (encoder[i] = 3 * value));
  return whole;
}

function rows(count = ROWS): Float32Array {
  const rng = rngOf(4, 'rows');
  return Float32Array.from({ length: count * D_IN }, () => rng.normal());
}

/** A random direction of length 1. */
function directionOf(name: string, length: number): Float64Array {
  const rng = rngOf(4, `direction ${name}`);
  const values = Float64Array.from({ length }, () => rng.normal());
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(found.length, expected.length, what);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs((found[i] ?? Number.NaN) - (expected[i] ?? Number.NaN)) / largest;
    assert.ok(off < ROUNDING, `${what} ${i}: ${found[i]} is not ${expected[i]}`);
  }
}
