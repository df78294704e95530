/**
 * Question 2: does the optimizer change how much is forgotten while another task is learned to the same loss? In a memory where the
 * answer is known, and in an MLP whose classes come in two tasks, with the parts of the published setting taken one by one.
 */
import {
  ADAMW_DEFAULTS,
  type Arm,
  type Claim,
  type Contrast,
  defineStudy,
  type JsonObject,
  MUON_DEFAULTS,
  SGD_DEFAULTS,
  SHAMPOO_DEFAULTS,
} from 'assay';

import { forgettingRecipe } from './recipe.ts';

const OPTIMIZERS = {
  adam: { label: 'Adam', optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 }, rates: [3e-4, 1e-3, 3e-3] },
  sgd: { label: 'SGD', optimizer: { ...SGD_DEFAULTS, momentum: 0 }, rates: [0.1, 0.3, 1] },
  muon: { label: 'Muon', optimizer: MUON_DEFAULTS, rates: [0.007, 0.02, 0.06] },
  shampoo: { label: 'Shampoo', optimizer: SHAMPOO_DEFAULTS, rates: [0.007, 0.02, 0.06] },
} as const;
type Name = keyof typeof OPTIMIZERS;
const NAMES: readonly Name[] = ['adam', 'sgd', 'muon', 'shampoo'];

/** An arm at the optimizer's middle rate; `what` is its name and its words after the optimizer's. */
const variant = (name: Name, what: string, set: JsonObject, more: Partial<Arm> = {}): Arm => {
  const { label, optimizer, rates } = OPTIMIZERS[name];
  return {
    name: `${name}-${what.replaceAll(' ', '-')}`,
    label: `${label}, ${what}`,
    learningRates: [rates[1]],
    set: { optimizer, ...set },
    ...more,
  };
};
const KEPT = { 'before.state': 'kept' };
const AFTER_ADAM = { 'before.by': 'adam' };
const MEMORY = { 'world.model': 'memory', 'world.classes': 32, 'world.dimensions': 32 };
const MEMORY_RATES: Readonly<Record<Name, number>> = { adam: 0.01, sgd: 10, muon: 0.1, shampoo: 0.1 };

/** The map: noise on the rows x who learned the first task, at the middle rate with fresh state. */
const at = (optimizer: Name, noise: number, by: 'itself' | 'adam'): Pick<Arm, 'at'> => ({
  at: { optimizer, noise, 'first task by': by },
});
const mapped = [0.2, 0.8].flatMap((noise) =>
  (['itself', 'adam'] as const).flatMap((by) =>
    (['adam', 'muon', 'shampoo'] as const).map((name) =>
      variant(
        name,
        `noise ${noise} first task by ${by}`,
        { 'world.noise': noise, 'before.by': by },
        at(name, noise, by),
      ),
    ),
  ),
);

const arms: readonly Arm[] = [
  ...NAMES.map((name) => ({
    name,
    label: OPTIMIZERS[name].label,
    learningRates: OPTIMIZERS[name].rates,
    set: { optimizer: OPTIMIZERS[name].optimizer },
  })),
  variant('shampoo', 'another start', { 'seeds.init': 1000 }),
  variant('adam', 'some rehearsal', { rehearsal: 0.01 }),
  ...NAMES.map((name) => variant(name, 'state kept', KEPT)),
  ...NAMES.map((name) => variant(name, 'after Adam', AFTER_ADAM, at(name, 0.5, 'adam'))),
  ...NAMES.map((name) => variant(name, 'middle rate', {}, at(name, 0.5, 'itself'))),
  variant('shampoo', 'head too', { 'world.head': 'matrix' }),
  variant('muon', 'head too', { 'world.head': 'matrix' }),
  variant('adam', 'five tasks', { 'world.tasks': 5, ...KEPT }),
  variant('shampoo', 'five tasks', { 'world.tasks': 5, 'world.head': 'matrix', ...KEPT }),
  ...NAMES.map((name) => variant(name, 'memory', MEMORY, { learningRates: [MEMORY_RATES[name]] })),
  ...mapped,
];

