/** What a claim reads where, what it is held against, and what stands in the way of a verdict. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FrameRun } from '#analysis/frame.ts';
import type { Outcome } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import {
  SCATTER,
  BINDING,
  depths,
  ABOVE,
  at,
  runOf,
  frameOf,
  towers,
  analysed,
  recordOf,
  verdictsOf,
  AGAINST_ARM,
  flat,
} from './claims-fixture.ts';

test('each depth has its own verdict, and one whole sentence says them all', () => {
  const record = recordOf(ABOVE, frameOf({ towers }));
  assert.deepEqual(verdictsOf(record), ['identical', 'agrees', 'differs']);
  assert.equal(
    record.reason,
    'On made-up towers: Two towers has binding accuracy above chance (0.5) at depth 2: +0.200 [+0.194, +0.206] fraction (8 blocks, p = 0.008); ' +
      'within ±0.05 fraction of chance (0.5) at depth 1: 0.000 [−0.006, +0.006] fraction (8 blocks); ' +
      'equal to chance (0.5) to the bit at depth 0: 0.000 [0.000, 0.000] fraction (8 blocks). ' +
      'That is: different from chance; the 95% interval lies beyond 0.05 fraction, the smallest effect of interest. ' +
      'This takes for granted that blocks scatter evenly to both sides, since no other arm cancels a skew. ' +
      'A jump in fewer than 1 of 2 blocks would not be seen; the study declares that the outcome does not jump: the numbers are made up.',
  );
});

test('an analysis with claims is plain JSON and the same every time', () => {
  const frame = frameOf({ towers });
  const analysis = analysed([ABOVE], frame);
  assert.deepEqual(JSON.parse(JSON.stringify(analysis)), analysis);
  assert.deepEqual(analysed([ABOVE], frame), analysis);
});

test('a level differs however small the difference, and the sentence says that it is below delta', () => {
  const small = (scatter: number): TrajectoryPoint[] => [at(0, { binding: 0.52 + 0.005 * scatter })];
  const record = recordOf({ ...ABOVE, at: depths(0) }, frameOf({ towers: small }));
  assert.deepEqual(verdictsOf(record), ['differs']);
  assert.match(record.reason, /lies inside ±0\.05 fraction, so the difference is smaller than any effect of interest/);
});

test('the same difference in every block differs, and no t is made of it', () => {
  const exact = (): TrajectoryPoint[] => [at(0, { binding: 0.75 })];
  const [level] = recordOf({ ...ABOVE, at: depths(0) }, frameOf({ towers: exact })).levels;
  assert.deepEqual(
    [level?.verdict, level?.estimate, level?.ci95, level?.p],
    ['differs', 0.25, [0.25, 0.25], 2 / 2 ** 8],
  );
});

test('only points at the very level are read, and those that disagree void the block there', () => {
  const near = (scatter: number, block: number): TrajectoryPoint[] => [
    at(0, { binding: 0.7 + 0.01 * scatter }),
    ...(block === 3 ? [at(0, { binding: 0.9 })] : []),
    at(1.0000001, { binding: 0.9 }),
  ];
  const record = recordOf({ ...ABOVE, at: depths(0, 1) }, frameOf({ towers: near }));
  assert.deepEqual(
    record.levels.map(({ whyKind, units }) => [whyKind, units]),
    [
      ['voided', 7],
      ['support', 0],
    ],
  );
  assert.deepEqual(
    record.voided.find(({ block }) => block === 3),
    {
      block: 3,
      reason: 'depth 0: towers has 2 points there that disagree',
    },
  );
  assert.match(record.reason, /depth 1: towers was not measured/);
});

test('fewer than 6 units decide nothing, and say how many more would, at the alpha that is left for them', () => {
  const record = recordOf({ ...ABOVE, at: depths(2) }, frameOf({ towers }, 4));
  assert.deepEqual(record.levels[0]?.whyKind, 'blocks');
  assert.match(record.reason, /4 usable blocks, at least 6 needed; about 5 further blocks give 80% power/);
});

test('blocks of one cluster are one unit, named by its lowest block', () => {
  const blocks = { cluster: { kind: 'modulo', count: 8, label: 'domain' } } as const;
  const record = recordOf({ ...ABOVE, at: depths(2) }, frameOf({ towers }, 16), { blocks });
  assert.equal(record.levels[0]?.units, 8);
  assert.deepEqual(record.clusters, { label: 'domain', count: 8 });
  assert.match(record.reason, /16 blocks over 8 domains/);
});

test('the end is the last point that has the outcome', () => {
  const points = (scatter: number): TrajectoryPoint[] => [
    { step: 1, axes: {}, outcomes: { binding: 0.1 } },
    { step: 2, axes: {}, outcomes: { binding: 0.7 + 0.01 * scatter } },
    { step: 3, axes: {} },
  ];
  const [level] = recordOf({ ...ABOVE, at: { kind: 'end' } }, frameOf({ towers: points })).levels;
  assert.equal(level?.level, 'end');
  assert.ok(Math.abs((level?.estimate ?? 0) - 0.2) < 1e-12);
});

test('an outcome is held against another of the same run at the same point', () => {
  const points = (scatter: number): TrajectoryPoint[] => [
    at(0, { binding: 0.6 + 0.2 * scatter, theory: 0.6 + 0.2 * scatter }),
    at(1, { binding: 0.8 + 0.2 * scatter, theory: 0.6 + 0.19 * scatter }),
  ];
  const against = { kind: 'outcome', outcome: 'theory' } as const;
  const theory: Outcome = { ...BINDING, name: 'theory', label: 'Random projections', role: 'exploratory' };
  const record = recordOf({ ...ABOVE, against, at: depths(0, 1) }, frameOf({ towers: points }), {
    outcomes: [BINDING, theory],
  });
  assert.deepEqual(verdictsOf(record), ['identical', 'differs']);
  assert.match(
    record.reason,
    /Two towers departs from random projections in binding accuracy, upwards at depth 1: \+0\.200/,
  );
  assert.match(record.reason, /is identical to random projections in binding accuracy, to the bit, at depth 0/);
});

test('an interaction is arm a against b + c - d in the same block; what rounding leaves of it is nothing', () => {
  const shared =
    (value: number) =>
    (_: number, block: number): TrajectoryPoint[] => [at(0, { binding: value + 0.1 * block })];
  const frame = frameOf({ towers: shared(0.3), b: shared(0.2), c: shared(0.2), d: shared(0.1) });
  const against = { kind: 'arms', weights: { b: 1, c: 1, d: -1 }, label: 'the sum of the parts' } as const;
  const record = recordOf({ ...AGAINST_ARM, against }, frame);
  assert.deepEqual(verdictsOf(record), ['identical']);
  const grown = frameOf({ towers: flat(0.5, 0.01), b: shared(0.2), c: shared(0.2), d: shared(0.1) });
  const apart = recordOf(
    { ...AGAINST_ARM, against },
    {
      runs: grown.runs.map((run) =>
        run.arm === 'towers'
          ? runOf('towers', run.block, [at(0, { binding: 0.5 + 0.1 * run.block + 0.01 * (SCATTER[run.block] ?? 0) })])
          : run,
      ),
    },
  );
  assert.deepEqual(verdictsOf(apart), ['differs']);
  assert.match(apart.reason, /Two towers against the sum of the parts raises binding accuracy at depth 0: \+0\.200/);
});

const LOSS = {
  name: 'train',
  label: 'Training loss',
  unit: 'nats',
  role: 'train',
  levels: [0.6, 1.1, 1.6, 2.1],
  maxGap: 0.5,
  direction: 'falls',
} as const;

/** A run that falls by a nat a step, with the outcome a function of its loss. */

