/** Prompts read beside others: the same bits, and so the same replies, as read alone. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { compilePrefill, keptOutput, promptsAtOnce } from '#learning/generation/programs.ts';
import { applyMethod, type Method } from '#learning/method.ts';
import { MOST_PROMPTS } from '#learning/models/cached.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { drawnWeights } from '#learning/nn/layers.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { createTrainer } from '#learning/train.ts';

const LENGTH = 48;
/** Sums longer than the 128 that the runtime takes at once, and shares of a matrix as narrow as they may be on two threads. */
const WIDE: TransformerConfig = {
  family: 'llama',
  vocabulary: 300,
  dModel: 192,
  nLayers: 2,
  nHeads: 6,
  nKvHeads: 3,
  headDim: 64,
  dMlp: 320,
  norm: { kind: 'rmsNorm', epsilon: 1e-5 },
  activation: 'silu',
  mlp: 'gated',
  qkNorm: false,
  tied: true,
  initialStd: 0.2,
  positions: { kind: 'rotary', theta: 1e4 },
  biases: { qkv: true, attentionOut: false, mlp: false },
};
const LORA: Method = { kind: 'lora', rank: 1, alpha: 1, scaling: 'alphaOverRank', modules: 'all' };

function randomPrompts(count: number): readonly Int32Array[] {
  const rng = rngOf(7, 'prompts');
  return Array.from({ length: count }, (_, i) =>
    Int32Array.from({ length: LENGTH - (i % 9) }, () => rng.below(WIDE.vocabulary)),
  );
}

/** Hashes of each prompt's logits, keys and values, read in one program. */
async function read(
  prompts: readonly Int32Array[],
  method: Method,
  threads: number,
): Promise<readonly (readonly string[])[]> {
  const model = applyMethod(method, WIDE);
  await using program = await compilePrefill(WIDE, model, prompts.length, LENGTH, threads);
  const specs = [...model.base, ...model.trained].map((spec) => ({
    ...spec,
    initial: { kind: 'normal', std: 0.1 } as const,
  }));
  for (const [name, values] of drawnWeights(specs, rngOf(1))) program.bindIfKnown(name, values);
  for (const [place, tokens] of prompts.entries()) {
    program.int32('tokens').set(tokens, place * LENGTH);
    program.int32('last')[place] = place * LENGTH + tokens.length - 1;
  }
  await program.run();
  const outputs: readonly (readonly [name: string, rows: number])[] = [
    ['logits', MOST_PROMPTS],
    ...[0, 1].flatMap((layer) =>
      (['keys', 'values'] as const).map((of) => [keptOutput(of, layer), prompts.length] as const),
    ),
  ];
  return prompts.map((_, place) =>
    outputs.map(([name, rows]) => {
      const { buffer, byteOffset, byteLength } = program.float32(name);
      const width = byteLength / rows;
      return createHash('sha256')
        .update(new Uint8Array(buffer, byteOffset + place * width, width))
        .digest('hex');
    }),
  );
}

for (const method of [{ kind: 'full' }, LORA] as const) {
  for (const threads of [1, 2]) {
    test(`a prompt has the same bits read alone and beside others (${method.kind}, ${threads} threads)`, async () => {
      const prompts = randomPrompts(promptsAtOnce(WIDE, applyMethod(method, WIDE), LENGTH, threads));
      assert.equal(prompts.length, 4);
      const together = await read(prompts, method, threads);
      for (const [place, prompt] of prompts.entries()) {
        const [alone] = await read([prompt], method, threads);
        assert.deepEqual(together[place], alone);
      }
      assert.notDeepEqual(together[1], together[0]);
    });
  }
}

test('prompts are read alone where their bits could show the others', () => {
  const full = applyMethod({ kind: 'full' }, WIDE);
  const atOnce = (length: number, threads = 1): number => promptsAtOnce(WIDE, full, length, threads);
  assert.deepEqual(
    [32, 48, 64, 96, 128, 192, 512].map((length) => atOnce(length)),
    [8, 4, 4, 2, 2, 1, 1],
  );
  assert.equal(atOnce(40), 1, 'lengths that a context cuts');
  assert.equal(atOnce(16), 1);
  assert.equal(atOnce(48, 3), 1, 'a third of 192 outputs is summed in other blocks');
  assert.equal(promptsAtOnce({ ...WIDE, nKvHeads: 1 }, full, LENGTH, 2), 1, 'threads share a product of attention');
  const wideAdapter = applyMethod({ ...LORA, rank: 64 }, WIDE);
  assert.equal(promptsAtOnce(WIDE, wideAdapter, LENGTH, 2), 1, 'an adapter of 64 outputs for 32 rows');
});

test('replies to prompts that are read together are those to each alone, in any order and with several samples', async () => {
  await using trainer = await createTrainer({
    model: WIDE,
    method: LORA,
    optimizer: ADAMW_DEFAULTS,
    batch: { rows: 1, length: 4 },
  });
  trainer.reset(drawnWeights(applyMethod({ kind: 'full' }, WIDE).base, rngOf(2)), rngOf(1));
  const prompts = randomPrompts(6).map((tokens, i) => ({ name: `${i}`, tokens }));
  const say = async (asked: typeof prompts) =>
    trainer.generator({ rows: 3, contextLength: 96 }).generate(asked, {
      maxTokens: 8,
      temperature: 1,
      topP: 1,
      samples: 2,
      stopTokens: new Set([0, 1, 2, 3]),
      rng: rngOf(3),
    });
  const together = await say(prompts);
  assert.deepEqual((await say(prompts.toReversed())).toReversed(), together);
  for (const [i, prompt] of prompts.entries()) assert.deepEqual(await say([prompt]), [together[i]]);
  assert.equal(new Set(together.flat().map(({ tokens }) => tokens.join())).size, 12);
});
