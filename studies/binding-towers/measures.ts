/**
 * What a pair of towers binds, by the cosine of its embeddings and by linear probes of each tower alone. Every accuracy is against 1/2:
 * of a caption and the same caption with its colours exchanged (the same words), or of an image and the swap seen in a mirror (the same
 * colours at the same places). What differs by rounding is a tie.
 */
import {
  agreementScores,
  bindingScenes,
  captionOf,
  type DenseMatrix,
  drawWording,
  exchanged,
  fitTextMap,
  linearProbe,
  pairedCosines,
  preferenceAccuracy,
  probeAccuracy,
  type Rng,
  type Scene,
  sceneDrawer,
  type ScenePart,
  type SceneWorld,
} from 'assay/learn';

/** Scenes and captions to be embedded. */
export interface Asked {
  readonly scenes: readonly Scene[];
  readonly captions: readonly (readonly string[])[];
}

/**
 * Scenes of a part of a world to ask about swaps. Layout by layout four scenes: one, its swap, and each of these with its shapes
 * exchanged, which is the other one seen in a mirror; and two captions, of the first two scenes, worded alike.
 */
export function swapTest(world: SceneWorld, part: ScenePart, layouts: number, rng: Rng): Asked {
  const draw = sceneDrawer(world, part);
  const rows = Array.from({ length: layouts }, () => {
    const scene = draw(rng);
    const [swapped, wording] = [exchanged(scene), drawWording(world, rng)];
    return {
      scenes: [scene, swapped, exchanged(scene, 'shape'), exchanged(swapped, 'shape')],
      captions: [captionOf(world, scene, wording), captionOf(world, swapped, wording)],
    };
  });
  return { scenes: rows.flatMap(({ scenes }) => scenes), captions: rows.flatMap(({ captions }) => captions) };
}

export interface Bound {
  /** How often an image is nearer to its caption than to the swapped one. */
  readonly swap: number;
  /** How often a caption is nearer to its image than to the swap seen in a mirror: 1/2 where colour at a place is all that is known. */
  readonly mirror: number;
  /** The mean cosine of a caption and the swapped one. */
  readonly captions: number;
}

/** Embeddings of scenes and captions, in the order of `swapTest`. */
export interface Embedded {
  readonly images: DenseMatrix;
  readonly texts: DenseMatrix;
}

export function boundOf(embedded: Embedded): Bound {
  const { own, foils, right, wrong } = partsOf(embedded);
  const near = pairedCosines(own, right);
  const cosines = pairedCosines(right, wrong);
  return {
    swap: preferenceAccuracy(near, pairedCosines(own, wrong)),
    mirror: preferenceAccuracy(near, pairedCosines(foils, right)),
    captions: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
  };
}

/** Swap accuracy of `asked` under the linear map on texts that serves `learned` best: what a map repairs that saw other pairs. */
export function mappedSwap(learned: Embedded, asked: Embedded): number {
  const { own, right, wrong } = partsOf(learned);
  const map = fitTextMap({ images: own, captions: right, foils: wrong }, MAP);
  return boundOf({ images: asked.images, texts: map(asked.texts) }).swap;
}

/** Softmax scale of the towers' own loss; a weak penalty. */
const MAP = { temperature: 0.1, penalty: 0.01 };

/** Row by row: an image, its caption, the swapped one, and the image seen in a mirror and swapped. */
function partsOf({ images, texts }: Embedded) {
  const layouts = [...Array.from({ length: texts.rows / 2 }).keys()];
  const every = (step: number, ...offsets: readonly number[]): number[] =>
    layouts.flatMap((layout) => offsets.map((offset) => step * layout + offset));
  return {
    own: rowsOf(images, every(4, 0, 1)),
    foils: rowsOf(images, every(4, 2, 3)),
    right: rowsOf(texts, every(2, 0, 1)),
    wrong: rowsOf(texts, every(2, 1, 0)),
  };
}

function rowsOf({ columns, values }: DenseMatrix, rows: readonly number[]): DenseMatrix {
  const picked = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => picked.set(values.subarray(row * columns, (row + 1) * columns), i * columns));
  return { rows: rows.length, columns, values: picked };
}

/** What a linear probe is asked: scenes of two colours and two shapes in many layouts, with a caption each. */
export interface ProbeTest extends Asked {
  readonly layouts: readonly number[];
  readonly isBound: readonly boolean[];
  readonly isColourLeft: readonly boolean[];
  readonly isShapeLeft: readonly boolean[];
}

export function probeTest(world: SceneWorld, part: ScenePart, layouts: number, rng: Rng): ProbeTest {
  const drawn = bindingScenes(world, layouts, rng, part);
  const words = rng.split('words');
  return { ...drawn, captions: drawn.scenes.map((scene) => captionOf(world, scene, drawWording(world, words))) };
}

export interface Probed {
  /** How often a linear probe of images it has not seen says which colour is on which shape. */
  readonly image: number;
  /** The same by two probes, of the colour and of the shape to the left: what a reader bound to places knows. */
  readonly place: number;
  /** The same of captions. */
  readonly text: number;
}

const [FOLDS, PENALTY] = [3, 0.1];

export function probedOf({ images, texts }: Embedded, asked: ProbeTest): Probed {
  const { layouts: groups, isBound, isColourLeft, isShapeLeft } = asked;
  const [image, text] = [images, texts].map((features) =>
    linearProbe({ features, groups, folds: FOLDS, penalty: PENALTY }),
  );
  if (image === undefined || text === undefined) throw new Error('expected two probes');
  const places = agreementScores(image.scores(isColourLeft), image.scores(isShapeLeft));
  return {
    image: probeAccuracy(image.scores(isBound), isBound),
    place: probeAccuracy(places, isBound),
    text: probeAccuracy(text.scores(isBound), isBound),
  };
}
