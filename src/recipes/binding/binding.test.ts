/** What is known beforehand of runs that ask about binding: nulls, answers that are put in, and the towers' own embeddings at the end. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { messageOf } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { RgbImage } from '#learning/files/images/decode-image.ts';
import { openTowers } from '#learning/files/towers/open-towers.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import type { Recipe } from '#study/recipe.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { captionText } from '#worlds/scenes/captions.ts';
import { heldPairs } from '#worlds/scenes/held-out.ts';
import { checkedSceneWorld } from '#worlds/scenes/scene-world.ts';

import { bindingRecipe } from './binding.ts';
import { BINDING_DEFAULTS, readBindingConfig, worldOf } from './config.ts';
import { smallDrawnTowers } from './null-towers.ts';
import { BINDING_OUTCOMES, type BindingOutcomes } from './measure.ts';
import { checkProbed, sceneSet } from './scene-set.ts';
import { towerSummaries } from './tower-files.ts';
import { openedTowers, towerSubject } from './tower-subject.ts';

const TOWERS = fileURLToPath(new URL('../../../test/fixtures/towers/', import.meta.url));
/** The same program in another company of nodes: float32 sums in another order, of vectors of size 1. */
const SAME = 2e-6;
const NEVER = new AbortController().signal;

/** What is a share of right answers. */
const SHARES = BINDING_OUTCOMES.filter((name) => name !== 'brightness');

const recipe = bindingRecipe();
/** Short words, which have a token a letter in the fixtures' vocabularies. */
const SHORT_CAPTIONS = { 'world.captions.articles': false, 'world.colours': 4, 'world.family': 'cells' };
const SMALL = { 'scenes.pairings': 5, 'scenes.layouts': 2, 'scenes.fitted': 40, depths: 2 };

async function depthsOf(set: Readonly<Record<string, Json>>, block = 1): Promise<readonly BindingOutcomes[]> {
  const seen: BindingOutcomes[] = [];
  const config = withSettings(recipe.defaults, settingsOf({ ...SMALL, ...set }, 'test'));
  await recipe.run({
    ...contextOf(recipe, config, block),
    record: ({ outcomes }) => void seen.push(checked(outcomes)),
  });
  return seen;
}

function contextOf(of: Recipe, config: JsonObject, block: number): Parameters<Recipe['run']>[0] {
  of.check(config);
  return {
    config,
    block,
    resumeFrom: undefined,
    record: () => {},
    checkpoint: async () => {},
    progress: () => {},
    shared: async (_name, _key, compute) => compute(),
    signal: NEVER,
  };
}

function checked(outcomes: Readonly<Record<string, number>> = {}): BindingOutcomes {
  assert.deepEqual(Object.keys(outcomes).toSorted(), [...BINDING_OUTCOMES].toSorted());
  return outcomes;
}

function distance(a: DenseMatrix, b: ArrayLike<number>): number {
  return Array.from(a.values).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

/** A picture of noise, and its caption, that the fixtures' towers read. */
function picture(side: number): RgbImage {
  return { values: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 89) % 256), width: side, height: side };
}

for (const name of ['clip', 'siglip', 'siglip2']) {
  test(`${name}: at the last depth the lens reads the model's own embedding`, async () => {
    const path = `${TOWERS}${name}`;
    await using towers = await openTowers(path);
    await using subject = await towerSubject(await openedTowers(path));
    const shown = [picture(subject.side), picture(2 * subject.side)];
    const captions = [
      ['red', 'cube'],
      ['blue', 'cube', 'and', 'red'],
    ];
    const images = await subject.images(
      shown.map((one) => ({ picture: one })),
      NEVER,
    );
    const texts = await subject.texts(captions, NEVER);
    const known = [await towers.embedImages(shown), await towers.embedTexts(captions.map(captionText))].map(
      ({ readings }) => readings.at(-1)?.values ?? [],
    );
    assert.ok(distance(images.at('own', images.layers), known[0] ?? []) < SAME);
    assert.ok(distance(texts.at('own', texts.layers), known[1] ?? []) < SAME);
    // And before it, it reads something else, which it would not if depths were mixed up.
    assert.ok(distance(images.at('own', images.layers - 1), known[0] ?? []) > 100 * SAME);
    assert.ok(distance(texts.at('mean', texts.layers), known[1] ?? []) > 100 * SAME);
  });
}

