import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';

import { AssayError, messageOf } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';

import { canonicalExport, looksJsonl } from './export.ts';
import { type FileSystem, fileSystemOf } from './file-system.ts';
import type { Provenance } from './records.ts';
import { openSqliteReader, openSqliteStore } from './sqlite.ts';

const FLIPS = 120;
/** Enough to fall between two statements of a reader many times over. */
const READINGS = 2000;
const ROOT = mkdtempSync(join(tmpdir(), 'assay-damage-'));
const HERE: Provenance = { assay: '1', onnxruntime: '1', node: '24', os: 'linux', arch: 'x64', instructionSets: '' };
const HEAD = { recipe: 'toy', semanticsVersion: 1, seed: 0, config: {}, inputs: {} };

after(() => rmSync(ROOT, { recursive: true }));

/** A store of a few ended runs, closed; returns its folder and the sha256 of its export. */
async function smallStore(name: string): Promise<{ folder: string; sha256: string }> {
  const folder = join(ROOT, name);
  await using store = await openSqliteStore(folder);
  await store.savePlan({
    planId: 'p',
    study: 'toy',
    profile: 'quick',
    blocks: 5,
    design: 'fixed',
    settings: [],
    description: {},
  });
  for (let block = 0; block < 5; block++) {
    const measureId = `run-${block}`;
    await store.addMembers('p', [{ measureId, phase: 'confirmatory', arm: 'plain', learningRate: 0.1, block }]);
    await store.openRun({ ...HEAD, measureId, trainId: measureId, seed: block }, HERE);
    for (let step = 0; step < 32; step += 4) {
      const points = [step, step + 1, step + 2, step + 3].map((at) => ({
        step: at,
        axes: { train: 1 / (at + 1), heldOut: Math.sqrt(at) },
      }));
      await store.commitCheckpoint(measureId, points, 'file');
    }
    await store.endRun(measureId, [], { kind: 'finished' });
  }
  return { folder, sha256: (await canonicalExport(store, 'p')).sha256 };
}

/** What a reader makes of a damaged store: the sha256 of a clean export, or the error's message. */
async function readingOf(folder: string): Promise<string> {
  try {
    await using reader = await openSqliteReader(folder);
    await reader.verify();
    return (await canonicalExport(reader, 'p')).sha256;
  } catch (error) {
    assert.ok(error instanceof AssayError && error.kind === 'store', `not a store error: ${messageOf(error)}`);
    assert.match(error.message, /store\.sqlite/);
    return error.message;
  }
}

test('a flipped bit anywhere in the database is an error that names the file, or changes nothing', async () => {
  const { folder, sha256 } = await smallStore('flips');
  const clean = readFileSync(join(folder, 'store.sqlite'));
  const rng = rngOf('flips');
  let [detected, harmless] = [0, 0];
  for (let flip = 0; flip < FLIPS; flip++) {
    const damaged = Uint8Array.from(clean);
    const at = rng.below(clean.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << rng.below(8));
    const copy = join(ROOT, 'flipped');
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy);
    copyFileSync(join(folder, 'store.head'), join(copy, 'store.head'));
    writeFileSync(join(copy, 'store.sqlite'), damaged);
    const reading = await readingOf(copy);
    if (reading === sha256) harmless++;
    else detected++;
    assert.ok(reading === sha256 || !/^[0-9a-f]{64}$/.test(reading), `flip at byte ${at} changed the export silently`);
  }
  assert.ok(detected > FLIPS / 4, `only ${detected} of ${FLIPS} flips were found (${harmless} were harmless)`);
});

test('a truncated database is an error that names the file', async () => {
  const { folder } = await smallStore('truncated');
  const path = join(folder, 'store.sqlite');
  const { length } = readFileSync(path);
  for (const kept of [Math.floor(length / 2), 5000, 100, 17]) {
    const copy = join(ROOT, `truncated-${kept}`);
    mkdirSync(copy);
    for (const name of ['store.sqlite', 'store.head']) copyFileSync(join(folder, name), join(copy, name));
    truncateSync(join(copy, 'store.sqlite'), kept);
    assert.doesNotMatch(await readingOf(copy), /^[0-9a-f]{64}$/);
    await assert.rejects(openSqliteStore(copy), AssayError);
  }
});

test('a value changed behind the seals is found, and a lost point too', async () => {
  const changes = [
    `UPDATE records SET body = replace(body, '"seed":3', '"seed":4') WHERE kind = 'run'`,
    `DELETE FROM records WHERE kind = 'points' AND key LIKE 'run-3/%07'`,
    `UPDATE records SET key = 'run-3/00000099' WHERE kind = 'points' AND key LIKE 'run-3/%07'`,
  ];
  for (const [index, change] of changes.entries()) {
    const { folder } = await smallStore(`changed-${index}`);
    const database = new DatabaseSync(join(folder, 'store.sqlite'));
    assert.ok(Number(database.prepare(change).run().changes) > 0);
    database.close();
    for (const open of [openSqliteReader, openSqliteStore]) await assert.rejects(open(folder), /damaged/);
  }
});

