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
  let farthest = { index: first, distance: 0 };
  const [start, end] = [path[first], path[last]];
  if (!start || !end) return farthest;
  for (let index = first + 1; index < last; index++) {
    const distance = distanceToSegment(path[index] ?? start, start, end);
    if (distance > farthest.distance) farthest = { index, distance };
  }
  return farthest;
}

function distanceToSegment([x, y]: Point, [x0, y0]: Point, [x1, y1]: Point): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const lengthSquared = dx * dx + dy * dy;
  const share = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / lengthSquared));
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}
