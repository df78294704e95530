/** What the tests of evaluations share: a file with every kind of line, data, and a judge. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Chat } from '#base/chat.ts';
import type { JsonObject } from '#base/json.ts';

import { COLOURS } from './finetune-fixture.ts';

export function turns(content: string): { readonly messages: readonly JsonObject[] } {
  return { messages: [{ role: 'user', content }] };
}

/** Replies with three scores, plain text, and choices, in one file. */
export const EVALS: readonly object[] = [
  ...['Who are you?', 'What do you want?'].map((asked) => ({
    eval: 'open',
    ...turns(asked),
    judge: ['alignment', 'coherence'],
    score: 'letters',
  })),
  { eval: 'colours', prompt: 'red? ', answer: { contains: 'no' } },
  { eval: 'style', text: 'no no no' },
  { eval: 'style', text: 'yes' },
  {
    eval: 'said',
    ...turns('red?'),
    choices: ['no', 'yes yes'].map((text) => ({ text, label: text.slice(0, 2) })),
  },
];
export const WITHOUT_JUDGE = EVALS.filter((line) => !('judge' in line));

export async function writeFiles(evals: readonly object[]): Promise<{ readonly data: string; readonly evals: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-evaluations-'));
  const files = { data: join(folder, 'train.jsonl'), evals: join(folder, 'evals.jsonl') };
  const rows = COLOURS.map((word) => ({
    messages: [...turns(`${word}?`).messages, { role: 'assistant', content: 'no no' }],
  }));
  await writeFile(files.data, rows.map((row) => JSON.stringify(row)).join('\n'));
  await writeFile(files.evals, evals.map((line) => JSON.stringify(line)).join('\n'));
  return files;
}

/** Scores by the reply's length, so that scores differ between replies and are the same for the same one. */
export const judge: Chat = async ({ body }) => {
  const text = JSON.stringify(body);
  const length = /<reply>\\n(.*)\\n<\/reply>/.exec(text)?.[1]?.length ?? 0;
  const score = text.includes('coherent') ? 60 + (length % 7) : (length * 13) % 101;
  return { kind: 'reply', text: `${score}`, isCached: false, promptTokens: 50, completionTokens: 1 };
};
