/** Nothing is answered from a damaged store: not with bits flipped, not with commits lost, not with its database gone. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';

import type { Provenance } from '#store/records.ts';
import { openSqliteReader, openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';

import { assay, newFolder, start, TOY } from './command.ts';
import { damageStores } from './damage-experiment.ts';

const ROOT = newFolder('damaged-stores');
const DAMAGES = 100;
const QUICK = ['--workers', '1', '--set', 'spins=10', '--seeds', '1'];
const HERE: Provenance = { assay: '1', onnxruntime: '1', node: '24', os: 'linux', arch: 'x64', instructionSets: '' };

after(() => rmSync(ROOT, { recursive: true }));

/** Runs with a point each, by their numbers. */
async function commit(store: Store, from: number, to: number): Promise<void> {
  for (let index = from; index < to; index++) {
    const id = `run-${index}`;
    await store.openRun(
      { measureId: id, trainId: id, recipe: 'toy', semanticsVersion: 1, seed: 0, config: {}, inputs: {} },
      HERE,
    );
    await store.endRun(id, [{ step: 0, axes: { train: index } }], { kind: 'finished' });
  }
}

/** A store as a kill leaves it: its commits in the write-ahead log. */
async function killedStore(name: string): Promise<string> {
  const [open, killed] = [join(ROOT, `${name}-open`), join(ROOT, name)];
  await using store = await openSqliteStore(open);
  await commit(store, 0, 5);
  cpSync(open, killed, { recursive: true });
  return killed;
}

test(`${DAMAGES} random damages to the files of a store: each is refused by name or changes no answer`, async () => {
  const { refused, harmless, silent } = await damageStores(join(ROOT, 'random'), DAMAGES, 1);
  assert.deepEqual(silent, []);
  assert.ok(refused > DAMAGES / 5 && harmless > 0, `${refused} refused, ${harmless} harmless`);
});

test('a write-ahead log that is damaged, cut or gone is noticed, by readers and by the next writer, who leave it as it is', async () => {
  const damages: Readonly<Record<string, (wal: string) => void>> = {
    flipped: (wal) => {
      const bytes = readFileSync(wal);
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(wal, bytes);
    },
    cut: (wal) => truncateSync(wal, Math.floor(readFileSync(wal).length / 2)),
    emptied: (wal) => truncateSync(wal, 0),
    gone: (wal) => rmSync(wal),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const folder = await killedStore(name);
    const wal = join(folder, 'store.sqlite-wal');
    damage(wal);
    const before = existsSync(wal) ? readFileSync(wal) : undefined;
    for (const open of [openSqliteReader, openSqliteStore]) {
      await assert.rejects(open(folder), /store\.sqlite is damaged: .*Restore its whole folder/, name);
    }
    if (before !== undefined && before.length > 0) assert.deepEqual(readFileSync(wal), before, name);
  }
});

test('a store that was only killed is whole: every commit is there', async () => {
  const folder = await killedStore('whole');
  await using store = await openSqliteStore(folder);
  for (let index = 0; index < 5; index++) {
    assert.deepEqual(await store.readPoints(`run-${index}`), [{ step: 0, axes: { train: index } }]);
  }
});

test('records that were taken out, put in or put back are damage, whatever their own seals say', async () => {
  const changes = [
    "DELETE FROM records WHERE kind = 'settled'",
    "DELETE FROM records WHERE kind = 'member' AND key LIKE '%/0'",
    "DELETE FROM records WHERE kind = 'run'",
    "DELETE FROM records WHERE kind = 'root'",
    "DELETE FROM records WHERE kind = 'points'",
    'PRAGMA user_version = 2',
    'PRAGMA user_version = 1',
    'ALTER TABLE records ADD COLUMN more TEXT',
  ];
  const store = join(ROOT, 'changed');
  assert.notEqual((await assay('run', TOY, '--store', store, ...QUICK)).status, 1);
  for (const [index, change] of changes.entries()) {
    const folder = join(ROOT, `changed-${index}`);
    cpSync(store, folder, { recursive: true });
    const database = new DatabaseSync(join(folder, 'store.sqlite'));
    database.exec(change);
    database.close();
    for (const open of [openSqliteReader, openSqliteStore]) await assert.rejects(open(folder), /is damaged/, change);
  }
});

