/** A run is trained on the bytes of its identity: data and study files that change while a study runs are noticed, and nothing is recorded. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import type { RunRecord } from '#store/records.ts';
import { openSqliteReader } from '#store/sqlite.ts';

import { assay, exportHash, newFolder, start, TOY } from './command.ts';

const ROOT = newFolder('changed-inputs');
/** Reads a file in a part of its own, and trains by a function of a third file. */
const READS = `
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import toy from './toy.ts';
import { twice } from './twice.ts';

const data = new URL('data.txt', import.meta.url);
const recipe = {
  ...toy.recipe,
  inputs: () => ({ data: createHash('sha256').update(readFileSync(data)).digest('hex') }),
  run: async (context) => {
    const weight = twice(Number(readFileSync(data, 'utf8').trim()));
    return toy.recipe.run({ ...context, block: context.block + weight });
  },
};
export default { ...toy, recipe };
`;
const OPTIONS = ['--workers', '1', '--checkpoint-seconds', '0', '--seeds', '1', '--json'];
const SLOW = ['--set', 'spins=300000'];

after(() => rmSync(ROOT, { recursive: true }));

/** A study of three files and the data it reads, in a folder of its own. */
function studyIn(name: string): { folder: string; study: string; store: string } {
  const folder = join(ROOT, name);
  mkdirSync(folder);
  copyFileSync(TOY, join(folder, 'toy.ts'));
  writeFileSync(join(folder, 'twice.ts'), 'export const twice = (value: number): number => 2 * value;\n');
  writeFileSync(join(folder, 'data.txt'), '7\n');
  writeFileSync(join(folder, 'study.ts'), READS);
  return { folder, study: join(folder, 'study.ts'), store: join(folder, 'store') };
}

let known: Promise<string> | undefined;

/** The sha256 of the export of a study that nobody disturbed. */
async function undisturbed(): Promise<string> {
  const { study, store } = studyIn('undisturbed');
  assert.notEqual((await assay('run', study, '--store', store, ...OPTIONS, ...SLOW)).status, 1);
  return exportHash(study, store);
}

/** That a study ends with the bits of one that nobody disturbed. */
async function goesOn(study: string, store: string): Promise<void> {
  const { status, stderr } = await assay('run', study, '--store', store, ...OPTIONS, ...SLOW);
  assert.ok(status === 0 || status === 3, stderr);
  known ??= undisturbed();
  assert.equal(await exportHash(study, store), await known);
}

async function runsIn(store: string): Promise<readonly RunRecord[]> {
  await using reader = await openSqliteReader(store);
  const plan = await reader.latestPlan('toy');
  const runs: RunRecord[] = [];
  for (const { measureId } of await reader.readMembers(plan?.planId ?? '')) {
    const run = await reader.readRun(measureId);
    if (run !== undefined) runs.push(run);
  }
  return runs;
}

test('data edited while a study runs stops it; nothing is recorded under the wrong hash, and the data put back goes on', async () => {
  const { folder, study, store } = studyIn('data');
  const data = join(folder, 'data.txt');
  const running = start(['run', study, '--store', store, ...OPTIONS, ...SLOW]);
  await running.line((line) => line.includes('"kind":"runEnded"'));
  writeFileSync(data, '8\n');
  const { status, stderr } = await running.ended;
  assert.equal(status, 2, stderr);
  assert.match(
    stderr,
    /assay: .*its input "data" changed since the study was planned: expected sha256 \w+, found \w+\. /,
  );
  assert.match(stderr, /Put it back as it was and run again to go on; or leave it and run again, which plans anew/);
  const runs = await runsIn(store);
  assert.equal(new Set(runs.map(({ inputs }) => inputs['data'])).size, 1);
  assert.ok(runs.filter(({ state }) => state.kind === 'finished').length < 3);
  assert.ok(runs.every(({ state }) => state.kind !== 'failed'));
  writeFileSync(data, '7\n');
  await goesOn(study, store);
});

test('data that stays edited is planned anew by the next run, under other identities', async () => {
  const { folder, study, store } = studyIn('anew');
  await assay('run', study, '--store', store, ...OPTIONS, '--set', 'spins=10');
  const before = new Set((await runsIn(store)).map(({ measureId }) => measureId));
  writeFileSync(join(folder, 'data.txt'), '8\n');
  await assay('run', study, '--store', store, ...OPTIONS, '--set', 'spins=10');
  const now = await runsIn(store);
  assert.ok(now.every(({ measureId, state }) => !before.has(measureId) && state.kind !== 'open'));
});

for (const edited of ['study.ts', 'twice.ts']) {
  test(`${edited} edited while the study runs, and a worker killed: the one that replaces it refuses`, async () => {
    const { folder, study, store } = studyIn(`source-${edited}`);
    const running = start(['run', study, '--store', store, ...OPTIONS, ...SLOW]);
    const worker = await running.line((line) => line.includes('"kind":"workerStarted"'));
    await running.line((line) => line.includes('"kind":"runProgress"'));
    const path = join(folder, edited);
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, source.replace('2 * value', '3 * value').replace('block + weight', 'block - weight'));
    process.kill(Number(/"pid":(\d+)/.exec(worker)?.[1]), 'SIGKILL');
    const { status, stderr } = await running.ended;
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(`assay: The source of the study changed since it was planned: ${edited}\\.`));
    assert.ok((await runsIn(store)).every(({ state }) => state.kind === 'open'));
    writeFileSync(path, source);
    await goesOn(study, store);
  });
}

test('runs that another source made are kept and said, and one that it had only begun starts afresh', async () => {
  const { folder, study, store } = studyIn('resumed');
  const running = start(['run', study, '--store', store, ...OPTIONS, ...SLOW]);
  await running.line((line) => line.includes('"kind":"runEnded"'));
  const second = await running.line(
    (line) => line.includes('"isResumed":false') && line.includes('"learningRate":0.2'),
  );
  const run = /"measureId":"\w+"/.exec(second)?.[0] ?? '';
  await running.line((line) => line.includes('"kind":"runProgress"') && line.includes(run));
  running.process.kill('SIGINT');
  assert.equal((await running.ended).status, 130);
  const twice = join(folder, 'twice.ts');
  writeFileSync(twice, `// Doubles.\n${readFileSync(twice, 'utf8')}`);
  const again = await assay('run', study, '--store', store, ...OPTIONS, ...SLOW);
  assert.match(again.stderr, /"kept":1,"kind":"sourceChanged","restarted":[01]/);
  assert.match(again.stderr, /"kept":[01],"kind":"sourceChanged","restarted":1/);
  await goesOn(study, store);
  const sources = (await runsIn(store)).map(({ provenance }) => provenance.map(({ source }) => source));
  assert.ok(
    sources.every(({ length }) => length === 1),
    'no run was made by two sources',
  );
  assert.equal(new Set(sources.flat()).size, 2);
});
