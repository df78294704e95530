/** `--until-decided`: looks at the blocks of src/study/looks.ts with their own alphas, stopping at the first that decides. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { assay, type Ended, exportHash, newFolder, start } from './command.ts';

const ROOT = newFolder('until-decided');
const STUDY = fileURLToPath(new URL('sequential/study.ts', import.meta.url));

after(() => rmSync(ROOT, { recursive: true }));

interface Line {
  readonly runs: { readonly finished: number };
  readonly verdicts: readonly { readonly verdict: string; readonly blocks: number; readonly reason: string }[];
}

function answered({ status, stdout, stderr }: Ended): Line {
  assert.equal(status, 0, stderr);
  const line: Line = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  return line;
}

/** The verdict, its blocks and the runs of an answer. */
function summaryOf({ runs, verdicts: [verdict] }: Line): unknown[] {
  return [verdict?.verdict, verdict?.blocks, runs.finished];
}

/** How many runs a command made, by its events. */
function madeRuns({ stderr }: Ended): number {
  return stderr.split('\n').filter((line) => line.includes('"kind":"runStarted"')).length;
}

test('eight blocks that decide a fixed study do not decide the first look; the second look does, and the third is not made', async () => {
  const fixed = await assay('run', STUDY, '--store', join(ROOT, 'fixed'), '--seeds', '8', '--json');
  assert.deepEqual(summaryOf(answered(fixed)), ['affects', 8, 16]);
  const store = join(ROOT, 'looks');
  const looks = await assay('run', STUDY, '--store', store, '--until-decided', '--json');
  assert.deepEqual(summaryOf(answered(looks)), ['affects', 12, 24]);
  assert.equal(madeRuns(looks), 24);
  // Answering again reads the design from the stored plan.
  const again = await assay('report', STUDY, '--store', store);
  assert.match(again.stdout, /treated vs plain, behaviour \(delta 0\.1\): affects beyond loss/);
});

test('a study stopped after its first look, and again in the middle of the second, goes on from there to the same bits', async () => {
  const store = join(ROOT, 'resumed');
  const first = await assay('run', STUDY, '--store', store, '--until-decided', '--max-seeds', '8', '--json');
  const { verdicts } = answered(first);
  assert.equal(verdicts[0]?.verdict, 'undecided');
  assert.match(verdicts[0].reason, /neither an effect of 0\.1 fraction or more nor its absence is shown by 8 blocks/);
  const args = ['run', STUDY, '--store', store, '--until-decided', '--json'];
  const running = start([...args, '--checkpoint-seconds', '0']);
  await running.line((line) => line.includes('"kind":"runStarted"'));
  running.process.kill('SIGINT');
  assert.equal((await running.ended).status, 130);
  const last = await assay(...args);
  assert.deepEqual(summaryOf(answered(last)), ['affects', 12, 24]);
  assert.ok(madeRuns(last) > 0 && madeRuns(last) <= 8, `${madeRuns(last)} runs were made`);
  assert.equal(await exportHash(STUDY, store), await exportHash(STUDY, join(ROOT, 'looks')));
  const settled = await assay(...args);
  assert.equal(madeRuns(settled), 0);
  assert.deepEqual(summaryOf(answered(settled)), ['affects', 12, 24]);
});
