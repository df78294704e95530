/**
 * Question 9 (c): does a mood that food raises spill over into contests that have nothing to do with food, which way, and is that
 * of any use? Genes evolve where contests follow the season by rho. Sizes were chosen on other seeds (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, interaction, type Json, type JsonObject, trendOver } from 'assay';

import type { Stake } from './contests.ts';
import { moodSpills, type OutcomeName } from './recipe.ts';

type Reads = 'nothing' | 'mood' | 'mood and belief' | 'season';

const RHOS = [-1, -0.5, 0, 0.5, 1];
const ENDS = [-1, 1];
const STAKED = { apart: 'stakes apart from food', food: 'meals at stake' } as const;
const SHORT = { nothing: 'nothing', mood: 'mood', 'mood and belief': 'belief', season: 'season' } as const;

const rhoText = (rho: number): string => `${rho}`.replace('-', 'minus-');
const nameOf = (stake: Stake, reads: Reads, rho: number): string => `${stake}-${SHORT[reads]}-${rhoText(rho)}`;

function armOf(stake: Stake, reads: Reads, rho: number, at?: Readonly<Record<string, Json>>): ArmInput {
  return {
    name: nameOf(stake, reads, rho),
    label: `${STAKED[stake]}, reads ${reads}, rho ${rho}`,
    set: { stake, reads, rho },
    ...(at && { at }),
  };
}

const cells = (['apart', 'food'] as const).flatMap((stake) => RHOS.map((rho) => ({ stake, rho })));
const moody = cells.map(({ stake, rho }) => armOf(stake, 'mood', rho, { stake, rho }));
const others = ENDS.flatMap((rho) => [
  armOf('apart', 'mood and belief', rho),
  armOf('apart', 'season', rho),
  armOf('apart', 'nothing', rho),
]);
const hungry = armOf('food', 'nothing', -1);

function alike(name: string, label: string, rho: number, set: JsonObject): ArmInput {
  const arm = armOf('apart', 'mood', rho);
  return { name, label: `${arm.label}, ${label}`, set: { ...arm.set, ...set } };
}
const elsewhere = ENDS.map((rho) =>
  alike(`elsewhere-${rhoText(rho)}`, "another life's season", rho, { elsewhere: true }),
);
const MIRRORED = [-1, 0, 1];
const mirrored = MIRRORED.map((rho) => alike(`mirrored-${rhoText(rho)}`, 'mirrored', rho, { mirrored: true }));

const arms: readonly ArmInput[] = [...moody, ...others, hungry, ...elsewhere, ...mirrored];

const END = { kind: 'end' } as const;
const QUESTION = { kind: 'question' } as const;
const NOT_AT_ALL = { kind: 'value', value: 0, label: 'no difference at all' } as const;
const GRUMPY = ['grumpiness'];
const apart = (rho: number): string => nameOf('apart', 'mood', rho);

/** Of the stakes apart from food, nothing is known at rho = 0. Where meals are at stake, hunger itself may matter. */
const grumpiness = cells.map(({ stake, rho }): Claim => ({
  name: `the hungry fight: ${STAKED[stake]}, rho ${rho}`,
  arm: nameOf(stake, 'mood', rho),
  against: NOT_AT_ALL,
  at: END,
  outcomes: GRUMPY,
  asks: stake === 'apart' && rho === 0 ? { kind: 'control', expect: 'agrees' } : QUESTION,
}));
const trends = (['apart', 'food'] as const).map((stake): Claim => ({
  name: `grumpiness over rho: ${STAKED[stake]}`,
  ...trendOver(
    moody.filter((_, i) => cells[i]?.stake === stake),
    'rho',
  ),
  at: END,
  outcomes: GRUMPY,
  asks: QUESTION,
}));

