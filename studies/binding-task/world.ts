/**
 * Contexts of a few objects, each a key and its value, scattered among fillers, and then queries: which value belongs to this key?
 * Three tasks of one form:
 * - `relations`: an object is (key, relation, value), and a context has two keys under two relations, so that neither alone tells
 *   which value is asked for (the task of openreview 5HFUrdVJUB);
 * - `objects`: an object is (key, value), asked by its key;
 * - `ordinals`: the same objects, asked by where they stand: first, second, ...; position alone can tell.
 */
import type { Rng } from 'assay/learn';

import type { ObjectPlace, Prompt } from './prompts.ts';

export const TASKS = ['relations', 'objects', 'ordinals'] as const;

export interface TaskWorld {
  readonly task: (typeof TASKS)[number];
  readonly keys: number;
  readonly values: number;
  readonly relations: number;
  /** In a context; even, and no more than there are relations. */
  readonly objects: number;
  /** Filler tokens in a context: before, between and behind objects. */
  readonly fillers: number;
}

/** Sizes and tokens. Tokens are keys, then values, then relations or ordinals, then fillers, then what ends a query. */
export interface Layout {
  readonly vocabulary: number;
  /** Tokens of an object; the first is its key, the last its value. */
  readonly objectTokens: number;
  /** Tokens of a query, without its answer. */
  readonly queryTokens: number;
  /** The last position of the first query, where its answer is foretold. */
  readonly readAt: number;
  /** Tokens of a context whose every object is asked for once. */
  readonly length: number;
  readonly firstValue: number;
  readonly firstMark: number;
  readonly firstFiller: number;
  /** Ends a query of `relations`, and stands to its key and relation as a value does. */
  readonly ask: number;
}

const FILLER_KINDS = 4;

export function layoutOf({ task, keys, values, relations, objects, fillers }: TaskWorld): Layout {
  const [objectTokens, queryTokens] = task === 'relations' ? [3, 3] : [2, 1];
  const marks = { relations, objects: 0, ordinals: objects }[task];
  const context = objects * objectTokens + fillers;
  return {
    vocabulary: keys + values + marks + FILLER_KINDS + 1,
    objectTokens,
    queryTokens,
    readAt: context + queryTokens - 1,
    length: context + objects * (queryTokens + 1),
    firstValue: keys,
    firstMark: keys + values,
    firstFiller: keys + values + marks,
    ask: keys + values + marks + FILLER_KINDS,
  };
}

/** One context: its objects in order, and in which order they are asked for. Numbers count from 0 in their kind. */
export interface Context {
  readonly keys: readonly number[];
  /** The objects' relations; none in tasks without. */
  readonly marks: readonly number[];
  readonly values: readonly number[];
  readonly asked: readonly number[];
  /** Kinds of the fillers before each object, and behind the last. */
  readonly fillers: readonly (readonly number[])[];
}

/** What objects share: their relation, their key, or two keys cross two relations. */
const KINDS = ['oneRelation', 'oneKey', 'crossed'] as const;

/** Draws a context; of `relations`, one that needs key and relation unless `anyKind`: then one of three kinds, as in training. */
export function drawContext(world: TaskWorld, rng: Rng, { anyKind = false } = {}): Context {
  const { objects } = world;
  const drawn = (count: number, below: number): readonly number[] =>
    Array.from(rng.permutation(below).subarray(0, count));
  const common = {
    values: drawn(objects, world.values),
    asked: drawn(objects, objects),
    fillers: drawFillers(world, rng),
  };
  if (world.task !== 'relations') return { ...common, keys: drawn(objects, world.keys), marks: [] };
  const kind = anyKind ? KINDS[rng.below(KINDS.length)] : 'crossed';
  const [keys, marks] = [drawn(objects, world.keys), drawn(objects, world.relations)];
  const order = drawn(objects, objects);
  const keyOf = (i: number): number => (kind === 'oneKey' ? 0 : kind === 'crossed' ? i >> 1 : i);
  const markOf = (i: number): number => (kind === 'oneRelation' ? 0 : kind === 'crossed' ? i & 1 : i);
  return {
    ...common,
    keys: order.map((i) => keys[keyOf(i)] ?? 0),
    marks: order.map((i) => marks[markOf(i)] ?? 0),
  };
}

