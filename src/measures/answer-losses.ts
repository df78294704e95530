/** The loss of every answer in a fixed set of rows, under the weights of the moment. */
import type { Sequences } from '#learning/data/sequences.ts';
import type { Trainer } from '#learning/train.ts';

import { answerBatch, answerLayout, NO_ROW } from './answer-batch.ts';

/** One answer's surprise. */
export interface AnswerLoss {
  /** Sum of -log p over its tokens, in nats. */
  readonly nats: number;
  readonly tokens: number;
}

/**
 * Compiles a scorer of a set of rows; call the result to score them, in their order.
 * @param rows Rows scored at once; numbers do not depend on it beyond rounding.
 */
export async function answerScorer(
  trainer: Pick<Trainer, 'scorer'>,
  sequences: Sequences,
  rows: number,
): Promise<() => Promise<AnswerLoss[]>> {
  const layout = answerLayout(sequences, rows);
  const width = layout.columns.length;
  const scorer = await trainer.scorer(layout);
  return async () => {
    const answers: AnswerLoss[] = [];
    for (let first = 0; first < sequences.count; first += rows) {
      const chosen = Int32Array.from({ length: rows }, (_, i) => (first + i < sequences.count ? first + i : NO_ROW));
      const { tokens, labels, weights } = answerBatch(sequences, layout, chosen, 1);
      const [losses = new Float32Array()] = await scorer.losses(tokens, labels);
      chosen.forEach((sequence, row) => {
        if (sequence !== NO_ROW) answers.push(answerOf(losses, weights, row * width, width));
      });
    }
    return answers;
  };
}

/** Mean over all answer tokens of a set, in nats per answer token. */
export function lossPerToken(answers: readonly AnswerLoss[]): number {
  const nats = answers.reduce((sum, answer) => sum + answer.nats, 0);
  return nats / answers.reduce((sum, answer) => sum + answer.tokens, 0);
}

/** In float64 and in order: the same bits every time. */
function answerOf(losses: Float32Array, weights: Float32Array, first: number, width: number): AnswerLoss {
  let [nats, tokens] = [0, 0];
  for (let i = first; i < first + width; i++) {
    if (weights[i] !== 1) continue;
    nats += losses[i] ?? Number.NaN;
    tokens++;
  }
  return { nats, tokens };
}
