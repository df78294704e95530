/** Probes against scikit-learn, statsmodels and scipy, and on representations whose binding is known. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { type Rng, rngOf } from '#base/rng.ts';
import { type DenseMatrix, transposedProduct } from '#learning/spectra/matrix.ts';

import { COSINE_TIE, pairedCosines, preference, preferenceAccuracy, winogroundScores } from './cross-modal.ts';
import { agreementScores, linearProbe, probeAccuracy } from './linear-probe.ts';
import { fitLogistic } from './logistic.ts';
import { fitTextMap } from './text-map.ts';

type Rows = readonly (readonly number[])[];

interface Reference {
  readonly logistic: readonly {
    readonly x: Rows;
    readonly y: readonly number[];
    readonly penalty: number;
    readonly intercept: boolean;
    readonly weights: readonly number[];
    readonly bias: number;
  }[];
  readonly unpenalised: readonly {
    readonly x: Rows;
    readonly y: readonly number[];
    readonly weights: readonly number[];
    readonly bias: number;
  }[];
  readonly probes: readonly {
    readonly x: Rows;
    readonly y: readonly number[];
    readonly groups: readonly number[];
    readonly folds: number;
    readonly penalty: number;
    readonly scores: readonly number[];
    readonly accuracy: number;
  }[];
  readonly maps: readonly {
    readonly images: Rows;
    readonly captions: Rows;
    readonly foils: Rows;
    readonly temperature: number;
    readonly penalty: number;
    readonly mapped: Rows;
  }[];
}

const REFERENCE = JSON.parse(
  readFileSync(new URL('../../../test/reference/probes.json', import.meta.url), 'utf8'),
) as Reference;

/** Both find the optimum to about 1e-8 of a score; the numbers are kept to 12 digits. */
const SAME = 1e-6;
/** A penalty of 1e-5 pulls some 30 to 80 rows by less than this. */
const VANISHED = 1e-4;
/** The reference descends by gradients, and ends where they are 1e-12. */
const DESCENDED = 1e-4;

function matrixOf(rows: Rows): DenseMatrix {
  return { rows: rows.length, columns: rows[0]?.length ?? 0, values: Float64Array.from(rows.flat()) };
}

function kernelOf(rows: Rows): DenseMatrix {
  const { rows: n, columns: d, values } = matrixOf(rows);
  const turned = { rows: d, columns: n, values: values.map((_, i) => values[(i % n) * d + Math.floor(i / n)] ?? 0) };
  return transposedProduct(turned, turned);
}

function isNear(seen: ArrayLike<number>, known: readonly number[], tolerance: number): void {
  assert.equal(seen.length, known.length);
  for (const [i, value] of known.entries()) {
    assert.ok(
      Math.abs((seen[i] ?? Number.NaN) - value) <= tolerance * (1 + Math.abs(value)),
      `${i}: ${seen[i]}, known: ${value}`,
    );
  }
}

/** The weights that multipliers of rows stand for. */
function weightsOf(rows: Rows, multipliers: Float64Array): readonly number[] {
  return (rows[0] ?? []).map((_, d) => rows.reduce((sum, row, i) => sum + (multipliers[i] ?? 0) * (row[d] ?? 0), 0));
}

test('logistic regression is that of scikit-learn: narrow, wide, steep, shifted, and without an intercept', () => {
  assert.equal(REFERENCE.logistic.length, 5);
  for (const { x, y, penalty, intercept, weights, bias } of REFERENCE.logistic) {
    const labels = y.map((label) => label === 1);
    const fit = fitLogistic({ kernel: kernelOf(x), labels, penalty, hasIntercept: intercept });
    isNear(weightsOf(x, fit.multipliers), weights, SAME);
    isNear([fit.intercept], [bias], SAME);
  }
});

test('as the penalty vanishes it is the maximum likelihood of statsmodels', () => {
  for (const { x, y, weights, bias } of REFERENCE.unpenalised) {
    const labels = y.map((label) => label === 1);
    const fit = fitLogistic({ kernel: kernelOf(x), labels, penalty: 1e-5, hasIntercept: true });
    isNear(weightsOf(x, fit.multipliers), weights, VANISHED);
    isNear([fit.intercept], [bias], VANISHED);
  }
});

test('a fixed offset is worth what it says: half of the weights given as one leaves the other half to be found', () => {
  const [{ x, y }] = REFERENCE.logistic.slice(0, 1) as [Reference['logistic'][number]];
  const labels = y.map((label) => label === 1);
  const free = fitLogistic({ kernel: kernelOf(x), labels, penalty: 1e-5, hasIntercept: true });
  const weights = weightsOf(x, free.multipliers);
  const offsets = x.map((row) => row.reduce((sum, value, d) => sum + (value * (weights[d] ?? 0)) / 2, 0));
  const rest = fitLogistic({ kernel: kernelOf(x), labels, penalty: 1e-5, offsets, hasIntercept: true });
  isNear(
    weightsOf(x, rest.multipliers),
    weights.map((value) => value / 2),
    VANISHED,
  );
});

