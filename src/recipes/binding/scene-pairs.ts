/** A few scenes with their swaps, and how near each picture lies to each caption, kept for people to look at in the report. */
import { pairedCosines } from '#measures/probes/cross-modal.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import { captionText } from '#worlds/scenes/captions.ts';
import { encodePng } from '#worlds/scenes/png.ts';
import type { SceneWorld } from '#worlds/scenes/scene-world.ts';

import type { Asked, SceneSet } from './scene-set.ts';

/** How many scenes are kept. */
const PAIRS = 4;

/** One line of JSON a pair: `pictures` as PNG in base64, `captions`, and `cosines` of picture i (row) with caption j. */
export function keptPairs(
  { width, height }: Pick<SceneWorld, 'width' | 'height'>,
  set: SceneSet,
  vectors: { readonly images: DenseMatrix; readonly texts: DenseMatrix },
): string {
  // Some of every anchor, and of held-out pairs.
  const all = [...set.asked, ...set.held];
  const step = Math.max(1, Math.floor(all.length / PAIRS));
  const chosen = Array.from({ length: PAIRS }, (_, i) => all[i * step]).flatMap((one) => one ?? []);
  return chosen.map((one) => `${JSON.stringify(pairOf(one))}\n`).join('');

  function pairOf({ scene, swap, right, swapped }: Asked): object {
    const png = (row: number): string => {
      const pixels = set.shown[row]?.picture.values ?? new Uint8Array();
      return Buffer.from(encodePng(pixels, width, height)).toString('base64');
    };
    const [shown, told] = [
      [scene, swap],
      [right, swapped],
    ] as const;
    return {
      pictures: shown.map(png),
      captions: told.map((row) => captionText(set.captions[row] ?? [])),
      cosines: shown.map((picture) =>
        told.map((caption) => rowCosine(vectors.images, picture, vectors.texts, caption)),
      ),
    };
  }
}

/** The cosine of a row of one matrix with a row of another. */
export function rowCosine(a: DenseMatrix, i: number, b: DenseMatrix, j: number): number {
  const row = ({ columns, values }: DenseMatrix, at: number): DenseMatrix => ({
    rows: 1,
    columns,
    values: values.subarray(at * columns, (at + 1) * columns),
  });
  return pairedCosines(row(a, i), row(b, j))[0] ?? 0;
}
