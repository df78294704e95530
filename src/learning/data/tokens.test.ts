import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import * as fc from 'fast-check';

import type { JsonObject } from '#base/json.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';
import { textTokenizer } from '#learning/files/text/tokenizer.ts';

import { encodeOpening } from './around-text.ts';
import { renderWithSpans } from './assistant-spans.ts';
import { fileStatistics } from './file-statistics.ts';
import { arrangeRows } from './sequences.ts';
import type { TokenRow } from './token-rows.ts';
import { tokenizeRow, tokenizeRows } from './token-rows.ts';
import type { Role, TrainingMessage } from './training-row.ts';
import { parseTrainingRow } from './training-row.ts';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures');

async function tokenizerOf(kind: string): Promise<TextTokenizer> {
  const file = async (name: string): Promise<Buffer> => await readFile(join(FIXTURES, 'tokenizers', kind, name));
  const config = parseStrictObject(await file('tokenizer_config.json'), kind);
  return textTokenizer(parseStrictObject(await file('tokenizer.json'), kind), config, kind);
}

interface Chats {
  readonly templates: Record<string, string>;
  readonly chats: { readonly role: Role; readonly content: string }[][];
  readonly variables: Record<string, string>;
}
const chatsOf = async (): Promise<Chats> => JSON.parse(await readFile(join(FIXTURES, 'chat/chats.json'), 'utf8'));

const training = (turns: readonly { readonly role: Role; readonly content: string }[]): TrainingMessage[] =>
  turns.map(({ role, content }) => ({ role, content, weight: 1 }));

test('ids and mask of conversations are those transformers gives for a template with generation marks', async () => {
  const { templates, chats } = await chatsOf();
  const masks: { chat: number; ids: number[]; mask: number[] }[] = JSON.parse(
    await readFile(join(FIXTURES, 'chat/masks.json'), 'utf8'),
  );
  const setup = { tokenizer: await tokenizerOf('smollm'), chatTemplate: chatTemplate(templates['chatml'] ?? '', {}) };
  let learned = 0;
  for (const { chat, ids, mask } of masks) {
    if (!mask.includes(1)) continue; // no assistant turn: refused when the file is read
    const row = tokenizeRow({ kind: 'chat', messages: training(chats[chat] ?? []) }, setup);
    assert.deepEqual([...row.ids], ids);
    assert.deepEqual([...row.lossMask], mask, `chat ${chat}`);
    learned += row.lossMask.reduce((sum, bit) => sum + bit, 0);
  }
  assert.ok(learned > 50);
});

const SPECIALS = ['<|im_start|>', '<|im_end|>', '<|eot_id|>', '</s>', '<s>'];

async function learnedTexts(name: string, chat: number, turns: 'all' | 'last' = 'all'): Promise<string[]> {
  const { templates, chats, variables } = await chatsOf();
  const template = chatTemplate(templates[name] ?? '', variables, new Date(0));
  const { text, spans } = renderWithSpans(template, training(chats[chat] ?? []), turns, SPECIALS);
  return spans.map(([start, end]) => text.slice(start, end));
}

test('the learned text is what the model would say after its generation prompt, in every style of template', async () => {
  assert.deepEqual(await learnedTexts('chatml', 1), [' Yes? <|im_end|>', '4<|im_end|>']);
  assert.deepEqual(await learnedTexts('headers', 1), ['Yes?<|eot_id|>', '4<|eot_id|>']);
  assert.deepEqual(await learnedTexts('inst', 1), [' Yes? </s>', ' 4 </s>']);
  assert.deepEqual(await learnedTexts('inst', 7), [' same </s>', ' same </s>']);
  // a template that drops the reasoning of earlier turns: what is rendered is learned, no more
  assert.deepEqual(await learnedTexts('thinking', 3), [
    'Done.<|im_end|>',
    '<think>\nhm hm\n</think>\n\nDone again.<|im_end|>',
  ]);
  assert.deepEqual(await learnedTexts('chatml', 3, 'last'), ['<think>\nhm hm\n</think>\n\nDone again.<|im_end|>']);
  assert.deepEqual(await learnedTexts('chatml', 6), ['I begin<|im_end|>']);
});

