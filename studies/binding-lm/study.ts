/**
 * Question 5, in a language model: on templated sentences, does it bind by content that a map writes, by order, by position, or by several, and
 * where? `assay run binding-lm --set model=DIR` reads a model as it is; without one the persona base is taught first. Sizes, the gate and
 * delta were chosen on seeds that are not reported (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy } from 'assay';

import { PART_SWAPS, type SWAPS } from './measures.ts';
import { bindingLmRecipe } from './recipe.ts';

/** A third and two thirds of the layers: every model of three layers or of six and more has them. */
const LEVELS = [2, 4];

const arms: readonly ArmInput[] = [
  { name: 'model', label: 'the model', set: {} },
  // Claims are made where LEVELS are.
  { name: 'drawn', label: 'the same architecture, drawn weights', set: { subject: 'drawn', sixths: [...LEVELS] } },
  { name: 'keys', label: 'a small transformer, asked by key', set: { subject: 'keys' } },
  { name: 'ordinals', label: 'a small transformer, asked by order', set: { subject: 'ordinals' } },
];

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
const DRAWN = { kind: 'arm', arm: 'drawn' } as const;
const HALF = { kind: 'value', value: 0.5, label: 'one half' } as const;
const random = (name: string): Claim['against'] => ({ kind: 'outcome', outcome: name });

/**
 * The objects that are asked for, each of which is claimed by itself, against its own null: the smallest score against the smallest of the null
 * would be of two objects where a swap leans to one and the null to the other. An exchange of what binds is above its null at every one.
 */
const ASKED = [
  { split: 'First', told: 'asked for the first' },
  { split: 'Last', told: 'asked for the last' },
] as const;

/** A swap's claims, one for each object that is asked for. @param against Of the object's split. */
function swapClaims(
  name: string,
  arm: string,
  outcome: string,
  against: (split: string) => Claim['against'],
  where?: Claim['at'],
): readonly Claim[] {
  return ASKED.map(({ split, told }) =>
    question(`${name}, ${told}`, arm, [`${outcome}${split}`], against(split), where),
  );
}

const aboveRandom = (part: (typeof PART_SWAPS)[number], name: string, arm = 'model', where?: Claim['at']) =>
  swapClaims(name, arm, part.name, (split) => random(`${part.random}${split}`), where);
const abovePermuted = (name: string, arm = 'model', where?: Claim['at']) =>
  swapClaims(name, arm, 'swapContent', (split) => random(`swapPermuted${split}`), where);
const [CONTENT, ORDER] = PART_SWAPS;

const claims: readonly Claim[] = [
  ...aboveRandom(CONTENT, 'asked by key: content moves the answer', 'keys', at(3)).map(control),
  ...abovePermuted('asked by key: more than other keys', 'keys', at(3)).map(control),
  ...aboveRandom(ORDER, 'asked by order: order moves it', 'ordinals', at(0)).map(control),
  ...PART_SWAPS.flatMap((part) => aboveRandom(part, `${part.name}: more than a random direction as long`)),
  ...abovePermuted('swapContent: more than permuted pairs'),
  ...PART_SWAPS.flatMap(({ name }) => swapClaims(`${name}: more than in drawn weights`, 'model', name, () => DRAWN)),
  ...swapClaims('values that change places take their binding with them', 'model', 'exchange', () => HALF),
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
const inLogits = (name: string, label: string) =>
  ({ name, label, unit: 'logits', delta: 0.5, role: 'exploratory' }) as const;
const ofVariance = (name: string, label: string) => ({ ...confirmatory(name, label), delta: 0.02 });

/** Each swap, in the role of what is claimed of it: its scores by the object that is asked for. */
const MOVED: Readonly<
  Record<(typeof SWAPS)[number], { readonly label: string; readonly role: 'confirmatory' | 'exploratory' }>
> = {
  swapContent: { label: 'answer moves with what keys add to values', role: 'confirmatory' },
  swapOrder: { label: 'answer moves with the order at values', role: 'confirmatory' },
  swapPosition: { label: 'answer moves with the position at values', role: 'confirmatory' },
  swapKeyPlace: { label: 'answer moves with order and position at keys', role: 'confirmatory' },
  exchange: { label: 'answer stays when values change places', role: 'confirmatory' },
  randomContent: { label: 'answer moves with a difference as long as content', role: 'exploratory' },
  randomOrder: { label: 'answer moves with a difference as long as order', role: 'exploratory' },
  randomPosition: { label: 'answer moves with a difference as long as position', role: 'exploratory' },
  randomKeyPlace: {
    label: 'answer moves with a difference at keys as long as order and position',
    role: 'exploratory',
  },
  swapPermuted: { label: 'answer moves with what other keys add', role: 'exploratory' },
  replaceValue: { label: 'a value from elsewhere is the answer', role: 'exploratory' },
  replaceKey: { label: 'a key from elsewhere asks for the value', role: 'exploratory' },
};

export default defineStudy({
  name: 'binding-lm',
  question: 'By what does a language model bind on templated sentences, and at which depth?',
  scope:
    'this model and these sentences (intervals are over sets of prompts, and over teachings where the base is taught)',
  recipe: bindingLmRecipe(),
  outcomes: [
    ...Object.entries(MOVED).flatMap(([name, { label, role }]) => [
      exploratory(name, `${label}, whichever is asked for`),
      ...ASKED.map(({ split, told }) => ({ name: `${name}${split}`, label: `${label}, ${told}`, ...SHARE, role })),
    ]),
    inLogits('orderTurn', "exchanged orders: logits towards the other's value"),
    inLogits('orderLean', "exchanged orders: logits towards the earlier one's value"),
    inLogits('gap', 'logits by which an answer is likelier than the other value'),
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
    exploratory('answeredFirst', 'right answers where the first is asked for'),
    exploratory('answeredLast', 'right answers where the last is asked for'),
    exploratory('right', 'right answers among all tokens'),
    exploratory('gate', 'read, since it answers'),
  ],
  arms,
  claims,
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 6 } },
});
