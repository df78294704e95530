/**
 * Every primitive, and what is composed of them, three ways: forward against plain float64, gradient against central
 * differences, lowering as golden text.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { lower, printGraph } from '#engine/onnx/lower.ts';
import { sum } from '#engine/ops/layout.ts';
import { weightedSum } from '#engine/ops/network.ts';
import { constant, input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import { denseArray, total, type DenseArray } from './array.ts';
import type { Case } from './case.ts';
import { COMPOSED_CASES } from './composed-cases.ts';
import { CASES } from './primitive-cases.ts';

/** float32 has 24 bits; sums of tens of terms of order 1 stay within this. */
const FORWARD_TOLERANCE = 2e-6;
/** The gradients are float32 too; the central differences, in float64, add less than 1e-8. */
const GRADIENT_TOLERANCE = 2e-5;
const DIFFERENCE = 1e-5;
const GOLDEN = new URL('../golden/lowering.txt', import.meta.url);

const named = Object.entries({ ...CASES, composed: COMPOSED_CASES }).flatMap(([primitive, cases]) =>
  cases.map((one) => ({ title: `${primitive} ${one.name}`, one })),
);

for (const { title, one } of named) {
  test(`${title}: forward, and gradient where it has one, with 1 and 2 threads`, async () => {
    const drawn = draw(one, title);
    const weights = drawWeights(one, drawn, title);
    const expected = one.reference(drawn, integersOf(one));
    for (const threads of [1, 2]) {
      const found = await runCase(one, drawn, weights, one.isFlat !== true, threads);
      assertClose(found.forward, expected.values, FORWARD_TOLERANCE, `${title} forward`);
      drawn.forEach((_, position) => {
        const gradient = found.gradients[position];
        if (gradient === undefined) return;
        assertClose(
          gradient,
          differences(one, drawn, weights, position),
          GRADIENT_TOLERANCE,
          `${title} gradient ${position}`,
        );
      });
    }
  });
}

test('where no gradient passes, differentiation is refused instead of giving zeros', () => {
  const refused = named.filter(({ one }) => one.isFlat === true && one.shapes.length > 0);
  assert.ok(refused.length > 15, `${refused.length} cases`);
  for (const { one, title } of refused) {
    const inputs = one.shapes.map((shape, position) => input(`x${position}`, shape));
    const loss = sum(one.build(inputs, input('integers', [1], 'int32')));
    assert.throws(() => differentiate(loss, inputs), /the loss does not depend on x0/, title);
  }
});

test('every primitive lowers to the golden text (UPDATE_GOLDEN=1 rewrites it)', () => {
  const text = named.map(({ title, one }) => `# ${title}\n${printGraph(lower({ y: buildCase(one) }))}\n`).join('\n');
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, text);
  assert.equal(text, readFileSync(GOLDEN, 'utf8'));
});

function draw(one: Case, title: string): readonly DenseArray[] {
  return one.shapes.map((shape, position) => {
    const rng = rngOf(0, `${title}/${position}`);
    const values = Array.from({ length: sizeOf(shape) }, () =>
      one.positive ? 0.5 + rng.uniform() : 2 * rng.uniform() - 1,
    );
    return denseArray(shape, values.map(Math.fround));
  });
}

/** Weights of the scalar that is differentiated, so that every output element matters differently. */
function drawWeights(one: Case, drawn: readonly DenseArray[], title: string): DenseArray {
  const { shape, values } = one.reference(drawn, integersOf(one));
  const rng = rngOf(0, `${title}/weights`);
  return denseArray(
    shape,
    Array.from(values, () => Math.fround(2 * rng.uniform() - 1)),
  );
}

function integersOf(one: Case): Int32Array {
  return one.integers ?? Int32Array.of(0);
}

function buildCase(one: Case): ReturnType<Case['build']> {
  const inputs = one.shapes.map((shape, position) => input(`x${position}`, shape));
  return one.build(inputs, input('integers', [integersOf(one).length], 'int32'));
}

async function runCase(
  one: Case,
  drawn: readonly DenseArray[],
  weights: DenseArray,
  isSmooth: boolean,
  threads: number,
) {
  const inputs = one.shapes.map((shape, position) => input(`x${position}`, shape));
  const y = one.build(inputs, input('integers', [integersOf(one).length], 'int32'));
  const loss = weightedSum(y, constant(Float32Array.from(weights.values), weights.shape));
  const gradients = isSmooth ? differentiate(loss, inputs) : [];
  const outputs = { y, ...Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient])) };
  await using program = await compile(outputs, { threads });
  drawn.forEach(({ values }, position) => program.bind(`x${position}`, Float32Array.from(values)));
  if (program.inputs.some(({ name }) => name === 'integers')) program.bind('integers', integersOf(one));
  await program.run();
  return { forward: program.float32('y'), gradients: gradients.map((_, i) => program.float32(`g${i}`)) };
}

function differences(
  one: Case,
  drawn: readonly DenseArray[],
  weights: DenseArray,
  position: number,
): readonly number[] {
  const lossAt = (shift: number, element: number): number => {
    const moved = drawn.map((array, i) =>
      i === position
        ? denseArray(array.shape, array.values.with(element, (array.values[element] ?? 0) + shift))
        : array,
    );
    const { values } = one.reference(moved, integersOf(one));
    return total(Array.from(values, (value, i) => value * (weights.values[i] ?? 0)));
  };
  const elements = drawn[position]?.values ?? [];
  return Array.from(elements, (_, i) => (lossAt(DIFFERENCE, i) - lossAt(-DIFFERENCE, i)) / (2 * DIFFERENCE));
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.equal(found.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${what}: element ${i} is ${a}, expected ${b}`);
  }
}