function drawFillers({ objects, fillers }: TaskWorld, rng: Rng): readonly (readonly number[])[] {
  const gaps: number[][] = Array.from({ length: objects + 1 }, () => []);
  for (let i = 0; i < fillers; i++) gaps[rng.below(objects + 1)]?.push(rng.below(FILLER_KINDS));
  return gaps;
}

export function placesOf(world: TaskWorld, { fillers, keys }: Context): readonly ObjectPlace[] {
  const { objectTokens } = layoutOf(world);
  let next = 0;
  return keys.map((_, i) => {
    const key = next + (fillers[i]?.length ?? 0);
    next = key + objectTokens;
    return { key, ...(world.task === 'relations' && { mark: key + 1 }), value: next - 1 };
  });
}

/** The tokens of a query. */
export function queryOf(world: TaskWorld, { keys, marks }: Context, object: number): readonly number[] {
  const { firstMark, ask } = layoutOf(world);
  if (world.task === 'ordinals') return [firstMark + object];
  const mark = marks[object];
  return [keys[object] ?? 0, ...(mark === undefined ? [] : [firstMark + mark, ask])];
}

/** A context's tokens, without queries. */
export function contextTokens(world: TaskWorld, { keys, marks, values, fillers }: Context): readonly number[] {
  const { firstValue, firstMark, firstFiller } = layoutOf(world);
  const gap = (i: number): readonly number[] => (fillers[i] ?? []).map((kind) => firstFiller + kind);
  const objects = keys.flatMap((key, i) => {
    const mark = marks[i];
    return [...gap(i), key, ...(mark === undefined ? [] : [firstMark + mark]), firstValue + (values[i] ?? 0)];
  });
  return [...objects, ...gap(keys.length)];
}

/** A context with its first query. @throws Error where nothing is asked. */
export function promptOf(world: TaskWorld, context: Context): Prompt {
  const { firstValue } = layoutOf(world);
  const objects = placesOf(world, context).map((place, i) => {
    const [mark, value] = [context.marks[i], context.values[i] ?? 0];
    return {
      key: context.keys[i] ?? 0,
      ...(mark !== undefined && { mark }),
      value,
      query: queryOf(world, context, i),
      answer: firstValue + value,
      place,
    };
  });
  const asked = objects[context.asked[0] ?? -1];
  if (asked === undefined) throw new Error('a context that asks for nothing');
  return { context: contextTokens(world, context), objects, asked };
}

/** What a step of training is fed: the answer to every query counts. */
export interface Feeds {
  /** int32, shape [B T]. */
  readonly tokens: Int32Array;
  /** Positions of the queries' last tokens in the flat batch, and the answers there; int32, shape [B objects]. */
  readonly rows: Int32Array;
  readonly labels: Int32Array;
}

export function feedsOf(world: TaskWorld, contexts: readonly Context[]): Feeds {
  const { length, readAt, queryTokens, firstValue } = layoutOf(world);
  const at = (row: number, query: number): number => row * length + readAt + query * (queryTokens + 1);
  const answer = ({ values }: Context, i: number): number => firstValue + (values[i] ?? 0);
  return {
    tokens: Int32Array.from(
      contexts.flatMap((context) => [
        ...contextTokens(world, context),
        ...context.asked.flatMap((i) => [...queryOf(world, context, i), answer(context, i)]),
      ]),
    ),
    rows: Int32Array.from(contexts.flatMap(({ asked }, row) => asked.map((_, query) => at(row, query)))),
    labels: Int32Array.from(contexts.flatMap((context) => context.asked.map((i) => answer(context, i)))),
  };
}
