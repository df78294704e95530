/**
 * What an optimizer step costs, on one thread: AdamW on 3.3M parameters against a JavaScript loop, Newton-Schulz
 * against the plain iteration as an ONNX Runtime program, and one whole step of each optimizer on a small transformer
 * (d = 96, 3 layers: twelve matrices).
 * Run: node bench/optim.ts. Prints median and quartiles over rounds; the peers of a subject take turns within a round.
 * PyTorch's side: bench/peers/optim.py.
 */
import { rngOf } from '#base/rng.ts';
import { arenaBytes, createArena } from '#engine/kernels/arena.ts';
import { add, mul } from '#engine/ops/elementwise.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { input } from '#engine/ops/sources.ts';
import { compile, type Program } from '#engine/session.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { LION_DEFAULTS } from '#learning/optim/lion.ts';
import { SHAMPOO_DEFAULTS } from '#learning/optim/shampoo.ts';
import { SIGN_DEFAULTS } from '#learning/optim/sign.ts';
import { SOAP_DEFAULTS } from '#learning/optim/soap.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import { createNewtonSchulz, newtonSchulzLength, type MatrixShape } from '#learning/optim/newton-schulz.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createOptimizer, trainingBytes } from '#learning/optim/optimizer.ts';
import { placeParameters, type Trained } from '#learning/optim/parameter.ts';
import { SGD_DEFAULTS } from '#learning/optim/sgd.ts';

const ROUNDS = 30;
const WARMUP_ROUNDS = 5;
const ADAMW_PARAMETERS = 3_300_000;
const SHAPES: readonly MatrixShape[] = [
  [96, 96],
  [288, 96],
  [384, 96],
  [96, 384],
  [512, 512],
];
const BLOCK: readonly Trained[] = [
  { name: 'qkv', shape: [288, 96], role: 'matrix' },
  { name: 'out', shape: [96, 96], role: 'matrix' },
  { name: 'up', shape: [384, 96], role: 'matrix' },
  { name: 'down', shape: [96, 384], role: 'matrix' },
  { name: 'gains', shape: [1056], role: 'vector' },
];
const TRANSFORMER: readonly Trained[] = [
  { name: 'tokens', shape: [295, 96], role: 'embedding' },
  ...[0, 1, 2].flatMap((layer) => BLOCK.map((spec) => ({ ...spec, name: `${layer}.${spec.name}` }))),
];

type Subject = readonly [label: string, run: () => void | Promise<void>];

/** Prints median [quartiles] in milliseconds of each subject, interleaved. */
async function measure(title: string, repeats: number, subjects: readonly Subject[]): Promise<void> {
  const samples = subjects.map((): number[] => []);
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    for (const [i, [, run]] of subjects.entries()) {
      const start = performance.now();
      for (let repeat = 0; repeat < repeats; repeat++) await run();
      if (round >= WARMUP_ROUNDS) samples[i]?.push((performance.now() - start) / repeats);
    }
  }
  console.log(`${title} (n = ${ROUNDS} rounds of ${repeats})`);
  for (const [i, [label]] of subjects.entries()) {
    const sorted = (samples[i] ?? []).toSorted((a, b) => a - b);
    const [low, median, high] = [0.25, 0.5, 0.75].map((q) => (sorted[Math.floor(q * sorted.length)] ?? 0).toFixed(3));
    console.log(`  ${label.padEnd(44)} ${median} ms [${low}, ${high}]`);
  }
}

function fillNormal(values: Float32Array, name: string): void {
  const rng = rngOf(0, name);
  for (let i = 0; i < values.length; i++) values[i] = rng.normal();
}

/** torch.optim.AdamW as a plain loop over typed arrays. */
function javascriptAdamW(p: Float32Array, g: Float32Array, m: Float32Array, v: Float32Array, step: number): void {
  const [lr, beta1, beta2, eps, weightDecay] = [1e-3, 0.9, 0.999, 1e-8, 0.01];
  const stepSize = lr / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  for (let i = 0; i < p.length; i++) {
    const grad = g[i] ?? 0;
    const mean = beta1 * (m[i] ?? 0) + (1 - beta1) * grad;
    const square = beta2 * (v[i] ?? 0) + (1 - beta2) * grad * grad;
    m[i] = mean;
    v[i] = square;
    p[i] = (p[i] ?? 0) * (1 - lr * weightDecay) - (stepSize * mean) / (Math.sqrt(square) * correction + eps);
  }
}

