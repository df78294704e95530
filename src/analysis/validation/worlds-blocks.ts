/**
 * Worlds in which blocks are not what a simple rule takes them for: copies within clusters, jumps in some seeds only, skewed noise,
 * more blocks after an undecided look, and families in which an absence is claimed.
 */

import { mostly, never, type Check, type Design, type ValidityWorld, type Verdicts } from './validity-world.ts';
import { BASE, DELTA, WORLD_STUDY, type World } from './world.ts';

const eachBlocks = (blocks: number): Design => ({ kind: 'fixed', blocks });
const neverAny = (...verdicts: Verdicts): Check => ({
  ...never(...verdicts),
  counted: { kind: 'anyVerdict', verdicts },
});

/** 16 blocks that are 8 clusters twice. */
/** One rate, and noise that a run's levels share: nothing hides an error behind the strictness of many levels. */
const BARE: World = { ...BASE, rates: 1, runShare: 1, isControlTwin: true };

const CLUSTERED: World = { ...BARE, clusters: { count: 8, share: 0.99 } };
const CLUSTERS: readonly ValidityWorld[] = [
  { name: 'truth = 0, sigma = 2 delta', change: { sigma: 2 * DELTA }, check: never('affects') },
  { name: 'truth = delta, sigma = delta / 2', change: { effect: () => DELTA }, check: never('noEffect') },
  { name: 'truth = 0, sigma = delta / 2', change: {}, check: mostly('noEffect') },
  {
    name: 'truth = 2 delta, sigma = delta',
    change: { sigma: DELTA, effect: () => 2 * DELTA },
    check: mostly('affects'),
  },
].map(({ name, change, check }) => ({
  name: `8 clusters twice, ${name}`,
  world: { ...CLUSTERED, ...change },
  design: eachBlocks(16),
  checks: [check],
}));

const MIXED: World = { ...BARE, sigma: DELTA / 5 };
const ONE_ARM = ['arm'];
const jumping = (chance: number, size: number, arms: readonly string[] = ONE_ARM): World => ({
  ...MIXED,
  jumps: { chance, size, arms },
});
/** The study knows of jumps up to this size. */
const upTo = (size: number): NonNullable<ValidityWorld['study']> => ({
  outcomes: WORLD_STUDY.outcomes.map((outcome) => ({ ...outcome, jumps: { kind: 'upTo', size } })),
});
const JUMPS: readonly ValidityWorld[] = [
  ...[
    { chance: 0.1, size: 1, known: 1, blocks: [8, 32] },
    { chance: 0.15, size: 0.8, known: 1, blocks: [8, 32] },
    { chance: 0.2, size: 0.6, known: 1, blocks: [32] },
    { chance: 0.3, size: 0.35, known: 0.35, blocks: [8, 16] },
    { chance: 0.36, size: 0.28, known: 0.28, blocks: [8, 16] },
    { chance: 0.5, size: 0.2, known: 0, blocks: [8, 16] },
  ].flatMap(({ chance, size, known, blocks }) =>
    blocks.map((count) => ({
      name: `jump of ${size} in a share of ${chance}, ${count} blocks`,
      world: jumping(chance, size),
      study: upTo(known),
      design: eachBlocks(count),
      checks: [never('noEffect')],
    })),
  ),
  ...[0.05, 0.1, 0.2, 0.3].map((chance) => ({
    name: `jump of 0.8 in a share of ${chance} of both arms`,
    world: jumping(chance, 0.8, ['arm', 'reference']),
    study: upTo(1),
    design: eachBlocks(8),
    checks: [never('affects')],
  })),
  {
    name: 'no jump, up to 1 possible, 40 blocks',
    world: { ...BASE, rates: 1, sigma: DELTA / 4 },
    study: upTo(1),
    design: eachBlocks(40),
    checks: [mostly('noEffect')],
  },
];

