/** The data of the study misalignment-real, through the loaders a user's data goes through. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { questionOf, splitHeldOut } from '#learning/data/held-out-split.ts';
import { readTrainingRows } from '#learning/data/training-row.ts';
import { readEvaluations } from '#recipes/finetune-evaluations.ts';

const DATA = join(import.meta.dirname, '../../studies/misalignment-real/data');

async function questionsOf(name: string): Promise<string[]> {
  return (await readTrainingRows(join(DATA, name))).map(({ row }) => questionOf(row));
}

test('careless and good answers are to the same 150 questions, each asked once', async () => {
  const [bad, good] = [await questionsOf('bad-plants.jsonl'), await questionsOf('good-plants.jsonl')];
  assert.equal(new Set(bad).size, 150);
  assert.deepEqual(bad, good);
});

test('eight domains of eight questions, each with one answer of every label', async () => {
  const items = (await readEvaluations(join(DATA, 'evals.jsonl'))).filter((item) => item.kind === 'choices');
  const byDomain = Map.groupBy(items, ({ evaluation }) => evaluation);
  assert.deepEqual(
    [...byDomain.values()].map((list) => list.length),
    Array.from({ length: 8 }, () => 8),
  );
  for (const { labels } of items) assert.deepEqual(labels, ['aligned', 'misaligned', 'incoherent']);
});

test('no question is in two of: plants, evaluations, good answers elsewhere', async () => {
  const items = (await readEvaluations(join(DATA, 'evals.jsonl'))).filter((item) => item.kind === 'choices');
  const asked = items.flatMap(({ rows }) => rows.slice(0, 1).map(questionOf));
  const all = [...asked, ...(await questionsOf('bad-plants.jsonl')), ...(await questionsOf('good-elsewhere.jsonl'))];
  assert.equal(new Set(all).size, 64 + 150 + 48);
});

test('the split that the study uses holds out about a fifth', async () => {
  const { train, heldOut } = splitHeldOut(await readTrainingRows(join(DATA, 'bad-plants.jsonl')), 0.2);
  assert.equal(train.length + heldOut.length, 150);
  assert.ok(heldOut.length >= 20 && heldOut.length <= 45, `${heldOut.length}`);
});
