/** A few scenes with their swaps, both captions and their cosines, for people: reports show them arm beside arm, as pictures. */
import { rowCosine, scenePairLine, sceneRenderer, type SceneWorld } from 'assay/learn';

import type { Asked, Embedded } from './measures.ts';

/** Of each part. */
const SHOWN = 2;

/** Lines of the first scenes of a swap test, see `scenePairLine`. */
export function pairLines(world: SceneWorld, { scenes, captions }: Asked, { images, texts }: Embedded): string {
  const render = sceneRenderer(world);
  return Array.from({ length: SHOWN }, (_, layout) => {
    const [scene, swap] = [scenes[4 * layout], scenes[4 * layout + 1]];
    const [right, swapped] = [captions[2 * layout], captions[2 * layout + 1]];
    if (scene === undefined || swap === undefined || right === undefined || swapped === undefined) return '';
    return scenePairLine(
      world,
      { pictures: [render(scene), render(swap)], captions: [right, swapped] },
      (picture, caption) => rowCosine(images, 4 * layout + picture, texts, 2 * layout + caption),
    );
  }).join('');
}
