/** From vectors of pictures and captions to what is known of binding at one depth: cosines, probes, the map on texts. */
import type { Rng } from '#base/rng.ts';
import { COSINE_TIE, pairedCosines, preferenceAccuracy } from '#measures/probes/cross-modal.ts';
import { agreementScores, type LinearProbe, linearProbe, probeAccuracy } from '#measures/probes/linear-probe.ts';
import { type CaptionedRows, fitTextMap } from '#measures/probes/text-map.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import type { Readout } from './lens.ts';
import type { AnchorSet, Asked, SceneSet } from './scene-set.ts';

/** What is measured at every depth, each a share of right answers with ties as halves; and of the set itself, `brightness`. */
export const BINDING_OUTCOMES = [
  /** The right caption against the one with colours exchanged, for a picture. */
  'cosine',
  /** The same, everything but the bag of patches and tokens taken away. */
  'cosineOfMeans',
  /** The right picture against the one with colours exchanged, for a caption. */
  'pictureCosine',
  'pictureCosineOfMeans',
  /** The right caption against the one with shapes exchanged: where captions name places, the swap in a mirror. */
  'mirrorCosine',
  /** Linear probes: is the first colour on the first shape? In pairings not seen, wherever they are. */
  'imageProbe',
  'textProbe',
  /** The same before the projection. */
  'imageProbePooled',
  'textProbePooled',
  /** What two probes bound to a place say together: which colour, and which shape, is to the left or named first. */
  'imagePlaces',
  'textPlaces',
  /** Whether the first colour is to the left, or named first: what any probe should see. */
  'imageCeiling',
  'textCeiling',
  /** The probe on labels drawn anew for each pairing. */
  'imageChance',
  'textChance',
  /** Cosines on held-out pairs, before and after a linear map on texts that was fitted on the others. */
  'heldCosine',
  'mappedCosine',
  /** Of all pictures, in [0, 1]: the same at every depth, and another in every block. */
  'brightness',
] as const;

export type BindingOutcome = (typeof BINDING_OUTCOMES)[number];
export type BindingOutcomes = Readonly<Record<BindingOutcome, number>>;

/** How probes and the map weigh fit against size. */
export interface MeasureSetup {
  readonly probe: { readonly folds: number; readonly penalty: number };
  readonly map: { readonly temperature: number; readonly penalty: number };
}

/** Vectors at one depth, by readout. */
export type DepthVectors = (readout: Readout) => { readonly images: DenseMatrix; readonly texts: DenseMatrix };

/** Everything at one depth. @param rng Draws the labels of chance, the same at every depth. */
export function bindingOutcomes(set: SceneSet, vectors: DepthVectors, setup: MeasureSetup, rng: Rng): BindingOutcomes {
  const [own, means] = [vectors('own'), vectors('mean')];
  const pooled = vectors('pooled');
  const probed = set.anchors.map((anchor, i) => {
    const labels = rng.split(`chance ${i}`);
    return {
      ...named('image', probesOf(imageRows(own.images, anchor), setup, labels)),
      ...named('text', probesOf(textRows(own.texts, anchor), setup, labels)),
      imageProbePooled: boundAccuracy(imageRows(pooled.images, anchor), setup),
      textProbePooled: boundAccuracy(textRows(pooled.texts, anchor), setup),
    };
  });
  const mean = (of: (one: (typeof probed)[number]) => number): number =>
    probed.reduce((sum, one) => sum + of(one), 0) / probed.length;
  return {
    cosine: captionAccuracy(own, set.asked, 'swapped'),
    cosineOfMeans: captionAccuracy(means, set.asked, 'swapped'),
    pictureCosine: pictureAccuracy(own, set.asked),
    pictureCosineOfMeans: pictureAccuracy(means, set.asked),
    mirrorCosine: captionAccuracy(own, set.asked, 'mirrored'),
    imageProbe: mean((one) => one.imageProbe),
    textProbe: mean((one) => one.textProbe),
    imageProbePooled: mean((one) => one.imageProbePooled),
    textProbePooled: mean((one) => one.textProbePooled),
    imagePlaces: mean((one) => one.imagePlaces),
    textPlaces: mean((one) => one.textPlaces),
    imageCeiling: mean((one) => one.imageCeiling),
    textCeiling: mean((one) => one.textCeiling),
    imageChance: mean((one) => one.imageChance),
    textChance: mean((one) => one.textChance),
    heldCosine: captionAccuracy(own, set.held, 'swapped'),
    mappedCosine: mappedAccuracy(own, set, setup),
    brightness: brightness(set),
  };
}

type Vectors = ReturnType<DepthVectors>;

