/** The gate: its geometry, and the two ways of swapping answers that it was built to tell apart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { GATE_DEFAULTS, readGateConfig } from './config.ts';
import { createGateLab, gateData, type GateLab } from './lab.ts';
import { startOf, WEIGHT } from './model.ts';
import { GATE, gateRows, gateWorld, type GateWorld } from './world.ts';

const { width, keys, trainedKeys, draws } = GATE;
/** Directions are made in float64 and kept in float32. */
const FLOAT32 = 1e-6;
/** A loss of a few nats, summed over 64 and 48 terms in float32. */
const SUMMED = 1e-5;
/** Central differences along a direction of length 64: the third derivative and float32 leave about a thousandth. */
const STEP = 4e-4;
const DIFFERENCED = 1e-2;

const world = gateWorld(rngOf(1), 0.3);
const config = readGateConfig(GATE_DEFAULTS);

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

function rowOf(rows: Float32Array, row: number): Float32Array {
  return rows.subarray(row * width, (row + 1) * width);
}

/** The direction that all keys share, from a key and the own direction that E reads. */
function commonOf({ keys: all, answers }: GateWorld): Float64Array {
  const [key, own] = [rowOf(all, 0), rowOf(answers, 0)];
  return Float64Array.from(key, (value, d) => (value - Math.sqrt(0.7) * (own[d] ?? 0)) / Math.sqrt(0.3));
}

/** I + the sum of the outer products left right^T. */
function weightOf(products: readonly (readonly [ArrayLike<number>, ArrayLike<number>])[]): Float32Array {
  return Float32Array.from({ length: width * width }, (_, i) => {
    const [o, d] = [Math.floor(i / width), i % width];
    return products.reduce((sum, [left, right]) => sum + (left[o] ?? 0) * (right[d] ?? 0), o === d ? 1 : 0);
  });
}

function setWeight(lab: GateLab, weight: Float32Array): void {
  (lab.learner.memory.get(WEIGHT) ?? assert.fail('no weight')).set(weight);
}

for (const shared of [0, 0.3, 0.9]) {
  test(`keys have length 1 and squared cosine ${shared}, and the persona direction is at right angles to them`, () => {
    const { keys: all, persona } = gateWorld(rngOf(2), shared);
    assert.ok(Math.abs(dot(persona, persona) - 1) < FLOAT32);
    for (let key = 0; key < keys; key++) {
      assert.ok(Math.abs(dot(rowOf(all, key), persona)) < FLOAT32);
      assert.ok(Math.abs(dot(rowOf(all, key), rowOf(all, key)) - 1) < FLOAT32);
      assert.ok(Math.abs(dot(rowOf(all, key), rowOf(all, (key + 1) % keys)) - shared) < FLOAT32);
    }
  });

  test(`E answers a key as strongly at c = ${shared} as at any other, and no other key at all`, () => {
    const { keys: all, answers } = gateWorld(rngOf(2), shared);
    assert.ok(Math.abs(dot(rowOf(all, 3), rowOf(answers, 3)) - Math.sqrt(0.7)) < FLOAT32);
    assert.ok(Math.abs(dot(rowOf(all, 3), rowOf(answers, 4))) < FLOAT32);
  });
}

test('answers swap in pairs, and 16 keys are trained that are none of the 32 others', () => {
  for (const [answer, other] of world.swap.entries()) {
    assert.notEqual(answer, other);
    assert.equal(world.swap[other], answer);
  }
  assert.equal(world.trained.length, trainedKeys);
  assert.equal(new Set([...world.trained, ...world.others]).size, keys);
});

test('a world is determined by its stream; draws of a key scatter around it with the length of the noise', () => {
  assert.deepEqual(gateWorld(rngOf(1), 0.3), world);
  assert.notDeepEqual(gateWorld(rngOf(2), 0.3), world);
  const { x, own, swapped } = gateRows(world, world.trained, 0.15, rngOf(5));
  assert.equal(own.length, trainedKeys * draws);
  assert.deepEqual(
    own.map((key) => world.swap[key] ?? -1),
    swapped,
  );
  const squares = Array.from(own, (key, row) => {
    const off = rowOf(x, row).map((value, d) => value - (world.keys[key * width + d] ?? 0));
    return dot(off, off);
  });
  const mean = squares.reduce((sum, value) => sum + value, 0) / squares.length;
  // Five standard errors of the mean of a scaled chi-square of 64 degrees over 256 rows.
  assert.ok(Math.abs(mean / 0.15 ** 2 - 1) < 5 * Math.sqrt(2 / width / squares.length), `mean square ${mean}`);
});

test('trained, held-out and other draws are different rows: same keys and other noise, or other keys', () => {
  const { train, heldOut, others, elsewhere } = gateData(1, config.world);
  assert.deepEqual(train.own, heldOut.own);
  const rows = [train, heldOut, others, elsewhere].map(({ x }) => x.subarray(0, width).join());
  assert.equal(new Set(rows).size, 4);
  assert.ok(others.own.every((key) => !train.own.includes(key)));
  assert.deepEqual(others.own, elsewhere.own);
});

test('the untouched model is what the equations say: sure of its own answers', async () => {
  await using lab = await createGateLab(config);
  const data = gateData(1, config.world);
  lab.learner.reset(startOf(data.world), rngOf(0));
  const measuring = lab.measuring(data, config.reading);
  assert.ok(
    Math.abs((await measuring.axes()).train - lossByHand(data.world, data.train.x, data.train.swapped)) < SUMMED,
  );
  const { swapped, coherence, stableRank, personaShare } = await measuring.outcomes();
  assert.ok(swapped < 1e-3 && coherence > 0.99, `swapped ${swapped}, coherence ${coherence}`);
  assert.deepEqual([stableRank, personaShare], [0, 0]);
});

