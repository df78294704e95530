import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { orthonormalColumns, singularValues, symmetricEigen, transposedProduct, type DenseMatrix } from './matrix.ts';

/** Float64 decompositions of small matrices. */
const TOLERANCE = 1e-12;

function drawn(rows: number, columns: number): DenseMatrix {
  const rng = rngOf(1, 'matrix');
  return { rows, columns, values: Float64Array.from({ length: rows * columns }, () => rng.normal()) };
}

function assertOrthonormal(matrix: DenseMatrix): void {
  const { values, columns } = transposedProduct(matrix, matrix);
  for (const [i, value] of values.entries()) {
    assert.ok(Math.abs(value - Number(i % (columns + 1) === 0)) < TOLERANCE, `${i}: ${value}`);
  }
}

test("a Gram matrix's eigenvalues are the squares of the singular values, largest first, and its vectors diagonalize it", () => {
  const a = drawn(9, 6);
  const gram = transposedProduct(a, a);
  const { eigenvalues, vectors } = symmetricEigen(gram);
  for (const [i, sigma] of singularValues(a).entries()) {
    assert.ok(Math.abs((eigenvalues[i] ?? 0) - sigma ** 2) < TOLERANCE * 100, `${i}`);
  }
  assertOrthonormal(vectors);
  const turned = transposedProduct(vectors, transposedProduct(gram, vectors));
  for (const [i, value] of turned.values.entries()) {
    const expected = i % 7 === 0 ? (eigenvalues[i / 7] ?? 0) : 0;
    assert.ok(Math.abs(value - expected) < TOLERANCE * 100, `${i}: ${value}`);
  }
});

test('orthonormal columns span what the given ones span, in their order', () => {
  const a = drawn(6, 4);
  const q = orthonormalColumns(a);
  assertOrthonormal(q);
  const r = transposedProduct(q, a);
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < i; j++)
      assert.ok(Math.abs(r.values[i * 4 + j] ?? 1) < TOLERANCE, `R is triangular at ${i}, ${j}`);
    const column = Array.from({ length: 6 }, (_, row) => a.values[row * 4 + i] ?? 0);
    const inside = Array.from({ length: 4 }, (_, row) => r.values[row * 4 + i] ?? 0);
    const [length, seen] = [column, inside].map((v) => Math.hypot(...v));
    assert.ok(Math.abs((length ?? 0) - (seen ?? 1)) < TOLERANCE * 10);
  }
});

test('a matrix that is not square has no eigenvalues', () => {
  assert.throws(() => symmetricEigen(drawn(2, 3)), /2 x 3\. Expected a square matrix/);
});
