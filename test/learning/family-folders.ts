/** Folders of the models of family-models.json and family-models/, whose weights are computed from their names. */
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import type { JsonObject } from '#base/json.ts';
import type { TensorToWrite } from '#learning/files/tensors/safetensors-write.ts';
import { writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';

/** A model and what transformers makes of it. */
export interface FamilyCase {
  readonly config: JsonObject;
  /** By name: the shape, and what the gradient projects to. */
  readonly tensors: Readonly<Record<string, readonly [shape: readonly number[], projections: readonly number[]]>>;
  /** Numbers that files keep beside, where a family has some. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Shapes of what is not read: by which a model sees images. */
  readonly carried?: Readonly<Record<string, readonly number[]>>;
  /** Logits of the first row's last token. */
  readonly last: readonly number[];
  /** Projections of all logits. */
  readonly logits: readonly number[];
  readonly loss: number;
  readonly replies: readonly (readonly number[])[];
  /** Losses of LoRA, step after step. */
  readonly lora: readonly number[];
  /** What its hook points project to; of families in family-models.json they stand in hook-points.json. */
  readonly hookPoints?: Readonly<Record<string, readonly number[]>>;
}

const REFERENCE = new URL('../reference/', import.meta.url);
const FIRST = JSON.parse(readFileSync(new URL('family-models.json', REFERENCE), 'utf8')) as {
  readonly tokens: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly prompts: readonly (readonly number[])[];
  readonly phi: number;
  readonly rank: number;
  readonly alpha: number;
  readonly rate: number;
  readonly families: Readonly<Record<string, readonly FamilyCase[]>>;
};
const LATER = globSync('family-models/*.json', { cwd: REFERENCE })
  .toSorted()
  .map((path): readonly [string, readonly FamilyCase[]] => {
    const { models } = JSON.parse(readFileSync(new URL(path, REFERENCE), 'utf8')) as { readonly models: FamilyCase[] };
    return [basename(path, '.json'), models];
  });

/** All of them, by family. */
export const FAMILY_MODELS = { ...FIRST, families: { ...FIRST.families, ...Object.fromEntries(LATER) } };

/** A new folder of the model. @param changed What becomes of its tensors. */
export async function familyFolder(
  { config, tensors, constants = {}, carried = {} }: FamilyCase,
  changed: (tensors: readonly TensorToWrite[]) => readonly TensorToWrite[] = (stored) => stored,
): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-family-')), 'model');
  await mkdir(folder);
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const shapes = { ...Object.fromEntries(Object.entries(tensors).map(([name, [shape]]) => [name, shape])), ...carried };
  const stored = Object.entries(shapes).map(([name, shape]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape,
    values: valuesOf(name, shape),
  }));
  const beside = Object.entries(constants).map(([name, value]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape: [],
    values: Float32Array.of(value),
  }));
  await writeSafetensors(join(folder, 'model.safetensors'), changed([...stored, ...beside]), { format: 'pt' });
  return folder;
}

/** A tensor's values as in family-models.py. */
export function valuesOf(name: string, shape: readonly number[]): Float32Array {
  const seed = hashOf(name);
  const isNorm = name.includes('norm') && name.endsWith('.weight');
  const [center, spread] = isNorm ? [1, 0.5] : [0, shape.length > 1 ? 1 : 0.5];
  return Float32Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) => {
    let x = (Math.imul(i, 2654435761) + seed) >>> 0;
    for (const multiplier of [0x85ebca6b, 0xc2b2ae35]) x = Math.imul(x ^ (x >>> 15), multiplier) >>> 0;
    x = (x ^ (x >>> 16)) >>> 0;
    return center + spread * ((x >>> 8) / 2 ** 24 - 0.5);
  });
}

/** FNV-1a. */
function hashOf(name: string): number {
  return Buffer.from(name).reduce((hash, byte) => Math.imul(hash ^ byte, 16777619) >>> 0, 2166136261);
}
