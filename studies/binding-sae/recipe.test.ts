import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JsonObject } from 'assay';
import { mapError, matchPairs, pairRecovery, rngOf } from 'assay/learn';

import { decoderParameters, startOfSlots } from './models.ts';
import { bindingSaeRecipe } from './recipe.ts';
import study from './study.ts';
import { type BindingWorld, drawRows, drawTruth } from './world.ts';

const recipe = bindingSaeRecipe();
const [D, N] = [32, 48];
const WORLD: BindingWorld = {
  binding: 'matrix',
  dimensions: D,
  features: N,
  slots: 2,
  active: 1,
  condition: 1,
  boundFraction: 1,
  noise: 0,
};
/** Sums of few float32 numbers of size 1. */
const ROUNDING = 1e-5;

const SMALL = {
  ...recipe.defaults,
  world: { ...WORLD },
  rows: 10_000,
  heldOut: 256,
  dSae: 2 * N,
  k: 2,
  steps: 500,
  nulls: 0,
};

async function run(
  set: JsonObject,
): Promise<{ readonly outcomes: Readonly<Record<string, number>>; readonly kept: string }> {
  let outcomes: Readonly<Record<string, number>> = {};
  let kept = '';
  const end = await recipe.run({
    config: { ...SMALL, ...set },
    block: 7,
    resumeFrom: undefined,
    record: (point) => (outcomes = point.outcomes ?? {}),
    checkpoint: async () => {},
    progress: () => {},
    shared: (_name, _key, compute) => compute(),
    keep: (_name, text) => (kept = text),
    signal: new AbortController().signal,
  });
  assert.equal(end.kind, 'finished');
  return { outcomes, kept };
}

test('a row is a sum of features whose partners M carries there', () => {
  const truth = drawTruth(WORLD, rngOf(1));
  const { values } = drawRows(WORLD, truth, 200, rngOf(2));
  const { features } = truth;
  const parts = (row: number): readonly number[] => Array.from({ length: D }, (_, a) => values[row * D + a] ?? 0);
  // One feature of each slot: some pair of directions explains the row to rounding.
  for (let row = 0; row < 5; row++) {
    const x = parts(row);
    const left = Array.from({ length: N }, (_, i) =>
      Math.min(
        ...Array.from({ length: N }, (_unused, j) =>
          leftOf(x, feature(features.values, i), feature(features.values, N + j)),
        ),
      ),
    );
    assert.ok(Math.min(...left) < ROUNDING);
  }
  const match = matchPairs(features);
  assert.equal(pairRecovery(features, match, truth).foundFraction, 1);
  assert.ok(match.map !== undefined && truth.maps[0] !== undefined && mapError(match.map, match.map) < ROUNDING);
});

function feature(values: ArrayLike<number>, i: number): readonly number[] {
  return Array.from({ length: D }, (_, a) => values[i * D + a] ?? 0);
}

/** What the best combination of two directions leaves of x, squared. */
function leftOf(x: readonly number[], a: readonly number[], b: readonly number[]): number {
  const dot = (u: readonly number[], v: readonly number[]): number =>
    u.reduce((sum, value, i) => sum + value * (v[i] ?? 0), 0);
  const [ab, xa, xb] = [dot(a, b), dot(x, a), dot(x, b)];
  const [alpha, beta] = [(xa - ab * xb) / (1 - ab * ab), (xb - ab * xa) / (1 - ab * ab)];
  return dot(x, x) - alpha * xa - beta * xb;
}

test('rows of a position have the features of that position strong, of earlier ones weak, and its offset', () => {
  const world = { ...WORLD, binding: 'position' } as const;
  const truth = drawTruth(world, rngOf(3));
  const { values, positions } = drawRows(world, truth, 400, rngOf(4));
  assert.deepEqual(
    [...new Set(positions)].toSorted((a, b) => a - b),
    [0, 1],
  );
  const squares = [0, 1].map((position) => {
    const rows = [...positions.keys()].filter((row) => positions[row] === position);
    const left = rows.map((row) =>
      truth.offsets
        .subarray(position * D, (position + 1) * D)
        .reduce((sum, offset, a) => sum + ((values[row * D + a] ?? 0) - offset) ** 2, 0),
    );
    return left.reduce((sum, one) => sum + one, 0) / left.length;
  });
  // A strength squared is 13/12 in the mean; what is earlier adds .04 of that, and the product of two nearly orthogonal features.
  assert.ok(Math.abs((squares[0] ?? 0) - 13 / 12) < 0.15, `${squares[0]}`);
  assert.ok((squares[1] ?? 0) > (squares[0] ?? 0) - 0.1 && (squares[1] ?? 0) < 1.5, `${squares[1]}`);
});

test('[A, M A] from matched pairs finds pairs and M; from scratch it finds none', async () => {
  const { outcomes: matched, kept } = await run({ model: 'matched' });
  assert.ok((matched['right'] ?? 0) > 0.6, JSON.stringify(matched));
  assert.ok((matched['mapError'] ?? 1) < 0.5, JSON.stringify(matched));
  // Feature 0 and its bound partner, by the names of the true features they are nearest to: i and M of i, whichever i.
  assert.match(kept, /\["0","a(\d+) \([01]\.\d\d\)","M of it is 48: M a\1 \(/u);
  const { outcomes: joint } = await run({ model: 'joint' });
  assert.ok((joint['right'] ?? 1) < 0.2 && (joint['mapError'] ?? 0) > 0.9, JSON.stringify(joint));
});

test('a run is the same every time', async () => {
  const short = { steps: 20, heldOut: 128 };
  assert.deepEqual(await run(short), await run(short));
});

test('a restricted start is the sources of pairs, then features of no pair, with the map', () => {
  const dictionary = { rows: 4, columns: 2, values: Float64Array.of(1, 0, 0, 1, 2, 0, 0, 2) };
  const map = { rows: 2, columns: 2, values: Float64Array.of(0, 1, 1, 0) };
  const pairs = [{ source: 2, target: 1, cosine: 1, isPredicted: true }];
  const start = startOfSlots(dictionary, { pairs, predicted: 1, map, duplicates: [] }, 2);
  assert.deepEqual(start.get('base'), Float32Array.of(2, 0, 1, 0));
  assert.deepEqual(start.get('map2'), Float32Array.of(0, 1, 1, 0));
});

test('arms that are said to have equal parameters have them', () => {
  const of = (name: string): number => {
    const set = study.arms.find((arm) => arm.name === name)?.set ?? {};
    const model = set['model'] === 'matched' ? 'matched' : 'free';
    return decoderParameters({ model, dSae: Number(set['dSae'] ?? recipe.defaults['dSae']) }, 48);
  };
  assert.equal(of('matched'), of('free-equal'));
});

test('what does not go together is refused', () => {
  const refused = (set: JsonObject, text: RegExp): void => {
    assert.throws(() => recipe.check({ ...SMALL, ...set }), text);
  };
  refused({ model: 'matched', dSae: 71 }, /dSae.*an even number/su);
  refused({ model: 'matched', encoder: 'topK' }, /encoder.*thresholding/su);
  refused({ world: { ...WORLD, binding: 'both' } }, /binding.*matrix/su);
});
