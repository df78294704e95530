/**
 * Public test sets of image-text binding, as their authors publish them, told apart by what stands in the file of captions:
 * Winoground (`examples.jsonl`: two pictures and two captions), ARO (`visual_genome_relation.json`, `visual_genome_attribution.json`: a box of a
 * picture, a true and a false caption), SugarCrepe (`swap_att.json`, ...: a picture, a caption and a negative one).
 * @see arXiv:2204.03162 (Winoground), arXiv:2210.01936 (ARO), arXiv:2306.14610 (SugarCrepe)
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseStrictJson } from '#base/strict-json.ts';
import { readJsonlSync } from '#learning/data/jsonl.ts';
import type { RgbImage } from '#learning/files/images/decode-image.ts';

/** A picture in the folder of pictures, or a box of it. */
export interface PictureRef {
  readonly file: string;
  readonly box?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Captions of which the first is true of the first picture; where there is a second picture, the second is true of that. */
export interface PublicExample {
  readonly pictures: readonly [PictureRef] | readonly [PictureRef, PictureRef];
  readonly captions: readonly [string, string];
  /** The file with the line, or the row's number. */
  readonly where: string;
}

interface Layout {
  readonly name: string;
  readonly keys: readonly string[];
  example(row: JsonObject, at: (key: string) => string, where: string): Omit<PublicExample, 'where'>;
}

const LAYOUTS: readonly Layout[] = [
  {
    name: 'Winoground',
    keys: ['image_0', 'image_1', 'caption_0', 'caption_1'],
    example: (_row, at) => ({
      // Names stand without their ending.
      pictures: [{ file: pngName(at('image_0')) }, { file: pngName(at('image_1')) }],
      captions: [at('caption_0'), at('caption_1')],
    }),
  },
  {
    name: 'ARO',
    keys: ['image_path', 'true_caption', 'false_caption', 'bbox_x', 'bbox_y', 'bbox_w', 'bbox_h'],
    example: (row, at, where) => {
      const side = (key: string): number => Number(row[key]);
      const box = { x: side('bbox_x'), y: side('bbox_y'), width: side('bbox_w'), height: side('bbox_h') };
      refuseHuge(box, at('image_path'), where);
      return { pictures: [{ file: at('image_path'), box }], captions: [at('true_caption'), at('false_caption')] };
    },
  },
  {
    name: 'SugarCrepe',
    keys: ['filename', 'caption', 'negative_caption'],
    example: (_row, at) => ({
      pictures: [{ file: at('filename') }],
      captions: [at('caption'), at('negative_caption')],
    }),
  },
];

/**
 * Reads a file of captions.
 * @throws AssayError on a file that is none of the layouts, or names a key twice, or a row that is not as the others.
 */
export function readPublicSet(path: string): { readonly name: string; readonly examples: readonly PublicExample[] } {
  const rows = rowsOf(path);
  const first = rows[0]?.row;
  const layout = LAYOUTS.find(({ keys }) => keys.every((key) => first !== undefined && Object.hasOwn(first, key)));
  if (layout === undefined) {
    const known = LAYOUTS.map(({ name, keys }) => `${name} (${keys.join(', ')})`).join('; ');
    const found = first === undefined ? 'no rows' : `rows of ${Object.keys(first).slice(0, 12).join(', ')}`;
    throw new AssayError('data', `${path}: expected rows of ${known}; found ${found}.`);
  }
  return { name: layout.name, examples: rows.map(({ row, where }) => exampleOf(layout, row, where)) };
}

/**
 * The box of a picture; what lies outside of the picture is black, as in the sets' own code.
 * @throws AssayError where a box is far larger than its picture: it is of another one, or its numbers are no pixels.
 */
export function cut(image: RgbImage, { file, box }: PictureRef): RgbImage {
  if (box === undefined) return image;
  const [width, height] = [Math.round(box.width), Math.round(box.height)];
  if (width > BOX_SIDES * image.width || height > BOX_SIDES * image.height) {
    throw new AssayError(
      'data',
      `${file}: expected a box of at most ${BOX_SIDES} times the picture's sides (${image.width} x ${image.height}), found ${width} x ${height} at ${box.x}, ${box.y}. Are the boxes of these pictures?`,
    );
  }
  const values = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = Math.round(box.y) + y;
    for (let x = 0; x < width; x++) {
      const column = Math.round(box.x) + x;
      if (row < 0 || row >= image.height || column < 0 || column >= image.width) continue;
      const from = (row * image.width + column) * 3;
      values.set(image.values.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { values, width, height };
}

function exampleOf({ name, keys, example }: Layout, row: JsonObject, where: string): PublicExample {
  const at = (key: string): string => {
    const value = row[key];
    if (typeof value === 'string' && value.trim() !== '') return value;
    throw new AssayError('data', `${where}: expected text in "${key}", found ${JSON.stringify(value ?? null)}.`);
  };
  const number = keys.filter((key) => key.startsWith('bbox')).find((key) => !isSide(key, row[key]));
  if (number !== undefined) {
    const found = JSON.stringify(row[number] ?? null);
    const least = isLength(number) ? `, from 1 to ${MOST_PIXELS},` : '';
    throw new AssayError('data', `${where}: expected whole pixels${least} in "${number}" of ${name}, found ${found}.`);
  }
  return { ...example(row, at, where), where };
}

/** Of a side of a box: more than any picture has. */
const MOST_PIXELS = 65_535;
/** Of a box: 4096 x 4096, which is 48 MiB; the pictures of the sets have a million. */
const MOST_BOX_PIXELS = 2 ** 24;
/** Boxes of the sets reach over the edge by some pixels, not by whole pictures. */
const BOX_SIDES = 2;

/** Every picture of a share is held at once: boxes are refused here, before any run, where no memory would do. */
function refuseHuge({ width, height }: NonNullable<PictureRef['box']>, file: string, where: string): void {
  if (width * height <= MOST_BOX_PIXELS) return;
  throw new AssayError(
    'data',
    `${where}: expected a box of at most ${MOST_BOX_PIXELS} pixels, found ${width} x ${height} ("bbox_w", "bbox_h") of ${file}.`,
  );
}

const isLength = (key: string): boolean => key === 'bbox_w' || key === 'bbox_h';

function isSide(key: string, value: Json | undefined): boolean {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false;
  return !isLength(key) || (value >= 1 && value <= MOST_PIXELS);
}

interface Row {
  readonly row: JsonObject;
  /** The file with the line, or the row's number. */
  readonly where: string;
}

/** JSON lines, a JSON array, or a JSON object of rows by number. */
function rowsOf(path: string): readonly Row[] {
  const rows = path.endsWith('.jsonl')
    ? readJsonlSync(path)
        .map(({ line, value }) => ({ row: value, where: `${path}:${line}` }))
        .toArray()
    : valuesOf(parseStrictJson(bytesOf(path), path)).map((row, i) => ({
        row: objectIn(path, row, i),
        where: `${path}, row ${i + 1}`,
      }));
  if (rows.length === 0) throw notRows(path, 'no rows');
  return rows;
}

function valuesOf(parsed: Json): readonly Json[] {
  if (Array.isArray(parsed)) return parsed;
  return isJsonObject(parsed) ? Object.values(parsed) : [];
}

function objectIn(path: string, row: Json, index: number): JsonObject {
  if (isJsonObject(row)) return row;
  throw notRows(path, `${JSON.stringify(row).slice(0, 80)} in row ${index + 1}`);
}

function notRows(path: string, found: string): AssayError {
  return new AssayError('data', `${path}: expected rows that are JSON objects, found ${found}.`);
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new AssayError('file', `Could not read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function pngName(name: string): string {
  return /\.\w+$/.test(name) ? name : `${name}.png`;
}

/** Where a picture stands. */
export function picturePath(folder: string, { file }: PictureRef): string {
  return join(folder, file);
}
