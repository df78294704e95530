/**
 * Question 5, in worlds whose truth is known: does a sparse autoencoder's dictionary hold binding by a linear map, can it be told from
 * directions that only look so, and is an autoencoder restricted to [A, M A] as good as a free one? Rates and sizes were chosen on block 101,
 * which is not reported (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, type JsonObject } from 'assay';

import { bindingSaeRecipe } from './recipe.ts';

/** [A, M A] of 72 base features has as many numbers as a free dictionary of 120. */
const EQUAL_PARAMETERS = 120;

const world = (name: string, set: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries({ binding: name, ...set }).map(([key, value]) => [`world.${key}`, value]));
const arm = (name: string, label: string, set: JsonObject, at?: ArmInput['at']): ArmInput => ({
  name,
  label,
  set,
  ...(at && { at }),
});

const INDEPENDENT = world('independent', {});
/** As many codes as a slot has features: what else is spent, is spent on the position. */
const POSITION = { ...world('position', {}), k: 2 };
const MATCHED = { model: 'matched' };

const ROWS = [500, 1000, 2000, 4000, 20_000];
const NOISES = [0, 0.5, 1];
const MAIN = { rows: 20_000, noise: 0 };
const grid: readonly ArmInput[] = ROWS.flatMap((rows) =>
  NOISES.filter((noise) => rows !== MAIN.rows || noise !== MAIN.noise).map((noise) =>
    arm(`free-${rows}-${noise}`, `free, ${rows} rows, noise ${noise}`, { rows, 'world.noise': noise }, { rows, noise }),
  ),
);

const arms: readonly ArmInput[] = [
  arm('free', 'matrix: free', { baselines: true }, MAIN),
  { ...arm('free-again', 'matrix: free, other blocks', {}), seedOffset: 1000 },
  arm('free-equal', 'matrix: free, parameters of [A, M A]', { dSae: EQUAL_PARAMETERS, nulls: 0 }),
  arm('free-top-k', 'matrix: free, plain top-k', { encoder: 'topK', nulls: 0 }),
  arm('free-batch-top-k', 'matrix: free, batch-top-k', { encoder: 'batchTopK', nulls: 0 }),
  arm('free-matryoshka', 'matrix: free, matryoshka', { encoder: 'matryoshka', nulls: 0 }),
  arm('joint', 'matrix: [A, M A] from scratch', { model: 'joint' }),
  arm('matched', 'matrix: [A, M A] from matched pairs', MATCHED),
  arm('free-independent', 'independent: free', { ...INDEPENDENT, nulls: 2 }),
  arm('equal-independent', 'independent: free, parameters of [A, M A]', {
    ...INDEPENDENT,
    dSae: EQUAL_PARAMETERS,
    nulls: 0,
  }),
  arm('joint-independent', 'independent: [A, M A] from scratch', { ...INDEPENDENT, model: 'joint' }),
  arm('matched-independent', 'independent: [A, M A] from matched pairs', { ...INDEPENDENT, ...MATCHED }),
  arm('free-position', 'position: free', { ...POSITION, nulls: 2 }),
  arm('matched-position', 'position: [A, M A] from matched pairs', { ...POSITION, ...MATCHED }),
  arm('position-position', 'position: position model', {
    ...POSITION,
    model: 'position',
    dSae: EQUAL_PARAMETERS,
    nulls: 2,
  }),
  arm('position-matrix', 'matrix: position model', { model: 'position', dSae: EQUAL_PARAMETERS, nulls: 0 }),
  arm('free-stretched', 'matrix of condition 2: free', world('matrix', { condition: 2 })),
  arm('free-stretched-3', 'matrix of condition 3: free', world('matrix', { condition: 3 })),
  arm('matched-stretched', 'matrix of condition 2: [A, M A] from matched pairs', {
    ...world('matrix', { condition: 2 }),
    ...MATCHED,
  }),
  arm('composition', 'v + M w: [A, M A] from matched pairs', { ...world('matrix', { active: 1 }), k: 2, ...MATCHED }),
  arm('three-slots', 'three slots: free', { ...world('matrix', { slots: 3, active: 1 }), k: 3, dSae: 216, nulls: 0 }),
  ...grid,
];