const falling =
  (outcome: (loss: number, scatter: number) => number) =>
  (scatter: number): TrajectoryPoint[] =>
    [2.3, 1.9, 1.4, 0.9, 0.45].map((loss, step) => ({
      step,
      axes: { train: loss },
      outcomes: { binding: outcome(loss, scatter) },
    }));

test('a trend is the change of the contrast from the first level passed to the last, with the numbers at both', () => {
  const frame = frameOf({
    towers: falling((loss, scatter) => 0.5 + 0.1 * (2.1 - loss) + 0.01 * scatter * (2.1 - loss)),
    base: falling(() => 0.49),
  });
  const record = recordOf({ ...AGAINST_ARM, at: { kind: 'trend', axis: 'train' } }, frame, { matchOn: [LOSS] });
  assert.deepEqual(record.levels[0]?.level, [2.1, 0.6]);
  assert.match(
    record.reason,
    /the effect of Two towers against base on binding accuracy rises from training loss 2\.1 to 0\.6: \+0\.150 \[.*\] fraction, \+0\.010 at 2\.1 and \+0\.160 at 0\.6/,
  );
  assert.equal(record.levels[0]?.verdict, 'differs');
});

test('a trend needs every level in a block, and along log levels it is a line in their logarithm', () => {
  const logarithmic = falling((loss, scatter) => 0.5 + 0.01 * scatter - 0.2 * Math.log10(loss));
  const frame = frameOf({ towers: logarithmic });
  const place = { kind: 'trend', axis: 'train', scale: 'log', levels: [2.1, 0.6] } as const;
  const [level] = recordOf({ ...ABOVE, at: place }, frame, { matchOn: [LOSS] }).levels;
  assert.ok(Math.abs((level?.estimate ?? 0) - 0.2 * Math.log10(2.1 / 0.6)) < 0.01, `${level?.estimate}`);
  const short = { runs: frame.runs.map((run) => (run.block < 2 ? { ...run, points: run.points.slice(0, 3) } : run)) };
  const record = recordOf({ ...ABOVE, at: place }, short, { matchOn: [LOSS] });
  assert.deepEqual([record.levels[0]?.units, record.levels[0]?.whyKind], [6, 'voided']);
  assert.equal(record.voided[0]?.reason, 'training loss 0.6: towers does not reach it');
});

