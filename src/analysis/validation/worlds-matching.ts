/**
 * Worlds of what matching and controls must withstand: learning rates kept by noisy pilots, probes of unequal density on
 * noisy axes, small mismatches, what explains an effect by name, and ceilings. ADRs 0085 to 0089 hold the figures.
 */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import { BASE, DELTA, WORLD_STUDY, type Dynamics, type World } from './world.ts';
import {
  covers,
  EIGHT,
  ERROR_LIMIT,
  mostly,
  never,
  POWER_FLOOR,
  type Check,
  type ValidityWorld,
} from './validity-world.ts';

const EXPLANATIONS = ['train', 'heldOut', 'gap'] as const;
type Explanation = (typeof EXPLANATIONS)[number];

const dynamics = (part: Partial<Dynamics>): Dynamics => ({ ...BASE.reference, ...part });
const falling = (x: number, centre: number, width: number, height: number): number =>
  height / (1 + Math.exp((x - centre) / width));
const OF_TRAIN = (train: number): number => falling(train, 1.1, 0.15, 0.8);
const OF_HELD_OUT = (_: number, heldOut: number): number => falling(heldOut, 1.45, 0.12, 0.8);
const OF_GAP = (train: number, heldOut: number): number => falling(train - heldOut, -0.3, 0.07, 0.8);

/** Behaviour moves by two deltas from one learning rate to the next, at equal losses. */
const STEP = (rate: number): number => 2 * DELTA * rate;
const TWIN: World = { ...BASE, rates: 3, rateSpread: 0.1, keptRates: 2, rateEffect: STEP };
const LOUD: Partial<World> = { sigma: DELTA, effect: () => 2 * DELTA };

const RATES: readonly ValidityWorld[] = [
  { name: 'equal arms, pilots keep two of three rates', world: TWIN, checks: [never('affects', 'explainedBy')] },
  {
    name: 'equal arms, pilots keep two of four rates',
    world: { ...TWIN, rates: 4 },
    checks: [never('affects', 'explainedBy')],
  },
  {
    name: 'truth = 2 delta, pilots keep two of three rates',
    world: { ...TWIN, ...LOUD, rateEffect: () => 0 },
    checks: [mostly('affects')],
  },
  {
    name: 'truth = 2 delta, pilots keep two of three rates, a rate moves delta / 4',
    world: { ...TWIN, ...LOUD, rateEffect: (rate: number) => (DELTA / 4) * rate },
    checks: [mostly('affects')],
  },
  {
    name: 'truth = 0, pilots keep two of three rates',
    world: { ...TWIN, rateEffect: () => 0 },
    checks: [mostly('noEffect'), never('affects')],
  },
].map((one) => ({ ...one, design: EIGHT }));

/** Noise of the losses, which behaviour shares: probes read both off the same draws. */
const SHARED: World = { ...BASE, lossNoise: 0.03, sharedNoise: 2, behaviour: OF_TRAIN };
const DENSITIES: readonly ValidityWorld[] = [0.5, 1, 2, 8].map((density) => ({
  name: `shared axis noise, ${density}x probes in one arm`,
  world: { ...SHARED, arm: dynamics({ density }) },
  design: EIGHT,
  checks: [covers('train', 0), covers('heldOut', 0), never('affects', 'explainedBy')],
}));