const SKEWS: readonly ValidityWorld[] = [
  ...[-1, 1].flatMap((sign) =>
    [['arm'], ['arm', 'reference']].map((skewedArms) => ({
      name: `truth = ${sign < 0 ? '-' : ''}delta, skewed noise in ${skewedArms.length} of the arms`,
      world: { ...BARE, sigma: DELTA / 2, effect: () => sign * DELTA, skewedArms },
      design: eachBlocks(8),
      checks: [never('noEffect')],
    })),
  ),
  {
    name: 'truth = 0, sigma = 2 delta, skewed noise in one arm',
    world: { ...BARE, sigma: 2 * DELTA, skewedArms: ONE_ARM },
    design: eachBlocks(8),
    checks: [never('affects')],
  },
];

const LATER_LOOKS: Design = { kind: 'continued', looks: [8, 12, 16, 20, 24] };
const CONTINUED: readonly ValidityWorld[] = [
  { name: 'truth = 0, sigma = 2 delta', change: { sigma: 2 * DELTA }, check: never('affects') },
  { name: 'truth = 0, sigma = 3 delta', change: { sigma: 3 * DELTA }, check: never('affects') },
  { name: 'truth = delta, sigma = delta / 2', change: { effect: () => DELTA }, check: never('noEffect') },
  {
    name: 'truth = delta, sigma = delta / 4',
    change: { effect: () => DELTA, sigma: DELTA / 4 },
    check: never('noEffect'),
  },
  { name: 'truth = 0, sigma = 2/3 delta', change: { sigma: (2 / 3) * DELTA }, check: mostly('noEffect') },
].map(({ name, change, check }) => ({
  name: `continued while undecided, ${name}`,
  world: { ...BARE, ...change },
  design: LATER_LOOKS,
  checks: [check],
}));

/** Gone through to the end, four arms in one family: what any look decided is told at the last one. */
const through = (...looks: readonly number[]): Design => ({ kind: 'through', looks, arms: 4 });
const [TWO, FIVE] = [through(8, 12), through(8, 12, 16, 20, 24)];
const NULL = {
  name: 'truth = 0, sigma = 2 delta',
  change: { sigma: 2 * DELTA },
  check: neverAny('affects', 'explainedBy'),
};
const AT_DELTA = {
  name: 'truth = delta, sigma = delta / 2',
  change: { effect: () => DELTA },
  check: neverAny('noEffect', 'explainedBy'),
};
const STANDING: readonly ValidityWorld[] = [
  { design: TWO, ...NULL },
  { design: TWO, ...AT_DELTA },
  {
    design: TWO,
    name: 'truth = 2 delta, sigma = delta',
    change: { sigma: DELTA, effect: () => 2 * DELTA },
    check: mostly('affects'),
  },
  { design: TWO, name: 'truth = 0, sigma = delta / 3', change: { sigma: DELTA / 3 }, check: mostly('noEffect') },
  { design: FIVE, ...NULL },
  { design: FIVE, ...AT_DELTA },
].map(({ name, change, check, design }) => ({
  name: `decisions stand over ${design === TWO ? 'two' : 'five'} looks, four arms, ${name}`,
  world: { ...BARE, ...change },
  design,
  checks: [check],
}));

const FAMILY: Design = { kind: 'family', blocks: 8, arms: 8, isControlled: true };
const ABSENCES: readonly ValidityWorld[] = [
  {
    name: 'family of eight, truth = delta, sigma = delta / 4',
    world: { ...BARE, sigma: DELTA / 4, effect: () => DELTA },
    design: FAMILY,
    checks: [neverAny('noEffect', 'explainedBy')],
  },
  {
    name: 'family of eight, truth = 0, sigma = delta / 3',
    world: { ...BASE, rates: 1, sigma: DELTA / 3 },
    design: FAMILY,
    checks: [mostly('noEffect')],
  },
];

/** All of them. */
export const BLOCK_WORLDS: readonly ValidityWorld[] = [
  ...CLUSTERS,
  ...JUMPS,
  ...SKEWS,
  ...CONTINUED,
  ...STANDING,
  ...ABSENCES,
];
