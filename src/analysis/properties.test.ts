import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { rngOf } from '#base/rng.ts';

/** Worlds in which every verdict occurs. */
const EFFECTS = [0, 0.5, 1, 2, 3];
const world = (effect: number, rates: number): World => ({
  ...BASE,
  rates,
  sigma: DELTA / 2,
  effect: () => effect * DELTA,
});
const anyStudy = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  effect: fc.constantFrom(...EFFECTS),
  rates: fc.constantFrom(1, 2),
  blocks: fc.constantFrom(7, 12),
});
type Drawn = typeof anyStudy extends fc.Arbitrary<infer T> ? T : never;
const frameOf = ({ seed, effect, rates, blocks }: Drawn): Frame =>
  simulate(world(effect, rates), blocks, rngOf(seed, 'properties'));
const RUNS = { numRuns: 25 };
// Sums over blocks in another order differ in the last bits.
const ROUNDING = 1e-9;

function verdictOf(frame: Frame, study: AnalysedStudy = WORLD_STUDY): VerdictRecord {
  const [verdict] = analyse(study, frame, { verdictsOnly: true }).verdicts;
  assert.ok(verdict);
  return verdict;
}

function sameUpTo(actual: VerdictRecord, expected: VerdictRecord, factor: number): void {
  assert.equal(actual.verdict, expected.verdict);
  assert.equal(actual.p, expected.p);
  assert.deepEqual(Object.keys(actual.matchings), Object.keys(expected.matchings));
  for (const [name, matching] of Object.entries(expected.matchings)) {
    const other = actual.matchings[name];
    assert.equal(other?.kind, matching.kind);
    if (other?.kind !== 'estimated' || matching.kind !== 'estimated') continue;
    assert.ok(Math.abs(other.estimate - factor * matching.estimate) < ROUNDING, name);
    const [low, high] = matching.ci95.map((bound) => bound * factor).toSorted((a, b) => a - b);
    assert.ok(
      Math.abs(other.ci95[0] - (low ?? 0)) < ROUNDING && Math.abs(other.ci95[1] - (high ?? 0)) < ROUNDING,
      name,
    );
  }
}

const changeRuns = (frame: Frame, change: (run: FrameRun) => FrameRun): Frame => ({ runs: frame.runs.map(change) });

test('relabelling the arms flips every sign and changes nothing else', () => {
  fc.assert(
    fc.property(anyStudy, (drawn) => {
      const frame = frameOf(drawn);
      const swapped = WORLD_STUDY.contrasts.map((contrast) =>
        contrast.kind === 'question'
          ? { kind: contrast.kind, arm: contrast.reference, reference: contrast.arm }
          : contrast,
      );
      sameUpTo(verdictOf(frame, { ...WORLD_STUDY, contrasts: swapped }), verdictOf(frame), -1);
    }),
    RUNS,
  );
});

test('the order and the names of blocks do not matter', () => {
  fc.assert(
    fc.property(anyStudy, (drawn) => {
      const frame = frameOf(drawn);
      const names = rngOf(drawn.seed, 'names').permutation(drawn.blocks);
      const renamed = changeRuns(frame, (run) => ({ ...run, block: 100 + (names[run.block] ?? 0) }));
      const order = rngOf(drawn.seed, 'order').permutation(renamed.runs.length);
      const shuffled = [...order].flatMap((i) => renamed.runs[i] ?? []);
      sameUpTo(verdictOf({ runs: shuffled }), verdictOf(frame), 1);
    }),
    RUNS,
  );
});

test('scaling outcome and delta together changes no verdict and no p', () => {
  fc.assert(
    fc.property(anyStudy, fc.constantFrom(0.25, 8, 100), (drawn, factor) => {
      const frame = frameOf(drawn);
      const scaled = changeRuns(frame, (run) => ({
        ...run,
        points: run.points.map((point) =>
          point.outcomes === undefined
            ? point
            : Object.assign({}, point, { outcomes: { behaviour: factor * (point.outcomes['behaviour'] ?? 0) } }),
        ),
      }));
      const outcomes = WORLD_STUDY.outcomes.map((outcome) =>
        Object.assign({}, outcome, { delta: factor * outcome.delta }),
      );
      sameUpTo(verdictOf(scaled, { ...WORLD_STUDY, outcomes }), verdictOf(frame), factor);
    }),
    RUNS,
  );
});

test('a run that never reaches the support changes nothing but counts', () => {
  fc.assert(
    fc.property(anyStudy, fc.boolean(), (drawn, newBlock) => {
      const frame = frameOf({ ...drawn, blocks: 12 });
      const idle: FrameRun = {
        arm: 'arm',
        block: newBlock ? 12 : 3,
        learningRate: newBlock ? 1 : 99,
        status: 'finished',
        points: [0, 1, 2].map((step) => ({ step, axes: { train: 2, heldOut: 2 }, outcomes: { behaviour: 5 } })),
      };
      const [before, after] = [verdictOf(frame), verdictOf({ runs: [...frame.runs, idle] })];
      assert.deepEqual(after.matchings, before.matchings);
      assert.equal(after.verdict, before.verdict);
      assert.equal(after.voided.length, before.voided.length + (newBlock ? 1 : 0));
    }),
    RUNS,
  );
});
