/** What is known of the towers' world beforehand: exact nulls, what a reader bound to places gets, what batches hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Json, rngOf, type TrajectoryPoint } from 'assay';
import {
  captionText,
  captionWords,
  type DenseMatrix,
  heldPairs,
  preference,
  SCENE_PAIRS,
  type SceneWorld,
  SMALL_WORLD,
} from 'assay/learn';

import { makeRun } from '../../test/recipes/make-run.ts';

import { batchDrawer, type BatchRules, batchScenes, encoderOf } from './batches.ts';
import { boundOf, swapTest } from './measures.ts';
import { bindingTowersRecipe } from './recipe.ts';
import { pairLines } from './shown-pairs.ts';

const recipe = bindingTowersRecipe();
const WORLD: SceneWorld = { ...SMALL_WORLD, colours: 4, shapes: 4, held: { kind: 'blocks', seed: 3 } };
const RULES: BatchRules = { size: 16, pairs: 'seen', swapsFraction: 0, negatives: 'none' };
/** Some steps of towers a fraction of a run's. */
const SHORT = {
  'towers.dModel': 8,
  'measure.layouts': 8,
  'batch.size': 8,
  schedule: { kind: 'constant', warmupSteps: 0 },
  steps: 4,
  probeEvery: 2,
};

const LEFT_OF = { 'scenes.captions.grammar': 'leftOf' };
const TRAINED = { 'loss.kind': 'sigmoid', 'loss.bias': -2, 'batch.swapsFraction': 1, steps: 40, learningRate: 0.01 };

const known = new Map<string, ReturnType<typeof makeRun>>();

/** The run of some settings, made once. */
async function whole(set: Readonly<Record<string, Json>>): ReturnType<typeof makeRun> {
  const key = JSON.stringify(set);
  const run = known.get(key) ?? makeRun(recipe, { ...SHORT, ...set }, 1);
  known.set(key, run);
  assert.deepEqual((await run).end, { kind: 'finished' });
  return run;
}

async function made(set: Readonly<Record<string, Json>>): Promise<readonly TrajectoryPoint[]> {
  return (await whole(set)).points;
}

/** A line of `SCENE_PAIRS`. */
interface KeptLine {
  readonly pictures: readonly [string, string];
  readonly captions: readonly [string, string];
  readonly cosines: readonly [readonly [number, number], readonly [number, number]];
}

const outcomesAt = (points: readonly TrajectoryPoint[], depth: number) =>
  points.find(({ axes }) => axes['depth'] === depth)?.outcomes ?? {};

test('right after the embeddings nothing tells a scene from its swap, to the bit, trained or not', async () => {
  for (const set of [{}, LEFT_OF, TRAINED]) {
    const outcomes = outcomesAt(await made(set), 0);
    for (const [name, value] of Object.entries(outcomes)) {
      assert.equal(value, 0.5, name);
    }
    assert.equal(Object.keys(outcomes).length, 8);
  }
});

test('each tower alone is read better than chance behind its blocks, random ones too', async () => {
  const { textProbe = 0, imageProbe = 0 } = outcomesAt(await made({ learningRate: 0, 'towers.dModel': 32 }), 3);
  assert.equal(textProbe, 1);
  assert.ok(imageProbe > 0.6, `${imageProbe}`);
});

/** Vectors of the colour at each of two places: all that a reader bound to places knows of images and of captions. */
function placed(world: SceneWorld) {
  const { scenes, captions } = swapTest(world, 'any', 20, rngOf(4));
  const words = captionWords(world);
  const vectors = (rows: readonly (readonly number[])[]): DenseMatrix => {
    const values = new Float64Array(rows.length * 2 * world.colours);
    rows.forEach((row, i) => row.forEach((colour, place) => (values[(2 * i + place) * world.colours + colour] = 1)));
    return { rows: rows.length, columns: 2 * world.colours, values };
  };
  return {
    images: vectors(scenes.map(({ objects }) => objects.map(({ colour }) => colour))),
    // "red cross left of blue cup": the colours are the words 0 and 4.
    texts: vectors(captions.map((caption) => [0, 4].map((at) => words.indexOf(caption[at] ?? '')))),
  };
}

