/** A set of scenes as files: every picture has its line, every line is true of its picture, and the same set is the same bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';

import { isJsonObject, type JsonObject } from '#base/json.ts';
import { COLOURS, PICTURE_WORLD, type SceneWorld } from '#worlds/scenes/scene-world.ts';

import type { OutputFile } from './output-folder.ts';
import { sceneFiles } from './scene-files.ts';

const WORLD: SceneWorld = {
  ...PICTURE_WORLD,
  width: 64,
  height: 48,
  cell: 10,
  patch: 16,
  family: 'figures',
  lights: ['none'],
  held: { kind: 'blocks', seed: 1 },
};
const SET = { world: WORLD, part: 'held', count: 8, seed: 3 } as const;

const contentOf = (files: readonly OutputFile[], name: string): string | Uint8Array =>
  files.find((file) => file.name === name)?.content ?? '';

function rowsOf(files: readonly OutputFile[]): readonly JsonObject[] {
  const lines = String(contentOf(files, 'metadata.jsonl')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown).filter(isJsonObject);
}

function textOf(row: JsonObject, name: string): string {
  const value = row[name];
  assert.ok(typeof value === 'string');
  return value;
}

/** How many pixels of a picture have exactly a colour inside of a box. */
function pixelsOf(
  png: Uint8Array,
  rgb: readonly number[],
  [left = 0, top = 0, right = 0, bottom = 0]: readonly number[],
): number {
  const file = Buffer.from(png);
  const lines = inflateSync(file.subarray(41, 41 + file.readUInt32BE(33)));
  let count = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * (1 + WORLD.width * 3) + 1 + x * 3;
      count += rgb.every((level, channel) => lines[at + channel] === level) ? 1 : 0;
    }
  }
  return count;
}

test('every picture has a line that says what is in it, and each object is in its box, in its colour, of one area', () => {
  const files = sceneFiles(SET);
  const rows = rowsOf(files);
  const pictures = files.map(({ name }) => name).filter((name) => name.endsWith('.png'));
  assert.deepEqual(
    rows.map((row) => row['file_name']),
    pictures,
  );
  assert.equal(pictures.length, 16);
  for (const row of rows) {
    const png = contentOf(files, textOf(row, 'file_name'));
    assert.ok(png instanceof Uint8Array && Array.isArray(row['objects']) && row['objects'].length === 2);
    const areas = row['objects'].map((object) => {
      assert.ok(isJsonObject(object) && Array.isArray(object['box']));
      assert.equal(object['is_held_out'], true);
      const { rgb = [] } = COLOURS.find(({ words }) => words[0] === object['colour']) ?? {};
      return pixelsOf(png, rgb, object['box'].map(Number));
    });
    assert.deepEqual(areas, [240, 240]);
  }
});

test('captions and their foils name the same things in another way, and a swap is the scene whose foil is true', () => {
  const rows = rowsOf(sceneFiles(SET));
  for (const row of rows) {
    const texts = ['caption', 'swapped_caption', 'mirrored_swapped_caption'].map((name) => textOf(row, name));
    assert.equal(new Set(texts).size, 3);
    assert.equal(new Set(texts.map((text) => text.split(' ').sort().join())).size, 1);
    const swap = rows.find((one) => one['scene'] === row['scene'] && one['is_swap'] !== row['is_swap']);
    assert.deepEqual([swap?.['caption'], swap?.['swapped_caption']], texts.slice(0, 2).toReversed());
  }
});

test('the same set is the same bytes, a longer one begins with it, and another seed is another set', () => {
  const [first, again, longer] = [sceneFiles(SET), sceneFiles(SET), sceneFiles({ ...SET, count: 9 })];
  assert.deepEqual(first, again);
  for (const { name, content } of first.filter((file) => file.name.endsWith('.png'))) {
    assert.deepEqual(contentOf(longer, name), content);
  }
  assert.notDeepEqual(sceneFiles({ ...SET, seed: 4 }), first);
});
