import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assay, exportHash, newFolder, start, TOY } from './command.ts';
import { runWithKills } from './kill-experiment.ts';

const ROOT = newFolder('bits');
/** Long enough to be interrupted, with a checkpoint at every step. */
const ARGS = ['run', TOY, '--json', '--checkpoint-seconds', '0.02', '--set', 'steps=80', '--set', 'spins=150000'];
const KILLS = 6;

let expected = '';

function argsFor(store: string, workers: number): string[] {
  return [...ARGS, '--store', store, '--workers', String(workers)];
}

before(async () => {
  const store = join(ROOT, 'one');
  assert.equal((await assay(...argsFor(store, 1))).status, 0);
  expected = await exportHash(TOY, store);
});

after(() => rmSync(ROOT, { recursive: true }));

test('two and four workers give the bits of one worker', async () => {
  for (const workers of [2, 4]) {
    const store = join(ROOT, `workers-${workers}`);
    assert.equal((await assay(...argsFor(store, workers))).status, 0);
    assert.equal(await exportHash(TOY, store), expected);
  }
});

test('running again makes nothing and gives the same bits', async () => {
  const store = join(ROOT, 'one');
  const again = await assay(...argsFor(store, 2));
  assert.equal(again.status, 0);
  assert.doesNotMatch(again.stderr, /"runStarted"/);
  assert.equal(await exportHash(TOY, store), expected);
});

test(`${KILLS} kills of runner and workers change no bit`, async () => {
  const storeOf = (round: number): string => join(ROOT, `kills-${round}`);
  const outcome = await runWithKills({ argsOf: (round) => argsFor(storeOf(round), 2), kills: KILLS, seed: 4 });
  assert.ok(outcome.runners > 0 && outcome.workers > 0, JSON.stringify(outcome));
  for (let round = 0; round < outcome.rounds; round++) assert.equal(await exportHash(TOY, storeOf(round)), expected);
});

test('Ctrl-C stops at checkpoints, says how to resume, and the resumed study has the same bits', async () => {
  // One run of slower steps, so that it is seen halfway.
  const slow = ['--profile', 'standard', '--set', 'steps=40', '--set', 'spins=9000000'];
  const [whole, store] = [join(ROOT, 'whole'), join(ROOT, 'stopped')];
  // The profile has one arm: nothing is asked of it, which is status 3.
  assert.equal((await assay(...argsFor(whole, 2), ...slow)).status, 3);
  const running = start([...argsFor(store, 2), ...slow]);
  await running.line((line) => Number(/"doneFraction":([\d.]+)/.exec(line)?.[1]) > 0);
  running.process.kill('SIGINT');
  const stopped = await running.ended;
  assert.equal(stopped.status, 130);
  assert.match(stopped.stderr, /To resume: assay run .*study\.ts .*--set steps=40/);
  const resumed = await assay(...argsFor(store, 2), ...slow);
  assert.equal(resumed.status, 3);
  assert.match(resumed.stderr, /"isResumed":true/);
  assert.equal(await exportHash(TOY, store), await exportHash(TOY, whole));
});

test('a second Ctrl-C kills at once, and nothing durable is lost', async () => {
  const store = join(ROOT, 'killed');
  const running = start([...argsFor(store, 2), '--profile', 'standard', '--set', 'spins=2000000000']);
  await running.line((line) => line.includes('"runStarted"'));
  running.process.kill('SIGINT');
  await running.line((line) => line.includes('"stopping"'));
  running.process.kill('SIGINT');
  assert.equal((await running.ended).status, 130);
  assert.equal((await assay('status', TOY, '--store', store)).status, 0);
});

test('workers end by themselves when their runner is killed', async () => {
  const store = join(ROOT, 'orphans');
  // A run of minutes that never waits for the runner: only the closed channel can end it.
  const long = [
    '--profile',
    'standard',
    '--set',
    'steps=10000',
    '--set',
    'spins=9000000',
    '--checkpoint-seconds',
    '1000',
  ];
  const running = start([...argsFor(store, 1), ...long]);
  const line = await running.line((text) => text.includes('"workerStarted"'));
  const pid = Number(/"pid":(\d+)/.exec(line)?.[1]);
  await running.line((text) => text.includes('"runProgress"'));
  running.process.kill('SIGKILL');
  for (let tries = 0; isAlive(pid) && tries < 100; tries++) await sleep(100);
  const isLeft = isAlive(pid);
  if (isLeft) process.kill(pid, 'SIGKILL');
  assert.equal(isLeft, false, `worker ${pid} was still there after ten seconds`);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
