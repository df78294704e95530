import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { arenaBytes, createArena, type Arena, type Region } from './arena.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Every residue of the four lanes, several times over. */
const LENGTHS = Array.from({ length: 37 }, (_, i) => i + 1);
/** Written after each region: a kernel that runs over its end changes it. */
const GUARD = 12345;
const round = Math.fround;

/** Values of both signs, including zeros, that no kernel treats specially. */
function wave(length: number, phase: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (i % 11 === 10 ? 0 : Math.sin(1.7 * i + phase)));
}

function place(arena: Arena, values: Float32Array): Region {
  const region = arena.float32('values', values.length + 1);
  region.view.set(values);
  region.view[values.length] = GUARD;
  return region;
}

/** Asserts that a region holds exactly these values and an untouched guard. */
function assertBits(region: Region, expected: Float32Array, what: string): void {
  assert.equal(region.view.at(-1), GUARD, `${what} ran past the end`);
  assert.deepEqual(region.view.slice(0, -1), expected, what);
}

function at(values: Float32Array, index: number): number {
  const value = values[index];
  assert.ok(value !== undefined, `index ${index} of ${values.length}`);
  return value;
}

test('the committed module is the last build of these sources, with these flags, by this compiler', async () => {
  await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build-kernels.ts'), '--check']);
});

test('adamwStep equals the float32 loop in every bit, for lengths 1 to 37', () => {
  const [decay, meanWeight, beta2, squareWeight] = [round(0.999), round(0.1), round(0.95), round(0.05)];
  const [stepSize, correction, eps] = [round(0.01), 1.25, round(1e-8)];
  for (const n of LENGTHS) {
    const arena = createArena(1);
    const [p, g, m] = [wave(n, 0), wave(n, 1), wave(n, 2)];
    const v = wave(n, 3).map(Math.abs);
    const [pAt, gAt, mAt, vAt] = [place(arena, p), place(arena, g), place(arena, m), place(arena, v)];
    const scalars = [decay, meanWeight, beta2, squareWeight, stepSize, correction, eps] as const;
    arena.kernels.adamwStep(pAt.offset, gAt.offset, mAt.offset, vAt.offset, n, ...scalars);
    for (let i = 0; i < n; i++) {
      const grad = at(g, i);
      m[i] = round(at(m, i) + round(meanWeight * round(grad - at(m, i))));
      v[i] = round(round(beta2 * at(v, i)) + round(squareWeight * round(grad * grad)));
      const denominator = round(round(round(Math.sqrt(at(v, i))) * correction) + eps);
      p[i] = round(round(at(p, i) * decay) - round(stepSize * round(at(m, i) / denominator)));
    }
    assertBits(pAt, p, 'parameter');
    assertBits(mAt, m, 'mean');
    assertBits(vAt, v, 'square');
    assertBits(gAt, g, 'gradient');
  }
});

test('sgdMomentumStep equals the float32 loop in every bit, with and without Nesterov', () => {
  const [lr, momentum, weightDecay] = [round(0.1), round(0.9), round(0.01)];
  for (const n of LENGTHS) {
    for (const nesterov of [false, true]) {
      const arena = createArena(1);
      const [p, g, b] = [wave(n, 0), wave(n, 1), wave(n, 2)];
      const [pAt, gAt, bAt] = [place(arena, p), place(arena, g), place(arena, b)];
      arena.kernels.sgdMomentumStep(pAt.offset, gAt.offset, bAt.offset, n, lr, momentum, nesterov, weightDecay);
      for (let i = 0; i < n; i++) {
        const grad = round(at(g, i) + round(weightDecay * at(p, i)));
        b[i] = round(round(momentum * at(b, i)) + grad);
        const update = nesterov ? round(grad + round(momentum * at(b, i))) : at(b, i);
        p[i] = round(at(p, i) - round(lr * update));
      }
      assertBits(pAt, p, 'parameter');
      assertBits(bAt, b, 'buffer');
    }
  }
});

