import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { RunnerEvent } from '#runner/events.ts';
import type { PlanMember } from '#store/records.ts';

import { durationOf, progressOn } from './progress.ts';

const RUN: PlanMember = { measureId: 'm', phase: 'confirmatory', arm: 'muon', learningRate: 0.02, block: 3 };
/** One second between events, so that every one is drawn. */
const EVENT_MS = 1000;

const EVENTS: readonly RunnerEvent[] = [
  { kind: 'expected', arm: 'adamw', runs: 6 },
  { kind: 'planned', phase: 'confirmatory', arm: 'muon', runs: 4, done: 1 },
  { kind: 'runStarted', run: RUN, worker: 1, isResumed: false },
  { kind: 'runProgress', run: RUN, worker: 1, doneFraction: 0.5 },
  { kind: 'armSettled', arm: 'adamw', outcome: { kind: 'none', reason: 'all 3 pilot runs diverged' } },
  { kind: 'runEnded', run: RUN, worker: 1, state: { kind: 'diverged', step: 9, reason: 'loss NaN' } },
];

/** What a display writes for events, as [text] in the order written. */
function written(events: readonly RunnerEvent[], isInteractive: boolean, isJson = false, eventMs = EVENT_MS): string[] {
  const texts: string[] = [];
  let nowMs = 0;
  const terminal = {
    out: (): void => assert.fail('progress must not write to stdout'),
    note: (line: string): void => void texts.push(`${line}\n`),
    draw: (text: string): void => void texts.push(text),
    isInteractive,
    columns: 60,
    page: { columns: 100, isColoured: false },
    now: () => nowMs,
  };
  const progress = progressOn(terminal, isJson);
  for (const event of events) {
    nowMs += eventMs;
    progress.onEvent(event);
  }
  progress.close();
  return texts;
}

test('a terminal shows counts, the time left and a bar for each worker, redrawn in place', () => {
  const texts = written(EVENTS, true);
  assert.equal(texts[0], '0 of at most 6 runs\n');
  assert.equal(texts[1], '\u001B[1A\u001B[J1 of at most 10 runs\n');
  assert.equal(
    texts[3],
    '\u001B[2A\u001B[J1 of at most 10 runs, about 1m 08s left\n  1 ██████████░░░░░░░░░░ muon lr 0.02 block 3\n',
  );
  assert.match(texts[4] ?? '', /adamw: no admissible learning rate .*\n1 of 4 runs, about/);
  assert.match(texts[5] ?? '', /muon lr 0\.02 block 3 diverged at step 9: loss NaN\n2 of 4 runs, 1 diverged/);
  assert.equal(texts.at(-1), '\u001B[1A\u001B[J');
});

test('no drawn line is wider than the terminal, which would break the redrawing', () => {
  const wide: RunnerEvent = { kind: 'runStarted', run: { ...RUN, arm: 'm'.repeat(200) }, worker: 1, isResumed: false };
  const [text = ''] = written([wide], true);
  for (const line of text.split('\n')) assert.ok(line.length <= 60);
});

test('elsewhere there is news at once and a count every ten seconds, nothing else', () => {
  assert.equal(written(EVENTS, false).length, 2);
  const slow = written(EVENTS, false, false, 10_001);
  assert.equal(slow.filter((text) => /of .*runs/.test(text)).length, EVENTS.length);
});

test('for scripts every event is one line of JSON', () => {
  const texts = written(EVENTS, true, true);
  assert.deepEqual(
    texts.map((text): unknown => JSON.parse(text)),
    EVENTS,
  );
});

test('durations read as words', () => {
  assert.deepEqual([0.4, 59.6, 61, 3600, 7384].map(durationOf), ['0s', '1m 00s', '1m 01s', '1h 00m', '2h 03m']);
});
