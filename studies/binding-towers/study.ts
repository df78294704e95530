/**
 * Question 6, in house: which choice makes two towers bind attributes, on pairs of colour and shape that were seen and on pairs that
 * were not? The first question is whether swaps in the batch, or swapped captions as negatives, help held-out pairs. Settings, levels
 * and arms were chosen on blocks from 101 on, which are not reported (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, type JsonObject, type StudyMap, trendOver } from 'assay';

import { DEPTH_OUTCOMES, OUTCOMES } from './evaluation.ts';
import { bindingTowersRecipe } from './recipe.ts';

const LEVELS = [1.1, 0.85];

const SWAPS = 'swaps in the batch';
const BATCH = 'batch size';
const COLOURLESS = 'colours left out';
const COLOURS = 'colours';
const SHAPES = 'shapes';
const STD = 'text std';
const SCALE = 'sigmoid scale';
const BIAS = 'sigmoid bias';

/** A cell of the maps: what it sets; arms that several maps share stand on all of their factors. */
interface Cell {
  readonly swaps?: number;
  readonly batch?: number;
  readonly colourless?: number;
  readonly colours?: number;
  readonly shapes?: number;
  readonly std?: number;
}
const PLAIN = { swaps: 0, batch: 32, colourless: 0, colours: 6, shapes: 6, std: 0.3 } as const satisfies Cell;

/** Of every setting its words in names and labels, its path and its factor. */
const SETTINGS = {
  swaps: [
    'swaps',
    (x: number) => (x === 1 ? 'every scene beside its swap' : `${x} of scenes beside their swaps`),
    'batch.swapsFraction',
    SWAPS,
  ],
  batch: ['batch', (x: number) => `batches of ${x}`, 'batch.size', BATCH],
  colourless: [
    'colourless',
    (x: number) => `${x} of colour words left out`,
    'scenes.captions.colourlessFraction',
    COLOURLESS,
  ],
  colours: ['colours', (x: number) => `${x} colours`, 'scenes.colours', COLOURS],
  shapes: ['shapes', (x: number) => `${x} shapes`, 'scenes.shapes', SHAPES],
  std: ['std', (x: number) => `text init of std ${x}`, 'towers.textStd', STD],
} as const;
const NAMES = ['swaps', 'batch', 'colourless', 'colours', 'shapes', 'std'] as const;

function nameOf(cell: Cell): string {
  const parts = NAMES.flatMap((name) => {
    const value = cell[name];
    return value === undefined || value === PLAIN[name] ? [] : [`${SETTINGS[name][0]}-${value}`];
  });
  return parts.length === 0 ? 'plain' : parts.join('-');
}

function armOf(cell: Cell, factors: readonly (typeof NAMES)[number][]): ArmInput {
  const changed = NAMES.filter((name) => cell[name] !== undefined && cell[name] !== PLAIN[name]);
  const valueOf = (name: (typeof NAMES)[number]): number => cell[name] ?? PLAIN[name];
  const words = changed.map((name) => SETTINGS[name][1](valueOf(name)));
  return {
    name: nameOf(cell),
    label: words.length === 0 ? 'plain contrastive' : words.join(', '),
    set: Object.fromEntries(changed.map((name) => [SETTINGS[name][2], valueOf(name)])),
    at: Object.fromEntries(factors.map((name) => [SETTINGS[name][3], valueOf(name)])),
  };
}

/** Arms of several maps, each once, standing on the factors of all of them. */
function merged(arms: readonly ArmInput[]): readonly ArmInput[] {
  const byName = Map.groupBy(arms, ({ name }) => name);
  return [...byName.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [{ ...first, at: Object.assign({}, first.at, ...rest.map(({ at }) => at)) }],
  );
}

const cross = <A, B>(as: readonly A[], bs: readonly B[]): readonly (readonly [A, B])[] =>
  as.flatMap((a) => bs.map((b) => [a, b] as const));