/** What the quick profile runs: the controls, and the trap. */
const CORE = [
  'free',
  'free-again',
  'free-equal',
  'joint',
  'matched',
  'free-independent',
  'equal-independent',
  'joint-independent',
  'matched-independent',
  'free-position',
  'matched-position',
  'position-position',
];

const end = { kind: 'end' } as const;
const value = (number: number, label: string): Claim['against'] => ({ kind: 'value', value: number, label });
const against = (name: string): Claim['against'] => ({ kind: 'arm', arm: name });
const question = (name: string, of: string, versus: Claim['against'], outcome: string): Claim => ({
  name,
  arm: of,
  against: versus,
  at: end,
  outcomes: [outcome],
  asks: { kind: 'question' },
});
const known = (
  name: string,
  of: string,
  versus: Claim['against'],
  outcome: string,
  expect: Extract<Claim['asks'], { kind: 'control' }>,
): Claim => ({ ...question(name, of, versus, outcome), asks: expect });
const ABOVE = { kind: 'control', expect: 'differs', direction: 'above' } as const;
const BELOW = { kind: 'control', expect: 'differs', direction: 'below' } as const;
const AGREES = { kind: 'control', expect: 'agrees' } as const;
const NULL = { kind: 'outcome', outcome: 'nullPairs' } as const;

const controls: readonly Claim[] = [
  known('matrix: pairs are found', 'matched', value(0, 'none'), 'right', ABOVE),
  known('matrix: M is found', 'matched', value(1, 'nothing in common'), 'mapError', BELOW),
  known('matrix: more pairs than permuted', 'free', NULL, 'pairs', ABOVE),
  known('independent: no more pairs than permuted', 'free-independent', NULL, 'pairs', AGREES),
  known('independent: [A, M A] loses', 'matched-independent', against('free-independent'), 'fvu', ABOVE),
  known('position: the position model wins', 'position-position', against('matched-position'), 'fvu', BELOW),
  known('A/A', 'free-again', against('free'), 'fvu', AGREES),
];

const questions: readonly Claim[] = [
  question('position: more pairs than permuted, offsets left in', 'free-position', NULL, 'pairs'),
  question('position: more pairs than permuted, offsets taken away', 'position-position', NULL, 'pairs'),
  question('matrix: [A, M A] against free, equal L0', 'matched', against('free'), 'fvu'),
  question('matrix: [A, M A] against free, equal parameters', 'matched', against('free-equal'), 'fvu'),
  question('the trap: from scratch, matrix against independent', 'joint', against('joint-independent'), 'fvu'),
  question('the trap: right pairs from scratch', 'joint', value(0, 'none'), 'right'),
  question(
    'the trap: [A, M A] against free on independent data, equal parameters',
    'joint-independent',
    against('equal-independent'),
    'fvu',
  ),
  question('matrix: from scratch against from matched pairs', 'joint', against('matched'), 'fvu'),
  question('condition 2: more pairs than permuted', 'free-stretched', NULL, 'pairs'),
  question('condition 3: more pairs than permuted', 'free-stretched-3', NULL, 'pairs'),
  question('condition 2: pairs are found', 'matched-stretched', value(1, 'all pairs'), 'right'),
  question('condition 2: M is found', 'matched-stretched', value(0, 'no error'), 'mapError'),
  question('three slots: pairs are found', 'three-slots', value(1, 'all pairs'), 'right'),
  question('three slots: the maps belong together', 'three-slots', value(0, 'no error'), 'consistency'),
  ...ROWS.filter((rows) => rows !== MAIN.rows).map((rows) =>
    question(`${rows} rows: more pairs than permuted`, `free-${rows}-0`, NULL, 'pairs'),
  ),
  question('4000 rows, noise 0.5: more pairs than permuted', 'free-4000-0.5', NULL, 'pairs'),
  question('20000 rows, noise 1: more pairs than permuted', 'free-20000-1', NULL, 'pairs'),
  question(
    'FISTA on the learned dictionary against its encoder',
    'free',
    { kind: 'outcome', outcome: 'fvuFista' },
    'fvu',
  ),
  question('the oracle dictionary against the learned one', 'free', { kind: 'outcome', outcome: 'fvuOracle' }, 'fvu'),
  question('plain top-k against thresholding', 'free-top-k', against('free'), 'fvu'),
  question('batch-top-k against thresholding', 'free-batch-top-k', against('free'), 'fvu'),
  question('matryoshka against thresholding', 'free-matryoshka', against('free'), 'fvu'),
  question('matrix: position model against free, as many features', 'position-matrix', against('free-equal'), 'fvu'),
  question('v + M w: pairs are found', 'composition', value(1, 'all pairs'), 'right'),
];

