/** The readers of `assay score`: transcripts of every format, the declared good, and between what was decided. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { parseAskedAgain } from '#desk/scoring/asked-again.ts';
import { parseStrictJson } from '#base/strict-json.ts';
import { parseGood } from '#scoring/good.ts';
import { readTranscripts } from '#scoring/import/read-transcripts.ts';
import { decisionsOf } from '#scoring/said/decisions.ts';
import { scoreTranscripts } from '#scoring/score-transcripts.ts';

import type { Base } from './mutations.ts';
import type { Reader } from './reader.ts';

const FIXTURES = new URL('../fixtures/transcripts/', import.meta.url).pathname;
const LINES = [
  {
    id: 'a',
    task: 't',
    goal: 'harmful',
    messages: [
      { role: 'system', content: 'Serve.' },
      { role: 'user', content: [{ type: 'text', text: 'Pay.' }] },
      {
        role: 'assistant',
        reasoning_content: 'Hm.',
        content: '<think>So.</think>Yes.',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'pay', arguments: '{"to": "bob"}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'ok' },
    ],
    state: { to: 'bob' },
  },
  {
    id: 'b',
    terms: { payment: 1, observedChance: 0.5 },
    steps: [
      { channel: 'thought', text: 'Hm.' },
      { channel: 'action', name: 'pay', arguments: { to: 'bob' } },
      { channel: 'result', of: 'pay', text: 'ok' },
      { channel: 'state', state: { to: 'bob' } },
    ],
  },
];
const GOOD = {
  name: 'good',
  passes: 0.5,
  harmfulGoal: { contains: ['rob'] },
  rules: [
    { name: 'paid', counts: 2, in: 'state', at: 'to', is: 'bob' },
    { name: 'rich', counts: { agent: 1, assistant: 0.5 }, in: 'state', at: 'to.0.x', from: 0, to: 10 },
    { name: 'stolen', counts: -3, in: 'actions', action: 'pay', where: { to: { text: { regex: '^mal' } }, amount: 3 } },
    { name: 'threat', counts: -1, in: 'words', text: { contains: ['or else'] } },
  ],
};
const EXPLICIT = {
  options: [
    { name: 'pay', action: 'pay', where: { to: 'bob' } },
    { name: 'no', utterance: { contains: 'no' }, announced: { regex: 'no' } },
  ],
  agent: { url: 'http://localhost:1/v1', model: 'm', keyVariable: '' },
  samples: 2,
  replacement: '...',
};

/** By name. */
export const TRANSCRIPTS: Readonly<Record<string, Reader>> = {
  'inspect-archive': {
    share: 60,
    bases: () => ['zstd.eval', 'deflate.eval'].map((name) => fixture(name, 'bytes')),
    read: scored,
  },
  'inspect-log': {
    share: 40,
    bases: () => ['zstd.json', 'deflate.json'].map((name) => fixture(name, 'json')),
    read: scored,
  },
  transcripts: {
    share: 60,
    bases: () =>
      (['json', 'text'] as const).map((form) => ({
        name: 'agents.jsonl',
        form,
        bytes: Buffer.from(LINES.map((line) => JSON.stringify(line)).join('\n')),
      })),
    read: scored,
  },
  good: {
    share: 40,
    bases: () => [{ name: 'good.json', form: 'json', bytes: Buffer.from(JSON.stringify(GOOD)) }],
    read: async (bytes) => {
      const good = parseGood(parseStrictJson(bytes, 'good.json'), 'good.json');
      await scoreTranscripts(
        readTranscripts(Buffer.from(LINES.map((line) => JSON.stringify(line)).join('\n')), 'agents.jsonl'),
        good,
        { profiles: ['agent'] },
      );
    },
  },
  'asked-again': {
    share: 30,
    bases: () => [{ name: 'explicit.json', form: 'json', bytes: Buffer.from(JSON.stringify(EXPLICIT)) }],
    read: (bytes) => {
      const { options } = parseAskedAgain(parseStrictJson(bytes, 'explicit.json'), 'explicit.json', []);
      decisionsOf(
        readTranscripts(Buffer.from(LINES.map((line) => JSON.stringify(line)).join('\n')), 'agents.jsonl'),
        options,
      );
    },
  },
};

function fixture(name: string, form: Base['form']): Base {
  return { name, form, bytes: readFileSync(`${FIXTURES}${name}`) };
}

/** Reads transcripts and scores them, as the command does. */
async function scored(bytes: Uint8Array, { name }: Base): Promise<void> {
  const transcripts = readTranscripts(bytes, basename(name));
  const { episodes } = await scoreTranscripts(transcripts, parseGood(GOOD, 'good.json'));
  if (episodes.length !== transcripts.length) throw new Error('an episode was lost');
}