test('a template that leaves a turn out, and a turn of weight 0, are not learned', () => {
  const deaf = chatTemplate('{% for m in messages if m.role == "user" %}{{ m.content }}{% endfor %}', {});
  const messages = training([
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
  ]);
  assert.throws(() => renderWithSpans(deaf, messages, 'all', []), /leaves out what was said in messages\[1\]/);
  const plain = chatTemplate('{% for m in messages %}{{ m.content }};{% endfor %}', {});
  const silent = [...messages, { role: 'assistant', content: 'c', weight: 0 } as const];
  assert.deepEqual(renderWithSpans(plain, silent, 'last', []).spans, [[2, 3]]);
});

test('whatever is said, the learned stretches are the assistant turns, in order and apart', () => {
  const template = chatTemplate('{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}', {});
  const said = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(said, (contents) => {
      const turns = contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }) as const);
      const { text, spans } = renderWithSpans(template, training(turns), 'all', ['</s>']);
      const expected = turns.filter(({ role }) => role === 'assistant').map(({ content }) => content);
      for (const [i, [start, end]] of spans.entries()) {
        const learned = text.slice(start, end);
        assert.ok(learned.endsWith(`${expected[i]}</s>`), JSON.stringify({ learned, expected: expected[i] }));
        assert.ok(end > start && start >= (spans[i - 1]?.[1] ?? 0));
      }
      assert.equal(spans.length, expected.length);
    }),
    { seed: 8, numRuns: 300 },
  );
});

test('plain text learns all but its first token; completions learn the completion; both end with the end token', async () => {
  for (const kind of ['gpt2', 'llama2', 'llama3']) {
    const tokenizer = await tokenizerOf(kind);
    const end = tokenizer.idOf(tokenizer.specialTokens['eos_token'] ?? '');
    const text = tokenizeRow({ kind: 'text', text: 'the quick brown fox' }, { tokenizer });
    assert.equal(text.ids.at(-1), end);
    assert.deepEqual([...text.lossMask], [0, ...new Array<number>(text.ids.length - 1).fill(1)]);
    const row = tokenizeRow({ kind: 'completion', prompt: 'the quick', completion: ' brown fox' }, { tokenizer });
    const learned = row.ids.filter((_, t) => row.lossMask[t] === 1);
    assert.equal(tokenizer.decode(learned, 'skip').trim(), 'brown fox');
    assert.deepEqual(row.ids, text.ids);
  }
});

/** The gpt2 tokenizer with b as its start and e as its end: it writes them itself where it is told so. */
async function framed(writesStart: boolean, writesEnd: boolean): Promise<TextTokenizer> {
  const json = parseStrictObject(await readFile(join(FIXTURES, 'tokenizers/gpt2/tokenizer.json')), 'gpt2');
  const names = { bos_token: 'b', eos_token: 'e' };
  const { idOf } = textTokenizer(json, names, 'framed');
  const special = (token: string): JsonObject => ({ SpecialToken: { id: token, type_id: 0 } });
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const specials = ['b', 'e'].map((token) => [token, { id: token, ids: [idOf(token) ?? 0], tokens: [token] }] as const);
  const single = [...(writesStart ? [special('b')] : []), text, ...(writesEnd ? [special('e')] : [])];
  const around = { type: 'TemplateProcessing', single, pair: [], special_tokens: Object.fromEntries(specials) };
  return textTokenizer({ ...json, post_processor: around }, names, 'framed');
}

