import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import type { ClaimRecord } from '#analysis/records/claim-record.ts';
import { absenceP } from '#analysis/verdict/decide.ts';
import { estimateOf } from '#analysis/stats/estimate.ts';
import type { Against, Place } from '#study/claim.ts';
import reference from './claims.json' with { type: 'json' };

// Both sides are double precision with well-conditioned inputs; the bisections stop at 1e-12.
const TOLERANCE = 1e-9;
/** Probes on either side of a level, which read the same. */
const HALF_GAP = 0.01;

function close(actual: number | null | undefined, expected: number | undefined, what: string): void {
  assert.ok(typeof actual === 'number' && expected !== undefined, what);
  assert.ok(
    Math.abs(actual - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, ${expected}`,
  );
}

/** The reference's runs: every level as a point measured there, and as a crossing of a loss. */
const FRAME: Frame = {
  runs: [...Map.groupBy(reference.runs, ({ arm, block }) => `${arm} ${block}`).values()].map((rows) => ({
    arm: rows[0]?.arm ?? '',
    block: rows[0]?.block ?? 0,
    status: 'finished',
    points: rows.flatMap(({ level, y, theory }, i) => [
      { step: 3 * i, axes: { loss: level + HALF_GAP }, outcomes: { y, theory } },
      { step: 3 * i + 1, axes: { depth: level }, outcomes: { y, theory } },
      { step: 3 * i + 2, axes: { loss: level - HALF_GAP }, outcomes: { y, theory } },
    ]),
  })),
};
const GIVEN: Place = { kind: 'given', axis: 'depth', label: 'depth', levels: reference.levels };
const ARM: Against = { kind: 'arm', arm: 'b' };
const ASKED: Readonly<Record<keyof typeof reference.claims, { arm: string; against: Against; at: Place }>> = {
  value: { arm: 'a', against: { kind: 'value', value: 0.55, label: 'chance' }, at: GIVEN },
  arm: { arm: 'a', against: ARM, at: GIVEN },
  outcome: { arm: 'b', against: { kind: 'outcome', outcome: 'theory' }, at: GIVEN },
  arms: { arm: 'a', against: { kind: 'arms', weights: { b: 1, c: 1, d: -1 }, label: 'the parts' }, at: GIVEN },
  trend: { arm: 'a', against: ARM, at: { kind: 'trend', axis: 'loss' } },
  trendLog: { arm: 'a', against: ARM, at: { kind: 'trend', axis: 'loss', scale: 'log' } },
};
const KINDS = ['value', 'arm', 'outcome', 'arms', 'trend', 'trendLog'] as const;
const STUDY: AnalysedStudy = {
  scope: 'numbers of the reference',
  matchOn: [
    {
      name: 'loss',
      label: 'Loss',
      unit: 'nats',
      role: 'train',
      levels: reference.levels,
      maxGap: 0.1,
      direction: 'falls',
    },
  ],
  outcomes: [
    {
      name: 'y',
      label: 'Outcome',
      unit: 'points',
      delta: reference.delta,
      role: 'confirmatory',
      jumps: { kind: 'none', because: 'they are drawn without' },
    },
  ],
  contrasts: [],
  claims: KINDS.map((name) => ({ name, ...ASKED[name], asks: { kind: 'question' } })),
};
const RECORDS: readonly ClaimRecord[] = analyse(STUDY, FRAME).claims ?? [];

test('contrasts, estimates and t intervals of every kind of claim agree with statsmodels and scipy', () => {
  assert.deepEqual(
    RECORDS.map(({ claim }) => claim),
    KINDS,
  );
  for (const record of RECORDS) {
    const expected = KINDS.flatMap((kind) => (kind === record.claim ? reference.claims[kind] : []));
    assert.equal(record.levels.length, expected.length);
    record.levels.forEach((level, l) => {
      const row = expected[l];
      const what = `${record.claim} ${l}`;
      level.contrasts.forEach(({ contrast }, b) => close(contrast, row?.contrasts[b], `${what} contrast`));
      close(level.estimate, row?.estimate, `${what} estimate`);
      for (const i of [0, 1] as const) {
        close(level.ci95?.[i], row?.ci95[i], `${what} 95%`);
        close(level.ci90?.[i], row?.ci90[i], `${what} 90%`);
      }
    });
  }
});

test('two one-sided tests of every claim agree with statsmodels', () => {
  const rule = { delta: reference.delta, alpha: 0.05, jump: 0 };
  for (const row of KINDS.flatMap((kind) => [...reference.claims[kind]])) {
    const estimate = estimateOf(row.contrasts) ?? assert.fail('no estimate');
    const levels = [{ level: 0, estimate, contrasts: row.contrasts }];
    const evidence = { kind: 'estimated', name: '', overall: estimate, p: 1, levels, rates: [], controls: [] } as const;
    close(absenceP(evidence, rule), row.tostP, 'p');
  }
});

test('an interaction is the coefficient of a saturated two by two model with blocks', () => {
  const record = RECORDS.find(({ claim }) => claim === 'arms');
  reference.claims.arms.forEach(({ olsInteraction }, l) => close(record?.levels[l]?.estimate, olsInteraction, `${l}`));
});

test('p of all levels of all claims is the step-down maxT of one family', () => {
  const ps = RECORDS.flatMap(({ levels }) => levels.map(({ p }) => p));
  assert.equal(ps.length, reference.adjustedP.length);
  ps.forEach((p, i) => close(p, reference.adjustedP[i], `${i}`));
});

test('absences are read at the level of Holm’s last step over all levels', () => {
  const remaining = reference.holm.rejected.filter((one) => !one).length;
  for (const { absenceAlpha, alpha } of RECORDS) {
    close(alpha, reference.holm.alpha, 'alpha');
    close(absenceAlpha, alpha / remaining, 'level');
  }
});