test('a database taken from a copy made before is refused: it lacks what was made since', async () => {
  const folder = join(ROOT, 'older');
  {
    await using store = await openSqliteStore(folder);
    await commit(store, 0, 1);
  }
  copyFileSync(join(folder, 'store.sqlite'), join(ROOT, 'older.sqlite'));
  {
    await using store = await openSqliteStore(folder);
    await commit(store, 1, 3);
  }
  copyFileSync(join(ROOT, 'older.sqlite'), join(folder, 'store.sqlite'));
  await assert.rejects(openSqliteReader(folder), /it ends at commit \d+, but \d+ were made/);
});

test('status, report, export, plan and run answer nothing from an emptied or missing database beside artifacts, and delete none', async () => {
  const store = join(ROOT, 'without-database');
  assert.notEqual((await assay('run', TOY, '--store', store, ...QUICK)).status, 1);
  const database = join(store, 'store.sqlite');
  for (const damage of [() => truncateSync(database, 0), () => rmSync(database)]) {
    damage();
    for (const withHead of [true, false]) {
      if (!withHead) renameSync(join(store, 'store.head'), join(ROOT, 'store.head'));
      for (const command of withHead ? ['run', 'status', 'report', 'export', 'plan'] : ['run']) {
        const { status, stderr, stdout } = await assay(command, TOY, '--store', store);
        assert.equal(status, 1, command);
        assert.match(stderr, /store\.sqlite is damaged: it is empty or missing, but beside it lies what a store left/);
        if (command !== 'plan') assert.equal(stdout, '');
      }
      if (!withHead) renameSync(join(ROOT, 'store.head'), join(store, 'store.head'));
    }
    assert.ok(existsSync(join(store, 'shared')));
  }
});

test('a store that was moved away, deleted or replaced takes no commit and gives no answer', async () => {
  const replace = (folder: string): void => {
    cpSync(folder, `${folder}-copy`, { recursive: true });
    renameSync(folder, `${folder}-moved`);
    renameSync(`${folder}-copy`, folder);
  };
  const ways: Readonly<Record<string, (folder: string) => void>> = {
    'moved-away': (folder) => renameSync(folder, `${folder}-moved`),
    deleted: (folder) => rmSync(folder, { recursive: true }),
    replaced: replace,
  };
  for (const [name, vanish] of Object.entries(ways)) {
    const folder = join(ROOT, name);
    await using store = await openSqliteStore(folder);
    await commit(store, 0, 2);
    await using reader = await openSqliteReader(folder);
    vanish(folder);
    await assert.rejects(commit(store, 2, 3), /is gone: it was deleted, moved or replaced/, name);
    await assert.rejects(store.readRun('run-0'), /is gone/, name);
    await assert.rejects(reader.readPoints('run-0'), /is gone/, name);
  }
});

test('a store that vanishes while its study runs ends the study with status 1 and says so', async () => {
  const store = join(ROOT, 'vanishing');
  const running = start(['run', TOY, '--store', store, '--workers', '1', '--set', 'spins=1000000', '--json']);
  await running.line((line) => line.includes('"kind":"runProgress"'));
  renameSync(store, join(ROOT, 'moved'));
  const { status, stderr, stdout } = await running.ended;
  assert.equal(status, 1, stderr);
  assert.match(stderr, /assay: The store .*vanishing.* is gone: it was deleted, moved or replaced while it was in use/);
  assert.equal(stdout, '');
  assert.ok(!existsSync(store), 'nothing was made in its place');
  renameSync(join(ROOT, 'moved'), store);
  const again = await assay('run', TOY, '--store', store, '--workers', '1', '--set', 'spins=1000000', '--seeds', '1');
  assert.notEqual(again.status, 1, again.stderr);
});
