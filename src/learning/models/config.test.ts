import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkTransformer, gpt2Config, type TransformerConfig } from './config.ts';

const PLAIN = gpt2Config({ vocabulary: 11, dModel: 8, nLayers: 2, nHeads: 2, length: 4 });
const LLAMA: TransformerConfig = { ...PLAIN, family: 'llama', positions: { kind: 'rotary', theta: 10_000 } };

const BROKEN: readonly (readonly [config: TransformerConfig, named: RegExp])[] = [
  [{ ...PLAIN, dMlp: 0 }, /positive whole sizes/],
  [{ ...PLAIN, vocabulary: 1.5 }, /positive whole sizes/],
  [{ ...LLAMA, nKvHeads: 3 }, /nHeads \(2\) to be a multiple of nKvHeads \(3\)/],
  [{ ...LLAMA, headDim: 3 }, /an even headDim for rotary positions, found 3/],
  [{ ...PLAIN, nKvHeads: 1 }, /as many kv heads as heads in the gpt2 layout/],
  [{ ...PLAIN, headDim: 8 }, /nHeads \* headDim = dModel \(8\) in the gpt2 layout/],
  [{ ...PLAIN, mlp: 'gated' }, /a plain MLP in the gpt2 layout/],
  [{ ...LLAMA, layers: [{ window: 2 }] }, /an entry of layers for each of 2/],
  [{ ...LLAMA, layers: [] }, /an entry of layers for each of 2/],
  [{ ...LLAMA, layers: [{}, {}, {}, {}] }, /an entry of layers for each of 2/],
];

test('A transformer whose sizes do not fit together is refused by what is wrong', () => {
  checkTransformer(PLAIN);
  checkTransformer({ ...LLAMA, nKvHeads: 1, layers: [{}, { window: 2 }] });
  for (const [config, named] of BROKEN) assert.throws(() => checkTransformer(config), named);
});