test('right after the embeddings the mean of a scene is that of its swap, and of its mirror image; after a block it is not', async () => {
  const config = readBindingConfig(withSettings(BINDING_DEFAULTS, settingsOf({ 'world.family': 'cells' }, 'test')));
  const world = checkedSceneWorld(worldOf(config, 56, 8, 1));
  const set = sceneSet(world, { ...config.scenes, pairings: 4, heldPairs: 1, layouts: 1, fitted: 1 }, 1);
  await using subject = await towerSubject(smallDrawnTowers(world, 1));
  const images = await subject.images(set.shown, NEVER);
  const texts = await subject.texts(set.captions, NEVER);
  const rows = ({ columns, values }: DenseMatrix, from: number): DenseMatrix => ({
    rows: 1,
    columns,
    values: values.slice(from * columns, (from + 1) * columns),
  });
  const spread = (matrix: DenseMatrix, a: number, b: number): number =>
    distance(rows(matrix, a), rows(matrix, b).values);
  for (const { scene, swap, right, swapped } of set.asked) {
    assert.ok(spread(images.at('mean', 0), scene, swap) < SAME);
    assert.ok(spread(texts.at('mean', 0), right, swapped) < SAME);
  }
  const [one] = set.asked;
  assert.ok(spread(images.at('mean', 1), one?.scene ?? 0, one?.swap ?? 0) > 100 * SAME);
  assert.ok(spread(texts.at('mean', 1), one?.right ?? 0, one?.swapped ?? 0) > 100 * SAME);
  // Other pairings have other colours, so the means are not simply all alike.
  const others = set.asked.map(({ scene }) => spread(images.at('mean', 0), 0, scene));
  assert.ok(Math.max(...others) > 100 * SAME);
});

test('binding that is put in is found whole, a bag at 1/2 to the bit, and binding on other axes by the map', async () => {
  const last = async (subject: string): Promise<BindingOutcomes | undefined> => (await depthsOf({ subject })).at(-1);
  const [oracle, bag, turned] = [await last('oracle'), await last('bag'), await last('turned')];
  for (const name of ['cosine', 'pictureCosine', 'mirrorCosine', 'heldCosine', 'imageProbe', 'textProbe'] as const) {
    assert.equal(oracle?.[name], 1, name);
  }
  for (const name of SHARES) assert.equal(bag?.[name], 0.5, name);
  assert.ok((turned?.mappedCosine ?? 0) > 0.9, `${turned?.mappedCosine}`);
});

test('shuffled towers know no caption at any depth, and right after the embeddings nothing at all, to the bit', async () => {
  const blocks: (readonly BindingOutcomes[])[] = [];
  for (const block of [1, 2, 3]) blocks.push(await depthsOf({ subject: 'shuffled' }, block));
  for (const [depth, of] of (blocks[0] ?? []).entries()) {
    for (const name of ['cosine', 'cosineOfMeans', 'pictureCosine', 'mirrorCosine', 'heldCosine'] as const) {
      const seen = blocks.reduce((sum, block) => sum + (block[depth]?.[name] ?? 0), 0) / blocks.length;
      assert.ok(Math.abs(seen - 0.5) < 0.05, `${name} at ${depth}: ${seen}`);
    }
    if (depth === 0) for (const name of SHARES) assert.equal(of[name], 0.5, name);
  }
});

