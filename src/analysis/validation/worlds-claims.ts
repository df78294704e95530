/**
 * Worlds of claims: for each kind of what is held against and each kind of place, false differences and false agreement over a family
 * of two claims at four places, power, and the coverage of intervals.
 */
import type { ClaimVerdict } from '#analysis/records/claim-record.ts';
import type { Claim } from '#study/claim.ts';
import { EIGHT, ERROR_LIMIT, POWER_FLOOR, type Check, type ClaimDesign, type ValidityWorld } from './validity-world.ts';
import { BASE, DELTA, type World } from './world.ts';

/** One rate; the control has no noise of its own and never hides an error. */
const PLAIN: World = { ...BASE, rates: 1 };
const BARE: World = { ...PLAIN, isControlTwin: true };

const neverAny = (verdict: ClaimVerdict, levels?: readonly number[]): Check => ({
  counted: { kind: 'anyClaim', verdicts: [verdict], ...(levels && { levels }) },
  bound: { kind: 'upperLimitAtMost', value: ERROR_LIMIT },
});
const mostly = (verdict: ClaimVerdict): Check => ({
  counted: { kind: 'firstClaim', verdicts: [verdict] },
  bound: { kind: 'atLeast', value: POWER_FLOOR },
});
const covers = (truth: number): Check => ({
  counted: { kind: 'claimCovers', truth },
  bound: { kind: 'between', low: 0.93, high: 0.97 },
});

interface Kind {
  readonly against: ClaimDesign['against'];
  readonly at: ClaimDesign['at'];
}

const KINDS: readonly Kind[] = [
  { against: 'value', at: 'given' },
  { against: 'value', at: 'end' },
  { against: 'value', at: 'trend' },
  { against: 'outcome', at: 'given' },
  { against: 'arm', at: 'given' },
  { against: 'arm', at: 'end' },
  { against: 'arm', at: 'crossed' },
  { against: 'arm', at: 'trend' },
  { against: 'arms', at: 'given' },
  { against: 'arms', at: 'trend' },
];

const designOf = (kind: Kind, more: Partial<ClaimDesign> = {}): ClaimDesign => ({
  kind: 'claims',
  blocks: 8,
  ...kind,
  ...more,
});
const nameOf = ({ against, at }: Kind, what: string): string => `claims, ${against} at ${at}: ${what}`;
const ofKind = (kind: Kind, what: string, change: Partial<World>, checks: readonly Check[]): ValidityWorld => ({
  name: nameOf(kind, what),
  world: { ...BARE, ...change },
  design: designOf(kind),
  checks,
});

const OF_ALL: readonly ValidityWorld[] = KINDS.flatMap((kind) => [
  ofKind(kind, 'truth = 0, sigma = 2 delta', { sigma: 2 * DELTA }, [neverAny('differs'), covers(0)]),
  ofKind(kind, 'truth = delta, sigma = 2/3 delta', { sigma: (2 / 3) * DELTA, effect: () => DELTA }, [
    neverAny('agrees'),
    covers(DELTA),
  ]),
  {
    ...ofKind(kind, 'truth = 2 delta, sigma = delta', {}, [mostly('differs')]),
    world: { ...BARE, sigma: DELTA, effect: () => 2 * DELTA },
  },
  {
    ...ofKind(kind, 'truth = 0, sigma = delta / 3', {}, [mostly('agrees')]),
    world: { ...PLAIN, sigma: DELTA / 3 },
  },
]);

/** Odd places are delta off, even ones not at all. */
const everyOther = (place: number): number => (place % 2 === 1 ? DELTA : 0);

const MIXED: readonly ValidityWorld[] = KINDS.filter(({ at }) => at === 'given' || at === 'crossed').map((kind) =>
  ofKind(kind, 'truth = delta at every other place, sigma = delta / 3', { sigma: DELTA / 3, effect: everyOther }, [
    neverAny('agrees', [1, 3]),
    neverAny('differs', [0, 2]),
  ]),
);