test('a reader that knows colours at places alone passes the swap and not the swap seen in a mirror', () => {
  const world: SceneWorld = { ...WORLD, captions: { ...WORLD.captions, grammar: 'leftOf' } };
  const { swap, mirror } = boundOf(placed(world));
  assert.deepEqual({ swap, mirror }, { swap: 1, mirror: 0.5 });
});

test('a reader that knows bags alone is at 1/2 by ties, and its captions are one', () => {
  const same: DenseMatrix = { rows: 4, columns: 2, values: Float64Array.of(1, 2, 1, 2, 1, 2, 1, 2) };
  const two: DenseMatrix = { rows: 2, columns: 2, values: Float64Array.of(2, 1, 2, 1) };
  const { swap, mirror, captions } = boundOf({ images: same, texts: two });
  assert.deepEqual({ swap, mirror }, { swap: 0.5, mirror: 0.5 });
  assert.ok(Math.abs(captions - 1) < 1e-12);
});

test('the share of scenes that stand beside their swap is the one asked for', () => {
  let drawn = 0;
  const draw = () => ({
    objects: [
      { colour: drawn++, shape: 0, size: 1, x: 0, y: 0 },
      { colour: drawn++, shape: 1, size: 1, x: 16, y: 0 },
    ],
    light: 'none' as const,
    background: 'black' as const,
  });
  for (const [swapsFraction, pairs] of [
    [0, 0],
    [0.25, 2],
    [1, 8],
  ] as const) {
    const scenes = batchScenes({ ...RULES, swapsFraction }, draw, rngOf(1));
    assert.equal(scenes.length, 16);
    const isSwap = scenes.map((scene, i) => {
      const [a, b] = scenes[i - 1]?.objects ?? [];
      const [c, d] = scene.objects;
      return a?.colour === d?.colour && b?.colour === c?.colour && a?.shape === c?.shape;
    });
    assert.equal(isSwap.filter(Boolean).length, pairs);
  }
});

test('no batch holds a held-out pair, in an image, a caption or a swapped caption, unless all pairs are asked for', () => {
  const isHeld = heldPairs(WORLD);
  const words = captionWords(WORLD);
  const heldIn = (rules: BatchRules): number => {
    const { tokens } = batchDrawer(WORLD, rules)(rngOf(2));
    const row = (i: number): number[] => [...tokens.subarray(5 * i, 5 * i + 5)];
    return Array.from({ length: tokens.length / 5 }, (_, i) => row(i)).filter(([c = 0, s = 0, , d = 0, t = 0]) => {
      const [colours, shapes] = [
        [c - 1, d - 1],
        [s - 1 - WORLD.colours, t - 1 - WORLD.colours],
      ];
      assert.ok(
        colours.every((colour) => colour >= 0 && colour < WORLD.colours),
        captionText(words),
      );
      return colours.some((colour, k) => isHeld(colour, shapes[k] ?? -1));
    }).length;
  };
  assert.equal(heldIn({ ...RULES, size: 64, swapsFraction: 0.5, negatives: 'swapped' }), 0);
  assert.ok(heldIn({ ...RULES, size: 64, pairs: 'any' }) > 0);
});

test('a wrong caption has the words of the right one, in another order', () => {
  const { tokens } = batchDrawer(WORLD, { ...RULES, negatives: 'swapped' })(rngOf(5));
  assert.equal(tokens.length, 2 * 16 * 5);
  for (let i = 0; i < 16; i++) {
    const [right, wrong] = [i, 16 + i].map((row) => [...tokens.subarray(5 * row, 5 * row + 5)]);
    assert.notDeepEqual(wrong, right);
    assert.deepEqual(wrong?.toSorted(), right?.toSorted());
  }
  assert.equal(encoderOf(WORLD).tokens([['red', 'cross', 'and', 'blue', 'tee']]).length, 5);
});

test('what is left out of captions is left out of training alone', async () => {
  const [complete, incomplete] = [await made({}), await made({ 'scenes.captions.colourlessFraction': 0.5 })];
  assert.deepEqual(incomplete[0], complete[0]);
  assert.notDeepEqual(incomplete.at(-1), complete.at(-1));
});

