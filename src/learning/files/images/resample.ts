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

/** @param image As `decodeImage` gives it; returned as it is where it has the size. */
export function resampled(image: RgbImage, height: number, width: number, resampling: Resampling): RgbImage {
  const filter = FILTERS[resampling];
  const wide = width === image.width ? image : byRow(image, width, weightsOf(image.width, width, filter));
  return height === wide.height ? wide : byColumn(wide, height, weightsOf(wide.height, height, filter));
}

function weightsOf(inSize: number, outSize: number, { support: reach, weight }: Filter): Weights {
  const scale = inSize / outSize;
  const widened = Math.max(scale, 1);
  const support = reach * widened;
  const stride = Math.ceil(support) * 2 + 1;
  const [starts, counts] = [new Int32Array(outSize), new Int32Array(outSize)];
  const values = new Int32Array(outSize * stride);
  for (let out = 0; out < outSize; out++) {
    const centre = (out + 0.5) * scale;
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

function byRow({ values, height, width }: RgbImage, outWidth: number, weights: Weights): RgbImage {
  const out = new Uint8Array(height * outWidth * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++, to += 3) {
      weigh(values, (y * width + (weights.starts[x] ?? 0)) * 3, 3, weights, x, out, to);
    }
  }
  return { values: out, height, width: outWidth };
}

function byColumn({ values, width }: RgbImage, outHeight: number, weights: Weights): RgbImage {
  const out = new Uint8Array(outHeight * width * 3);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      weigh(values, ((weights.starts[y] ?? 0) * width + x) * 3, width * 3, weights, y, out, to);
    }
  }
  return { values: out, height: outHeight, width };
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
