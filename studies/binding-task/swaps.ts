/**
 * Swap tests: the stream is changed at one depth, where values (or keys) stand, and it is asked which of two values is the likelier
 * answer. 1 follows the change, 0 does not feel it, 1/2 is what is left of an answer that is destroyed (or was never there).
 * @see Feng & Steinhardt 2024, arXiv:2310.17191 (factorizability, position independence, mean interventions)
 */
import type { Rng } from 'assay/learn';

import { type Contents, partnerOf } from './contents.ts';
import { type Prompt, type PromptObject, tokensOf } from './prompts.ts';
import { at, type ModelReader, type Reading, type Stream } from './reading.ts';

/**
 * - `swapPartner`: at the values of the object asked for and of another, the means of their partners are exchanged;
 * - `swapPosition`: the means of their positions are; - `swapBoth`: both are. 1: the answer is the other's value.
 * - `replaceValue`: the asked object's value stands as in another context at the same place. 1: the answer is that value.
 * - `replaceKey`: the asked object's key (and relation) stand as in another context, and that one is asked for. 1: the answer is the value here.
 * - `exchange`: the two values change places, each with all it has. 1: the answer stays with its key.
 */
export const SWAPS = ['swapPartner', 'swapPosition', 'swapBoth', 'replaceValue', 'replaceKey', 'exchange'] as const;
export type SwapName = (typeof SWAPS)[number];

