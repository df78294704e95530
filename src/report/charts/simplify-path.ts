/** Fewer points for the same picture: Ramer-Douglas-Peucker in the plot's own coordinates. */

/** A point in a chart's coordinates or in data units. */
export type Point = readonly [x: number, y: number];

/** Deviation a reader cannot see, in chart units. */
const TOLERANCE = 0.3;
const TOLERANCE_GROWTH = 1.6;

/** A path of at most about `maxPoints` points that stays within a small tolerance of the given one; ends are kept. */
export function simplifyPath(path: readonly Point[], maxPoints: number): readonly Point[] {
  let tolerance = TOLERANCE;
  let simple = withinTolerance(path, tolerance);
  while (simple.length > Math.max(2, maxPoints)) {
    tolerance *= TOLERANCE_GROWTH;
    simple = withinTolerance(path, tolerance);
  }
  return simple;
}

function withinTolerance(path: readonly Point[], tolerance: number): readonly Point[] {
  const isKept = new Array<boolean>(path.length).fill(false);
  if (path.length > 0) isKept[0] = isKept[path.length - 1] = true;
  const spans: [number, number][] = [[0, path.length - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [first, last] = span;
    const farthest = farthestFrom(path, first, last);
    if (farthest.distance <= tolerance) continue;
    isKept[farthest.index] = true;
    spans.push([first, farthest.index], [farthest.index, last]);
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
