/** JSON values, their canonical text, and the content hash that identities are built on. */
import { createHash } from 'node:crypto';

import { sha256Of } from '#base/bytes.ts';
import { AssayError } from '#base/errors.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/**
 * The one text of a JSON value: keys sorted by code unit, no spaces, keys with value `undefined` left out.
 * @throws AssayError on NaN, infinities, and anything that is not JSON.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return JSON.stringify(value);
    throw new AssayError('data', `Expected a finite number in JSON, found ${value}.`);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  throw new AssayError('data', `Expected a JSON value, found ${typeof value}.`);
}

/** sha256 of bytes or text, in hex. */
export function sha256(content: string | Uint8Array): string {
  return typeof content === 'string' ? createHash('sha256').update(content).digest('hex') : sha256Of([content]);
}

/** The content hash of a JSON value: sha256 of its canonical text. */
export function contentHash(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** Whether a value is a plain JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether every object has something by this name, such as `constructor` and `__proto__`: as a key of a record it would be
 * found where it was never put, so names of what is measured may not be it.
 */
export function isEverywhere(name: string): boolean {
  return name in Object.prototype;
}
