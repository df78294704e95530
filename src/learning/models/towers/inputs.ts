/** From pixels and tokens to what the towers are fed: plain arrays, cut, padded and found before the graph runs. */
import { AssayError } from '#base/errors.ts';
import type { PatchConfig } from '#learning/models/towers/config.ts';

/** Pixels of one image, channels first: shape [C, H, W], float32. */
export interface Pixels {
  readonly values: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Cuts an image into patches, row by row of the grid.
 * @param target Where to write, from `offset`; as many values as the image has.
 * @throws AssayError on another number of channels, or sides that are no whole patches.
 */
export function cutPatches(
  { channels: expected, size, order }: Pick<PatchConfig, 'channels' | 'size' | 'order'>,
  { values, channels, height, width }: Pixels,
  target: Float32Array = new Float32Array(values.length),
  offset = 0,
): Float32Array {
  if (
    channels !== expected ||
    height % size !== 0 ||
    width % size !== 0 ||
    values.length !== channels * height * width
  ) {
    const wanted = `${expected} channels and whole patches of ${size} x ${size} pixels`;
    throw new AssayError('data', `Image: expected ${wanted}, found ${channels} x ${height} x ${width} pixels.`);
  }
  const [byChannel, byPixel] = order === 'chw' ? [size * size, 1] : [1, channels];
  const columns = width / size;
  const dPatch = channels * size * size;
  let from = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = offset + Math.floor(y / size) * columns * dPatch + c * byChannel + (y % size) * size * byPixel;
      for (let x = 0; x < width; x++) {
        target[row + Math.floor(x / size) * dPatch + (x % size) * byPixel] = values[from++] ?? 0;
      }
    }
  }
  return target;
}

/** Where a text is pooled: at its largest id (files of CLIP's first years, whose end is the last id), or at the first of an id. */
export type PooledPlace = { readonly kind: 'largest' } | { readonly kind: 'first'; readonly id: number };

/**
 * The flat index (row T + place) of each row's pooled token, for `TextInputs.pooledAt`; of equal ids the first place, and the
 * first of the row where the id is not there (as transformers).
 * @param tokens Shape [B T], row-major. @param length T.
 */
export function pooledPlaces(tokens: Int32Array, length: number, place: PooledPlace): Int32Array {
  return Int32Array.from({ length: tokens.length / length }, (_, row) => {
    const ids = tokens.subarray(row * length, (row + 1) * length);
    const at = place.kind === 'first' ? ids.indexOf(place.id) : ids.indexOf(ids.reduce((a, b) => Math.max(a, b)));
    return row * length + Math.max(at, 0);
  });
}

/** The first `side` rows and columns of an image: what a convolution without padding reads where sides are no whole patches. */
export function croppedPixels({ values, channels, height, width }: Pixels, side: number): Pixels {
  if (height === side && width === side) return { values, channels, height, width };
  const kept = new Float32Array(channels * side * side);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < side; y++) {
      const from = (c * height + y) * width;
      kept.set(values.subarray(from, from + side), (c * side + y) * side);
    }
  }
  return { values: kept, channels, height: side, width: side };
}
