/** How much of a rule an episode fulfils, in [0, 1], where a value, an action or a text tells it; judges and functions are asked elsewhere. */
import { isCorrect } from '#measures/answer-rules.ts';

import { actionDegree, passed, valueAt } from './action-reader.ts';
import type { GoodRule, ProfileName, Reader } from './good.ts';
import { wordsOf } from './profile.ts';
import { endState, type Transcript } from './transcript.ts';

/** How much, and by which steps; or why that cannot be told; or that there was nothing to read. */
export type Degree =
  | { readonly kind: 'degree'; readonly value: number; readonly steps: readonly number[] }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'nothing' };

type OwnReader = Exclude<Reader, { kind: 'judge' | 'function' }>;

/** The degree of a rule. @throws AssayError where a regex does not end. */
export function degreeOf(
  rule: Pick<GoodRule, 'name'>,
  reader: OwnReader,
  transcript: Transcript,
  profile: ProfileName,
): Degree {
  const where = `${transcript.where}, rule "${rule.name}"`;
  switch (reader.kind) {
    case 'state': {
      const state = endState(transcript);
      if (state === undefined)
        return { kind: 'missing', reason: `no end state was kept, which rule "${rule.name}" reads` };
      const value = valueAt(state, reader.path);
      if (reader.test.kind === 'graded' && value !== undefined && typeof value !== 'number') {
        return {
          kind: 'missing',
          reason: `rule "${rule.name}" expects a number at "${reader.path.join('.')}", and found ${typeof value === 'string' ? 'text' : 'something else'}`,
        };
      }
      return { kind: 'degree', value: passed(reader.test, value, where), steps: [lastState(transcript)] };
    }
    case 'action': {
      const found = transcript.steps.flatMap((step, i) => {
        const value = step.channel === 'action' ? actionDegree(reader, step, where) : 0;
        return value > 0 ? [{ value, i }] : [];
      });
      return { kind: 'degree', value: Math.max(0, ...found.map(({ value }) => value)), steps: found.map(({ i }) => i) };
    }
    case 'text': {
      const steps = wordsOf(transcript, profile).flatMap(({ step, text }) =>
        isCorrect(reader.rule, text, where) ? [step] : [],
      );
      return { kind: 'degree', value: steps.length > 0 ? 1 : 0, steps };
    }
    default:
      return reader satisfies never;
  }
}

function lastState({ steps }: Transcript): number {
  return steps.findLastIndex(({ channel }) => channel === 'state');
}