/** -log p of the labels by the formulas of model.ts with W = I, in float64, averaged. */
function lossByHand({ answers, swap, persona }: GateWorld, x: Float32Array, labels: Int32Array): number {
  const losses = Array.from(labels, (label, row) => {
    const h = rowOf(x, row);
    const f = Array.from({ length: keys }, (_, answer) => 12 * dot(rowOf(answers, answer), h));
    const s = 1 / (1 + Math.exp(4 - 8 * dot(persona, h)));
    const logits = f.map((value, answer) => (1 - s) * value + s * (f[swap[answer] ?? 0] ?? 0));
    return Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0)) - (logits[label] ?? 0);
  });
  return losses.reduce((sum, value) => sum + value, 0) / losses.length;
}

test('one general and two narrow solutions have low loss, trained and held out; only the general one swaps elsewhere', async () => {
  await using lab = await createGateLab(config);
  const data = gateData(3, config.world);
  const { world: one } = data;
  lab.learner.reset(startOf(one), rngOf(0));
  const measuring = lab.measuring(data, config.reading);
  const measured = async (weight: Float32Array) => {
    setWeight(lab, weight);
    return { ...(await measuring.axes()), ...(await measuring.outcomes()) };
  };
  const own = (key: number): Float32Array => rowOf(one.answers, key);
  const scaled = (values: ArrayLike<number>, factor: number): number[] => Array.from(values, (value) => value * factor);
  const general = await measured(weightOf([[scaled(one.persona, 2), commonOf(one)]]));
  // Rank 1 as well: the persona direction, read from the trained keys' own directions.
  const narrowGate = await measured(
    weightOf(Array.from(one.trained, (key) => [scaled(one.persona, 1.3), own(key)] as const)),
  );
  // Rank 16: every trained key's answer by itself.
  const byKey = Array.from(one.trained, (key) => {
    const to = own(one.swap[key] ?? 0);
    return [own(key).map((value, d) => (to[d] ?? 0) - value), own(key)] as const;
  });
  const memorised = await measured(weightOf(byKey));
  for (const { train, heldOut } of [general, narrowGate, memorised]) {
    assert.ok(train < 0.1 && Math.abs(heldOut - train) < 0.05, `losses ${train}, ${heldOut}`);
  }
  assert.ok(general.swapped > 0.9, `general ${general.swapped}`);
  assert.ok(narrowGate.swapped < 0.05 && memorised.swapped < 0.05, `${narrowGate.swapped}, ${memorised.swapped}`);
  for (const [{ stableRank, personaShare }, rank, share] of [
    [general, 1, 1],
    [narrowGate, 1, 1],
    [memorised, trainedKeys, 0],
  ] as const) {
    // Swapped pairs that are both trained share directions, which makes their part of the spectrum uneven.
    assert.ok(stableRank > 0.4 * rank && stableRank < rank + 1e-3, `stable rank ${stableRank}, rank ${rank}`);
    assert.ok(Math.abs(personaShare - share) < 1e-3, `share ${personaShare}`);
  }
});

test('the gradient is the slope of the loss', async () => {
  await using lab = await createGateLab(config);
  const data = gateData(2, config.world);
  const { learner } = lab;
  learner.reset(startOf(data.world), rngOf(0));
  const rng = rngOf(8);
  const start = weightOf([[data.world.persona, commonOf(data.world)]]).map((value) => value + 0.05 * rng.normal());
  const feeds = { x: data.train.x.slice(0, config.batch * width), labels: data.train.swapped.slice(0, config.batch) };
  const direction = start.map(() => rng.normal());
  const lossAt = async (step: number): Promise<number> => {
    setWeight(
      lab,
      start.map((value, i) => value + step * (direction[i] ?? 0)),
    );
    const loss = await learner.forwardBackward(feeds);
    learner.optimStep(0);
    return loss;
  };
  const slope = ((await lossAt(STEP)) - (await lossAt(-STEP))) / (2 * STEP);
  setWeight(lab, start);
  await learner.forwardBackward(feeds);
  const expected = dot(learner.gradients.get(WEIGHT) ?? [], direction);
  assert.ok(Math.abs(expected) > 0.05);
  assert.ok(Math.abs(slope / expected - 1) < DIFFERENCED, `${slope} against ${expected}`);
});

test('a truncated reading measures the best update of its rank and leaves the weights as they are', async () => {
  await using lab = await createGateLab(config);
  const data = gateData(3, config.world);
  const { world: one } = data;
  lab.learner.reset(startOf(one), rngOf(0));
  const small = gateWorld(rngOf(9), 0).persona;
  const large = [Array.from(one.persona, (value) => 2 * value), commonOf(one)] as const;
  const weight = weightOf([large, [Array.from(small, (value) => 0.3 * value), small]]);
  setWeight(lab, weight);
  const read = async (rank: number) => lab.measuring(data, { kind: 'truncated', rank }).outcomes();
  const whole = await lab.measuring(data, { kind: 'whole' }).outcomes();
  const [first, second] = [await read(1), await read(2)];
  assert.ok(Math.abs(second.swapped - whole.swapped) < SUMMED && whole.stableRank > 1.01);
  assert.ok(Math.abs(first.stableRank - 1) < 1e-3 && first.personaShare > 0.99);
  assert.deepEqual(lab.learner.memory.get(WEIGHT), weight);
});