/** At equal training loss the arms differ by .03 nats of held-out loss at most, always on the same side. */
const APART: World = {
  ...BASE,
  rates: 1,
  seedSpread: 0.02,
  arm: dynamics({ gap: 0.31 }),
  reference: dynamics({ gap: 0.28 }),
};
const CAUSES: readonly { readonly name: string; readonly behaviour: World['behaviour'] }[] = [
  { name: 'f(train)', behaviour: OF_TRAIN },
  { name: 'f(heldOut)', behaviour: OF_HELD_OUT },
  { name: 'f(gap)', behaviour: OF_GAP },
  { name: 'f(train) steep', behaviour: (train) => falling(train, 1.2, 0.02, 0.8) },
  { name: 'f(heldOut) steep', behaviour: (_, heldOut) => falling(heldOut, 1.42, 0.02, 0.8) },
  { name: 'f(gap) steep', behaviour: (train, heldOut) => falling(train - heldOut, -0.25, 0.02, 0.8) },
  {
    name: 'f(gap) two steps',
    behaviour: (train, heldOut) =>
      falling(train - heldOut, -0.16, 0.015, 0.8) + falling(train - heldOut, -0.31, 0.015, 0.8),
  },
  { name: 'f(gap) linear', behaviour: (train, heldOut) => 4 * (heldOut - train) },
  { name: 'f(heldOut) linear', behaviour: (_, heldOut) => -3 * heldOut },
  { name: 'f(both) linear', behaviour: (train, heldOut) => -2 * heldOut - train },
  { name: 'f(gap) jump', behaviour: (train, heldOut, shift) => (heldOut - train > 0.25 + 0.03 * shift ? 0.8 : 0) },
];
const MISMATCHES: readonly ValidityWorld[] = [
  ...CAUSES.flatMap(({ name, behaviour }) =>
    [
      { how: 'a small mismatch', part: APART },
      { how: 'a mismatch', part: { ...APART, arm: dynamics({ gap: 0.36 }) } },
      { how: 'a mismatch, two rates', part: { ...APART, rates: 2, rateSpread: 0.04, arm: dynamics({ gap: 0.36 }) } },
      { how: 'a small mismatch, noisy loss', part: { ...APART, lossNoise: 0.02 } },
    ].map(({ how, part }) => ({
      name: `${name}, ${how}`,
      world: { ...part, behaviour },
      design: EIGHT,
      checks: [never('affects')],
    })),
  ),
  {
    // What only a function of both losses does: it is level along every run. A slope over learning rates shows it.
    name: 'f(both) level along the runs, two rates',
    world: {
      ...APART,
      rates: 2,
      rateSpread: 0.1,
      arm: dynamics({ gap: 0.36 }),
      behaviour: (train, heldOut) => 3 * (heldOut - 0.7 * train),
    },
    design: EIGHT,
    checks: [never('affects')],
  },
  ...[
    { how: 'flat', part: {} },
    { how: 'f(heldOut)', part: { behaviour: OF_HELD_OUT } },
    { how: 'f(train)', part: { behaviour: OF_TRAIN } },
    { how: 'f(heldOut), two rates', part: { behaviour: OF_HELD_OUT, rates: 2, rateSpread: 0.04 } },
  ].map(({ how, part }) => ({
    name: `truth = 2 delta beyond a small mismatch, ${how}`,
    world: { ...APART, ...part, effect: () => 2 * DELTA },
    design: EIGHT,
    checks: [mostly('affects')],
  })),
  {
    name: 'truth = 2 delta, one block of eight lies apart',
    world: { ...BASE, rateSpread: 0.1, strayEvery: 8, behaviour: OF_HELD_OUT, effect: () => 2 * DELTA },
    design: EIGHT,
    checks: [mostly('affects')],
  },
  ...CAUSES.filter(({ name }) => /gap\)|Out\)$/.test(name)).map(({ name, behaviour }) => ({
    name: `${name}, one block of eight lies apart`,
    world: {
      ...BASE,
      rateSpread: 0.1,
      strayEvery: 8,
      behaviour,
      arm: dynamics({ gap: 0.36 }),
      reference: dynamics({ gap: 0.28 }),
    },
    design: EIGHT,
    checks: [never('affects')],
  })),
];