test('lionStep moves by lr against the sign, and not at all where the blend is zero', () => {
  const [decay, lr, updateWeight, meanWeight] = [round(0.999), round(0.01), round(0.1), round(0.01)];
  for (const n of LENGTHS) {
    const arena = createArena(1);
    const [p, g, m] = [wave(n, 0), wave(n, 1), wave(n, 2)];
    const [pAt, gAt, mAt] = [place(arena, p), place(arena, g), place(arena, m)];
    arena.kernels.lionStep(pAt.offset, gAt.offset, mAt.offset, n, decay, lr, updateWeight, meanWeight);
    for (let i = 0; i < n; i++) {
      const step = round(at(g, i) - at(m, i));
      const sign = Math.sign(round(at(m, i) + round(updateWeight * step)));
      p[i] = round(round(at(p, i) * decay) - sign * lr);
      m[i] = round(at(m, i) + round(meanWeight * step));
    }
    assertBits(pAt, p, 'parameter');
    assertBits(mAt, m, 'mean');
  }
});

test('muonMomentum blends the buffer and writes the update beside it', () => {
  const [weight, momentum] = [round(0.05), round(0.95)];
  for (const n of LENGTHS) {
    for (const nesterov of [false, true]) {
      const arena = createArena(1);
      const [g, b] = [wave(n, 1), wave(n, 2)];
      const [gAt, bAt, outAt] = [place(arena, g), place(arena, b), place(arena, new Float32Array(n))];
      arena.kernels.muonMomentum(gAt.offset, bAt.offset, outAt.offset, n, weight, momentum, nesterov);
      const out = new Float32Array(n);
      for (let i = 0; i < n; i++) {
        b[i] = round(at(b, i) + round(weight * round(at(g, i) - at(b, i))));
        out[i] = nesterov ? round(at(g, i) + round(momentum * round(at(b, i) - at(g, i)))) : at(b, i);
      }
      assertBits(bAt, b, 'buffer');
      assertBits(outAt, out, 'update');
      assertBits(gAt, g, 'gradient');
    }
  }
});

test('scaledAdd and scale equal the float32 loops in every bit', () => {
  const [keep, factor] = [round(0.75), round(-0.3)];
  for (const n of LENGTHS) {
    const arena = createArena(1);
    const [x, y] = [wave(n, 0), wave(n, 1)];
    const [xAt, yAt] = [place(arena, x), place(arena, y)];
    arena.kernels.scaledAdd(yAt.offset, xAt.offset, n, keep, factor);
    assertBits(
      yAt,
      y.map((value, i) => round(round(value * keep) + round(factor * at(x, i)))),
      'scaledAdd',
    );
    arena.kernels.scale(xAt.offset, n, factor);
    assertBits(
      xAt,
      x.map((value) => value * factor),
      'scale',
    );
  }
});

test('sumOfSquares is the float64 sum, even where float32 squares overflow', () => {
  /** Two orders of a float64 sum of 37 terms of size at most one differ by a few units of 2^-53. */
  const ORDER_TOLERANCE = 1e-14;
  for (const n of LENGTHS) {
    const arena = createArena(1);
    const x = wave(n, 0);
    const expected = x.reduce((sum, value) => sum + value * value, 0);
    const found = arena.kernels.sumOfSquares(place(arena, x).offset, n);
    assert.ok(Math.abs(found - expected) <= ORDER_TOLERANCE * expected, `n = ${n}: ${found} against ${expected}`);
  }
  const arena = createArena(1);
  assert.equal(arena.kernels.sumOfSquares(place(arena, Float32Array.of(2 ** 127, 0, 0, 0)).offset, 4), 2 ** 254);
});

test('firstNonFinite names the first NaN or infinity wherever it sits, and -1 when there is none', () => {
  for (const n of LENGTHS) {
    const arena = createArena(1);
    const region = place(arena, wave(n, 0).fill(3.4e38, 0, 1));
    assert.equal(arena.kernels.firstNonFinite(region.offset, n), -1);
    for (let i = n - 1; i >= 0; i--) {
      region.view[i] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][i % 3] ?? Number.NaN;
      assert.equal(arena.kernels.firstNonFinite(region.offset, n), i);
      assert.ok(!Number.isFinite(arena.kernels.sumOfSquares(region.offset, n)));
    }
  }
});