const question = (arm: string, reference: string): Contrast => ({ kind: 'question', arm, reference });
const nothingForgotten = (name: Name, asks: Claim['asks']): Claim => ({
  name: `${OPTIMIZERS[name].label} in the memory`,
  arm: `${name}-memory`,
  against: { kind: 'value', value: 0, label: 'nothing forgotten' },
  at: { kind: 'crossed', axis: 'last', levels: [0.2] },
  outcomes: ['leak'],
  asks,
});

export default defineStudy({
  name: 'forgetting',
  question: 'Does the optimizer change how much is forgotten, at equal loss of what is learned instead?',
  scope: 'a memory of 32 orthonormal keys, and an MLP of two hidden layers of 32, ten classes in two tasks',
  recipe: forgettingRecipe(),
  matchOn: [
    {
      name: 'last',
      label: "the last task's loss",
      role: 'train',
      levels: [0.5, 0.2, 0.1],
      unit: 'nats per row',
      maxGap: 0.4,
      direction: 'falls',
    },
  ],
  outcomes: [
    {
      name: 'rise',
      label: 'rise of the loss of the tasks before',
      unit: 'nats per row',
      delta: 0.2,
      higherIs: 'worse',
      role: 'confirmatory',
    },
    {
      name: 'leak',
      label: 'the same rise, finely',
      unit: 'thousandths of a nat per row',
      delta: 2,
      higherIs: 'worse',
      role: 'exploratory',
      jumps: { kind: 'none', because: 'steps along orthonormal keys are linear algebra, not chance' },
    },
    {
      name: 'right',
      label: 'right in the tasks before',
      unit: 'fraction',
      delta: 0.1,
      higherIs: 'better',
      role: 'exploratory',
    },
  ],
  arms,
  contrasts: [
    question('shampoo', 'adam'),
    question('muon', 'adam'),
    question('sgd', 'adam'),
    question('adam-state-kept', 'adam-middle-rate'),
    question('muon-state-kept', 'muon-middle-rate'),
    question('shampoo-state-kept', 'shampoo-middle-rate'),
    question('sgd-after-Adam', 'adam-middle-rate'),
    question('muon-after-Adam', 'adam-middle-rate'),
    question('shampoo-after-Adam', 'adam-middle-rate'),
    question('shampoo-head-too', 'shampoo-middle-rate'),
    question('muon-head-too', 'muon-middle-rate'),
    {
      kind: 'control',
      name: 'some rehearsal',
      arm: 'adam-some-rehearsal',
      reference: 'adam-middle-rate',
      expect: 'detected',
      direction: 'below',
    },
    {
      kind: 'control',
      name: 'A/A, another start',
      arm: 'shampoo-another-start',
      reference: 'shampoo-middle-rate',
      expect: 'notDetected',
    },
    {
      kind: 'control',
      name: 'plain SGD has no state to keep',
      arm: 'sgd-state-kept',
      reference: 'sgd-middle-rate',
      expect: 'identical',
    },
    {
      kind: 'control',
      name: 'Adam after Adam is Adam',
      arm: 'adam-after-Adam',
      reference: 'adam-middle-rate',
      expect: 'identical',
    },
  ],
  claims: [
    nothingForgotten('sgd', { kind: 'control', expect: 'agrees' }),
    nothingForgotten('muon', { kind: 'control', expect: 'agrees' }),
    nothingForgotten('shampoo', { kind: 'question' }),
    nothingForgotten('adam', { kind: 'control', expect: 'differs', direction: 'above' }),
    {
      name: 'Shampoo after five tasks',
      arm: 'shampoo-five-tasks',
      against: { kind: 'arm', arm: 'adam-five-tasks' },
      at: { kind: 'crossed', axis: 'last' },
      outcomes: ['right'],
      asks: { kind: 'question' },
    },
  ],
  maps: (['shampoo', 'muon'] as const).map((to) => ({
    name: `adam-${to}`,
    label: `${OPTIMIZERS[to].label} minus Adam: rise of the first task's loss, in nats`,
    x: 'noise',
    y: 'first task by',
    outcome: 'rise',
    at: { kind: 'crossed', axis: 'last', levels: [0.2] },
    difference: { factor: 'optimizer', from: 'adam', to },
  })),
  pilot: { blocks: 1, axis: 'last', margin: 0.05, maxRates: 3 },
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 16 } },
});