const spills = ENDS.flatMap((rho): Claim[] => [
  {
    name: `a gift changes fights, rho ${rho}`,
    arm: apart(rho),
    against: NOT_AT_ALL,
    at: END,
    outcomes: ['spill'],
    asks: QUESTION,
  },
  {
    name: `a gift changes fights where the season is believed, rho ${rho}`,
    arm: nameOf('apart', 'mood and belief', rho),
    against: NOT_AT_ALL,
    at: END,
    outcomes: ['spill'],
    asks: QUESTION,
  },
  {
    name: `a belief takes the place of the mood, rho ${rho}`,
    arm: nameOf('apart', 'mood and belief', rho),
    against: { kind: 'arm', arm: apart(rho) },
    at: END,
    outcomes: ['spill'],
    asks: QUESTION,
  },
]);
const uses = ENDS.map((rho): Claim => ({
  name: `the spill-over pays, rho ${rho}`,
  arm: apart(rho),
  against: { kind: 'arm', arm: nameOf('apart', 'nothing', rho) },
  at: END,
  outcomes: ['fitness'],
  asks: QUESTION,
}));
const meals: Claim = {
  name: 'the spill-over pays in life, rho -1',
  arm: nameOf('food', 'mood', -1),
  against: { kind: 'arm', arm: hungry.name },
  at: END,
  outcomes: ['fitness'],
  asks: QUESTION,
};
const shared: Claim = {
  name: 'stakes apart turn grumpiness further than meals do',
  ...interaction(apart(-1), apart(1), nameOf('food', 'mood', -1), nameOf('food', 'mood', 1)),
  at: END,
  outcomes: GRUMPY,
  asks: QUESTION,
};

const controls: readonly Claim[] = [
  ...ENDS.flatMap((rho): Claim[] => [
    {
      name: `who sees the season uses it, rho ${rho}`,
      arm: nameOf('apart', 'season', rho),
      against: { kind: 'arm', arm: nameOf('apart', 'nothing', rho) },
      at: END,
      outcomes: GRUMPY,
      asks: { kind: 'control', expect: 'differs', direction: rho < 0 ? 'above' : 'below' },
    },
    {
      name: `who sees the season wins more, rho ${rho}`,
      arm: nameOf('apart', 'season', rho),
      against: { kind: 'arm', arm: nameOf('apart', 'nothing', rho) },
      at: END,
      outcomes: ['fitness'],
      asks: { kind: 'control', expect: 'differs', direction: 'above' },
    },
    {
      name: `a gift tells nothing to who sees the season, rho ${rho}`,
      arm: nameOf('apart', 'season', rho),
      against: NOT_AT_ALL,
      at: END,
      outcomes: ['spill'],
      asks: { kind: 'control', expect: 'identical' },
    },
    {
      name: `another life's season is nothing to know, rho ${rho}`,
      arm: `elsewhere-${rhoText(rho)}`,
      against: NOT_AT_ALL,
      at: END,
      outcomes: GRUMPY,
      asks: QUESTION,
    },
  ]),
  ...MIRRORED.map((rho): Claim => ({
    name: `evolution has no side: the mirror of rho ${rho}`,
    arm: `mirrored-${rhoText(rho)}`,
    against: { kind: 'arm', arm: apart(0 - rho) },
    at: END,
    outcomes: ['coupling'],
    asks: { kind: 'control', expect: 'identical' },
  })),
];

const described: Readonly<
  Record<OutcomeName, { readonly label: string; readonly unit: string; readonly delta: number }>
> = {
  grumpiness: { label: 'fights of the hungry minus of the fed', unit: 'share of contests', delta: 0.1 },
  spill: { label: 'what a gift adds to fights', unit: 'share of contests', delta: 0.05 },
  coupling: { label: 'coupling of fights to mood', unit: 'log-odds a standard deviation', delta: 0.5 },
  fitness: { label: 'fitness a life', unit: 'wins minus losses, or steps', delta: 0.5 },
  fights: { label: 'share of contests that are fought', unit: 'fraction', delta: 0.1 },
};

export default defineStudy({
  name: 'mood-spills',
  question: 'Does a mood that food raises spill over into contests that have nothing to do with food, and which way?',
  scope: 'one foraging world with a hidden two-state season, one forager, couplings evolved over 40 generations',
  recipe: moodSpills,
  outcomes: (['grumpiness', 'spill', 'coupling', 'fitness', 'fights'] as const).map((name) => ({
    name,
    label: described[name].label,
    unit: described[name].unit,
    delta: described[name].delta,
    role: name === 'fights' ? ('exploratory' as const) : ('confirmatory' as const),
    jumps: { kind: 'none' as const, because: 'each number is a mean over 1,500 lives of an evolved parent' },
  })),
  arms,
  claims: [...grumpiness, ...trends, ...spills, ...uses, meals, shared, ...controls],
  maps: [
    {
      name: 'grumpiness',
      label: 'fights of the hungry minus of the fed',
      x: 'rho',
      y: 'stake',
      outcome: 'grumpiness',
      at: END,
    },
  ],
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 12 } },
});
