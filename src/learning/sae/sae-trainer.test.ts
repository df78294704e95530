import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';

import type { SaeConfig } from './sae-config.ts';
import { saeReader } from './sae-reader.ts';
import { createSaeTrainer, type SaeTrainer } from './sae-trainer.ts';
import { type ActivationStream, meanRow, trainSaes } from './train-saes.ts';

const [D_IN, D_SAE, ROWS] = [12, 24, 64];
const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };
const STREAM: ActivationStream = { dIn: D_IN, batchRows: ROWS, rows: sparseRows };
const LR = 3e-3;

const CONFIGS: Readonly<Record<string, SaeConfig>> = {
  standard: { dIn: D_IN, dSae: D_SAE, activation: { kind: 'relu', l1: 0.05 } },
  'standard, free lengths': { dIn: D_IN, dSae: D_SAE, activation: { kind: 'relu', l1: 0.05 }, decoderNorm: 'free' },
  gated: { dIn: D_IN, dSae: D_SAE, activation: { kind: 'gated', l1: 0.05 } },
  'top-k': { dIn: D_IN, dSae: D_SAE, activation: { kind: 'topK', k: 3 } },
  'top-k with an auxiliary loss': {
    dIn: D_IN,
    dSae: D_SAE,
    activation: { kind: 'topK', k: 3 },
    deadFeatures: { kind: 'auxiliary', afterRows: 6 * ROWS, k: 6, weight: 0.5 },
  },
  'top-k with resampling': {
    dIn: D_IN,
    dSae: D_SAE,
    activation: { kind: 'topK', k: 1 },
    deadFeatures: { kind: 'resample', afterRows: 6 * ROWS, every: 4, seed: 0 },
  },
  'batch-top-k': { dIn: D_IN, dSae: D_SAE, activation: { kind: 'batchTopK', k: 3 } },
  JumpReLU: {
    dIn: D_IN,
    dSae: D_SAE,
    activation: { kind: 'jumpRelu', l0: 0.01, bandwidth: 0.1, threshold: 0.05 },
  },
  matryoshka: { dIn: D_IN, dSae: D_SAE, activation: { kind: 'batchTopK', k: 3 }, prefixes: [6, 12, 24] },
  tied: { dIn: D_IN, dSae: D_SAE, activation: { kind: 'topK', k: 3 }, encoder: { kind: 'tied' } },
  thresholding: {
    dIn: D_IN,
    dSae: D_SAE,
    activation: { kind: 'topK', k: 3 },
    encoder: { kind: 'thresholding', steps: 2 },
    centre: 'none',
  },
  'thresholding, two slots': {
    dIn: D_IN,
    dSae: D_SAE,
    activation: { kind: 'topK', k: 3 },
    encoder: { kind: 'thresholding', steps: 2 },
    decoder: { kind: 'slots', slots: 2, maps: 'orthonormal' },
    centre: 'none',
  },
  'untied, three slots': {
    dIn: D_IN,
    dSae: D_SAE,
    activation: { kind: 'relu', l1: 0.05 },
    decoder: { kind: 'slots', slots: 3, maps: 'identity' },
  },
};

for (const [name, sae] of Object.entries(CONFIGS)) {
  test(`${name}: training lowers the squared error, and a killed training goes on to the same bits`, async () => {
    await using whole = await trainer(sae);
    await steps(whole, 0, 1);
    const first = whole.terms()['mse'] ?? Number.NaN;
    await steps(whole, 1, 40);
    assert.ok((whole.terms()['mse'] ?? Number.NaN) < 0.8 * first, `${first} -> ${whole.terms()['mse']}`);

    await using killed = await trainer(sae);
    await steps(killed, 0, 17);
    const state = killed.saveState();
    await using resumed = await trainer(sae);
    resumed.restoreState(state);
    await steps(resumed, 17, 40);
    assert.deepEqual(resumed.saveState(), whole.saveState());
    assert.deepEqual(resumed.sae().weights, whole.sae().weights);
  });
}

test('features have length 1 after every step, images in further slots too', async () => {
  for (const name of ['top-k', 'top-k with resampling', 'thresholding, two slots', 'untied, three slots']) {
    await using one = await trainer(CONFIGS[name] ?? assert.fail(name));
    await steps(one, 0, 9);
    const dictionary = one.dictionary();
    for (let row = 0; row < D_SAE; row++) {
      const squares = dictionary.subarray(row * D_IN, (row + 1) * D_IN).reduce((sum, value) => sum + value ** 2, 0);
      assert.ok(Math.abs(squares - 1) < 1e-5, `${name}: |feature ${row}|^2 = ${squares}`);
    }
  }
});