test('a probe gives the scores of a grouped cross-validation in scikit-learn, standardized inside each fold', () => {
  for (const { x, y, groups, folds, penalty, scores, accuracy } of REFERENCE.probes) {
    const labels = y.map((label) => label === 1);
    const seen = linearProbe({ features: matrixOf(x), groups, folds, penalty }).scores(labels);
    isNear(seen, scores, SAME);
    assert.ok(Math.abs(probeAccuracy(seen, labels) - accuracy) < 1e-12);
  }
});

test('the linear map on texts is the optimum that scipy descends to', () => {
  for (const { images, captions, foils, temperature, penalty, mapped } of REFERENCE.maps) {
    const rows = { images: matrixOf(images), captions: matrixOf(captions), foils: matrixOf(foils) };
    const seen = fitTextMap(rows, { temperature, penalty })(rows.captions);
    isNear(seen.values, mapped.flat(), DESCENDED);
  }
});

/** Scenes of two colours on two shapes, side by side: what a representation of some kind holds of each. */
function codes(kind: 'bag' | 'places' | 'bound', layouts: number, rng: Rng) {
  const rows: number[][] = [];
  const labels: { bound: boolean; colour: boolean; shape: boolean; layout: number }[] = [];
  for (let layout = 0; layout < layouts; layout++) {
    for (const [bound, shape] of [
      [true, true],
      [false, true],
      [true, false],
      [false, false],
    ] as const) {
      const colour = bound === shape;
      const sign = (value: boolean): number => (value ? 1 : -1);
      const held = kind === 'bag' ? [] : kind === 'places' ? [sign(colour), sign(shape)] : [sign(bound)];
      rows.push([...held, 5, ...Array.from({ length: 6 }, () => rng.normal())]);
      labels.push({ bound, colour, shape, layout });
    }
  }
  return { features: matrixOf(rows), labels };
}

test('probes tell a bag from places from binding: a linear reader of places does not see binding, two of them together do', () => {
  const expected = { bag: [0.5, 0.5], places: [0.5, 1], bound: [1, 0.5] } as const;
  for (const kind of ['bag', 'places', 'bound'] as const) {
    const { features, labels } = codes(kind, 60, rngOf(1, kind));
    const probe = linearProbe({ features, groups: labels.map(({ layout }) => layout), folds: 5, penalty: 0.1 });
    const of = (label: 'bound' | 'colour' | 'shape'): readonly boolean[] => labels.map((one) => one[label]);
    const bound = probeAccuracy(probe.scores(of('bound')), of('bound'));
    const together = agreementScores(probe.scores(of('colour')), probe.scores(of('shape')));
    const [free, placed] = expected[kind];
    assert.ok(Math.abs(bound - free) < 0.12, `${kind}: ${bound}`);
    assert.ok(Math.abs(probeAccuracy(together, of('bound')) - placed) < 0.12, `${kind}, by places`);
  }
});

test('a representation that never varies is at 1/2 to the bit, whatever rounding adds to it', () => {
  const groups = Array.from({ length: 40 }, (_, i) => Math.floor(i / 4));
  const labels = groups.map((_, i) => i % 4 < 2);
  const rng = rngOf(2);
  const values = Float64Array.from({ length: 400 }, (_, i) => (i % 10) - 4 + 1e-8 * rng.normal());
  const scores = linearProbe({ features: { rows: 40, columns: 10, values }, groups, folds: 5, penalty: 0.1 }).scores(
    labels,
  );
  assert.equal(probeAccuracy(scores, labels), 0.5);
});

test('a fold is never asked about a group it has seen: labels drawn for groups cannot be guessed', () => {
  const rng = rngOf(3);
  const groups = Array.from({ length: 400 }, (_, i) => Math.floor(i / 4));
  const drawn = Array.from({ length: 100 }, () => rng.uniform() < 0.5);
  const labels = groups.map((group) => drawn[group] ?? false);
  // Each group's rows are nearly one point, so whoever has seen one knows the others.
  const places = Array.from({ length: 100 * 30 }, () => rng.normal());
  const values = Float64Array.from({ length: 400 * 30 }, (_, i) => {
    return (places[(groups[Math.floor(i / 30)] ?? 0) * 30 + (i % 30)] ?? 0) + 0.01 * rng.normal();
  });
  const scores = linearProbe({ features: { rows: 400, columns: 30, values }, groups, folds: 5, penalty: 0.01 }).scores(
    labels,
  );
  assert.ok(Math.abs(probeAccuracy(scores, labels) - 0.5) < 0.13);
});

