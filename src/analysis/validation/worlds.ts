/**
 * The worlds of docs/method.md, "Validation", each with the rates it must show. A bound on an error holds for the upper end
 * of the rate's 95% interval, a floor on power for the rate itself.
 */
import { covers, EIGHT, ERROR_LIMIT, mostly, never, SEQUENTIAL, type ValidityWorld } from './validity-world.ts';
import { BASE, DELTA, type Dynamics, type World } from './world.ts';
import { BLOCK_WORLDS } from './worlds-blocks.ts';
import { CLAIM_WORLDS } from './worlds-claims.ts';
import { MATCHING_WORLDS } from './worlds-matching.ts';

const dynamics = (part: Partial<Dynamics>): Dynamics => ({ ...BASE.reference, ...part });

/** Rises from 0 to `height` as x falls through `centre`. */
const falling = (x: number, centre: number, width: number, height: number): number =>
  height / (1 + Math.exp((x - centre) / width));

/** Where behaviour turns on, by what it depends on; the jump's place varies from run to run. */
const SMOOTH = {
  train: (train: number): number => falling(train, 1.1, 0.15, 0.8),
  heldOut: (_: number, heldOut: number): number => falling(heldOut, 1.45, 0.12, 0.8),
  gap: (train: number, heldOut: number): number => falling(train - heldOut, -0.3, 0.07, 0.8),
};
const JUMP = {
  train: (train: number, _: number, shift: number): number => (train < 1.1 + 0.1 * shift ? 0.8 : 0),
  heldOut: (_: number, heldOut: number, shift: number): number => (heldOut < 1.45 + 0.1 * shift ? 0.8 : 0),
  gap: (train: number, heldOut: number, shift: number): number => (heldOut - train > 0.3 + 0.03 * shift ? 0.8 : 0),
};
type Cause = keyof typeof SMOOTH;
const CAUSES: readonly Cause[] = ['train', 'heldOut', 'gap'];

/** The arm overfits more than the reference: what both single matchings can mistake for an effect. */
const GAPPED: World = { ...BASE, arm: dynamics({ gap: 0.45 }), reference: dynamics({ gap: 0.25 }) };

/** Ways in which studies are less than ideal. */
const HARDSHIPS: readonly { readonly name: string; readonly change: (world: World, cause: Cause) => World }[] = [
  { name: 'smooth', change: (world) => world },
  { name: 'jump', change: (world, cause) => ({ ...world, behaviour: JUMP[cause] }) },
  { name: '10x speed', change: (world) => ({ ...world, probes: 240, arm: { ...world.arm, speed: 10 } }) },
  { name: 'few checkpoints', change: (world) => ({ ...world, probes: 20 }) },
  { name: 'heteroscedastic', change: (world) => ({ ...world, noisyEvery: 3, arm: { ...world.arm, noise: 3 } }) },
  { name: 'noisy loss', change: (world) => ({ ...world, lossNoise: 0.03 }) },
  {
    name: 'noisy loss, 10x speed',
    change: (world) => ({ ...world, lossNoise: 0.03, probes: 240, arm: { ...world.arm, speed: 10 } }),
  },
  {
    name: 'noisy loss, 10x speed, jump',
    change: (world, cause) => ({
      ...world,
      lossNoise: 0.03,
      probes: 240,
      arm: { ...world.arm, speed: 10 },
      behaviour: JUMP[cause],
    }),
  },
];

const LOSS_ONLY: readonly ValidityWorld[] = CAUSES.flatMap((cause) =>
  HARDSHIPS.map(({ name, change }) => ({
    name: `f(${cause}), ${name}`,
    world: change({ ...GAPPED, behaviour: SMOOTH[cause] }, cause),
    design: EIGHT,
    checks: cause === 'heldOut' && name === 'smooth' ? [never('affects'), mostly('explainedBy')] : [never('affects')],
  })),
);

