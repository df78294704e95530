/**
 * The assignment problem, exactly: which column each row gets, so that the sum of costs is least.
 * @see Kuhn 1955 (Hungarian method); shortest augmenting paths with potentials: Jonker & Volgenant 1987, doi:10.1007/BF02278710.
 */
import { AssayError } from '#base/errors.ts';

/**
 * The cheapest assignment of every row to a column of its own, in O(rows^2 columns).
 * @param costs Finite, shape [rows, columns], rows <= columns. @returns the column of each row.
 * @throws AssayError (data) on more rows than columns, or a cost that is not finite.
 * @see scipy.optimize.linear_sum_assignment, whose sum it has.
 */
export function cheapestAssignment(costs: ArrayLike<number>, rows: number, columns: number): Int32Array {
  check(costs, rows, columns);
  // Potentials of rows and columns, and the row of each column, with a column 0 for the row that is being placed.
  const [u, v] = [new Float64Array(rows + 1), new Float64Array(columns + 1)];
  const rowOf = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    augment(costs, columns, u, v, rowOf);
  }
  const assigned = new Int32Array(rows);
  for (let column = 1; column <= columns; column++) {
    const row = rowOf[column] ?? 0;
    if (row > 0) assigned[row - 1] = column - 1;
  }
  return assigned;
}

/** Finds the shortest augmenting path from the row at column 0 to a free column, and shifts the assignment along it. */
function augment(costs: ArrayLike<number>, columns: number, u: Float64Array, v: Float64Array, rowOf: Int32Array): void {
  const distance = new Float64Array(columns + 1).fill(Infinity);
  const from = new Int32Array(columns + 1);
  const isDone = new Uint8Array(columns + 1);
  let column = 0;
  while ((rowOf[column] ?? 0) !== 0) {
    isDone[column] = 1;
    const row = rowOf[column] ?? 0;
    let [step, next] = [Infinity, 0];
    for (let j = 1; j <= columns; j++) {
      if (isDone[j] === 1) continue;
      const reduced = (costs[(row - 1) * columns + j - 1] ?? 0) - (u[row] ?? 0) - (v[j] ?? 0);
      if (reduced < (distance[j] ?? 0)) {
        distance[j] = reduced;
        from[j] = column;
      }
      if ((distance[j] ?? 0) < step) [step, next] = [distance[j] ?? 0, j];
    }
    for (let j = 0; j <= columns; j++) {
      if (isDone[j] === 1) {
        const placed = rowOf[j] ?? 0;
        u[placed] = (u[placed] ?? 0) + step;
        v[j] = (v[j] ?? 0) - step;
      } else distance[j] = (distance[j] ?? 0) - step;
    }
    column = next;
  }
  while (column !== 0) {
    const before = from[column] ?? 0;
    rowOf[column] = rowOf[before] ?? 0;
    column = before;
  }
}

function check(costs: ArrayLike<number>, rows: number, columns: number): void {
  const isFinite = Array.prototype.every.call(costs, (cost: number) => Number.isFinite(cost));
  if (rows <= columns && costs.length === rows * columns && isFinite) return;
  const found = `${costs.length} of [${rows}, ${columns}]${isFinite ? '' : ', some not finite'}`;
  throw new AssayError(
    'data',
    `Assignment: expected finite costs of shape [rows, columns], rows <= columns, found ${found}.`,
  );
}