test('a level is crossed between probes or not at all', () => {
  const frame = frameOf({ towers: falling((loss, scatter) => loss + 0.01 * scatter) });
  const place = { kind: 'crossed', axis: 'train' } as const;
  const record = recordOf({ ...ABOVE, at: place }, frame, { matchOn: [{ ...LOSS, levels: [2.5, 1.6, 0.3] }] });
  assert.deepEqual(
    record.levels.map(({ level, estimate, whyKind }) => [
      level,
      estimate === null ? null : Number(estimate.toFixed(6)),
      whyKind,
    ]),
    [
      [2.5, null, 'support'],
      [1.6, 1.1, undefined],
      [0.3, null, 'support'],
    ],
  );
});

test('a difference needs one sign at every learning rate, and equal arms under other rates do not differ', () => {
  const rated = (arm: string, rates: readonly number[], value: (rate: number) => number, size: number): FrameRun[] =>
    rates.flatMap((rate) =>
      SCATTER.map((scatter, block) => runOf(arm, block, [at(0, { binding: value(rate) + size * scatter })], rate)),
    );
  const opposite = { runs: [...rated('towers', [1, 2], (rate) => (rate === 1 ? 0.9 : 0.45), 0.01)] };
  assert.equal(recordOf({ ...ABOVE, at: depths(0) }, opposite).levels[0]?.whyKind, 'ratesDiffer');
  const moved = {
    runs: [
      ...rated('towers', [1, 2], (rate) => 0.1 * rate, 0.01),
      ...rated('base', [2, 3], (rate) => 0.1 * rate, -0.01),
    ],
  };
  assert.equal(recordOf(AGAINST_ARM, moved).levels[0]?.whyKind, 'ratesDiffer');
});

test('arms without runs leave a claim undecided with what is known of why', () => {
  const record = recordOf({ ...ABOVE, arm: 'nobody' }, frameOf({ towers }));
  assert.deepEqual(new Set(record.levels.map(({ whyKind }) => whyKind)), new Set(['notRun']));
  assert.match(record.reason, /there are no finished runs of "nobody"/);
});

test('a level below the coherence floor does not count', () => {
  const points = (scatter: number): TrajectoryPoint[] => [
    at(0, { binding: 0.7 + 0.01 * scatter, coherent: 0.2 }),
    at(1, { binding: 0.7 + 0.01 * scatter, coherent: 0.9 }),
  ];
  const record = recordOf({ ...ABOVE, at: depths(0, 1) }, frameOf({ towers: points }), {
    coherence: { outcome: 'coherent', floor: 0.5 },
  });
  assert.deepEqual(verdictsOf(record), ['undecided', 'differs']);
  assert.match(record.reason, /coherence of towers is 0\.200, below 0\.5/);
});