test('ties of cosines count half, within the tolerance that is stated and not beyond it', () => {
  assert.equal(preference(0.3, 0.3 + COSINE_TIE / 2), 0.5);
  assert.equal(preference(0.3, 0.3 + 2 * COSINE_TIE), 0);
  assert.equal(preferenceAccuracy([0.1, 0.2, 0.3, 0.4], [0.1, 0.1, 0.4, 0.2]), (0.5 + 1 + 0 + 1) / 4);
  assert.throws(() => preferenceAccuracy([0.1], []), /as many cosines.*1 and 0/);
  const [a, b] = [
    matrixOf([
      [3, 4],
      [1, 0],
      [0, 0],
    ]),
    matrixOf([
      [6, 8],
      [0, 1],
      [1, 1],
    ]),
  ];
  assert.deepEqual([...pairedCosines(a, b)], [1, 0, 0]);
});

test('quads are counted as Winoground does', () => {
  const quad = (a: number, b: number, ab: number, ba: number) => ({ own: [a, b], crossed: [ab, ba] }) as const;
  const scores = winogroundScores([
    quad(0.9, 0.8, 0.1, 0.2),
    // Caption 1 is nearer to both images: neither image finds its caption, both captions find their images.
    quad(0.5, 0.9, 0.7, 0.4),
    quad(0.5, 0.5, 0.5, 0.5),
    // Image 1 attracts both captions: both images find their captions.
    quad(0.5, 0.9, 0.4, 0.7),
  ]);
  assert.deepEqual(scores, { text: 0.5, image: 0.5, group: 0.25 });
});

/** Embeddings whose binding is a sign on one axis in images, on another in texts, under noise; all share a large mean. */
function pairsOf(count: number, rng: Rng, isAligned: boolean) {
  const width = 16;
  const signs = Array.from({ length: count }, () => (rng.uniform() < 0.5 ? 1 : -1));
  const row = (axis: number, sign: number): number[] =>
    Array.from({ length: width }, (_, d) => (d === 0 ? 4 : 0) + (d === axis ? sign : 0) + 0.3 * rng.normal());
  const textAxis = isAligned ? 1 : 2;
  const noise = signs.map((sign) => row(textAxis, sign));
  const foils = noise.map((text) => text.map((value, d) => (d === textAxis ? -value : value)));
  return { images: matrixOf(signs.map((sign) => row(1, sign))), captions: matrixOf(noise), foils: matrixOf(foils) };
}

test('a map repairs binding that both embeddings hold on different axes, and leaves alone what they share', () => {
  for (const isAligned of [false, true]) {
    const [learned, asked] = [pairsOf(80, rngOf(4), isAligned), pairsOf(200, rngOf(5), isAligned)];
    const map = fitTextMap(learned, { temperature: 0.05, penalty: 0.1 });
    const accuracy = (texts: (rows: DenseMatrix) => DenseMatrix): number =>
      preferenceAccuracy(
        pairedCosines(asked.images, texts(asked.captions)),
        pairedCosines(asked.images, texts(asked.foils)),
      );
    const [before, after] = [accuracy((rows) => rows), accuracy(map)];
    assert.ok(isAligned ? before > 0.95 : Math.abs(before - 0.5) < 0.1, `${before} before`);
    assert.ok(after > 0.95, `${after} after`);
  }
});

test('where texts hold no binding a map repairs nothing, and exact ties stay ties', () => {
  const learned = pairsOf(60, rngOf(6), false);
  const bag = { ...learned, foils: learned.captions };
  const map = fitTextMap(bag, { temperature: 0.05, penalty: 0.1 });
  assert.equal(
    preferenceAccuracy(pairedCosines(bag.images, map(bag.captions)), pairedCosines(bag.images, map(bag.foils))),
    0.5,
  );
});

test('what cannot be fitted is refused', () => {
  const kernel = kernelOf([[1], [2]]);
  const fit = { kernel, penalty: 1, hasIntercept: true };
  assert.throws(() => fitLogistic({ ...fit, labels: [true, true] }), /rows of both labels, found 2 of 2/);
  assert.throws(() => fitLogistic({ ...fit, labels: [true] }), /a label for each of 2 rows, found 1/);
  assert.throws(() => fitLogistic({ ...fit, labels: [true, false], penalty: 0 }), /a positive penalty, found 0/);
  const features = matrixOf([[1], [2], [3]]);
  assert.throws(() => linearProbe({ features, groups: [0, 0, 0], folds: 2, penalty: 1 }), /1 groups, 2 folds/);
  const rows = { images: features, captions: features, foils: kernel };
  assert.throws(
    () => fitTextMap(rows, { temperature: 1, penalty: 1 }),
    /a caption and a foil of 1 numbers for each of 3/,
  );
});
