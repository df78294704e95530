/**
 * Whether a generated reply is the answer that was wanted.
 * `exact` and `contains` compare after NFC normalisation, in lower case, with every run of white space as one space and
 * none at the ends; `regex` searches the reply as it is, with the flags given (and always `u`).
 */
import { AssayError, messageOf } from '#base/errors.ts';
import { isJsonObject, type Json } from '#base/json.ts';
import { withTimeLimit } from '#learning/files/text/time-limit.ts';

import { refuseUnknown, shortOf } from './choices.ts';

/** A rule over a reply's text. */
export type AnswerRule =
  | { readonly kind: 'exact' | 'contains'; /** Any of these will do. */ readonly texts: readonly string[] }
  | { readonly kind: 'regex'; readonly pattern: RegExp };

const RULE_KEYS = ['exact', 'contains', 'regex', 'flags'] as const;
const KINDS = ['exact', 'contains', 'regex'] as const;
const FLAGS = /^[ims]*$/;
/** A search takes microseconds; a pattern that backtracks without end would take years. */
const LIMIT_MS = 1000;

/** A rule from its JSON, the value of a key. @throws AssayError naming `where` and the key, what was expected and what was found. */
export function parseAnswerRule(value: Json | undefined, where: string, key = 'answer'): AnswerRule {
  if (!isJsonObject(value)) {
    throw new AssayError('data', `${where}: expected "${key}" to be an object, found ${shortOf(value)}.`);
  }
  refuseUnknown(value, RULE_KEYS, where);
  const [kind, ...others] = KINDS.filter((key) => value[key] !== undefined);
  if (kind === undefined || others.length > 0) {
    const found = kind === undefined ? 'none' : [kind, ...others].join(' and ');
    throw new AssayError(
      'data',
      `${where}: expected "${key}" to have one of exact, contains and regex, found ${found}.`,
    );
  }
  if (kind === 'regex') return { kind, pattern: patternOf(value['regex'], value['flags'] ?? '', where) };
  if (value['flags'] !== undefined) throw new AssayError('data', `${where}: "flags" belong to "regex" alone.`);
  const given = value[kind];
  const texts = (Array.isArray(given) ? given : [given]).map((text: Json | undefined) => {
    if (typeof text === 'string' && normalised(text) !== '') return normalised(text);
    const expected = `"${kind}" to be text that is not blank, or a list of such`;
    throw new AssayError('data', `${where}: expected ${expected}, found ${shortOf(text)}.`);
  });
  if (texts.length === 0) throw new AssayError('data', `${where}: expected "${kind}" to be text, found an empty list.`);
  return { kind, texts };
}

/**
 * Whether a reply follows the rule.
 * @param where Named in the error.
 * @throws AssayError where the pattern needs more than a second, which is one that would never end.
 */
export function isCorrect(rule: AnswerRule, reply: string, where: string): boolean {
  switch (rule.kind) {
    case 'exact':
      return rule.texts.includes(normalised(reply));
    case 'contains':
      return rule.texts.some((text) => normalised(reply).includes(text));
    case 'regex': {
      const tooSlow = (): string =>
        `${where}: the regex ${String(rule.pattern)} did not finish in ${LIMIT_MS} ms on a reply of ${reply.length} characters. Write it without nested repetitions.`;
      return withTimeLimit(LIMIT_MS, tooSlow, () => rule.pattern.test(reply));
    }
    default:
      return rule satisfies never;
  }
}

function patternOf(source: Json | undefined, flags: Json, where: string): RegExp {
  if (typeof source !== 'string' || source === '' || typeof flags !== 'string' || !FLAGS.test(flags)) {
    const found = `${shortOf(source)} with flags ${shortOf(flags)}`;
    throw new AssayError(
      'data',
      `${where}: expected "regex" to be a pattern with flags among i, m and s, found ${found}.`,
    );
  }
  try {
    return new RegExp(source, `${flags}u`);
  } catch (thrown) {
    throw new AssayError('data', `${where}: expected a regular expression: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function normalised(text: string): string {
  return text.normalize('NFC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}
