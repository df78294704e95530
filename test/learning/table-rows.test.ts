/** Gradients of large tables that are read by rows and in whole: written in parts, and added up where they lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { lower } from '#engine/onnx/lower.ts';
import { gather, scatterRows } from '#engine/ops/indexing.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { crossEntropy, weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import { createLearner } from '#learning/learner.ts';
import { gradientOutput, lossGraph } from '#learning/loss.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';

/** 2^20 values. */
const [VOCABULARY, WIDTH] = [4096, 256];
/** Tokens that come once, twice, three times. */
const TOKENS = Int32Array.of(7, 4095, 7, 0, 12, 7, 0, 300);
const LABELS = Int32Array.of(1, 7, 2, 4095, 12, 9, 0, 7);
const COUNT = TOKENS.length;
const SPEC = {
  name: 'table',
  shape: [VOCABULARY, WIDTH],
  role: 'embedding',
  initial: { kind: 'normal', std: 0.3 },
} as const;

const TABLE = input('table', SPEC.shape);
const TOKEN_INPUT = input('tokens', [COUNT], 'int32');
const LOSS = weightedSum(
  crossEntropy(matmul(gather(TABLE, TOKEN_INPUT), TABLE, { transposeB: true }), input('labels', [COUNT], 'int32')),
  input('weights', [COUNT]),
);
const FEEDS = { tokens: TOKENS, labels: LABELS, weights: drawn('weights', COUNT) };

for (const accumulation of [1, 2]) {
  test(`a table's gradient of ${accumulation} micro-batches has the bits of the sum in one program`, async () => {
    const values = drawn('table', sizeOf(SPEC.shape));
    await using learner = await createLearner({
      parameters: [SPEC],
      loss: { loss: LOSS },
      optimizer: ADAMW_DEFAULTS,
      accumulation,
    });
    learner.reset(new Map([['table', values]]), rngOf(0, 'none'));
    const losses: number[] = [];
    for (let i = 0; i < accumulation; i++) losses.push(await learner.forwardBackward(FEEDS));
    const expected = await inOneProgram(values);
    const total = expected.gradient.map((value) => accumulation * value);
    assert.deepEqual(
      losses,
      losses.map(() => expected.loss),
    );
    assert.equal(
      learner.gradients.get('table')?.findIndex((value, i) => value !== total[i]),
      -1,
    );
  });
}

test('no program of such a loss holds the rows as a table', () => {
  const { outputs, tables } = lossGraph({ loss: LOSS }, [SPEC]);
  const operators = lower(outputs).nodes.map(({ operator, outputs: [name] }) => ({ operator, name }));
  const scattered = operators.filter(({ operator }) => operator === 'ScatterElements');
  assert.equal(scattered.length, 1, 'that of the labels');
  assert.deepEqual(
    tables.map(({ whole }) => whole),
    [gradientOutput('table')],
  );
  assert.ok(operators.some(({ operator, name }) => operator === 'Gemm' && name === gradientOutput('table')));
});

test('zeros of a large table are made by a run, and no constant is kept of them', () => {
  const rows = input('rows', [COUNT, WIDTH]);
  const [large, small] = [TABLE, input('small', [VOCABULARY / 2, WIDTH])].map((like) =>
    lower({ y: scatterRows(rows, TOKEN_INPUT, like) }),
  );
  const isConstant = (graph: typeof large): boolean | undefined => {
    const zero = graph?.nodes.find(({ operator }) => operator === 'Expand')?.inputs[0];
    return graph?.initializers.some(({ name }) => name === zero);
  };
  assert.deepEqual([isConstant(large), isConstant(small)], [false, true]);
});

async function inOneProgram(values: Float32Array): Promise<{ readonly loss: number; readonly gradient: Float32Array }> {
  const [gradient = LOSS] = differentiate(LOSS, [TABLE]);
  await using program = await compile({ loss: LOSS, gradient });
  program.bind('table', values);
  program.int32('tokens').set(FEEDS.tokens);
  program.int32('labels').set(FEEDS.labels);
  program.float32('weights').set(FEEDS.weights);
  await program.run();
  return { loss: program.float32('loss')[0] ?? Number.NaN, gradient: program.float32('gradient') };
}

function drawn(name: string, length: number): Float32Array {
  const rng = rngOf(0, name);
  return Float32Array.from({ length }, () => 0.3 * rng.normal());
}