test('matmul sums over k in order: every bit as the naive loop, for ragged shapes and transposed operands', () => {
  for (const [m, n, k] of [
    [1, 1, 1],
    [4, 8, 3],
    [5, 9, 7],
    [3, 17, 12],
    [13, 7, 1],
    [6, 8, 37],
  ] as const) {
    for (const isTransposed of [false, true]) {
      const arena = createArena(1);
      const [a, b] = [wave(m * k, 0), wave(k * n, 1)];
      const [aAt, bAt, outAt] = [place(arena, a), place(arena, b), place(arena, new Float32Array(m * n))];
      const scratch = arena.float32('scratch', 8 * k + 32);
      const [aRow, aColumn] = isTransposed ? [4, 4 * m] : [4 * k, 4];
      const [bRow, bColumn] = isTransposed ? [4, 4 * k] : [4 * n, 4];
      const operands = [aAt.offset, aRow, aColumn, bAt.offset, bRow, bColumn] as const;
      arena.kernels.matmul(m, n, k, ...operands, outAt.offset, scratch.offset, false);
      const expected = new Float32Array(m * n);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) {
            const left = at(a, isTransposed ? l * m + i : i * k + l);
            sum = round(sum + round(left * at(b, isTransposed ? j * k + l : l * n + j)));
          }
          expected[i * n + j] = sum;
        }
      }
      assertBits(outAt, expected, `[${m}, ${k}] x [${k}, ${n}]`);
    }
  }
});

test('a symmetric product equals the full one in every bit', () => {
  for (const [m, k] of [
    [1, 5],
    [4, 4],
    [9, 3],
    [16, 20],
    [23, 11],
  ] as const) {
    const arena = createArena(1);
    const a = place(arena, wave(m * k, 0));
    const [half, full] = [arena.float32('half', m * m), arena.float32('full', m * m)];
    const scratch = arena.float32('scratch', 8 * k + 32);
    for (const [out, isSymmetric] of [
      [half, true],
      [full, false],
    ] as const) {
      arena.kernels.matmul(m, m, k, a.offset, 4 * k, 4, a.offset, 4, 4 * k, out.offset, scratch.offset, isSymmetric);
    }
    assert.deepEqual(half.view, full.view);
  }
});

test('polynomial is c0 I + c1 A + c2 B and may overwrite an operand', () => {
  for (const n of [1, 2, 3, 5, 8]) {
    const arena = createArena(1);
    const [a, b] = [wave(n * n, 0), wave(n * n, 1)];
    const [aAt, bAt] = [place(arena, a), place(arena, b)];
    arena.kernels.polynomial(n, aAt.offset, bAt.offset, aAt.offset, 0.5, -2, round(0.3));
    const expected = a.map((value, i) => {
      const sum = round(round(-2 * value) + round(round(0.3) * at(b, i)));
      return i % (n + 1) === 0 ? round(sum + 0.5) : sum;
    });
    assertBits(aAt, expected, `n = ${n}`);
  }
});

test('an arena hands out aligned, zeroed, disjoint views of one buffer', () => {
  const lengths = [1, 16, 17, 0, 100];
  const arena = createArena(arenaBytes(lengths));
  const regions = lengths.map((length, i) => arena.float32(`r${i}`, length));
  for (const [i, { offset, view }] of regions.entries()) {
    assert.equal(offset % 64, 0);
    assert.equal(view.byteOffset, offset);
    assert.equal(view.buffer, arena.buffer);
    assert.ok(view.every((value) => value === 0));
    view.fill(i + 1);
  }
  for (const [i, { view }] of regions.entries()) assert.ok(view.every((value) => value === i + 1));
});

