import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import * as fc from 'fast-check';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';

import { questionOf, splitHeldOut } from './held-out-split.ts';
import { readJsonl, readJsonlSync } from './jsonl.ts';
import type { NumberedRow } from './training-row.ts';
import { readTrainingRows } from './training-row.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-data-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, 'rows.jsonl');
  await writeFile(path, content);
  return path;
}

const CHAT = '{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}';

test('chat, text and completion rows are read with their line numbers; blank lines and a byte order mark are skipped', async () => {
  assert.deepEqual(await readTrainingRows(await fileOf(`\uFEFF${CHAT}\r\n\n${CHAT}`)), [
    {
      line: 1,
      row: {
        kind: 'chat',
        messages: [
          { role: 'user', content: 'Hi', weight: 1 },
          { role: 'assistant', content: 'Hello', weight: 1 },
        ],
      },
    },
    {
      line: 3,
      row: {
        kind: 'chat',
        messages: [
          { role: 'user', content: 'Hi', weight: 1 },
          { role: 'assistant', content: 'Hello', weight: 1 },
        ],
      },
    },
  ]);
  assert.deepEqual(await readTrainingRows(await fileOf('{"text":"é\\u2028"}\n')), [
    { line: 1, row: { kind: 'text', text: 'é\u2028' } },
  ]);
  assert.deepEqual(await readTrainingRows(await fileOf('{"prompt":"a","completion":"b","id":3}')), [
    { line: 1, row: { kind: 'completion', prompt: 'a', completion: 'b' }, ignored: ['id'] },
  ]);
});

const turn = (role: string, content: string): string => `{"role":${JSON.stringify(role)},"content":${content}}`;
const BAD: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ['bad JSON', `${CHAT}\n{"messages":`, /rows\.jsonl:2: expected JSON/],
  ['a list on a line', `${CHAT}\n[1]`, /rows\.jsonl:2: expected one JSON object a line, found \[1\]/],
  ['a key twice', '{"text":"a","text":"b"}', /:1: the key "text" appears twice/],
  [
    'invalid UTF-8',
    Buffer.concat([Buffer.from(`${CHAT}\n{"text":"`), Buffer.from([0xff, 0x22, 0x7d])]),
    /:2: expected UTF-8/,
  ],
  ['no known key', '{"mesages":[]}', /:1: expected one of the keys messages, text or prompt, found mesages/],
  ['two kinds in one row', '{"text":"a","prompt":"b"}', /found text and prompt/],
  ['two kinds in one file', `${CHAT}\n{"text":"a"}`, /:2: expected rows of one kind \(line 1 is chat\), found text/],
  [
    'an unknown role',
    `{"messages":[${turn('human', '"a"')}]}`,
    /:1: messages\[0\]: expected a role among system.*found "human"/,
  ],
  [
    'an empty turn',
    `{"messages":[${turn('user', '"a"')},${turn('assistant', '""')}]}`,
    /messages\[1\]: .*found empty text/,
  ],
  ['a blank turn', `{"messages":[${turn('assistant', '" \\n"')}]}`, /not blank/],
  ['content that is a list', `{"messages":[${turn('assistant', '[]')}]}`, /content to be text.*found \[\]/],
  [
    'an unknown key in a turn',
    '{"messages":[{"role":"user","contents":"a"}]}',
    /unknown key contents \(nearest known: content\)/,
  ],
  ['no assistant turn', `{"messages":[${turn('user', '"a"')}]}`, /an assistant turn to learn from/],
  ['only turns of weight 0', '{"messages":[{"role":"assistant","content":"a","weight":0}]}', /to learn from/],
  ['a weight of 0.5', '{"messages":[{"role":"assistant","content":"a","weight":0.5}]}', /weight to be 0 or 1/],
  ['no turns', '{"messages":[]}', /at least one turn/],
  ['no completion', '{"prompt":"a"}', /completion to be text.*found nothing/],
  ['half a surrogate pair', '{"text":"a\\ud800"}', /surrogate/],
  ['nothing', '\n\n', /at least one row/],
  ['text in UTF-16', Buffer.from(`\uFEFF${CHAT}`, 'utf16le'), /:1: expected JSON Lines in UTF-8, found text in UTF-16/],
  ['text in UTF-16 without a mark', Buffer.from(CHAT, 'utf16le'), /found text in UTF-16 or UTF-32/],
  ['gzip in it', Buffer.from([0x1f, 0x8b, 8, 0, 0x0a]), /found a gzip file/],
  ['a key of another kind', '{"text":"a","completion":"b"}', /row of text \(text\), found the key completion/],
  ['tools beside a prompt', '{"prompt":"a","completion":"b","tools":[]}', /row of completion.*found the key tools/],
  ['functions of old', `{${CHAT.slice(1, -1)},"functions":[]}`, /found the key functions/],
  ['tools that are no objects', `{${CHAT.slice(1, -1)},"tools":["f"]}`, /tools to be a list of objects/],
  ['arguments that are taken', `{${CHAT.slice(1, -1)},"chat_template_kwargs":{"tools":1}}`, /without tools/],
  ['calls by a user', '{"messages":[{"role":"user","content":"a","tool_calls":[{}]}]}', /in an assistant's turn/],
  [
    'a float that prints otherwise',
    `{${CHAT.slice(1, -1)},"tools":[{"x":1.0}]}`,
    /print as they are written, found 1\.0/,
  ],
  ['a number beyond 2^53', `{${CHAT.slice(1, -1)},"tools":[{"x":12345678901234567890}]}`, /found 12345678901234567890/],
  ['deep nesting', `{"text":${'['.repeat(100_000)}`, /nested more than 64 deep/],
];

