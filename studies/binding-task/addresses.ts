/**
 * What the first layer writes where the value of a (key, relation, value) stands: is it the key's part plus the relation's, and does a sparse
 * autoencoder of that place have a feature for a key and relation together, or for each? @see openreview 5HFUrdVJUB
 */
import { type Rng, type Sae, saeReader } from 'assay/learn';
import { BATCH_ROWS, inOrder, trainedModel } from 'assay/studies/binding-sae/models.ts';
import type { Rows } from 'assay/studies/binding-sae/world.ts';

import { additiveShare, type Contents } from './contents.ts';
import type { DictionarySettings } from './dictionaries.ts';
import { type Kinds, type Prompt, tokensOf } from './prompts.ts';
import { at, type ModelReader, type Stream } from './reading.ts';
import { rightFraction, type SwapSetting } from './swaps.ts';

/** A feature tells a label where its F1 is this much. */
const TOLD_F1 = 0.8;

export interface AddressOutcomes {
  readonly additive: number;
  /** Labels that some feature tells: (key, relation) pairs, and keys and relations by themselves. */
  readonly toldPairs: number;
  readonly toldParts: number;
  /** Right answers with the reconstruction in the stream's place. */
  readonly spliced: number;
}

/** A (key, relation) and the stream where its value stands, without its position's mean. */
interface Address {
  readonly key: number;
  readonly mark: number;
  readonly position: number;
  readonly values: Float64Array;
}

export function addressesOf(prompts: readonly Prompt[], stream: Stream, { positions }: Contents): readonly Address[] {
  const d = stream.width;
  return prompts.flatMap(({ objects }, c) =>
    objects.map(({ key, mark = 0, place: { value } }) => ({
      key,
      mark,
      position: value,
      values: Float64Array.from(at(stream, c, value), (x, a) => x - (positions[value * d + a] ?? 0)),
    })),
  );
}

/** Everything about addresses. @param fit prompts that means and the autoencoder are made from, with their streams by depth. */
export async function addressOutcomes(
  reader: ModelReader,
  settings: DictionarySettings,
  kinds: Kinds,
  fit: { readonly prompts: readonly Prompt[]; readonly depths: readonly Stream[] },
  setting: SwapSetting,
  rng: Rng,
  signal: AbortSignal,
): Promise<AddressOutcomes> {
  const { contents } = setting;
  const [before, behind] = [0, 1].map((depth) => {
    const [stream, means] = [fit.depths[depth], contents[depth]];
    if (!stream || !means) throw new Error(`no depth ${depth}`);
    return addressesOf(fit.prompts, stream, means);
  });
  if (!before || !behind) throw new Error('two depths');
  const written = behind.map((address, i) => ({
    ...address,
    values: address.values.map((value, a) => value - (before[i]?.values[a] ?? 0)),
  }));
  const d = behind[0]?.values.length ?? 0;
  const rows = rowsOf(behind, d);
  const model = { model: 'free', encoder: 'thresholding', ...settings } as const;
  const { sae } = await trainedModel(model, rows, { d, slots: 1 }, rng, signal);
  return {
    additive: additiveShare(written, kinds, d),
    ...(await toldBy(sae, behind, rows, kinds)),
    spliced: await splicedRight(reader, sae, setting),
  };
}

function rowsOf(addresses: readonly Address[], d: number): Rows {
  const values = new Float32Array(addresses.length * d);
  addresses.forEach((address, i) => values.set(address.values, i * d));
  return { values, positions: Uint8Array.from(addresses, ({ position }) => position) };
}

/** Which labels some feature tells, by how it fires. */
async function toldBy(
  sae: Sae,
  addresses: readonly Address[],
  rows: Rows,
  { keys, relations }: Kinds,
): Promise<Pick<AddressOutcomes, 'toldPairs' | 'toldParts'>> {
  const { dSae, dIn } = sae.config;
  await using reader = await saeReader(sae, BATCH_ROWS);
  const stream = inOrder(rows, dIn);
  const fires: boolean[][] = [];
  for (let step = 0; step < stream.steps; step++) {
    const { featureActs } = await reader.read(await stream.rows(step));
    for (let row = 0; row < BATCH_ROWS; row++)
      fires.push(Array.from(featureActs.subarray(row * dSae, (row + 1) * dSae), (code) => code > 0));
  }
  const told = (labels: number, labelOf: (address: Address) => number): number =>
    labels * toldFraction(fires, addresses.slice(0, fires.length).map(labelOf), labels);
  const parts = told(keys, ({ key }) => key) + told(relations, ({ mark }) => mark);
  return {
    toldPairs: told(keys * relations, ({ key, mark }) => key * relations + mark) / (keys * relations),
    toldParts: parts / (keys + relations),
  };
}

/** The share of labels for which a feature fires with F1 of `TOLD_F1` or more. @param fires by row, then feature. */
export function toldFraction(
  fires: readonly (readonly boolean[])[],
  labelOf: readonly number[],
  labels: number,
): number {
  const features = fires[0]?.length ?? 0;
  const both = new Float64Array(labels * features);
  const [ofLabel, ofFeature] = [new Float64Array(labels), new Float64Array(features)];
  fires.forEach((row, i) => {
    const label = labelOf[i] ?? 0;
    ofLabel[label] = (ofLabel[label] ?? 0) + 1;
    row.forEach((isFiring, feature) => {
      if (!isFiring) return;
      ofFeature[feature] = (ofFeature[feature] ?? 0) + 1;
      both[label * features + feature] = (both[label * features + feature] ?? 0) + 1;
    });
  });
  const isTold = Array.from(ofLabel, (count, label): boolean =>
    Array.from(ofFeature).some(
      (fired, feature) => count > 0 && (2 * (both[label * features + feature] ?? 0)) / (count + fired) >= TOLD_F1,
    ),
  );
  return isTold.filter(Boolean).length / labels;
}

/** Right answers where every value's stream behind the first layer is what the autoencoder makes of it. */
async function splicedRight(reader: ModelReader, sae: Sae, setting: SwapSetting): Promise<number> {
  const { prompts, reading, contents } = setting;
  const [stream, means] = [reading.depths[1], contents[1]];
  if (!stream || !means) throw new Error('no depth 1');
  const d = stream.width;
  const addresses = addressesOf(prompts, stream, means);
  await using read = await saeReader(sae, addresses.length);
  const { values } = rowsOf(addresses, d);
  const { reconstruction } = await read.read(values);
  const by = new Float32Array(stream.values.length);
  const whole = { ...stream, values: by };
  const contextOf = prompts.flatMap(({ objects }, c) => objects.map(() => c));
  addresses.forEach(({ position }, i) => {
    const left = values.subarray(i * d, (i + 1) * d).map((value, a) => (reconstruction[i * d + a] ?? 0) - value);
    at(whole, contextOf[i] ?? 0, position).set(left);
  });
  const changed = await reader.answers(
    prompts.map((prompt) => tokensOf(prompt)),
    { depth: 1, by },
  );
  return rightFraction(prompts, changed);
}