const SHARES = [0, 0.25, 0.5, 1];
const overBatch = cross(SHARES, [8, 16, 32, 64]).map(([swaps, batch]) => armOf({ swaps, batch }, ['swaps', 'batch']));
const overWords = cross([0, 1], [0, 0.25, 0.5, 0.75]).map(([swaps, colourless]) =>
  armOf({ swaps, colourless }, ['swaps', 'colourless']),
);
const overAttributes = cross([4, 6, 8], [4, 6, 8]).map(([colours, shapes]) =>
  armOf({ colours, shapes }, ['colours', 'shapes']),
);
const overStd = cross([0, 1], [0.02, 0.1, 0.3, 1]).map(([swaps, std]) => armOf({ swaps, std }, ['swaps', 'std']));
const cells = merged([...overBatch, ...overWords, ...overAttributes, ...overStd]);

const own = (name: string, label: string, set: JsonObject, rest: Partial<ArmInput> = {}): ArmInput => ({
  name,
  label,
  set,
  ...rest,
});
const NEGATIVES = { 'batch.negatives': 'swapped' };
const sigmoid = (bias: number, scale: number): ArmInput =>
  own(
    `sigmoid${bias}-scale-${scale}`,
    `sigmoid loss, bias ${bias}, scale ${scale}`,
    { 'loss.kind': 'sigmoid', 'loss.bias': bias, 'loss.scale': scale },
    { at: { [BIAS]: bias, [SCALE]: scale } },
  );
const sigmoids = cross([-10, -4, -1], [5, 10]).map(([bias, scale]) => sigmoid(bias, scale));
const others: readonly ArmInput[] = [
  own('negatives', 'swapped captions as negatives', NEGATIVES),
  own('negatives-colourless-0.5', 'swapped captions as negatives, 0.5 of colours left out', {
    ...NEGATIVES,
    'scenes.captions.colourlessFraction': 0.5,
  }),
  own('left-of', 'captions that say “left of”', { 'scenes.captions.grammar': 'leftOf' }),
  own('untrained', 'random towers', {
    steps: 1,
    learningRate: 0,
    schedule: { kind: 'constant', warmupSteps: 0 },
  }),
  own('ceiling', 'all pairs shown, swapped captions as negatives, 1000 steps', {
    ...NEGATIVES,
    'batch.pairs': 'any',
    steps: 1000,
  }),
  own('labels-alone', 'labels of binding alone', { ...NEGATIVES, 'loss.kind': 'binding' }),
  own('plain-again', 'plain contrastive, other blocks', {}, { seedOffset: 1000 }),
];
const arms = [...cells, ...others, ...sigmoids];

const END = { kind: 'end' } as const;
const CROSSED = { kind: 'crossed', axis: 'natural' } as const;
const depths = (...levels: readonly number[]) => ({ kind: 'given', axis: 'depth', label: 'depth', levels }) as const;
const [EMBEDDINGS, SHARED] = [0, 3];
const CHANCE = { kind: 'value', value: 0.5, label: 'chance' } as const;
const arm = (name: string): Claim['against'] => ({ kind: 'arm', arm: name });
const outcome = (name: string): Claim['against'] => ({ kind: 'outcome', outcome: name });
type Name = (typeof OUTCOMES)[number] | (typeof DEPTH_OUTCOMES)[number];
const asked = (
  name: string,
  armName: string,
  against: Claim['against'],
  outcomes: readonly Name[],
  at: Claim['at'] = END,
): Claim => ({ name, arm: armName, against, at, outcomes, asks: { kind: 'question' } });
const known = (claim: Claim, expect: 'agrees' | 'identical' | 'differs'): Claim => ({
  ...claim,
  asks: { kind: 'control', expect, ...(expect === 'differs' && { direction: 'above' }) },
});

const controls: readonly Claim[] = [
  known(
    asked(
      'right after the embeddings nothing is bound',
      'plain',
      CHANCE,
      ['seenCosine', 'heldCosine'],
      depths(EMBEDDINGS),
    ),
    'identical',
  ),
  known(
    asked('nor is it with swaps', nameOf({ swaps: 1 }), CHANCE, ['seenCosine', 'heldCosine'], depths(EMBEDDINGS)),
    'identical',
  ),
  known(
    asked(
      'nothing is there to be read',
      'plain',
      CHANCE,
      ['imageProbe', 'heldImageProbe', 'textProbe'],
      depths(EMBEDDINGS),
    ),
    'agrees',
  ),
  known(asked('random towers bind nothing', 'untrained', CHANCE, ['seen', 'held']), 'agrees'),
  known(asked('shown all pairs and told what is swapped, it binds', 'ceiling', CHANCE, ['seen', 'held']), 'differs'),
  known(asked('A/A, other blocks', 'plain-again', arm('plain'), ['seen']), 'agrees'),
];

