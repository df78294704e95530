/** Answers scored beside their question, read once, against each answer with its question alone in a padded row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { arrangeRows, type Sequences } from '#learning/data/sequences.ts';
import type { TokenRow } from '#learning/data/token-rows.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';
import { answerBatch, answerLayout } from '#measures/answer-batch.ts';
import { type AnswerLoss, answerScorers } from '#measures/answer-losses.ts';

import { tinyModels, VOCABULARY } from './tiny-models.ts';

/** Nats of an answer of up to 20 tokens: float32 sums in another order. */
const REORDERED = 2e-5;
const LENGTH = 400;

const MODELS = tinyModels(LENGTH, 100);

/** Questions of unlike lengths, some with one answer, some with answers that begin alike, one longer than usual rows. */
const QUESTIONS: readonly { readonly stem: number; readonly answers: readonly number[] }[] = [
  { stem: 9, answers: [4, 7, 1] },
  { stem: 30, answers: [20] },
  { stem: 1, answers: [2, 3] },
  { stem: 300, answers: [9, 5] },
  { stem: 60, answers: [11, 2, 8, 14] },
  { stem: 25, answers: [3, 3] },
];

/** @param begun How many tokens every question begins with. */
function rowsOf(question: (typeof QUESTIONS)[number], number: number, begun: number): TokenRow[] {
  const drawn = (name: string, length: number): number[] => {
    const rng = rngOf(number, name);
    return Array.from({ length }, () => rng.below(VOCABULARY));
  };
  const beginning = Array.from({ length: begun }, (_, t) => (5 * t) % VOCABULARY);
  const stem = [...beginning, ...drawn('stem', question.stem)];
  return question.answers.map((length, i) => {
    const ids = Int32Array.from([...stem, 3, ...drawn(`answer ${i}`, length).slice(1)]);
    return { line: number, ids, lossMask: Uint8Array.from(ids, (_, t) => Number(t >= stem.length)) };
  });
}

/** Every answer alone behind its question, one a row, all rows padded to the longest. */
async function scoredAlone(trainer: Trainer, sequences: Sequences): Promise<AnswerLoss[]> {
  const layout = answerLayout(sequences, sequences.count);
  const all = Int32Array.from({ length: sequences.count }, (_, n) => n);
  const { tokens, labels, weights } = answerBatch(sequences, layout, all, 1);
  const [losses = new Float32Array()] = await (await trainer.scorer(layout)).losses(tokens, labels);
  const width = layout.columns.length;
  return Array.from(all, (n) => {
    const own = Array.from({ length: width }, (_, i) => n * width + i).filter((i) => weights[i] === 1);
    return { nats: own.reduce((sum, i) => sum + (losses[i] ?? Number.NaN), 0), tokens: own.length };
  });
}

const CASES = Object.entries(MODELS).flatMap(([name, model]) => [0, 20].map((begun) => ({ name, model, begun })));

for (const { name, model, begun } of CASES) {
  test(`${name}: answers that share their question, questions ${begun} tokens, lose what they lose alone`, async () => {
    const rows = QUESTIONS.flatMap((question, number) => rowsOf(question, number, begun));
    const sequences = arrangeRows(rows, 330, 'pad', 0);
    await using trainer = await createTrainer({
      model,
      method: { kind: 'full' },
      optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
      batch: { rows: 1, length: 2 },
    });
    trainer.reset(initialWeights(model, rngOf(1, 'init')), rngOf(1, 'adapter'));
    const alone = await scoredAlone(trainer, sequences);
    const scorerOf = answerScorers(trainer);
    const sharing = QUESTIONS.map(({ answers }) => answers.length);
    for (const scored of [await scorerOf(sequences, sharing)(), await scorerOf(sequences)()]) {
      assert.deepEqual(
        scored.map(({ tokens }) => tokens),
        alone.map(({ tokens }) => tokens),
      );
      scored.forEach(({ nats }, i) => {
        const expected = alone[i]?.nats ?? Number.NaN;
        assert.ok(Math.abs(nats - expected) < REORDERED, `answer ${i}: ${nats} against ${expected}`);
      });
    }
  });
}
