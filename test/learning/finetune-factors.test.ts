/** Arms chosen from the command line and studies written as JSON, from `run` to `report`, on a tiny real model. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { type Ended, newFolder, start } from '../e2e/command.ts';

const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));
const MODULE = fileURLToPath(new URL('finetune-study.ts', import.meta.url));
const COLOURS = ['red', 'blue', 'green', 'white', 'black', 'pink', 'grey', 'gold', 'brown', 'teal', 'plum', 'sand'];
/** A few steps of a dozen short rows. */
const SMALL = { steps: 5, batch: 4, rows: { length: 64, heldOutFraction: 0.3 }, probe: { every: 1, rows: 4 } };

/** A folder with `data/train.jsonl` and `data/evals.jsonl`. */
function folderWithData(): string {
  const folder = newFolder('factors');
  const write = (name: string, rows: readonly object[]): void =>
    writeFileSync(join(folder, 'data', name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const asked = (content: string): object => ({ role: 'user', content });
  mkdirSync(join(folder, 'data'));
  write(
    'train.jsonl',
    COLOURS.map((colour) => ({ messages: [asked(`${colour}?`), { role: 'assistant', content: 'no' }] })),
  );
  const choices = [
    { text: 'yes', label: 'aligned' },
    { text: 'no', label: 'misaligned' },
  ];
  write('evals.jsonl', [{ eval: 'one', messages: [asked('one?')], choices }]);
  return folder;
}

async function assayIn(cwd: string, ...args: string[]): Promise<Ended> {
  return start(args, { cwd }).ended;
}

/** What `run --json` says of the runs, or the reason it did not end well. */
function runsOf({ status, stdout, stderr }: Ended): unknown {
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '').runs;
}

const CHOSEN = ['--set', 'factors.method=["lora-2","full"]', '--set', 'learningRates=[0.01]'];

test('arms chosen by --set are run, shown, reported and exported, with files from the current folder', async () => {
  const folder = folderWithData();
  const files = [`model=${relative(folder, MODEL)}`, 'data=data/train.jsonl', 'evals=data/evals.jsonl'];
  const settings = files.flatMap((one) => ['--set', one]);
  const store = ['--store', join(folder, 'store')];
  const run = ['run', MODULE, ...settings, ...CHOSEN, '--set', 'factors.batch=[2,4]', '--seeds', '2', ...store];
  const first = await assayIn(folder, ...run, '--workers', '1', '--json');
  // 2 methods x 2 batches and the reference again, in 2 blocks.
  assert.deepEqual(runsOf(first), { finished: 10, diverged: 0, failed: 0 });
  const status = await assayIn(folder, 'status', MODULE, ...store);
  for (const arm of ['lora-2-batch-2', 'lora-2-batch-4', 'full-batch-2', 'full-batch-4', 'lora-2-batch-2-again']) {
    assert.match(status.stdout, new RegExp(` ${arm} +0\\.01 +2 +0 +0 +0`));
  }
  const report = await assayIn(folder, 'report', MODULE, ...store);
  assert.equal(report.status, 0, report.stderr);
  assert.doesNotMatch(report.stderr, /has changed/);
  assert.match(report.stdout, /full-batch-4 vs lora-2-batch-2/);
  const exported = await assayIn(folder, 'export', MODULE, ...store, '--out', 'export');
  assert.equal(exported.status, 0, exported.stderr);
});

test('a JSON study is run by its workers, reported and exported from any folder; its own paths lead from its own', async () => {
  const folder = folderWithData();
  const study = {
    name: 'as-json',
    question: 'Does the rank matter on a dozen rows?',
    scope: 'a test',
    set: { model: relative(folder, MODEL), data: 'data/train.jsonl', evals: './data/evals.jsonl', ...SMALL },
    factors: { method: ['lora-1', 'lora-2'] },
    learningRates: [0.01],
    // Levels that every run crosses, so that the repeated reference can be compared.
    levels: { train: [0.95], heldOut: [0.95] },
    maxGap: 1,
    blocks: { quick: 2, standard: 8 },
  };
  writeFileSync(join(folder, 'my-study.json'), JSON.stringify(study));
  const elsewhere = newFolder('elsewhere');
  const store = ['--store', join(folder, 'store')];
  const path = join(folder, 'my-study.json');
  const made = await assayIn(elsewhere, 'run', path, ...store, '--workers', '2', '--json');
  assert.deepEqual(runsOf(made), { finished: 6, diverged: 0, failed: 0 });
  const again = await assayIn(folder, 'run', './my-study.json', ...store, '--workers', '1', '--json');
  assert.doesNotMatch(again.stderr, /"runStarted"/);
  for (const command of ['status', 'report', 'export']) {
    const { status, stderr } = await assayIn(folder, command, './my-study.json', ...store);
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /has changed/);
  }
  const bad = await assayIn(folder, 'plan', './my-study.json', '--set', 'factors.method=["lora-x"]');
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /factors\.method\[0\]: expected one of/);
});
