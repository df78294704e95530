/** `assay plan` beside a real store: its time from runs that were made, its power from the spread they show. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { assay, newFolder, TOY } from './command.ts';

const ROOT = newFolder('plan');
const FAST = ['--set', 'spins=10', '--seeds', '8'];

after(() => rmSync(ROOT, { recursive: true }));

test('plan estimates from runs of the store, and says when nothing is left to make', async () => {
  const store = join(ROOT, 'store');
  // Whether so noisy a toy's A/A arms can be shown alike is not asked here.
  assert.match((await assay('run', TOY, '--store', store, ...FAST)).stdout, /44 finished, 1 diverged, 0 failed/);
  const done = await assay('plan', TOY, '--store', store, ...FAST);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^time: none, all runs are stored$/m);
  assert.match(done.stdout, /seen: 8 confirmatory blocks in the store/);
  const more = await assay('plan', TOY, '--store', store, '--set', 'spins=10', '--seeds', '16');
  assert.match(
    more.stdout,
    /^time: .* with \d+ workers, 40 runs to make \(from \d+ stored runs of this plan, 3 of 3 arms\)$/m,
  );
  const other = await assay('plan', TOY, '--store', store, '--set', 'spins=11', '--json');
  const line: { time: { basis: string }; power: { rows: unknown[] }[]; arms: unknown[] } = JSON.parse(other.stdout);
  assert.match(line.time.basis, /of this study under other settings/);
  const longer = await assay('plan', TOY, '--store', store, '--set', 'spins=10', '--set', 'steps=600');
  assert.match(
    longer.stdout,
    /^time: .* under other settings, 3 of 3 arms; scaled to 600 steps: runs that end early take less\)$/m,
  );
  assert.deepEqual([line.power.length, line.power[0]?.rows.length, line.arms.length], [1, 4, 3]);
});

test('plan --pilot times one run of every arm and leaves no trace', async () => {
  const store = join(ROOT, 'none');
  const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('assay-plan-'));
  const before = folders();
  const { status, stdout, stderr } = await assay('plan', TOY, '--store', store, '--set', 'spins=10', '--pilot');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^time: .* with \d+ workers, 14 to 20 runs to make \(from one run of 3 of 3 arms\)$/m);
  assert.equal(existsSync(store), false);
  assert.deepEqual(
    folders().filter((name) => !before.includes(name)),
    [],
  );
});

test('a run too long to watch is extrapolated from its progress', async () => {
  const study = join(ROOT, 'long.ts');
  writeFileSync(
    study,
    `import toy from ${JSON.stringify(pathToFileURL(TOY).href)};
    // Progress of a hundredth every tenth of a second or so: ten seconds in all, and more.
    const run = async (context) => {
      for (let done = 0; done < 400; done++) {
        context.progress(done / 400);
        await new Promise((resolve) => setTimeout(resolve, 100));
        context.signal.throwIfAborted();
        await context.checkpoint(() => new Uint8Array(1));
      }
      return { kind: 'finished' };
    };
    export default { ...toy, name: 'long', recipe: { ...toy.recipe, name: 'long', run } };\n`,
  );
  const args = ['plan', study, '--profile', 'standard', '--pilot', '--workers', '1', '--json'];
  const { status, stdout, stderr } = await assay(...args);
  assert.equal(status, 0, stderr);
  const { time }: { time: { highSeconds: number; basis: string } } = JSON.parse(stdout);
  // 400 waits of 100 ms; a loaded machine only adds to them.
  assert.ok(time.highSeconds >= 39, stdout);
  assert.match(time.basis, /1 of them cut short and extrapolated/);
});