test('what a probe reads off captions of shuffled towers attention has put there: without it nothing, to the bit, at any depth', async () => {
  for (const set of [{}, { model: `${TOWERS}clip`, ...SHORT_CAPTIONS }]) {
    const [mixed, unmixed] = [
      await depthsOf({ ...set, subject: 'shuffled' }),
      await depthsOf({ ...set, subject: 'unmixed' }),
    ];
    for (const { textProbe, textPlaces, textCeiling, cosine, mappedCosine } of unmixed) {
      assert.deepEqual({ textProbe, textPlaces, textCeiling }, { textProbe: 0.5, textPlaces: 0.5, textCeiling: 0.5 });
      assert.deepEqual({ cosine, mappedCosine }, { cosine: 0.5, mappedCosine: 0.5 });
    }
    assert.notEqual(mixed.at(-1)?.textCeiling, 0.5);
  }
});

test('the same block gives the same numbers, another block other ones, and shuffled weights are not those of the stand-in', async () => {
  const [first, again, other, shuffled] = [
    await depthsOf({}),
    await depthsOf({}),
    await depthsOf({}, 2),
    await depthsOf({ subject: 'shuffled' }),
  ];
  assert.deepEqual(first, again);
  assert.notDeepEqual(first, other);
  assert.notDeepEqual(first, shuffled);
});

test('nothing that the map is fitted on, swaps included, has a held-out pair, and everything it is asked has no other', () => {
  const config = readBindingConfig(BINDING_DEFAULTS);
  for (let seed = 0; seed < 5; seed++) {
    const world = worldOf(config, 224, 32, seed);
    const set = sceneSet(checkedSceneWorld(world), { ...config.scenes, layouts: 1, fitted: 10 }, seed);
    const isHeld = heldPairs(world);
    const pairsOf = (row: number): readonly boolean[] =>
      set.shown[row]?.scene?.objects.map(({ colour, shape }) => isHeld(colour, shape)) ?? [];
    assert.ok(set.fitted.length >= 40 && set.held.length === 16);
    for (const { scene, swap } of set.fitted) assert.ok(![...pairsOf(scene), ...pairsOf(swap)].includes(true));
    for (const { scene, swap } of set.held) assert.ok(![...pairsOf(scene), ...pairsOf(swap)].includes(false));
    for (const { scene, swap, right, swapped, mirrored } of [...set.asked, ...set.held, ...set.fitted]) {
      const words = [right, swapped, mirrored].map((row) =>
        [...(set.captions[row] ?? [])].toSorted((a, b) => (a < b ? -1 : 1)).join(),
      );
      assert.equal(new Set(words).size, 1);
      const of = (row: number): string => captionText(set.captions[row] ?? []);
      // What is said of the swap is the foil of the scene.
      const all = [...set.asked, ...set.held, ...set.fitted];
      assert.ok(all.some((one) => one.scene === swap && one.swap === scene && of(one.right) === of(swapped)));
    }
  }
});

test('a probe on captions is asked about pairings it has not seen, four captions each, balanced', () => {
  const config = readBindingConfig(BINDING_DEFAULTS);
  const set = sceneSet(worldOf(config, 224, 32, 1), config.scenes, 1);
  for (const { captions } of set.anchors) {
    assert.equal(captions.length, 4 * config.scenes.pairings);
    const cells = captions.map(
      ({ isBound, isColourFirst, isShapeFirst }) => `${isBound} ${isColourFirst} ${isShapeFirst}`,
    );
    const counts = [...Map.groupBy(cells, (cell) => cell).values()].map((group) => group.length);
    assert.deepEqual(counts, [12, 12, 12, 12]);
    assert.equal(new Set(captions.map(({ caption }) => caption)).size, captions.length);
  }
});