const [SWAPPED, INCOMPLETE, BAG] = [nameOf({ swaps: 1 }), nameOf({ colourless: 0.5 }), nameOf({ std: 0.02 })];
const both = ['seen', 'held'] as const;
const questions: readonly Claim[] = [
  asked('swaps in the batch', SWAPPED, arm('plain'), both),
  asked('swaps in the batch, at equal loss', SWAPPED, arm('plain'), both, CROSSED),
  asked('swapped captions as negatives', 'negatives', arm('plain'), both),
  asked('swapped captions as negatives, at equal loss', 'negatives', arm('plain'), both, CROSSED),
  asked('swaps against negatives', SWAPPED, arm('negatives'), both),
  asked('is plain contrastive training bound?', 'plain', CHANCE, both, CROSSED),
  asked('is plain contrastive training bound, at the end?', 'plain', CHANCE, both),
  ...['plain', SWAPPED, 'negatives'].map((name) =>
    asked(`held-out pairs as well as seen ones? ${name}`, name, outcome('seen'), ['held']),
  ),
  asked('incomplete captions: the cosine', INCOMPLETE, CHANCE, both),
  asked('incomplete captions', INCOMPLETE, arm('plain'), both),
  asked(
    'incomplete captions: what each tower knows',
    INCOMPLETE,
    CHANCE,
    ['imageProbe', 'heldImageProbe', 'textProbe', 'heldTextProbe'],
    depths(SHARED),
  ),
  asked(
    'incomplete captions: does a linear map repair it?',
    INCOMPLETE,
    outcome('heldCosine'),
    ['heldMapped'],
    depths(SHARED),
  ),
  asked('plain: does a linear map repair it?', 'plain', outcome('heldCosine'), ['heldMapped'], depths(SHARED)),
  asked('text init of std 0.02', BAG, arm('plain'), both),
  asked('text init of std 0.02: is it bound?', BAG, CHANCE, both),
  asked('“left of”: the swap', 'left-of', CHANCE, both),
  asked('“left of”: colour at a place is not binding', 'left-of', outcome('seen'), ['seenMirror']),
  asked('placeless: colour at a place is not binding', 'plain', outcome('seen'), ['seenMirror']),
  asked('the sigmoid loss', 'sigmoid-10-scale-10', CHANCE, both),
  asked('the cosine by depth', 'plain', CHANCE, ['seenCosine', 'heldCosine'], depths(1, 2, SHARED)),
  asked('images alone by depth', 'plain', CHANCE, ['imageProbe', 'heldImageProbe', 'imagePlace'], depths(1, 2, SHARED)),
  asked('captions alone by depth', 'plain', CHANCE, ['textProbe', 'heldTextProbe'], depths(1, 2, SHARED)),
  asked('images alone: random towers', 'untrained', CHANCE, ['imageProbe', 'heldImageProbe'], depths(1, 2, SHARED)),
  asked('images alone: training', 'plain', arm('untrained'), ['imageProbe', 'heldImageProbe'], depths(SHARED)),
  asked(
    'incomplete captions: images alone, against random towers',
    INCOMPLETE,
    arm('untrained'),
    ['imageProbe', 'heldImageProbe'],
    depths(SHARED),
  ),
  asked('swaps cannot mend incomplete captions?', nameOf({ swaps: 1, colourless: 0.5 }), CHANCE, both),
  asked('labels of binding alone', 'labels-alone', CHANCE, both),
];