test('a run does not depend on which runs were made before it', async () => {
  await made({});
  const alone = await makeRun(bindingTowersRecipe(), { ...SHORT, 'batch.negatives': 'swapped' }, 1);
  assert.deepEqual(await made({ 'batch.negatives': 'swapped' }), alone.points);
});

test('the scenes that a run keeps to be looked at are those it is measured on: counted by hand they give its accuracies', async () => {
  // All layouts are shown: two of seen pairs, then two of held-out ones.
  const { points, kept } = await whole({ 'measure.layouts': 2 });
  const lines = (kept.get(SCENE_PAIRS) ?? '').trim().split('\n');
  const accuracies = lines.map((line) => {
    const { pictures, captions, cosines }: KeptLine = JSON.parse(line);
    assert.notEqual(pictures[0], pictures[1]);
    assert.notEqual(captions[0], captions[1]);
    const [[ofScene, crossed], [crossedToo, ofSwap]] = cosines;
    return (preference(ofScene, crossed) + preference(ofSwap, crossedToo)) / 2;
  });
  const [a = 0, b = 0, c = 0, d = 0, ...rest] = accuracies;
  assert.equal(rest.length, 0);
  const { seen, held } = points.findLast(({ outcomes }) => outcomes?.['seen'] !== undefined)?.outcomes ?? {};
  assert.deepEqual([(a + b) / 2, (c + d) / 2], [seen, held]);
});

test('a kept cosine is that of its own picture with its own caption', () => {
  const asked = swapTest(WORLD, 'seen', 2, rngOf(6));
  // Picture k is the k-th axis, so a cosine with it names both rows.
  const images: DenseMatrix = { rows: 8, columns: 8, values: new Float64Array(64).map((_, i) => Number(i % 9 === 0)) };
  const texts: DenseMatrix = { rows: 4, columns: 8, values: new Float64Array(32).map((_, i) => i + 1) };
  const length = (row: number): number => Math.hypot(...texts.values.subarray(8 * row, 8 * row + 8));
  const lines = pairLines(WORLD, asked, { images, texts }).trim().split('\n');
  for (const [layout, line] of lines.entries()) {
    const { captions, cosines }: KeptLine = JSON.parse(line);
    for (const i of [0, 1] as const) {
      assert.equal(captions[i], captionText(asked.captions[2 * layout + i] ?? []));
      for (const j of [0, 1] as const) {
        const row = 2 * layout + j;
        const own = (texts.values[8 * row + 4 * layout + i] ?? 0) / length(row);
        assert.ok(Math.abs(cosines[i][j] - own) < 1e-12, `${layout} ${i} ${j}`);
      }
    }
  }
});

test('a resumed run records what an unbroken one does', async () => {
  const { points, checkpoints } = await whole({});
  const [, at] = checkpoints;
  const resumed = await makeRun(recipe, SHORT, 1, at?.state);
  assert.deepEqual(resumed.points, points.slice(at?.recorded));
});

test('forty steps of the sigmoid loss lower the yardstick, which is the softmax loss', async () => {
  const losses = (await made(TRAINED)).flatMap(({ axes }) => axes['natural'] ?? []);
  assert.ok((losses.at(-1) ?? Infinity) < 0.9 * (losses[0] ?? 0), losses.join(' '));
});

test('settings without a meaning are refused by name', async () => {
  const refused = async (set: Readonly<Record<string, Json>>, message: RegExp): Promise<void> =>
    assert.rejects(makeRun(recipe, { ...SHORT, ...set }, 1), message);
  await refused({ 'loss.kind': 'binding' }, /batch\.negatives.*swapped/s);
  await refused({ 'scenes.shapes': 3 }, /held.*four colours and shapes/s);
  await refused({ 'scenes.held.kind': 'none' }, /scenes.*two objects and held-out pairs.*held: none/s);
  await refused({ 'scenes.objects': 3, 'scenes.width': 48, 'scenes.held.kind': 'latin' }, /scenes.*found 3 objects/s);
  await refused({ 'batch.swapsFraction': 2 }, /batch\.swapsFraction.*\[0, 1\]/s);
});
