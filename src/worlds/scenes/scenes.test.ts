/** What scenes promise: exact nulls, captions of the same words, held-out pairs that are never met, the same bits from the same seed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';

import { rngOf } from '#base/rng.ts';

import { anchoredScenes, bindingScenes } from './binding-scenes.ts';
import { captionLength, captionOf, captionText, captionWords, drawWording, wordIds } from './captions.ts';
import { heldPairs, isOfPart } from './held-out.ts';
import { encodePng } from './png.ts';
import { enlarged, patchRows, sceneRenderer } from './render.ts';
import {
  checkedSceneWorld,
  FAMILIES,
  GRAMMARS,
  PICTURE_WORLD,
  type SceneWorld,
  SHAPES,
  SMALL_WORLD,
} from './scene-world.ts';
import { type Attribute, exchanged, isExactNull, mirrored, type Scene, sceneDrawer } from './scenes.ts';

const LARGE: SceneWorld = {
  ...SMALL_WORLD,
  colours: 8,
  shapes: 8,
  lights: ['none', 'left', 'top'],
  backgrounds: ['black', 'grey', 'white'],
};

function drawn(world: SceneWorld, count: number, seed = 1, part: 'seen' | 'held' | 'any' = 'any'): readonly Scene[] {
  const [draw, rng] = [sceneDrawer(world, part), rngOf(seed)];
  return Array.from({ length: count }, () => draw(rng));
}

/** The sum over patches of every pixel and channel inside a patch: whole numbers, so that equal is equal. */
function patchSums(world: SceneWorld, scene: Scene): readonly number[] {
  const { width, height, patch } = world;
  const image = sceneRenderer(world)(scene);
  const sums = Array.from({ length: patch * patch * 3 }, () => 0);
  for (let i = 0; i < width * height * 3; i++) {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const at = ((y % patch) * patch + (x % patch)) * 3 + channel;
    sums[at] = (sums[at] ?? 0) + (image[i] ?? 0);
  }
  return sums;
}

/** Which sums over the image an exchange or a mirror changes, over many scenes. */
function changedSums(world: SceneWorld, attribute: Attribute, of: (sums: readonly number[]) => unknown): number {
  return drawn(world, 30).filter((scene) => {
    const other = exchanged(scene, attribute);
    return [other, mirrored(world, scene), mirrored(world, other)].some(
      (one) => JSON.stringify(of(patchSums(world, one))) !== JSON.stringify(of(patchSums(world, scene))),
    );
  }).length;
}

const total = (sums: readonly number[]): readonly number[] =>
  [0, 1, 2].map((channel) => sums.reduce((sum, value, i) => sum + (i % 3 === channel ? value : 0), 0));

test('an exchange and a mirror change no sum over the patches of cells, at any place, light, background and size', () => {
  for (const world of [
    LARGE,
    { ...LARGE, width: 56, height: 40, sizes: { multiples: [1, 2], own: false } },
    { ...LARGE, width: 36, objects: 3 },
    { ...LARGE, width: 56, height: 40, cell: 8 },
  ]) {
    checkedSceneWorld(world);
    for (const attribute of ['colour', 'shape'] as const) {
      assert.ok(isExactNull(world, attribute));
      assert.equal(
        changedSums(world, attribute, (sums) => sums),
        0,
      );
    }
  }
});

test('where a null is not exact it is not said to be, and is not', () => {
  const half = { ...LARGE, width: 48, height: 48, cell: 6, patch: 4 };
  const own = { ...LARGE, width: 56, height: 40, sizes: { multiples: [1, 2], own: true } };
  assert.ok(!isExactNull(half) && changedSums(half, 'colour', (sums) => sums) > 0);
  assert.ok(!isExactNull(own, 'colour') && changedSums(own, 'colour', total) > 0);
  assert.ok(isExactNull(own, 'shape'));
  assert.equal(
    changedSums(own, 'shape', (sums) => sums),
    0,
  );
});

test('figures and solids have equal areas and brightness: an exchange changes no sum over the whole image', () => {
  const figures: SceneWorld = { ...PICTURE_WORLD, family: 'figures', shapes: 8, lights: ['none', 'left', 'bottom'] };
  for (const world of [PICTURE_WORLD, figures]) {
    const small = checkedSceneWorld({ ...world, width: 64, height: 48, cell: 9, patch: 16 });
    assert.ok(!isExactNull(small));
    assert.equal(changedSums(small, 'colour', total), 0);
  }
});

