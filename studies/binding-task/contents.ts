/**
 * What a stream holds in the mean: of each position, and, beyond that, of the partner (the key, and the relation) of the value that
 * stands there. A value's stream is taken for position + partner + the rest.
 */
import type { Kinds, Prompt, PromptObject } from './prompts.ts';
import { at, type Stream } from './reading.ts';

export interface Contents {
  /** Mean of each position, shape [T, D]. */
  readonly positions: Float64Array;
  /** Beyond the position's mean at values: of the key's (relation's) own, shape [keys, D] and [relations, D]. */
  readonly keys: Float64Array;
  readonly marks: Float64Array;
  /** At keys: what the key itself has there; at values: what the value has there. Shapes [keys, D], [values, D]. */
  readonly ownKeys: Float64Array;
  readonly ownValues: Float64Array;
}

/** Means of rows by a label, from the rows that have one; shape [labels, D], zeros where a label has no row. */
export function meansBy(
  rows: readonly (readonly [label: number, row: ArrayLike<number>])[],
  labels: number,
  d: number,
): Float64Array {
  const sums = new Float64Array(labels * d);
  const counts = new Float64Array(labels);
  for (const [label, row] of rows) {
    counts[label] = (counts[label] ?? 0) + 1;
    for (let a = 0; a < d; a++) sums[label * d + a] = (sums[label * d + a] ?? 0) + (row[a] ?? 0);
  }
  return sums.map((sum, i) => sum / Math.max(1, counts[Math.floor(i / d)] ?? 1));
}

/** Position means, from all contexts. */
export function positionMeans(stream: Stream): Float64Array {
  const rows = Array.from({ length: stream.contexts * stream.length }, (_, i) => {
    const position = i % stream.length;
    return [position, at(stream, Math.floor(i / stream.length), position)] as const;
  });
  return meansBy(rows, stream.length, stream.width);
}

/** A stream's row without its position's mean. */
export function beyond(stream: Stream, positions: Float64Array, context: number, position: number): Float64Array {
  const d = stream.width;
  return Float64Array.from(at(stream, context, position), (value, a) => value - (positions[position * d + a] ?? 0));
}

export function contentsOf(kinds: Kinds, prompts: readonly Prompt[], stream: Stream): Contents {
  const positions = positionMeans(stream);
  const by = (
    token: 'key' | 'value',
    labelOf: (object: PromptObject) => number | undefined,
    labels: number,
  ): Float64Array => {
    const rows = prompts.flatMap(({ objects }, c) =>
      objects.flatMap((object) => {
        const label = labelOf(object);
        return label === undefined ? [] : [[label, beyond(stream, positions, c, object.place[token])] as const];
      }),
    );
    return meansBy(rows, labels, stream.width);
  };
  return {
    positions,
    keys: by('value', ({ key }) => key, kinds.keys),
    marks: by('value', ({ mark }) => mark, kinds.relations),
    ownKeys: by('key', ({ key }) => key, kinds.keys),
    ownValues: by('value', ({ value }) => value, kinds.values),
  };
}

/** What the partner of an object's value adds to the value's stream in the mean, shape [D]. */
export function partnerOf({ keys, marks }: Contents, { key, mark }: PromptObject, d: number): Float64Array {
  return Float64Array.from(
    { length: d },
    (_, a) => (keys[key * d + a] ?? 0) + (mark === undefined ? 0 : (marks[mark * d + a] ?? 0)),
  );
}

/**
 * How much of what differs between (key, relation) pairs is a key's part plus a relation's part. Products of two halves of the rows stand
 * for squares, so that noise of the means adds nothing.
 */
export function additiveShare(
  rows: readonly { readonly key: number; readonly mark: number; readonly values: ArrayLike<number> }[],
  { keys, relations }: Pick<Kinds, 'keys' | 'relations'>,
  d: number,
): number {
  const cells = keys * relations;
  const half = (parity: number): readonly [Float64Array, Float64Array] => {
    const own = rows.filter((_, i) => i % 2 === parity);
    const means = meansBy(
      own.map(({ key, mark, values }) => [key * relations + mark, values] as const),
      cells,
      d,
    );
    const all = meansBy(
      cellRows(means, cells, d, () => 0),
      1,
      d,
    );
    const ofKey = meansBy(
      cellRows(means, cells, d, (cell) => Math.floor(cell / relations)),
      keys,
      d,
    );
    const ofMark = meansBy(
      cellRows(means, cells, d, (cell) => cell % relations),
      relations,
      d,
    );
    const centred = means.map((mean, i) => mean - (all[i % d] ?? 0));
    const fitted = means.map((_, i) => {
      const [cell, a] = [Math.floor(i / d), i % d];
      return (
        (ofKey[Math.floor(cell / relations) * d + a] ?? 0) +
        (ofMark[(cell % relations) * d + a] ?? 0) -
        2 * (all[a] ?? 0)
      );
    });
    return [centred, fitted];
  };
  const [[centredA, fittedA], [centredB, fittedB]] = [half(0), half(1)];
  const product = (x: Float64Array, y: Float64Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return product(fittedA, fittedB) / product(centredA, centredB);
}

function cellRows(means: Float64Array, cells: number, d: number, labelOf: (cell: number) => number) {
  return Array.from({ length: cells }, (_, cell) => [labelOf(cell), means.subarray(cell * d, (cell + 1) * d)] as const);
}
