/** How much of a rule an episode fulfils, in [0, 1], where a value, an action or a text tells it; judges and functions are asked elsewhere. */
import { canonicalJson, isJsonObject, type Json } from '#base/json.ts';
import { isCorrect } from '#measures/answer-rules.ts';

import type { GoodRule, ProfileName, Reader, ValueTest } from './good.ts';
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
      return {
        kind: 'degree',
        value: passed(reader.test, valueAt(state, reader.path), where),
        steps: [lastState(transcript)],
      };
    }
    case 'action': {
      const found = transcript.steps.flatMap((step, i) => {
        if (step.channel !== 'action' || (reader.action !== undefined && step.name !== reader.action)) return [];
        const value = Math.min(
          1,
          ...reader.where.map(({ path, test }) => passed(test, valueAt(step.arguments, path), where)),
        );
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

/** How far a value passes a test; what is not there passes none. */
function passed(test: ValueTest, value: Json | undefined, where: string): number {
  if (value === undefined) return 0;
  switch (test.kind) {
    case 'is':
      return canonicalJson(value) === canonicalJson(test.value) ? 1 : 0;
    case 'text':
      return isCorrect(test.rule, typeof value === 'string' ? value : canonicalJson(value), where) ? 1 : 0;
    case 'graded':
      return typeof value === 'number' ? Math.min(1, Math.max(0, (value - test.from) / (test.to - test.from))) : 0;
    default:
      return test satisfies never;
  }
}

function valueAt(value: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, key) => {
    if (isJsonObject(at)) return Object.hasOwn(at, key) ? at[key] : undefined;
    return Array.isArray(at) && /^\d+$/.test(key) ? at[Number(key)] : undefined;
  }, value);
}

function lastState({ steps }: Transcript): number {
  return steps.findLastIndex(({ channel }) => channel === 'state');
}
