/**
 * Question 5, in trained attention: by what does a small transformer bind, a map or a position, and do sparse autoencoders have it? Sizes,
 * steps and delta were chosen on seeds that are not reported (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, type JsonObject } from 'assay';

import { bindingTaskRecipe } from './recipe.ts';

const arm = (name: string, label: string, set: JsonObject, more: Partial<ArmInput> = {}): ArmInput => ({
  name,
  label,
  set,
  ...more,
});

const RELATIONS = {
  'world.task': 'relations',
  'world.keys': 16,
  'world.values': 16,
  'world.relations': 12,
  'world.fillers': 0,
  'model.positions': 'rotary',
};
const BARE = { dictionaries: false };
const UNTRAINED = { 'model.steps': 0, ...BARE };

/** At the others' rate no start of 16 learned (LOG.md). */
const MLPS = { 'model.mlps': true, 'model.learningRate': 0.01 };

const arms: readonly ArmInput[] = [
  arm('objects', 'objects, attention alone', {}),
  arm('objects-again', 'objects, attention alone, other seeds', BARE, { seedOffset: 1000 }),
  arm('relations', 'keys and relations, attention alone', RELATIONS),
  arm('ordinals', 'asked by where they stand, attention alone', {
    ...BARE,
    'world.task': 'ordinals',
    'world.fillers': 0,
    'model.steps': 600,
  }),
  arm('untrained', 'objects, untrained', UNTRAINED),
  arm('untrained-relations', 'keys and relations, untrained', { ...RELATIONS, ...UNTRAINED }),
];
/** Before training MLPs write nothing: their untrained models are those without. */
const withMlps: readonly ArmInput[] = [
  arm('objects-mlps', 'objects, with MLPs', MLPS),
  arm('objects-mlps-again', 'objects, with MLPs, other seeds', { ...MLPS, ...BARE }, { seedOffset: 1000 }),
  arm('relations-mlps', 'keys and relations, with MLPs', { ...RELATIONS, ...MLPS }),
];

const DEPTHS = [0, 1, 2];
const at = (...levels: readonly number[]): Claim['at'] => ({ kind: 'given', axis: 'depth', label: 'depth', levels });
const value = (number: number, label: string): Claim['against'] => ({ kind: 'value', value: number, label });
const HALF = value(0.5, 'one half');
const question = (
  name: string,
  of: string,
  outcomes: readonly string[],
  against: Claim['against'],
  where: Claim['at'],
): Claim => ({
  name,
  arm: of,
  against,
  at: where,
  outcomes: [...outcomes],
  asks: { kind: 'question' },
});
const known = (claim: Claim, asks: Extract<Claim['asks'], { kind: 'control' }>): Claim => ({ ...claim, asks });
const ABOVE = { kind: 'control', expect: 'differs', direction: 'above' } as const;
const AGREES = { kind: 'control', expect: 'agrees' } as const;
const outcome = (name: string): Claim['against'] => ({ kind: 'outcome', outcome: name });

const SWAPPED = ['swapPartner', 'swapPosition'] as const;
const controls: readonly Claim[] = [
  known(question('untrained: swaps move nothing', 'untrained', SWAPPED, HALF, at(...DEPTHS)), AGREES),
  known(
    question('untrained: neither do they with relations', 'untrained-relations', SWAPPED, HALF, at(...DEPTHS)),
    AGREES,
  ),
  known(question('relations: addresses are used', 'relations', ['swapPartner'], HALF, at(1)), ABOVE),
  known(question('asked by place: positions are used', 'ordinals', ['swapPosition'], HALF, at(0)), ABOVE),
  known(question('A/A', 'objects-again', ['swapPartner', 'right'], { kind: 'arm', arm: 'objects' }, at(1)), AGREES),
  known(question('relations with MLPs: addresses are used', 'relations-mlps', ['swapPartner'], HALF, at(1)), ABOVE),
  known(
    question(
      'A/A with MLPs',
      'objects-mlps-again',
      ['swapPartner', 'right'],
      { kind: 'arm', arm: 'objects-mlps' },
      at(1),
    ),
    AGREES,
  ),
];

