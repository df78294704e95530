/**
 * From an image to what a tower reads, as a `preprocessor_config.json` says: resized, cropped, rescaled, normalized.
 * It does what the processors of transformers do on Pillow ("slow", in version 5 "Pil"), to the bit; those on torchvision ("fast") differ by at most one grey level (measured), and put an image smaller than the
 * crop a pixel elsewhere.
 * @see `CLIPImageProcessorPil`, `SiglipImageProcessorPil`, `Siglip2ImageProcessorPil` of transformers 5.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import type { TowersFamily } from '#learning/files/towers/towers-config.ts';
import type { Pixels } from '#learning/models/towers/inputs.ts';

import type { RgbImage } from './decode-image.ts';
import { RESAMPLING, resampled, type Resampling, type Span } from './resample.ts';

/** How images become pixels. Plain JSON. */
export interface ImageProcessing {
  readonly resize: Resize | null;
  readonly resampling: Resampling;
  /** Cut out of the middle, black where the image is smaller. */
  readonly crop: Crop | null;
  readonly rescaleFactor: number | null;
  readonly normalize: { readonly mean: readonly number[]; readonly std: readonly number[] } | null;
}

export interface Crop {
  readonly height: number;
  readonly width: number;
  /** Where the two margins differ by a pixel: `down` makes the first one smaller, as transformers; `halfToEven` is torchvision's. */
  readonly rounding: 'down' | 'halfToEven';
}

export type Resize =
  /** The shorter side gets this length, the longer one its proportion, rounded down. */
  | { readonly kind: 'shortestEdge'; readonly length: number }
  | { readonly kind: 'squash'; readonly height: number; readonly width: number }
  /** As large as fits into so many patches with sides that are whole patches (NaFlex). */
  | { readonly kind: 'patches'; readonly patch: number; readonly most: number };

const TYPES: Readonly<Record<TowersFamily, RegExp>> = {
  clip: /^CLIP(?:ImageProcessor(?:Fast|Pil)?|FeatureExtractor)$/,
  // Conversions of SigLIP keep CLIP's processor where that does the same.
  siglip: /^(?:Siglip|CLIP)ImageProcessor(?:Fast|Pil)?$/,
  siglip2: /^Siglip2ImageProcessor(?:Fast|Pil)?$/,
};

const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];
const HALVES = [0.5, 0.5, 0.5];

/** What changes no pixel: names, and how batches are made and returned. Images are read as RGB in any case. */
const IDLE: ReadonlySet<string> = new Set(
  `processor_class _processor_class auto_map data_format device disable_grouping input_data_format return_tensors
  default_to_square do_convert_rgb image_seq_length transformers_version`.split(/\s+/),
);

/**
 * What a `preprocessor_config.json` (or the `image_processor` of a `processor_config.json`) asks for.
 * @throws AssayError naming a field that is not known or not supported.
 */
export function imageProcessing(json: JsonObject, family: TowersFamily, where: string): ImageProcessing {
  const fields = fieldsOf(new Map(Object.entries(json)), where);
  const isClip = processorIsClip(fields, family);
  fields.only('do_pad', [false]);
  fields.only('size_divisor', []);
  fields.only('pad_size', []);
  const crops = isClip && fields.flag('do_center_crop', true);
  if (!isClip) fields.only('do_center_crop', [false]);
  const resizes = fields.flag('do_resize', true);
  const resize = family === 'siglip2' ? patchesOf(fields) : sizeOf(fields, isClip);
  const crop = cropOf(fields);
  const factor = fields.positive('rescale_factor', 1 / 255);
  const processing: ImageProcessing = {
    resize: resizes ? resize : null,
    resampling: resamplingOf(fields, family === 'siglip2' ? 2 : 3),
    crop: crops ? crop : null,
    rescaleFactor: fields.flag('do_rescale', true) ? factor : null,
    normalize: normalizeOf(fields, isClip),
  };
  fields.refuseRest((name) => IDLE.has(name) || (name === 'size' && family === 'siglip2'));
  return processing;
}