/** f(gap) is the hard one: both single matchings agree. How far the arms' gaps lie apart, and with how many rates. */
const GAP_DISTANCES: readonly { readonly name: string; readonly change: Partial<World> }[] = [
  { name: 'overlapping', change: { arm: dynamics({ gap: 0.36 }), reference: dynamics({ gap: 0.28 }) } },
  { name: 'near', change: { arm: dynamics({ gap: 0.32 }), reference: dynamics({ gap: 0.28 }) } },
  { name: 'one rate, apart', change: { rates: 1, arm: dynamics({ gap: 0.36 }), reference: dynamics({ gap: 0.28 }) } },
  { name: 'one rate, near', change: { rates: 1, arm: dynamics({ gap: 0.31 }), reference: dynamics({ gap: 0.28 }) } },
  {
    name: 'one rate, mixed seeds',
    change: { rates: 1, seedSpread: 0.15, arm: dynamics({ gap: 0.34 }), reference: dynamics({ gap: 0.28 }) },
  },
];
const PROFILES = { arm: dynamics({ gap: 0.34, bend: 1 }), reference: dynamics({ gap: 0.28, bend: -1 }) };
const GATED_NOISE = { arm: dynamics({ gap: 0.4 }), reference: dynamics({ gap: 0.28 }), lossNoise: 0.014 };
/** Without the noise gate a quarter of these are called effects. */
const HIDDEN_BY_NOISE = {
  arm: dynamics({ gap: 0.37 }),
  reference: dynamics({ gap: 0.28 }),
  behaviour: (train: number, heldOut: number): number => 4 * (heldOut - train),
};
const STEEP_GAP = (train: number, heldOut: number): number => falling(train - heldOut, -0.25, 0.02, 0.8);
const LINEAR_GAP = (train: number, heldOut: number): number => 4 * (heldOut - train);
const GAP_WORLDS: readonly ValidityWorld[] = GAP_DISTANCES.flatMap(({ name, change }) =>
  [
    { how: 'smooth', part: { behaviour: SMOOTH.gap } },
    { how: 'steep', part: { behaviour: STEEP_GAP } },
    { how: 'steep, noisy loss', part: { behaviour: STEEP_GAP, lossNoise: 0.02 } },
    { how: 'jump', part: { behaviour: JUMP.gap } },
  ].map(({ how, part }) => ({
    name: `f(gap) ${name}, ${how}`,
    world: { ...BASE, ...change, ...part },
    design: EIGHT,
    checks: [never('affects')],
  })),
);

/** Gaps that cross along the way, and noise just small enough for the joint matching to be tested. */
const CORNERS: readonly ValidityWorld[] = [
  { name: 'f(gap) crossing profiles', change: { ...PROFILES, behaviour: SMOOTH.gap } },
  {
    name: 'f(gap) crossing profiles, one rate',
    change: { ...PROFILES, rates: 1, seedSpread: 0.12, behaviour: STEEP_GAP },
  },
  { name: 'f(gap) linear, noise at the gate', change: { ...GATED_NOISE, behaviour: LINEAR_GAP } },
  { name: 'f(gap) linear, noisy loss, one rate', change: { ...HIDDEN_BY_NOISE, rates: 1, lossNoise: 0.03 } },
  { name: 'f(gap) linear, noisy loss, three rates', change: { ...HIDDEN_BY_NOISE, rates: 3, lossNoise: 0.05 } },
  { name: 'f(gap) steep, noise at the gate', change: { ...GATED_NOISE, behaviour: STEEP_GAP } },
].map(({ name, change }) => ({ name, world: { ...BASE, ...change }, design: EIGHT, checks: [never('affects')] }));

