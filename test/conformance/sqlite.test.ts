import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openSqliteReader, openSqliteStore } from '#store/sqlite.ts';

import { testStoreContract } from './store-conformance.ts';

testStoreContract('SQLite store', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'assay-store-'));
  const folder = join(parent, 'store');
  return {
    openStore: async () => openSqliteStore(folder),
    openReader: async () => openSqliteReader(folder),
    [Symbol.asyncDispose]: async () => rm(parent, { recursive: true }),
  };
});
