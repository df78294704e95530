import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';

import type { TemplateMessage } from './chat-template.ts';
import { chatTemplate } from './chat-template.ts';
import { parseStrictObject } from '#learning/files/strict-json.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { joinByteTokens, textTokenizer } from './tokenizer.ts';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures');
const KINDS = ['gpt2', 'smollm', 'llama3', 'qwen2', 'llama2', 'llama2-metaspace', 'unigram'];

const objectAt = async (path: string): Promise<JsonObject> => parseStrictObject(await readFile(path), path);

async function tokenizerOf(kind: string): Promise<TextTokenizer> {
  const folder = join(FIXTURES, 'tokenizers', kind);
  const config = await objectAt(join(folder, 'tokenizer_config.json'));
  return textTokenizer(await objectAt(join(folder, 'tokenizer.json')), config, kind);
}

interface Expected {
  readonly ids: number[];
  readonly plain?: number[] | null;
  readonly decoded: string;
  readonly withoutSpecials: string | null;
}

for (const kind of KINDS) {
  test(`the ${kind} tokenizer gives the ids and the text of transformers`, async () => {
    const tokenizer = await tokenizerOf(kind);
    const texts: string[] = JSON.parse(await readFile(join(FIXTURES, 'tokenizers/texts.json'), 'utf8'));
    const expected: Expected[] = JSON.parse(
      await readFile(join(FIXTURES, 'tokenizers', kind, 'expected.json'), 'utf8'),
    );
    for (const [i, { ids, plain, decoded, withoutSpecials }] of expected.entries()) {
      const text = texts[i]; // rows beyond the texts are ids to decode only
      if (text !== undefined) {
        assert.deepEqual(tokenizer.encode(text, 'withSpecials'), ids, text);
        assert.deepEqual(tokenizer.encode(text, 'plain'), plain ?? ids, text);
      }
      assert.equal(tokenizer.decode(ids), decoded);
      assert.equal(tokenizer.decode(Int32Array.from(ids), 'skip'), withoutSpecials ?? decoded);
    }
  });
}

test('bytes that are no UTF-8 decode to one U+FFFD each and a byte order mark is kept', () => {
  assert.deepEqual(joinByteTokens(['a', '<0xE2>', '<0x82>', 'b']), ['a', '\uFFFD', '\uFFFD', 'b']);
  assert.deepEqual(joinByteTokens(['<0xEF>', '<0xBB>', '<0xBF>']), ['\uFEFF']);
});

test('special tokens, sizes and unknown ids are known', async () => {
  const tokenizer = await tokenizerOf('smollm');
  assert.deepEqual(tokenizer.specialTokens, { bos_token: '<|im_start|>', eos_token: '<|im_end|>' });
  const end = tokenizer.idOf('<|im_end|>') ?? -1;
  assert.ok(tokenizer.isSpecial(end));
  assert.ok(!tokenizer.isSpecial(tokenizer.idOf('<tool_call>') ?? -1));
  assert.equal(tokenizer.tokenOf(end), '<|im_end|>');
  assert.equal(tokenizer.tokenOf(tokenizer.vocabSize), undefined);
  assert.throws(() => tokenizer.decode([tokenizer.vocabSize]), /token ids below \d+ that have a token/);
  assert.equal(tokenizer.decode([]), '');
  assert.deepEqual(tokenizer.encode('', 'plain'), []);
});

test('a token only tokenizer_config.json knows is recognised, as in transformers', async () => {
  const json = await objectAt(join(FIXTURES, 'tokenizers/gpt2/tokenizer.json'));
  const added = { added_tokens_decoder: { 900: { content: '<new>', special: true } } };
  const tokenizer = textTokenizer(json, added, 'gpt2');
  assert.deepEqual(tokenizer.encode('<new>', 'plain'), [900]);
  assert.equal(tokenizer.vocabSize, 901);
});

test('a broken tokenizer is refused with an AssayError, whatever is broken', async () => {
  const bytes = await readFile(join(FIXTURES, 'tokenizers/llama2/tokenizer.json'));
  const bad: [JsonObject, RegExp][] = [
    [{}, /a model with a vocabulary/],
    [{ model: { vocab: { a: -1 } } }, /token ids from 0/],
    [{ model: { vocab: { a: 1e12 } } }, /token ids from 0/],
    [{ model: { vocab: {} }, added_tokens: [{ id: 0 }] }, /content and id/],
    [{ model: { vocab: { a: 0 }, type: 'X' } }, /not understood/],
  ];
  for (const [json, message] of bad) assert.throws(() => textTokenizer(json, {}, 'bad'), message);
  const rng = rngOf(4, 'mutations');
  for (let i = 0; i < 400; i++) {
    const mutated = Uint8Array.from(bytes);
    const at = rng.below(i % 2 === 0 ? 1500 : mutated.byteLength);
    mutated[at] = (mutated[at] ?? 0) ^ (1 << rng.below(7));
    try {
      textTokenizer(parseStrictObject(mutated, 'x'), {}, 'x').encode('Hello wörld', 'withSpecials');
    } catch (thrown) {
      assert.ok(thrown instanceof AssayError, String(thrown));
    }
  }
});

interface Chats {
  readonly now: string;
  readonly templates: Record<string, string>;
  readonly tools: Json[];
  readonly chats: TemplateMessage[][];
  readonly printing: { readonly template: string; readonly text: string };
  readonly variables: Record<string, string>;
}

const chatsOf = async (): Promise<Chats> => JSON.parse(await readFile(join(FIXTURES, 'chat/chats.json'), 'utf8'));

interface Rendered {
  readonly template: string;
  readonly chat: number;
  readonly addGenerationPrompt: boolean;
  readonly tools: boolean;
  readonly text?: string;
  readonly error?: string;
}

test('chat templates render the text of transformers, and refuse what it refuses', async () => {
  const { now, templates, tools, chats, variables } = await chatsOf();
  const cases: Rendered[] = JSON.parse(await readFile(join(FIXTURES, 'chat/expected.json'), 'utf8'));
  assert.equal(cases.length, 120);
  for (const { template, chat, addGenerationPrompt, tools: withTools, text, error } of cases) {
    const compiled = chatTemplate(templates[template] ?? '', variables, new Date(`${now}Z`));
    const render = (): string =>
      compiled.render(chats[chat] ?? [], { addGenerationPrompt, ...(withTools ? { tools } : {}) });
    if (text !== undefined) assert.equal(render(), text, `${template} ${chat}`);
    else assert.throws(render, (thrown) => thrown instanceof AssayError && thrown.message.endsWith(error ?? 'never'));
  }
});

test('values printed bare are spelled as in Python, and an attribute of what is not there is an error', async () => {
  const { printing, chats } = await chatsOf();
  assert.equal(chatTemplate(printing.template, {}).render(chats[0] ?? []), printing.text);
  assert.throws(() => chatTemplate('{{ x.y }}', {}).render([]), /'x' is undefined/);
});

test('a template that asks for the date without being given one is refused', () => {
  const asks = chatTemplate("{{ strftime_now('%Y') }}", {});
  assert.throws(() => asks.render([]), /asks for the date: pass `now`/);
});

test('broken templates, endless ranges and unknown date codes are refused with an AssayError', () => {
  for (const source of ['{% for %}', '{{ ', '{% if x %}', '{{ raise_exception("no") }}', '{{ range(10**9) }}']) {
    assert.throws(() => chatTemplate(source, {}).render([]), AssayError, source);
  }
  assert.throws(() => chatTemplate("{{ strftime_now('%Q') }}", {}, new Date(0)).render([]), /date code %Q/);
});
