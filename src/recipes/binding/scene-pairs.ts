/** A few scenes with their swaps, and how near each picture lies to each caption, kept for people to look at in the report. */
import { pairedCosines } from '#measures/probes/cross-modal.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import { captionText } from '#worlds/scenes/captions.ts';
import { encodePng } from '#worlds/scenes/png.ts';
import type { SceneWorld } from '#worlds/scenes/scene-world.ts';

import type { SceneSet } from './scene-set.ts';

/** The name under which a run keeps its lines: the report shows them as pictures. */
export const SCENE_PAIRS = 'scene-pairs.jsonl';

/** How many scenes are kept. */
const PAIRS = 4;

/** A scene and its swap: the pixels of both, and the caption of each. */
export interface KeptPair {
  /** Shape [height, width, 3] each. */
  readonly pictures: readonly [Uint8Array, Uint8Array];
  readonly captions: readonly [readonly string[], readonly string[]];
}

/** One line of JSON: `pictures` as PNG in base64, `captions`, and `cosines` of picture i (row) with caption j. */
export function scenePairLine(
  { width, height }: Pick<SceneWorld, 'width' | 'height'>,
  { pictures, captions }: KeptPair,
  cosine: (picture: 0 | 1, caption: 0 | 1) => number,
): string {
  const line = {
    pictures: pictures.map((pixels) => Buffer.from(encodePng(pixels, width, height)).toString('base64')),
    captions: captions.map(captionText),
    cosines: [
      [cosine(0, 0), cosine(0, 1)],
      [cosine(1, 0), cosine(1, 1)],
    ],
  };
  return `${JSON.stringify(line)}\n`;
}

/** Lines of some scenes of every anchor, and of held-out pairs. */
export function keptPairs(
  world: Pick<SceneWorld, 'width' | 'height'>,
  set: SceneSet,
  { images, texts }: { readonly images: DenseMatrix; readonly texts: DenseMatrix },
): string {
  const all = [...set.asked, ...set.held];
  const step = Math.max(1, Math.floor(all.length / PAIRS));
  const chosen = Array.from({ length: PAIRS }, (_, i) => all[i * step]).flatMap((one) => one ?? []);
  const picture = (row: number): Uint8Array => set.shown[row]?.picture.values ?? new Uint8Array();
  const caption = (row: number): readonly string[] => set.captions[row] ?? [];
  return chosen
    .map(({ scene, swap, right, swapped }) => {
      const pair: KeptPair = {
        pictures: [picture(scene), picture(swap)],
        captions: [caption(right), caption(swapped)],
      };
      const [shown, told] = [[scene, swap] as const, [right, swapped] as const];
      return scenePairLine(world, pair, (i, j) => rowCosine(images, shown[i], texts, told[j]));
    })
    .join('');
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
