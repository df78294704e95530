/**
 * What the stream of an object's key or value is made of, in the mean: a part of the object's order among objects, one of its position, one of its
 * key and one of its value, added up. Orders and positions overlap, so the parts are fitted together.
 */
import type { Prompt, PromptObject } from 'assay/studies/binding-task/prompts.ts';
import { meansBy } from 'assay/studies/binding-task/contents.ts';
import { at, type Stream } from 'assay/studies/binding-task/reading.ts';

export const FACTORS = ['order', 'position', 'key', 'value'] as const;
export type Factor = (typeof FACTORS)[number];
export type TokenKind = 'key' | 'value';

/** One object of one prompt. */
export interface Row {
  readonly labels: Readonly<Record<Factor, number>>;
  readonly values: ArrayLike<number>;
}

/** Labels a factor has. */
export type FactorSizes = Readonly<Record<Factor, number>>;

/** The parts of one kind of token, each centred; shape [labels, D]. */
export type Parts = Readonly<Record<Factor, Float64Array>>;

/** Sweeps until the parts stand: each is the mean of what the others leave. */
const SWEEPS = 12;

export function factorSizes(prompts: readonly Prompt[], keys: number, values: number): FactorSizes {
  const [first] = prompts;
  return { order: first?.objects.length ?? 0, position: first?.context.length ?? 0, key: keys, value: values };
}

export function labelsOf({ objects }: Prompt, object: PromptObject, kind: TokenKind): Readonly<Record<Factor, number>> {
  return { order: objects.indexOf(object), position: object.place[kind], key: object.key, value: object.value };
}

/** A vector of one part, of what an object is. */
export function partOf(parts: Parts, factor: Factor, label: number, d: number): Float64Array {
  return parts[factor].subarray(label * d, (label + 1) * d);
}

/** The stream where keys, or values, of the prompts stand. */
export function rowsAt(prompts: readonly Prompt[], stream: Stream, kind: TokenKind): readonly Row[] {
  return prompts.flatMap((prompt, c) =>
    prompt.objects.map((object) => ({
      labels: labelsOf(prompt, object, kind),
      values: at(stream, c, object.place[kind]),
    })),
  );
}

/** The parts that leave least of the rows, beside their mean. A key's row has no part of a value that comes after it, and finds none. */
export function partsOf(rows: readonly Row[], sizes: FactorSizes, d: number): Parts {
  const left = centred(rows, d);
  const parts: Record<Factor, Float64Array> = {
    order: new Float64Array(sizes.order * d),
    position: new Float64Array(sizes.position * d),
    key: new Float64Array(sizes.key * d),
    value: new Float64Array(sizes.value * d),
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const factor of FACTORS) {
      addTo(left, rows, factor, parts[factor], 1, d);
      const means = meansBy(
        rows.map(({ labels }, i) => [labels[factor], left.subarray(i * d, (i + 1) * d)] as const),
        sizes[factor],
        d,
      );
      parts[factor] = means;
      addTo(left, rows, factor, means, -1, d);
    }
  }
  return parts;
}

/** Rows without their mean, shape [N, D]. */
function centred(rows: readonly Row[], d: number): Float64Array {
  const mean = meansBy(
    rows.map(({ values }) => [0, values] as const),
    1,
    d,
  );
  const left = new Float64Array(rows.length * d);
  rows.forEach(({ values }, i) => {
    for (let a = 0; a < d; a++) left[i * d + a] = (values[a] ?? 0) - (mean[a] ?? 0);
  });
  return left;
}

function addTo(
  left: Float64Array,
  rows: readonly Row[],
  factor: Factor,
  part: Float64Array,
  sign: number,
  d: number,
): void {
  rows.forEach(({ labels }, i) => {
    const from = labels[factor] * d;
    for (let a = 0; a < d; a++) left[i * d + a] = (left[i * d + a] ?? 0) + sign * (part[from + a] ?? 0);
  });
}

/**
 * Shares of the variance of rows that the parts have, about unbiased: parts are fitted on two halves of the rows, and their products stand for squares,
 * so that the noise of means over few rows adds nothing.
 */
export function partShares(rows: readonly Row[], sizes: FactorSizes, d: number): Readonly<Record<Factor, number>> {
  const [one, other] = [0, 1].map((parity) =>
    partsOf(
      rows.filter((_, i) => Math.floor(i / sizes.order) % 2 === parity),
      sizes,
      d,
    ),
  );
  if (!one || !other) throw new Error('two halves');
  const total = centred(rows, d).reduce((sum, value) => sum + value * value, 0);
  const share = (factor: Factor): number => {
    let sum = 0;
    for (const { labels } of rows) {
      const from = labels[factor] * d;
      for (let a = 0; a < d; a++) sum += (one[factor][from + a] ?? 0) * (other[factor][from + a] ?? 0);
    }
    return total > 0 ? sum / total : 0;
  };
  return { order: share('order'), position: share('position'), key: share('key'), value: share('value') };
}
