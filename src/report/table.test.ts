import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';

import { reportFixture } from '#report/report-fixture.ts';
import { renderTable } from '#report/table.ts';

const { verdicts, controls } = reportFixture({ blocks: 8, rates: 1, points: 40 }).analysis;
const STYLE = { columns: 100, isColoured: false };
const text = renderTable({ verdicts, controls }, STYLE);

test('no line of the terminal table is wider than the terminal, however long the names, and words stay whole', () => {
  const [verdict] = verdicts;
  assert.ok(verdict);
  const long = { ...verdict, contrast: 'x'.repeat(300), reason: `${'y'.repeat(250)} ${'z '.repeat(200)}` };
  for (const columns of [60, 80, 100, 200]) {
    const style = { columns, isColoured: false };
    const own = renderTable({ verdicts, controls }, style);
    for (const line of [...own.split('\n'), ...renderTable({ verdicts: [long], controls: [] }, style).split('\n')]) {
      assert.ok(line.length <= columns, `${line.length}: ${line}`);
    }
    const wordsOf = (page: string): string[] => page.split(/\s+/);
    assert.deepEqual(wordsOf(own), wordsOf(text));
  }
});

test('colours say nothing that the words do not, and are absent where none are wanted', () => {
  const colourful = renderTable({ verdicts, controls }, { columns: 100, isColoured: true });
  assert.ok(colourful.includes('\u001B[33m'));
  assert.equal(stripVTControlCharacters(colourful), text);
  assert.ok(!text.includes('\u001B'));
});

test('what was found stands before what was not', () => {
  const order = verdicts.map(({ contrast, outcome }) => text.indexOf(`${contrast}, ${outcome}`));
  const kinds = verdicts.map(({ verdict }) => verdict);
  const placesOf = (kind: string): number[] => order.filter((_, i) => kinds[i] === kind);
  assert.ok(Math.max(...placesOf('affects')) < Math.min(...placesOf('undecided')));
});

test('the table gives every contrast with its verdict, estimates, intervals, p and blocks', () => {
  for (const verdict of verdicts) assert.ok(text.includes(`${verdict.contrast}, ${verdict.outcome} (delta 0.05): `));
  assert.match(
    text,
    /matched on +estimate +95% interval +p +blocks\n {2}train +[−+]0\.\d{3} {2}\[[−+]0\.\d{3}, [−+]0\.\d{3}\] +0\.\d{3} +8\n/,
  );
  assert.match(text, /^ok {5}control same config, other seeds: /m);
});

test('a failed control is said first', () => {
  const failed = [{ name: 'bits', passed: false, detail: 'they differ' }];
  assert.match(
    renderTable({ verdicts, controls: failed }, STYLE),
    /^1 of 1 controls FAILED: nothing below is a verdict\.\n\nFAILED control bits: they differ\n/,
  );
});

test('control characters in names cannot steer the terminal, and an empty answer is empty', () => {
  assert.equal(
    renderTable({ verdicts: [], controls: [{ name: 'a\u001b[2Jb\nc', passed: true, detail: 'd' }] }, STYLE),
    'ok     control a [2Jb c: d',
  );
  assert.equal(renderTable({ verdicts: [], controls: [] }, STYLE), '');
});
