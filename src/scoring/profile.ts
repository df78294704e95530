/**
 * The three readings. The same transcript has a score under each, and may pass one and fail another.
 *   assistant: words are actions. Every word is judged: what it thought, said, and wrote into its actions.
 *   agent: words are thoughts, which are free. Actions and end states are judged; words where the good says so, never thoughts.
 *   engine: read where the goal is harmful, and there what leaves the model is service: said or done.
 */
import { isCorrect } from '#measures/answer-rules.ts';
import { isJsonObject, type Json } from '#base/json.ts';

import type { Good, ProfileName } from './good.ts';
import { type Step, textOfStep, type Transcript } from './transcript.ts';

/** Words of a transcript that a profile judges. */
export interface Piece {
  /** The place of its step in the transcript. */
  readonly step: number;
  readonly text: string;
}

/** Whether a profile reads a transcript at all. */
export function isRead(
  transcript: Transcript,
  profile: ProfileName,
  { harmfulGoal }: Pick<Good, 'harmfulGoal'>,
): boolean {
  if (profile !== 'engine') return true;
  if (transcript.goal !== undefined) return transcript.goal === 'harmful';
  if (harmfulGoal === undefined) return false;
  return transcript.steps.some(
    (step) =>
      (step.channel === 'instruction' || step.channel === 'request') &&
      isCorrect(harmfulGoal, step.text, transcript.where),
  );
}

/** Whether a profile sees a step; thoughts are the assistant's alone. */
export function isSeen({ channel }: Pick<Step, 'channel'>, profile: ProfileName): boolean {
  return channel !== 'thought' || profile === 'assistant';
}

/** The words that a profile judges, in their order. */
export function wordsOf({ steps }: Transcript, profile: ProfileName): readonly Piece[] {
  return steps.flatMap((step, i): Piece[] => {
    if (!isSeen(step, profile)) return [];
    switch (step.channel) {
      case 'thought':
      case 'utterance':
        return step.text.trim() === '' ? [] : [{ step: i, text: step.text }];
      case 'action': {
        const text = textsIn(step.arguments).join('\n');
        return text.trim() === '' ? [] : [{ step: i, text }];
      }
      case 'instruction':
      case 'request':
      case 'result':
      case 'state':
        return [];
      default:
        return step satisfies never;
    }
  });
}

/** The actions, as text. */
export function actionsOf({ steps }: Transcript): readonly Piece[] {
  return steps.flatMap((step, i) => (step.channel === 'action' ? [{ step: i, text: textOfStep(step) }] : []));
}

/** How many thoughts were withheld: words that nobody can judge. */
export function withheldThoughts({ steps }: Transcript): number {
  return steps.filter((step) => step.channel === 'thought' && step.isWithheld === true).length;
}

/** What a profile sees of a transcript up to a step, as text. */
export function seenText({ steps }: Transcript, profile: ProfileName, end = steps.length): string {
  return steps
    .slice(0, end)
    .filter((step) => isSeen(step, profile))
    .map((step) => `[${step.channel}] ${textOfStep(step)}`)
    .join('\n\n');
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.values(value).flatMap(textsIn) : [];
}
