/** Fewer points for the same picture: Ramer-Douglas-Peucker in the plot's own coordinates. */

/** A point in a chart's coordinates or in data units. */
export type Point = readonly [x: number, y: number];

/** Deviation a reader cannot see, in chart units. */
const TOLERANCE = 0.3;
const TOLERANCE_GROWTH = 1.6;

/** Spans that were split so often (and twice for each doubling of the path) are halved: else a sawtooth takes n^2 steps. */
const DEEPEST = 64;

/**
 * A path of at most `maxPoints` points, two at least, that stays within a small tolerance of the given one; ends are kept.
 * Takes O(n log n) steps, whatever the path.
 */
export function simplifyPath(path: readonly Point[], maxPoints: number): readonly Point[] {
  const most = Math.max(2, maxPoints);
  let tolerance = TOLERANCE;
  let simple = withinTolerance(path, tolerance, most);
  while (simple === undefined) {
    tolerance *= TOLERANCE_GROWTH;
    simple = withinTolerance(path, tolerance, most);
  }
  return simple;
}

/** The simplest path found within a tolerance; undefined once it is seen to have more points than it may. */
function withinTolerance(path: readonly Point[], tolerance: number, most: number): readonly Point[] | undefined {
  const isKept = new Array<boolean>(path.length).fill(false);
  let kept = 0;
  const keep = (index: number): void => {
    if (isKept[index] !== false) return;
    isKept[index] = true;
    kept++;
  };
  keep(0);
  keep(path.length - 1);
  const deepest = DEEPEST + 2 * Math.log2(Math.max(1, path.length));
  const spans: [first: number, last: number, depth: number][] = [[0, path.length - 1, 0]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [first, last, depth] = span;
    const farthest = farthestFrom(path, first, last);
    if (farthest.distance <= tolerance) continue;
    keep(farthest.index);
    const middle = depth < deepest ? farthest.index : (first + last) >> 1;
    keep(middle);
    if (kept > most) return undefined;
    spans.push([first, middle, depth + 1], [middle, last, depth + 1]);
  }
  return path.filter((_, index) => isKept[index]);
}

function farthestFrom(path: readonly Point[], first: number, last: number): { index: number; distance: number } {
  let [index, squared] = [first, 0];
  const [start, end] = [path[first], path[last]];
  if (!start || !end) return { index, distance: 0 };
  for (let at = first + 1; at < last; at++) {
    const here = squaredDistance(path[at] ?? start, start, end);
    if (here > squared) [index, squared] = [at, here];
  }
  return { index, distance: Math.sqrt(squared) };
}

/** From a point to the nearest of a segment. */
function squaredDistance(point: Point, start: Point, end: Point): number {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const [px, py] = [point[0] - start[0], point[1] - start[1]];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
  const [x, y] = [px - share * dx, py - share * dy];
  return x * x + y * y;
}
