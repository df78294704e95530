import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';

import type { TemplateMessage } from './chat-template.ts';
import { chatTemplate } from './chat-template.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { textTokenizer } from './tokenizer.ts';
import { joinByteTokens } from './tokens/decoder.ts';

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

test('a token that only tokenizer_config.json or added_tokens.json knows is recognised, under the id that transformers gives it', async () => {
  const json = await objectAt(join(FIXTURES, 'tokenizers/gpt2/tokenizer.json'));
  const added = (id: number): JsonObject => ({ added_tokens_decoder: { [id]: { content: '<new>', special: true } } });
  const tokenizer = textTokenizer(json, added(423), 'gpt2');
  assert.deepEqual(tokenizer.encode('<new>', 'plain'), [423]);
  assert.equal(tokenizer.vocabSize, 424);
  const alone = textTokenizer(json, {}, 'gpt2', { addedTokens: { '<b>': 424, '<a>': 423 } });
  assert.deepEqual(alone.encode('<a><b>', 'plain'), [423, 424]);
  assert.throws(
    () => textTokenizer(json, added(900), 'gpt2'),
    /found 900 for "<new>", which transformers takes for 423/,
  );
});

interface Options {
  readonly texts: string[];
  readonly cases: readonly {
    readonly name: string;
    readonly kind: string;
    readonly patch: JsonObject;
    readonly rows: readonly (readonly [number[], string | null, number[]?])[];
  }[];
}

test('every option of every component gives the ids and the text of the tokenizers library', async () => {
  const { texts, cases }: Options = JSON.parse(await readFile(join(FIXTURES, 'tokenizers/options.json'), 'utf8'));
  assert.equal(cases.length, 77);
  for (const { name, kind, patch, rows } of cases) {
    const base = await objectAt(join(FIXTURES, 'tokenizers', kind, 'tokenizer.json'));
    const [own, changed] = [base['model'], patch['model'] ?? {}];
    assert.ok(isJsonObject(own) && isJsonObject(changed));
    const model = changed['type'] === undefined ? { ...own, ...changed } : changed;
    const tokenizer = textTokenizer({ ...base, ...patch, model }, {}, name);
    for (const [i, [ids, decoded, around = ids]] of rows.entries()) {
      const text = texts[i] ?? '';
      assert.deepEqual(tokenizer.encode(text, 'plain'), ids, `${name}: ${text}`);
      assert.deepEqual(tokenizer.encode(text, 'withSpecials'), around, `${name}: ${text}`);
      if (decoded !== null) assert.equal(tokenizer.decode(ids), decoded, `${name}: ${text}`);
    }
  }
});

