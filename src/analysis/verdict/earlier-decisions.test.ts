/** What an earlier look decided stands at a later one, found again from the runs alone; what speaks against it is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';
import { CLAIMING, QUIET } from '#analysis/claims/quiet-fixture.ts';
import type { TakenLook } from './earlier-decisions.ts';

const blocksOf = (frame: Frame): number[] => [...new Set(frame.runs.map(({ block }) => block))];
const firstOf = ({ runs }: Frame, blocks: number): Frame => ({ runs: runs.filter(({ block }) => block < blocks) });
const worldOf = (effect: number, more: Partial<World> = {}): World => ({
  ...QUIET,
  effect: () => effect * DELTA,
  ...more,
});
const framed = (world: World, blocks: number): Frame => simulate(world, blocks, rngOf(1, 'earlier decisions'));

/** Looks at the first blocks, then at all of them. */
function twice(
  study: AnalysedStudy,
  frame: Frame,
  blocks = 6,
): { readonly first: Analysis; readonly second: Analysis } {
  const seen = firstOf(frame, blocks);
  const first = analyse(study, seen, { verdictsOnly: true });
  const taken: TakenLook = { blocks, alpha: first.look?.alpha ?? assert.fail('no alpha'), seen: blocksOf(seen) };
  return { first, second: analyse(study, frame, { verdictsOnly: true, previousLooks: [taken] }) };
}

function verdictIn({ verdicts }: Analysis): VerdictRecord {
  return verdicts[0] ?? assert.fail('no verdict');
}

// Seven blocks have no p below 2/128, and after six blocks 0.002 of alpha is left.
test('a decision of the first look stands where the second has too little alpha, with the estimates of now beside it', () => {
  const frame = framed(worldOf(3), 7);
  const { first, second } = twice(WORLD_STUDY, frame);
  const [was, is] = [verdictIn(first), verdictIn(second)];
  assert.deepEqual([was.verdict, is.verdict], ['affects', 'affects']);
  assert.deepEqual(is.decidedAt, { look: 1, blocks: 6, alpha: first.look?.alpha });
  assert.ok(is.reason.startsWith(was.reason), 'the sentence of then comes first');
  assert.match(
    is.reason,
    /was decided at the look at 6 blocks \(alpha 0\.035\) and stands; 7 blocks now estimate \+0\.3/,
  );
  const alone = verdictIn(analyse(WORLD_STUDY, frame, { previousLooks: second.look?.previous ?? [] }));
  assert.deepEqual([alone.verdict, alone.whyKind], ['undecided', 'tooFewBlocks'], 'this look alone does not decide');
  assert.deepEqual([is.matchings, is.p, is.alpha, is.blocks], [alone.matchings, alone.p, alone.alpha, 7]);
  assert.ok(!('why' in is) && !('whyKind' in is) && !('furtherBlocks' in is));
});

