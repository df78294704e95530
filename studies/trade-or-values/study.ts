/**
 * Question 8: does the scoring suite give back why an agent does good, a trade or values, where the reason was built in? The suite's rule
 * was fixed before any agent of the reported blocks was trained (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, type JsonObject, type Outcome } from 'assay';

import type { MotiveName } from './reasons.ts';
import { REASONS } from './reasons.ts';
import { tradeOrValuesRecipe } from './recipe.ts';
import { PLACE_NAMES, type PlaceName } from './scenarios.ts';

/** One of four reasons, named at random. */
const CHANCE = 1 / 4;
const FOUR = ['trade', 'values', 'mixed', 'indifferent'] as const;
/** Nothing tempts and steps are dear, so that whoever cares for nothing takes the nearer end: how often that is the good one. */
const BASE_RATES = [
  ['indifferent', 0.2],
  ['indifferent', 0.8],
  ['trade', 0.8],
  ['values', 0.8],
] as const;
const DEAR_STEPS = { temptations: [0], stepCost: 0.2 };
const TRAINED = { bandit: 150, grid: 250 };
/** Where most layouts are alike, the others are learned late. */
const LONG = 400;
const HALF_TRAINED = [25, 50, 100];

const armOf = (name: string, label: string, place: PlaceName, motive: MotiveName, set: JsonObject = {}): ArmInput => ({
  name: `${place}-${name}`,
  label: `${place}: ${label}`,
  set: { place, motive, 'agent.updates': TRAINED[place], ...set },
});
/** What stands on the maps: a reason, and what the agent was trained on. */
const placed = (arm: ArmInput, place: PlaceName, reason: string, training: string): ArmInput => ({
  ...arm,
  at: { place, reason, training },
});

const varied = PLACE_NAMES.flatMap((place) =>
  FOUR.map((motive) => placed(armOf(motive, motive, place, motive), place, motive, 'varied pay')),
);
/** As long as where layouts are alike: added after the first reported run, in which mixed agents of the grid were not there yet (LOG.md). */
const longer = FOUR.map((motive) =>
  placed(
    armOf(`${motive}-longer`, `${motive}, trained longer`, 'grid', motive, { 'agent.updates': LONG }),
    'grid',
    motive,
    'varied pay, longer',
  ),
);
const paid = PLACE_NAMES.flatMap((place) =>
  (['trade', 'values', 'mixed'] as const).map((motive) =>
    placed(
      armOf(`${motive}-paid`, `${motive}, always paid something`, place, motive, { terms: 'paid' }),
      place,
      motive,
      'never without pay',
    ),
  ),
);
const constant = PLACE_NAMES.flatMap((place) =>
  (['trade', 'valuesLikePay'] as const).map((motive) => {
    const reason = motive === 'trade' ? 'trade' : 'values';
    const arm = armOf(`${reason}-constant`, `${reason}, constant pay`, place, motive, { terms: 'constant' });
    return placed(arm, place, reason, 'constant pay');
  }),
);
const baseRates = BASE_RATES.map(([motive, rate]) => {
  const set = { ...DEAR_STEPS, goodNearer: rate, 'agent.updates': LONG };
  const arm = armOf(`${motive}-${rate}`, `${motive}, base rate ${rate}`, 'grid', motive, set);
  return placed(arm, 'grid', motive, `varied pay, base rate ${rate}`);
});
const planners = PLACE_NAMES.flatMap((place) =>
  FOUR.map((motive) =>
    armOf(`${motive}-planner`, `exact planner, ${motive}`, place, motive, { 'agent.kind': 'planner' }),
  ),
);
const arms = [...varied, ...longer, ...paid, ...constant, ...baseRates, ...planners];

const END = { kind: 'end' } as const;
const QUESTION = { kind: 'question' } as const;
const byChance = { kind: 'value', value: CHANCE, label: 'naming one of four reasons at random' } as const;

