/** What is known of addition modulo p beforehand: its exact network, its sets, and that no training tells two of them apart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ADAMW_DEFAULTS } from 'assay';
import { constant, createLearner, type Reader, rngOf, weightedSum } from 'assay/learn';

import { makeRun } from '../../test/recipes/make-run.ts';
import { grokking } from './recipe.ts';
import { mlpOutputs, mlpWeights, setSizes, splitOf, sumsOf } from './world.ts';

const MODULUS = 23;
const PAIRS = Int32Array.from({ length: MODULUS ** 2 }, (_, pair) => pair);
const SUMS = sumsOf(MODULUS, PAIRS);

/** Frequencies 1..11, each in nine pairs of phases a third of a turn apart, so that all but cos(w (a + b - q)) cancels. */
function exactWeights(width: number): Map<string, Float32Array> {
  const into = new Float32Array(width * 2 * MODULUS);
  const out = new Float32Array(MODULUS * width);
  const angle = (frequency: number, n: number): number => (2 * Math.PI * frequency * n) / MODULUS;
  for (let unit = 0; unit < 99; unit++) {
    const frequency = 1 + Math.floor(unit / 9);
    const [first, second] = [(unit % 3) * ((2 * Math.PI) / 3), (Math.floor(unit / 3) % 3) * ((2 * Math.PI) / 3)];
    for (let n = 0; n < MODULUS; n++) {
      into[unit * 2 * MODULUS + n] = Math.cos(angle(frequency, n) + first);
      into[unit * 2 * MODULUS + MODULUS + n] = Math.cos(angle(frequency, n) + second);
      out[n * width + unit] = Math.cos(angle(frequency, n) + first + second);
    }
  }
  return new Map([
    ['in.weight', into],
    ['out.weight', out],
  ]);
}

test('squared units hold an exact solution, so a right network for every pair exists', async () => {
  const parameters = mlpWeights(MODULUS, 128);
  const outputs = mlpOutputs(MODULUS, parameters, PAIRS.length);
  const loss = { sum: weightedSum(outputs.losses, constant(new Float32Array(PAIRS.length).fill(1), [PAIRS.length])) };
  await using learner = await createLearner({ parameters, loss, optimizer: { ...ADAMW_DEFAULTS } });
  learner.reset(exactWeights(128), rngOf(0));
  const reader: Reader = await learner.reader(outputs);
  const { predicted = [] } = await reader.read({ pairs: PAIRS, sums: SUMS });
  assert.deepEqual([...predicted], [...SUMS]);
});

test('the sums are those of addition modulo 23', () => {
  assert.deepEqual([SUMS[0], SUMS[22], SUMS[23], SUMS[22 * 23 + 22]], [0, 22, 1, 21]);
});

test('trained, held-out and third pairs are a partition, and a leak trains on so much of the third set', () => {
  const { trained, heldOut, third } = splitOf(MODULUS, 0.7, 0, rngOf(1));
  assert.deepEqual([trained.length, heldOut.length, third.length], [370, 79, 80]);
  assert.deepEqual(
    [...trained, ...heldOut, ...third].toSorted((a, b) => a - b),
    [...PAIRS],
  );
  const leaked = splitOf(MODULUS, 0.7, 0.3, rngOf(1));
  assert.deepEqual([leaked.trained.length, leaked.heldOut, leaked.third], [370, heldOut, third]);
  assert.equal(new Set(leaked.trained).size, 370);
  assert.equal(leaked.trained.filter((pair) => third.includes(pair)).length, 24);
});

test('training memorises before it generalises, and stronger decay generalises at a higher training loss', async () => {
  const lossAt = async (weightDecay: number): Promise<number> => {
    const optimizer = { ...ADAMW_DEFAULTS, weightDecay };
    const { points } = await makeRun(grokking, { optimizer, steps: 600 }, 1);
    const memorised = points.find(({ axes }) => (axes['train'] ?? 1) < 0.1);
    assert.ok((memorised?.axes['heldOut'] ?? 0) > 3);
    const general = points.find(({ step, axes }) => step > 200 && (axes['heldOut'] ?? 9) < 1.5);
    return general?.axes['train'] ?? Number.NaN;
  };
  assert.ok((await lossAt(0.7)) > 1.3 * (await lossAt(0.5)));
});

test('worlds with an empty set, with more leaks than places, or with a table that fills memory are refused by their path', async () => {
  const refused = async (world: Readonly<Record<string, number>>, message: RegExp): Promise<void> => {
    await assert.rejects(
      makeRun(grokking, Object.fromEntries(Object.entries(world).map(([key, value]) => [`world.${key}`, value])), 0),
      message,
    );
  };
  assert.deepEqual(setSizes(3, 0.9), { trained: 8, heldOut: 0, third: 1 });
  await refused({ modulus: 3, trained: 0.9 }, /world\.trained.*some are held out.*8 of 9 pairs/s);
  await refused({ trained: 0.1, leaked: 1 }, /world\.leaked.*1 of 238 pairs for 53 places/s);
  await refused({ modulus: 100_000 }, /world\.modulus.*100000/s);
});
