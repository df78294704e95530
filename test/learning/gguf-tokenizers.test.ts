/** Tokenizers of GGUF files, by the name of how they split: the ids that the tokenizer.json of their models gives. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { ggufTokenizer } from '#learning/files/gguf/gguf-tokenizer.ts';
import type { GgufValue } from '#learning/files/gguf/gguf-header.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(FIXTURES, path), 'utf8'));

interface Expected {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
  readonly byteLevel: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly spm: {
    readonly tokens: readonly string[];
    readonly scores: readonly number[];
    readonly types: readonly number[];
    readonly texts: readonly string[];
    readonly ids: readonly (readonly number[])[];
  };
}
const EXPECTED = (await read('gguf-families/tokenizers.json')) as Expected;
const TEXTS = (await read('tokenizers/texts.json')) as readonly string[];

function byteLevel(pre: string): TextTokenizer {
  const { tokens, merges } = EXPECTED;
  return opened({ model: 'gpt2', pre, tokens, merges, token_type: new Int32Array(tokens.length).fill(1) });
}

function opened(fields: Readonly<Record<string, GgufValue>>, architecture = 'llama'): TextTokenizer {
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', architecture],
    ...Object.entries(fields).map(([key, value]) => [`tokenizer.ggml.${key}`, value] as const),
  ]);
  const tokenizer = ggufTokenizer(metadata, 'x.gguf');
  assert.ok(tokenizer !== undefined);
  return tokenizer;
}

/** Names that mean the same splitting, of those that are compared. */
const SAME: Readonly<Record<string, string>> = {
  glm4: 'dbrx',
  'chatglm-bpe': 'dbrx',
  'command-r': 'command-r',
  'gpt-2': 'gpt-2',
  'phi-2': 'gpt-2',
  smollm: 'starcoder',
  starcoder: 'starcoder',
  refact: 'starcoder',
  olmo: 'olmo',
  mpt: 'olmo',
  dbrx: 'dbrx',
  'smaug-bpe': 'dbrx',
  tekken: 'tekken',
  'gpt-4o': 'gpt-4o',
  stablelm2: 'stablelm2',
  qwen2: 'stablelm2',
  'deepseek-r1-qwen': 'stablelm2',
};

for (const [pre, like] of Object.entries(SAME)) {
  test(`a byte-level tokenizer that splits as ${pre} gives the ids of tokenizers`, () => {
    const tokenizer = byteLevel(pre);
    for (const [i, text] of TEXTS.entries()) {
      assert.deepEqual(tokenizer.encode(text, 'plain'), EXPECTED.byteLevel[like]?.[i], JSON.stringify(text));
    }
  });
}

function sentencePiece(architecture: string): TextTokenizer {
  const { tokens, scores, types } = EXPECTED.spm;
  const numbers = { scores: Float32Array.from(scores), token_type: Int32Array.from(types) };
  const added = { add_space_prefix: false, add_bos_token: false };
  return opened({ model: 'llama', pre: 'default', tokens, ...numbers, ...added }, architecture);
}

test('a SentencePiece tokenizer with symbols of its user, as Gemma has them, gives the ids of SentencePiece', () => {
  const { texts, ids } = EXPECTED.spm;
  const tokenizer = sentencePiece('gemma2');
  for (const [i, text] of texts.entries()) {
    assert.deepEqual(tokenizer.encode(text, 'plain'), ids[i], JSON.stringify(text));
  }
});

test("Phi-3's special tokens take the white space behind them, but for three", () => {
  const [phi3, gemma] = [sentencePiece('phi3'), sentencePiece('gemma')];
  const [spaced, bare] = ['<start_of_turn> \n user<s> a', '<start_of_turn>user<s> a'];
  assert.deepEqual(phi3.encode(spaced, 'plain'), gemma.encode(bare, 'plain'));
  assert.notDeepEqual(gemma.encode(spaced, 'plain'), gemma.encode(bare, 'plain'));
});

for (const pre of ['default', 'superbpe', 'falcon3', 'gpt-4', 'qwen35']) {
  test(`a tokenizer that splits as ${pre} is refused, naming it`, () => {
    assert.throws(() => byteLevel(pre), new RegExp(`tokenizer\\.ggml\\.pre among gpt-2, .*, found ${pre}\\.`));
  });
}