test('so does an absence, and a look that has no alpha left takes nothing back', () => {
  const frame = framed(worldOf(0, { sigma: DELTA / 2 }), 9);
  const { first, second } = twice(WORLD_STUDY, frame, 8);
  assert.deepEqual([verdictIn(first).verdict, verdictIn(second).verdict], ['noEffect', 'noEffect']);
  assert.equal(verdictIn(second).decidedAt?.blocks, 8);
  const looks = [
    { blocks: 8, alpha: 0.035, seen: blocksOf(firstOf(frame, 8)) },
    { blocks: 30, alpha: 0.015 },
  ];
  const fewer = analyse(CLAIMING, frame, { verdictsOnly: true, previousLooks: looks });
  assert.deepEqual([fewer.look, verdictIn(fewer).verdict], [undefined, 'noEffect']);
  const claim = fewer.claims?.[0] ?? assert.fail();
  assert.ok(claim.levels.every(({ verdict }) => verdict === 'agrees'));
  for (const { reason } of [verdictIn(fewer), claim]) {
    assert.match(reason, /do not decide by themselves \(an earlier look saw 30 blocks; fewer blocks have no alpha/);
  }
});

test('what a later look decides by itself is told in place of the earlier decision, and that it was another', () => {
  const [alike, apart] = [framed(worldOf(0), 20), framed(worldOf(4), 20)];
  const mixed = { runs: [...firstOf(alike, 8).runs, ...apart.runs.filter(({ block }) => block >= 8)] };
  const { first, second } = twice(WORLD_STUDY, mixed, 8);
  assert.deepEqual([verdictIn(first).verdict, verdictIn(second).verdict], ['noEffect', 'affects']);
  assert.ok(!('decidedAt' in verdictIn(second)));
  assert.match(verdictIn(second).reason, /The look at 8 blocks \(alpha 0\.035\) had decided otherwise: no effect\.$/);
  const same = twice(WORLD_STUDY, apart, 8);
  assert.doesNotMatch(verdictIn(same.second).reason, /The look at/);
});

test('a decision falls where the numbers of now speak against it, and the report says so', () => {
  const [up, down, none] = [framed(worldOf(3), 12), framed(worldOf(-6), 12), framed(worldOf(0), 12)];
  const turned = (frame: Frame, then: Frame): Frame => ({
    runs: [...firstOf(frame, 6).runs, ...then.runs.filter(({ block }) => block >= 6)],
  });
  for (const [frame, verdict] of [
    [turned(up, down), 'affects'],
    [turned(none, up), 'noEffect'],
  ] as const) {
    const { first, second } = twice(CLAIMING, frame);
    const is = verdictIn(second);
    assert.deepEqual([verdictIn(first).verdict, is.verdict], [verdict, 'undecided']);
    assert.match(is.why ?? '', /what the look at 6 blocks decided does not stand, as these numbers speak against it$/);
    assert.match(is.reason, /had decided otherwise: (an|no) effect\. That does not stand/);
    const levels = second.claims?.[0]?.levels ?? assert.fail();
    assert.ok(levels.some(({ verdict: one, why = '' }) => one === 'undecided' && why.includes('does not stand')));
    assert.ok(levels.every((level) => !('decidedAt' in level)));
  }
});

test('where a control fails at the later look nothing stands', () => {
  const { runs } = framed(worldOf(3), 20);
  // From the seventh block on the control's arm is its reference again.
  const plain = new Map(runs.flatMap((run) => (run.arm === 'reference' ? [[run.block, run.points]] : [])));
  const lost = (block: number): FrameRun['points'] => plain.get(block) ?? assert.fail();
  const broken = {
    runs: runs.map((run) => (run.arm === 'positive' && run.block >= 6 ? { ...run, points: lost(run.block) } : run)),
  };
  const { first, second } = twice(CLAIMING, broken);
  assert.deepEqual(verdictIn(first).verdict, 'affects');
  assert.ok(second.controls.some(({ passed }) => !passed));
  assert.deepEqual([verdictIn(second).verdict, verdictIn(second).whyKind], ['undecided', 'control']);
  assert.ok(second.claims?.[0]?.levels.every(({ whyKind }) => whyKind === 'control'));
});

test('places of a claim stand each for itself, and the sentence says what is told of which look', () => {
  const { first, second } = twice(CLAIMING, framed(worldOf(3), 7));
  const [was, is] = [first, second].map(({ claims }) => claims?.[0] ?? assert.fail());
  const found = was?.levels.filter(({ verdict }) => verdict === 'differs') ?? [];
  assert.ok(found.length > 0);
  for (const { level } of found) {
    const now = is?.levels.find((one) => one.level === level);
    assert.deepEqual([now?.verdict, now?.decidedAt?.blocks, now?.units], ['differs', 6, 7]);
    assert.ok(now !== undefined && !('why' in now) && !('whyKind' in now));
  }
  assert.match(is?.reason ?? '', /raises .* as the look at 6 blocks decided: now \+0\.3/);
  assert.ok(is?.reason.endsWith(` The look at 6 blocks (alpha 0.035): ${was?.reason.replace(/^On .*?: /, '')}`));
});

test('a look is found again only where all its blocks are there, and never from its count alone', () => {
  const frame = framed(worldOf(3), 7);
  for (const seen of [undefined, [0, 1, 2, 3, 4, 9], [0, 1, 2, 3, 4]]) {
    const previousLooks = [{ blocks: 6, alpha: 0.035, ...(seen && { seen }) }];
    assert.equal(verdictIn(analyse(WORLD_STUDY, frame, { verdictsOnly: true, previousLooks })).verdict, 'undecided');
  }
});

test('a planned look of a sequential study stands by the alpha that was planned for it', () => {
  const frame = framed(worldOf(3), 9);
  const previousLooks = [{ blocks: 8, alpha: 0.01, seen: blocksOf(firstOf(frame, 8)) }];
  const options = { verdictsOnly: true, design: 'sequential', previousLooks } as const;
  const { verdict, decidedAt, reason } = verdictIn(analyse(WORLD_STUDY, frame, options));
  assert.deepEqual([verdict, decidedAt], ['affects', { look: 1, blocks: 8, alpha: 0.01 }]);
  assert.match(reason, /the look at 8 blocks \(alpha 0\.01\) and stands/);
});

test('an earlier look is read with the alpha it had, and no other', () => {
  const frame = framed(worldOf(3), 7);
  const read = (alpha: number): VerdictRecord => {
    // The later look leaves none for seven blocks.
    const previousLooks = [
      { blocks: 6, alpha, seen: blocksOf(firstOf(frame, 6)) },
      { blocks: 30, alpha: 0.01 },
    ];
    return verdictIn(analyse(WORLD_STUDY, frame, { verdictsOnly: true, previousLooks }));
  };
  // Six blocks have p 2/64.
  assert.deepEqual([read(0.035).verdict, read(0.03).verdict], ['affects', 'undecided']);
  assert.equal(read(0.03).whyKind, 'look');
});

test('an absence falls where a level that it was claimed at shows delta or more now, whatever the mean over levels', () => {
  const none = framed(worldOf(0), 12);
  // Six deltas up at early levels and six down at late ones: nothing on average.
  const crossing = framed({ ...QUIET, effect: (train) => Math.sign(train - 1.2) * 6 * DELTA }, 12);
  const mixed = { runs: [...firstOf(none, 8).runs, ...crossing.runs.filter(({ block }) => block >= 8)] };
  const { first, second } = twice(WORLD_STUDY, mixed, 8);
  const { matchings, verdict, reason } = verdictIn(second);
  const train = matchings['train']?.kind === 'estimated' ? matchings['train'] : assert.fail();
  assert.ok(Math.abs(train.estimate) < DELTA && train.levels.some(({ estimate }) => Math.abs(estimate) > DELTA));
  assert.deepEqual([verdictIn(first).verdict, verdict], ['noEffect', 'undecided']);
  assert.match(reason, /That does not stand/);
});

test('an effect that a later look finds on the other side is told as another decision, in claims place by place too', () => {
  const [up, down] = [framed(worldOf(3), 60), framed(worldOf(-6), 60)];
  const turned = { runs: [...firstOf(up, 8).runs, ...down.runs.filter(({ block }) => block >= 8)] };
  const { first, second } = twice(CLAIMING, turned, 8);
  assert.deepEqual([verdictIn(first).verdict, verdictIn(second).verdict], ['affects', 'affects']);
  assert.match(verdictIn(second).reason, /had decided otherwise: an effect, on the other side\.$/);
  const claim = second.claims?.[0] ?? assert.fail();
  assert.ok(claim.levels.every(({ verdict, estimate }) => verdict === 'differs' && (estimate ?? 0) < 0));
  assert.match(
    claim.reason,
    /The look at 8 blocks \(alpha 0\.035\) had decided otherwise: a difference on the other side at training loss 1\.7, 1\.45, .* and 0\.7\.$/,
  );
  const [alike, apart] = [framed(worldOf(0), 20), framed(worldOf(4), 20)];
  const mixed = { runs: [...firstOf(alike, 8).runs, ...apart.runs.filter(({ block }) => block >= 8)] };
  const { claims } = twice(CLAIMING, mixed, 8).second;
  assert.match(claims?.[0]?.reason ?? '', /had decided otherwise: agreement at /);
  const same = twice(CLAIMING, apart, 8).second;
  assert.doesNotMatch(same.claims?.[0]?.reason ?? '', /otherwise/);
});

test('a look that is read again promises as many further blocks as when it was taken', () => {
  const frame = framed(worldOf(0, { sigma: DELTA }), 10);
  const looks = [{ blocks: 8, alpha: 0.035, seen: blocksOf(firstOf(frame, 8)) }];
  const taken = analyse(CLAIMING, frame, { previousLooks: looks });
  const own = { blocks: 10, alpha: taken.look?.alpha ?? assert.fail(), seen: blocksOf(frame) };
  const again = analyse(CLAIMING, frame, { previousLooks: [...looks, own] });
  assert.ok(verdictIn(taken).furtherBlocks !== undefined, verdictIn(taken).reason);
  assert.deepEqual([again.verdicts, again.claims], [taken.verdicts, taken.claims]);
});

test('the p of an explanation that stands is of the difference, not of the matching that leaves none', () => {
  const behaviours: readonly World['behaviour'][] = [
    (_, heldOut) => heldOut,
    (train) => train,
    (train, heldOut) => 2 * (heldOut - train),
  ];
  const explained = behaviours.map((behaviour) => {
    const frame = framed({ ...QUIET, behaviour, arm: { ...BASE.arm, gap: 0.5 } }, 9);
    const { first, second } = twice(WORLD_STUDY, frame, 8);
    assert.deepEqual([verdictIn(first).p, verdictIn(second).decidedAt?.blocks], [2 / 2 ** 8, 8]);
    assert.equal(verdictIn(second).p, 2 / 2 ** 9);
    return verdictIn(second).explainedBy;
  });
  assert.deepEqual(explained, ['heldOut', 'train', 'gap']);
});