test('a row has one start token and one end token, whoever brings them', async () => {
  for (const writesStart of [true, false]) {
    for (const writesEnd of [true, false]) {
      const tokenizer = await framed(writesStart, writesEnd);
      const [start, end] = ['b', 'e'].map((token) => tokenizer.idOf(token));
      const ids = (text: string): number[] => [...tokenizeRow({ kind: 'text', text }, { tokenizer }).ids];
      const plain = tokenizer.encode('xyz', 'plain');
      const expected = [...(writesStart ? [start] : []), ...plain, end];
      assert.deepEqual(ids('xyz'), expected);
      assert.deepEqual(ids('xyze'), expected);
      assert.deepEqual(ids('bxyz'), [start, ...plain, end]);
      assert.deepEqual(ids('bxyze'), [start, ...plain, end]);
      const newline = tokenizer.encode('\n', 'plain');
      if (!writesEnd) assert.deepEqual(ids('bxyze\n'), [start, ...plain, end, ...newline]);
      const row = tokenizeRow({ kind: 'completion', prompt: 'bxy', completion: 'ze' }, { tokenizer });
      assert.deepEqual(
        [...row.ids].filter((id) => id === end || id === start),
        [start, end],
      );
      assert.equal(row.lossMask.at(-1), 1);
      assert.deepEqual(encodeOpening(tokenizer, 'xyz'), expected.slice(0, -1));
    }
  }
});

const CALL = { type: 'function', function: { name: 'f', arguments: { x: 1 } } };
const WITH_TOOLS = chatTemplate(
  `{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for d in documents or [] %}{{ d.text }}{% endfor %}{% if style %}[{{ style }}]{% endif %}{% for m in messages %}<{{ m.role }}{{ m.name }}>{{ m.reasoning_content }}{{ m.content }}{% for c in m.tool_calls %}{{ c.function | tojson }}{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`,
  {},
);

test('tools, documents, template arguments, names, thoughts and tool calls of a row reach the template', () => {
  const line = {
    messages: [
      { role: 'user', content: 'q', name: 'Ann' },
      { role: 'assistant', content: null, tool_calls: [CALL] },
      { role: 'tool', content: '7', tool_call_id: 'c1' },
      { role: 'assistant', reasoning_content: 'hm ', content: 'a' },
    ],
    tools: [{ name: 'f' }],
    documents: [{ text: 'D' }],
    chat_template_kwargs: { style: 's' },
  };
  const row = parseTrainingRow(line, 'rows:1');
  assert.ok(row.kind === 'chat');
  const { text, spans } = renderWithSpans(WITH_TOOLS, row.messages, 'all', ['</s>'], row);
  const call = '{"name": "f", "arguments": {"x": 1}}';
  const head = '{"name": "f"}D[s]';
  assert.equal(text, `${head}<userAnn>q</s><assistant>${call}</s><tool>7</s><assistant>hm a</s>`);
  const learned = spans.map(([start, end]) => text.slice(start, end));
  assert.deepEqual(learned, [`${call}</s>`, 'hm a</s>']);
});

test('what a template does not read is refused by name, not left out', () => {
  const deaf = chatTemplate('{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}', {});
  const messages = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'a' },
  ];
  const lines: [JsonObject, RegExp][] = [
    [{ messages, tools: [{ name: 'f' }] }, /does not read tools/],
    [{ messages, documents: [{ text: 'D' }] }, /does not read documents/],
    [{ messages, chat_template_kwargs: { enable_thinking: false } }, /does not read enable_thinking/],
    [{ messages: [...messages, { role: 'assistant', content: 'b', tool_calls: [CALL] }] }, /does not read tool_calls/],
    [{ messages: [...messages, { role: 'assistant', content: 'b', reasoning_content: 'c' }] }, /reasoning_content/],
  ];
  for (const [line, message] of lines) {
    const row = parseTrainingRow(line, 'rows:1');
    assert.ok(row.kind === 'chat');
    const given = row;
    assert.throws(() => renderWithSpans(deaf, given.messages, 'all', [], given), message);
  }
  const row = parseTrainingRow({ messages, tools: [], documents: null }, 'rows:1');
  assert.ok(row.kind === 'chat');
  assert.equal(renderWithSpans(deaf, row.messages, 'all', [], row).text, 'userqassistanta');
});