async function benchAdamW(): Promise<void> {
  const specs: readonly Trained[] = [{ name: 'all', shape: [ADAMW_PARAMETERS], role: 'vector' }];
  const arena = createArena(trainingBytes(ADAMW_DEFAULTS, specs));
  const parameters = placeParameters(specs, arena);
  const optimizer = createOptimizer(
    ADAMW_DEFAULTS,
    parameters.map(({ handle }) => handle),
    arena,
  );
  const [p, g, m, v] = Array.from({ length: 4 }, () => new Float32Array(ADAMW_PARAMETERS));
  if (p === undefined || g === undefined || m === undefined || v === undefined) return;
  fillNormal(g, 'gradient');
  for (const { gradient } of parameters) gradient.set(g);
  let step = 0;
  await measure(`AdamW step, ${ADAMW_PARAMETERS} parameters`, 2, [
    ['WASM SIMD kernel', () => optimizer.step(1e-3)],
    ['JavaScript loop', () => javascriptAdamW(p, g, m, v, ++step)],
  ]);
}

/** The plain Newton-Schulz iteration in the wide orientation, without its normalization, as an ONNX program. */
async function plainProgram(rows: number, columns: number): Promise<Program> {
  let x = input('x', rows > columns ? [columns, rows] : [rows, columns]);
  for (let step = 0; step < 5; step++) {
    const gram = matmul(x, x, { transposeB: true });
    const polynomial = add(mul(gram, -4.775), matmul(gram, gram, { alpha: 2.0315 }));
    x = add(mul(x, 3.4445), matmul(polynomial, x));
  }
  return compile({ out: x });
}

async function benchNewtonSchulz(): Promise<void> {
  for (const [rows, columns] of SHAPES) {
    const length = rows * columns;
    const arena = createArena(arenaBytes([length, length, newtonSchulzLength([[rows, columns]])]));
    const [matrix, out] = [arena.float32('matrix', length).view, arena.float32('out', length).view];
    fillNormal(matrix, `${rows} x ${columns}`);
    const orthogonalize = createNewtonSchulz(arena, [[rows, columns]]);
    await using plain = await plainProgram(rows, columns);
    fillNormal(plain.float32('x'), `${rows} x ${columns}`);
    for (const [i, value] of plain.float32('x').entries()) plain.float32('x')[i] = value / Math.sqrt(length);
    await measure(`Newton-Schulz, ${rows} x ${columns}`, length > 1e5 ? 1 : 10, [
      ['WASM SIMD kernels, Gram form', () => orthogonalize(matrix, rows, columns, out)],
      ['ONNX Runtime, plain form', () => plain.run()],
    ]);
  }
}

async function benchSteps(): Promise<void> {
  const configs: readonly OptimizerConfig[] = [
    MUON_DEFAULTS,
    ADAMW_DEFAULTS,
    SGD_DEFAULTS,
    LION_DEFAULTS,
    SIGN_DEFAULTS,
    { ...SHAMPOO_DEFAULTS, every: 10 },
    SOAP_DEFAULTS,
  ];
  const subjects = configs.map((config): Subject => {
    const arena = createArena(trainingBytes(config, TRANSFORMER));
    const parameters = placeParameters(TRANSFORMER, arena);
    for (const { gradient, handle } of parameters) fillNormal(gradient, handle.name);
    const optimizer = createOptimizer(
      config,
      parameters.map(({ handle }) => handle),
      arena,
    );
    return [config.kind, () => optimizer.step(1e-3)];
  });
  await measure('One step, transformer of d = 96 and 3 layers', 3, subjects);
}

await benchAdamW();
await benchSteps();
await benchNewtonSchulz();
