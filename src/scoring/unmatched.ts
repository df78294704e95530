/**
 * What a good reads and transcripts do not have: a path that end states lack, an action that nobody took, an argument that none of
 * its calls gave. Each is legitimate (who was never paid has no `paid`), and each is what a misspelt rule looks like, whose score
 * would say nothing; so it is told beside the scores, and changes none.
 */
import { nearestName } from '#base/errors.ts';
import { isJsonObject, type Json } from '#base/json.ts';

import { type ActionReader, valueAt } from './action-reader.ts';
import type { Good } from './good.ts';
import { endState, type Step, type Transcript } from './transcript.ts';

/** Names that are there are told up to so many. */
const MOST_NAMED = 8;

/** One sentence for each rule that finds nothing to read in some end states, or in no action at all. */
export function unmatchedRules(transcripts: readonly Transcript[], { rules }: Pick<Good, 'rules'>): readonly string[] {
  const states = transcripts.flatMap((one) => endState(one) ?? []);
  const actions = transcripts.flatMap(({ steps }) => steps.filter((step) => step.channel === 'action'));
  return rules.flatMap(({ name, reader }) => {
    const found =
      reader.kind === 'state'
        ? unmatchedPath(states, reader.path)
        : reader.kind === 'action'
          ? unmatchedAction(actions, reader)
          : undefined;
    return found === undefined ? [] : [`rule "${name}": ${found}`];
  });
}

function unmatchedPath(states: readonly Json[], path: readonly string[]): string | undefined {
  const lacking = states.filter((state) => valueAt(state, path) === undefined).length;
  if (lacking === 0) return undefined;
  const told = `${lacking} of ${states.length} end states have no "${path.join('.')}", and were read as not fulfilling it`;
  return lacking < states.length ? `${told}.` : `${told}. ${hintOf(path.join('.'), pathsOf(states))}`;
}

type Action = Extract<Step, { channel: 'action' }>;

function unmatchedAction(actions: readonly Action[], { action, where }: ActionReader): string | undefined {
  const named = actions.filter(({ name }) => action === undefined || name === action);
  if (named.length === 0) {
    if (action === undefined) return 'no episode has an action.';
    return `no episode has an action "${action}". ${hintOf(action, new Set(actions.map(({ name }) => name)))}`;
  }
  const nowhere = where.find(({ path }) => named.every((one) => valueAt(one.arguments, path) === undefined));
  if (nowhere === undefined) return undefined;
  const path = nowhere.path.join('.');
  return `none of ${named.length} such actions has an argument "${path}". ${hintOf(path, pathsOf(named.map((one) => one.arguments)))}`;
}

function hintOf(wanted: string, known: ReadonlySet<string>): string {
  if (known.size === 0) return 'There is none at all.';
  const nearest = nearestName(wanted, [...known]) ?? '';
  const all = [...known].toSorted();
  const more = all.length > MOST_NAMED ? `, and ${all.length - MOST_NAMED} more` : '';
  return `There are ${all.slice(0, MOST_NAMED).join(', ')}${more}; the nearest is "${nearest}".`;
}

/** So many paths are collected for a hint. */
const MOST_PATHS = 200;

/** Dotted paths to what is no object; lists end a path. */
function pathsOf(values: readonly Json[]): ReadonlySet<string> {
  const paths = new Set<string>();
  const walk = (value: Json, path: string): void => {
    if (paths.size >= MOST_PATHS) return;
    if (!isJsonObject(value) || Object.keys(value).length === 0) {
      if (path !== '') paths.add(path);
      return;
    }
    for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
  };
  for (const value of values) walk(value, '');
  return paths;
}
