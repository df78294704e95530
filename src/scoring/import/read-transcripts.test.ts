/** Transcripts of every format, against what Inspect itself reads; and files that are damaged, hostile or not understood. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Step, Transcript } from '#scoring/transcript.ts';

import { readTranscripts } from './read-transcripts.ts';
import { zipMembers } from './zip.ts';

const FIXTURES = new URL('../../../test/fixtures/transcripts/', import.meta.url);
const bytesOf = (name: string): Uint8Array => readFileSync(new URL(name, FIXTURES));
const read = (lines: readonly Json[]): readonly Transcript[] =>
  readTranscripts(Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')), 'log.jsonl');
const stepsOf = (...messages: readonly Json[]): readonly Step[] => read([{ messages }])[0]?.steps ?? [];
const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof AssayError) return thrown.message;
    throw thrown;
  }
  return assert.fail('it was read');
};

/** What inspect_ai reads of its own logs: written by test/reference/inspect-logs.py. */
interface Reference {
  readonly id: string;
  readonly epoch: number;
  readonly store: JsonObject;
  readonly scores: JsonObject;
  readonly messages: readonly {
    readonly text: string;
    readonly reasoning: readonly string[];
    readonly calls: readonly JsonObject[];
  }[];
}

for (const file of ['zstd.eval', 'zstd.json', 'deflate.eval', 'deflate.json']) {
  test(`${file}, written by inspect_ai, is read as inspect_ai reads it`, () => {
    const reference: readonly Reference[] = JSON.parse(readFileSync(new URL('inspect-read.json', FIXTURES), 'utf8'));
    const transcripts = readTranscripts(bytesOf(file), file);
    const byId = new Map(transcripts.map((one) => [one.id, one]));
    assert.equal(byId.size, reference.length);
    for (const { id, epoch, store, scores, messages } of reference) {
      const { steps = [], task } = byId.get(`${id}/${epoch}`) ?? {};
      assert.equal(task, 'payment');
      const state = steps.at(-1);
      assert.ok(state?.channel === 'state');
      assert.deepEqual([state.state['store'], state.state['scores']], [store, scores]);
      const text = (...channels: readonly Step['channel'][]): string =>
        steps.flatMap((step) => ('text' in step && channels.includes(step.channel) ? [step.text] : [])).join('|');
      // Inspect joins the parts of a text by line breaks.
      const wanted = messages.map((one) => one.text).join('|');
      assert.equal(text('instruction', 'request', 'utterance', 'result'), wanted.replace('Done: \n', 'Done: |'));
      assert.equal(text('thought'), messages.flatMap(({ reasoning }) => reasoning).join('|'));
      const calls = steps.flatMap((step) =>
        step.channel === 'action' ? [{ name: step.name, arguments: step.arguments }] : [],
      );
      assert.deepEqual(
        calls,
        messages.flatMap((one) => one.calls),
      );
    }
  });
}

test('reasoning is a thought under each of the names endpoints give it', () => {
  const expected: readonly Step[] = [
    { channel: 'request', text: 'Hi' },
    { channel: 'thought', text: 'Hm.' },
    { channel: 'utterance', text: 'Hello' },
  ];
  const user = { role: 'user', content: 'Hi' };
  for (const said of [
    { reasoning: 'Hm.', content: 'Hello' },
    { reasoning_content: 'Hm.', content: 'Hello' },
    { reasoning_content: 'Hm.', reasoning: 'Hm.', content: [{ type: 'text', text: 'Hello' }] },
    { reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }], content: 'Hello' },
    { content: '<think>\nHm.\n</think>\n\nHello' },
    {
      content: [
        { type: 'thinking', thinking: 'Hm.', signature: 'x' },
        { type: 'text', text: 'Hello' },
      ],
    },
    {
      content: [
        { type: 'reasoning', reasoning: 'Hm.' },
        { type: 'output_text', text: 'Hello' },
      ],
    },
  ]) {
    assert.deepEqual(stepsOf(user, { role: 'assistant', ...said }), expected, JSON.stringify(said));
  }
});

test('a thought inside of what is said ends at its tag, which may begin in the prompt or be cut off', () => {
  const of = (content: string) =>
    stepsOf({ role: 'assistant', content }).map((step) => [step.channel, 'text' in step && step.text]);
  const both = [
    ['thought', 'Hm.'],
    ['utterance', 'Hello <think>'],
  ];
  assert.deepEqual(of('Hm.\n</think>\n\nHello <think>'), both);
  assert.deepEqual(of('<thinking>Hm.</thinking>Hello <think>'), both);
  assert.deepEqual(of('<think>\nHm. I send it to'), [['thought', 'Hm. I send it to']]);
  assert.deepEqual(of('<think>\n\n</think>\n\nHello'), [['utterance', 'Hello']]);
  assert.deepEqual(of('I <think> so.'), [['utterance', 'I <think> so.']]);
});