/** What is measured on: prompts, as many from elsewhere, what was read of both, and the means by depth. */
export interface SwapSetting {
  readonly prompts: readonly Prompt[];
  readonly others: readonly Prompt[];
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

/** The other object of each prompt, drawn: never the one asked for. */
export function drawnOthers(prompts: readonly Prompt[], rng: Rng): readonly number[] {
  return prompts.map(({ objects, asked }) => {
    const own = objects.indexOf(asked);
    return (own + 1 + rng.below(objects.length - 1)) % objects.length;
  });
}

/** Swap tests at one depth, as scores. */
export async function swapScores<Name extends SwapName>(
  reader: ModelReader,
  setting: SwapSetting,
  others: readonly number[],
  depth: number,
  names: readonly Name[],
): Promise<Readonly<Record<Name, number>>> {
  const scores: Partial<Record<Name, number>> = {};
  for (const name of names) scores[name] = scoreOf(await swapMargins(reader, setting, others, depth, name));
  return scores as Record<Name, number>;
}

/** One swap test at one depth, prompt by prompt: by how many logits the value that follows the change is the likelier of the two. */
export async function swapMargins(
  reader: ModelReader,
  setting: SwapSetting,
  others: readonly number[],
  depth: number,
  name: SwapName,
): Promise<readonly number[]> {
  const changes = setting.prompts.map((prompt, c) =>
    changeOf(name, setting, { prompt, c, depth, other: prompt.objects[others[c] ?? 0] }),
  );
  return marginsAfter(reader, setting, changes, depth);
}

/** How often the value that follows the change is the likelier; 1/2 where both are as likely. */
export function scoreOf(margins: readonly number[]): number {
  return margins.reduce((sum, margin) => sum + (Math.sign(margin) + 1) / 2, 0) / margins.length;
}

/**
 * At the keys or values of the object that is asked for and of another, `by` is added and taken away.
 * @param by What the two are made to exchange, shape [D]: added at the one that is asked for. @returns As `swapMargins`: the other's value follows the change.
 */
export async function exchangedMargins(
  reader: ModelReader,
  setting: Pick<SwapSetting, 'prompts' | 'reading'>,
  others: readonly number[],
  depth: number,
  kind: 'key' | 'value',
  by: (own: PromptObject, other: PromptObject, prompt: Prompt, c: number) => Float64Array,
): Promise<readonly number[]> {
  const changes = setting.prompts.map((prompt, c): Change => {
    const [own, other] = [prompt.asked, prompt.objects[others[c] ?? 0]];
    if (other === undefined) throw new Error('no other object');
    const adds = opposite(own.place[kind], other.place[kind], by(own, other, prompt, c));
    return { adds, yes: other.answer, no: own.answer };
  });
  return marginsAfter(reader, setting, changes, depth);
}

function opposite(here: number, there: number, by: Float64Array): Change['adds'] {
  return [
    [here, by],
    [there, by.map((x) => -x)],
  ];
}

interface Place {
  readonly prompt: Prompt;
  readonly c: number;
  readonly depth: number;
  readonly other: PromptObject | undefined;
}

function changeOf(name: SwapName, setting: SwapSetting, { prompt, c, depth, other }: Place): Change {
  const { reading, otherReading, contents, others } = setting;
  const [stream, foreign] = [reading.depths[depth], otherReading.depths[depth]];
  const means = (): Contents => {
    const found = contents[depth];
    if (found === undefined) throw new Error(`no means at depth ${depth}`);
    return found;
  };
  const own = prompt.asked;
  const there = others[c];
  const theirs = there?.objects[prompt.objects.indexOf(own)];
  if (!stream || !foreign || !there || !theirs || !other) throw new Error(`no depth ${depth}`);
  const d = stream.width;
  const [ownAt, otherAt] = [own.place.value, other.place.value];
  const moved = { yes: other.answer, no: own.answer };
  const partner = (): Float64Array => minus(partnerOf(means(), other, d), partnerOf(means(), own, d));
  const offset = (at: number): Float64Array => means().positions.subarray(at * d, (at + 1) * d);
  const position = (): Float64Array => minus(offset(otherAt), offset(ownAt));
  const put = (to: number, from: Stream, row: number, position = to): Change['adds'][number] => [
    to,
    minus(at(from, row, position), at(stream, c, to)),
  ];
  switch (name) {
    case 'swapPartner':
      return { adds: opposite(ownAt, otherAt, partner()), ...moved };
    case 'swapPosition':
      return { adds: opposite(ownAt, otherAt, position()), ...moved };
    case 'swapBoth': {
      const by = position();
      return {
        adds: opposite(
          ownAt,
          otherAt,
          partner().map((x, a) => x + (by[a] ?? 0)),
        ),
        ...moved,
      };
    }
    case 'replaceValue':
      return { adds: [put(ownAt, foreign, c, theirs.place.value)], yes: theirs.answer, no: moved.yes };
    case 'replaceKey': {
      const key = put(own.place.key, foreign, c, theirs.place.key);
      const { mark } = own.place;
      const marks = mark === undefined ? [] : [put(mark, foreign, c, theirs.place.mark)];
      return { adds: [key, ...marks], yes: moved.no, no: moved.yes, prompt: tokensOf(prompt, theirs) };
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

async function marginsAfter(
  reader: ModelReader,
  { prompts, reading }: Pick<SwapSetting, 'prompts' | 'reading'>,
  changes: readonly Change[],
  depth: number,
): Promise<readonly number[]> {
  const stream = reading.depths[depth];
  if (stream === undefined) throw new Error(`no depth ${depth}`);
  const by = new Float32Array(stream.values.length);
  const whole = { ...stream, values: by };
  changes.forEach(({ adds }, c) => {
    for (const [position, values] of adds) at(whole, c, position).set(Array.from(values));
  });
  const own = prompts.map((prompt) => tokensOf(prompt));
  const asked = changes.map(({ prompt }, c) => prompt ?? own[c] ?? []);
  const { logits, vocabulary } = await reader.answers(asked, { depth, by });
  return changes.map(({ yes, no }, c) => (logits[c * vocabulary + yes] ?? 0) - (logits[c * vocabulary + no] ?? 0));
}

/** How often the likeliest of all tokens is the right value. */
export function rightFraction(prompts: readonly Prompt[], { logits, vocabulary }: Omit<Reading, 'depths'>): number {
  const isRight = prompts.map(({ asked }, c): number => {
    const row = logits.subarray(c * vocabulary, (c + 1) * vocabulary);
    return Number(row.indexOf(Math.max(...row)) === asked.answer);
  });
  return isRight.reduce((sum, right) => sum + right, 0) / prompts.length;
}
