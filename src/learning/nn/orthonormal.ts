/** Random orthonormal bases. @see Stewart 1980, doi:10.1137/0717034: normal draws, orthonormalized, are uniform over bases. */
import type { Rng } from '#base/rng.ts';

/** Orthonormal rows, or orthonormal columns where they are fewer, row-major [rows, columns]. */
export function orthonormal(rows: number, columns: number, rng: Rng): Float32Array {
  const isWide = rows <= columns;
  const [count, length] = isWide ? [rows, columns] : [columns, rows];
  const vectors: Float64Array[] = [];
  for (let k = 0; k < count; k++) {
    const vector = Float64Array.from({ length }, () => rng.normal());
    // Gram-Schmidt, twice: the second pass takes what rounding left of the first.
    for (const other of [...vectors, ...vectors]) subtractProjection(vector, other);
    const norm = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((value) => value / norm));
  }
  const at = (row: number, column: number): number => (isWide ? vectors[row]?.[column] : vectors[column]?.[row]) ?? 0;
  return Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) - along * (unit[i] ?? 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
