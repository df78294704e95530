/** What is measured at one depth: which part of an object moves the answer when two objects exchange it, and of what the stream is made. */
import type { Rng } from 'assay/learn';
import { effectiveDimension, mapReads } from 'assay/studies/binding-task/dictionaries.ts';
import type { Prompt } from 'assay/studies/binding-task/prompts.ts';
import type { ModelReader, Reading, Stream } from 'assay/studies/binding-task/reading.ts';
import { exchangedParts, swapScores } from 'assay/studies/binding-task/swaps.ts';

import { orthogonalMap, rowRidge } from './maps.ts';
import {
  type Factor,
  factorSizes,
  labelsOf,
  partOf,
  type Parts,
  partShares,
  partsOf,
  rowsAt,
  type TokenKind,
} from './parts.ts';

/** Swaps of whole streams (arXiv:2310.17191). */
export const STREAM_SWAPS = ['replaceValue', 'replaceKey', 'exchange'] as const;

export const DEPTH_OUTCOMES = [
  'swapContent',
  'swapPermuted',
  'swapOrder',
  'swapPosition',
  'swapPlace',
  'swapKeyPlace',
  ...STREAM_SWAPS,
  'mapReads',
  'orthogonalReads',
  'permutedReads',
  'writtenDimension',
  'orderShare',
  'positionShare',
  'contentShare',
] as const;
export type DepthOutcomes = Readonly<Record<(typeof DEPTH_OUTCOMES)[number], number>>;

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

/** @param partners The other object of each prompt. @param depth Of those that were read, from 0. */
export async function depthOutcomes(
  reader: ModelReader,
  material: Material,
  partners: readonly number[],
  depth: number,
  rng: Rng,
): Promise<DepthOutcomes> {
  const { fit, fitted, keys, values } = material;
  const stream = fitted.depths[depth];
  if (stream === undefined) throw new Error(`no depth ${depth}`);
  const sizes = factorSizes(fit, keys, values);
  const partsAt = (kind: TokenKind): Parts => partsOf(rowsAt(fit, stream, kind), sizes, stream.width);
  const [atKeys, atValues] = [partsAt('key'), partsAt('value')];
  const shares = partShares(rowsAt(fit, stream, 'value'), sizes, stream.width);
  return {
    ...(await partSwaps(reader, material, partners, depth, { atKeys, atValues }, rng)),
    ...(await swapScores(reader, { ...material, contents: [] }, partners, depth, STREAM_SWAPS)),
    ...mapsOf(atKeys.key, atValues.key, stream, rng),
    orderShare: shares.order,
    positionShare: shares.position,
    contentShare: shares.key,
  };
}

/** The answer after an exchange of parts between the object that is asked for and another: 1 is the other's value, 0 its own. */
async function partSwaps(
  reader: ModelReader,
  material: Material,
  partners: readonly number[],
  depth: number,
  { atKeys, atValues }: { readonly atKeys: Parts; readonly atValues: Parts },
  rng: Rng,
) {
  const d = material.fitted.depths[depth]?.width ?? 0;
  const permuted = rng.permutation(material.keys);
  const swapped = (kind: TokenKind, parts: Parts, factors: readonly Factor[], labels?: Uint32Array): Promise<number> =>
    exchangedParts(reader, material, partners, depth, kind, (object, prompt) => {
      const own = labelsOf(prompt, object, kind);
      const all = factors.map((factor) => partOf(parts, factor, labels?.[own[factor]] ?? own[factor], d));
      return Float64Array.from({ length: d }, (_, a) => all.reduce((sum, part) => sum + (part[a] ?? 0), 0));
    });
  return {
    swapContent: await swapped('value', atValues, ['key']),
    swapPermuted: await swapped('value', atValues, ['key'], permuted),
    swapOrder: await swapped('value', atValues, ['order']),
    swapPosition: await swapped('value', atValues, ['position']),
    swapPlace: await swapped('value', atValues, ['order', 'position']),
    swapKeyPlace: await swapped('key', atKeys, ['order', 'position']),
  };
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
