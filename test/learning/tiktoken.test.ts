/** A tokenizer that is a file of ranks: StableLM 2's, against tiktoken (test/reference/tiktoken-ranks.py). */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import { openModel } from '#learning/files/open-model.ts';
import { BYTE_CHARACTERS } from '#learning/files/text/tokens/splitter.ts';

const TEST = join(import.meta.dirname, '..');
const { cases } = JSON.parse(await readFile(join(TEST, 'reference/tiktoken-ranks.json'), 'utf8')) as {
  readonly cases: readonly (readonly [text: string, ids: readonly number[]])[];
};
const { tokens } = JSON.parse(await readFile(join(TEST, 'fixtures/gguf-families/tokenizers.json'), 'utf8')) as {
  readonly tokens: readonly string[];
};
const LINES = tokens.map((token, rank) => {
  const bytes = Uint8Array.from(Array.from(token, (letter) => BYTE_CHARACTERS.indexOf(letter)));
  return `${Buffer.from(bytes).toString('base64')} ${rank}`;
});

/** As StableLM 2's folder has it. */
const CONFIG: JsonObject = {
  auto_map: { AutoTokenizer: ['tokenization_arcade100k.Arcade100kTokenizer', null] },
  clean_up_tokenization_spaces: true,
  eos_token: '<|im_end|>',
  errors: 'replace',
  tokenizer_class: 'Arcade100kTokenizer',
};

/** A tiny model whose folder has ranks in place of `tokenizer.json`. */
async function folderOf(lines: readonly string[]): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-ranks-')), 'model');
  await cp(join(TEST, 'fixtures/models/llama'), folder, { recursive: true });
  await rm(join(folder, 'tokenizer.json'));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(CONFIG));
  await writeFile(join(folder, 'arcade100k.tiktoken'), `${lines.join('\n')}\n`);
  return folder;
}

test('a folder with the ranks of StableLM 2 gives the ids of tiktoken and of its special tokens, and the texts back', async () => {
  await using model = await openModel(await folderOf(LINES));
  const { tokenizer } = model;
  assert.ok(tokenizer !== undefined && cases.length > 500);
  for (const [text, ids] of cases) {
    assert.deepEqual(tokenizer.encode(text, 'withSpecials'), ids, JSON.stringify(text));
    assert.equal(tokenizer.decode(ids), text.normalize('NFC'));
  }
  assert.deepEqual(tokenizer.specialTokens, { eos_token: '<|endoftext|>', pad_token: '<|endoftext|>' });
  assert.equal(tokenizer.idOf('<|extra0|>'), 100_288);
  assert.ok(tokenizer.isSpecial(100_257));
});

test('an export of such a folder holds the tokenizer as tokenizer.json, and names no code', async () => {
  await using model = await openModel(await folderOf(LINES));
  const to = join(await mkdtemp(join(tmpdir(), 'assay-written-')), 'model');
  const weights = new Map<string, Float32Array>();
  for (const name of model.shapes.keys()) weights.set(name, await model.tensor(name));
  await writeHuggingFace(to, model, (name) => weights.get(name) ?? new Float32Array());
  const config: JsonObject = JSON.parse(await readFile(join(to, 'tokenizer_config.json'), 'utf8'));
  assert.equal(config['auto_map'], undefined);
  await using again = await openModel(to);
  for (const [text, ids] of cases) assert.deepEqual(again.tokenizer?.encode(text, 'withSpecials'), ids);
});

const REFUSED: readonly (readonly [what: string, lines: readonly string[], message: RegExp])[] = [
  ['without a byte', LINES.filter((_, rank) => rank !== 7), /expected a rank for every byte, found none for \d+/],
  [
    'with a rank twice',
    [...LINES, `${Buffer.from('abcdef').toString('base64')} 3`],
    /line \d+: expected a token in base64/,
  ],
  [
    'with the rank of a special token',
    [...LINES, `${Buffer.from('abcdef').toString('base64')} 100257`],
    /line \d+: expected a token in base64 and its rank below 100257/,
  ],
  ['with a token twice', [...LINES, `${LINES[300]?.split(' ')[0]} 5000`], /line \d+: expected a token in base64/],
  ['with a line of another kind', [...LINES, 'hello world'], /line \d+: expected .*, found hello world/],
  ['with a token that no model has', [...LINES, `${'YWFh'.repeat(200)} 5000`], /line \d+: expected a token in base64/],
];

for (const [what, lines, message] of REFUSED) {
  test(`a file of ranks ${what} is refused, naming it`, async () => {
    const folder = await folderOf(lines);
    await assert.rejects(() => openModel(folder), message);
  });
}
