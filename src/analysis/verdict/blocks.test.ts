/** Rules about blocks: what is independent, what few of them cannot see, and what looking again costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { BASE, DELTA, simulate, simulateArms, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { alphaOfLook, FIXED_ALPHA, type PreviousLook } from '#analysis/verdict/alpha-spending.ts';
import { rngOf } from '#base/rng.ts';
import type { Jumps } from '#study/study.ts';

const QUIET: World = { ...BASE, rates: 1, sigma: DELTA / 5 };
const DOMAINS = { cluster: { kind: 'modulo', count: 8, label: 'domain' } } as const;

function verdictOf(study: AnalysedStudy, frame: Frame): VerdictRecord {
  return analyse(study, frame, { verdictsOnly: true }).verdicts[0] ?? assert.fail('no verdict');
}

function withJumps(jumps: Jumps | undefined, unit = 'points'): AnalysedStudy {
  const outcome = { name: 'behaviour', label: 'Behaviour', unit, delta: DELTA, role: 'confirmatory' } as const;
  return { ...WORLD_STUDY, outcomes: [{ ...outcome, ...(jumps && { jumps }) }] };
}

test('sixteen blocks of eight domains are eight pieces of evidence, and the sentence says so', () => {
  const frame = simulate({ ...QUIET, effect: () => 3 * DELTA }, 16, rngOf(1, 'clusters'));
  const verdict = verdictOf({ ...WORLD_STUDY, blocks: DOMAINS }, frame);
  assert.match(verdict.reason, /16 blocks over 8 domains/);
  assert.deepEqual([verdict.blocks, verdict.clusters], [16, { label: 'domain', count: 8 }]);
  const train = verdict.matchings['train'];
  assert.ok(train?.kind === 'estimated');
  assert.deepEqual([train.blocks, train.blockContrasts.length, train.levels[0]?.blocks], [8, 8, 8]);
  // The smallest p of eight signs, not of sixteen.
  assert.equal(train.p, 2 / 2 ** 8);
});

test('a cluster’s contrast is the mean of its blocks’', () => {
  const frame = simulate(QUIET, 16, rngOf(2, 'clusters'));
  const [alone, together] = [WORLD_STUDY, { ...WORLD_STUDY, blocks: DOMAINS }].map((study) => {
    const result = verdictOf(study, frame).matchings['train'];
    return result?.kind === 'estimated' ? result.blockContrasts : assert.fail('not estimated');
  });
  for (const { block, contrast } of together ?? []) {
    const own = (alone ?? []).filter((one) => one.block % 8 === block).map((one) => one.contrast);
    assert.ok(
      Math.abs(contrast - own.reduce((sum, one) => sum + one, 0) / own.length) < 1e-12,
      `domain of block ${block}`,
    );
  }
});

test('with one block a cluster every number is the one without clusters', () => {
  const frame = simulate(QUIET, 8, rngOf(3, 'clusters'));
  const strip = ({ matchings, p, verdict }: VerdictRecord): unknown => ({ matchings, p, verdict });
  assert.deepEqual(strip(verdictOf({ ...WORLD_STUDY, blocks: DOMAINS }, frame)), strip(verdictOf(WORLD_STUDY, frame)));
});

test('five clusters decide nothing, however many blocks they are', () => {
  const frame = simulate({ ...QUIET, effect: () => 3 * DELTA }, 20, rngOf(4, 'clusters'));
  const blocks = { cluster: { ...DOMAINS.cluster, count: 5 } };
  const verdict = verdictOf({ ...WORLD_STUDY, blocks }, frame);
  assert.deepEqual([verdict.verdict, verdict.whyKind], ['undecided', 'blocks']);
  assert.match(verdict.reason, /5 usable domains, at least 6 needed/);
});

test('runs carry their clusters, all of them or none', () => {
  const { runs } = simulate(QUIET, 8, rngOf(5, 'clusters'));
  const carried = runs.map((run) => ({ ...run, cluster: `base ${run.block % 4}` }));
  assert.equal(verdictOf(WORLD_STUDY, { runs: carried }).clusters?.count, 4);
  assert.throws(
    () => verdictOf(WORLD_STUDY, { runs: [...carried.slice(1), ...runs.slice(0, 1)] }),
    /one cluster for all runs of block 0/,
  );
});

test('a lost cluster voids as many as it is a share of, though its blocks are few', () => {
  // 11 blocks in 8 clusters: losing the only block of cluster 7 is 9% of blocks, but an eighth of the clusters.
  const { runs } = simulate({ ...QUIET, effect: () => 3 * DELTA }, 11, rngOf(6, 'clusters'));
  const broken = runs.map((run) =>
    run.block === 7 && run.arm === 'arm' ? { ...run, status: 'diverged' as const } : run,
  );
  const verdict = verdictOf({ ...WORLD_STUDY, blocks: DOMAINS }, { runs: broken });
  assert.equal(verdict.whyKind, 'voided');
  assert.match(verdict.reason, /1 of 8 domains voided/);
});

test('"no effect" of eight blocks says which jumps it cannot see, and rests on what the study says of them', () => {
  const frame = simulate(QUIET, 8, rngOf(7, 'jumps'));
  const none = verdictOf(withJumps({ kind: 'none', because: 'it was looked at in 400 runs' }), frame);
  assert.equal(none.verdict, 'noEffect');
  assert.match(
    none.reason,
    /A jump in fewer than 1 of 2 blocks would not be seen; the study declares.*looked at in 400 runs/,
  );
  const far = verdictOf(withJumps(undefined, 'probability'), frame);
  assert.deepEqual([far.verdict, far.whyKind], ['undecided', 'jumpsUnseen']);
  assert.match(far.reason, /one of 1 probability would exceed it: 32 or more blocks without one exclude that/);
  const unknown = verdictOf(withJumps(undefined), frame);
  assert.equal(unknown.whyKind, 'jumpsUnseen');
  assert.match(unknown.reason, /nothing bounds how far behaviour can jump: declare its "jumps"/);
});

test('blocks enough without a jump exclude it', () => {
  const frame = simulate({ ...QUIET, sigma: DELTA / 8 }, 40, rngOf(8, 'jumps'));
  const verdict = verdictOf(withJumps(undefined, 'fraction'), frame);
  assert.equal(verdict.verdict, 'noEffect');
  assert.match(
    verdict.reason,
    /A jump in fewer than 1 of 12 blocks would not be seen; one of up to 1 fraction is within the bound/,
  );
});

test('all looks together never spend more than alpha, whenever they are taken', () => {
  for (const looks of [
    [8, 12, 16, 20, 24],
    [8, 9, 10, 11, 400],
    [6, 1000],
  ]) {
    const previous: PreviousLook[] = [];
    for (const blocks of looks) {
      const look = alphaOfLook(blocks, previous);
      assert.ok(look.kind === 'alpha' && look.alpha > 0, `${blocks}`);
      previous.push({ blocks, alpha: look.alpha });
    }
    assert.ok(previous.reduce((sum, { alpha }) => sum + alpha, 0) <= FIXED_ALPHA + 1e-12);
  }
});

test('the same blocks are the same look, fewer have no alpha, and a spent alpha is spent', () => {
  const first = { blocks: 8, alpha: 0.035 };
  assert.deepEqual(alphaOfLook(8, [first]), { kind: 'alpha', alpha: 0.035 });
  assert.equal(alphaOfLook(6, [first]).kind, 'none');
  assert.equal(alphaOfLook(24, [{ blocks: 8, alpha: 0.05 }]).kind, 'none');
});

test('a later look is judged by its own smaller alpha, and the record says which looks there were', () => {
  const frame = simulate({ ...QUIET, effect: () => 3 * DELTA }, 12, rngOf(9, 'looks'));
  const previousLooks = [{ blocks: 8, alpha: 0.035 }];
  const { look, verdicts } = analyse(WORLD_STUDY, frame, { verdictsOnly: true, previousLooks });
  assert.equal(look?.blocks, 12);
  assert.deepEqual(look.previous, previousLooks);
  assert.ok(Math.abs(look.alpha - 0.005) < 1e-12 && verdicts[0]?.alpha === look.alpha);
  const unplanned = analyse(WORLD_STUDY, frame, { verdictsOnly: true, design: 'sequential', previousLooks });
  assert.equal(unplanned.look?.alpha, look.alpha);
});

test('absences of a family are read at its level, a single one at alpha', () => {
  const world = { ...QUIET, effect: () => 0.9 * DELTA };
  const arms = Array.from({ length: 8 }, (_, i) => `arm ${i}`);
  const questions = arms.map((arm) => ({ kind: 'question' as const, arm, reference: 'reference' }));
  const controls = WORLD_STUDY.contrasts.filter(({ kind }) => kind === 'control');
  const frame = simulateArms(world, 8, arms, rngOf(10, 'family'), true);
  const levelOf = (asked: typeof questions): number[] =>
    analyse({ ...WORLD_STUDY, contrasts: [...asked, ...controls] }, frame, { verdictsOnly: true }).verdicts.map(
      ({ absenceAlpha, alpha }) => absenceAlpha / alpha,
    );
  assert.deepEqual(
    levelOf(questions),
    arms.map(() => 1 / 8),
  );
  assert.deepEqual(levelOf(questions.slice(0, 1)), [1]);
});

test('an effect is said to differ from zero, and how it stands to delta', () => {
  const beyond = verdictOf(WORLD_STUDY, simulate({ ...QUIET, effect: () => 3 * DELTA }, 8, rngOf(11, 'words')));
  assert.match(beyond.reason, /different from zero \(p = 0\.008\); the 95% intervals lie beyond 0\.1 points/);
  const near = verdictOf(
    WORLD_STUDY,
    simulate({ ...BASE, sigma: DELTA / 2, effect: () => 1.1 * DELTA }, 8, rngOf(12, 'words')),
  );
  assert.equal(near.verdict, 'affects');
  assert.match(near.reason, /whether it exceeds 0\.1 points, the smallest effect of interest, is not shown/);
});

test('clearly not zero but about delta is told apart from nothing known', () => {
  const about = verdictOf(WORLD_STUDY, simulate({ ...QUIET, effect: () => 0.95 * DELTA }, 8, rngOf(13, 'words')));
  assert.deepEqual([about.verdict, about.whyKind], ['undecided', 'aboutDelta']);
  assert.match(about.reason, /clearly not zero, but about 0\.1 points/);
  const nothing = verdictOf(WORLD_STUDY, simulate({ ...QUIET, sigma: 4 * DELTA }, 8, rngOf(14, 'words')));
  assert.equal(nothing.verdict, 'undecided');
  assert.notEqual(nothing.whyKind, 'aboutDelta');
});
