/** Names are data: arms called like formulas or like parts of every object go through run, export and audit as they are. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assay, newFolder, TOY } from './command.ts';

const ROOT = newFolder('hostile-names');

after(() => rmSync(ROOT, { recursive: true }));

/** The toy study with its first arms called otherwise. */
function toyCalled(names: readonly string[]): string {
  const path = join(ROOT, 'study.ts');
  writeFileSync(
    path,
    `import toy from ${JSON.stringify(TOY)};
const names = ${JSON.stringify(names)};
const old = toy.arms.map(({ name }) => name);
const called = (name) => names[old.indexOf(name)] ?? name;
export default {
  ...toy,
  arms: toy.arms.map((arm) => ({ ...arm, name: called(arm.name), label: called(arm.name) })),
  contrasts: toy.contrasts.map((one) => ({ ...one, arm: called(one.arm), reference: called(one.reference) })),
  profiles: { quick: { arms: toy.arms.map((arm) => called(arm.name)), blocks: 3 } },
};
`,
  );
  return path;
}

/** The lines of an answer that say a verdict. */
function verdictsOf(stdout: string): readonly string[] {
  return stdout.split('\n').filter((line) => /^On |undecided|affects|no effect/.test(line));
}

for (const names of [
  ['=cmd|calc!A0', '-2+3'],
  ['__proto__', 'constructor'],
]) {
  test(`arms called ${names.join(' and ')} give the same verdicts by run, and by export and audit`, async () => {
    const study = toyCalled(names);
    const store = join(ROOT, `store-${names[1]}`);
    const out = join(ROOT, `out-${names[1]}`);
    const ran = await assay('run', study, '--store', store, '--set', 'spins=10', '--workers', '1');
    assert.match(ran.stdout, /0 failed/, ran.stderr);
    assert.equal((await assay('export', study, '--store', store, '--out', out)).status, 0);
    const csv = readFileSync(join(out, 'trajectories.csv'), 'utf8');
    const written = csv.trim().split('\n').slice(1);
    assert.ok(written.every((line) => !/^[=+\-@]/.test(line)));
    for (const name of names)
      assert.ok(written.some((line) => line.startsWith(`${name},`) || line.startsWith(`'${name},`)));
    const audited = await assay('audit', join(out, 'trajectories.csv'), '--out', join(out, 'audit'));
    assert.equal(audited.status, ran.status, audited.stderr);
    assert.deepEqual(verdictsOf(audited.stdout), verdictsOf(ran.stdout));
    assert.ok(verdictsOf(ran.stdout).length > 0, ran.stdout);
  });
}

test('columns called like parts of every object are refused as axes and outcomes, and harmless beside them', async () => {
  const table = join(ROOT, 'table.csv');
  const rows = ['a', 'b'].flatMap((arm) =>
    [1, 2, 3].flatMap((block) => [0, 1, 2, 3].map((step) => `${arm},${block},${step},${2 - step / 3},0.5,7,8`)),
  );
  writeFileSync(table, `arm,block,step,train,bad,__proto__,constructor\n${rows.join('\n')}\n`);
  const audit = async (...args: string[]) => assay('audit', table, '--out', join(ROOT, 'audit'), '--force', ...args);
  for (const name of ['__proto__', 'constructor']) {
    for (const asked of [
      ['--train', 'train', '--outcome', `${name}=0.1`],
      ['--axis', name, '--outcome', 'bad=0.1'],
    ]) {
      const { status, stderr } = await audit(...asked);
      assert.equal(status, 2, stderr);
      assert.match(stderr, new RegExp(`names that not every object has, found "${name}"`));
    }
  }
  const missing = await audit('--arm', 'toString', '--train', 'train', '--outcome', 'bad=0.1');
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /toString/);
  const beside = await audit('--train', 'train', '--outcome', 'bad=0.1');
  assert.match(beside.stdout, /report: /, beside.stderr);
});
