import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from 'assay/learn';
import { lived } from 'assay/studies/mood-and-planning/being.ts';
import { plansOf } from 'assay/studies/mood-and-planning/planner.ts';
import { mean } from 'assay/studies/mood-and-planning/tuning.ts';
import { drawLuck, STANDARD } from 'assay/studies/mood-and-planning/world.ts';

import { addedByGift, contested, fieldOf, fightRate, foughtOn } from './contests.ts';
import { evolved, NO_GENES } from './evolve.ts';
import { moodSpills } from './recipe.ts';

const scores = plansOf([16], 'rest').get(16)?.scores ?? new Float64Array();
const BEING = { scores, memory: 'none', g0: -0.1, g1: 4, rate: 0.2, scale: 1 } as const;
const APART = { stake: 'apart', rho: 1, elsewhere: false } as const;
const SCALE = { mean: 0.04, sd: 0.23 };
const luck = (seed: number, lives = 300) => ({
  lives: drawLuck(rngOf(seed, 'lives'), lives),
  contests: drawLuck(rngOf(seed, 'contests'), lives),
});

test('a forager with stakes apart from food lives the lives of mood-and-planning to the step, however it fights', () => {
  for (const memory of ['none', 'cue', 'exact'] as const) {
    const being = { ...BEING, memory };
    const alone = mean(lived(being, STANDARD, luck(1).lives).steps);
    for (const genes of [NO_GENES, { ...NO_GENES, mood: -3, base: 1 }]) {
      assert.equal(contested(being, genes, APART, SCALE, luck(1)).life, alone);
    }
  }
});

test('lives that were walked once give every gene what it has in lives of its own, to the bit', () => {
  const window = { step: 10, within: 10, gift: true };
  const field = fieldOf(BEING, APART, luck(1), window);
  for (const genes of [NO_GENES, { ...NO_GENES, mood: -3, base: 1 }, { ...NO_GENES, belief: 2, season: -1 }]) {
    assert.deepEqual(foughtOn(field, genes, SCALE, window), contested(BEING, genes, APART, SCALE, luck(1), window));
  }
});

test('who has no more than at birth is hungry, and who was fed is not', () => {
  const first = (gift: boolean): ReadonlySet<boolean> => {
    const { met } = fieldOf(BEING, APART, luck(6), { step: 0, within: 1, gift });
    return new Set(met.filter(({ step }) => step === 0).map(({ isHungry }) => isHungry));
  };
  assert.deepEqual([[...first(false)], [...first(true)]], [[true], [false]]);
});

test('a fight is won with chance (1 + rho s) / 2', () => {
  const wins = (rho: number, season: number, base: number): number => {
    const { won, hungry, fed } = contested(
      BEING,
      { ...NO_GENES, season, base },
      { ...APART, rho },
      SCALE,
      luck(2, 2000),
    );
    return (won * 2000) / (hungry.fights + fed.fights);
  };
  // It fights in the good season alone, then in the bad one alone, then always and never knowing anything.
  assert.equal(wins(1, 100, 0), 1);
  assert.equal(wins(1, -100, 0), -1);
  assert.ok(Math.abs(wins(0.5, 100, 0) - 0.5) < 0.02);
  assert.ok(Math.abs(wins(0, 100, 0)) < 0.02);
  assert.ok(Math.abs(wins(0, 0, 100)) < 0.02);
});

test("contests follow another life's season where they are told to, and a meal at stake changes how long it lives", () => {
  const fighter = { ...NO_GENES, season: 100 };
  const { won, hungry, fed } = contested(BEING, fighter, { ...APART, elsewhere: true }, SCALE, luck(3, 2000));
  assert.ok(Math.abs((won * 2000) / (hungry.fights + fed.fights)) < 0.1);
  const fed_ = contested(BEING, fighter, { ...APART, stake: 'food' }, SCALE, luck(3));
  const without = contested(BEING, { ...NO_GENES, base: -100 }, { ...APART, stake: 'food' }, SCALE, luck(3));
  assert.ok(fed_.life > without.life + 5, `${fed_.life} ${without.life}`);
  assert.equal(fightRate(without.fed), 0);
});

test('a gift changes the fights of who reads its mood, and of nobody else; who dies without it is not counted', () => {
  const added = (genes: Partial<typeof NO_GENES>): number => {
    const [without, given] = [false, true].map((gift) =>
      contested(BEING, { ...NO_GENES, ...genes }, APART, SCALE, luck(4, 2000), { step: 10, within: 10, gift }),
    );
    return addedByGift(given?.window ?? new Int8Array(), without?.window ?? new Int8Array());
  };
  assert.equal(added({ season: 2, base: 0.3 }), 0);
  assert.ok(added({ mood: 2 }) > 0.03);
  assert.ok(added({ mood: -2 }) < -0.03);
  assert.equal(addedByGift(Int8Array.of(1, 1, -1, 0), Int8Array.of(0, -1, 1, 0)), 0.5);
});

test('evolution has no side: in the mirrored world at -rho genes are the opposite, to the bit', () => {
  const last = (rho: number, mirrored: boolean) => {
    const evolution = {
      being: BEING,
      ecology: { ...APART, rho },
      scale: SCALE,
      senses: ['mood', 'belief'] as const,
      generations: 5,
      lives: 10,
      mirrored,
    };
    return [...evolved(evolution, rngOf(5, 'evolution'))].at(-1) ?? NO_GENES;
  };
  for (const rho of [-1, 0, 0.5]) {
    const [plain, mirror] = [last(rho, false), last(0 - rho, true)];
    assert.notEqual(plain.mood, 0);
    assert.deepEqual(
      [mirror.base, mirror.mood, mirror.belief],
      [plain.base, plain.mood, plain.belief].map((gene) => -gene),
    );
    assert.equal(plain.season, 0);
  }
});

test('a coupling evolves the way the contests go, and a run refuses what it does not know', () => {
  const ends = [-1, 1].map((rho) => {
    const evolution = {
      being: BEING,
      ecology: { ...APART, rho },
      scale: SCALE,
      senses: ['mood'] as const,
      generations: 12,
      lives: 20,
    };
    return [...evolved(evolution, rngOf(6, 'evolution'))].at(-1)?.mood ?? 0;
  });
  assert.ok((ends[0] ?? 0) < -0.5 && (ends[1] ?? 0) > 0.5, ends.join(' '));
  for (const [wrong, said] of [
    [{ rho: 2 }, /rho/],
    [{ reads: 'tea leaves' }, /reads/],
    [{ stake: 'honour' }, /stake/],
    [{ generations: 0 }, /generations/],
  ] as const) {
    assert.throws(() => moodSpills.check?.({ ...moodSpills.defaults, ...wrong }), said);
  }
});
