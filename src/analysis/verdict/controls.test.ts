import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import { BASE, DELTA, simulate, simulateArms, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';
import type { Contrast } from '#study/study.ts';

const rng = (): ReturnType<typeof rngOf> => rngOf(1, 'controls.test');
const AA: Contrast = { kind: 'control', arm: 'again', reference: 'reference', name: 'A/A', expect: 'notDetected' };

function analysed(world: World, change: Partial<Extract<Contrast, { kind: 'control' }>> = {}): Analysis {
  const contrasts = WORLD_STUDY.contrasts.map((one) => (one.kind === 'control' ? { ...one, ...change } : one));
  return analyse({ ...WORLD_STUDY, contrasts }, simulate(world, 8, rng()), { verdictsOnly: true });
}

test('a control in the other direction than asked fails, and one of any direction passes where none is asked', () => {
  const down: World = { ...BASE, control: () => -1.5 * DELTA };
  assert.equal(analysed(down).controls[0]?.passed, true);
  assert.equal(analysed(down, { direction: 'below' }).controls[0]?.passed, true);
  assert.equal(analysed(down, { direction: 'above' }).controls[0]?.passed, false);
});

test('levels where a control is not seen, or is far above two deltas, do not count for "no effect"', () => {
  assert.equal(analysed(BASE).verdicts[0]?.verdict, 'noEffect');
  const seenEarly: World = { ...BASE, sigma: DELTA / 4, control: (train) => (train > 1.35 ? 1.9 : 0.7) * DELTA };
  const large: World = { ...BASE, control: () => 4 * DELTA };
  for (const world of [seenEarly, large]) {
    const { controls, verdicts } = analysed(world);
    assert.equal(controls[0]?.passed, true);
    assert.equal(verdicts[0]?.verdict, 'undecided');
    assert.match(verdicts[0].reason, /no positive control/);
  }
});

test('a control is judged under the matchings it names, and speaks for these alone', () => {
  // Seen at training levels; under the other matching it is nothing.
  const world: World = { ...BASE, control: () => 1.5 * DELTA };
  const { controls, verdicts } = analysed(world, { matchings: ['train'] });
  assert.match(controls[0]?.detail ?? '', /training loss/);
  assert.doesNotMatch(controls[0]?.detail ?? '', /held-out/);
  assert.match(verdicts[0]?.reason ?? '', /at matched held-out loss lies inside .* no positive control/);
});

function twins(world: World, arms: readonly string[] = ['again']): Analysis {
  const study: AnalysedStudy = {
    ...WORLD_STUDY,
    contrasts: [{ kind: 'question', arm: arms.at(-1) ?? 'again', reference: 'reference' }, AA],
  };
  return analyse(study, simulateArms(world, 8, arms, rng()), { verdictsOnly: true });
}

test('an A/A control must be alike within delta: an interval too wide for that settles nothing', () => {
  assert.equal(twins({ ...BASE, sigma: DELTA }).controls[0]?.passed, true);
  const [wide] = twins({ ...BASE, sigma: 5 * DELTA }).controls;
  assert.deepEqual([wide?.passed, wide?.unsettled], [false, true]);
  assert.match(wide?.detail ?? '', /too wide an interval to show likeness within 0\.1/);
});

test('an A/A control says where a noisier arm has no twin', () => {
  const quiet = twins(BASE, ['again', 'question']);
  assert.doesNotMatch(quiet.controls[0]?.detail ?? '', /scatters/);
  const contrasts: Contrast[] = [{ kind: 'question', arm: 'arm', reference: 'reference' }, AA];
  const loud: World = { ...BASE, arm: { ...BASE.arm, noise: 5 } };
  const { runs } = simulate(loud, 8, rng());
  const renamed = runs.map((run) => ({ ...run, arm: run.arm === 'positive' ? 'again' : run.arm }));
  const frame = { runs: renamed };
  const { controls } = analyse({ ...WORLD_STUDY, contrasts }, frame, { verdictsOnly: true });
  assert.match(
    controls[0]?.detail ?? '',
    /arm scatters most \(0\.\d+ points from block to block\) and has no A\/A twin/,
  );
});
