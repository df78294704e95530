/** Question 2: do optimizers learn the rare classes differently at equal loss? In a memory whose answers are partly known. */
import { ADAMW_DEFAULTS, defineStudy, type JsonObject, MUON_DEFAULTS, SGD_DEFAULTS } from 'assay';

import { associations, LEVELS } from './recipe.ts';

const ADAM = { ...ADAMW_DEFAULTS, weightDecay: 0 };
const SGD = { ...SGD_DEFAULTS, momentum: 0 };
const ONE_HOT = { 'world.embeddings': 'identity' };
const UNIFORM = { 'world.exponent': 0 };
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
  ({ kind: 'control', name, arm, reference, expect }) as const;

const arms = [
  arm('adam', 'Adam', ADAM, [5e-3, 1e-2]),
  arm('muon', 'Muon', MUON_DEFAULTS, [5e-2, 1e-1]),
  arm('sgd', 'SGD', SGD, [5, 10]),
  { ...arm('adam-again', 'Adam, other bases', ADAM, [5e-3, 1e-2]), seedOffset: 1000 },
  arm('adam-one-hot', 'Adam, one-hot', ADAM, [1e-2], ONE_HOT),
  arm('adam-flatter', 'Adam, p ~ 1/k^0.89', ADAM, [1e-2], { 'world.exponent': 0.89 }),
  arm('muon-one-hot', 'Muon, one-hot', MUON_DEFAULTS, [1e-1], ONE_HOT),
  arm('sgd-one-hot', 'SGD, one-hot', SGD, [10], ONE_HOT),
  arm('adam-uniform', 'Adam, uniform classes', ADAM, [1e-2], UNIFORM),
  arm('muon-uniform', 'Muon, uniform classes', MUON_DEFAULTS, [1e-1], UNIFORM),
];

export default defineStudy({
  name: 'associations',
  question: 'Do Adam, Muon and SGD learn rare classes differently, beyond loss?',
  scope:
    'a softmax associative memory of 128 classes, p ~ 1/k, orthonormal embeddings in a random basis, expected loss',
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
    },
  ],
  arms,
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
  pilot: { blocks: 1, axis: 'total', margin: 0.02, maxRates: 2 },
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 8 } },
});
