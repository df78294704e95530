import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { openSqliteStore } from '#store/sqlite.ts';

import { type Asker, type SharedSteps, sharedStepsOf } from './shared-steps.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-shared-'));
const STEP = 'step';

after(() => rmSync(ROOT, { recursive: true }));

/** Someone who remembers the answers: `compute`, or a file's name. */
interface Remembering extends Asker {
  readonly answers: string[];
}

function asker(): Remembering {
  const answers: string[] = [];
  return { answers, answer: (_, answer) => answers.push(answer.kind === 'file' ? answer.file : 'compute') };
}

async function withSteps(name: string, check: (steps: SharedSteps) => Promise<void>): Promise<void> {
  await using store = await openSqliteStore(join(ROOT, name));
  await check(sharedStepsOf(store));
}

test('of many who ask at once one computes; the others wait for its file', async () =>
  withSteps('one', async (steps) => {
    const [first, second, third, late] = [asker(), asker(), asker(), asker()];
    await Promise.all([
      steps.wanted(first, STEP, false),
      steps.wanted(second, STEP, false),
      steps.wanted(third, STEP, false),
    ]);
    assert.deepEqual([first.answers, second.answers, third.answers], [['compute'], [], []]);
    await steps.computed(STEP, 'base', 'file');
    await steps.wanted(late, STEP, false);
    assert.deepEqual([second.answers, third.answers, late.answers], [['file'], ['file'], ['file']]);
  }));

test('if the one who computes fails or dies, the next in line computes', async () =>
  withSteps('next', async (steps) => {
    const [first, second, third, fourth] = [asker(), asker(), asker(), asker()];
    for (const one of [first, second, third, fourth]) await steps.wanted(one, STEP, false);
    steps.failed(first, STEP);
    assert.deepEqual([second.answers, third.answers], [['compute'], []]);
    steps.lost(third);
    steps.lost(second);
    assert.deepEqual([third.answers, fourth.answers], [[], ['compute']]);
    steps.failed(second, STEP);
    await steps.computed(STEP, 'base', 'file');
    assert.deepEqual(fourth.answers, ['compute']);
  }));

test('a step whose only asker died is computed by whoever asks next', async () =>
  withSteps('alone', async (steps) => {
    const [first, second] = [asker(), asker()];
    await steps.wanted(first, STEP, false);
    steps.lost(first);
    await steps.wanted(second, STEP, false);
    assert.deepEqual(second.answers, ['compute']);
  }));

test('a damaged file is computed again, and other bytes than before are refused', async () =>
  withSteps('damaged', async (steps) => {
    const [first, second] = [asker(), asker()];
    await steps.wanted(first, STEP, false);
    await steps.computed(STEP, 'base', 'file');
    await steps.wanted(second, STEP, true);
    assert.deepEqual(second.answers, ['compute']);
    await assert.rejects(
      steps.computed(STEP, 'base', 'other'),
      /"base" was damaged, and computing it again gave other bytes/,
    );
    await steps.computed(STEP, 'base', 'file');
  }));

test('steps of different identity do not wait for each other', async () =>
  withSteps('two', async (steps) => {
    const [first, second] = [asker(), asker()];
    await steps.wanted(first, 'a', false);
    await steps.wanted(second, 'b', false);
    assert.deepEqual([first.answers, second.answers], [['compute'], ['compute']]);
  }));