/** Whether the processor is CLIP's, which knows a shortest edge and a crop. */
function processorIsClip(fields: Fields, family: TowersFamily): boolean {
  const types = ['image_processor_type', 'feature_extractor_type'].flatMap((name) => {
    const type = fields.value(name);
    if (type === undefined) return [];
    if (typeof type === 'string' && TYPES[family].test(type)) return [type];
    throw fields.error(name, `one of a ${family} model`);
  });
  return types.length === 0 ? family === 'clip' : types.every((type) => type.startsWith('CLIP'));
}

function patchesOf(fields: Fields): Resize {
  return { kind: 'patches', patch: fields.size('patch_size', 16), most: fields.size('max_num_patches', 256) };
}

function sizeOf(fields: Fields, isClip: boolean): Resize {
  const value = fields.value('size');
  if (typeof value === 'number') {
    const length = fields.size('size');
    return isClip ? { kind: 'shortestEdge', length } : { kind: 'squash', height: length, width: length };
  }
  if (value === undefined) {
    return isClip ? { kind: 'shortestEdge', length: 224 } : { kind: 'squash', height: 224, width: 224 };
  }
  const { shortest_edge: shortest, height, width, ...rest } = objectOf(fields, 'size');
  const isEmpty = Object.values(rest).every((one) => one === null);
  if (isEmpty && isLength(shortest) && height == null && width == null) {
    return { kind: 'shortestEdge', length: shortest };
  }
  if (isEmpty && isLength(height) && isLength(width) && shortest == null) return { kind: 'squash', height, width };
  throw fields.error('size', 'a number, { shortest_edge }, or { height, width }, in pixels');
}

function cropOf(fields: Fields): ImageProcessing['crop'] {
  const value = fields.value('crop_size');
  const rounding = 'down';
  if (value === undefined) return { height: 224, width: 224, rounding };
  if (typeof value === 'number') {
    return { height: fields.size('crop_size'), width: fields.size('crop_size'), rounding };
  }
  const { height, width, ...rest } = objectOf(fields, 'crop_size');
  const isEmpty = Object.values(rest).every((one) => one === null);
  if (isEmpty && isLength(height) && isLength(width)) return { height, width, rounding };
  throw fields.error('crop_size', 'a number, or { height, width }, in pixels');
}

function objectOf(fields: Fields, name: string): JsonObject {
  const value = fields.value(name) as Json; // fields hold what JSON held
  if (isJsonObject(value)) return value;
  throw fields.error(name, 'a number or an object');
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < 1 << 16;
}

function resamplingOf(fields: Fields, byDefault: number): Resampling {
  const number = fields.value('resample') ?? byDefault;
  const resampling = typeof number === 'number' ? RESAMPLING.get(number) : undefined;
  if (resampling !== undefined) return resampling;
  throw fields.error('resample', `one of ${Array.from(RESAMPLING, ([id, name]) => `${id} (${name})`).join(', ')}`);
}

function normalizeOf(fields: Fields, isClip: boolean): ImageProcessing['normalize'] {
  const [mean, std] = [
    perChannel(fields, 'image_mean', isClip ? CLIP_MEAN : HALVES),
    perChannel(fields, 'image_std', isClip ? CLIP_STD : HALVES),
  ];
  return fields.flag('do_normalize', true) ? { mean, std } : null;
}

function perChannel(fields: Fields, name: string, byDefault: readonly number[]): readonly number[] {
  const value = fields.value(name) ?? byDefault;
  const list = typeof value === 'number' ? [value, value, value] : value;
  const isGiven = Array.isArray(list) && list.length === 3 && list.every((one) => Number.isFinite(one));
  if (isGiven && (name !== 'image_std' || list.every((one) => one > 0))) return list.map(Number);
  throw fields.error(name, 'three numbers, one a channel');
}

/** An image as a tower reads it. */
export function processedImage(processing: ImageProcessing, image: RgbImage): Pixels {
  const [height, width] = resizedTo(processing.resize, image);
  const { crop, resampling } = processing;
  if (crop === null) return asFloats(processing, resampled(image, height, width, resampling));
  // Of a long image almost all is cut away: only what stays is made.
  const [rows, columns] = [kept(height, crop.height, crop.rounding), kept(width, crop.width, crop.rounding)];
  const part = resampled(image, height, width, resampling, { rows, columns });
  return asFloats(processing, framed(part, crop, rows.to, columns.to));
}

