/** A few damaged inputs for every reader; `npm run bench -- hostile` tries 300,000. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, test } from 'node:test';

import { newFolder } from '../e2e/command.ts';
import { hunted, shares } from './hunt.ts';

const FOLDER = newFolder('hostile-inputs');
const COUNT = 2000;

after(() => rmSync(FOLDER, { recursive: true }));

test('no damaged input makes a reader crash, hang or fill the memory: it is read, or refused in words', async () => {
  for (const [reader, count] of shares(COUNT)) {
    const { faults, refused } = await hunted({ reader, seed: 7, from: 0, count, folder: FOLDER });
    assert.deepEqual(faults, [], reader);
    assert.ok(refused > 0, `${reader}: no input was damaged enough to be refused`);
  }
});

test('the hunt notices a crash, a hang and a gibibyte, and goes on behind them', async () => {
  const kindsOf = async (reader: string, count: number): Promise<string[]> => {
    const { faults } = await hunted({ reader, seed: 1, from: 0, count, folder: FOLDER });
    return faults.map(({ kind, index }) => `${kind} ${index}`);
  };
  assert.deepEqual(await kindsOf('planted-crash', 2), ['crash 0', 'crash 1']);
  assert.deepEqual(await kindsOf('planted-memory', 2), ['memory 0', 'memory 1']);
  assert.deepEqual(await kindsOf('planted-hang', 1), ['hang 0']);
});
