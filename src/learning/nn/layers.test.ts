import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { drawnWeights, type Initial, type ParameterSpec } from './layers.ts';

/** Float32 rounding of sums of tens of terms. */
const ROUNDING = 1e-6;

function drawn(shape: readonly number[], initial: Initial, name = 'w'): Float32Array {
  const spec: ParameterSpec = { name, shape, role: 'embedding', initial };
  return drawnWeights([spec], rngOf(3)).get(name) ?? assert.fail('nothing was drawn');
}

for (const [rows, columns] of [
  [5, 5],
  [3, 7],
  [7, 3],
] as const) {
  test(`an orthonormal start of ${rows} x ${columns} has an orthonormal shorter side`, () => {
    const values = drawn([rows, columns], { kind: 'orthonormal' });
    const isWide = rows <= columns;
    const [count, length] = isWide ? [rows, columns] : [columns, rows];
    const at = (vector: number, i: number): number => values[isWide ? vector * columns + i : i * columns + vector] ?? 0;
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) {
        const product = Array.from({ length }, (_, i) => at(a, i) * at(b, i)).reduce((sum, value) => sum + value, 0);
        assert.ok(Math.abs(product - Number(a === b)) < ROUNDING, `${a} . ${b} = ${product}`);
      }
    }
  });
}

test('identity is ones on the diagonal, other starts are what they say, and names have streams of their own', () => {
  assert.deepEqual([...drawn([2, 3], { kind: 'identity' })], [1, 0, 0, 0, 1, 0]);
  assert.deepEqual([...drawn([2], { kind: 'ones' }), ...drawn([2], { kind: 'zeros' })], [1, 1, 0, 0]);
  assert.notDeepEqual(drawn([2, 2], { kind: 'orthonormal' }, 'a'), drawn([2, 2], { kind: 'orthonormal' }, 'b'));
  assert.throws(
    () => drawn([2, 2, 2], { kind: 'orthonormal' }),
    /"w": expected a matrix of 2 axes, found shape \[2, 2, 2\]/,
  );
});