test('arguments that are no JSON are kept as they are, with no word that the agent did not write', () => {
  const call = (given: string) => ({ function: { name: 'pay', arguments: given } });
  const steps = stepsOf({ role: 'assistant', content: '', tool_calls: [call('{"to": bob'), call('[1]'), call('')] });
  assert.deepEqual(
    steps.map((step) => step.channel === 'action' && step.arguments),
    [{ unreadable: '{"to": bob' }, { unreadable: '[1]' }, {}],
  );
});

test('thoughts that were withheld are there, and empty', () => {
  for (const part of [
    { type: 'redacted_thinking', data: 'AAAA' },
    { type: 'reasoning', reasoning: 'AAAA', redacted: true },
  ]) {
    assert.deepEqual(stepsOf({ role: 'assistant', content: [part] })[0], {
      channel: 'thought',
      text: '',
      isWithheld: true,
    });
  }
  const encrypted = {
    role: 'assistant',
    content: '',
    reasoning_details: [{ type: 'reasoning.encrypted', data: 'AAAA' }],
  };
  assert.deepEqual(stepsOf(encrypted)[0], { channel: 'thought', text: '', isWithheld: true });
});

test('calls are actions, whoever writes them, and arguments that are no JSON are kept as they are', () => {
  const call = (args: Json): Json => ({ id: 'a', type: 'function', function: { name: 'pay', arguments: args } });
  const [one, two, three] = stepsOf(
    { role: 'assistant', content: null, tool_calls: [call('{"to": "bob"}'), call({ to: 'bob' }), call('{"to": ')] },
    { role: 'tool', tool_call_id: 'a', name: 'pay', content: 'paid' },
  );
  assert.deepEqual(one, { channel: 'action', name: 'pay', arguments: { to: 'bob' } });
  assert.deepEqual(two, one);
  assert.ok(three?.channel === 'action' && three.arguments['unreadable'] === '{"to": ');
  const anthropic = stepsOf(
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'pay', input: { to: 'bob' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'paid' }] },
  );
  assert.deepEqual(anthropic, [one, { channel: 'result', text: 'paid' }]);
});

test('steps with their channels are read as they stand', () => {
  const steps: readonly Json[] = [
    { channel: 'instruction', text: 'Serve.' },
    { channel: 'thought', text: 'Hm.' },
    { channel: 'action', name: 'open', arguments: { door: 1 } },
    { channel: 'result', of: 'open', text: 'open' },
    { channel: 'state', state: { door: 'open' } },
  ];
  const terms = { payment: -1, observedChance: 0.5 };
  const [one] = read([{ id: 'a', task: 't', goal: 'harmful', terms, steps }]);
  assert.deepEqual(one, { id: 'a', task: 't', goal: 'harmful', terms, steps, where: 'log.jsonl:1' });
});

test('one document is read as one line a conversation is', () => {
  const line = { messages: [{ role: 'assistant', content: 'Hello' }] };
  const pretty = readTranscripts(Buffer.from(JSON.stringify([line, line], undefined, 2)), 'log.json');
  assert.deepEqual(
    pretty.map(({ id, steps }) => ({ id, steps })),
    read([line, line]).map(({ id, steps }) => ({ id, steps })),
  );
});

test('what is not understood is refused by name, and where it stands', () => {
  const assistant = (more: Readonly<Record<string, Json>>): Json => ({
    messages: [{ role: 'assistant', content: 'x', ...more }],
  });
  const cases: readonly (readonly [Json, RegExp])[] = [
    [assistant({ audio: { data: 'AAAA' } }), /log\.jsonl:1, message 0: .*found "audio"/],
    [assistant({ content: [{ type: 'image_url', image_url: { url: 'x' } }] }), /part 0: .*found type "image_url"/],
    [assistant({ content: [{ type: 'text', text: 'x', secret: 1 }] }), /found "secret"/],
    [
      assistant({ tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'x' } }] }),
      /tool call 0: .*found type "custom"/,
    ],
    [assistant({ reasoning_details: [{ type: 'reasoning.image' }] }), /reasoning_details 0: .*"reasoning\.image"/],
    [{ messages: [{ role: 'narrator', content: 'x' }] }, /found "narrator"/],
    [{ messages: [{ role: 'user', content: 'x', reasoning: 'y' }] }, /assistant alone, found one of "user"/],
    [{ messages: [{ role: 'user', content: 'x' }] }, /thought, said or did, found nothing/],
    [{ messages: [], steps: [] }, /found both/],
    [{ conversations: [1] }, /found "conversations"/],
    [{ steps: [{ channel: 'smell', text: 'x' }] }, /a channel among instruction, .*found "smell"/],
    [{ steps: [{ channel: 'thought', text: 'x', of: 'y' }] }, /found "of"/],
    [{ ...assistantLine, goal: 'bad' }, /goal: expected "harmful" or "harmless", found "bad"/],
    [
      { ...assistantLine, terms: { payment: 1, observedChance: 2 } },
      /observedChance: expected a number in \[0, 1\], found 2/,
    ],
  ];
  for (const [line, expected] of cases)
    assert.match(
      refusal(() => read([line])),
      expected,
    );
  assert.match(
    refusal(() =>
      read([
        { ...assistantLine, id: 1 },
        { ...assistantLine, id: '1' },
      ]),
    ),
    /log\.jsonl:2: expected an id of its own/,
  );
  assert.match(
    refusal(() => readTranscripts(Buffer.from(''), 'e.jsonl')),
    /e\.jsonl/,
  );
  assert.match(
    refusal(() => readTranscripts(Buffer.from('{"a": 1,\n"a": 2}'), 'e.json')),
    /appears twice/,
  );
  assert.match(
    refusal(() => readTranscripts(Buffer.from('{"messages": []}\n{"mess'), 'e.jsonl')),
    /e\.jsonl:2|e\.jsonl/,
  );
});
const assistantLine = { messages: [{ role: 'assistant', content: 'x' }] };