test('every shape of every family lies inside its box, and no two are alike', () => {
  for (const family of FAMILIES) {
    const world: SceneWorld = { ...PICTURE_WORLD, family, shapes: SHAPES[family].length, backgrounds: ['black'] };
    const images = SHAPES[family].map((_, shape) => {
      const object = { colour: 0, shape, size: 1, x: 50, y: 60 };
      return sceneRenderer(world)({ objects: [object], light: 'left', background: 'black' });
    });
    for (const image of images) {
      const lit = [...image.keys()].filter((i) => i % 3 === 0 && (image[i] ?? 0) > 0).map((i) => i / 3);
      assert.ok(lit.length > 0);
      assert.ok(
        lit.every((at) => at % 224 >= 50 && at % 224 < 146 && at >= 60 * 224 && at < 156 * 224),
        family,
      );
    }
    assert.equal(new Set(images.map((image) => image.join())).size, images.length);
  }
});

test('the exchange of colours seen in a mirror keeps colours in their places: it is the exchange of shapes', () => {
  for (const scene of drawn(LARGE, 20)) {
    const [colours, shapes] = (['colour', 'shape'] as const).map((name) => scene.objects.map((one) => one[name]));
    const other = mirrored(LARGE, exchanged(scene));
    assert.deepEqual(
      other.objects.map(({ colour }) => colour),
      colours,
    );
    assert.deepEqual(
      other.objects.map(({ shape }) => shape),
      exchanged(scene, 'shape').objects.map(({ shape }) => shape),
    );
    assert.notDeepEqual(
      colours,
      exchanged(scene).objects.map(({ colour }) => colour),
    );
    assert.deepEqual(mirrored(LARGE, mirrored(LARGE, scene)), scene);
    assert.equal(new Set(shapes).size, 2);
  }
});

test('a caption and the caption of an exchange have the same words in another order, in every grammar, with words left out', () => {
  let incomplete = 0;
  for (const grammar of GRAMMARS) {
    const captions = { grammar, articles: true, colourlessFraction: 0.4, shapelessFraction: 0.3, synonymFraction: 0.5 };
    const world: SceneWorld = { ...LARGE, width: 56, height: 40, sizes: { multiples: [1, 2], own: true }, captions };
    const [vocabulary, rng] = [captionWords(world), rngOf(2)];
    for (const scene of drawn(world, 60)) {
      const wording = drawWording(world, rng);
      const words = captionOf(world, scene, wording);
      incomplete += words.length < captionLength(world) ? 1 : 0;
      for (const attribute of ['colour', 'shape', 'size'] as const) {
        const foil = captionOf(world, exchanged(scene, attribute), wording);
        assert.deepEqual([...foil].sort(), [...words].sort());
        wordIds([words, foil], vocabulary, captionLength(world));
      }
    }
  }
  assert.ok(incomplete > 60);
});

test('captions read as they should', () => {
  const scene: Scene = {
    objects: [
      { colour: 0, shape: 0, size: 1, x: 0, y: 0 },
      { colour: 5, shape: 2, size: 1, x: 14, y: 0 },
    ],
    light: 'none',
    background: 'black',
  };
  const read = (grammar: SceneWorld['captions']['grammar'], articles = false): ReadonlySet<string> => {
    const world = { ...LARGE, captions: { ...LARGE.captions, grammar, articles } };
    const rng = rngOf(3);
    return new Set(Array.from({ length: 40 }, () => captionText(captionOf(world, scene, drawWording(world, rng)))));
  };
  assert.deepEqual(read('placeless'), new Set(['red cross and orange tee', 'orange tee and red cross']));
  assert.deepEqual(read('ordered'), new Set(['red cross and orange tee']));
  assert.deepEqual(read('leftOf', true), new Set(['a red cross left of an orange tee']));
  assert.deepEqual(read('sides'), new Set(['red cross left of orange tee', 'orange tee right of red cross']));
});

