/** What a user's files and terminal are safe from: only what Assay made is deleted or overwritten, and a study goes on. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assay, exportHash, newFolder, start, TOY } from './command.ts';

const ROOT = newFolder('shared-machine');
const QUICK = ['--workers', '1', '--set', 'spins=10'];

after(() => rmSync(ROOT, { recursive: true }));

test('an empty name of a store is refused, whichever command asks', async () => {
  for (const command of ['run', 'status', 'report', 'export', 'doctor']) {
    const given = command === 'doctor' ? [command] : [command, TOY];
    const { status, stderr } = await assay(...given, '--store', '');
    assert.equal(status, 2, command);
    assert.match(stderr, /Expected a value for --store, found an empty word\. Is a variable of the shell not set\?/);
  }
});

test('a store in a folder with files of the user’s leaves all of them as they were', async () => {
  const [store, elsewhere] = [join(ROOT, 'mine'), join(ROOT, 'elsewhere')];
  const theirs = ['checkpoints/model.gguf', `checkpoints/${'a'.repeat(64)}/notes`, 'shared/data.jsonl', 'doctor/notes'];
  for (const path of theirs) {
    mkdirSync(join(store, path, '..'), { recursive: true });
    writeFileSync(join(store, path), path);
  }
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'b'.repeat(64)), 'linked');
  symlinkSync(elsewhere, join(store, 'checkpoints', 'c'.repeat(64)));
  assert.equal((await assay('run', TOY, '--store', store, ...QUICK)).status, 0);
  assert.equal((await assay('doctor', '--store', store)).status, 0);
  for (const path of theirs) assert.equal(readFileSync(join(store, path), 'utf8'), path);
  assert.deepEqual(readdirSync(elsewhere), ['b'.repeat(64)]);
});

test('an audit into the folder of its own input does not overwrite it, and says how it could', async () => {
  const store = join(ROOT, 'audited');
  await assay('run', TOY, '--store', store, ...QUICK);
  await assay('export', TOY, '--store', store, '--out', join(ROOT, 'exported'));
  const folder = join(ROOT, 'input');
  mkdirSync(folder);
  for (const name of ['trajectories.csv', 'plan.json', 'runs.jsonl']) {
    copyFileSync(join(ROOT, 'exported', name), join(folder, name));
  }
  const before = readFileSync(join(folder, 'trajectories.csv'), 'utf8');
  const input = join(folder, 'trajectories.csv');
  const { status, stderr } = await assay('audit', input, '--out', folder);
  assert.equal(status, 2);
  assert.match(stderr, /trajectories\.csv: expected no file there.*Choose another folder, or add --force/);
  assert.equal(readFileSync(input, 'utf8'), before);
  assert.deepEqual(readdirSync(folder).toSorted(), ['plan.json', 'runs.jsonl', 'trajectories.csv']);
});

test('a closed terminal and a closed pipe end no study', async () => {
  const [store, whole] = [join(ROOT, 'closed'), join(ROOT, 'open')];
  const args = ['--workers', '1', '--set', 'spins=1000000', '--json'];
  await assay('run', TOY, '--store', whole, ...args);
  const running = start(['run', TOY, '--store', store, ...args]);
  await running.line((line) => line.includes('"runStarted"'));
  running.process.kill('SIGHUP');
  running.process.stderr?.destroy();
  running.process.stdout?.destroy();
  const status = await new Promise((resolve) => running.process.once('exit', resolve));
  assert.equal(status, 0);
  assert.equal(await exportHash(TOY, store), await exportHash(TOY, whole));
});
