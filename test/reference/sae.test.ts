/** Sparse autoencoders against SAELens and PyTorch: sae.py writes sae.json, this repeats its weights and rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { gradientOutput, LOSS_OUTPUT, lossGraph } from '#learning/loss.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { type SaeConfig, wholeSaeConfig, type WholeSaeConfig } from '#learning/sae/sae-config.ts';
import { saeTensors } from '#learning/sae/sae-graph.ts';
import { DEAD_INPUT, DEAD_WEIGHT_INPUT, saeLoss } from '#learning/sae/sae-loss.ts';
import { saeFixed, saeParameters, saeStart } from '#learning/sae/sae-parameters.ts';
import { createSaeTrainer, parameterInputs } from '#learning/sae/sae-trainer.ts';

import reference from './sae.json' with { type: 'json' };

const [D_IN, D_SAE, ROWS, LR] = [6, 12, 8, 1e-2];
/** Sums of tens of float32 products of order 1. */
const TOLERANCE = 2e-5;
/** Adam divides by the root of squares: small gradients' rounding grows over five steps. */
const TRAINING_TOLERANCE = 2e-4;

const K = 3;
const PLAIN = { dIn: D_IN, dSae: D_SAE, decoderNorm: 'free' } as const;
const AUXILIARY = { kind: 'auxiliary', afterRows: 1, k: D_IN / 2, weight: 0.7 } as const;
const THRESHOLDING = { kind: 'thresholding', steps: 2 } as const;
const TOP_K = { kind: 'topK', k: K } as const;

interface Case {
  readonly sae: SaeConfig;
  readonly dead?: readonly number[];
}

const CASES: Readonly<Record<keyof typeof reference.cases, Case>> = {
  standard: { sae: { ...PLAIN, activation: { kind: 'relu', l1: 0.3 } } },
  gated: { sae: { ...PLAIN, activation: { kind: 'gated', l1: 0.3 } } },
  topK: { sae: { ...PLAIN, activation: TOP_K } },
  'topK with dead features': { sae: { ...PLAIN, activation: TOP_K, deadFeatures: AUXILIARY }, dead: reference.dead },
  'topK with one dead feature': {
    sae: { ...PLAIN, activation: TOP_K, deadFeatures: AUXILIARY },
    dead: reference.dead.slice(0, 1),
  },
  batchTopK: { sae: { ...PLAIN, activation: { kind: 'batchTopK', k: K } } },
  jumpRelu: { sae: { ...PLAIN, activation: { kind: 'jumpRelu', l0: 0.2, bandwidth: 0.4, threshold: 0.01 } } },
  matryoshka: { sae: { ...PLAIN, activation: { kind: 'batchTopK', k: K }, prefixes: [3, 6, 12] } },
  'unit norm': { sae: { dIn: D_IN, dSae: D_SAE, activation: TOP_K } },
  tied: { sae: { dIn: D_IN, dSae: D_SAE, activation: TOP_K, encoder: { kind: 'tied' } } },
  thresholding: { sae: { dIn: D_IN, dSae: D_SAE, activation: TOP_K, encoder: THRESHOLDING, centre: 'none' } },
  'thresholding, two slots': {
    sae: {
      dIn: D_IN,
      dSae: D_SAE,
      activation: TOP_K,
      encoder: THRESHOLDING,
      decoder: { kind: 'slots', slots: 2, maps: 'identity' },
      centre: 'none',
    },
  },
};