test('left-out words are as frequent as they should be', () => {
  const captions = { ...LARGE.captions, colourlessFraction: 0.5, synonymFraction: 0.25 };
  const rng = rngOf(4);
  const wordings = Array.from({ length: 400 }, () => drawWording({ ...LARGE, captions }, rng));
  const share = (of: readonly boolean[]): number => of.filter(Boolean).length / of.length;
  assert.ok(Math.abs(share(wordings.flatMap(({ colours }) => colours.map((word) => word === undefined))) - 0.5) < 0.03);
  const shapes = wordings.flatMap((one) => one.shapes.map((word, i) => word !== SHAPES.cells[i]?.[0]));
  assert.ok(Math.abs(share(shapes) - 0.25) < 0.03);
});

test('held-out blocks are unseen whole: seen scenes and their swaps hold none of their pairs, held-out ones nothing else', () => {
  for (let seed = 0; seed < 12; seed++) {
    for (const [colours, shapes] of [
      [6, 4],
      [8, 8],
      [5, 7],
    ] as const) {
      const world: SceneWorld = { ...LARGE, colours, shapes, held: { kind: 'blocks', seed } };
      const isHeld = heldPairs(world);
      const pairs = (scene: Scene): readonly boolean[] =>
        scene.objects.map(({ colour, shape }) => isHeld(colour, shape));
      for (const scene of drawn(world, 20, seed, 'seen')) {
        assert.ok(![...pairs(scene), ...pairs(exchanged(scene))].includes(true));
      }
      for (const scene of drawn(world, 5, seed, 'held')) {
        assert.ok(![...pairs(scene), ...pairs(exchanged(scene))].includes(false));
      }
      const seen = (colour: number, shape: number): boolean => !isHeld(colour, shape);
      const all = (n: number): readonly number[] => [...Array(n).keys()];
      assert.ok(all(colours).every((colour) => all(shapes).some((shape) => seen(colour, shape))));
      assert.ok(all(shapes).every((shape) => all(colours).some((colour) => seen(colour, shape))));
    }
  }
});

test('a Latin design holds out one shape of every colour, and the swap of its scenes is seen', () => {
  const world: SceneWorld = { ...LARGE, held: { kind: 'latin', seed: 5 } };
  const isHeld = heldPairs(world);
  for (let i = 0; i < 8; i++) {
    const held = [...Array(8).keys()];
    assert.equal(held.filter((j) => isHeld(i, j)).length, 1);
    assert.equal(held.filter((j) => isHeld(j, i)).length, 1);
  }
  for (const { objects } of drawn(world, 10, 1, 'held')) {
    assert.ok(objects.every(({ colour, shape }) => isHeld(colour, shape)));
    assert.ok(
      !isOfPart(
        isHeld,
        world,
        'held',
        objects.map(({ colour }) => colour),
        objects.map(({ shape }) => shape).toReversed(),
      ),
    );
  }
  assert.throws(() => drawn({ ...LARGE, held: { kind: 'none', seed: 0 } }, 1, 1, 'held'), /held-out pairs, found none/);
});

test('binding scenes are balanced: no colour, shape or place tells the bindings of a layout apart', () => {
  const sets = [bindingScenes(LARGE, 10, rngOf(6)), anchoredScenes(LARGE, 10, rngOf(6))];
  for (const set of sets) {
    const [first] = set.scenes;
    const [colour, shape] = [first?.objects[0]?.colour, first?.objects[0]?.shape];
    assert.equal(set.scenes.length, 40);
    for (const [i, { objects }] of set.scenes.entries()) {
      assert.equal(
        objects.some((one) => one.colour === colour && one.shape === shape),
        set.isBound[i],
      );
      assert.equal(objects[0]?.colour === colour, set.isColourLeft[i]);
      assert.equal(objects[0]?.shape === shape, set.isShapeLeft[i]);
      assert.equal(set.layouts[i], Math.floor(i / 4));
    }
    const when = (bound: boolean, labels: readonly boolean[]): number =>
      labels.filter((label, i) => label && set.isBound[i] === bound).length;
    for (const labels of [set.isColourLeft, set.isShapeLeft]) {
      assert.deepEqual([when(true, labels), when(false, labels)], [10, 10]);
    }
  }
  const pairsOf = (set: (typeof sets)[number] | undefined): number =>
    new Set(
      set?.scenes.map(({ objects }) =>
        objects
          .map((one) => one.colour + 10 * one.shape)
          .toSorted((a, b) => a - b)
          .join(),
      ),
    ).size;
  // One pair of colours and shapes, bound in two ways; and ten such pairs.
  assert.deepEqual(sets.map(pairsOf), [2, 20]);
  assert.throws(() => anchoredScenes(LARGE, 50, rngOf(6)), /at most 49 layouts, found 50/);
});

