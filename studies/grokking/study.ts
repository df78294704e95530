/**
 * A control of the verdict "explained by held-out loss": stronger weight decay generalises earlier, so that arms differ at equal
 * training loss, and at equal held-out loss there is nothing left to differ.
 */
import { ADAMW_DEFAULTS, defineStudy, type JsonObject } from 'assay';

import { grokking } from './recipe.ts';

/** Nats a pair. Above them both arms only memorise. */
const LEVELS = { train: [0.03, 0.02, 0.013], heldOut: [2.3, 1.9, 1.5] };
const nats = { unit: 'nats per pair', direction: 'falls' } as const;

const arm = (name: string, label: string, weightDecay: number, set: JsonObject = {}) => ({
  name,
  label,
  learningRates: [3e-3],
  set: { optimizer: { ...ADAMW_DEFAULTS, weightDecay }, ...set },
});

const arms = [
  arm('decay-0.5', 'AdamW, decay 0.5', 0.5),
  arm('decay-0.7', 'AdamW, decay 0.7', 0.7),
  arm('decay-1', 'AdamW, decay 1', 1),
  { ...arm('decay-0.5-again', 'AdamW, decay 0.5, other pairs and start', 0.5), seedOffset: 1000 },
  arm('leaked', 'AdamW, decay 0.5, 30% of the third set trained on', 0.5, { 'world.leaked': 0.3 }),
];

export default defineStudy({
  name: 'grokking',
  question: 'Does stronger weight decay make a network that generalises late more general, beyond loss?',
  scope: 'addition modulo 23 by an MLP of 128 squared units, 70% of the pairs, full batch',
  recipe: grokking,
  matchOn: [
    { name: 'train', label: 'training loss', role: 'train', levels: LEVELS.train, maxGap: 0.005, ...nats },
    {
      name: 'heldOut',
      label: 'held-out loss (other pairs)',
      role: 'heldOut',
      levels: LEVELS.heldOut,
      untilBest: true,
      maxGap: 0.15,
      ...nats,
    },
  ],
  outcomes: [
    {
      name: 'right',
      label: 'right sums in the third set',
      unit: 'fraction',
      higherIs: 'better',
      delta: 0.1,
      role: 'confirmatory',
      jumps: { kind: 'none', because: 'held-out and third pairs are split at random, so no training tells them apart' },
    },
    {
      name: 'probability',
      label: 'mean probability of the right sum in the third set',
      unit: 'probability',
      higherIs: 'better',
      delta: 0.1,
      role: 'exploratory',
    },
  ],
  arms,
  contrasts: [
    { kind: 'question', arm: 'decay-0.7', reference: 'decay-0.5' },
    { kind: 'question', arm: 'decay-1', reference: 'decay-0.5' },
    {
      kind: 'control',
      arm: 'leaked',
      reference: 'decay-0.5',
      name: 'third pairs among the trained',
      expect: 'detected',
      direction: 'above',
      matchings: ['heldOut'],
    },
    {
      kind: 'control',
      arm: 'decay-0.5-again',
      reference: 'decay-0.5',
      name: 'A/A, other pairs and start',
      expect: 'notDetected',
    },
  ],
  pilot: { blocks: 1, axis: 'heldOut', margin: 0.1, maxRates: 1 },
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 12 } },
});