const MODELS = [
  ['objects', 'objects'],
  ['relations', 'relations'],
  ['objects-mlps', 'objects with MLPs'],
  ['relations-mlps', 'relations with MLPs'],
] as const;
const OF_RELATIONS = MODELS.filter(([name]) => name.startsWith('relations'));
const untrained = (name: string): Claim['against'] => ({
  kind: 'arm',
  arm: name.startsWith('objects') ? 'untrained' : 'untrained-relations',
});
const questions: readonly Claim[] = [
  ...MODELS.flatMap(([name, label]) => [
    question(`${label}: by the partner's content`, name, ['swapPartner'], HALF, at(...DEPTHS)),
    question(`${label}: by position`, name, ['swapPosition'], HALF, at(...DEPTHS)),
    question(`${label}: factorizable`, name, ['replaceValue', 'replaceKey'], HALF, at(...DEPTHS)),
    question(`${label}: independent of place`, name, ['exchange'], HALF, at(...DEPTHS)),
  ]),
  ...MODELS.flatMap(([name, label]) => [
    question(`${label}: pairs, positions taken away`, name, ['pairs'], outcome('nullPairs'), at(1)),
    question(`${label}: pairs, positions left in`, name, ['pairsPlaced'], outcome('nullPairsPlaced'), at(1)),
    question(`${label}: written directions are found as own ones`, name, ['foundWritten'], outcome('foundOwn'), at(1)),
    question(`${label}: right pairs`, name, ['rightPairs'], value(0, 'none'), at(1)),
    question(`${label}: right pairs in the known directions`, name, ['knownPairs'], value(0, 'none'), at(1)),
  ]),
  ...MODELS.map(([name, label]) =>
    question(`${label}: dimensions of what keys write`, name, ['writtenDimension'], untrained(name), at(1)),
  ),
  ...OF_RELATIONS.flatMap(([name, label]) => [
    question(`${label}: additive`, name, ['additive'], value(1, 'all of it'), at(1)),
    question(`${label}: as additive untrained`, name, ['additive'], untrained(name), at(1)),
    question(`${label}: features tell keys with relations`, name, ['toldPairs'], value(0, 'none'), at(1)),
    question(`${label}: features tell keys and relations`, name, ['toldParts'], value(1, 'all'), at(1)),
    question(`${label}: answers from reconstructions`, name, ['spliced'], outcome('right'), at(1)),
  ]),
];

const SHARE = { unit: 'fraction', delta: 0.1 } as const;
const confirmatory = { ...SHARE, role: 'confirmatory' } as const;
const exploratory = { ...SHARE, role: 'exploratory' } as const;
const PAIRS = { unit: 'pairs', delta: 10, jumps: { kind: 'upTo', size: 48 } } as const;
const SCORE = { jumps: { kind: 'upTo', size: 1 } } as const;

export default defineStudy({
  name: 'binding-task',
  question: 'By what does a small transformer bind, and do sparse autoencoders have it?',
  scope: 'transformers of two layers and 32 dimensions, contexts of four objects',
  recipe: bindingTaskRecipe(),
  outcomes: [
    { name: 'swapPartner', label: "answer moves with the partners' content", ...confirmatory, ...SCORE },
    { name: 'swapPosition', label: 'answer moves with the positions', ...confirmatory, ...SCORE },
    { name: 'swapBoth', label: 'answer moves with both', ...exploratory },
    { name: 'replaceValue', label: 'a value from elsewhere is the answer', ...confirmatory, ...SCORE },
    { name: 'replaceKey', label: 'a key from elsewhere asks for the value', ...confirmatory, ...SCORE },
    { name: 'exchange', label: 'answer stays when values change places', ...confirmatory, ...SCORE },
    { name: 'right', label: 'right answers', higherIs: 'better', ...confirmatory, ...SCORE },
    {
      name: 'mapReads',
      label: 'written directions that one map tells from keys it has not seen',
      ...exploratory,
    },
    {
      name: 'writtenDimension',
      label: 'dimensions that written directions lie in',
      unit: 'dimensions',
      delta: 3,
      jumps: { kind: 'upTo', size: 32 },
      role: 'confirmatory',
    },
    { name: 'starts', label: 'random starts until one learned', unit: 'starts', delta: 1, role: 'exploratory' },
    { name: 'knownPairs', label: 'right pairs matched in the known directions', ...confirmatory, ...SCORE },
    { name: 'rightPairs', label: 'right pairs matched in the dictionary', ...confirmatory, ...SCORE },
    { name: 'foundWritten', label: 'written directions that the dictionary has', ...confirmatory, ...SCORE },
    { name: 'foundOwn', label: 'directions of keys and values that it has', ...exploratory },
    { name: 'pairs', label: 'pairs that a map predicts, positions taken away', ...PAIRS, role: 'confirmatory' },
    { name: 'nullPairs', label: 'in a permuted dictionary', ...PAIRS, role: 'exploratory' },
    { name: 'pairsPlaced', label: 'pairs that a map predicts, positions left in', ...PAIRS, role: 'confirmatory' },
    { name: 'nullPairsPlaced', label: 'in a permuted dictionary, positions left in', ...PAIRS, role: 'exploratory' },
    {
      name: 'additive',
      label: "variance between addresses that is the key's part plus the relation's",
      ...confirmatory,
      delta: 0.02,
      ...SCORE,
    },
    { name: 'toldPairs', label: 'keys with relations that a feature tells', ...confirmatory, ...SCORE },
    { name: 'toldParts', label: 'keys and relations that a feature tells', ...confirmatory, ...SCORE },
    { name: 'spliced', label: 'right answers from reconstructions', ...confirmatory, ...SCORE },
    { name: 'fvu', label: 'variance unexplained', ...exploratory, higherIs: 'worse' },
  ],
  arms: [...arms, ...withMlps],
  claims: [...controls, ...questions],
  profiles: {
    quick: { arms: arms.map(({ name }) => name), blocks: 12 },
    standard: { arms: [...withMlps.map(({ name }) => name), 'untrained', 'untrained-relations'], blocks: 8 },
  },
});
