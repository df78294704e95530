/**
 * Whether the right caption lies nearer to an image than a wrong one, by the cosine of their embeddings. Ties count half, so where
 * nothing tells the captions apart the accuracy is 1/2 to the bit.
 */
import { AssayError } from '#base/errors.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

/**
 * Cosines nearer to each other than this are a tie: embeddings in float32 leave some 1e-7 times the square root of their width where
 * they should be equal, and sums in another order as much.
 */
export const COSINE_TIE = 1e-6;

/** Cosines of rows of two matrices, pair by pair; a row of zeros has cosine 0 with everything. @throws AssayError (data) on other shapes. */
export function pairedCosines(a: DenseMatrix, b: DenseMatrix): Float64Array {
  if (a.rows !== b.rows || a.columns !== b.columns) {
    const found = `${a.rows} x ${a.columns} and ${b.rows} x ${b.columns}`;
    throw new AssayError('data', `Cosines: expected rows in pairs, of one width, found ${found}.`);
  }
  const width = a.columns;
  return Float64Array.from({ length: a.rows }, (_, row) => {
    let [dot, aa, bb] = [0, 0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      const [x, y] = [a.values[i] ?? 0, b.values[i] ?? 0];
      dot += x * y;
      aa += x * x;
      bb += y * y;
    }
    return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
  });
}

/** 1 where the right one is nearer, 0 where the wrong one is, 1/2 for a tie. */
export function preference(right: number, wrong: number, tie = COSINE_TIE): number {
  return Math.abs(right - wrong) <= tie ? 0.5 : Number(right > wrong);
}

/** The mean preference over pairs of cosines. @throws AssayError (data) where there is none, or numbers differ. */
export function preferenceAccuracy(right: ArrayLike<number>, wrong: ArrayLike<number>, tie = COSINE_TIE): number {
  if (right.length === 0 || right.length !== wrong.length) {
    const found = `${right.length} and ${wrong.length}`;
    throw new AssayError(
      'data',
      `Preferences: expected as many cosines with wrong captions as with right ones, found ${found}.`,
    );
  }
  const all = Array.from(right, (value, i) => preference(value, wrong[i] ?? Number.NaN, tie));
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}

/** Cosines of two images with two captions, of which image i and caption i belong together. */
export interface Quad {
  readonly own: readonly [number, number];
  /** Image 0 with caption 1, and image 1 with caption 0. */
  readonly crossed: readonly [number, number];
}

/**
 * Shares of quads as Winoground counts them: the right caption for both images, the right image for both captions, and all of it; a
 * tie is not right. Chance is 1/4, 1/4 and 1/6 where no two cosines are equal. @see Thrush et al. 2022, arXiv:2204.03162
 */
export function winogroundScores(quads: readonly Quad[]): {
  readonly text: number;
  readonly image: number;
  readonly group: number;
} {
  const beats = (right: number, wrong: number): boolean => preference(right, wrong) === 1;
  const read = quads.map(({ own: [a, b], crossed: [ab, ba] }) => ({
    text: beats(a, ab) && beats(b, ba),
    image: beats(a, ba) && beats(b, ab),
  }));
  const share = (of: (one: { readonly text: boolean; readonly image: boolean }) => boolean): number =>
    read.filter(of).length / read.length;
  return {
    text: share(({ text }) => text),
    image: share(({ image }) => image),
    group: share((one) => one.text && one.image),
  };
}