function resizedTo(resize: Resize | null, { height, width }: RgbImage): readonly [height: number, width: number] {
  if (resize === null) return [height, width];
  if (resize.kind === 'squash') return [resize.height, resize.width];
  if (resize.kind === 'patches') return patchGridSize(height, width, resize.patch, resize.most);
  const [short, long] = width <= height ? [width, height] : [height, width];
  const longer = Math.trunc((resize.length * long) / short);
  return width <= height ? [longer, resize.length] : [resize.length, longer];
}

/** Where the search for the scale stops. */
const SCALE_EPSILON = 1e-5;

/**
 * The largest size of an image's proportions that needs no more than so many patches; sides are rounded up to whole patches.
 * @see `get_image_size_for_max_num_patches` of transformers, whose search it repeats step by step.
 */
function patchGridSize(height: number, width: number, patch: number, most: number): readonly [number, number] {
  const side = (scale: number, length: number): number => Math.max(patch, Math.ceil((length * scale) / patch) * patch);
  let [low, high] = [SCALE_EPSILON / 10, 100];
  while (high - low >= SCALE_EPSILON) {
    const scale = (low + high) / 2;
    if ((side(scale, height) / patch) * (side(scale, width) / patch) <= most) low = scale;
    else high = scale;
  }
  return [side(low, height), side(low, width)];
}

/** What a crop keeps of a side, and where in the crop that begins. */
function kept(length: number, crop: number, rounding: Crop['rounding']): Span & { readonly to: number } {
  const offset = offsetOf(length, crop, rounding);
  const from = Math.max(0, offset);
  return { from, count: Math.min(length, offset + crop) - from, to: Math.max(0, -offset) };
}

/** An image on a black canvas of the crop's size. */
function framed(image: RgbImage, { height, width }: Crop, top: number, left: number): RgbImage {
  if (height === image.height && width === image.width) return image;
  const values = new Uint8Array(height * width * 3);
  const row = image.width * 3;
  for (let y = 0; y < image.height; y++) {
    values.set(image.values.subarray(y * row, (y + 1) * row), ((y + top) * width + left) * 3);
  }
  return { values, height, width };
}

/** Where the crop begins in the image: before it, by the larger half, where the image is smaller (as transformers rounds). */
function offsetOf(length: number, crop: number, rounding: Crop['rounding']): number {
  const margin = (length - crop) / 2;
  const isHalf = !Number.isInteger(margin);
  const down = Math.floor(margin);
  return rounding === 'halfToEven' && isHalf && down % 2 !== 0 ? down + 1 : down;
}

function asFloats({ rescaleFactor, normalize }: ImageProcessing, { values, height, width }: RgbImage): Pixels {
  const out = new Float32Array(values.length);
  const area = height * width;
  for (let c = 0; c < 3; c++) {
    const [mean, std] = [Math.fround(normalize?.mean[c] ?? 0), Math.fround(normalize?.std[c] ?? 1)];
    // Each step is rounded to float32, as NumPy does it.
    const table = Float32Array.from({ length: 256 }, (_, value) => {
      const rescaled = Math.fround(rescaleFactor === null ? value : value * rescaleFactor);
      return normalize === null ? rescaled : Math.fround(rescaled - mean) / std;
    });
    for (let i = 0; i < area; i++) out[c * area + i] = table[values[i * 3 + c] ?? 0] ?? 0;
  }
  return { values: out, channels: 3, height, width };
}

/** @throws AssayError where images of this processing do not have the size the tower reads. */
export function checkImageSize(processing: ImageProcessing, imageSize: number, where: string): void {
  const { resize, crop } = processing;
  const made = crop ?? (resize?.kind === 'squash' ? resize : undefined);
  if (made?.height === imageSize && made.width === imageSize) return;
  const found = made === undefined ? 'images of their own sizes' : `${made.height} x ${made.width}`;
  throw new AssayError('file', `${where}: expected images of ${imageSize} x ${imageSize} pixels, found ${found}.`);
}
