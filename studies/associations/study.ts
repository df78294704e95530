/**
 * Question 2: do optimizers learn the rare classes differently at equal loss? In a memory whose answers are partly known.
 * Rates are those at which no step falls more than a sixth of log K (LOG.md).
 */
import {
  ADAMW_DEFAULTS,
  type ArmInput,
  type Claim,
  defineStudy,
  interaction,
  type JsonObject,
  LION_DEFAULTS,
  MUON_DEFAULTS,
  SGD_DEFAULTS,
  SHAMPOO_DEFAULTS,
  SIGN_DEFAULTS,
  SOAP_DEFAULTS,
  trendOver,
} from 'assay';

import { associations, LEVELS } from './recipe.ts';

const ADAM = { ...ADAMW_DEFAULTS, weightDecay: 0 };
const SGD = { ...SGD_DEFAULTS, momentum: 0 };
const ONE_HOT = { 'world.embeddings': 'identity' };
const GAUSSIAN = { 'world.embeddings': 'gaussian' };
const UNIFORM = { 'world.exponent': 0 };
const BELOW = { direction: 'below' } as const;
const axis = { unit: 'fraction of log K', maxGap: 0.15, direction: 'falls' } as const;
const arm = (
  name: string,
  label: string,
  optimizer: JsonObject,
  learningRates: readonly number[],
  set: JsonObject = {},
) => ({
  name,
  label,
  learningRates,
  set: { optimizer, ...set },
});
const control = (name: string, arm: string, reference: string, expect: 'detected' | 'notDetected') =>
  ({ kind: 'control', name, arm, reference, expect, ...(expect === 'detected' && BELOW) }) as const;

const ofOptimizers = [
  arm('adam', 'Adam', ADAM, [5e-3, 1e-2]),
  arm('muon', 'Muon', MUON_DEFAULTS, [5e-2, 1e-1]),
  arm('sgd', 'SGD', SGD, [5, 10]),
  arm('momentum', 'SGD with momentum', SGD_DEFAULTS, [1]),
  arm('sign', 'sign descent', SIGN_DEFAULTS, [6e-3]),
  arm('lion', 'Lion', LION_DEFAULTS, [6e-3]),
  arm('shampoo', 'Shampoo', SHAMPOO_DEFAULTS, [0.2]),
  arm('soap', 'SOAP', SOAP_DEFAULTS, [0.1]),
  arm('adam-gaussian', 'Adam, Gaussian keys', ADAM, [1e-2], GAUSSIAN),
  arm('muon-gaussian', 'Muon, Gaussian keys', MUON_DEFAULTS, [0.1], GAUSSIAN),
];

const ofControls = [
  { ...arm('adam-again', 'Adam, other bases', ADAM, [5e-3, 1e-2]), seedOffset: 1000 },
  arm('adam-one-hot', 'Adam, one-hot', ADAM, [3e-2], ONE_HOT),
  arm('sign-one-hot', 'sign descent, one-hot', SIGN_DEFAULTS, [3e-2], ONE_HOT),
  arm('lion-one-hot', 'Lion, one-hot', LION_DEFAULTS, [3e-2], ONE_HOT),
  arm('adam-flatter', 'Adam, p ~ 1/k^0.89', ADAM, [1e-2], { 'world.exponent': 0.89 }),
  arm('muon-one-hot', 'Muon, one-hot', MUON_DEFAULTS, [1e-1], ONE_HOT),
  arm('sgd-one-hot', 'SGD, one-hot', SGD, [10], ONE_HOT),
  arm('shampoo-one-hot', 'Shampoo, one-hot', SHAMPOO_DEFAULTS, [0.2], ONE_HOT),
  arm('soap-one-hot', 'SOAP, one-hot', SOAP_DEFAULTS, [0.1], ONE_HOT),
  arm('adam-uniform', 'Adam, uniform classes', ADAM, [1e-2], UNIFORM),
  arm('muon-uniform', 'Muon, uniform classes', MUON_DEFAULTS, [1e-1], UNIFORM),
];

/** Near the unit vectors Adam's steps are small, and three times the rate passes the levels at the same tail (LOG.md). */
const mapRate = (angle: number): number => (angle < 15 ? 3e-2 : 1e-2);

/** Adam and Muon where classes are of exponent a and embeddings are turned by an angle. */
function mapArms(exponent: number, angle: number): readonly ArmInput[] {
  const set = { 'world.exponent': exponent, 'world.embeddings': 'turned', 'world.angle': angle };
  const where = `p ~ 1/k^${exponent}, turned by ${angle} degrees`;
  const at = (optimizer: string) => ({ exponent, angle, optimizer });
  return [
    { ...arm(`adam-${exponent}-${angle}`, `Adam, ${where}`, ADAM, [mapRate(angle)], set), at: at('Adam') },
    { ...arm(`muon-${exponent}-${angle}`, `Muon, ${where}`, MUON_DEFAULTS, [0.2], set), at: at('Muon') },
  ];
}

const mapOf = (exponents: readonly number[], angles: readonly number[]): readonly ArmInput[] =>
  exponents.flatMap((exponent) => angles.flatMap((angle) => mapArms(exponent, angle)));
const coarse = mapOf([0.5, 1, 1.5], [0, 5, 15, 90]);
const fine = mapOf([0.5, 0.75, 1, 1.25, 1.5], [0, 2, 5, 10, 15, 30, 45, 60, 90]);
const turned = fine.filter(({ at }) => at?.['exponent'] === 1 && at['optimizer'] === 'Adam');