test('another tokenizer is another run: what is hashed of a folder holds every kind of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-towers-'));
  try {
    cpSync(`${TOWERS}siglip`, folder, { recursive: true });
    const config = withSettings(recipe.defaults, settingsOf({ model: folder }, 'test'));
    const before = recipe.inputs?.(config);
    writeFileSync(join(folder, 'spiece.model'), 'another');
    assert.notDeepEqual(recipe.inputs?.(config), before);
    assert.deepEqual(recipe.inputs?.(recipe.defaults), {});
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a folder is read once for all arms, before any run, and what is wrong with it is refused there', async () => {
  const summary = towerSummaries();
  for (const family of ['clip', 'siglip', 'siglip2']) {
    const counted = await summary(`${TOWERS}${family}`, family, ({ side, patch }) => [`${side % patch} red`, 'blue']);
    assert.equal(counted.counts['captions'], 2);
    assert.ok((counted.counts['parameters'] ?? 0) > 1000);
    // The same content is not read again.
    assert.deepEqual(
      { ...(await summary('elsewhere', family, () => [])).counts, captions: 2 },
      { ...counted.counts, 'tokens in the longest': 0 },
    );
  }
  const filesOf = async (set: Readonly<Record<string, Json>>) =>
    recipe.files?.(withSettings(recipe.defaults, settingsOf({ ...SMALL, ...set }, 'test')));
  assert.deepEqual(await filesOf({}), []);
  const usual = withSettings(recipe.defaults, settingsOf({ model: `${TOWERS}siglip` }, 'test'));
  await assert.rejects(async () => recipe.files?.(usual), /Caption "a .* and a .*expected at most 26 tokens, found/);
  const folder = mkdtempSync(join(tmpdir(), 'assay-towers-'));
  try {
    cpSync(`${TOWERS}clip`, folder, { recursive: true });
    truncateSync(join(folder, 'model.safetensors'), 20_000);
    await assert.rejects(filesOf({ model: folder }), /model\.safetensors is truncated/);
    // Another folder that lacks the same is refused by its own name.
    await assert.rejects(
      summary(folder, 'content', () => []),
      (error) => messageOf(error).includes(folder),
    );
    await assert.rejects(
      summary(`${folder}-2`, 'content', () => []),
      (error) => messageOf(error).includes(`${folder}-2`),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a canvas has cells of whole patches that fit twice', () => {
  const config = readBindingConfig(BINDING_DEFAULTS);
  for (const [side, patch, cell] of [
    [224, 32, 32],
    [224, 16, 32],
    [224, 14, 28],
    [336, 14, 42],
    [384, 16, 48],
    [8, 4, 1],
  ] as const) {
    assert.equal(checkedSceneWorld(worldOf(config, side, patch, 0)).cell, cell);
  }
});

test('captions that leave out too many words to be probed are said to be so, not found out by a regression', () => {
  const probed = (share: number): void => {
    const set = settingsOf({ 'world.captions.colourlessFraction': share, 'scenes.fitted': 1 }, 'test');
    const config = readBindingConfig(withSettings(recipe.defaults, set));
    checkProbed(sceneSet(worldOf(config, 28, 4, 0), config.scenes, 0), 4);
  };
  assert.doesNotThrow(() => probed(0.5));
  assert.throws(
    () => probed(0.99),
    /at least 4 pairings .*Too many words are left out: lower "world\.captions\.colourless/,
  );
});

test('settings without a meaning are refused by name', () => {
  const refuses = (set: Readonly<Record<string, Json>>, message: RegExp): void => {
    assert.throws(() => recipe.check(withSettings(recipe.defaults, settingsOf(set, 'test'))), message);
  };
  refuses({ subject: 'magic' }, /"subject": expected one of model, shuffled, unmixed, oracle/);
  refuses({ 'scenes.pairings': 22 }, /pairings": expected at most 21, \(colours - 1\) \(shapes - 1\), found 22/);
  refuses({ 'world.shapes': 5 }, /"shapes": expected a whole number from 2 to 4/);
  refuses({ 'measure.probe.folds': 13 }, /folds": expected a whole number in \[2, 12\]/);
  refuses({ 'measure.map.penalty': 0 }, /penalty": expected a number of at least/);
  for (const name of ['colourlessFraction', 'shapelessFraction']) {
    refuses({ [`world.captions.${name}`]: 1 }, new RegExp(`captions.${name}": expected a share below 1, .* found 1`));
  }
  refuses({ model: 'hf://org/name' }, /found a hub address/);
});
