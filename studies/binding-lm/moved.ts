/** Where answers went after a swap, by which object is asked for: an exchange of what binds moves them all, a lean towards one value moves some. */
import type { Prompt } from 'assay/studies/binding-task/prompts.ts';
import type { Reading } from 'assay/studies/binding-task/reading.ts';
import { scoreOf } from 'assay/studies/binding-task/swaps.ts';

/** Of every swap: the smallest score over the objects that are asked for, and the scores where the first is and where the last is. */
export const SPLITS = ['', 'First', 'Last'] as const;

/** The order among objects of what a prompt asks for. */
export function askedOrder({ objects, asked }: Prompt): number {
  return objects.indexOf(asked);
}

/** Prompts' numbers, one list an object that is asked for, in the objects' order. */
function lists(prompts: readonly Prompt[], numbers: readonly number[]): readonly (readonly number[])[] {
  const all = Map.groupBy(numbers, (_, c) => (prompts[c] === undefined ? -1 : askedOrder(prompts[c])));
  return [...all].toSorted(([a], [b]) => a - b).map(([, list]) => list);
}

/** A swap's outcomes, named as in `SPLITS`. @param margins As of `swapMargins`, one a prompt. */
export function byAsked(
  name: string,
  prompts: readonly Prompt[],
  margins: readonly number[],
): readonly (readonly [string, number])[] {
  const scores = lists(prompts, margins).map(scoreOf);
  const [first = Number.NaN, last = Number.NaN] = [scores[0], scores.at(-1)];
  const numbers = [Math.min(...scores), first, last];
  return SPLITS.map((split, i) => [`${name}${split}`, numbers[i] ?? Number.NaN] as const);
}

/** By how many logits each prompt's answer is likelier than the value of its partner. */
export function answerGaps(
  prompts: readonly Prompt[],
  { logits, vocabulary }: Omit<Reading, 'depths'>,
  partners: readonly number[],
): readonly number[] {
  return prompts.map(({ objects, asked }, c) => {
    const logit = (token = 0): number => logits[c * vocabulary + token] ?? 0;
    return logit(asked.answer) - logit(objects[partners[c] ?? 0]?.answer);
  });
}

/**
 * What a swap does in logits, each object that is asked for counted alike. `turn`: how far it goes to the partner's value, as an exchange of what binds does
 * whichever is asked for. `lean`: how far to the value of the earlier of the two, as a preference for one place does whichever is asked for.
 * @param gaps As of `answerGaps`, before the swap. @param margins Of the partner's value over the answer, after it.
 */
export function turnAndLean(
  prompts: readonly Prompt[],
  partners: readonly number[],
  gaps: readonly number[],
  margins: readonly number[],
): { readonly turn: number; readonly lean: number } {
  const turned = margins.map((margin, c) => margin + (gaps[c] ?? 0));
  const leant = prompts.map((prompt, c) => (turned[c] ?? 0) * ((partners[c] ?? 0) < askedOrder(prompt) ? 1 : -1));
  return { turn: meanOfMeans(lists(prompts, turned)), lean: meanOfMeans(lists(prompts, leant)) };
}

function meanOfMeans(all: readonly (readonly number[])[]): number {
  const means = all.map((list) => list.reduce((sum, value) => sum + value, 0) / list.length);
  return means.reduce((sum, value) => sum + value, 0) / means.length;
}