interface Made {
  readonly name?: string;
  readonly content?: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly checksum?: number;
  readonly packed?: Uint8Array;
}

/** An archive of one member, with whatever in it is to be wrong. */
function archive({ name = 'a', content = Buffer.from('hello'), method = 8, flags = 0, ...given }: Made): Uint8Array {
  const packed = given.packed ?? (method === 8 ? deflateRawSync(content) : content);
  const [local, member, end] = [Buffer.alloc(30), Buffer.alloc(46), Buffer.alloc(22)];
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  member.writeUInt32LE(0x02014b50, 0);
  member.writeUInt16LE(flags, 8);
  member.writeUInt16LE(method, 10);
  member.writeUInt32LE(given.checksum ?? crc32(content), 16);
  member.writeUInt32LE(packed.length, 20);
  member.writeUInt32LE(given.size ?? content.length, 24);
  member.writeUInt16LE(name.length, 28);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length + name.length + packed.length, 16);
  return Buffer.concat([local, Buffer.from(name), packed, member, Buffer.from(name), end]);
}

test('members stored, deflated and in several frames of Zstandard are unpacked', () => {
  const content = Buffer.from('hello world');
  const frames = Buffer.concat([zstdCompressSync(content.subarray(0, 5)), zstdCompressSync(content.subarray(5))]);
  for (const made of [{ method: 0 }, { method: 8 }, { method: 93, packed: frames }]) {
    const [member] = zipMembers(archive({ content, ...made }), 'x.eval');
    assert.deepEqual(Buffer.from(member?.read() ?? []).toString(), 'hello world');
  }
});

test('archives that lie, are encrypted or hold other methods are refused before they are unpacked', () => {
  const unpack = (made: Made): string => refusal(() => zipMembers(archive(made), 'x.eval')[0]?.read());
  assert.match(unpack({ checksum: 1 }), /checksum/);
  assert.match(unpack({ size: 4 }), /of 4 bytes, found 5/);
  assert.match(unpack({ size: 6 }), /of 6 bytes, found 5/);
  assert.match(unpack({ flags: 1 }), /encrypted/);
  assert.match(unpack({ method: 14 }), /found method 14/);
  assert.match(unpack({ size: 2 ** 29 }), /at most 268435456 bytes, found one of 536870912/);
  assert.match(unpack({ size: 2 ** 32 - 1 }), /Zip64/);
  // A bomb: a mebibyte of zeros packed small, said to be small.
  assert.match(unpack({ packed: deflateRawSync(Buffer.alloc(2 ** 20)), size: 5 }), /unpack to 5 bytes/);
  for (const cut of [1, 30, 60]) {
    const whole = archive({});
    assert.match(
      refusal(() => zipMembers(whole.subarray(0, whole.length - cut), 'x.eval')),
      /x\.eval: expected/,
    );
  }
});

test('a sample of Inspect that ended with an error is broken, though it said nothing', () => {
  const log: { samples: Record<string, Json>[] } = JSON.parse(readFileSync(new URL('zstd.json', FIXTURES), 'utf8'));
  Object.assign(log.samples[0] ?? {}, { error: { message: 'x', traceback: '', traceback_ansi: '' }, messages: [] });
  const [first, second] = readTranscripts(Buffer.from(JSON.stringify(log)), 'x.json');
  assert.deepEqual([first?.broken, second?.broken], ['the episode ended with an error', undefined]);
});

test('a log that ends in the middle, and an archive that is no log, are refused', () => {
  const whole = bytesOf('zstd.eval');
  assert.match(
    refusal(() => readTranscripts(whole.subarray(0, whole.length / 2), 'half.eval')),
    /half\.eval: expected a zip archive/,
  );
  assert.match(
    refusal(() => readTranscripts(archive({}), 'x.eval')),
    /header\.json/,
  );
  const old = { version: 9, eval: {}, samples: [] };
  assert.match(
    refusal(() => readTranscripts(Buffer.from(JSON.stringify(old)), 'x.json')),
    /version 1 or 2 .*found 9/,
  );
});
