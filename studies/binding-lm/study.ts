/**
 * Question 5, in a language model: on templated sentences, does it bind by content that a map writes, by order, by position, or by several, and
 * where? `assay run binding-lm --set model=DIR` reads a model as it is; without one the persona base is taught first. Sizes, the gate and
 * delta were chosen on seeds that are not reported (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy } from 'assay';

import { bindingLmRecipe } from './recipe.ts';

const arms: readonly ArmInput[] = [
  { name: 'model', label: 'the model', set: {} },
  { name: 'drawn', label: 'the same architecture, drawn weights', set: { subject: 'drawn' } },
  { name: 'keys', label: 'a small transformer, asked by key', set: { subject: 'keys' } },
  { name: 'ordinals', label: 'a small transformer, asked by order', set: { subject: 'ordinals' } },
];

/** A third and two thirds of the layers: every model of three layers or of six and more has them. */
const LEVELS = [2, 4];
const at = (...levels: readonly number[]): Claim['at'] => ({ kind: 'given', axis: 'depth', label: 'depth', levels });
const question = (
  name: string,
  arm: string,
  outcomes: readonly string[],
  against: Claim['against'],
  where: Claim['at'] = at(...LEVELS),
): Claim => ({ name, arm, against, at: where, outcomes: [...outcomes], asks: { kind: 'question' } });
const control = (claim: Claim): Claim => ({
  ...claim,
  asks: { kind: 'control', expect: 'differs', direction: 'above' },
});
const PERMUTED = { kind: 'outcome', outcome: 'swapPermuted' } as const;
const DRAWN = { kind: 'arm', arm: 'drawn' } as const;
const MOVES = ['swapContent', 'swapOrder', 'swapPosition', 'swapKeyPlace'] as const;

const claims: readonly Claim[] = [
  control(question('asked by key: content moves the answer', 'keys', ['swapContent'], PERMUTED, at(3))),
  control(question('asked by order: order moves it', 'ordinals', ['swapOrder'], PERMUTED, at(0))),
  ...MOVES.map((move) => question(`${move}: more than permuted pairs`, 'model', [move], PERMUTED)),
  ...MOVES.map((move) => question(`${move}: more than in drawn weights`, 'model', [move], DRAWN)),
  question(
    'a map reads keys it was not fitted on, more than in drawn weights',
    'model',
    ['mapReads', 'orthogonalReads'],
    DRAWN,
  ),
  question('a map reads them more than dealt ones', 'model', ['mapReads'], {
    kind: 'outcome',
    outcome: 'permutedReads',
  }),
  question('dimensions of what keys write', 'model', ['writtenDimension'], DRAWN),
  question('order in the stream', 'model', ['orderShare'], DRAWN),
  question('position in the stream', 'model', ['positionShare'], DRAWN),
  question('content in the stream', 'model', ['contentShare'], DRAWN),
];

const SHARE = { unit: 'fraction', delta: 0.1, jumps: { kind: 'upTo', size: 1 } } as const;
const confirmatory = (name: string, label: string) => ({ name, label, ...SHARE, role: 'confirmatory' }) as const;
const exploratory = (name: string, label: string) => ({ name, label, ...SHARE, role: 'exploratory' }) as const;
const ofVariance = (name: string, label: string) => ({ ...confirmatory(name, label), delta: 0.02 });

export default defineStudy({
  name: 'binding-lm',
  question: 'By what does a language model bind on templated sentences, and at which depth?',
  scope:
    'this model and these sentences (intervals are over sets of prompts, and over teachings where the base is taught)',
  recipe: bindingLmRecipe(),
  outcomes: [
    confirmatory('swapContent', 'answer moves with what keys add to values'),
    confirmatory('swapOrder', 'answer moves with the order at values'),
    confirmatory('swapPosition', 'answer moves with the position at values'),
    confirmatory('swapKeyPlace', 'answer moves with order and position at keys'),
    exploratory('swapPlace', 'answer moves with order and position at values'),
    exploratory('swapPermuted', 'answer moves with what other keys add'),
    exploratory('replaceValue', 'a value from elsewhere is the answer'),
    exploratory('replaceKey', 'a key from elsewhere asks for the value'),
    exploratory('exchange', 'answer stays when values change places'),
    confirmatory('mapReads', 'written directions that one map tells from keys it has not seen'),
    confirmatory('orthogonalReads', 'that one orthogonal map tells'),
    exploratory('permutedReads', 'that one map tells of dealt pairs'),
    {
      name: 'writtenDimension',
      label: 'dimensions that written directions lie in',
      unit: 'dimensions',
      delta: 3,
      jumps: { kind: 'upTo', size: 48 },
      role: 'confirmatory',
    },
    ofVariance('orderShare', "values' variance that is of order"),
    ofVariance('positionShare', "values' variance that is of position"),
    ofVariance('contentShare', "values' variance that is of keys"),
    exploratory('answered', 'right answers among the values of a prompt'),
    exploratory('right', 'right answers among all tokens'),
    exploratory('gate', 'read, since it answers'),
  ],
  arms,
  claims,
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 6 } },
});
