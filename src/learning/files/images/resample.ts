/**
 * Resizing of 8-bit images as Pillow does it, to the bit: each output pixel is a weighted mean of input pixels, the filter
 * widened by the ratio when an image shrinks; weights in fixed point of 22 bits; rows first, rounded and clipped to 8 bits,
 * then columns. That is Pillow to version 12, on which checkpoints were trained and measured; version 13 takes columns first
 * where the height shrinks and 2 (W - w) < H - h, which differs by a grey level in an eighth of the values, by more in a few (ADR 0142).
 * @see `src/libImaging/Resample.c` of Pillow (`precompute_coeffs`, `ImagingResampleHorizontal_8bpc`).
 */
import type { RgbImage } from './decode-image.ts';

/** Filters by Pillow's names; a config names them by number (`RESAMPLING`). */
export type Resampling = 'lanczos' | 'bilinear' | 'bicubic' | 'box' | 'hamming';

/** Pillow's numbers; 0, the nearest pixel, is another way and not here. */
export const RESAMPLING: ReadonlyMap<number, Resampling> = new Map([
  [1, 'lanczos'],
  [2, 'bilinear'],
  [3, 'bicubic'],
  [4, 'box'],
  [5, 'hamming'],
]);

interface Filter {
  readonly support: number;
  weight(x: number): number;
}

/** Keys's cubic with a = -1/2. */
const CUBIC = -0.5;

const FILTERS: Readonly<Record<Resampling, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight(x) {
      const t = Math.abs(x);
      if (t === 0) return 1;
      if (t >= 1) return 0;
      const angle = t * Math.PI;
      return (Math.sin(angle) / angle) * (0.54 + 0.46 * Math.cos(angle));
    },
  },
  bicubic: {
    support: 2,
    weight(x) {
      const t = Math.abs(x);
      if (t < 1) return ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1;
      if (t < 2) return (((t - 5) * t + 8) * t - 4) * CUBIC;
      return 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return Math.sin(angle) / angle;
}

/** Bits after the point of a weight: 8 for the pixel, 2 for overshoot and sums. */
const PRECISION = 32 - 8 - 2;

/** Which inputs make an output, and by how much. */
interface Weights {
  /** The first input of each output. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Fixed point, `stride` an output. */
  readonly values: Int32Array;
  readonly stride: number;
}

/** Outputs along one side: the first of them, and how many. */
export interface Span {
  readonly from: number;
  readonly count: number;
}

/** A part of an image: its rows and its columns. */
export interface Box {
  readonly rows: Span;
  readonly columns: Span;
}

/**
 * An image at another size, or a part of it: the same bytes as cut out of the whole, which is never made.
 * @param image As `decodeImage` gives it; returned as it is where that is what is asked for.
 * @param box In pixels of the new size.
 */
export function resampled(
  image: RgbImage,
  height: number,
  width: number,
  resampling: Resampling,
  box: Box = { rows: { from: 0, count: height }, columns: { from: 0, count: width } },
): RgbImage {
  const filter = FILTERS[resampling];
  const { rows, columns } = box;
  const down = height === image.height ? undefined : weightsOf(image.height, height, rows, filter);
  // The rows of the image that are needed at all.
  const needed = down === undefined ? rows : inputsOf(down);
  const wide =
    width === image.width
      ? partOf(image, { rows: needed, columns })
      : byRow(image, needed, weightsOf(image.width, width, columns, filter));
  return down === undefined ? wide : byColumn(wide, needed.from, down);
}

/** Pixels as they are. */
function partOf(image: RgbImage, { rows, columns }: Box): RgbImage {
  const { values, height, width } = image;
  if (rows.count === height && columns.count === width) return image;
  const out = new Uint8Array(rows.count * columns.count * 3);
  for (let y = 0; y < rows.count; y++) {
    const from = ((y + rows.from) * width + columns.from) * 3;
    out.set(values.subarray(from, from + columns.count * 3), y * columns.count * 3);
  }
  return { values: out, height: rows.count, width: columns.count };
}

/** From the first input to the last one; both ends never go back. */
function inputsOf({ starts, counts }: Weights): Span {
  const from = starts[0] ?? 0;
  return { from, count: (starts.at(-1) ?? 0) + (counts.at(-1) ?? 0) - from };
}

/** Of the outputs of a span. */
function weightsOf(inSize: number, outSize: number, outputs: Span, { support: reach, weight }: Filter): Weights {
  const scale = inSize / outSize;
  const widened = Math.max(scale, 1);
  const support = reach * widened;
  const stride = Math.ceil(support) * 2 + 1;
  const [starts, counts] = [new Int32Array(outputs.count), new Int32Array(outputs.count)];
  const values = new Int32Array(outputs.count * stride);
  for (let out = 0; out < outputs.count; out++) {
    const centre = (out + outputs.from + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(inSize, Math.trunc(centre + support + 0.5)) - start;
    const raw = Array.from({ length: count }, (_, i) => weight((i + start - centre + 0.5) * (1 / widened)));
    const total = raw.reduce((sum, value) => sum + value, 0);
    raw.forEach((value, i) => {
      const fixed = (total === 0 ? value : value / total) * (1 << PRECISION);
      values[out * stride + i] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    starts[out] = start;
    counts[out] = count;
  }
  return { starts, counts, values, stride };
}

function byRow({ values, width }: RgbImage, rows: Span, weights: Weights): RgbImage {
  const outWidth = weights.starts.length;
  const out = new Uint8Array(rows.count * outWidth * 3);
  let to = 0;
  for (let y = 0; y < rows.count; y++) {
    for (let x = 0; x < outWidth; x++, to += 3) {
      weigh(values, ((y + rows.from) * width + (weights.starts[x] ?? 0)) * 3, 3, weights, x, out, to);
    }
  }
  return { values: out, height: rows.count, width: outWidth };
}

/** @param first The row of the whole image that is the first one here. */
function byColumn({ values, width }: RgbImage, first: number, weights: Weights): RgbImage {
  const height = weights.starts.length;
  const out = new Uint8Array(height * width * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      weigh(values, (((weights.starts[y] ?? 0) - first) * width + x) * 3, width * 3, weights, y, out, to);
    }
  }
  return { values: out, height, width };
}

/** Writes one pixel: half, so that the shift rounds, plus the weighted inputs, in 32-bit integers. */
function weigh(
  values: Uint8Array,
  from: number,
  step: number,
  weights: Weights,
  place: number,
  out: Uint8Array,
  to: number,
): void {
  let red = 1 << (PRECISION - 1);
  let green = red;
  let blue = red;
  const first = place * weights.stride;
  const last = first + (weights.counts[place] ?? 0);
  for (let k = first, at = from; k < last; k++, at += step) {
    const weight = weights.values[k] ?? 0;
    red += (values[at] ?? 0) * weight;
    green += (values[at + 1] ?? 0) * weight;
    blue += (values[at + 2] ?? 0) * weight;
  }
  out[to] = clipped(red);
  out[to + 1] = clipped(green);
  out[to + 2] = clipped(blue);
}

function clipped(fixed: number): number {
  const value = fixed >> PRECISION;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
