/** Every kernel over ragged lengths, and a digest of all memory it leaves, on stdout: run under flags of V8 by `kernels-tiers.test.ts`. */
import { createHash } from 'node:crypto';

import { rngOf } from '#base/rng.ts';
import { createArena } from '#engine/kernels/arena.ts';

const LENGTHS = [1, 3, 4, 7, 8, 11, 16, 29, 64, 97];
const ROOM = 97 * 97 + 64;
const rng = rngOf(0, 'kernels');
const hash = createHash('sha256');

/** Seven regions of random values and what the kernels make of them. */
function digest(n: number): void {
  const arena = createArena(64 * ROOM);
  const regions = Array.from({ length: 7 }, (_, i) => arena.float32(`region ${i}`, ROOM));
  for (const { view } of regions) for (let i = 0; i < view.length; i++) view[i] = rng.normal();
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = regions.map(({ offset }) => offset);
  const { kernels } = arena;
  regions[3]?.view.forEach((value, i, view) => void (view[i] = Math.abs(value)));
  kernels.adamwStep(a, b, c, d, n, 0.999, 0.1, 0.95, 0.05, 0.01, 1.25, 1e-8);
  kernels.sgdMomentumStep(a, b, c, n, 0.01, 0.9, true, 0.1);
  kernels.lionStep(a, b, c, n, 0.999, 0.01, 0.1, 0.01);
  kernels.muonMomentum(b, c, e, n, 0.05, 0.95, true);
  kernels.scaledAdd(a, e, n, 0.5, -0.3);
  kernels.scale(e, n, 1.7);
  const scratch = arena.float32('scratch', 8 * ROOM);
  kernels.matmul(n, n, n, a, 4 * n, 4, b, 4, 4 * n, f, scratch.offset, false);
  kernels.matmul(n, n, n, a, 4 * n, 4, a, 4, 4 * n, g, scratch.offset, true);
  kernels.polynomial(n, f, g, f, 3.4445, -4.775, 2.0315);
  sparse(n, [a, b, c, d, e]);
  hash.update(new Uint8Array(arena.buffer));
  hash.update(`${kernels.sumOfSquares(a, n)} ${kernels.firstNonFinite(a, n)}`);

  function sparse(width: number, [dictionary = 0, input = 0, target = 0, codes = 0, out = 0]: readonly number[]): void {
    const [rows, k] = [3, 2];
    const indices = arena.float32('indices', rows * k);
    new Int32Array(arena.buffer, indices.offset, rows * k).set([4, 0, 1, 4, 2, 3]);
    kernels.sparseDecode(codes, indices.offset, rows, k, dictionary, width, target, out);
    const [ofFeatures, ofEncoder, ofBias, ofOut] = [5 * width, 5 * width, 5, width].map(
      (length) => arena.float32('gradient', length).offset,
    );
    const gradients = [ofFeatures ?? 0, ofEncoder ?? 0, ofBias ?? 0, ofOut ?? 0] as const;
    kernels.sparseGradients(codes, indices.offset, rows, k, dictionary, width, out, input, ...gradients, 0.25);
  }
}

for (const n of LENGTHS) digest(n);
console.log(hash.digest('hex'));
