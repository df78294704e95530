import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { BASE, DELTA, simulate, simulateArms, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { rngOf } from '#base/rng.ts';
import type { Contrast } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

const NULL: World = BASE;
const EFFECT: World = { ...BASE, effect: () => 3 * DELTA };
const frameOf = (world: World, blocks = 8, seed = 1): Frame => simulate(world, blocks, rngOf(seed, 'analyse.test'));
const verdictOf = (study: AnalysedStudy, frame: Frame, design?: 'sequential'): VerdictRecord => {
  const [verdict] = analyse(study, frame, { verdictsOnly: true, ...(design ? { design } : {}) }).verdicts;
  assert.ok(verdict);
  return verdict;
};
const changeRuns = (frame: Frame, change: (run: FrameRun) => FrameRun | undefined): Frame => ({
  runs: frame.runs.map(change).filter((run) => run !== undefined),
});

test('an analysis is plain JSON and the same every time', () => {
  const frame = frameOf({ ...BASE, effect: () => DELTA });
  const analysis = analyse(WORLD_STUDY, frame);
  assert.deepEqual(JSON.parse(JSON.stringify(analysis)), analysis);
  assert.deepEqual(analyse(WORLD_STUDY, frame), analysis);
});

test('a true effect is said to affect beyond loss, with the scope, the numbers and their unit in one sentence', () => {
  const verdict = verdictOf(WORLD_STUDY, frameOf(EFFECT));
  assert.equal(verdict.verdict, 'affects');
  assert.match(
    verdict.reason,
    /^On a simulated world: .*raises behaviour beyond loss: \+0\.\d+ points.*8 blocks; training loss 0\.7 to 1\.7 nats.*different from zero \(p = 0\.008\)/,
  );
  assert.ok(verdict.matchings['joint']?.kind === 'estimated');
});

test('an effect that is certain but smaller than delta is not said to affect', () => {
  const small = verdictOf(WORLD_STUDY, frameOf({ ...BASE, effect: () => 0.8 * DELTA }, 12));
  assert.ok(small.p !== null && small.p < 0.05);
  assert.equal(small.verdict, 'undecided');
});

test('no effect is claimed only while a positive control is detected on the same levels', () => {
  const frame = frameOf(NULL);
  assert.equal(verdictOf(WORLD_STUDY, frame).verdict, 'noEffect');
  const [question] = WORLD_STUDY.contrasts;
  assert.ok(question);
  const without = verdictOf({ ...WORLD_STUDY, contrasts: [question] }, frame);
  assert.equal(without.verdict, 'undecided');
  assert.match(without.reason, /no positive control/);
});

test('a failed control leaves every verdict undecided, and says so first', () => {
  const same: Contrast = {
    kind: 'control',
    arm: 'arm',
    reference: 'reference',
    name: 'same arms',
    expect: 'notDetected',
  };
  const study = { ...WORLD_STUDY, contrasts: [...WORLD_STUDY.contrasts, same] };
  const analysis = analyse(study, frameOf(EFFECT), { verdictsOnly: true });
  assert.deepEqual(
    analysis.controls.map((control) => control.passed),
    [true, false],
  );
  assert.equal(analysis.verdicts[0]?.verdict, 'undecided');
  assert.match(analysis.verdicts[0]?.reason ?? '', /the control "same arms" failed/);
});

test('an identical control passes on equal bits and names the first difference', () => {
  const identical: Contrast = {
    kind: 'control',
    arm: 'copy',
    reference: 'reference',
    name: 'bits',
    expect: 'identical',
  };
  const study = { ...WORLD_STUDY, contrasts: [...WORLD_STUDY.contrasts, identical] };
  const frame = frameOf(NULL);
  const copyOf = (run: FrameRun): FrameRun => ({ ...run, arm: 'copy' });
  const copies = frame.runs.filter((run) => run.arm === 'reference').map(copyOf);
  const judged = analyse(study, { runs: [...frame.runs, ...copies] }, { verdictsOnly: true }).controls[1];
  assert.deepEqual(judged, { name: 'bits', passed: true, detail: '16 pairs of runs are equal to the bit' });
  const nudge = (point: TrajectoryPoint): TrajectoryPoint =>
    point.outcomes === undefined
      ? point
      : { ...point, outcomes: { behaviour: (point.outcomes['behaviour'] ?? 0) + 1e-15 } };
  const nudged = copies.map((run, i) => (i === 3 ? Object.assign({}, run, { points: run.points.map(nudge) }) : run));
  const failed = analyse(study, { runs: [...frame.runs, ...nudged] }, { verdictsOnly: true }).controls[1];
  assert.equal(failed?.passed, false);
  assert.match(failed?.detail ?? '', /behaviour at step/);
});

test('fewer than 6 usable blocks decide nothing', () => {
  const verdict = verdictOf(WORLD_STUDY, frameOf(EFFECT, 5));
  assert.equal(verdict.verdict, 'undecided');
  assert.match(verdict.reason, /5 usable blocks, at least 6 needed/);
  assert.ok(verdict.matchings['train']?.kind === 'estimated');
});

test('a diverged run voids its block for the pair; more than a tenth voided decides nothing', () => {
  const diverge = (frame: Frame): Frame =>
    changeRuns(frame, (run) => (run.arm === 'arm' && run.block === 2 ? { ...run, status: 'diverged' } : run));
  const twelve = verdictOf(WORLD_STUDY, diverge(frameOf(EFFECT, 12)));
  assert.equal(twelve.verdict, 'affects');
  assert.equal(twelve.blocks, 11);
  assert.deepEqual(twelve.voided, [{ block: 2, reason: 'arm diverged at learning rate 1' }]);
  const eight = verdictOf(WORLD_STUDY, diverge(frameOf(EFFECT, 8)));
  assert.equal(eight.verdict, 'undecided');
  assert.match(eight.reason, /1 of 8 blocks voided/);
});

for (const [rates, isRun] of [
  ['several rates', () => true],
  ['one rate', (run: FrameRun) => run.learningRate === 1],
] as const) {
  test(`a level that one arm does not reach counts for neither, with ${rates} an arm`, () => {
    const frame = changeRuns(frameOf(EFFECT), (run) => (isRun(run) ? run : undefined));
    const stopped = changeRuns(frame, (run) =>
      run.arm === 'reference' ? { ...run, points: run.points.filter((point) => (point.axes['train'] ?? 0) > 1) } : run,
    );
    const train = verdictOf(WORLD_STUDY, stopped).matchings['train'];
    assert.ok(train?.kind === 'estimated');
    assert.deepEqual(
      train.levels.map((level) => level.level),
      [1.7, 1.45, 1.2],
    );
  });
}

test('a study that matches on nothing decides nothing', () => {
  const verdict = verdictOf({ ...WORLD_STUDY, matchOn: [] }, frameOf(NULL));
  assert.equal(verdict.verdict, 'undecided');
  assert.match(verdict.reason, /matches on no axis/);
});

test('behaviour that follows held-out loss is explained by it, where a control shows that a difference would be seen', () => {
  const gapped: World = {
    ...BASE,
    arm: { ...BASE.arm, gap: 0.45 },
    reference: { ...BASE.reference, gap: 0.25 },
    behaviour: (_, heldOut) => 0.8 * (2 - heldOut),
  };
  const verdict = verdictOf(WORLD_STUDY, frameOf(gapped));
  assert.deepEqual([verdict.verdict, verdict.explainedBy], ['explainedBy', 'heldOut']);
  const [question] = WORLD_STUDY.contrasts;
  assert.ok(question);
  const without = verdictOf({ ...WORLD_STUDY, contrasts: [question] }, frameOf(gapped));
  assert.equal(without.verdict, 'undecided');
  assert.match(without.reason, /at matched held-out loss lies inside ±0\.1 points, but no positive control/);
  assert.match(
    verdict.reason,
    /at matched training loss.*less than ±0\.1 points: held-out loss explains the difference/,
  );
});

test('where an axis nearly is the outcome, the sentence that names it says so', () => {
  const sharp: World = {
    ...BASE,
    sigma: DELTA / 20,
    arm: { ...BASE.arm, gap: 0.45 },
    reference: { ...BASE.reference, gap: 0.25 },
    behaviour: (_, heldOut) => 0.8 * (2 - heldOut),
  };
  const verdict = verdictOf(WORLD_STUDY, frameOf(sharp));
  assert.equal(verdict.explainedBy, 'heldOut');
  assert.match(verdict.reason, /The held-out loss nearly is the outcome here: R² (0\.99\d|1\.000)\./);
  const noisy = verdictOf(WORLD_STUDY, frameOf({ ...sharp, sigma: DELTA / 2 }));
  assert.ok((noisy.explainedR2 ?? 1) < 0.98);
  assert.doesNotMatch(noisy.reason, /nearly is the outcome/);
});

test('a level below the coherence floor in either arm does not count, and none left decides nothing', () => {
  const withCoherence = (of: (run: FrameRun, train: number) => number): Frame =>
    changeRuns(frameOf(EFFECT), (run) => ({
      ...run,
      points: run.points.map((point) =>
        point.outcomes === undefined
          ? point
          : { ...point, outcomes: { ...point.outcomes, coherence: of(run, point.axes['train'] ?? 0) } },
      ),
    }));
  const study = { ...WORLD_STUDY, coherence: { outcome: 'coherence', floor: 0.9 } };
  const late = verdictOf(
    study,
    withCoherence((run, train) => (run.arm === 'arm' && train < 0.8 ? 0.5 : 1)),
  );
  const train = late.matchings['train'];
  assert.ok(train?.kind === 'estimated');
  assert.deepEqual(
    train.levels.map((level) => level.excluded === undefined),
    [true, true, true, true, false],
  );
  assert.equal(late.verdict, 'affects');
  const never = verdictOf(
    study,
    withCoherence(() => 0.5),
  );
  assert.equal(never.verdict, 'undecided');
  assert.match(never.reason, /coherence of the arm is 0\.500, below 0\.9/);
});

test('a sequential study is looked at with 8, 12 or 16 blocks only', () => {
  assert.equal(verdictOf(WORLD_STUDY, frameOf(EFFECT, 12), 'sequential').verdict, 'affects');
  assert.match(verdictOf(WORLD_STUDY, frameOf(EFFECT, 10), 'sequential').reason, /8, 12 and 16 blocks only/);
});

test('without a common point in the plane the verdict says so instead of claiming an effect', () => {
  const apart = { ...EFFECT, arm: { ...BASE.arm, gap: 0.55 }, reference: { ...BASE.reference, gap: 0.2 } };
  const verdict = verdictOf(WORLD_STUDY, frameOf(apart));
  assert.equal(verdict.verdict, 'undecided');
  assert.match(verdict.reason, /beyond either loss alone; joint not testable/);
});

test('an axis that is no loss is matched under its own name and needs no joint matching', () => {
  const reward = (frame: Frame): Frame =>
    changeRuns(frame, (run) => ({
      ...run,
      points: run.points.map((point) => ({ ...point, axes: { reward: -(point.axes['train'] ?? 0) } })),
    }));
  const [axis] = WORLD_STUDY.matchOn;
  assert.ok(axis);
  const study: AnalysedStudy = {
    ...WORLD_STUDY,
    matchOn: [
      {
        ...axis,
        name: 'reward',
        label: 'Reward',
        role: 'other',
        direction: 'rises',
        levels: [-1.7, -1.45, -1.2, -0.95],
      },
    ],
  };
  const verdict = verdictOf(study, reward(frameOf(EFFECT)));
  assert.equal(verdict.verdict, 'affects');
  assert.deepEqual(Object.keys(verdict.matchings), ['reward']);
  assert.match(verdict.reason, /beyond reward/);
});

test('an undecided study says how many further blocks would decide it', () => {
  const weak = { ...BASE, sigma: DELTA, effect: () => 0 };
  const [verdict] = analyse(WORLD_STUDY, frameOf(weak)).verdicts;
  assert.equal(verdict?.verdict, 'undecided');
  assert.ok(verdict?.furtherBlocks !== undefined && verdict.furtherBlocks > 0);
  assert.match(verdict.reason, /further blocks give 80% power/);
});

test('two runs of one arm, block and rate are refused', () => {
  const frame = frameOf(NULL, 6);
  const [run] = frame.runs;
  assert.ok(run);
  assert.throws(() => analyse(WORLD_STUDY, { runs: [...frame.runs, run] }), /arm "arm", block 0 at learning rate 1/);
});

test('a positive control that shows nothing fails, and then no verdict is given', () => {
  const frame = simulateArms({ ...BASE, effect: () => 3 * DELTA }, 8, ['arm'], rngOf(5, 'silent control'));
  const silent = frame.runs.filter(({ arm }) => arm === 'reference');
  const runs = [...frame.runs, ...silent.map((run) => ({ ...run, arm: 'positive' }))];
  const { controls, verdicts } = analyse(WORLD_STUDY, { runs }, { verdictsOnly: true });
  assert.deepEqual(
    controls.map(({ passed }) => passed),
    [false],
  );
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict),
    ['undecided'],
  );
});

