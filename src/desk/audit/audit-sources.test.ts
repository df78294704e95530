import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

import { EMPTY_MAP, type AuditMap } from './audit-map.ts';
import { auditSource } from './audit-sources.ts';
import { auditOf } from './audit-study.ts';
import type { Audit } from './audited.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-audit-sources-'));

after(() => rmSync(ROOT, { recursive: true }));

function fileWith(name: string, text: string | Uint8Array): string {
  const path = join(ROOT, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A trainer state up to a step; `shift` moves its losses, `speed` what is timed. */
function stateOf(until: number, shift: number, speed = 1): string {
  const records = Array.from({ length: until + 1 }, (_, step) => [
    { step, loss: 2 - step / 10 + shift },
    { step, eval_loss: 2.2 - step / 10, eval_harm: 0.3, eval_runtime: speed, eval_steps_per_second: speed },
  ]).flat();
  return JSON.stringify({ log_history: records });
}

test('of the states of one run the longest counts; states of two runs under one label are refused, naming both', async () => {
  const pattern = (name: string): string => join(ROOT, name, '{arm}-{block}', '*', 'trainer_state.json');
  fileWith('one/a-0/checkpoint-5/trainer_state.json', stateOf(5, 0));
  fileWith('one/a-0/checkpoint-9/trainer_state.json', stateOf(9, 0, 2));
  const { tables } = await auditSource([pattern('one')]);
  assert.equal(tables[0]?.rows.length, 20);

  fileWith('two/a-0/crashed/trainer_state.json', stateOf(5, 0.01));
  fileWith('two/a-0/final/trainer_state.json', stateOf(9, 0));
  await assert.rejects(
    auditSource([pattern('two')]),
    /label a, block 0, found two runs: in .*crashed.* and .*final.*, loss at step 0 is 2\.01 and 2\./,
  );
  // As long as each other, and one that logged a step which the longer one does not have.
  fileWith('three/a-0/x/trainer_state.json', stateOf(9, 0));
  fileWith('three/a-0/y/trainer_state.json', stateOf(9, 0.01));
  await assert.rejects(auditSource([pattern('three')]), /found two runs/);
  fileWith('four/a-0/x/trainer_state.json', JSON.stringify({ log_history: [{ step: 0.5, loss: 2 }] }));
  fileWith('four/a-0/y/trainer_state.json', stateOf(9, 0));
  await assert.rejects(auditSource([pattern('four')]), /loss at step 0\.5 is 2 and not there/);
});

test('a label longer than a number can hold stays the label it is', async () => {
  fileWith('long/a-9007199254740993/trainer_state.json', stateOf(2, 0));
  fileWith('long/a-9007199254740992/trainer_state.json', stateOf(2, 0));
  const { tables } = await auditSource([join(ROOT, 'long', '{arm}-{block}', 'trainer_state.json')]);
  const blocks = new Set(tables[0]?.rows.map(({ cells }) => cells['block']));
  assert.deepEqual([...blocks], ['9007199254740992', '9007199254740993']);
  const list = (block: unknown): string =>
    fileWith('list.json', JSON.stringify([{ file: 'long/a-9007199254740993/trainer_state.json', arm: 'a', block }]));
  const listed = await auditSource([list('9007199254740993')]);
  assert.equal(listed.tables[0]?.rows[0]?.cells['block'], '9007199254740993');
  await assert.rejects(auditSource([list(2 ** 53)]), /0\.block": expected an exact whole number/);
});

test('a table too large to be held as text is refused with its size and what to do', async () => {
  const path = fileWith('large.csv', 'arm,block\n');
  // Sparse: the file takes no space.
  truncateSync(path, 600 * 2 ** 20);
  await assert.rejects(
    auditSource([path]),
    /large\.csv: it has 600 MiB, at most \d+ fit into the memory of this process\. Keep the columns/,
  );
});

/** The audit of chart exports, one a file. */
async function charts(...axes: readonly (readonly [axis: string, metric: string])[]): Promise<Audit> {
  const files = axes.map(([axis, metric], i) => {
    const columns = ['a-0', 'b-0'].flatMap((run) => [`"${run} - ${metric}"`, `"${run} - ${metric}__MIN"`]);
    const rows = Array.from({ length: 20 }, (_, step) => {
      const value = metric === 'harm' ? 0.3 : 2 - step / 10;
      return [step, value, value, value, value].join(',');
    });
    return fileWith(`chart-${i}.csv`, `${[`"${axis}"`, ...columns].join(',')}\n${rows.join('\n')}\n`);
  });
  const map: AuditMap = {
    ...EMPTY_MAP,
    runNames: '{arm}-{block}',
    matchOn: [{ name: 'train', role: 'train' }],
    columns: { train: 'loss' },
    outcomes: [{ name: 'harm', delta: 0.1 }],
  };
  return auditOf(await auditSource(files), map, []);
}

test('charts over different x axes are refused, naming both; over one axis their files are in order', async () => {
  await assert.rejects(
    charts(['Step', 'loss'], ['train/global_step', 'harm']),
    /found "Step" in chart-0\.csv and "train\/global_step" in chart-1\.csv/,
  );
  const { doubts } = await charts(['train/global_step', 'loss'], ['train/global_step', 'harm']);
  assert.ok(doubts.every((doubt) => !doubt.includes('come before')));
  assert.ok(doubts.some((doubt) => doubt.startsWith('b and a are equal to the last digit in blocks 0')));
});

test('where training and evaluation were logged in calls of their own, the error says which step they share', async () => {
  const rows = ['a', 'b'].flatMap((arm) =>
    Array.from({ length: 10 }, (_, i) => [
      `${arm}-0,${2 * i},${i},${2 - i / 10},,`,
      `${arm}-0,${2 * i + 1},${i},,${2.2 - i / 10},0.3`,
    ]).flat(),
  );
  const file = fileWith('history.csv', ['name,_step,train/global_step,loss,eval_loss,harm', ...rows].join('\n'));
  const map = (step: string): AuditMap => ({
    ...EMPTY_MAP,
    runNames: '{arm}-{block}',
    matchOn: [{ name: 'train', role: 'train', label: 'Training loss' }],
    columns: { run: 'name', step, train: 'loss' },
    outcomes: [{ name: 'harm', delta: 0.1 }],
  });
  const source = await auditSource([file]);
  assert.throws(
    () => auditOf(source, map('_step'), []),
    /training loss logged 20 times and never.*--step train\/global_step/,
  );
  assert.equal(auditOf(source, map('train/global_step'), []).frame.runs[0]?.points.length, 10);
});