for (const [name, { sae, dead = [] }] of Object.entries(CASES)) {
  const found = reference.cases[name as keyof typeof reference.cases];

  test(`${name}: codes, output, loss and gradients are the reference's`, async () => {
    const config = wholeSaeConfig(sae);
    const values = await onePass(config, dead);
    const gradients: Readonly<Record<string, readonly number[] | undefined>> = found.gradients;
    close(values['featureActs'], found.featureActs, TOLERANCE, 'codes');
    close(values['reconstruction'], found.reconstruction, TOLERANCE, 'reconstruction');
    close(values[LOSS_OUTPUT], found.trainingLosses.slice(0, 1), TOLERANCE, 'loss');
    for (const { name: parameter } of saeParameters(config)) {
      const expected = gradients[parameter] ?? assert.fail(`no gradient of ${parameter}`);
      close(values[gradientOutput(parameter)], expected, TOLERANCE, `gradient of ${parameter}`);
    }
  });

  test(`${name}: five steps of Adam have the reference's losses`, async () => {
    const optimizer = { ...ADAMW_DEFAULTS, weightDecay: 0 };
    await using trainer = await createSaeTrainer({ sae, optimizer, batchRows: ROWS });
    trainer.reset(startOf(trainer.config), rngOf(0));
    const losses = [];
    for (const _ of found.trainingLosses) {
      trainer.silentRows.fill(0);
      for (const feature of dead) trainer.silentRows[feature] = 1;
      losses.push(await trainer.forwardBackward(wave(ROWS * D_IN, 0)));
      trainer.optimStep(LR);
    }
    close(Float32Array.from(losses), found.trainingLosses, TRAINING_TOLERANCE, 'losses');
  });
}

async function onePass(
  config: WholeSaeConfig,
  dead: readonly number[],
): Promise<Readonly<Record<string, Float32Array>>> {
  const parameter = parameterInputs(config);
  const x = input('x', [ROWS, D_IN]);
  const parts = saeTensors(config, parameter, x, 'training');
  const { outputs } = lossGraph(saeLoss(config, parameter, x, parts), saeParameters(config));
  const { featureActs, reconstruction } = parts;
  await using program = await compile({ ...outputs, featureActs, reconstruction });
  for (const [name, values] of saeStart(config, startOf(config), rngOf(0))) program.bind(name, values);
  program.bind('x', wave(ROWS * D_IN, 0));
  const isDead = Float32Array.from({ length: D_SAE }, (_, i) => (dead.includes(i) ? 1 : 0));
  program.bindIfKnown(DEAD_INPUT, isDead);
  const weight = AUXILIARY.weight * Math.min(dead.length / AUXILIARY.k, 1);
  program.bindIfKnown(DEAD_WEIGHT_INPUT, Float32Array.of(weight));
  await program.run();
  return Object.fromEntries(program.outputs.map(({ name }) => [name, program.float32(name)]));
}

/** The reference's start: sizes and seeds by parameter. */
function startOf(config: WholeSaeConfig): ReadonlyMap<string, Float32Array> {
  const starts: Readonly<Record<string, readonly [seed: number, scale: number]>> = {
    wEnc: [1, 0.5],
    wDec: [2, 0.5],
    bEnc: [3, 0.1],
    bDec: [4, 0.1],
    rMag: [5, 0.1],
    bMag: [6, 0.1],
    base: [7, 0.5],
    map2: [8, 0.5],
    threshold: [9, 0.1],
  };
  const all = [...saeParameters(config), ...saeFixed(config)].map(({ name, shape }): [string, Float32Array] => {
    const [seed, scale] = starts[name] ?? assert.fail(name);
    const values = wave(
      shape.reduce((product, length) => product * length, 1),
      seed,
      scale,
    );
    return [name, name === 'threshold' ? values.map(Math.abs) : values];
  });
  return new Map(all);
}

function wave(length: number, seed: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, (_, i) => scale * Math.cos(1.3 * i * Math.sqrt(i) + seed));
}

function close(found: Float32Array | undefined, expected: readonly number[], tolerance: number, what: string): void {
  assert.equal(found?.length, expected.length, what);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expected.forEach((value, i) => {
    const off = Math.abs((found[i] ?? Number.NaN) - value) / largest;
    assert.ok(off <= tolerance, `${what} ${i}: ${found[i]} is not ${value}`);
  });
}
