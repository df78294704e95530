/** Where the store is: `--store`, or `.assay` in the current folder. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { AssayError } from '#base/errors.ts';

import type { Given } from './options.ts';

const DEFAULT_FOLDER = '.assay';

/** The store's folder, absolute. @throws AssayError on a URL of a kind this version has no store for. */
export function storeFolder(given: Given): string {
  const text = given.text('store') ?? DEFAULT_FOLDER;
  if (text.startsWith('file://')) return fileURLToPath(text);
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return resolve(text);
  throw new AssayError(
    'usage',
    `--store expects a folder, found "${text}". This version keeps stores in folders only.`,
  );
}