test('patches are read line by line, and enlarging draws squares', () => {
  const world = { ...SMALL_WORLD, width: 4, height: 2, patch: 2 };
  const image = Uint8Array.from({ length: 24 }, (_, i) => Math.floor(i / 3) * 10);
  const rows = patchRows(world, [image]);
  const bytes = [...rows].filter((_, i) => i % 3 === 0).map((value) => Math.round((value + 1) * 127.5));
  assert.deepEqual(bytes, [0, 10, 40, 50, 20, 30, 60, 70]);
  assert.deepEqual(
    [...enlarged(world, image, 2)].filter((_, i) => i % 3 === 0).slice(8, 16),
    [0, 0, 10, 10, 20, 20, 30, 30],
  );
});

test('a PNG holds the pixels, in chunks whose checksums fit', () => {
  const pixels = Uint8Array.from({ length: 5 * 3 * 3 }, (_, i) => i * 5);
  const png = Buffer.from(encodePng(pixels, 5, 3));
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]], [5, 3, 8, 2]);
  const length = png.readUInt32BE(33);
  const lines = inflateSync(png.subarray(41, 41 + length));
  const read = [0, 1, 2].flatMap((y) => [...lines.subarray(y * 16 + 1, (y + 1) * 16)]);
  assert.deepEqual(read, [...pixels]);
  // The checksum of an empty IEND is known.
  assert.equal(png.subarray(-12).toString('hex'), '0000000049454e44ae426082');
  assert.throws(() => encodePng(pixels, 4, 3), /4 x 3 x 3 bytes, found 45/);
});

test('the same seed draws the same bytes', () => {
  const hash = createHash('sha256');
  for (const world of [LARGE, { ...PICTURE_WORLD, width: 112, height: 64, cell: 16, patch: 16 }]) {
    const [render, rng] = [sceneRenderer(world), rngOf(7)];
    for (const scene of drawn(world, 5, 7)) {
      hash.update(render(scene)).update(captionText(captionOf(world, scene, drawWording(world, rng))));
    }
  }
  assert.equal(hash.digest('hex').slice(0, 16), 'c1c5601f73480604');
});

test('scenes of held-out pairs where none are held out are refused by the setting that is missing', () => {
  const world = { ...PICTURE_WORLD, held: { kind: 'none', seed: 0 } } as const;
  assert.throws(() => sceneDrawer(world, 'held'), /"held\.kind": expected latin or blocks.*--set held\.kind=blocks/);
  assert.doesNotThrow(() => sceneDrawer(world, 'seen')(rngOf(1)));
});

test('worlds without scenes are refused by name', () => {
  const refuses = (change: Partial<SceneWorld>, message: RegExp): void => {
    assert.throws(() => checkedSceneWorld({ ...SMALL_WORLD, ...change }), message);
  };
  refuses({ cell: 5 }, /"cell".*columns of 14 x 20.*boxes of 15/);
  refuses({ patch: 3 }, /"patch".*divisor of 28 and 20, found 3/);
  refuses({ shapes: 9 }, /"shapes".*2 to 8 \(the shapes of "cells"\), found 9/);
  refuses({ objects: 5 }, /"objects".*no two objects share/);
  refuses({ colours: 2.5 }, /"colours".*whole number/);
  refuses({ lights: [] }, /"lights".*found none/);
  refuses({ family: 'solids', lights: ['none'] }, /"lights".*shaded, found none/);
  refuses({ sizes: { multiples: [1], own: true } }, /"sizes.multiples".*two sizes/);
  refuses({ held: { kind: 'blocks', seed: 1 }, shapes: 3 }, /"held".*four colours and shapes/);
  refuses({ captions: { ...SMALL_WORLD.captions, colourlessFraction: 1.5 } }, /colourlessFraction.*0 to 1/);
});
