import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assay, exportHash, newFolder, start, TOY } from './command.ts';

const ROOT = newFolder('refusals');
const SMALL = ['--set', 'steps=12', '--set', 'spins=10', '--seeds', '1'];
/** Small, and long enough for its control to be looked at. */
const WHOLE = ['--set', 'spins=10'];
/** A user without rights, for folders that even root's tests must not write to. */
const NOBODY = 65_534;

after(() => {
  chmodSync(ROOT, 0o755);
  rmSync(ROOT, { recursive: true });
});

test('bad usage ends with status 2, a word on stderr, nothing on stdout, and no store', async () => {
  const store = join(ROOT, 'never');
  const { status, stdout, stderr } = await assay('run', TOY, '--store', store, '--set', 'stpes=1');
  assert.equal(status, 2);
  assert.match(stderr, /unknown path "stpes".*"steps"/);
  assert.equal(stdout, '');
  assert.equal(existsSync(store), false);
});

test('a recipe that throws gives failed runs, status 1, and the others go on; the next run tries them again', async () => {
  const store = join(ROOT, 'throws');
  const args = ['run', TOY, '--store', store, ...SMALL, '--set', 'breakAt=7', '--json'];
  const first = await assay(...args);
  assert.equal(first.status, 1);
  assert.match(first.stderr, /the toy recipe was told to throw/);
  const line: unknown = JSON.parse(first.stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.ok(typeof line === 'object' && line !== null && 'runs' in line);
  // The pilots of both arms and the run of the arm without pilots fail; one pilot diverges before.
  assert.deepEqual(line.runs, { finished: 0, diverged: 1, failed: 5 });
  assert.equal((await assay('status', TOY, '--store', store)).status, 1);
  assert.match((await assay(...args)).stderr, /"runStarted"/);
});

test('a run whose worker keeps dying fails with the reason, and the study goes on', async () => {
  const store = join(ROOT, 'dies');
  const { status, stderr } = await assay(
    'run',
    TOY,
    '--store',
    store,
    ...SMALL,
    '--set',
    'breakAt=worker',
    '--workers',
    '2',
  );
  assert.equal(status, 1);
  assert.match(
    stderr,
    /again lr 0.1 block 0 failed: Its worker process died 5 times without reaching a new checkpoint/,
  );
});

test('a second runner is refused with the pid of the first, which is not disturbed; a reader is let in', async () => {
  const store = join(ROOT, 'two');
  const args = ['run', TOY, '--store', store, '--json', '--set', 'spins=300000'];
  const first = start(args);
  await first.line((line) => line.includes('"runStarted"'));
  const second = await assay(...args);
  assert.equal(second.status, 1);
  assert.match(second.stderr, new RegExp(`in use by process ${first.process.pid}`));
  assert.equal((await assay('status', TOY, '--store', store)).status, 0);
  assert.equal((await first.ended).status, 0);
});

test('a damaged database is refused by every command, naming the file', async () => {
  const store = join(ROOT, 'damaged');
  // One block is too few for the control; longer runs would leave outdated copies of their bytes in the file.
  assert.equal((await assay('run', TOY, '--store', store, ...SMALL)).status, 3);
  const path = join(store, 'store.sqlite');
  const bytes = readFileSync(path);
  const at = bytes.indexOf('"axes":{"heldOut":') + '"axes":{"heldOut":'.length;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  for (const args of [['run', TOY, ...SMALL], ['export', TOY, '--out', join(ROOT, 'out')], ['doctor']]) {
    const { status, stdout, stderr } = await assay(...args, '--store', store);
    assert.equal(status, 1);
    assert.match(stdout + stderr, /store\.sqlite is damaged/);
  }
});

test('a damaged shared step is computed again, and the results do not change', async () => {
  const store = join(ROOT, 'shared');
  const args = ['--store', store, ...WHOLE];
  assert.equal((await assay('run', TOY, ...args, '--seeds', '2')).status, 0);
  const [file = ''] = readdirSync(join(store, 'shared'));
  writeFileSync(join(store, 'shared', file), 'damaged');
  const again = await assay('run', TOY, ...args, '--json');
  assert.equal(again.status, 0);
  assert.match(again.stderr, /"sharedStarted"/);
  const clean = join(ROOT, 'shared-clean');
  assert.equal((await assay('run', TOY, '--store', clean, ...WHOLE)).status, 0);
  assert.equal(await exportHash(TOY, store), await exportHash(TOY, clean));
});

test('a damaged checkpoint makes its run start afresh, and the results do not change', async () => {
  const [store, clean] = [join(ROOT, 'checkpoint'), join(ROOT, 'checkpoint-clean')];
  const slow = ['--profile', 'standard', '--set', 'steps=40', '--set', 'spins=9000000'];
  const args = [...slow, '--json', '--checkpoint-seconds', '0'];
  const running = start(['run', TOY, '--store', store, ...args]);
  await running.line((line) => Number(/"doneFraction":([\d.]+)/.exec(line)?.[1]) > 0);
  running.process.kill('SIGKILL');
  await running.ended;
  const folder = join(store, 'checkpoints');
  for (const run of readdirSync(folder)) {
    for (const file of readdirSync(join(folder, run))) writeFileSync(join(folder, run, file), 'damaged');
  }
  const again = await assay('run', TOY, '--store', store, ...args);
  // The profile has one arm: nothing is asked of it, which is status 3.
  assert.equal(again.status, 3);
  assert.match(again.stderr, /"checkpointLost"/);
  assert.equal((await assay('run', TOY, '--store', clean, ...args)).status, 3);
  assert.equal(await exportHash(TOY, store), await exportHash(TOY, clean));
});

test(
  'a disk that fills up stops the study with the reason; with space again it goes on to the same bits',
  { skip: process.platform === 'win32' },
  async () => {
    const [store, clean] = [join(ROOT, 'full'), join(ROOT, 'full-clean')];
    const args = ['--set', 'steps=300', '--set', 'spins=10', '--seeds', '2', '--workers', '1'];
    // 60 blocks of 1024 bytes a file.
    const full = await start(['run', TOY, '--store', store, ...args], { shell: 'ulimit -f 60;' }).ended;
    assert.equal(full.status, 1);
    assert.match(full.stderr, /the disk is full/);
    assert.equal((await assay('run', TOY, '--store', store, ...args)).status, 0);
    assert.equal((await assay('run', TOY, '--store', clean, ...args)).status, 0);
    assert.equal(await exportHash(TOY, store), await exportHash(TOY, clean));
  },
);

test(
  'a read-only store can be looked at and not written to',
  { skip: process.getuid?.() !== 0 && 'needs root to become nobody' },
  async () => {
    const store = join(ROOT, 'read-only');
    const args = ['run', TOY, '--store', store, ...WHOLE];
    assert.equal((await assay(...args)).status, 0);
    chmodSync(ROOT, 0o755);
    chmodSync(store, 0o555);
    const asNobody = { uid: NOBODY, cwd: '/' };
    const status = await start(['status', TOY, '--store', store], asNobody).ended;
    assert.equal(status.status, 0, status.stderr);
    const run = await start(args, asNobody).ended;
    assert.equal(run.status, 1);
    assert.match(run.stderr, /Cannot write to the store folder .*read-only/);
  },
);