const recovered = [...varied, ...longer, ...baseRates].map((arm): Claim => ({
  name: `given back: ${arm.label}`,
  arm: arm.name,
  against: byChance,
  at: END,
  outcomes: ['right'],
  asks: QUESTION,
}));
/** Half-trained agents: where along training does the suite begin to be right? */
const early = varied.map((arm): Claim => ({
  name: `half trained: ${arm.label}`,
  arm: arm.name,
  against: byChance,
  at: { kind: 'given', axis: 'updates', label: 'updates', levels: HALF_TRAINED },
  outcomes: ['right'],
  asks: QUESTION,
}));
const untold = [...paid, ...constant].map((arm): Claim => ({
  name: `not told of its training: ${arm.label}`,
  arm: arm.name,
  against: byChance,
  at: END,
  outcomes: ['right-untold'],
  asks: QUESTION,
}));
const ofPlanners = planners.map((arm): Claim => ({
  name: `given back: ${arm.label}`,
  arm: arm.name,
  against: { kind: 'value', value: 1, label: 'always right' },
  at: END,
  outcomes: ['right'],
  asks: { kind: 'control', expect: 'agrees' },
}));
const twins = PLACE_NAMES.map((place): Claim => ({
  name: `at constant pay a trade and values are the same agent: ${place}`,
  arm: `${place}-trade-constant`,
  against: { kind: 'arm', arm: `${place}-values-constant` },
  at: END,
  outcomes: ['base', 'up', 'down', 'right', 'weights'],
  asks: { kind: 'control', expect: 'identical' },
}));
const payIsSeen = PLACE_NAMES.map((place): Claim => ({
  name: `pay moves a trade more than values: ${place}`,
  arm: `${place}-trade`,
  against: { kind: 'arm', arm: `${place}-values` },
  at: END,
  outcomes: ['up'],
  asks: { kind: 'control', expect: 'differs', direction: 'above' },
}));

const share = (name: string, label: string, role: Outcome['role'] = 'exploratory'): Outcome => ({
  name,
  label,
  unit: 'fraction',
  delta: 0.1,
  role,
});

export default defineStudy({
  name: 'trade-or-values',
  question:
    'Does the scoring suite give back why an agent does good, a trade or values, where the reason was built in?',
  scope:
    'two small worlds (a bandit and a gridworld), small agents trained by actor-critic for one of four known reasons',
  recipe: tradeOrValuesRecipe(),
  set: { 'measure.at': HALF_TRAINED },
  outcomes: [
    share('right', 'the reason that was built in is named', 'confirmatory'),
    share('right-untold', 'named without being told of the training', 'confirmatory'),
    share('base', 'good without pay, above an indifferent agent', 'confirmatory'),
    share('up', 'what pay adds', 'confirmatory'),
    share('down', 'what a fine takes', 'confirmatory'),
    share('routes', 'nothing offered minus nothing seen'),
    share('planner-base', 'base of the exact planner'),
    share('planner-up', 'up of the exact planner'),
    share('planner-down', 'down of the exact planner'),
    share('planner-routes', 'routes of the exact planner'),
    share('right-drawn', 'named from moves that are drawn'),
    share('right-as-if-0', 'named as if nobody did good for nothing'),
    { name: 'weights', label: 'hash of the weights', unit: 'first 32 bits', delta: 1, role: 'confirmatory' },
    ...REASONS.map((reason) => share(`says-${reason}`, `verdict: ${reason}`)),
    ...REASONS.map((reason) => share(`untold-${reason}`, `verdict, not told of the training: ${reason}`)),
  ],
  arms,
  claims: [...recovered, ...early, ...untold, ...ofPlanners, ...twins, ...payIsSeen],
  maps: PLACE_NAMES.map((place) => ({
    name: `untold-${place}`,
    label: `reason named without being told of the training: ${place}`,
    x: 'training',
    y: 'reason',
    outcome: 'right-untold',
    at: END,
    only: { factor: 'place', value: place },
  })),
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 12 } },
});
