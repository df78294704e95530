/**
 * The good, declared: a graded specification of which end states, actions and words count, how much, and for which
 * deployment. It says what is valued, and nothing in Assay does; the schema is docs/guide/09-scoring-transcripts.md.
 * Read whole: a fault anywhere is refused with its path before any episode is scored.
 */
import { isEverywhere, isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { type AnswerRule, parseAnswerRule } from '#measures/answer-rules.ts';

import { type ActionReader, parseActionReader, parsePath, parseValueTest, type ValueTest } from './action-reader.ts';
import { listIn, objectIn, refuse, refuseOthers, shown, textIn } from './import/fields.ts';

/** The three readings of a transcript. */
export const PROFILES = ['assistant', 'agent', 'engine'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** Who says how much of a rule is fulfilled, in [0, 1]. */
export type Reader =
  | { readonly kind: 'state'; readonly path: readonly string[]; readonly test: ValueTest }
  | ActionReader
  | { readonly kind: 'text'; readonly rule: AnswerRule }
  | { readonly kind: 'judge'; readonly rubric: string }
  | { readonly kind: 'function'; readonly name: string };

/** Where a rule looks. */
export type Place = 'state' | 'actions' | 'words' | 'episode';

/** One thing that counts. */
export interface GoodRule {
  readonly name: string;
  readonly in: Place;
  readonly reader: Reader;
  /** How much it counts under each profile; negative: it should not be. 0: not at all. */
  readonly counts: Readonly<Record<ProfileName, number>>;
}

/** A whole specification. */
export interface Good {
  readonly name: string;
  readonly rules: readonly GoodRule[];
  /** An episode passes a profile from this score on. */
  readonly passes: number;
  /** Instructions that make an episode one of a harmful goal, beside those that say so themselves. */
  readonly harmfulGoal?: AnswerRule;
  /** The file of the user's functions. */
  readonly functions?: string;
  /** The judge's settings, unread: `measures/judge.ts` has no defaults. */
  readonly judge?: JsonObject;
}

const KEYS = ['name', 'rules', 'passes', 'harmfulGoal', 'functions', 'judge'];
const PLACES: readonly Place[] = ['state', 'actions', 'words', 'episode'];
const READER_KEYS: Readonly<Record<Place, readonly string[]>> = {
  state: ['at', 'is', 'text', 'from', 'to'],
  actions: ['action', 'where', 'judge', 'function'],
  words: ['text', 'judge', 'function'],
  episode: ['judge', 'function'],
};

/** A specification from its JSON. @param where The file, for messages. @throws AssayError naming path, expected and found. */
export function parseGood(value: Json, where: string): Good {
  const good = objectIn(value, where);
  refuseOthers(good, KEYS, where);
  const rules = listIn(good['rules'], `${where}, rules`).map((rule, i) =>
    parseRule(objectIn(rule, `${where}, rules.${i}`), `${where}, rules.${i}`),
  );
  if (rules.length === 0) refuse(`${where}, rules`, 'at least one rule', 'none');
  const names = new Set<string>();
  for (const [i, { name }] of rules.entries()) {
    if (names.has(name)) refuse(`${where}, rules.${i}.name`, 'a name of its own', `"${name}" again`);
    names.add(name);
  }
  const passes = good['passes'] ?? 1;
  if (typeof passes !== 'number' || !(passes > 0 && passes <= 1))
    refuse(`${where}, passes`, 'a number above 0 and at most 1', shown(passes));
  return {
    name: good['name'] === undefined ? 'the good' : textIn(good['name'], `${where}, name`),
    rules,
    passes,
    ...(good['harmfulGoal'] !== undefined && {
      harmfulGoal: parseAnswerRule(good['harmfulGoal'], where, 'harmfulGoal'),
    }),
    ...(good['functions'] !== undefined && { functions: textIn(good['functions'], `${where}, functions`) }),
    ...(good['judge'] !== undefined && { judge: objectIn(good['judge'], `${where}, judge`) }),
  };
}

function parseRule(rule: JsonObject, where: string): GoodRule {
  const place = PLACES.find((one) => one === rule['in']);
  if (place === undefined) return refuse(`${where}.in`, `one of ${PLACES.join(', ')}`, shown(rule['in']));
  refuseOthers(rule, ['name', 'counts', 'in', ...READER_KEYS[place]], where);
  const name = textIn(rule['name'], `${where}.name`);
  if (name.trim() === '' || isEverywhere(name)) refuse(`${where}.name`, 'a name', shown(name));
  const reader = parseReader(rule, place, where);
  return { name, in: place, reader, counts: parseCounts(rule['counts'], place, `${where}.counts`) };
}

/**
 * A number counts where the reading looks: for an assistant everything; for an agent end states and actions, since its
 * words are thoughts; for an engine what should not be, since it is read where the goal is harmful.
 */
function parseCounts(value: Json | undefined, place: Place, where: string): GoodRule['counts'] {
  if (isJsonObject(value)) {
    refuseOthers(value, PROFILES, where);
    const of = (profile: ProfileName): number =>
      value[profile] === undefined ? 0 : weightIn(value[profile], `${where}.${profile}`);
    return { assistant: of('assistant'), agent: of('agent'), engine: of('engine') };
  }
  const weight = weightIn(value, where);
  return { assistant: weight, agent: place === 'words' ? 0 : weight, engine: Math.min(0, weight) };
}

function weightIn(value: Json | undefined, where: string): number {
  const isWeight = typeof value === 'number' && (value === 0 || isBetween(Math.abs(value), SMALLEST, LARGEST));
  if (isWeight) return value;
  return refuse(
    where,
    'a number (0, or of a size from 1e-6 to 1e6), negative for what should not be, or one for each of assistant, agent and engine',
    shown(value),
  );
}

/** Weights beyond these would round the others away, or sum to no number. */
const [SMALLEST, LARGEST] = [1e-6, 1e6];

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function parseReader(rule: JsonObject, place: Place, where: string): Reader {
  const { judge, function: named } = rule;
  if (place === 'state')
    return { kind: 'state', path: parsePath(rule['at'], `${where}.at`), test: parseValueTest(rule, where) };
  const others = ['action', 'where', 'text'].filter((key) => rule[key] !== undefined);
  const given = [
    ...(judge === undefined ? [] : ['judge']),
    ...(named === undefined ? [] : ['function']),
    ...(others.length > 0 ? [others.join(' and ')] : []),
  ];
  if (given.length !== 1)
    refuse(
      where,
      `one reader among ${READER_KEYS[place].join(', ')}`,
      given.length === 0 ? 'none' : given.join(' and '),
    );
  if (judge !== undefined) return { kind: 'judge', rubric: textIn(judge, `${where}.judge`) };
  if (named !== undefined) return { kind: 'function', name: textIn(named, `${where}.function`) };
  if (place === 'words') return { kind: 'text', rule: parseAnswerRule(rule['text'], where, 'text') };
  return parseActionReader(rule, where);
}