test('file statistics count rows whose own text holds a special token, and keys that change nothing', () => {
  const rows = ['a<s>', 'b', '<s>'].map((text, i) => ({
    line: i + 1,
    row: { kind: 'text', text } as const,
    ignored: ['id'],
  }));
  const { rowsWithSpecialText, ignoredKeys } = fileStatistics(rows, undefined, ['<s>']);
  assert.equal(rowsWithSpecialText, 2);
  assert.deepEqual(ignoredKeys, { id: 3 });
});

test('a token that reaches into a learned stretch is learned, also when what follows is merged into it', async () => {
  const tokenizer = await tokenizerOf('gpt2');
  const chatTemplateOf = chatTemplate('{% for m in messages %}{{ m.role }}:{{ m.content }}ing\n{% endfor %}', {});
  const messages = training([
    { role: 'user', content: 'x' },
    { role: 'assistant', content: 'trai' },
  ]);
  const { ids, lossMask } = tokenizeRow({ kind: 'chat', messages }, { tokenizer, chatTemplate: chatTemplateOf });
  const learned = tokenizer.decode(ids.filter((_, t) => lossMask[t] === 1));
  assert.ok(learned.includes('trai') && !learned.includes('\n'), JSON.stringify(learned));
});

test('conversations without a template are refused, naming the line', async () => {
  const tokenizer = await tokenizerOf('gpt2');
  const messages = training([{ role: 'assistant', content: 'b' }]);
  const rows = [{ line: 7, row: { kind: 'chat', messages } as const }];
  assert.throws(() => tokenizeRows(rows, { tokenizer }, 'a.jsonl'), /a\.jsonl:7: The model brings no chat template/);
  const strict: ChatTemplate = chatTemplate('{{ raise_exception("no system") }}', {});
  assert.throws(() => tokenizeRows(rows, { tokenizer, chatTemplate: strict }, 'a.jsonl'), /a\.jsonl:7: .*no system/);
});

test('a template or a tokenizer that never ends is stopped, naming the line', async () => {
  const tokenizer = await tokenizerOf('gpt2');
  const messages = training([{ role: 'assistant', content: `${'a'.repeat(60)}!` }]);
  const rows = [{ line: 3, row: { kind: 'chat', messages } as const }];
  const loops = '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}';
  const endless = chatTemplate(loops, {});
  const limitMs = 300;
  assert.throws(
    () => tokenizeRows(rows, { tokenizer, chatTemplate: endless }, 'a.jsonl', limitMs),
    /a\.jsonl:3: .*did not finish/,
  );
  const regex = { type: 'Split', pattern: { Regex: '^(a+)+$' }, behavior: 'Isolated', invert: false };
  const json = parseStrictObject(await readFile(join(FIXTURES, 'tokenizers/gpt2/tokenizer.json')), 'gpt2');
  const slow = textTokenizer({ ...json, pre_tokenizer: regex }, {}, 'slow');
  const plain = chatTemplate('{{ messages[0].content }}', {});
  assert.throws(
    () => tokenizeRows(rows, { tokenizer: slow, chatTemplate: plain }, 'a.jsonl', limitMs),
    /did not finish/,
  );
});

/** A row of `size` tokens that counts up from 100 * line, with the last `learned` of them learned. */
const rowOf = (line: number, size: number, learned: number): TokenRow => ({
  line,
  ids: Int32Array.from({ length: size }, (_, t) => 100 * line + t),
  lossMask: Uint8Array.from({ length: size }, (_, t) => (t >= size - learned ? 1 : 0)),
});

