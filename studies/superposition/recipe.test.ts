/** What is known of the toy model beforehand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Json, rngOf, type TrajectoryPoint } from 'assay';
import { drawnWeights, svd } from 'assay/learn';

import { makeRun } from '../../test/recipes/make-run.ts';

import { superpositionRecipe } from './recipe.ts';
import {
  type Base,
  baseWeights,
  fullLine,
  interferenceOf,
  loraExtra,
  type Superposition,
  sparseRows,
  type TaskFeatures,
  taskFeatures,
  taskRows,
  theoryOf,
} from './world.ts';

/** Float32 through hundreds of steps, relative. */
const ROUNDED = 1e-3;
/** A task ended at a loss of 1e-6 is missed by 1e-3 of its size. */
const CONVERGED = 1e-2;

const recipe = superpositionRecipe();
const WORLD = {
  features: 100,
  dimensions: 20,
  touched: 5,
  probability: 0.02,
  base: 'random',
  task: 'scale',
  read: 'stream',
  method: 'full',
  rank: 8,
  scale: 1,
} as const satisfies Superposition;
const END = { stopBelow: 1e-6, steps: 6000, probeEvery: 2 };

function settings(world: Partial<Superposition>, rest: Readonly<Record<string, Json>> = END): Record<string, Json> {
  const entries = Object.entries({ ...WORLD, ...world }).map(([name, value]): [string, Json] => [
    `world.${name}`,
    value,
  ]);
  return { ...Object.fromEntries(entries), ...rest };
}

async function points(
  world: Partial<Superposition>,
  block = 1,
  rest?: Readonly<Record<string, Json>>,
): Promise<readonly TrajectoryPoint[]> {
  const { end, points: recorded } = await makeRun(recipe, settings(world, rest), block);
  assert.deepEqual(end, { kind: 'finished' });
  return recorded;
}

async function last(name: string, world: Partial<Superposition>, block = 1): Promise<number> {
  return (await points(world, block)).at(-1)?.outcomes?.[name] ?? Number.NaN;
}

/** A block's random base and its touched features, as a run draws them. */
function drawn(world: Superposition, block: number): TaskFeatures & { readonly base: Base } {
  const weights = drawnWeights(baseWeights(world), rngOf(block, 'base'));
  const named = (name: string): Float32Array => weights.get(name) ?? new Float32Array();
  const base = { columns: named('columns'), bias: named('bias') };
  return { base, ...taskFeatures(world, base, rngOf(block, 'finetuning').split('touched')) };
}