const SAME: Contrast = {
  kind: 'control',
  arm: 'again',
  reference: 'reference',
  name: 'A/A',
  expect: 'notDetected',
};
const WITH_SAME: AnalysedStudy = { ...WORLD_STUDY, contrasts: [...WORLD_STUDY.contrasts, SAME] };

/** A frame with the reference repeated under the name of an A/A arm, its runs changed. */
function withAgain(frame: Frame, change: (run: FrameRun) => FrameRun | undefined): Frame {
  const again = frame.runs.filter(({ arm }) => arm === 'reference').map((run) => ({ ...run, arm: 'again' }));
  return { runs: [...frame.runs, ...again.map(change).filter((run) => run !== undefined)] };
}

test('a control that could not be looked at says nothing: it does not pass, and no verdict is given', () => {
  const cases: readonly (readonly [frame: Frame, detail: RegExp])[] = [
    [frameOf(EFFECT), /there are no finished runs of "again"/],
    [withAgain(frameOf(EFFECT), (run) => ({ ...run, points: run.points.slice(0, 2) })), /nothing was matched/],
    [withAgain(frameOf(EFFECT), (run) => (run.block < 5 ? run : undefined)), /5 of 8 blocks are usable/],
  ];
  for (const [frame, detail] of cases) {
    const { controls, verdicts } = analyse(WITH_SAME, frame, { verdictsOnly: true });
    const control = controls.find(({ name }) => name === 'A/A');
    assert.match(control?.detail ?? '', detail);
    assert.deepEqual([control?.passed, control?.unsettled], [false, true]);
    assert.equal(verdicts[0]?.verdict, 'undecided');
    assert.match(verdicts[0]?.reason ?? '', /the control "A\/A" could not be looked at/);
  }
  const whole = analyse(
    WITH_SAME,
    withAgain(frameOf(EFFECT), (run) => run),
    { verdictsOnly: true },
  );
  assert.deepEqual(whole.controls[1]?.passed, true);
  assert.equal(whole.verdicts[0]?.verdict, 'affects');
});