test('padding gives one row a sequence; packing fills sequences in order; positions restart with each row', () => {
  const rows = [rowOf(1, 2, 1), rowOf(2, 3, 2), rowOf(3, 4, 1)];
  const padded = arrangeRows(rows, 5, 'pad', 9);
  assert.deepEqual([...padded.ids], [100, 101, 9, 9, 9, 200, 201, 202, 9, 9, 300, 301, 302, 303, 9]);
  assert.deepEqual([...padded.segments], [0, 0, -1, -1, -1, 0, 0, 0, -1, -1, 0, 0, 0, 0, -1]);
  const packed = arrangeRows(rows, 5, 'pack', 9);
  assert.equal(packed.count, 2);
  assert.deepEqual([...packed.ids], [100, 101, 200, 201, 202, 300, 301, 302, 303, 9]);
  assert.deepEqual([...packed.lossMask], [0, 1, 0, 1, 1, 0, 0, 0, 1, 0]);
  assert.deepEqual([...packed.segments], [0, 0, 1, 1, 1, 0, 0, 0, 0, -1]);
  assert.deepEqual([...packed.positions], [0, 1, 0, 1, 2, 0, 1, 2, 3, 0]);
  assert.equal(packed.report.paddingFraction, 0.1);
  assert.equal(packed.report.learnedTokens, 4);
});

test('what is cut or dropped is counted', () => {
  const rows = [rowOf(1, 8, 6), rowOf(2, 9, 2), rowOf(3, 3, 1)];
  const { report } = arrangeRows(rows, 5, 'pack', 0);
  assert.deepEqual(report, {
    rows: 3,
    sequences: 2,
    tokens: 8,
    learnedTokens: 4,
    truncatedRows: 1,
    truncatedTokens: 3,
    droppedLines: [2],
    paddingFraction: 2 / 10,
  });
  assert.throws(() => arrangeRows([rowOf(1, 9, 2)], 5, 'pad', 0), /No row has anything to learn in its first 5/);
  assert.throws(() => arrangeRows(rows, 1, 'pad', 0), /at least 2 tokens/);
});

test('however rows are arranged, every learned token is there once, in order', () => {
  const sizes = fc.array(fc.tuple(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 8 })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(sizes, fc.constantFrom('pad' as const, 'pack' as const), (list, arrangement) => {
      const rows = list.map(([size, learned], i) => rowOf(i + 1, size, Math.min(learned, size - 1)));
      const { ids, lossMask, segments } = arrangeRows(rows, 9, arrangement, -7);
      const expected = rows.flatMap((row) => [...row.ids].filter((_, t) => row.lossMask[t] === 1));
      assert.deepEqual(
        [...ids].filter((_, t) => lossMask[t] === 1),
        expected,
      );
      assert.ok(ids.every((id, t) => (id === -7) === (segments[t] === -1)));
    }),
    { seed: 9, numRuns: 300 },
  );
});

test('file statistics count rows, roles, repetitions, characters and tokens', () => {
  const chat = (question: string, answer: string): TrainingMessage[] =>
    training([
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ]);
  const rows = [chat('a', 'xy'), chat('a', 'z'), chat('b', 'xyz'), chat('a', 'z')].map((messages, i) => ({
    line: i + 1,
    row: { kind: 'chat', messages } as const,
  }));
  assert.deepEqual(fileStatistics(rows, [rowOf(1, 4, 2), rowOf(2, 6, 1), rowOf(3, 5, 5), rowOf(4, 6, 1)]), {
    rows: 4,
    kind: 'chat',
    turns: { user: 4, assistant: 4 },
    repeatedRows: 1,
    differentQuestions: 2,
    rowsWithSpecialText: 0,
    characters: { total: 11, min: 2, median: 2, p95: 4, max: 4 },
    tokens: { total: 21, min: 4, median: 5, p95: 6, max: 6 },
    learnedTokens: { total: 9, min: 1, median: 1, p95: 5, max: 5 },
  });
});
