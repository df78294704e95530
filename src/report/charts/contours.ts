/**
 * Contours of a grid of numbers by marching squares: linear between the centres of neighbouring cells, none where a corner
 * is missing. A saddle is resolved by the mean of its corners.
 */
import type { Point } from './simplify-path.ts';

/** A number a column and row; null where there is none. */
export type GridValue = (column: number, row: number) => number | null;

/** The two ends of a piece of a contour, in cells: (0, 0) is the centre of the first column's first row. */
export type Segment = readonly [from: Point, to: Point];

/** The pieces of the contour at `level` over `columns` x `rows` cells, square by square. */
export function contourSegments(columns: number, rows: number, valueOf: GridValue, level: number): readonly Segment[] {
  const segments: Segment[] = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) segments.push(...squareSegments(column, row, valueOf, level));
  }
  return segments;
}

function squareSegments(column: number, row: number, valueOf: GridValue, level: number): readonly Segment[] {
  const corners: readonly Point[] = [
    [column, row],
    [column + 1, row],
    [column + 1, row + 1],
    [column, row + 1],
  ];
  const values = corners.flatMap(([x, y]) => valueOf(x, y) ?? []);
  if (values.length < corners.length) return [];
  // One crossing at most an edge: between its corner and the next around the square.
  const crossings = corners.map((from, index): Point | undefined => {
    const next = (index + 1) % corners.length;
    const [a = 0, b = 0] = [values[index], values[next]];
    const to = corners[next];
    if (to === undefined || a >= level === b >= level) return undefined;
    const share = (level - a) / (b - a);
    return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
  });
  const found = crossings.filter((point) => point !== undefined);
  const [first, second, third, fourth] = found;
  if (first === undefined || second === undefined) return [];
  if (third === undefined || fourth === undefined) return [[first, second]];
  const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
  const isJoined = middle >= level === (values[0] ?? 0) >= level;
  return isJoined
    ? [
        [first, second],
        [third, fourth],
      ]
    : [
        [fourth, first],
        [second, third],
      ];
}
