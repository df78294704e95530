import assert from 'node:assert/strict';
import { test } from 'node:test';

import { reportFixture } from '#report/report-fixture.ts';
import { renderTable } from '#report/table.ts';

const { verdicts, controls } = reportFixture({ blocks: 8, rates: 1, points: 40 }).analysis;
const text = renderTable(verdicts, controls);

test('no line of the terminal table is wider than 100 columns, however long the names', () => {
  const [verdict] = verdicts;
  assert.ok(verdict);
  const long = { ...verdict, contrast: 'x'.repeat(300), reason: `${'y'.repeat(250)} ${'z '.repeat(200)}` };
  for (const line of [...text.split('\n'), ...renderTable([long], []).split('\n')]) {
    assert.ok(line.length <= 100, `${line.length}: ${line}`);
  }
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
    renderTable(verdicts, failed),
    /^1 of 1 controls FAILED: nothing below is a verdict\.\n\nFAILED control bits: they differ\n/,
  );
});

test('control characters in names cannot steer the terminal, and an empty answer is empty', () => {
  assert.equal(renderTable([], [{ name: 'a\u001b[2Jb\nc', passed: true, detail: 'd' }]), 'ok     control a [2Jb c: d');
  assert.equal(renderTable([], []), '');
});