const crossing = (train: number): number => 1.5 * DELTA * Math.tanh((train - 1.2) / 0.2);
const WEAK_SENSE: readonly ValidityWorld[] = [
  { name: 'truth = delta', world: { ...BASE, effect: () => DELTA }, design: EIGHT, checks: [never('noEffect')] },
  {
    name: 'truth = delta at one level',
    world: { ...BASE, effect: (train) => (Math.abs(train - 0.7) < 0.12 ? DELTA : 0) },
    design: EIGHT,
    checks: [never('noEffect')],
  },
  {
    name: 'opposite effects at two learning rates',
    world: { ...BASE, effect: (_, rate) => (rate === 0 ? 1.5 : -1.5) * DELTA },
    design: EIGHT,
    checks: [never('affects', 'noEffect', 'explainedBy')],
  },
  { name: 'crossing effects', world: { ...BASE, effect: crossing }, design: EIGHT, checks: [never('noEffect')] },
  {
    name: 'no overlap in held-out loss',
    world: { ...BASE, effect: () => 3 * DELTA, arm: dynamics({ gap: 0.95 }) },
    design: EIGHT,
    checks: [{ counted: { kind: 'verdict', verdicts: ['undecided'] }, bound: { kind: 'exactly', value: 1 } }],
  },
  {
    name: 'no overlap in the plane',
    world: { ...BASE, effect: () => 3 * DELTA, arm: dynamics({ gap: 0.55 }), reference: dynamics({ gap: 0.2 }) },
    design: EIGHT,
    checks: [never('affects', 'explainedBy', 'noEffect')],
  },
];

const LOUD: World = { ...BASE, effect: () => 2 * DELTA, sigma: DELTA };
const POWER: readonly ValidityWorld[] = [
  { name: 'truth = 2 delta, sigma = delta', world: LOUD, design: EIGHT, checks: [mostly('affects')] },
  {
    name: 'truth = 2 delta, sigma = delta, one rate',
    world: { ...LOUD, rates: 1 },
    design: EIGHT,
    checks: [mostly('affects')],
  },
  { name: 'truth = 0, sigma = delta / 2', world: BASE, design: EIGHT, checks: [mostly('noEffect'), never('affects')] },
  {
    name: 'truth = 0, sigma = delta / 2, one rate',
    world: { ...BASE, rates: 1 },
    design: EIGHT,
    checks: [mostly('noEffect'), never('affects')],
  },
];

const sequentially = ({ name, world, checks }: ValidityWorld): ValidityWorld => ({
  name: `${name}, sequential`,
  world,
  checks,
  design: SEQUENTIAL,
});
const SEQUENTIALS: readonly ValidityWorld[] = [
  ...LOSS_ONLY.filter((one) => one.name.endsWith(', smooth')),
  ...WEAK_SENSE.filter((one) => one.name.startsWith('truth') || one.name.startsWith('crossing')),
  ...POWER,
].map(sequentially);

const COVERAGE: readonly ValidityWorld[] = [
  {
    name: 'coverage',
    world: { ...BASE, effect: () => DELTA },
    design: EIGHT,
    checks: [covers('train', DELTA), covers('heldOut', DELTA), covers('joint', DELTA)],
  },
  {
    name: 'coverage, one rate',
    world: { ...BASE, rates: 1, effect: () => DELTA },
    design: EIGHT,
    checks: [covers('train', DELTA), covers('heldOut', DELTA), covers('joint', DELTA)],
  },
];

const FAMILIES: readonly ValidityWorld[] = [
  {
    name: 'A/A splits of one arm',
    world: { ...BASE, behaviour: SMOOTH.gap, sigma: DELTA },
    design: { kind: 'split', blocks: 8, poolBlocks: 24 },
    checks: [never('affects', 'explainedBy')],
  },
  // An exact test of level .05 rejects with probability 6/128 = .047 in 8 blocks: 2,000 studies would break the limit by
  // chance one time in four.
  ...[false, true].map((isSkewed) => ({
    name: `family of four null contrasts${isSkewed ? ', skewed noise' : ''}`,
    world: { ...BASE, isSkewed },
    design: { kind: 'family' as const, blocks: 8, arms: 4 },
    checks: [
      {
        counted: { kind: 'anyRejection' as const, alpha: 0.05 },
        bound: { kind: 'upperLimitAtMost' as const, value: ERROR_LIMIT },
      },
    ],
    studiesFactor: 4,
  })),
];

/** All worlds, in the order of docs/method.md. */
export const VALIDITY_WORLDS: readonly ValidityWorld[] = [
  ...LOSS_ONLY,
  ...GAP_WORLDS,
  ...CORNERS,
  ...WEAK_SENSE,
  ...POWER,
  ...COVERAGE,
  ...SEQUENTIALS,
  ...FAMILIES,
  ...BLOCK_WORLDS,
  ...MATCHING_WORLDS,
  ...CLAIM_WORLDS,
];
