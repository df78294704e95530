/**
 * A place of square cells, numbered row by row, and how one walks in it. Plain data: `#` is a wall, everything else is free;
 * who walks into a wall or over the edge stays where it is.
 */
import { AssayError } from '#base/errors.ts';

/** A place. */
export interface Place {
  readonly rows: readonly string[];
  readonly width: number;
  /** Whether a cell is free, by number. */
  readonly isFree: readonly boolean[];
  /** The numbers of the free cells, ascending. */
  readonly free: readonly number[];
  /** The cell after each move, shape [cells, 4]. */
  readonly next: readonly number[];
}

/** What an agent can do, by number. */
export const MOVES = ['up', 'right', 'down', 'left'] as const;

const WAYS = { up: [0, -1], right: [1, 0], down: [0, 1], left: [-1, 0] } as const;

/** The place drawn by rows of equal length. @throws AssayError where they are not, or no cell is free. */
export function placeOf(rows: readonly string[]): Place {
  const width = rows[0]?.length ?? 0;
  const ragged = rows.findIndex((row) => row.length !== width);
  if (ragged !== -1) {
    throw new AssayError(
      'data',
      `place: expected rows of ${width} cells, found ${rows[ragged]?.length} in row ${ragged + 1}.`,
    );
  }
  const isFree = rows.flatMap((row) => Array.from(row, (mark) => mark !== '#'));
  const free = isFree.flatMap((one, cell) => (one ? [cell] : []));
  if (free.length === 0) throw new AssayError('data', 'place: expected a free cell, found none.');
  const next = isFree.flatMap((_, cell) => MOVES.map((move) => neighbour({ width, isFree }, cell, move)));
  return { rows, width, isFree, free, next };
}

/** A cell as column and row, counted from 0. */
export function columnAndRow({ width }: Pick<Place, 'width'>, cell: number): readonly [column: number, row: number] {
  return [cell % width, Math.floor(cell / width)];
}

/** The cell after a move, in [0, 4). */
export function cellAfter({ next }: Place, cell: number, move: number): number {
  return next[cell * MOVES.length + move] ?? cell;
}

function neighbour(
  { width, isFree }: Pick<Place, 'width' | 'isFree'>,
  cell: number,
  move: (typeof MOVES)[number],
): number {
  const [right, down] = WAYS[move];
  const column = (cell % width) + right;
  const to = cell + right + down * width;
  return column >= 0 && column < width && isFree[to] === true ? to : cell;
}

/** Steps from every cell to one of them, along free cells; Infinity where there is no way. */
export function stepsTo(place: Place, target: number): readonly number[] {
  const steps = place.isFree.map(() => Number.POSITIVE_INFINITY);
  steps[target] = 0;
  const queue = [target];
  for (const cell of queue) {
    for (const move of MOVES.keys()) {
      const next = cellAfter(place, cell, move);
      if (steps[next] !== Number.POSITIVE_INFINITY) continue;
      steps[next] = (steps[cell] ?? 0) + 1;
      queue.push(next);
    }
  }
  return steps;
}

const walked = new WeakMap<Place, Map<number, readonly number[]>>();

/** `stepsTo`, computed once for each target. */
export function stepsOf(place: Place, target: number): readonly number[] {
  const own = walked.get(place) ?? new Map<number, readonly number[]>();
  walked.set(place, own);
  const steps = own.get(target) ?? stepsTo(place, target);
  own.set(target, steps);
  return steps;
}
