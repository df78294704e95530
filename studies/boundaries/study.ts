/**
 * Question 2: does Adam leave another boundary than SGD at equal loss? Two linear cues, where the answer is known to rest on the
 * basis, and three clusters, where the published direction holds on a part of a map only.
 */
import { ADAMW_DEFAULTS, type Arm, type Claim, type Contrast, defineStudy, type JsonObject, SGD_DEFAULTS } from 'assay';

import { boundaries } from './recipe.ts';

const ADAM = { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 } };
const SGD = { optimizer: { ...SGD_DEFAULTS, momentum: 0 } };
/** Nats. The clusters' runs end above the two lowest levels. */
const LEVELS = { train: [0.4, 0.3, 0.1, 0.05], heldOut: [0.5, 0.4, 0.3, 0.25, 0.1, 0.05] };
const loss = { unit: 'nats per row', maxGap: 0.15, direction: 'falls' } as const;

const RATES = { adam: [0.01, 0.03], sgd: [0.25, 0.5] };
const cues = (name: string, label: string, optimizer: 'adam' | 'sgd', set: JsonObject = {}): Arm => ({
  name,
  label: `two cues, ${label}`,
  learningRates: RATES[optimizer],
  set: { ...(optimizer === 'adam' ? ADAM : SGD), ...set },
});

/** The first coordinate of the clusters, whose noise is 0.3, and the standard deviation of the weights at the start. */
const DISTANCES = [0.3, 0.45, 0.6, 1];
const STARTS = [0.01, 0.3, 3];
const REVERSED = { distance: 0.3, start: 0.01 };
const FURTHER = { steps: 1500, stopBelow: 0.225 };
const CLUSTERS = {
  'world.weakCue': 'even',
  'world.weak': 1,
  'world.noise': 0.3,
  'world.dimensions': 10,
  'world.width': 64,
};
const clusterArm = (optimizer: 'adam' | 'sgd', distance: number, start: number): Arm => ({
  name: `${optimizer}-clusters-${distance}-${start}`,
  label: `clusters at ${distance}, start ${start}, ${optimizer === 'adam' ? 'Adam' : 'SGD'}`,
  learningRates: [optimizer === 'adam' ? 0.1 : 80],
  set: {
    ...(optimizer === 'adam' ? ADAM : SGD),
    ...CLUSTERS,
    'world.strong': distance,
    'world.start': start,
    // Where the direction reverses, runs go on below the linear floor.
    ...(distance === REVERSED.distance && start === REVERSED.start ? FURTHER : { stopBelow: 0.28 }),
  },
  at: { optimizer, distance, start },
});

const arms: readonly Arm[] = [
  cues('adam', 'Adam', 'adam'),
  cues('sgd', 'SGD', 'sgd'),
  cues('adam-rotated', 'Adam, inputs rotated', 'adam', { 'world.rotated': true }),
  cues('sgd-rotated', 'SGD, inputs rotated', 'sgd', { 'world.rotated': true }),
  { ...cues('sgd-again', 'SGD, other rows', 'sgd'), seedOffset: 1000 },
  cues('sgd-stronger', 'SGD, weak cue 0.36', 'sgd', { 'world.weak': 0.36 }),
  ...DISTANCES.flatMap((distance) =>
    STARTS.flatMap((start) => [clusterArm('adam', distance, start), clusterArm('sgd', distance, start)]),
  ),
];

const control = (
  name: string,
  arm: string,
  reference: string,
  expect: 'detected' | 'notDetected',
  direction: { readonly direction?: 'above' | 'below' } = {},
): Contrast => ({ kind: 'control', name, arm, reference, expect, ...direction });

/** Small starts; each level has its own verdict, since the further below the floor, the less room equal loss leaves. */
const clusterClaim = (name: string, distance: number, levels: readonly number[]): Claim => ({
  name,
  arm: `adam-clusters-${distance}-0.01`,
  against: { kind: 'arm', arm: `sgd-clusters-${distance}-0.01` },
  at: { kind: 'crossed', axis: 'heldOut', levels },
  outcomes: ['ranked'],
  asks: { kind: 'question' },
});

export default defineStudy({
  name: 'boundaries',
  question: 'Does Adam leave another boundary than SGD, beyond loss?',
  scope: 'two linear cues in 20 inputs by a linear classifier, and three clusters in 10 inputs by 64 ReLU units',
  recipe: boundaries,
  matchOn: [
    { name: 'train', label: 'training loss', role: 'train', levels: LEVELS.train, ...loss },
    { name: 'heldOut', label: 'held-out loss', role: 'heldOut', levels: LEVELS.heldOut, untilBest: true, ...loss },
  ],
  outcomes: [
    {
      name: 'ranked',
      label: 'labels ranked rightly without the strong cue',
      unit: 'fraction',
      higherIs: 'better',
      delta: 0.05,
      role: 'confirmatory',
    },
    { name: 'without', label: 'right without the strong cue', unit: 'fraction', delta: 0.05, role: 'exploratory' },
    { name: 'same', label: 'right on fresh rows', unit: 'fraction', delta: 0.05, role: 'exploratory' },
    {
      name: 'bent',
      label: 'share of the scores that is not linear',
      unit: 'fraction',
      delta: 0.05,
      role: 'exploratory',
    },
  ],
  arms,
  contrasts: [
    { kind: 'question', arm: 'adam', reference: 'sgd' },
    { kind: 'question', arm: 'adam-rotated', reference: 'sgd' },
    { kind: 'question', arm: 'adam-rotated', reference: 'adam' },
    // Of one to two deltas: an effect of delta would be seen.
    control('a stronger weak cue', 'sgd-stronger', 'sgd', 'detected', { direction: 'above' }),
    control('SGD does not see the basis', 'sgd-rotated', 'sgd', 'notDetected'),
    control('A/A, other rows', 'sgd-again', 'sgd', 'notDetected'),
  ],
  claims: [
    clusterClaim('clusters far apart', 1, [0.4, 0.3]),
    clusterClaim('clusters near each other, above the linear floor', 0.3, [0.5, 0.4]),
    clusterClaim('clusters near each other, below the linear floor', 0.3, [0.3, 0.25]),
  ],
  maps: [
    {
      name: 'clusters',
      label: 'Adam minus SGD: labels ranked rightly without the strong cue',
      x: 'distance',
      y: 'start',
      outcome: 'ranked',
      at: { kind: 'crossed', axis: 'heldOut', levels: [0.4] },
      difference: { factor: 'optimizer', from: 'sgd', to: 'adam' },
    },
  ],
  pilot: { blocks: 1, axis: 'train', margin: 0.05, maxRates: 2 },
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 12 } },
});
