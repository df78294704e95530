/** The loss of every answer in fixed sets of rows, under the weights of the moment. */
import type { Sequences } from '#learning/data/sequences.ts';
import type { BranchedShape } from '#learning/programs.ts';
import type { BranchedScorer, Trainer } from '#learning/train.ts';

import { type AnswerRows, answerRows, type Branches, questionsOf, usualShape } from './answer-rows.ts';

/** One answer's surprise. */
export interface AnswerLoss {
  /** Sum of -log p over its tokens, in nats. */
  readonly nats: number;
  readonly tokens: number;
}

/** Scores the answers of a set, in its order. */
export type ScoreAnswers = () => Promise<AnswerLoss[]>;

/**
 * Makes scorers of sets of rows. They share programs, whose shape is that which suits the sets known when one is first
 * scored.
 * @returns A function of the rows and of how many consecutive ones ask the same question, question by question.
 */
export function answerScorers(
  trainer: Pick<Trainer, 'branchedScorer'>,
): (sequences: Sequences, sharing?: readonly number[]) => ScoreAnswers {
  const sets: Branches[][] = [];
  let usual: BranchedShape | undefined;
  const programs = new Map<string, Promise<BranchedScorer>>();
  const scorerOf = async ({ shape }: AnswerRows): Promise<BranchedScorer> => {
    const key = `${shape.length} ${shape.labels}`;
    const scorer = programs.get(key) ?? trainer.branchedScorer(shape);
    programs.set(key, scorer);
    return scorer;
  };
  return (sequences, sharing) => {
    const questions = questionsOf(sequences, sharing);
    sets.push(questions);
    let parts: readonly AnswerRows[] | undefined;
    return async () => {
      usual ??= usualShape(sets);
      parts ??= answerRows(questions, usual);
      // In float64 and in order: the same bits every time.
      const answers = Array.from({ length: sequences.count }, () => ({ nats: 0, tokens: 0 }));
      for (const part of parts) {
        const scorer = await scorerOf(part);
        for (const row of part.rows) {
          const losses = await scorer.losses(row);
          row.sequences.forEach((sequence, i) => {
            const answer = answers[sequence];
            if (answer === undefined) return;
            answer.nats += losses[i] ?? Number.NaN;
            answer.tokens++;
          });
        }
      }
      return answers;
    };
  };
}

/** Mean over all answer tokens of a set, in nats per answer token. */
export function lossPerToken(answers: readonly AnswerLoss[]): number {
  const nats = answers.reduce((sum, answer) => sum + answer.nats, 0);
  return nats / answers.reduce((sum, answer) => sum + answer.tokens, 0);
}
