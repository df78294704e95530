/**
 * Swap tests: the stream is changed at one depth, where values (or keys) stand, and it is asked which of two values is the likelier
 * answer. 1 follows the change, 0 does not feel it, 1/2 is what is left of an answer that is destroyed (or was never there).
 * @see Feng & Steinhardt 2024, arXiv:2310.17191 (factorizability, position independence, mean interventions)
 */
import type { Rng } from 'assay/learn';

import { type Contents, partnerOf } from './contents.ts';
import { at, type ModelReader, promptOf, type Reading, type Stream } from './reading.ts';
import { type Context, contextTokens, layoutOf, placesOf, queryOf, type TaskWorld } from './world.ts';

/**
 * - `swapPartner`: at the values of the object asked for and of another, the means of their partners are exchanged;
 * - `swapPosition`: the means of their positions are; - `swapBoth`: both are. 1: the answer is the other's value.
 * - `replaceValue`: the asked object's value stands as in another context at the same place. 1: the answer is that value.
 * - `replaceKey`: the asked object's key (and relation) stand as in another context, and that one is asked for. 1: the answer is the value here.
 * - `exchange`: the two values change places, each with all it has. 1: the answer stays with its key.
 */
export const SWAPS = ['swapPartner', 'swapPosition', 'swapBoth', 'replaceValue', 'replaceKey', 'exchange'] as const;
export type SwapName = (typeof SWAPS)[number];

/** What is measured on: contexts, what was read of them, and of as many others; the other object, and the means by depth. */
export interface SwapSetting {
  readonly world: TaskWorld;
  readonly contexts: readonly Context[];
  readonly others: readonly Context[];
  readonly reading: Reading;
  readonly otherReading: Reading;
  readonly contents: readonly Contents[];
}

/** One change of one context: what is added where, and the two values of which the first follows the change. */
interface Change {
  readonly adds: readonly (readonly [position: number, by: ArrayLike<number>])[];
  readonly yes: number;
  readonly no: number;
  /** Another query than the context's own. */
  readonly prompt?: readonly number[];
}

/** The other object of each context, drawn: never the one asked for. */
export function drawnOthers(contexts: readonly Context[], rng: Rng): readonly number[] {
  return contexts.map(({ asked: [own = 0], keys }) => (own + 1 + rng.below(keys.length - 1)) % keys.length);
}

/** Every swap test at one depth. */
export async function swapScores(
  reader: ModelReader,
  setting: SwapSetting,
  others: readonly number[],
  depth: number,
): Promise<Readonly<Record<SwapName, number>>> {
  const scores: Partial<Record<SwapName, number>> = {};
  for (const name of SWAPS) {
    const changes = setting.contexts.map((context, c) =>
      changeOf(name, setting, { context, c, depth, other: others[c] ?? 0 }),
    );
    scores[name] = await followed(reader, setting, changes, depth);
  }
  return scores as Record<SwapName, number>;
}

interface Place {
  readonly context: Context;
  readonly c: number;
  readonly depth: number;
  readonly other: number;
}

function changeOf(name: SwapName, setting: SwapSetting, { context, c, depth, other }: Place): Change {
  const { world, reading, otherReading, contents, others } = setting;
  const { firstValue } = layoutOf(world);
  const places = placesOf(world, context);
  const own = context.asked[0] ?? 0;
  const [stream, foreign, means] = [reading.depths[depth], otherReading.depths[depth], contents[depth]];
  const there = others[c];
  const [here, elsewhere] = [places[own], places[other]];
  if (!stream || !foreign || !means || !there || !here || !elsewhere) throw new Error(`no depth ${depth}`);
  const d = stream.width;
  const [ownAt, otherAt] = [here.value, elsewhere.value];
  const theirs = placesOf(world, there)[own] ?? here;
  const value = (of: Context, object: number): number => firstValue + (of.values[object] ?? 0);
  const moved = { yes: value(context, other), no: value(context, own) };
  const opposite = (by: Float64Array): Change['adds'] => [
    [ownAt, by],
    [otherAt, by.map((x) => -x)],
  ];
  const partner = (): Float64Array => minus(partnerOf(means, context, other, d), partnerOf(means, context, own, d));
  const offset = (at: number): Float64Array => means.positions.subarray(at * d, (at + 1) * d);
  const position = (): Float64Array => minus(offset(otherAt), offset(ownAt));
  const put = (to: number, from: Stream, row: number, position = to): Change['adds'][number] => [
    to,
    minus(at(from, row, position), at(stream, c, to)),
  ];
  switch (name) {
    case 'swapPartner':
      return { adds: opposite(partner()), ...moved };
    case 'swapPosition':
      return { adds: opposite(position()), ...moved };
    case 'swapBoth': {
      const by = position();
      return { adds: opposite(partner().map((x, a) => x + (by[a] ?? 0))), ...moved };
    }
    case 'replaceValue':
      return { adds: [put(ownAt, foreign, c, theirs.value)], yes: value(there, own), no: moved.yes };
    case 'replaceKey': {
      const prompt = [...contextTokens(world, context), ...queryOf(world, there, own)];
      const key = put(here.key, foreign, c, theirs.key);
      const mark = here.mark === undefined ? [] : [put(here.mark, foreign, c, theirs.mark)];
      return { adds: [key, ...mark], yes: moved.no, no: moved.yes, prompt };
    }
    case 'exchange':
      return { adds: [put(ownAt, stream, c, otherAt), put(otherAt, stream, c, ownAt)], yes: moved.no, no: moved.yes };
    default:
      return name satisfies never;
  }
}

function minus(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (value, i) => value - (b[i] ?? 0));
}

async function followed(
  reader: ModelReader,
  { world, contexts, reading }: SwapSetting,
  changes: readonly Change[],
  depth: number,
): Promise<number> {
  const stream = reading.depths[depth];
  if (stream === undefined) throw new Error(`no depth ${depth}`);
  const by = new Float32Array(stream.values.length);
  const whole = { ...stream, values: by };
  changes.forEach(({ adds }, c) => {
    for (const [position, values] of adds) at(whole, c, position).set(Array.from(values));
  });
  const own = contexts.map((context) => promptOf(world, context));
  const prompts = changes.map(({ prompt }, c) => prompt ?? own[c] ?? []);
  const { logits, vocabulary } = await reader.read(prompts, { depth, by });
  const scores = changes.map(({ yes, no }, c): number => {
    const [a, b] = [logits[c * vocabulary + yes] ?? 0, logits[c * vocabulary + no] ?? 0];
    return a === b ? 0.5 : Number(a > b);
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** How often the likeliest of all tokens is the right value. */
export function rightFraction({
  world,
  contexts,
  reading,
}: Pick<SwapSetting, 'world' | 'contexts' | 'reading'>): number {
  const { firstValue } = layoutOf(world);
  const { logits, vocabulary } = reading;
  const isRight = contexts.map(({ values, asked: [own = 0] }, c): number => {
    const row = logits.subarray(c * vocabulary, (c + 1) * vocabulary);
    return Number(row.indexOf(Math.max(...row)) === firstValue + (values[own] ?? 0));
  });
  return isRight.reduce((sum, right) => sum + right, 0) / contexts.length;
}
