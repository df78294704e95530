import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assay, newFolder, start, TOY } from './command.ts';

const ROOT = newFolder('stored-plans');
const STORE = ['--store', join(ROOT, 'store')];
/** Few steps: what is looked at are plans, not runs. */
const FAST = ['--profile', 'standard', '--workers', '1', '--set', 'spins=1'];

after(() => rmSync(ROOT, { recursive: true }));

/** The report's path that a command printed. */
function reportOf(stdout: string): string {
  return /^report: (.*)$/m.exec(stdout)?.[1] ?? assert.fail(`no report in ${stdout}`);
}

test('report, export and status find the plan that run made under the same options, and its report is not overwritten', async () => {
  const plain = await assay('run', TOY, ...STORE, ...FAST);
  const other = await assay('run', TOY, ...STORE, ...FAST, '--set', 'steps=20', '--seeds', '2');
  const [plainPage, otherPage] = [reportOf(plain.stdout), reportOf(other.stdout)];
  assert.match(otherPage, /reports\/toy-standard-[0-9a-f]{8}\/report\.html$/);
  assert.notEqual(plainPage, otherPage);
  const written = readFileSync(plainPage, 'utf8');

  // Without options the plan run last is looked at.
  assert.equal(reportOf((await assay('report', TOY, ...STORE)).stdout), otherPage);
  const settings = ['--profile', 'standard', '--set', 'spins=1'];
  const again = await assay('report', TOY, ...STORE, ...settings);
  assert.equal(reportOf(again.stdout), plainPage);
  assert.equal(readFileSync(plainPage, 'utf8'), written);
  const status = await assay('status', TOY, ...STORE, ...settings);
  assert.match(status.stdout, /^toy: profile standard, 1 blocks \(--profile standard --seeds 1 --set spins=1\)$/m);

  const exported = async (...options: string[]): Promise<string> => {
    const { stderr } = await start(['export', TOY, ...STORE, ...options], { cwd: ROOT }).ended;
    return /^Wrote .* to (.*)$/m.exec(stderr)?.[1] ?? assert.fail(stderr);
  };
  const [first, second] = [await exported(...settings), await exported()];
  assert.notEqual(first, second);
  const stepsIn = (folder: string): number =>
    readFileSync(join(folder, 'runs.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"steps":20')).length;
  assert.deepEqual([stepsIn(first), stepsIn(second)], [0, 2]);
});

test('a plan that was never run is refused with the options of those that were', async () => {
  for (const command of ['report', 'export', 'status']) {
    const { status, stderr } = await assay(command, TOY, ...STORE, '--profile', 'standard', '--seeds', '9');
    assert.equal(status, 2);
    assert.match(stderr, /no runs of "toy" with these options\. It has:/);
    assert.match(stderr, /^ {2}--profile standard --seeds 2 --set spins=1 --set steps=20$/m);
    assert.match(stderr, /^ {2}--profile standard --seeds 1 --set spins=1$/m);
  }
  assert.equal(existsSync(join(ROOT, 'toy-export')), false);
});
