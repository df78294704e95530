/**
 * Question 9 (b): does a slow scalar latent emerge in agents that control their energy, and not in pure predictors of the same
 * observations? Each network of 16 units starts alike; sizes of effects and of the blur were chosen on blocks 201 to 203 (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy } from 'assay';

import { moodEmerges, type OutcomeName } from './recipe.ts';

const arms = [
  { name: 'rewarded', label: 'actor-critic', set: { kind: 'rewarded' } },
  { name: 'evolved', label: 'evolution strategies', set: { kind: 'evolved' } },
  { name: 'predictor', label: 'foresees all it sees', set: { kind: 'predictor' } },
  { name: 'signs', label: 'foresees cue and food', set: { kind: 'predictor', foresight: 'signs' } },
  { name: 'untrained', label: 'untrained', set: { kind: 'untrained' } },
  { name: 'blurred', label: 'actor-critic, read through noise', set: { kind: 'rewarded', 'measure.noise': 1.2 } },
] as const satisfies readonly ArmInput[];
type Arm = (typeof arms)[number]['name'];

const at = { kind: 'end' } as const;
const asks = { kind: 'question' } as const;

/** One number of an arm against that of another. */
function against(name: string, outcome: OutcomeName, arm: Arm, other: Arm): Claim {
  return {
    name: `${name}: ${arm} against ${other}`,
    arm,
    against: { kind: 'arm', arm: other },
    at,
    outcomes: [outcome],
    asks,
  };
}

/** One number of an arm against another of the same run. */
function within(name: string, arm: Arm, outcome: OutcomeName, other: OutcomeName): Claim {
  return { name: `${name}: ${arm}`, arm, against: { kind: 'outcome', outcome: other }, at, outcomes: [outcome], asks };
}

const asStated: readonly Claim[] = [
  ...(['predictor', 'signs', 'untrained'] as const).map((other) =>
    against('the season can be read', 'season', 'rewarded', other),
  ),
  ...(['predictor', 'signs', 'untrained'] as const).map((other) =>
    against('the largest axis is slow', 'slow', 'rewarded', other),
  ),
];
const sharper: readonly Claim[] = [
  ...(['predictor', 'signs', 'untrained'] as const).flatMap((other) => [
    against('one axis dominates', 'share', 'rewarded', other),
    against('it merges season and hunger', 'merged', 'rewarded', other),
  ]),
  against('one axis dominates', 'share', 'evolved', 'predictor'),
  against('it merges season and hunger', 'merged', 'evolved', 'predictor'),
  ...(['rewarded', 'evolved', 'predictor', 'signs', 'untrained'] as const).map((arm) =>
    within('it is used more than other axes', arm, 'lostAxis', 'lostRandom'),
  ),
  within('it is used more than a step as long', 'rewarded', 'lostAxis', 'lostAsFar'),
  against('it is used', 'lostAxis', 'rewarded', 'predictor'),
];

const controls: readonly Claim[] = [
  {
    name: 'noise in the states is seen',
    arm: 'blurred',
    against: { kind: 'arm', arm: 'rewarded' },
    at,
    outcomes: ['season', 'slow'],
    asks: { kind: 'control', expect: 'differs', direction: 'below' },
  },
  {
    name: 'the season of other lives cannot be read',
    arm: 'rewarded',
    against: { kind: 'value', value: 0.5, label: 'chance' },
    at,
    outcomes: ['seasonShuffled'],
    asks: { kind: 'control', expect: 'agrees' },
  },
  {
    name: "another's whole memory costs life",
    arm: 'rewarded',
    against: { kind: 'value', value: 0, label: 'nothing' },
    at,
    outcomes: ['lostWhole'],
    asks: { kind: 'control', expect: 'differs', direction: 'above' },
  },
  ...(['rewarded', 'predictor'] as const).map((arm): Claim => ({
    name: `an exchange with oneself changes nothing: ${arm}`,
    arm,
    against: { kind: 'outcome', outcome: 'life' },
    at,
    outcomes: ['lifeSelf'],
    asks: { kind: 'control', expect: 'identical' },
  })),
];

const none = (because: string) => ({ kind: 'none', because }) as const;
const confirmatory = { role: 'confirmatory' } as const;
const exploratory = { role: 'exploratory' } as const;
const variance = { unit: 'share of variance', delta: 0.1 };
const lost = { unit: 'share of life', delta: 0.05 };

export default defineStudy({
  name: 'mood-emerges',
  question:
    'Does a slow scalar latent emerge in agents that control their energy, and not in predictors of the same observations?',
  scope: 'recurrent networks of 16 units in one foraging world with a hidden two-state season',
  recipe: moodEmerges(),
  outcomes: [
    {
      name: 'season',
      label: 'season read off the memory',
      unit: 'fraction',
      delta: 0.02,
      ...confirmatory,
      // Between what is read off what is seen now and what the exact belief reads there is this much.
      jumps: { kind: 'upTo', size: 0.04 },
    },
    { name: 'slow', label: 'largest axis with itself 8 steps later', unit: 'correlation', delta: 0.1, ...confirmatory },
    { name: 'share', label: 'variance on the largest axis', ...variance, ...confirmatory },
    { name: 'merged', label: 'the smaller of belief and hunger on it', ...variance, ...confirmatory },
    { name: 'lostAxis', label: "life lost with another's coordinate", ...lost, ...confirmatory },
    {
      name: 'seasonShuffled',
      label: "season of another's life",
      unit: 'fraction',
      delta: 0.02,
      ...confirmatory,
      jumps: none('each run reads thousands of steps whose labels are not their own'),
    },
    { name: 'lostWhole', label: "life lost with another's memory", ...lost, ...confirmatory },
    { name: 'lifeSelf', label: 'life exchanged with itself', unit: 'steps', delta: 1, ...confirmatory },
    { name: 'life', label: 'length of life', unit: 'steps', delta: 5, ...exploratory, higherIs: 'better' },
    { name: 'seasonSeen', label: 'season read off what is seen', unit: 'fraction', delta: 0.02, ...exploratory },
    { name: 'seasonBelief', label: 'season read off the exact belief', unit: 'fraction', delta: 0.02, ...exploratory },
    { name: 'belief', label: 'belief on the largest axis', ...variance, ...exploratory },
    { name: 'hunger', label: 'energy on the largest axis', ...variance, ...exploratory },
    {
      name: 'slowBelief',
      label: 'exact belief with itself 8 steps later',
      unit: 'correlation',
      delta: 0.1,
      ...exploratory,
    },
    { name: 'lostRandom', label: 'life lost by random axes', ...lost, ...exploratory },
    { name: 'lostAsFar', label: 'life lost by steps as long', ...lost, ...exploratory },
  ],
  arms,
  claims: [...asStated, ...sharper, ...controls],
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 8 } },
});
