/**
 * Question 9 (a) and (d): does a slow scalar mood replace planning, or memory? And what do conventions of adding happiness decide?
 * Always over the same planner with a tuned constant drive. Sizes of controls were chosen on other luck (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, interaction, type JsonObject, type StudyMap } from 'assay';

import { MEMORIES, type MemoryKind } from './forager.ts';
import { LEAVES, type Leaf } from './planner.ts';
import { ENDLESS, moodAndPlanning, type OutcomeName } from './recipe.ts';

type Drive = 'none' | 'constant' | 'mood';

const DEPTHS = [1, 4, 16, 64];
const WORDS = {
  nothing: 'nothing beyond the horizon',
  rest: 'rest beyond the horizon',
  exact: 'exact belief',
  cue: 'last cue only',
  none: 'no memory',
} as const;

const depthsOf = (leaf: Leaf): readonly number[] => (leaf === 'nothing' ? [...DEPTHS, ENDLESS] : DEPTHS);
const nameOf = (leaf: Leaf, memory: MemoryKind, depth: number, drive: Drive): string =>
  `${leaf}-${memory}-${depth}-${drive}`;

function armOf(leaf: Leaf, memory: MemoryKind, depth: number, drive: Drive, set: JsonObject = {}) {
  return {
    name: nameOf(leaf, memory, depth, drive),
    label: `${drive === 'none' ? 'no drive' : drive}, depth ${depth}, ${WORDS[memory]}, ${WORDS[leaf]}`,
    set: { 'planner.leaf': leaf, 'planner.depth': depth, memory, drive, ...set },
  };
}

const cells = LEAVES.flatMap((leaf) =>
  MEMORIES.flatMap((memory) => depthsOf(leaf).map((depth) => ({ leaf, memory, depth }))),
);
const ofCells = cells.flatMap(({ leaf, memory, depth }) =>
  (['constant', 'mood'] as const).map((drive): ArmInput => ({
    ...armOf(leaf, memory, depth, drive),
    at: { leaf, memory: MEMORIES.indexOf(memory), depth, drive },
  })),
);
const untuned = LEAVES.map((leaf) => armOf(leaf, 'exact', 1, 'none'));

/** Planners with exact belief where a little more danger costs one to two steps of life, one at each depth. */
const DANGERS: readonly (readonly [Leaf, depth: number, danger: number])[] = [
  ['rest', 1, 0.0012],
  ['rest', 4, 0.0012],
  ['rest', 16, 0.00115],
  ['rest', 64, 0.00113],
  ['nothing', ENDLESS, 0.00113],
];
const endangered = DANGERS.map(([leaf, depth, danger]) => ({
  ...armOf(leaf, 'exact', depth, 'constant', { 'place.danger': danger }),
  name: `danger-${depth}`,
  label: `danger ${danger}, depth ${depth}`,
}));

/** Two beings that read their moods, and the first of them at other scales. */
const FIRST = ['nothing', 'exact', 1, 'mood'] as const;
const SECOND = ['nothing', 'none', ENDLESS, 'mood'] as const;
const RICH = { 'place.bad': 0.15 };
const scaled = (name: string, scale: number, set: JsonObject = {}) => ({
  ...armOf(...FIRST, { scale, ...set }),
  name,
  label: `the first being, felt ${scale} times as strongly`,
});
const beings = [
  scaled('felt-1024', 1024),
  scaled('felt-1024th', 1 / 1024),
  scaled('felt-1000', 1000),
  { ...scaled('first-rich', 1, RICH), label: 'the first being, rich place' },
  { ...scaled('felt-1000-rich', 1000, RICH), label: 'the first being, felt 1000 times, rich place' },
  { ...armOf(...SECOND, RICH), name: 'second-rich', label: 'the second being, rich place' },
];

const arms: readonly ArmInput[] = [...ofCells, ...untuned, ...endangered, ...beings];

const QUESTION = { kind: 'question' } as const;
const END = { kind: 'end' } as const;
const given = (depth: number) => ({ kind: 'given', axis: 'depth', label: 'planning depth', levels: [depth] }) as const;
const against = (arm: string) => ({ kind: 'arm', arm }) as const;

/** At every cell: does a mood add to the best constant? Nothing can add to the perfect planner, which is a control. */
const gains = cells.map(({ leaf, memory, depth }): Claim => {
  const isPerfect = depth === ENDLESS && memory === 'exact';
  return {
    name: isPerfect ? 'a mood adds nothing to perfect planning' : `gain of mood: ${WORDS[memory]}, ${WORDS[leaf]}`,
    arm: nameOf(leaf, memory, depth, 'mood'),
    against: against(nameOf(leaf, memory, depth, 'constant')),
    at: given(depth),
    asks: isPerfect ? { kind: 'control', expect: 'agrees' } : QUESTION,
  };
});