/** Asked of all arms of a map: only where all of them were run. */
const trend = (name: string, over: readonly ArmInput[], factor: string, scale: 'linear' | 'log' = 'linear'): Claim => ({
  name,
  ...trendOver(over, factor, { scale }),
  at: END,
  outcomes: both,
  asks: { kind: 'question' },
});
const named = (...names: readonly string[]): readonly ArmInput[] => arms.filter(({ name }) => names.includes(name));
const trends: readonly Claim[] = [
  trend('over the share of swaps', named(...SHARES.map((swaps) => nameOf({ swaps }))), SWAPS),
  trend('over batch size', named(...[8, 16, 32, 64].map((batch) => nameOf({ batch }))), BATCH, 'log'),
  trend(
    'over colours left out',
    named(...[0, 0.25, 0.5, 0.75].map((colourless) => nameOf({ colourless }))),
    COLOURLESS,
  ),
  trend(
    'over colours left out, with swaps',
    named(...[0, 0.25, 0.5, 0.75].map((colourless) => nameOf({ swaps: 1, colourless }))),
    COLOURLESS,
  ),
  trend('over colours', named(...[4, 6, 8].map((colours) => nameOf({ colours }))), COLOURS),
  trend('over shapes', named(...[4, 6, 8].map((shapes) => nameOf({ shapes }))), SHAPES),
  trend('over text std', named(...[0.02, 0.1, 0.3, 1].map((std) => nameOf({ std }))), STD, 'log'),
];

const map = (x: string, y: string, shown: 'seen' | 'held'): StudyMap => ({
  name: `${x}-${y}-${shown}`.replaceAll(' ', '-'),
  label: `swap accuracy at the end, ${shown === 'held' ? 'held-out' : 'seen'} pairs`,
  x,
  y,
  outcome: shown,
  at: END,
});
const maps = both.flatMap((shown) => [
  map(SWAPS, BATCH, shown),
  map(COLOURLESS, SWAPS, shown),
  map(COLOURS, SHAPES, shown),
  map(STD, SWAPS, shown),
  map(BIAS, SCALE, shown),
]);

const LABELS: Readonly<Record<Name, string>> = {
  seen: 'right caption over the swapped one, seen pairs',
  held: 'right caption over the swapped one, held-out pairs',
  seenMirror: 'right image over the swap in a mirror, seen pairs',
  heldMirror: 'right image over the swap in a mirror, held-out pairs',
  captions: 'cosine of a caption and the swapped one, seen pairs',
  heldCaptions: 'cosine of a caption and the swapped one, held-out pairs',
  seenCosine: 'swap accuracy by depth, seen pairs',
  heldCosine: 'swap accuracy by depth, held-out pairs',
  heldMapped: 'swap accuracy under a linear map, held-out pairs',
  imageProbe: 'linear probe of images, seen pairs',
  heldImageProbe: 'linear probe of images, held-out pairs',
  imagePlace: 'probes of images bound to a place, seen pairs',
  textProbe: 'linear probe of captions, seen pairs',
  heldTextProbe: 'linear probe of captions, held-out pairs',
};

const QUICK = [
  'plain',
  SWAPPED,
  'negatives',
  INCOMPLETE,
  BAG,
  'left-of',
  'sigmoid-10-scale-10',
  'untrained',
  'ceiling',
  'plain-again',
];

export default defineStudy({
  name: 'binding-towers',
  question: 'Which choice makes two towers bind colour to shape, on pairs that were seen and on pairs that were not?',
  scope:
    'scenes of two coloured shapes, 28 x 16 pixels; towers of width 32 and two blocks, trained from nothing for 700 steps',
  recipe: bindingTowersRecipe(),
  matchOn: [
    {
      name: 'natural',
      label: 'contrastive loss on fresh scenes of seen pairs',
      role: 'train',
      unit: 'nats, batches of 32 without swaps',
      levels: LEVELS,
      maxGap: 0.5,
      direction: 'falls',
    },
  ],
  outcomes: [...OUTCOMES, ...DEPTH_OUTCOMES].map((name) => {
    const isCosine = name === 'captions' || name === 'heldCaptions';
    return {
      name,
      label: LABELS[name],
      unit: isCosine ? 'cosine' : 'fraction',
      delta: 0.1,
      role: isCosine ? 'exploratory' : 'confirmatory',
      ...(!isCosine && { higherIs: 'better' as const }),
    } as const;
  }),
  arms,
  claims: [...controls, ...questions, ...trends],
  maps,
  profiles: {
    quick: { arms: QUICK, blocks: 8 },
    standard: { arms: arms.map(({ name }) => name), blocks: 8 },
    // The first question alone, on blocks of its own: it was left open by the eight of the quick profile (LOG.md).
    full: {
      arms: ['plain', SWAPPED, 'negatives', 'untrained'],
      blocks: 16,
      set: { 'seeds.init': 2000, 'seeds.data': 2000 },
    },
  },
});
