/** A few scenes with both captions and their cosines, for people to read: in the form of replies, which reports show arm beside arm. */
import {
  captionOf,
  captionText,
  type DenseMatrix,
  drawWording,
  pairedCosines,
  rngOf,
  type SceneWorld,
} from 'assay/learn';

import type { Asked, Embedded } from './measures.ts';

/** Of each part. */
const SHOWN = 2;

/** Lines of a file of replies: the question is the scene, the reply the caption that lies nearer. */
export function pairLines(world: SceneWorld, part: string, asked: Asked, { images, texts }: Embedded): string {
  const named: SceneWorld = { ...world, captions: { ...world.captions, grammar: 'leftOf' } };
  const lines = Array.from({ length: SHOWN }, (_, layout) => {
    const scene = asked.scenes[4 * layout];
    const captions = asked.captions.slice(2 * layout, 2 * layout + 2).map(captionText);
    if (scene === undefined) return '';
    const [right = Number.NaN, swapped = Number.NaN] = [0, 1].map(
      (which) => pairedCosines(rowOf(images, 4 * layout), rowOf(texts, 2 * layout + which))[0] ?? Number.NaN,
    );
    const prompt = `An image: ${captionText(captionOf(named, scene, drawWording(named, rngOf(0))))}`;
    return JSON.stringify({
      eval: part,
      // The scene itself is what makes arms' lines one question: other worlds have other scenes.
      line: prompt,
      sample: 0,
      prompt: `${prompt}\nright: ${captions[0]}\nswapped: ${captions[1]}`,
      reply: captions[right >= swapped ? 0 : 1] ?? '',
      scores: { 'right caption': Number(right.toFixed(3)), 'swapped caption': Number(swapped.toFixed(3)) },
    });
  });
  return lines
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');
}

function rowOf({ columns, values }: DenseMatrix, row: number): DenseMatrix {
  return { rows: 1, columns, values: values.slice(row * columns, (row + 1) * columns) };
}