function captionAccuracy({ images, texts }: Vectors, asked: readonly Asked[], foil: 'swapped' | 'mirrored'): number {
  const shown = rowsOf(
    images,
    asked.map(({ scene }) => scene),
  );
  const right = rowsOf(
    texts,
    asked.map((one) => one.right),
  );
  const wrong = rowsOf(
    texts,
    asked.map((one) => one[foil]),
  );
  return preferenceAccuracy(pairedCosines(shown, right), pairedCosines(shown, wrong), COSINE_TIE);
}

function pictureAccuracy({ images, texts }: Vectors, asked: readonly Asked[]): number {
  const told = rowsOf(
    texts,
    asked.map(({ right }) => right),
  );
  const right = rowsOf(
    images,
    asked.map(({ scene }) => scene),
  );
  const wrong = rowsOf(
    images,
    asked.map(({ swap }) => swap),
  );
  return preferenceAccuracy(pairedCosines(right, told), pairedCosines(wrong, told), COSINE_TIE);
}

function captioned({ images, texts }: Vectors, asked: readonly Asked[]): CaptionedRows {
  return {
    images: rowsOf(
      images,
      asked.map(({ scene }) => scene),
    ),
    captions: rowsOf(
      texts,
      asked.map(({ right }) => right),
    ),
    foils: rowsOf(
      texts,
      asked.map(({ swapped }) => swapped),
    ),
  };
}

function mappedAccuracy(vectors: Vectors, set: SceneSet, setup: MeasureSetup): number {
  const map = fitTextMap(captioned(vectors, set.fitted), setup.map);
  const { images, captions, foils } = captioned(vectors, set.held);
  return preferenceAccuracy(pairedCosines(images, map(captions)), pairedCosines(images, map(foils)), COSINE_TIE);
}

function brightness({ shown }: SceneSet): number {
  const means = shown.map(({ picture: { values } }) => values.reduce((sum, value) => sum + value, 0) / values.length);
  return means.reduce((sum, mean) => sum + mean, 0) / means.length / 255;
}

/** Rows of one probe. */
interface Probed {
  readonly features: DenseMatrix;
  readonly groups: readonly number[];
  readonly isBound: readonly boolean[];
  readonly isColour: readonly boolean[];
  readonly isShape: readonly boolean[];
}

function imageRows(images: DenseMatrix, { binding, from }: AnchorSet): Probed {
  return {
    features: rowsOf(
      images,
      binding.scenes.map((_, i) => from + i),
    ),
    groups: binding.layouts,
    isBound: binding.isBound,
    isColour: binding.isColourLeft,
    isShape: binding.isShapeLeft,
  };
}

function textRows(texts: DenseMatrix, { captions }: AnchorSet): Probed {
  return {
    features: rowsOf(
      texts,
      captions.map(({ caption }) => caption),
    ),
    groups: captions.map(({ pairing }) => pairing),
    isBound: captions.map((one) => one.isBound),
    isColour: captions.map((one) => one.isColourFirst),
    isShape: captions.map((one) => one.isShapeFirst),
  };
}

function probeOf({ features, groups }: Probed, { probe }: MeasureSetup): LinearProbe {
  return linearProbe({ features, groups, ...probe });
}

function boundAccuracy(rows: Probed, setup: MeasureSetup): number {
  return probeAccuracy(probeOf(rows, setup).scores(rows.isBound), rows.isBound);
}

interface ProbeAccuracies {
  readonly Probe: number;
  readonly Places: number;
  readonly Ceiling: number;
  readonly Chance: number;
}

function probesOf(rows: Probed, setup: MeasureSetup, rng: Rng): ProbeAccuracies {
  const probe = probeOf(rows, setup);
  const colour = probe.scores(rows.isColour);
  // Turned over for some pairings, and so as balanced inside each as the label itself.
  const turned = new Map([...new Set(rows.groups)].map((group) => [group, rng.uniform() < 0.5]));
  const chance = rows.isBound.map((label, i) => label !== turned.get(rows.groups[i] ?? -1));
  return {
    Probe: probeAccuracy(probe.scores(rows.isBound), rows.isBound),
    Places: probeAccuracy(agreementScores(colour, probe.scores(rows.isShape)), rows.isBound),
    Ceiling: probeAccuracy(colour, rows.isColour),
    Chance: probeAccuracy(probe.scores(chance), chance),
  };
}

type Named<T extends string> = { readonly [K in keyof ProbeAccuracies as `${T}${K}`]: number };

function named<T extends 'image' | 'text'>(kind: T, { Probe, Places, Ceiling, Chance }: ProbeAccuracies): Named<T>;
function named(kind: string, accuracies: ProbeAccuracies): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(accuracies).map(([name, value]) => [`${kind}${name}`, value]));
}

function rowsOf({ columns, values }: DenseMatrix, rows: readonly number[]): DenseMatrix {
  const copied = new Float64Array(rows.length * columns);
  for (const [i, row] of rows.entries()) copied.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  return { rows: rows.length, columns, values: copied };
}