test('several autoencoders on one stream are each what it is alone', async () => {
  await using a = await trainer(CONFIGS['top-k'] ?? assert.fail());
  await using b = await trainer(CONFIGS['gated'] ?? assert.fail());
  await trainSaes(
    [a, b].map((one) => ({ trainer: one, lr: () => LR })),
    STREAM,
    { to: 5 },
  );
  await using alone = await trainer(CONFIGS['gated'] ?? assert.fail());
  await steps(alone, 0, 5);
  assert.deepEqual(b.saveState(), alone.saveState());
});

test('top-k codes have at most k entries a row, and decode to the reconstruction', async () => {
  await using one = await trainer(CONFIGS['thresholding, two slots'] ?? assert.fail());
  await steps(one, 0, 5);
  await using reader = await saeReader(one.sae(), ROWS);
  const { featureActs, reconstruction } = await reader.read(sparseRows(99));
  const dictionary = one.dictionary();
  for (let row = 0; row < ROWS; row++) {
    const codes = featureActs.subarray(row * D_SAE, (row + 1) * D_SAE);
    assert.ok(codes.filter((code) => code !== 0).length <= 3);
    for (let i = 0; i < D_IN; i++) {
      const sum = codes.reduce((total, code, f) => total + code * (dictionary[f * D_IN + i] ?? 0), 0);
      assert.ok(Math.abs(sum - (reconstruction[row * D_IN + i] ?? 0)) < 1e-5);
    }
  }
});

async function trainer(sae: SaeConfig): Promise<SaeTrainer> {
  const one = await createSaeTrainer({ sae, optimizer: OPTIMIZER, batchRows: ROWS });
  one.reset(new Map(), rngOf(5, 'start'));
  return one;
}

async function steps(one: SaeTrainer, from: number, to: number): Promise<void> {
  const broken = await trainSaes([{ trainer: one, lr: () => LR }], STREAM, { from, to });
  assert.deepEqual(broken, [undefined]);
}

/** Sums of three of sixteen fixed directions. */
function sparseRows(step: number): Float32Array {
  const directions = rngOf(1, 'directions');
  const features = Float32Array.from({ length: 16 * D_IN }, () => directions.normal() / Math.sqrt(D_IN));
  const rng = rngOf(2, `rows ${step}`);
  const rows = new Float32Array(ROWS * D_IN);
  for (let row = 0; row < ROWS; row++) {
    for (let active = 0; active < 3; active++) {
      const [feature, size] = [rng.below(16), 0.5 + rng.uniform()];
      for (let i = 0; i < D_IN; i++) {
        rows[row * D_IN + i] = (rows[row * D_IN + i] ?? 0) + size * (features[feature * D_IN + i] ?? 0);
      }
    }
  }
  return rows;
}

test('a trained autoencoder can be trained on from its weights', async () => {
  for (const name of ['batch-top-k', 'thresholding, two slots', 'gated']) {
    const sae = CONFIGS[name] ?? assert.fail(name);
    await using first = await trainer(sae);
    await steps(first, 0, 7);
    await using second = await trainer(sae);
    second.reset(first.sae().weights, rngOf(6));
    assert.deepEqual(second.sae().weights, first.sae().weights, name);
  }
});

test('what a start does not fit is said', async () => {
  await using one = await trainer(CONFIGS['top-k'] ?? assert.fail());
  const rng = rngOf(0);
  assert.throws(
    () => one.reset(new Map([['base', new Float32Array(3)]]), rng),
    /expected one of wDec, wEnc, .*"base" of 3/,
  );
  assert.throws(
    () => one.reset(new Map([['wDec', new Float32Array(3)]]), rng),
    /expected shape \[24, 12\], found "wDec" of 3/,
  );
  await assert.rejects(one.forwardBackward(new Float32Array(5)), /expected rows of shape \[64, 12\], found 5 values/);
  const broken = { dIn: 4, dSae: 9, activation: { kind: 'topK', k: 3 } } as const;
  const refusals: readonly (readonly [SaeConfig, RegExp])[] = [
    [
      { ...broken, decoder: { kind: 'slots', slots: 2, maps: 'identity' } },
      /dSae: expected a multiple of decoder.slots = 2/,
    ],
    [{ ...broken, activation: { kind: 'topK', k: 10 } }, /activation.k: expected a whole number from 1 to 9, found 10/],
    [{ ...broken, prefixes: [3, 6] }, /prefixes: expected rising whole numbers that end with dSae = 9/],
    [
      { ...broken, activation: { kind: 'relu', l1: 1 }, encoder: { kind: 'thresholding', steps: 1 } },
      /activation: expected topK with a thresholding encoder, found relu/,
    ],
    [
      {
        ...broken,
        activation: { kind: 'gated', l1: 1 },
        deadFeatures: { kind: 'auxiliary', afterRows: 1, k: 2, weight: 1 },
      },
      /deadFeatures: expected resample, or none, with gated codes/,
    ],
  ];
  for (const [sae, message] of refusals) {
    await assert.rejects(createSaeTrainer({ sae, optimizer: OPTIMIZER, batchRows: 4 }), message);
  }
});