function column(base: Base, j: number): Float32Array {
  return base.columns.subarray(j * WORLD.dimensions, (j + 1) * WORLD.dimensions);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

/** The touched columns as rows of a matrix, decomposed. */
function decomposed(world: Superposition, block: number) {
  const { base, touched } = drawn(world, block);
  const values = Float64Array.from(touched.flatMap((j) => [...column(base, j)]));
  return { base, touched, ...svd({ rows: touched.length, columns: world.dimensions, values }) };
}

function isNear(seen: number, known: number, relative: number): void {
  assert.ok(Math.abs(seen / known - 1) < relative, `${seen}, known: ${known}`);
}

test('the line of full finetuning is .020, .039, .093, .170, .291 for 200 features in 40 dimensions', () => {
  const lines = [1, 2, 5, 10, 20].map((touched) => {
    return fullLine({ features: 200, dimensions: 40, touched, base: 'pretrained' }).toFixed(3);
  });
  assert.deepEqual(lines, ['0.020', '0.039', '0.093', '0.170', '0.291']);
  // (1 - 5/40) 5 / (16 - 6) + 5/40.
  isNear(theoryOf({ ...WORLD, dimensions: 40, method: 'frozen', rank: 16 }), 0.5625, 1e-9);
});

test('interference is right on features counted by hand, and features are there as often as they should be', () => {
  assert.equal(interferenceOf(Float32Array.of(1, 4, 2, 6), { touched: [1, 3], partners: [] }), 1.5 / 5);
  assert.throws(
    () => interferenceOf(new Float32Array(4), { touched: [1, 3], partners: [] }),
    /none: a level is passed.*Lower learningRate/s,
  );
  const rows = sparseRows({ features: 100, probability: 0.05 }, 2000, rngOf(1));
  const there = rows.filter((value) => value > 0);
  isNear(there.length / rows.length, 0.05, 0.05);
  isNear(there.reduce((sum, value) => sum + value, 0) / there.length, 0.5, 0.03);
});

test('touching one feature changes each other one by its squared overlap, all along the run', async () => {
  const world = { ...WORLD, touched: 1 };
  const { base, touched } = drawn(world, 1);
  const own = column(base, touched[0] ?? 0);
  const others = Array.from({ length: world.features }, (_, j) => j).filter((j) => j !== touched[0]);
  const squares = others.map((j) => dot(column(base, j), own) ** 2 / dot(own, own) ** 2);
  const known = squares.reduce((sum, value) => sum + value, 0) / squares.length;
  const measured = (await points({ touched: 1 })).filter(({ outcomes }) => outcomes !== undefined);
  assert.ok(measured.length >= 2);
  for (const { outcomes } of measured) isNear(outcomes?.['interference'] ?? 0, known, ROUNDED);
});

test('full finetuning in the stream projects on the span of the touched columns', async () => {
  const { base, touched, right } = decomposed(WORLD, 1);
  const directions = Array.from({ length: right.columns }, (_, p) =>
    Array.from({ length: right.rows }, (__, i) => right.values[i * right.columns + p] ?? 0),
  );
  assert.equal(directions.length, 5);
  const squares = Float32Array.from({ length: WORLD.features }, (_, j) =>
    directions.reduce((sum, direction) => sum + dot(direction, column(base, j)) ** 2, 0),
  );
  isNear(await last('interference', {}), interferenceOf(squares, { touched, partners: [] }), CONVERGED);
});

test('re-routing beside the target asks for the target twice, leaves it alone, and is learned behind the ReLU', async () => {
  const world = { ...WORLD, task: 'beside', touched: 2 } as const;
  const { base, touched, partners } = drawn(world, 1);
  assert.equal(new Set([...touched, ...partners]).size, 4);
  const { shown, wanted } = taskRows(world, base, { touched, partners });
  const at = (rows: Float32Array, i: number) => rows.subarray(i * world.dimensions, (i + 1) * world.dimensions);
  const [own, target] = [column(base, touched[1] ?? 0), column(base, partners[1] ?? 0)];
  assert.deepEqual(
    at(shown, 1),
    own.map((value, i) => value + (target[i] ?? 0)),
  );
  assert.deepEqual(
    at(wanted, 1),
    target.map((value) => 2 * value),
  );
  assert.deepEqual([at(shown, 3), at(wanted, 3)], [target, target]);
  assert.equal(interferenceOf(Float32Array.of(1, 4, 2, 6), { touched: [1], partners: [3] }), 1.5 / 4);
  const behind = { touched: 2, read: 'outputs', base: 'pretrained' } as const;
  const left = async (task: Superposition['task']): Promise<number> => {
    const made = await points({ ...behind, task }, 1, { stopBelow: 0.005, steps: 400, probeEvery: 2 });
    return made.at(-1)?.axes['task'] ?? Number.NaN;
  };
  assert.ok((await left('beside')) < 0.01);
  assert.ok((await left('reroute')) > 0.1);
  // With k = (160/199)/40: 5 k / (1 - 9 k).
  isNear(theoryOf({ ...WORLD, features: 200, dimensions: 40, base: 'pretrained', task: 'beside' }), 0.1226994, 1e-6);
});

test('a LoRA of rank below m leaves what the best matrix of that rank leaves, and one of rank m nothing', async () => {
  const { singularValues } = decomposed(WORLD, 1);
  const squares = [...singularValues].map((value) => value ** 2);
  const all = squares.reduce((sum, value) => sum + value, 0);
  for (const rank of [3, 4]) {
    const tail = squares.slice(rank).reduce((sum, value) => sum + value, 0);
    isNear(await last('left', { method: 'lora', rank }), tail / all, 0.02);
  }
  assert.ok((await last('left', { method: 'lora', rank: 5 })) < 1e-5);
});

test('a LoRA whose A starts at nearly nothing is full finetuning, and one whose A is long is not', async () => {
  const full = await last('interference', {});
  isNear(await last('interference', { method: 'lora', scale: 1e-3 }), full, 0.03);
  assert.ok((await last('interference', { method: 'lora', scale: 2 })) > 2 * full);
});

test('a frozen random A has its curve', async () => {
  const world = { method: 'frozen', rank: 16 } as const;
  const seen: number[] = [];
  for (let block = 1; block <= 8; block++) seen.push(await last('interference', world, block));
  isNear(seen.reduce((sum, value) => sum + value, 0) / seen.length, theoryOf({ ...WORLD, ...world }), 0.15);
});

test('LoRA has its line, whose limits are m c^2/d and m/r', async () => {
  const seen: number[] = [];
  for (let block = 1; block <= 8; block++) seen.push(await last('interference', { method: 'lora', touched: 1 }, block));
  const line = theoryOf({ ...WORLD, method: 'lora', touched: 1 });
  isNear(seen.reduce((sum, value) => sum + value, 0) / seen.length, line, 0.15);
  // kappa is 1: 1 - 1/20 of a change lies outside the touched column.
  isNear(loraExtra({ ...WORLD, touched: 1, scale: 1e-3 }), (0.95 * 1e-6) / 20, ROUNDED);
  isNear(loraExtra({ ...WORLD, touched: 1, scale: 1e3 }), 0.95 / 8, ROUNDED);
});

test('a pretrained base spreads its columns so that one touched feature costs kappa/d', async () => {
  const seen = await last('relative', { base: 'pretrained', touched: 1, read: 'outputs' });
  isNear(seen, 1, 0.15);
});

test('a resumed run records what an unbroken one does', async () => {
  const set = settings({ method: 'lora' }, { steps: 20, probeEvery: 5, stopBelow: 0 });
  const whole = await makeRun(recipe, set, 1);
  const [, at] = whole.checkpoints;
  const resumed = await makeRun(recipe, set, 1, at?.state);
  assert.deepEqual(resumed.points, whole.points.slice(at?.recorded));
});

test('worlds without a known meaning are refused by name', async () => {
  const refused = async (world: Partial<Superposition>, message: RegExp): Promise<void> =>
    assert.rejects(points(world), message);
  await refused({ features: 20 }, /world\.features.*more than the 20 dimensions/s);
  await refused({ task: 'reroute', touched: 1 }, /world\.touched.*at least 2/s);
  await refused({ method: 'frozen', rank: 6 }, /world\.rank.*at least 7/s);
});
