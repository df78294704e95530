/**
 * Stores that earlier versions of Assay made, one folder a schema version in test/fixtures/stores: each is read, answers
 * what it answered then, and is gone on with to the same end.
 */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { SCHEMA_VERSION } from '#store/schema.ts';
import { openSqliteReader, openSqliteStore } from '#store/sqlite.ts';

import { assay, exportHash, newFolder, TOY } from './command.ts';

const STORES = fileURLToPath(new URL('../fixtures/stores/', import.meta.url));
const ROOT = newFolder('older-stores');
/** What the commands that made the fixtures set. */
const CHOICE = ['--seeds', '2', '--set', 'spins=2000', '--set', 'steps=31', '--set', 'baseSize=64', '--workers', '1'];

after(() => rmSync(ROOT, { recursive: true }));

const versions = readdirSync(STORES);

interface Expected {
  readonly interruptedExport: string;
  readonly completedExport: string;
}

function expectedOf(version: string): Expected {
  const expected: Expected = JSON.parse(readFileSync(join(STORES, version, 'expected.json'), 'utf8'));
  return expected;
}

function copyOf(version: string, name: string): string {
  const folder = join(ROOT, `${version}-${name}`);
  cpSync(join(STORES, version), folder, { recursive: true });
  return folder;
}

function schemaOf(folder: string): unknown {
  using database = new DatabaseSync(join(folder, 'store.sqlite'), { readOnly: true });
  return database.prepare('PRAGMA user_version').get()?.['user_version'];
}

/** Everything a reader is told of the latest plan. */
async function readingOf(folder: string): Promise<unknown> {
  await using store = await openSqliteReader(folder);
  await store.verify();
  const plan = await store.latestPlan('toy');
  const members = await store.readMembers(plan?.planId ?? '');
  const runs = await Promise.all(members.map(async ({ measureId }) => store.readRun(measureId)));
  const points = await Promise.all(members.map(async ({ measureId }) => store.readPoints(measureId)));
  const settled = await store.readSettled(plan?.planId ?? '');
  return { plan, members, runs, points, settled, looks: await store.readLooks('toy'), open: await store.checkpoints() };
}

test('there is a store of every schema version before today’s', () => {
  const past = Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => `v${i + 1}`);
  assert.deepEqual(versions, past);
});

for (const version of versions) {
  test(`a store of schema ${version} is read as it lies, and answers what it answered then`, async () => {
    const folder = copyOf(version, 'read');
    const before = readFileSync(join(folder, 'store.sqlite'));
    assert.equal(await exportHash(TOY, folder), expectedOf(version).interruptedExport);
    const status = await assay('status', TOY, '--store', folder);
    assert.match(status.stdout, /toy: profile quick, 2 blocks/);
    assert.deepEqual(readFileSync(join(folder, 'store.sqlite')), before);
    assert.equal(schemaOf(folder), Number(version.slice(1)));
  });

  test(`a store of schema ${version} is the same to readers before and after its next writer upgraded it`, async () => {
    const folder = copyOf(version, 'upgraded');
    await using early = await openSqliteReader(folder);
    const before = await readingOf(folder);
    await (await openSqliteStore(folder))[Symbol.asyncDispose]();
    assert.equal(schemaOf(folder), SCHEMA_VERSION);
    assert.deepEqual(await readingOf(folder), before);
    // Opened before the upgrade, reading after it.
    assert.equal((await early.latestPlan('toy'))?.design, 'fixed');
    assert.deepEqual(
      (await early.latestPlan('toy'))?.settings.map(({ path }) => path),
      ['spins', 'steps', 'baseSize'],
    );
  });

  test(`a study begun in a store of schema ${version} is gone on with to the bits that version would have made`, async () => {
    const folder = copyOf(version, 'continued');
    const { status, stderr } = await assay('run', TOY, '--store', folder, ...CHOICE, '--mix-numerics', '--json');
    assert.equal(status, 0, stderr);
    const started = stderr.split('\n').filter((line) => line.includes('"kind":"runStarted"'));
    assert.equal(started.length, 10, 'the five pilots are not made again');
    assert.equal(await exportHash(TOY, folder), expectedOf(version).completedExport);
  });

  test(`a damaged store of schema ${version} is refused and left as it is, not upgraded`, async () => {
    const folder = copyOf(version, 'damaged');
    const database = new DatabaseSync(join(folder, 'store.sqlite'));
    database.exec(`UPDATE records SET body = replace(body, '"blocks":2', '"blocks":3') WHERE kind = 'plan'`);
    database.close();
    await assert.rejects(openSqliteStore(folder), /damaged: its plan record/);
    assert.equal(schemaOf(folder), Number(version.slice(1)));
  });
}