/** The arm overfits more than the reference; behaviour follows one of the three. */
const GAPPED: World = { ...BASE, arm: dynamics({ gap: 0.45 }), reference: dynamics({ gap: 0.25 }) };
const named = (by: Explanation): Check => ({
  counted: { kind: 'explainedBy', by: [by] },
  bound: { kind: 'atLeast', value: POWER_FLOOR },
});
const misnamed = (by: Explanation): Check => ({
  counted: { kind: 'explainedBy', by: EXPLANATIONS.filter((one) => one !== by) },
  bound: { kind: 'upperLimitAtMost', value: ERROR_LIMIT },
});
const NAMES: readonly ValidityWorld[] = (
  [
    { by: 'heldOut', how: 'smooth', part: { behaviour: OF_HELD_OUT } },
    { by: 'heldOut', how: 'linear', part: { behaviour: (_: number, heldOut: number) => -heldOut } },
    { by: 'train', how: 'smooth', part: { behaviour: OF_TRAIN } },
    { by: 'train', how: 'linear', part: { behaviour: (train: number) => -train } },
    { by: 'gap', how: 'smooth', part: { behaviour: OF_GAP } },
    { by: 'gap', how: 'linear', part: { behaviour: (train: number, heldOut: number) => 2 * (heldOut - train) } },
    { by: 'gap', how: 'apart', part: { behaviour: OF_GAP, arm: dynamics({ gap: 0.4 }), rateSpread: 0.1 } },
  ] as const
).map(({ by, how, part }) => ({
  name: `explained by ${by}, ${how}`,
  world: { ...GAPPED, ...part },
  design: EIGHT,
  checks: [named(by), misnamed(by), never('affects', 'noEffect')],
}));
const BEYOND: readonly ValidityWorld[] = [
  { how: 'flat', behaviour: () => 0 },
  { how: 'f(heldOut)', behaviour: OF_HELD_OUT },
  { how: 'f(gap)', behaviour: OF_GAP },
  { how: 'f(train)', behaviour: OF_TRAIN },
].map(({ how, behaviour }) => ({
  name: `an effect beyond is not explained away, ${how}`,
  world: { ...GAPPED, behaviour, effect: () => 2 * DELTA },
  design: EIGHT,
  checks: [never('explainedBy', 'noEffect')],
}));

/** Held-out loss explains all but delta: naming it as the explanation is wrong. */
const NOT_ALL: readonly ValidityWorld[] = [
  {
    name: 'held-out loss explains all but delta',
    world: {
      ...GAPPED,
      arm: dynamics({ gap: 0.5 }),
      behaviour: (_: number, heldOut: number) => -heldOut,
      effect: () => -DELTA,
    },
    checks: [never('explainedBy', 'noEffect')],
  },
].map((one) => ({ ...one, design: EIGHT }));

/** At the ceiling an effect upwards cannot be seen: whatever passes for a control there must not speak for its absence. */
const CEILING: World = { ...BASE, behaviour: () => 0.8, ceiling: 0.8, effect: () => 2 * DELTA };
const DIRECTED: Pick<AnalysedStudy, 'contrasts'> = {
  contrasts: WORLD_STUDY.contrasts.map((one) => (one.kind === 'control' ? { ...one, direction: 'above' } : one)),
};
const CONTROLS: readonly ValidityWorld[] = [
  {
    name: 'ceiling, the control goes down',
    world: { ...CEILING, control: () => -1.5 * DELTA },
    study: DIRECTED,
    checks: [never('noEffect')],
  },
  {
    name: 'ceiling at all but one level, the control is seen there alone',
    world: {
      ...CEILING,
      behaviour: (train: number) => (train > 1.6 ? 0 : 0.8),
      effect: (train: number) => (train > 1.6 ? 0 : 2 * DELTA),
      control: (train: number) => (train > 1.6 ? 6 * DELTA : 0),
    },
    checks: [never('noEffect')],
  },
  {
    name: 'a large control says nothing of a small effect',
    // Behaviour moves by a tenth of what pushes it: two deltas leave a fifth of one.
    world: { ...BASE, effect: () => 0.2 * DELTA, control: () => 5 * DELTA },
    checks: [never('noEffect')],
  },
  {
    name: 'a moderate control licenses no effect',
    world: { ...BASE, control: () => 1.5 * DELTA },
    study: DIRECTED,
    checks: [mostly('noEffect'), never('affects')],
  },
].map((one) => ({ ...one, design: EIGHT }));

/** All worlds of this file. */
export const MATCHING_WORLDS: readonly ValidityWorld[] = [
  ...RATES,
  ...DENSITIES,
  ...MISMATCHES,
  ...NAMES,
  ...BEYOND,
  ...NOT_ALL,
  ...CONTROLS,
];