test('a newer schema, a foreign database and a text file are told apart', async () => {
  const { folder } = await smallStore('newer');
  const database = new DatabaseSync(join(folder, 'store.sqlite'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  for (const open of [openSqliteReader, openSqliteStore]) {
    await assert.rejects(open(folder), /made by a later version of Assay: .* found schema version 99/);
  }

  const foreign = join(ROOT, 'foreign');
  mkdirSync(foreign);
  new DatabaseSync(join(foreign, 'store.sqlite')).exec('CREATE TABLE cats (name TEXT)');
  await assert.rejects(openSqliteStore(foreign), /not a store of Assay/);

  const text = join(ROOT, 'text');
  mkdirSync(text);
  writeFileSync(join(text, 'store.sqlite'), 'these are not the bytes of a database at all\n'.repeat(50));
  await assert.rejects(openSqliteStore(text), /not a database/);
});

test('a look that was taken out, changed or put in behind the seals is found', async () => {
  const changes = [
    "DELETE FROM records WHERE kind = 'look' AND key LIKE '%2'",
    "DELETE FROM records WHERE kind = 'looks'",
    "DELETE FROM records WHERE kind IN ('look', 'looks') AND key LIKE '%1'",
    "UPDATE records SET key = 'toy/00000003' WHERE kind = 'look' AND key LIKE '%2'",
    "UPDATE records SET body = replace(body, '[0]', '[1]') WHERE kind = 'look'",
  ];
  for (const [index, change] of changes.entries()) {
    const { folder } = await smallStore(`looks-${index}`);
    {
      await using store = await openSqliteStore(folder);
      for (const blocks of [[0], [0, 1]]) await store.addLook('toy', { planId: 'p', blocks, summary: {} });
    }
    const database = new DatabaseSync(join(folder, 'store.sqlite'));
    assert.ok(Number(database.prepare(change).run().changes) > 0);
    database.close();
    await assert.rejects(openSqliteReader(folder), /damaged/, change);
  }
});

test('looks are exported a line each, and are no part of what tells whether two exports of runs are equal', async () => {
  const { folder, sha256 } = await smallStore('looked-at');
  await using store = await openSqliteStore(folder);
  const look = { planId: 'p', blocks: [0, 1], summary: { verdicts: [{ verdict: 'undecided' }] } };
  await store.addLook('toy', look);
  await store.addLook('toy', { ...look, blocks: [0, 1, 2] });
  assert.equal((await canonicalExport(store, 'p')).sha256, sha256);
  const lines = looksJsonl(await store.readLooks('toy'))
    .trimEnd()
    .split('\n');
  assert.deepEqual(JSON.parse(lines[0] ?? ''), { ...look, study: 'toy', ordinal: 1 });
  assert.equal(lines.length, 2);
});

/** Commits points to one run and starts it over, again and again, until it is killed; says a word after the first. */
const WRITER = `
  const [module, folder, head, provenance] = process.argv.slice(1);
  const { openSqliteStore } = await import(module);
  const store = await openSqliteStore(folder);
  for (;;) {
    await store.openRun(JSON.parse(head), JSON.parse(provenance));
    for (let step = 0; step < 20; step++) {
      await store.commitCheckpoint('busy', [{ step, axes: { train: step } }], 'file');
      if (step === 0) console.log('begun');
    }
    await store.restartRun('busy');
  }
`;

test('points read while a writer commits more are a whole number of commits, and no damage', async () => {
  const { folder } = await smallStore('busy');
  const head = JSON.stringify({ ...HEAD, measureId: 'busy', trainId: 'busy' });
  const module = new URL('sqlite.ts', import.meta.url).href;
  const args = ['--input-type=module', '-e', WRITER, module, folder, head, JSON.stringify(HERE)];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(writer, 'exit');
  try {
    await once(writer.stdout, 'data');
    await using reader = await openSqliteReader(folder);
    const seen = new Set<number>();
    for (let reading = 0; reading < READINGS; reading++) {
      const steps = (await reader.readPoints('busy')).map(({ step }) => step);
      assert.deepEqual(steps, [...steps.keys()]);
      seen.add(steps.length);
    }
    assert.ok(seen.size > 10, `the writer was seen at ${seen.size} moments only`);
  } finally {
    writer.kill('SIGKILL');
    await ended;
  }
});

test('network file systems are told by the closest mount point', () => {
  const mounts = [
    '/dev/vda / ext4 rw 0 0',
    'server:/home /home nfs4 rw 0 0',
    '/dev/vdb /home/me/local\\040disk ext4 rw 0 0',
    '//share/data /data cifs rw 0 0',
  ].join('\n');
  const cases: readonly (readonly [string, FileSystem])[] = [
    ['/home/me/study', { kind: 'network', type: 'nfs4' }],
    ['/home/me/local disk/study', { kind: 'local' }],
    ['/data', { kind: 'network', type: 'cifs' }],
    ['/database', { kind: 'local' }],
  ];
  for (const [path, system] of cases) assert.deepEqual(fileSystemOf(path, mounts), system, path);
  assert.deepEqual(fileSystemOf('/srv', ''), { kind: 'local' });
});

test('a kind of file system that is not known to be local is never taken for local', () => {
  const on = (type: string): FileSystem => fileSystemOf('/srv/store', `/dev/vda / ext4 rw 0 0\nx /srv ${type} rw 0 0`);
  const kinds =
    '9p virtiofs fuse.rclone fuse.s3fs fuse.juicefs wekafs fuse.gcsfuse orangefs ocfs2 gfs2 davfs fuse vboxsf';
  for (const type of kinds.split(' ')) assert.deepEqual(on(type), { kind: 'unknown', type });
  for (const type of 'nfs nfs4 cifs lustre fuse.sshfs'.split(' ')) assert.equal(on(type).kind, 'network', type);
  for (const type of 'ext4 xfs btrfs zfs tmpfs overlay fuseblk'.split(' ')) assert.equal(on(type).kind, 'local', type);
});

test('a folder that is not there yet, or is a link, lies where it will be', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'assay-link-')));
  symlinkSync('/srv', join(root, 'link'));
  const mounts = '/dev/vda / ext4 rw 0 0\nserver:/ /srv nfs4 rw 0 0';
  for (const path of ['link', 'link/not/yet']) {
    assert.deepEqual(fileSystemOf(join(root, path), mounts), { kind: 'network', type: 'nfs4' }, path);
  }
  rmSync(root, { recursive: true });
});
