/** What transformers computed of the tiny folders in test/fixtures/towers (test/reference/files-towers.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const TOWERS = fileURLToPath(new URL('../fixtures/towers/', import.meta.url));

export interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface TowersReference {
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly depths: Readonly<Record<string, Stored>>;
  readonly logits: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number>>;
  readonly variants: Readonly<
    Record<string, { readonly settings: Readonly<Record<string, unknown>>; readonly logits: readonly number[] }>
  >;
  readonly masks: Readonly<
    Record<string, { readonly attended: readonly (readonly number[])[]; readonly logits: readonly number[] }>
  >;
}

const { madeWith: _, ...all } = JSON.parse(readFileSync(`${TOWERS}expected.json`, 'utf8')) as {
  readonly madeWith: string;
} & Readonly<Record<string, TowersReference>>;

export const REFERENCE: Readonly<Record<string, TowersReference>> = all;