test('an arena refuses what does not fit, saying what was asked and what is left', () => {
  assert.throws(() => createArena(2 ** 33), /at most 4095\.9 MiB.*found 8192\.0 MiB/);
  assert.throws(() => createArena(1).float32('embedding', 20_000), /"embedding" needs 80000 bytes, 65472 are left/);
  assert.throws(() => createArena(1).float32('embedding', 1.5), /expected a count/);
});

test('kernels work beyond 2 GiB, where a signed pointer would be negative', () => {
  const arena = createArena(2 ** 31 + 2 ** 20);
  arena.float32('hole', 2 ** 29);
  const region = place(arena, wave(37, 0));
  assert.ok(region.offset > 2 ** 31);
  arena.kernels.scale(region.offset, 37, 2);
  assertBits(
    region,
    wave(37, 0).map((value) => 2 * value),
    'scale',
  );
});

test('sparseDecode and sparseGradients touch the features that fire alone, and are the dense sums', () => {
  const [rows, k, features] = [3, 2, 5];
  const codes = Float32Array.of(0.5, 0, -1.5, 2, 0, 0);
  const indices = Int32Array.of(4, 0, 1, 4, 2, 3);
  for (const width of [1, 3, 4, 7, 8, 9, 37]) {
    const arena = createArena(1);
    const [dictionary, target] = [wave(features * width, 0), wave(rows * width, 1)];
    const input = wave(rows * width, 2);
    const names = [dictionary, target, input, codes, new Float32Array(rows * k), new Float32Array(rows * width)];
    const [d, t, x, v, at0, out] = names.map((values) => place(arena, values));
    const [gD, gE, gB, gO] = [features * width, features * width, features, width].map((length) =>
      place(arena, new Float32Array(length)),
    );
    assert.ok(d && t && x && v && at0 && out && gD && gE && gB && gO);
    new Int32Array(arena.buffer, at0.offset, indices.length).set(indices);
    arena.kernels.sparseDecode(v.offset, at0.offset, rows, k, d.offset, width, t.offset, out.offset);
    const scale = 0.25;
    const where = [gD.offset, gE.offset, gB.offset, gO.offset] as const;
    const before = [v.offset, at0.offset, rows, k, d.offset, width, out.offset, x.offset] as const;
    arena.kernels.sparseGradients(...before, ...where, scale);

    const expected = { d: new Float64Array(features * width), e: new Float64Array(features * width) };
    const [bias, total] = [new Float64Array(features), new Float64Array(width)];
    for (let row = 0; row < rows; row++) {
      const left = Array.from({ length: width }, (_, i) => -at(target, row * width + i));
      for (let j = row * k; j < (row + 1) * k; j++) {
        left.forEach((value, i) => (left[i] = value + at(codes, j) * at(dictionary, (indices[j] ?? 0) * width + i)));
      }
      left.forEach((value, i) => (total[i] = (total[i] ?? 0) + scale * value));
      left.forEach((value, i) => assert.ok(Math.abs(value - at(out.view, row * width + i)) < 1e-5));
      for (let j = row * k; j < (row + 1) * k; j++) {
        if (at(codes, j) === 0) continue;
        const [f, start] = [indices[j] ?? 0, (indices[j] ?? 0) * width];
        const slope = scale * left.reduce((sum, value, i) => sum + value * at(dictionary, start + i), 0);
        bias[f] = (bias[f] ?? 0) + slope;
        left.forEach((value, i) => {
          expected.d[start + i] = (expected.d[start + i] ?? 0) + scale * at(codes, j) * value;
          expected.e[start + i] = (expected.e[start + i] ?? 0) + slope * at(input, row * width + i);
        });
      }
    }
    for (const [region, sums] of [
      [gD, expected.d],
      [gE, expected.e],
      [gB, bias],
      [gO, total],
    ] as const) {
      assert.equal(region.view.at(-1), GUARD, 'ran past the end');
      sums.forEach((sum, i) => assert.ok(Math.abs(sum - at(region.view, i)) < 1e-4, `${width}: ${i}`));
    }
  }
});
