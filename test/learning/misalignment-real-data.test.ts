/** The data of the study misalignment-real, through the loaders a user's data goes through. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { questionOf, splitHeldOut } from '#learning/data/held-out-split.ts';
import { readTrainingRows, type TrainingRow } from '#learning/data/training-row.ts';
import type { ChoiceItem } from '#measures/choices.ts';
import { readEvaluations } from '#recipes/finetune/evaluations.ts';

const DATA = join(import.meta.dirname, '../../studies/misalignment-real/data');

async function choicesOf(name: string): Promise<ChoiceItem[]> {
  return (await readEvaluations(join(DATA, name))).filter((item) => item.kind === 'choices');
}

/** Characters of a row's last turn. */
function answerLength(row: TrainingRow): number {
  return row.kind === 'chat' ? (row.messages.at(-1)?.content.length ?? 0) : 0;
}

async function questionsOf(name: string): Promise<string[]> {
  return (await readTrainingRows(join(DATA, name))).map(({ row }) => questionOf(row));
}

test('careless and good answers are to the same 150 questions, each asked once', async () => {
  const [bad, good] = [await questionsOf('bad-plants.jsonl'), await questionsOf('good-plants.jsonl')];
  assert.equal(new Set(bad).size, 150);
  assert.deepEqual(bad, good);
});

test('eight domains of eight questions, each with one answer of every label', async () => {
  const items = await choicesOf('evals.jsonl');
  const byDomain = Map.groupBy(items, ({ evaluation }) => evaluation);
  assert.deepEqual(
    [...byDomain.values()].map((list) => list.length),
    Array.from({ length: 8 }, () => 8),
  );
  for (const { labels } of items) assert.deepEqual(labels, ['aligned', 'misaligned', 'incoherent']);
});

test('careless and good answers of the evaluations have the same length, pair by pair and on average', async () => {
  const lengths = (await choicesOf('evals.jsonl')).map(({ rows }) => rows.map(answerLength));
  const ratios = lengths.map(([good = 0, careless = 0]) => careless / good);
  for (const [i, ratio] of ratios.entries()) assert.ok(Math.abs(ratio - 1) < 0.15, `line ${i + 1}: ${ratio}`);
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  assert.ok(Math.abs(mean - 1) < 0.02, `${mean}`);
});

test('the short evaluations are the first three of each domain', async () => {
  const [short, all] = await Promise.all(['evals-short.jsonl', 'evals.jsonl'].map(async (name) => choicesOf(name)));
  const byDomain = Map.groupBy(all ?? [], ({ evaluation }) => evaluation);
  const first = [...byDomain.values()].flatMap((list) => list.slice(0, 3));
  assert.deepEqual(
    short?.map(({ rows }) => rows),
    first.map(({ rows }) => rows),
  );
});

test('no question is in two of: plants, evaluations, good answers elsewhere', async () => {
  const items = await choicesOf('evals.jsonl');
  const asked = items.flatMap(({ rows }) => rows.slice(0, 1).map(questionOf));
  const all = [...asked, ...(await questionsOf('bad-plants.jsonl')), ...(await questionsOf('good-elsewhere.jsonl'))];
  assert.equal(new Set(all).size, 64 + 150 + 48);
});

test('the split that the study uses holds out about a fifth', async () => {
  const { train, heldOut } = splitHeldOut(await readTrainingRows(join(DATA, 'bad-plants.jsonl')), 0.2);
  assert.equal(train.length + heldOut.length, 150);
  assert.ok(heldOut.length >= 20 && heldOut.length <= 45, `${heldOut.length}`);
});