const GIVEN: Kind = { against: 'value', at: 'given' };
const BETWEEN: Kind = { against: 'arm', at: 'given' };
const CLUSTERED: Partial<World> = { clusters: { count: 8, share: 0.99 } };
/** Upper limit of false differences from a number known beforehand where noise is exponential: far above all other errors. */
const SKEW_COST = 0.25;
const HARDSHIPS: readonly ValidityWorld[] = [
  {
    ...ofKind(GIVEN, 'accuracy in steps of delta, with ties, truth = 0', { sigma: DELTA }, [neverAny('differs')]),
    design: designOf(GIVEN, { quantum: DELTA }),
  },
  {
    ...ofKind(BETWEEN, '8 clusters twice, truth = 0', { ...CLUSTERED, sigma: 2 * DELTA }, [neverAny('differs')]),
    design: designOf(BETWEEN, { blocks: 16 }),
  },
  {
    ...ofKind(
      BETWEEN,
      '8 clusters twice, truth = delta',
      { ...CLUSTERED, sigma: (2 / 3) * DELTA, effect: () => DELTA },
      [neverAny('agrees')],
    ),
    design: designOf(BETWEEN, { blocks: 16 }),
  },
  ofKind(
    BETWEEN,
    'truth = delta, skewed noise in the arms asked',
    { sigma: (2 / 3) * DELTA, effect: () => DELTA, skewedArms: ['arm', 'second'] },
    [neverAny('agrees')],
  ),
  // No other arm cancels a skew here, and sign flips are exact for symmetric contrasts only: what that costs, not what is allowed.
  ofKind(
    GIVEN,
    'truth = 0, exponential noise, nothing to cancel its skew',
    { sigma: 2 * DELTA, skewedArms: ['arm', 'second'], runShare: 0 },
    [{ ...neverAny('differs'), bound: { kind: 'upperLimitAtMost', value: SKEW_COST } }],
  ),
  ofKind(
    BETWEEN,
    'truth = 0, exponential noise in all arms',
    { sigma: 2 * DELTA, skewedArms: ['arm', 'second', 'reference'], runShare: 0 },
    [neverAny('differs')],
  ),
  ofKind(
    BETWEEN,
    'equal arms, pilots keep two of three rates',
    { rates: 3, keptRates: 2, rateEffect: (rate) => 2 * DELTA * rate },
    [neverAny('differs')],
  ),
  ofKind(
    BETWEEN,
    'opposite effects at two learning rates',
    { rates: 2, effect: (_, rate) => (rate === 0 ? 3 * DELTA : -DELTA), sigma: DELTA / 4 },
    [neverAny('differs'), neverAny('agrees')],
  ),
  {
    ...ofKind(
      BETWEEN,
      'jump of 0.28 in a share of 0.36',
      { sigma: DELTA / 5, jumps: { chance: 0.36, size: 0.28, arms: ['arm', 'second'] } },
      [neverAny('agrees')],
    ),
    study: {
      outcomes: [
        {
          name: 'behaviour',
          label: 'Behaviour',
          unit: 'points',
          delta: DELTA,
          role: 'confirmatory',
          jumps: { kind: 'upTo', size: 0.28 },
        },
      ],
    },
  },
  {
    ...ofKind(BETWEEN, 'a ceiling hides the effect', { effect: () => 2 * DELTA, sigma: DELTA / 4 }, [
      neverAny('agrees'),
    ]),
    design: designOf(BETWEEN, { ceiling: 0.5 }),
  },
];

const ASKED = { arm: 'arm', against: { kind: 'arm', arm: 'reference' }, asks: { kind: 'question' } } as const;
/** Claims asked beside a contrast on the same runs: against the other arm at each loss, and against a number. */
const BESIDE: readonly Claim[] = [
  { ...ASKED, name: 'at each training loss', at: { kind: 'crossed', axis: 'train' } },
  { ...ASKED, name: 'at each held-out loss', at: { kind: 'crossed', axis: 'heldOut' } },
  {
    ...ASKED,
    name: 'against a number',
    against: { kind: 'value', value: 0, label: 'nothing' },
    at: { kind: 'crossed', axis: 'train' },
  },
];
const TREND: Claim = { ...ASKED, name: 'along training loss', at: { kind: 'trend', axis: 'train' } };

const beside = (
  what: string,
  change: Partial<World>,
  checks: readonly Check[],
  claims: readonly Claim[] = BESIDE,
  design: ValidityWorld['design'] = EIGHT,
): ValidityWorld => ({
  name: `claims beside a contrast: ${what}`,
  world: { ...BARE, ...change },
  design,
  study: { claims },
  checks,
});
const FALSE_DIFFERENCE: Check = {
  counted: { kind: 'anyAnswer', verdicts: ['affects', 'explainedBy'], claims: ['differs'] },
  bound: { kind: 'upperLimitAtMost', value: ERROR_LIMIT },
};
const FALSE_AGREEMENT: Check = {
  counted: { kind: 'anyAnswer', verdicts: ['noEffect', 'explainedBy'], claims: ['agrees'] },
  bound: { kind: 'upperLimitAtMost', value: ERROR_LIMIT },
};

const THROUGH: ValidityWorld['design'] = { kind: 'through', looks: [8, 12], arms: 1 };
const BESIDE_CONTRASTS: readonly ValidityWorld[] = [
  beside('truth = 0, sigma = 2 delta', { sigma: 2 * DELTA }, [FALSE_DIFFERENCE], [...BESIDE, TREND]),
  beside('truth = 0, sigma = 2 delta, three looks', { sigma: 2 * DELTA }, [FALSE_DIFFERENCE], [...BESIDE, TREND], {
    kind: 'continued',
    looks: [8, 12, 16],
  }),
  beside(
    'truth = 0, sigma = 2 delta, decisions stand over two looks',
    { sigma: 2 * DELTA },
    [FALSE_DIFFERENCE],
    [...BESIDE, TREND],
    THROUGH,
  ),
  beside(
    'truth = delta, sigma = 2/3 delta, decisions stand over two looks',
    { sigma: (2 / 3) * DELTA, effect: () => DELTA },
    [FALSE_AGREEMENT],
    BESIDE,
    THROUGH,
  ),
  beside('truth = delta, sigma = 2/3 delta', { sigma: (2 / 3) * DELTA, effect: () => DELTA }, [FALSE_AGREEMENT]),
  // What the blocks share is in a claim against a number, and no part of this world.
  beside(
    'equal arms, pilots keep two of three rates',
    { rates: 3, keptRates: 2, rateEffect: (rate) => 2 * DELTA * rate },
    [FALSE_DIFFERENCE],
    [...BESIDE.slice(0, 2), TREND],
  ),
  beside('truth = 2 delta, sigma = delta', { sigma: DELTA, effect: () => 2 * DELTA }, [
    { counted: { kind: 'verdict', verdicts: ['affects'] }, bound: { kind: 'atLeast', value: POWER_FLOOR } },
    mostly('differs'),
  ]),
];

/** All of them. */
export const CLAIM_WORLDS: readonly ValidityWorld[] = [...OF_ALL, ...MIXED, ...HARDSHIPS, ...BESIDE_CONTRASTS];
