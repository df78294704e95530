/** A study with one of everything, for the tests of how studies are checked, and ways to break it. */
import assert from 'node:assert/strict';

import { defineStudy } from './define-study.ts';
import type { Recipe } from './recipe.ts';
import type { StudyInput } from './study.ts';

/** Gives two axes and three outcomes, and takes its levels from the study. */
export const RECIPE: Recipe = {
  name: 'tree',
  semanticsVersion: 1,
  defaults: { rank: 1, rate: 0.1, measure: { levels: { loss: [], depth: [] } } },
  learningRatePath: 'rate',
  measurePaths: ['measure'],
  levelsPath: 'measure.levels',
  gives: () => ({ axes: ['loss', 'depth'], outcomes: ['error', 'theory', 'coherence'] }),
  check: () => {},
  run: async () => ({ kind: 'finished' }),
};

const outcome = { label: 'error', unit: 'fraction', delta: 0.1, role: 'confirmatory' } as const;
const given = { kind: 'given', axis: 'depth', label: 'depth', levels: [1, 2] } as const;
const asks = { kind: 'question' } as const;

/** A study with one of everything that claims and maps can say. */
export const WHOLE: StudyInput = {
  name: 'tree',
  question: 'Does it matter?',
  scope: 'a tree',
  recipe: RECIPE,
  matchOn: [
    { name: 'loss', label: 'loss', unit: 'nats', role: 'other', levels: [2, 1, 0], maxGap: 1, direction: 'falls' },
  ],
  outcomes: [
    { name: 'error', ...outcome },
    { name: 'theory', ...outcome, role: 'exploratory' },
  ],
  coherence: { outcome: 'coherence', floor: 0.5 },
  arms: [
    { name: 'a', label: 'A', set: { rank: 1 }, at: { rank: 1, kind: 'x' } },
    { name: 'b', label: 'B', set: { rank: 2 }, at: { rank: 2, kind: 'x' } },
    { name: 'c', label: 'C', set: { rank: 1 }, at: { rank: 1, kind: 'y' }, seedOffset: 1000 },
  ],
  claims: [
    {
      name: 'one',
      arm: 'a',
      against: { kind: 'arm', arm: 'b' },
      at: { kind: 'crossed', axis: 'loss', levels: [1] },
      asks,
    },
    { name: 'two', arm: 'a', against: { kind: 'outcome', outcome: 'theory' }, at: given, asks },
    { name: 'three', arm: 'a', against: { kind: 'value', value: 0.5, label: 'chance' }, at: { kind: 'end' }, asks },
    {
      name: 'four',
      arm: 'a',
      against: { kind: 'arms', weights: { b: 0.5, c: 0.5 }, label: 'the others' },
      at: { kind: 'trend', axis: 'loss' },
      outcomes: ['error'],
      asks: { kind: 'control', expect: 'differs', direction: 'above' },
    },
  ],
  maps: [
    {
      name: 'map',
      label: 'error',
      x: 'rank',
      y: 'kind',
      outcome: 'error',
      at: { kind: 'end' },
      theory: 'theory',
    },
  ],
  profiles: { quick: { arms: ['a', 'b', 'c'], blocks: 6 } },
};

/** WHOLE with something else at a path, as a file that nobody's compiler saw might have it; undefined leaves it out. */
export function broken(...changes: readonly (readonly [path: string, value: unknown])[]): unknown {
  const set = (target: unknown, keys: readonly string[], value: unknown): unknown => {
    const [key, ...rest] = keys;
    if (key === undefined) return value;
    if (Array.isArray(target)) {
      const items: unknown[] = [...(target as readonly unknown[])];
      items[Number(key)] = set(items[Number(key)], rest, value);
      return items;
    }
    const object = typeof target === 'object' && target !== null ? { ...target } : {};
    return { ...object, [key]: set(Reflect.get(object, key), rest, value) };
  };
  return changes.reduce<unknown>((study, [path, value]) => set(study, path.split('.'), value), WHOLE);
}

/** What defineStudy says of it, a line a problem. */
export function problemsOf(study: unknown): string[] {
  try {
    defineStudy(study as StudyInput);
    return [];
  } catch (error) {
    assert.ok(error instanceof Error && error.name === 'AssayError', String(error));
    return error.message.split('\n  - ').slice(1);
  }
}
