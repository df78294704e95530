/** What is measured at one depth: which part of an object moves the answer when two objects exchange it, and of what the stream is made. */
import type { Rng } from 'assay/learn';
import { effectiveDimension, mapReads } from 'assay/studies/binding-task/dictionaries.ts';
import type { Prompt } from 'assay/studies/binding-task/prompts.ts';
import type { ModelReader, Reading, Stream } from 'assay/studies/binding-task/reading.ts';
import { exchangedMargins, swapMargins } from 'assay/studies/binding-task/swaps.ts';

import { orthogonalMap, rowRidge } from './maps.ts';
import { answerGaps, byAsked, SPLITS, turnAndLean } from './moved.ts';
import {
  type Factor,
  factorSizes,
  labelsOf,
  partOf,
  type Parts,
  partShares,
  partsOf,
  type Row,
  rowsAt,
  type TokenKind,
} from './parts.ts';
import { type Along, randomDifferences } from './random-differences.ts';

/** Parts that two objects exchange, each with another direction as long, drawn anew for every prompt. */
export const PART_SWAPS = [
  { name: 'swapContent', random: 'randomContent', kind: 'value', factors: ['key'] },
  { name: 'swapOrder', random: 'randomOrder', kind: 'value', factors: ['order'] },
  { name: 'swapPosition', random: 'randomPosition', kind: 'value', factors: ['position'] },
  { name: 'swapKeyPlace', random: 'randomKeyPlace', kind: 'key', factors: ['order', 'position'] },
] as const satisfies readonly {
  readonly name: string;
  readonly random: string;
  readonly kind: TokenKind;
  readonly factors: readonly Factor[];
}[];

/** Swaps of whole streams (arXiv:2310.17191). */
const STREAM_SWAPS = ['replaceValue', 'replaceKey', 'exchange'] as const;

export const SWAPS = [
  ...PART_SWAPS.flatMap(({ name, random }) => [name, random] as const),
  'swapPermuted',
  ...STREAM_SWAPS,
] as const;

export const DEPTH_OUTCOMES: readonly string[] = [
  ...SWAPS.flatMap((name) => SPLITS.map((split) => `${name}${split}`)),
  'orderTurn',
  'orderLean',
  'gap',
  'mapReads',
  'orthogonalReads',
  'permutedReads',
  'writtenDimension',
  'orderShare',
  'positionShare',
  'contentShare',
];

/** Prompts that are measured on, as many from elsewhere, and those that parts are fitted on, each with what was read of it. */
export interface Material {
  readonly prompts: readonly Prompt[];
  readonly reading: Reading;
  readonly others: readonly Prompt[];
  readonly otherReading: Reading;
  readonly fit: readonly Prompt[];
  readonly fitted: Reading;
  readonly keys: number;
  readonly values: number;
}

/** @param partners The other object of each prompt. @param depth Of those that were read, from 0. @returns A number for each of `DEPTH_OUTCOMES`. */
export async function depthOutcomes(
  reader: ModelReader,
  material: Material,
  partners: readonly number[],
  depth: number,
  rng: Rng,
): Promise<Readonly<Record<string, number>>> {
  const { fit, fitted, keys, values, prompts } = material;
  const stream = fitted.depths[depth];
  if (stream === undefined) throw new Error(`no depth ${depth}`);
  const [sizes, d] = [factorSizes(fit, keys, values), stream.width];
  const rows = { key: rowsAt(fit, stream, 'key'), value: rowsAt(fit, stream, 'value') };
  const parts = { key: partsOf(rows.key, sizes, d), value: partsOf(rows.value, sizes, d) };
  const shares = partShares(rows.value, sizes, d);
  const margins = await partMargins(reader, material, partners, depth, { rows, parts, d }, rng);
  for (const name of STREAM_SWAPS)
    margins.set(name, await swapMargins(reader, { ...material, contents: [] }, partners, depth, name));
  const gaps = answerGaps(prompts, material.reading, partners);
  const { turn, lean } = turnAndLean(prompts, partners, gaps, margins.get('swapOrder') ?? []);
  return {
    ...Object.fromEntries([...margins].flatMap(([name, all]) => byAsked(name, prompts, all))),
    orderTurn: turn,
    orderLean: lean,
    gap: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length,
    ...mapsOf(parts.key.key, parts.value.key, stream, rng),
    orderShare: shares.order,
    positionShare: shares.position,
    contentShare: shares.key,
  };
}

/** What stands at keys and at values at one depth, and the parts it was fitted as; d numbers a token. */
interface Fitted {
  readonly rows: Readonly<Record<TokenKind, readonly Row[]>>;
  readonly parts: Readonly<Record<TokenKind, Parts>>;
  readonly d: number;
}

/** The answers after an exchange of parts between the object that is asked for and another, prompt by prompt. */
async function partMargins(
  reader: ModelReader,
  material: Material,
  partners: readonly number[],
  depth: number,
  { rows, parts, d }: Fitted,
  rng: Rng,
): Promise<Map<string, readonly number[]>> {
  const permuted = rng.permutation(material.keys);
  const margins = new Map<string, readonly number[]>();
  const swap = async (name: string, kind: TokenKind, along: Along): Promise<void> => {
    margins.set(name, await exchangedMargins(reader, material, partners, depth, kind, along));
  };
  const difference = (kind: TokenKind, factors: readonly Factor[], labels?: Uint32Array): Along => {
    return (own, other, prompt) => {
      const [mine, theirs] = [labelsOf(prompt, own, kind), labelsOf(prompt, other, kind)];
      const by = new Float64Array(d);
      for (const factor of factors) {
        const of = (label: number): Float64Array => partOf(parts[kind], factor, labels?.[label] ?? label, d);
        const [from, to] = [of(mine[factor]), of(theirs[factor])];
        for (let a = 0; a < d; a++) by[a] = (by[a] ?? 0) + (to[a] ?? 0) - (from[a] ?? 0);
      }
      return by;
    };
  };
  for (const { name, random, kind, factors } of PART_SWAPS) {
    const by = difference(kind, factors);
    await swap(name, kind, by);
    await swap(random, kind, randomDifferences(rows[kind], by, rng.split(random)));
  }
  await swap('swapPermuted', 'value', difference('value', ['key'], permuted));
  return margins;
}

/** Maps from keys where they stand to what they write at their values, on keys they were not fitted on; and on keys whose writings are dealt anew. */
function mapsOf(ownKeys: Float64Array, written: Float64Array, { width: d }: Stream, rng: Rng) {
  const order = rng.split('dealt').permutation(written.length / d);
  const dealt = Float64Array.from(written, (_, i) => written[(order[Math.floor(i / d)] ?? 0) * d + (i % d)] ?? 0);
  return {
    mapReads: mapReads({ ownKeys, keys: written }, d, rowRidge),
    orthogonalReads: mapReads({ ownKeys, keys: written }, d, orthogonalMap),
    permutedReads: mapReads({ ownKeys, keys: dealt }, d, rowRidge),
    writtenDimension: effectiveDimension(written, d),
  };
}

/** Of which prompts the right value is likelier than every other value in it. */
export function answeredOf(
  prompts: readonly Prompt[],
  { logits, vocabulary }: Omit<Reading, 'depths'>,
): readonly boolean[] {
  return prompts.map(({ objects, asked }, c) => {
    const logit = (token: number): number => logits[c * vocabulary + token] ?? 0;
    return objects.every((object) => object === asked || logit(object.answer) < logit(asked.answer));
  });
}
