/** Studies that train nothing: no learning rate, no pilot, no axis to match on; with claims, and with nothing asked. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { assay, newFolder } from './command.ts';

const ROOT = newFolder('measured');
const STORE = ['--store', join(ROOT, 'store')];
const CLAIMED = fileURLToPath(new URL('measured/study.ts', import.meta.url));
const MEASURED = fileURLToPath(new URL('measured/measure-only.ts', import.meta.url));
const NOTHING_ASKED = /nothing was asked: there is no contrast and no claim to decide/;

after(() => rmSync(ROOT, { recursive: true }));

test('where nothing is asked runs are made and reported, and no command ends as if something was shown', async () => {
  const plan = await assay('plan', MEASURED, ...STORE);
  assert.match(plan.stdout, /nothing is asked in profile "quick": runs are only measured/);
  const run = await assay('run', MEASURED, ...STORE, '--workers', '1');
  assert.equal(run.status, 3, run.stderr);
  assert.match(run.stdout, NOTHING_ASKED);
  assert.match(run.stdout, /18 finished, 0 diverged, 0 failed/);
  const report = await assay('report', MEASURED, ...STORE, '--out', join(ROOT, 'report'));
  assert.equal(report.status, 3);
  assert.match(report.stdout, NOTHING_ASKED);
  // What was measured is there.
  assert.match(readFileSync(join(ROOT, 'report', 'trajectories.csv'), 'utf8'), /^w1,0,,finished,/m);
  const json = await assay('run', MEASURED, ...STORE, '--json');
  assert.equal(json.status, 3);
  assert.match(json.stderr, NOTHING_ASKED);
});

test('claims at given depths and at the end are run, planned, answered and exported without rates', async () => {
  const plan = await assay('plan', CLAIMED, ...STORE, '--json');
  const { arms } = JSON.parse(plan.stdout) as { arms: { pilotRuns: number; confirmatoryRuns: number[] }[] };
  assert.deepEqual(
    arms.map(({ pilotRuns, confirmatoryRuns }) => [pilotRuns, confirmatoryRuns]),
    [0, 1, 2].map(() => [0, [6, 6]]),
  );
  const run = await assay('run', CLAIMED, ...STORE, '--workers', '1', '--json');
  assert.equal(run.status, 0, run.stderr);
  const status = await assay('status', CLAIMED, ...STORE);
  assert.match(status.stdout, /^confirmatory {2}w1 +6 +0 +0 +0$/m);
  const out = join(ROOT, 'export');
  assert.equal((await assay('export', CLAIMED, ...STORE, '--out', out)).status, 0);
  const lines = readFileSync(join(out, 'runs.jsonl'), 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 18);
  assert.ok(lines.every((line) => !line.includes('learningRate')));
  const [, first = ''] = readFileSync(join(out, 'trajectories.csv'), 'utf8').split('\n');
  assert.match(first, /^w\d,\d,,confirmatory,finished,0,/);
});
