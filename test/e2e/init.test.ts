/** `assay init` from a clone: what it writes runs at once, wherever it is written. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { newFolder, start } from './command.ts';
import { lastVerdicts, MODEL, STARTED } from './started-studies.ts';

/** Outside of any package: nothing here finds "assay" by itself. */
const ELSEWHERE = newFolder('init');
/** Inside of the clone. */
const INSIDE = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'init-'));

after(() => [ELSEWHERE, INSIDE].forEach((folder) => rmSync(folder, { recursive: true })));

for (const parent of [ELSEWHERE, INSIDE]) {
  const place = parent === INSIDE ? 'inside the clone' : 'outside of any package';
  test(`a world study written ${place} runs to the verdict its template was made to show`, async () => {
    const made = await start(['init', 'First Study'], { cwd: parent }).ended;
    assert.equal(made.status, 0, made.stderr);
    const [plan = '', run = ''] = [...made.stdout.matchAll(/^ {2}npx assay (.*)$/gm)].map((match) => match[1] ?? '');
    assert.equal(plan, "plan './First Study/study.ts'");
    assert.equal(run, "run './First Study/study.ts'");
    const planned = await start(['plan', './First Study/study.ts'], { cwd: parent }).ended;
    assert.equal(planned.status, 0, planned.stderr);
    const args = ['run', './First Study/study.ts', ...STARTED.world.smaller, '--json'];
    const { status, stdout, stderr } = await start(args, { cwd: parent }).ended;
    assert.equal(status, 0, stderr);
    assert.match(stdout.trimEnd().split('\n').at(-1) ?? '', /"study":"first-study"/);
    assert.equal(lastVerdicts(stdout).length, 1);
    assert.doesNotMatch(stderr, /Warning/);
  });
}

test('a finetune study runs to its verdict on a model named from the current folder, from anywhere', async () => {
  const folder = join(ELSEWHERE, 'own');
  const here = dirname(MODEL);
  const model = relative(here, MODEL);
  const made = await start(['init', folder, '--kind', 'finetune', '--model', model], { cwd: here }).ended;
  assert.equal(made.status, 0, made.stderr);
  const args = ['run', join(folder, 'study.json'), ...STARTED.finetune.smaller, '--json'];
  const { status, stdout, stderr } = await start(args, { cwd: ELSEWHERE }).ended;
  assert.ok(status === 0 || status === 3, stderr);
  assert.equal(lastVerdicts(stdout).length, 1);
});

test('without a model the commands that follow say where to give it, and a run without it is refused', async () => {
  const made = await start(['init', 'later', '--kind', 'finetune'], { cwd: ELSEWHERE }).ended;
  assert.match(made.stdout, /npx assay run \.\/later\/study\.json --set model=PATH/);
  const refused = await start(['run', './later/study.json'], { cwd: ELSEWHERE }).ended;
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /"model": expected the path of a model folder/);
  const planned = await start(['plan', './later/study.json', '--set', `model=${MODEL}`], { cwd: ELSEWHERE }).ended;
  assert.equal(planned.status, 0, planned.stderr);
});

test('nothing that exists is written over, and an empty folder is taken', async () => {
  const [filled, empty] = [join(ELSEWHERE, 'filled'), join(ELSEWHERE, 'empty')];
  for (const folder of [filled, empty]) mkdirSync(folder);
  writeFileSync(join(filled, 'README.md'), 'mine');
  const refused = await start(['init', filled]).ended;
  assert.equal(refused.status, 2);
  assert.deepEqual(readdirSync(filled), ['README.md']);
  assert.equal(readFileSync(join(filled, 'README.md'), 'utf8'), 'mine');
  assert.equal((await start(['init', empty]).ended).status, 0);
  for (const name of ['study.ts', 'README.md', 'LOG.md']) assert.ok(existsSync(join(empty, name)), name);
});