test('a study too small for a test judges its A/A control by the blocks it has', () => {
  const { controls } = analyse(
    WITH_SAME,
    withAgain(frameOf(EFFECT, 3), (run) => run),
    { verdictsOnly: true },
  );
  assert.equal(controls.find(({ name }) => name === 'A/A')?.passed, true);
});

test('sentences call arms and outcomes by their labels, and say which way an effect goes', () => {
  const lower = { ...BASE, effect: () => -3 * DELTA };
  const arms = [
    { name: 'arm', label: 'Muon' },
    { name: 'reference', label: 'AdamW, all parameters' },
  ];
  const { reason } = verdictOf({ ...WORLD_STUDY, arms }, frameOf(lower));
  assert.match(reason, /: Muon against “AdamW, all parameters” lowers behaviour beyond loss: −0\.\d+ points \[−/);
});

test('a contrast without runs is undecided with the reason that is known', () => {
  const frame = changeRuns(frameOf(EFFECT), (run) => (run.arm === 'arm' ? undefined : run));
  const [verdict] = analyse(WORLD_STUDY, frame, { whyMissing: (arm) => `${arm} was lost` }).verdicts;
  assert.equal(verdict?.verdict, 'undecided');
  assert.match(verdict.reason, /arm was lost/);
  assert.equal(verdict.p, null);
});

test('at its first look a sequential study asks for more than a fixed one: p below .01, not .05', () => {
  const precise = frameOf({ ...EFFECT, sigma: DELTA / 20 });
  const [own, other] = [precise, frameOf({ ...BASE, sigma: DELTA / 20, effect: () => -DELTA / 2 })];
  // One block of eight against the others: p = 4/256.
  const mixed = { runs: own.runs.map((run, i) => (run.block === 3 ? (other.runs[i] ?? run) : run)) };
  assert.equal(verdictOf(WORLD_STUDY, mixed).verdict, 'affects');
  const look = verdictOf(WORLD_STUDY, mixed, 'sequential');
  assert.equal(look.verdict, 'undecided');
  assert.match(look.reason, /neither an effect/);
});