test('a component or an option that is not known is refused by name, and so is a setting of tokenizer_config.json', async () => {
  const json = await objectAt(join(FIXTURES, 'tokenizers/gpt2/tokenizer.json'));
  const { model } = json;
  assert.ok(isJsonObject(model));
  const split = { type: 'Split', pattern: { Regex: 'a' }, behavior: 'Isolated', invert: false };
  const parts: [JsonObject, RegExp][] = [
    [{ pre_tokenizer: { type: 'UnicodeScripts' } }, /a pre-tokenizer that is known, found "UnicodeScripts"/],
    [{ pre_tokenizer: { ...split, limit: 3 } }, /options that are known, found "limit"/],
    [{ pre_tokenizer: { ...split, behavior: 'Joined' } }, /behavior among Removed/],
    [{ pre_tokenizer: { ...split, pattern: { Regex: 'a++b' } } }, /a regular expression without \+\+/],
    [{ pre_tokenizer: { ...split, pattern: { Regex: '(?>a|ab)c' } } }, /without \(\?>/],
    [{ normalizer: { type: 'Nmt' } }, /a normalizer that is known, found "Nmt"/],
    [{ decoder: { type: 'CTC' } }, /a decoder that is known, found "CTC"/],
    [{ post_processor: { type: 'Other' } }, /a post-processor that is known/],
    [{ model: { ...model, dropout: 0.1 } }, /dropout to be off.*found 0.1/],
    [{ model: { ...model, capacity: 1 } }, /options that are known, found "capacity"/],
    [{ model: { ...model, merges: [['a', 'zzz']] } }, /merges of tokens/],
    [{ extra: 1 }, /options that are known, found "extra"/],
  ];
  for (const [patch, message] of parts) assert.throws(() => textTokenizer({ ...json, ...patch }, {}, 'x'), message);
  const settings: [JsonObject, RegExp][] = [
    [{ split_special_tokens: true }, /split_special_tokens to be off/],
    [
      { sp_model_kwargs: { enable_sampling: true } },
      /settings of tokenizer_config.json that are known.*sp_model_kwargs/,
    ],
    [{ something: 1 }, /found "something: 1"/],
    [{ auto_map: { AutoTokenizer: ['a.B', null] } }, /without code of its own/],
    [{ add_prefix_space: true }, /add_prefix_space as tokenizer.json has it \(false\)/],
    [
      { tokenizer_class: 'LlamaTokenizer', bos_token: 'a', add_bos_token: true },
      /add_bos_token as the post_processor of tokenizer.json has it \(false\)/,
    ],
    [{ pad_token: '[PAD]' }, /pad_token to be in the vocabulary, found "\[PAD\]"/],
    [{ additional_special_tokens: ['<x>'] }, /special tokens to be in the vocabulary/],
  ];
  for (const [config, message] of settings) assert.throws(() => textTokenizer(json, config, 'x'), message);
  textTokenizer(json, { something: null, legacy: true, add_prefix_space: false, image_token: 'a' }, 'x');
});

test('special tokens by role, by list and by generation config are special, whatever their flag says', async () => {
  const json = await objectAt(join(FIXTURES, 'tokenizers/gpt2/tokenizer.json'));
  const config = {
    eos_token: 'a',
    additional_special_tokens: [{ content: 'b', rstrip: true }],
    extra_special_tokens: { x: 'c' },
  };
  const tokenizer = textTokenizer(json, config, 'gpt2', { endIds: [7] });
  const marked = ['a', 'b', 'c'].map((token) => tokenizer.isSpecial(tokenizer.idOf(token) ?? -1));
  assert.deepEqual([...marked, tokenizer.isSpecial(7), tokenizer.isSpecial(9)], [true, true, true, true, false]);
  assert.ok(['a', 'b', 'c', tokenizer.tokenOf(7) ?? '?'].every((text) => tokenizer.specialTexts.includes(text)));
  assert.deepEqual(tokenizer.encode('b  d', 'plain'), [tokenizer.idOf('b'), tokenizer.idOf('d')]); // found as it is written
});

interface Settings {
  readonly texts: string[];
  readonly cases: readonly {
    readonly kind: string;
    readonly settings: JsonObject;
    readonly ids: readonly (readonly [number[], number[]])[];
    readonly special: number[];
  }[];
}

test('settings of tokenizer_config.json give the ids and the special tokens of transformers', async () => {
  const { texts, cases }: Settings = JSON.parse(await readFile(join(FIXTURES, 'tokenizers/settings.json'), 'utf8'));
  assert.equal(cases.length, 14);
  for (const { kind, settings, ids, special } of cases) {
    const folder = join(FIXTURES, 'tokenizers', kind);
    const config = { ...(await objectAt(join(folder, 'tokenizer_config.json'))), ...settings };
    const tokenizer = textTokenizer(await objectAt(join(folder, 'tokenizer.json')), config, kind);
    for (const [i, [around, plain]] of ids.entries()) {
      assert.deepEqual(tokenizer.encode(texts[i] ?? '', 'withSpecials'), around, JSON.stringify(settings));
      assert.deepEqual(tokenizer.encode(texts[i] ?? '', 'plain'), plain, JSON.stringify(settings));
    }
    assert.ok(
      special.every((id) => tokenizer.isSpecial(id)),
      JSON.stringify(settings),
    );
  }
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