const SMOOTH = { kind: 'none', because: 'it is a mean over thousands of rows' } as const;
const confirmatory = { role: 'confirmatory' } as const;

export default defineStudy({
  name: 'binding-sae',
  question: 'Do sparse autoencoders miss binding by a linear map?',
  scope: 'synthetic activations of 48 dimensions, 72 base features, two or three slots, L0 given',
  recipe: bindingSaeRecipe(),
  outcomes: [
    {
      name: 'fvu',
      label: 'fraction of variance unexplained',
      unit: 'fraction',
      delta: 0.03,
      higherIs: 'worse',
      jumps: SMOOTH,
      ...confirmatory,
    },
    {
      name: 'pairs',
      label: 'pairs that M predicts without them',
      unit: 'pairs',
      delta: 12,
      jumps: { kind: 'upTo', size: 72 },
      ...confirmatory,
    },
    {
      name: 'right',
      label: 'right pairs, of all there are',
      unit: 'fraction',
      delta: 0.15,
      jumps: { kind: 'upTo', size: 1 },
      ...confirmatory,
    },
    {
      name: 'mapError',
      label: 'error of M',
      unit: 'of its norm',
      delta: 0.25,
      higherIs: 'worse',
      jumps: { kind: 'upTo', size: 1 },
      ...confirmatory,
    },
    {
      name: 'consistency',
      label: 'error of the map between slots 2 and 3 against M3 M2^-1',
      unit: 'of its norm',
      delta: 0.25,
      higherIs: 'worse',
      ...confirmatory,
    },
    { name: 'found', label: 'true features found at cosine .9', unit: 'fraction', delta: 0.1, role: 'exploratory' },
    { name: 'nullPairs', label: 'pairs in a permuted dictionary', unit: 'pairs', delta: 8, role: 'exploratory' },
    {
      name: 'fvuFista',
      label: 'unexplained by FISTA on the same dictionary',
      unit: 'fraction',
      delta: 0.03,
      role: 'exploratory',
    },
    {
      name: 'fvuOracle',
      label: 'unexplained by the true dictionary',
      unit: 'fraction',
      delta: 0.03,
      role: 'exploratory',
    },
    { name: 'parameters', label: 'numbers of the decoder', unit: 'numbers', delta: 1000, role: 'exploratory' },
  ],
  arms,
  claims: [...controls, ...questions],
  maps: [
    {
      name: 'right-pairs',
      label: 'Right pairs in a free dictionary, of all there are',
      x: 'rows',
      y: 'noise',
      outcome: 'right',
      at: end,
    },
    { name: 'features', label: 'True features found', x: 'rows', y: 'noise', outcome: 'found', at: end },
  ],
  profiles: {
    quick: { arms: CORE, blocks: 8 },
    standard: { arms: arms.map(({ name }) => name), blocks: 8 },
  },
});