for (const [what, content, message] of BAD) {
  test(`a file with ${what} is refused, naming the line`, async () => {
    const path = await fileOf(content);
    await assert.rejects(
      () => readTrainingRows(path),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test('a line over the limit is refused before it is held in memory, also without any newline', async () => {
  const long = 'x'.repeat(300_000);
  await assert.rejects(
    async () => readTrainingRows(await fileOf(`${CHAT}\n${long}`), 1000),
    /rows.jsonl:2: expected at most 1000 bytes/,
  );
  await assert.rejects(
    async () => readTrainingRows(await fileOf(`${CHAT}\n${long}\n${CHAT}`), 1000),
    /:2: expected at most/,
  );
});

test('a folder or a missing file is refused', async () => {
  await assert.rejects(() => readTrainingRows(folder), /regular file/);
  await assert.rejects(() => readTrainingRows(join(folder, 'none')), /Could not read/);
});

test('whatever the bytes, reading ends with rows or an AssayError', async () => {
  const pieces = fc.constantFrom(
    CHAT,
    '\n',
    '{',
    '"',
    '\\',
    '[',
    ']',
    '\r\n',
    '{"text":"a"}',
    '\u0000',
    'é',
    '\\u0061',
    ',',
    ':',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), fc.uint8Array({ maxLength: 4 }), async (texts, noise) => {
      const path = await fileOf(Buffer.concat([Buffer.from(texts.join('')), noise]));
      try {
        for await (const { line } of readJsonl(path)) assert.ok(line >= 1);
        await readTrainingRows(path);
      } catch (thrown) {
        assert.ok(thrown instanceof AssayError, String(thrown));
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

const textRow = (text: string, line = 1): NumberedRow => ({ line, row: { kind: 'text', text } });
const manyRows = (count: number): NumberedRow[] => Array.from({ length: count }, (_, i) => textRow(`row ${i}`, i + 1));

test('appending rows moves none of the rows that were there', () => {
  const [few, many] = [splitHeldOut(manyRows(500), 0.2), splitHeldOut(manyRows(2000), 0.2)];
  assert.deepEqual(many.heldOut.slice(0, few.heldOut.length), few.heldOut);
  assert.deepEqual(many.train.slice(0, few.train.length), few.train);
});

test('the held-out share is near what was asked and another salt gives another split', () => {
  const rows = manyRows(10_000);
  const spread = 5 * Math.sqrt(0.2 * 0.8 * rows.length); // five standard deviations of a binomial
  const first = splitHeldOut(rows, 0.2).heldOut;
  assert.ok(Math.abs(first.length - 2000) < spread, `${first.length}`);
  const other = new Set(splitHeldOut(rows, 0.2, 'other').heldOut);
  const both = first.filter((row) => other.has(row)).length;
  assert.ok(Math.abs(both - 400) < 5 * Math.sqrt(0.04 * 0.96 * rows.length), `${both}`);
});

test('rows with the same question fall on the same side, whatever the answer or spacing', () => {
  const chat = (question: string, answer: string): NumberedRow => ({
    line: 1,
    row: {
      kind: 'chat',
      messages: [
        { role: 'system', content: answer, weight: 1 },
        { role: 'user', content: question, weight: 1 },
        { role: 'assistant', content: answer, weight: 1 },
      ],
    },
  });
  const rows = Array.from({ length: 200 }, (_, i) => [chat(`Why ${i}?`, 'x'), chat(` Why  ${i}? `, 'y')]).flat();
  const { train, heldOut } = splitHeldOut(rows, 0.5);
  const trained = new Set(train.map(({ row }) => questionOf(row)));
  assert.equal(heldOut.filter(({ row }) => trained.has(questionOf(row))).length, 0);
  assert.equal(train.length % 2, 0);
});

test('a split that leaves a side empty is refused', () => {
  assert.throws(() => splitHeldOut([textRow('only')], 0.001), /leave no held-out rows/);
  assert.throws(() => splitHeldOut(manyRows(3), 1), /fraction in \[0, 1\)/);
  assert.equal(splitHeldOut(manyRows(3), 0).train.length, 3);
});

test('a file is read the same at once and bit by bit, lines across the edges of its chunks included', async () => {
  const lines = Array.from({ length: 1500 }, (_, i) => JSON.stringify({ text: 'é'.repeat((i * 37) % 3000), i }));
  const path = await fileOf(`\uFEFF${lines.join('\r\n')}`);
  assert.ok((await stat(path)).size > 4 << 20);
  const later: JsonObject[] = [];
  for await (const { line, value } of readJsonl(path)) later[line - 1] = value;
  const atOnce = Array.from(readJsonlSync(path), ({ value }) => value);
  assert.deepEqual(
    atOnce,
    lines.map((line) => JSON.parse(line)),
  );
  assert.deepEqual(later, atOnce);
});

test('keys that every object has are keys like any other in a row: they change nothing, and are counted as ignored', async () => {
  const row = '{"prompt": "Q:", "completion": " no", "__proto__": {"prompt": "other"}, "constructor": 1}';
  const [read] = await readTrainingRows(await fileOf(row));
  assert.deepEqual(read?.row, { kind: 'completion', prompt: 'Q:', completion: ' no' });
  assert.deepEqual(read?.ignored, ['__proto__', 'constructor']);
  await assert.rejects(
    async () => readTrainingRows(await fileOf('{"prompt": "Q:", "__proto__": {"completion": " no"}}')),
    AssayError,
  );
});