const AT_TOTAL = { kind: 'crossed', axis: 'total' } as const;
const asked = (name: string, part: Pick<Claim, 'arm' | 'against'>): Claim => ({
  name,
  ...part,
  at: AT_TOTAL,
  outcomes: ['tail'],
  asks: { kind: 'question' },
});
const known = (name: string, part: Pick<Claim, 'arm' | 'against'>): Claim => ({
  ...asked(name, part),
  asks: { kind: 'control', expect: 'agrees' },
});
const arms2 = (name: string, reference: string): Pick<Claim, 'arm' | 'against'> => ({
  arm: name,
  against: { kind: 'arm', arm: reference },
});
const balance = (name: string): Pick<Claim, 'arm' | 'against'> => ({
  arm: name,
  against: { kind: 'outcome', outcome: 'balanced' },
});
const names = (list: readonly ArmInput[]): readonly string[] => list.map(({ name }) => name);
const own = [...ofOptimizers, ...ofControls];

export default defineStudy({
  name: 'associations',
  question: 'Do optimizers learn rare classes differently, beyond loss, and what does that depend on?',
  scope: 'a softmax associative memory of 128 classes, p ~ 1/k, expected loss, embeddings as each arm says',
  recipe: associations,
  matchOn: [
    { name: 'total', label: 'total loss', role: 'train', levels: LEVELS.total, ...axis },
    { name: 'head', label: 'loss of the frequent half', role: 'other', levels: LEVELS.head, ...axis },
  ],
  outcomes: [
    {
      name: 'tail',
      label: 'loss of the rare half',
      unit: 'fraction of log K',
      delta: 0.05,
      higherIs: 'worse',
      role: 'confirmatory',
      jumps: {
        kind: 'none',
        because:
          'losses are exact expectations over all classes: blocks differ by their bases alone, which average over 128 x 128 entries (sd .01 at most)',
      },
    },
    {
      name: 'balanced',
      label: 'the loss of all classes alike',
      unit: 'fraction of log K',
      delta: 0.05,
      role: 'exploratory',
    },
  ],
  arms: [...own, ...fine],
  contrasts: [
    { kind: 'question', arm: 'muon', reference: 'adam' },
    { kind: 'question', arm: 'muon', reference: 'sgd' },
    { kind: 'question', arm: 'adam', reference: 'sgd' },
    control('one-hot keys balance Adam', 'adam-one-hot', 'adam', 'detected'),
    // Of one to two deltas: an effect of delta would be seen.
    control('somewhat more of the rare', 'adam-flatter', 'adam', 'detected'),
    control('A/A, other bases', 'adam-again', 'adam', 'notDetected'),
    control('Muon does not see the basis', 'muon-one-hot', 'muon', 'notDetected'),
    control('SGD does not see the basis', 'sgd-one-hot', 'sgd', 'notDetected'),
    control('uniform classes make all equal', 'muon-uniform', 'adam-uniform', 'notDetected'),
  ],
  claims: [
    known('one-hot: Adam is balanced', balance('adam-one-hot')),
    known('one-hot: sign descent is balanced', balance('sign-one-hot')),
    known('one-hot: Lion is balanced', balance('lion-one-hot')),
    known('Shampoo does not see the basis', arms2('shampoo-one-hot', 'shampoo')),
    known('SOAP does not see the basis', arms2('soap-one-hot', 'soap')),
    known('turned by 90 degrees is as good as random', arms2('adam-1-90', 'adam')),
    asked('sign descent against Adam', arms2('sign', 'adam')),
    asked('Lion against Adam', arms2('lion', 'adam')),
    asked('momentum against plain SGD', arms2('momentum', 'sgd')),
    asked('Shampoo against Muon', arms2('shampoo', 'muon')),
    asked('SOAP against Muon', arms2('soap', 'muon')),
    asked('is Muon balanced?', balance('muon')),
    asked('is Shampoo balanced?', balance('shampoo')),
    asked('is SOAP balanced?', balance('soap')),
    asked('one-hot: Muon against Adam', arms2('muon-one-hot', 'adam-one-hot')),
    asked(
      "does Muon's lead over Adam depend on the basis?",
      interaction('adam', 'muon', 'adam-one-hot', 'muon-one-hot'),
    ),
    asked('Gaussian keys: Muon against Adam', arms2('muon-gaussian', 'adam-gaussian')),
    asked("is Muon's lead smaller with Gaussian keys?", interaction('adam', 'muon', 'adam-gaussian', 'muon-gaussian')),
    asked(
      "Adam's tail over the angle",
      trendOver(
        turned.filter(({ name }) => names(coarse).includes(name)),
        'angle',
      ),
    ),
  ],
  maps: [
    {
      name: 'muon-minus-adam',
      label: 'Muon minus Adam: loss of the rare half at total loss 0.3 log K',
      x: 'exponent',
      y: 'angle',
      outcome: 'tail',
      at: { kind: 'crossed', axis: 'total', levels: [0.3] },
      difference: { factor: 'optimizer', from: 'Adam', to: 'Muon' },
    },
    {
      name: 'adam-tail',
      label: "Adam's loss of the rare half at total loss 0.3 log K (balanced: 0.3)",
      x: 'exponent',
      y: 'angle',
      outcome: 'tail',
      at: { kind: 'crossed', axis: 'total', levels: [0.3] },
      only: { factor: 'optimizer', value: 'Adam' },
    },
  ],
  pilot: { blocks: 1, axis: 'total', margin: 0.02, maxRates: 2 },
  profiles: {
    quick: { arms: names([...own, ...coarse]), blocks: 8 },
    // For the finer map alone.
    full: { arms: names([...own, ...fine]), blocks: 8 },
  },
});
