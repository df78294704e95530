/** Image files, resizing and processors against Pillow and transformers, to the bit (test/reference/images.py). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { decodeImage } from '#learning/files/images/decode-image.ts';
import { imageProcessing, processedImage } from '#learning/files/images/image-processor.ts';
import { resampled, type Resampling } from '#learning/files/images/resample.ts';
import type { TowersFamily } from '#learning/files/towers/towers-config.ts';
import { cutPatches } from '#learning/models/towers/inputs.ts';

const IMAGES = fileURLToPath(new URL('../fixtures/images/', import.meta.url));

interface Processed {
  readonly settings: JsonObject;
  readonly files: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly sha256: string; readonly grid?: readonly number[] }>
  >;
}

interface Reference {
  readonly decoded: Readonly<
    Record<string, { readonly height: number; readonly width: number; readonly sha256: string }>
  >;
  readonly resized: readonly {
    readonly height: number;
    readonly width: number;
    readonly filter: Resampling;
    readonly sha256: string;
  }[];
  readonly processed: Readonly<Record<string, Processed>>;
}

/** Two pixels, the second one transparent. */
const TRANSPARENT_GIF = 'R0lGODlhAgABAIEAAAoUHigyPAAAAAAAACH5BAEAAAEALAAAAAACAAEAAAgFAAEECAgAOw==';

const REFERENCE = JSON.parse(readFileSync(`${IMAGES}expected.json`, 'utf8')) as Reference;

for (const [name, expected] of Object.entries(REFERENCE.decoded)) {
  test(`${name} is decoded to the bytes that Pillow gives`, async () => {
    const image = await decodeImage(`${IMAGES}${name}`);
    assert.deepEqual([image.height, image.width], [expected.height, expected.width]);
    assert.equal(sha(image.values), expected.sha256);
    assert.deepEqual(await decodeImage(readFileSync(`${IMAGES}${name}`)), image);
  });
}

test('resizing gives the bytes that Pillow gives, for every filter, larger and smaller', async () => {
  const image = await decodeImage(`${IMAGES}420.jpg`);
  for (const { height, width, filter, sha256 } of REFERENCE.resized) {
    const { values } = resampled(image, height, width, filter);
    assert.equal(values.length, height * width * 3);
    assert.equal(sha(values), sha256, `${filter} to ${height} x ${width}`);
  }
});

for (const [name, { settings, files }] of Object.entries(REFERENCE.processed)) {
  test(`${name}: images are processed to the bits that transformers gives on Pillow`, async () => {
    const family = familyOf(name);
    const processing = imageProcessing(settings, family, name);
    for (const [file, { shape, sha256, grid }] of Object.entries(files)) {
      const pixels = processedImage(processing, await decodeImage(`${IMAGES}${file}`));
      if (grid === undefined) {
        assert.deepEqual([3, pixels.height, pixels.width], shape);
        assert.equal(sha(pixels.values), sha256, file);
        continue;
      }
      const size = Number(settings['patch_size']);
      assert.deepEqual([pixels.height / size, pixels.width / size], grid);
      const patches = new Float32Array((shape[0] ?? 0) * (shape[1] ?? 0));
      assert.equal(sha(cutPatches({ channels: 3, size, order: 'hwc' }, pixels, patches)), sha256, file);
    }
  });
}

test('a part of a resized image is cut out of the whole, to the bit, whatever is resized', async () => {
  const image = await decodeImage(`${IMAGES}420.jpg`);
  const sizes = [
    [image.height, image.width],
    [image.height, 11],
    [90, image.width],
    [17, 60],
  ] as const;
  for (const [height, width] of sizes) {
    const whole = resampled(image, height, width, 'bicubic');
    const [rows, columns] = [
      { from: 3, count: height - 7 },
      { from: 2, count: width - 5 },
    ];
    const part = resampled(image, height, width, 'bicubic', { rows, columns });
    const cut = Array.from({ length: rows.count }, (_, y) => {
      const from = ((y + rows.from) * width + columns.from) * 3;
      return [...whole.values.subarray(from, from + columns.count * 3)];
    });
    assert.deepEqual([...part.values], cut.flat(), `${height} x ${width}`);
  }
});

test('of an image a thousand times as long as high, nothing is made but what is kept of it', () => {
  const processing = imageProcessing(REFERENCE.processed['clip']?.settings ?? {}, 'clip', 'p.json');
  const large = { ...processing, resize: { kind: 'shortestEdge', length: 224 } as const };
  const long = { values: new Uint8Array(3 * 60_000).fill(9), height: 1, width: 60_000 };
  const before = process.memoryUsage().arrayBuffers;
  const { height, width } = processedImage(large, long);
  assert.deepEqual([height, width], [processing.crop?.height, processing.crop?.width]);
  // The whole would be 224 x 13,440,000 pixels, 8.4 GiB.
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 26);
});

test('what Pillow would make of other images is not guessed: they are refused by what they are', async () => {
  await assert.rejects(decodeImage(`${IMAGES}cmyk.jpg`), /cmyk\.jpg: expected a JPEG, PNG, .* found colours as cmyk/);
  await assert.rejects(decodeImage(`${IMAGES}sixteen.png`), /sixteen\.png: .* found ushort channels/);
  await assert.rejects(decodeImage(`${IMAGES}expected.json`), /expected\.json: expected a JPEG/);
  await assert.rejects(decodeImage(`${IMAGES}none.png`), /none\.png: expected a JPEG.*missing/);
  const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
  await assert.rejects(decodeImage(svg), /an image of the format svg/);
  const seeThrough = Buffer.from(TRANSPARENT_GIF, 'base64');
  await assert.rejects(decodeImage(seeThrough), /a GIF with transparent pixels/);
  const half = readFileSync(`${IMAGES}420.jpg`).subarray(0, 900);
  await assert.rejects(decodeImage(half), /an image of 900 bytes: expected a JPEG/);
});

test('fields of a preprocessor_config.json that are not known, or not supported, are refused by name', () => {
  const settings = REFERENCE.processed['clip']?.settings ?? {};
  const refused = (changes: JsonObject, expected: RegExp, family: TowersFamily = 'clip'): void => {
    assert.throws(() => imageProcessing({ ...settings, ...changes }, family, 'p.json'), expected);
  };
  refused({ do_sharpen: true }, /p\.json: unknown key do_sharpen/);
  refused({ resample: 0 }, /expected resample to be one of 1 \(lanczos\), .* found 0/);
  refused({ size: { longest_edge: 9 } }, /expected size to be a number, \{ shortest_edge \}/);
  refused({ do_pad: true }, /expected do_pad to be false/);
  refused({ image_std: [0, 1, 1] }, /expected image_std to be three numbers/);
  refused({ image_processor_type: 'ViTImageProcessor' }, /expected image_processor_type to be one of a clip model/);
  refused({ do_center_crop: true, image_processor_type: 'SiglipImageProcessor' }, /do_center_crop/, 'siglip');
});

test('sizes of early files are numbers: the shortest edge and a square', () => {
  const { resize, crop } = imageProcessing(
    { feature_extractor_type: 'CLIPFeatureExtractor', size: 30, crop_size: 20, resample: 3 },
    'clip',
    'p.json',
  );
  assert.deepEqual(resize, { kind: 'shortestEdge', length: 30 });
  assert.deepEqual(crop, { height: 20, width: 20, rounding: 'down' });
});

function familyOf(name: string): TowersFamily {
  const [family = ''] = name.split(',');
  return family === 'siglip' || family === 'siglip2' ? family : 'clip';
}

function sha(values: Uint8Array | Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}