test('a word or a key that there is not is refused with the nearest there is: nothing else is trained instead', async () => {
  const refusals: readonly (readonly [change: object, message: RegExp])[] = [
    [{ activation: { kind: 'topk', k: 3 } }, /activation\.kind: expected one of .*found "topk"; did you mean "topK"/],
    [{ activation: undefined }, /activation: expected \{ kind, \.\.\. \}, found nothing/],
    [{ activation: { kind: 'topK', k: 3, l1: 1 } }, /a key of activation: expected one of kind, k, found "l1"/],
    [{ encoder: 'tied' }, /encoder: expected \{ kind, \.\.\. \}, found "tied"/],
    [{ encoder: { kind: 'tide' } }, /encoder\.kind: .*did you mean "tied"/],
    [{ decoder: { kind: 'slots', slots: 2, maps: 'orthogonal' } }, /decoder\.maps: .*did you mean "orthonormal"/],
    [{ decoderNorm: 'units' }, /decoderNorm: expected one of unit, free/],
    [{ centre: 'center' }, /centre: expected one of none, mean, learned/],
    [
      { deadFeatures: { kind: 'aux', afterRows: 1, k: 2, weight: 1 } },
      /deadFeatures\.kind: .*did you mean "auxiliary"/,
    ],
    [
      { deadFeatures: { kind: 'resample', afterRows: 1, every: 2, seed: -1 } },
      /seed: expected a whole number of at least 0/,
    ],
    [{ dSAE: 8 }, /a key: expected one of dIn, dSae, .*found "dSAE"; did you mean "dSae"/],
    [{ activation: { kind: 'batchTopK', k: 10 } }, /activation\.k: expected at most dSae = 9, found 10/],
  ];
  for (const [change, message] of refusals) {
    // As plain JavaScript or a file would give it.
    const sae = {
      dIn: 4,
      dSae: 8,
      activation: { kind: 'topK', k: 3 },
      ...change,
      ...('activation' in change && { dSae: 9 }),
    };
    const given = sae as unknown as SaeConfig;
    await assert.rejects(createSaeTrainer({ sae: given, optimizer: OPTIMIZER, batchRows: 4 }), message);
  }
});

test('sizes, steps and starts that mean nothing are refused', async () => {
  const sae = CONFIGS['top-k'] ?? assert.fail();
  for (const [set, message] of [
    [{ batchRows: 1.5 }, /batchRows: expected a whole number of at least 1, found 1\.5/],
    [{ threads: 0 }, /threads: expected a whole number of at least 1, found 0/],
  ] as const) {
    await assert.rejects(createSaeTrainer({ sae, optimizer: OPTIMIZER, batchRows: 4, ...set }), message);
  }
  await using one = await trainer(sae);
  const wDec = new Float32Array(D_SAE * D_IN).fill(1).fill(Number.NaN, 7, 8);
  assert.throws(
    () => one.reset(new Map([['wDec', wDec]]), rngOf(0)),
    /"wDec": expected finite numbers, found NaN at element 7/,
  );
  const tasks = [{ trainer: one, lr: () => LR }];
  await assert.rejects(trainSaes(tasks, STREAM, { to: Number.NaN }), /trainSaes, to: expected a whole number/);
  await assert.rejects(
    trainSaes(tasks, STREAM, { from: 5, to: 2 }),
    /trainSaes, to: expected a whole number of at least 5, found 2/,
  );
  assert.throws(() => meanRow(new Float32Array(7), D_IN), /meanRow, rows of width 12: expected a whole number/);
});