/** How much the gain changes from depth 1 to 64 along the least-squares line over the depth's logarithm. */
function gainOverDepth(leaf: Leaf, memory: MemoryKind): Claim {
  const middle = (DEPTHS.length - 1) / 2;
  const squares = DEPTHS.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  const top = nameOf(leaf, memory, DEPTHS.at(-1) ?? 1, 'mood');
  const weights = DEPTHS.flatMap((depth, i) => {
    const share = ((DEPTHS.length - 1) * (i - middle)) / squares;
    const mood = nameOf(leaf, memory, depth, 'mood');
    return [[mood, (mood === top ? 1 : 0) - share] as const, [nameOf(leaf, memory, depth, 'constant'), share] as const];
  });
  return {
    name: `the gain over depth: ${WORDS[memory]}, ${WORDS[leaf]}`,
    arm: top,
    against: {
      kind: 'arms',
      weights: Object.fromEntries(weights),
      label: 'a gain that is the same from depth 1 to 64',
    },
    at: END,
    asks: QUESTION,
  };
}

/** The gain where memory alone is lacking, minus the gain where planning alone is. */
function memoryOrPlanning(leaf: Leaf): Claim {
  const deepest = depthsOf(leaf).at(-1) ?? 1;
  const [noMemory, noPlan] = [['none', deepest] as const, ['exact', 1] as const];
  return {
    name: `memory rather than planning: ${WORDS[leaf]}`,
    ...interaction(
      nameOf(leaf, ...noMemory, 'mood'),
      nameOf(leaf, ...noMemory, 'constant'),
      nameOf(leaf, ...noPlan, 'mood'),
      nameOf(leaf, ...noPlan, 'constant'),
    ),
    at: END,
    asks: QUESTION,
  };
}

const temperaments = LEAVES.map((leaf): Claim => ({
  name: `temperament alone: ${WORDS[leaf]}`,
  arm: nameOf(leaf, 'exact', 1, 'constant'),
  against: against(nameOf(leaf, 'exact', 1, 'none')),
  at: given(1),
  asks: QUESTION,
}));
const dangers = DANGERS.map(([leaf, depth]): Claim => ({
  name: 'more danger is seen',
  arm: `danger-${depth}`,
  against: against(nameOf(leaf, 'exact', depth, 'constant')),
  at: given(depth),
  asks: { kind: 'control', expect: 'differs', direction: 'below' },
}));
const scales = ['felt-1024', 'felt-1024th', 'felt-1000'].map((arm): Claim => ({
  name: `scale: ${arm}`,
  arm,
  against: against(nameOf(...FIRST)),
  at: given(1),
  // Powers of two change no bit. Other scales round differently, so that nothing is known beforehand.
  asks: arm === 'felt-1000' ? QUESTION : { kind: 'control', expect: 'identical' },
}));

const mapOf = (leaf: Leaf): StudyMap => ({
  name: `gain-${leaf}`,
  label: `mood minus constant, ${WORDS[leaf]} (memory: 0 exact belief, 1 last cue, 2 none)`,
  x: 'depth',
  y: 'memory',
  outcome: 'life',
  at: END,
  difference: { factor: 'drive', from: 'constant', to: 'mood' },
  only: { factor: 'leaf', value: leaf },
});

const described: Readonly<Record<Exclude<OutcomeName, 'life'>, readonly [label: string, unit: string]>> = {
  effort: ['effort a step', 'units of effort'],
  changed: ['decisions that another scale changed', 'fraction'],
  moodBits: ['moods that another scale changed by rounding', 'fraction'],
  raw: ['mean mood', 'its own units'],
  ranged: ['mean mood over its own range', 'share of range'],
  behaved: ['mean mood as it drives effort', 'steps a unit of effort'],
  noticed: ['mean mood in just-noticeable steps', 'noticeable steps'],
};

export default defineStudy({
  name: 'mood-and-planning',
  question: 'Does a slow scalar mood help a being that plans little, or one that remembers little?',
  scope: 'one foraging world with a hidden two-state season, exact planners of depth 1 to 64 and without horizon',
  recipe: moodAndPlanning,
  outcomes: [
    {
      name: 'life',
      label: 'length of life',
      unit: 'steps',
      delta: 1,
      higherIs: 'better',
      role: 'confirmatory',
      jumps: { kind: 'none', because: 'each run is a mean over 2,500 lives under dials that all blocks share' },
    },
    ...Object.entries(described).map(
      ([name, [label, unit]]) => ({ name, label, unit, delta: 1, role: 'exploratory' }) as const,
    ),
  ],
  arms,
  claims: [
    ...gains,
    ...LEAVES.flatMap((leaf) => MEMORIES.map((memory) => gainOverDepth(leaf, memory))),
    ...LEAVES.map(memoryOrPlanning),
    ...temperaments,
    ...dangers,
    ...scales,
  ].map((claim, i, all) => ({ ...claim, name: uniqueName(claim, i, all) })),
  maps: LEAVES.map(mapOf),
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 12 } },
});

/** A name that no other claim has: with the depth where several have one name. */
function uniqueName({ name, at }: Claim, i: number, all: readonly Claim[]): string {
  const shared = all.some((other, j) => j !== i && other.name === name);
  return shared && at.kind === 'given' ? `${name}, depth ${at.levels.join(' ')}` : name;
}
