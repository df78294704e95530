/**
 * Question 7: what does superposition say about LoRA? In a toy model whose features are known, interference on features that a task
 * does not touch, at equal task loss, over rank, D/d, sparsity, the number of touched features and the scale A starts at, against
 * what linear algebra predicts. Rates and levels were chosen on blocks 101 and 102, which are not reported (LOG.md).
 */
import {
  ADAMW_DEFAULTS,
  type ArmInput,
  type Claim,
  defineStudy,
  type Json,
  type JsonObject,
  type StudyMap,
  trendOver,
} from 'assay';

import { superpositionRecipe } from './recipe.ts';

const LEVELS = [0.1, 0.01];
const MATCHED = 0.01;
const ADAM = { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 }, learningRate: 3e-3 };
const BESIDE = { 'world.task': 'beside' };
const STREAM = { 'world.read': 'stream' };

type Stand = Readonly<Record<string, Json>>;

function full(name: string, label: string, set: JsonObject, at?: Stand): ArmInput {
  return { name, label: `full, ${label}`, set, ...(at && { at: { method: 'full', ...at } }) };
}

function lora(name: string, label: string, set: JsonObject, at?: Stand): ArmInput {
  return {
    name,
    label: `LoRA, ${label}`,
    set: { 'world.method': 'lora', ...set },
    ...(at && { at: { method: 'LoRA', ...at } }),
  };
}

const DIMENSIONS = 40;
const [RANK, TOUCHED, SCALE, RATIO, PROBABILITY] = [8, 5, 1, 5, 0.02];
const COUNTS = [1, 2, 5, 10, 20];
/** Over D/d and sparsity LoRA has a rank that no task of the map exceeds. */
const WIDE = 32;

/** Every cell of the maps: (m, r, c, D/d, p) with what the cell says of itself; cells of several maps are one arm. */
interface Cell {
  readonly m?: number;
  readonly r?: number;
  readonly c?: number;
  readonly ratio?: number;
  readonly p?: number;
  /** On the maps over D/d and p, where the rank is 32 and no factor. */
  readonly wide?: boolean;
}

function cellName(
  method: string,
  { wide = false, m = TOUCHED, r = wide ? WIDE : RANK, c = SCALE, ratio = RATIO, p = PROBABILITY }: Cell,
): string {
  const parts = [m !== TOUCHED && `m${m}`, r !== RANK && `r${r}`, c !== SCALE && `c${c}`];
  return [method, ...parts, ratio !== RATIO && `ratio${ratio}`, p !== PROBABILITY && `p${p}`].filter(Boolean).join('-');
}

/** A rank below m makes B and A long where it misses; a long A makes steps along B long (LOG.md). */
function paceOf(r: number, m: number, c: number): JsonObject {
  if (r < m) return { learningRate: 0.02, probeEvery: 10 };
  return c > 1 ? { learningRate: 0.01 } : {};
}

function cellSet({
  wide = false,
  m = TOUCHED,
  r = wide ? WIDE : RANK,
  c = SCALE,
  ratio = RATIO,
  p = PROBABILITY,
}: Cell): JsonObject {
  return {
    'world.touched': m,
    'world.rank': r,
    'world.scale': c,
    'world.features': Math.round(ratio * DIMENSIONS),
    'world.probability': p,
  };
}

function cellLabel({ wide = false, m = TOUCHED, r = wide ? WIDE : undefined, c, ratio, p }: Cell): string {
  const parts = [r && `r = ${r}`, c && `c = ${c}`, ratio && `D/d = ${ratio}`, p && `p = ${p}`];
  return [`m = ${m}`, ...parts].filter(Boolean).join(', ');
}

/** Arms of many cells, each once, standing everywhere its cells say. */
function armsOf(method: 'full' | 'lora', cells: readonly Cell[]): readonly ArmInput[] {
  const arms = new Map<string, ArmInput>();
  for (const cell of cells) {
    const name = cellName(method, cell);
    const { ratio, wide = false, ...rest } = cell;
    const at = { ...arms.get(name)?.at, ...rest, ...(ratio !== undefined && { 'D/d': ratio }) };
    const label = cellLabel(cell);
    const pace = paceOf(cell.r ?? (wide ? WIDE : RANK), cell.m ?? TOUCHED, cell.c ?? SCALE);
    const arm =
      method === 'full' ? full(name, label, cellSet(cell), at) : lora(name, label, { ...cellSet(cell), ...pace }, at);
    arms.set(name, arm);
  }
  return [...arms.values()];
}

const cross = <A, B>(as: readonly A[], bs: readonly B[]): readonly (readonly [A, B])[] =>
  as.flatMap((a) => bs.map((b) => [a, b] as const));
const overRatio = cross([1.2, 2, 5, 10], COUNTS).map(([ratio, m]): Cell => ({ ratio, m }));
const overSparsity = cross([0.005, 0.02, 0.1], [1, 5, 20]).map(([p, m]): Cell => ({ p, m }));
const overRank = cross([1, 2, 4, 8, 16, 32], COUNTS).map(([r, m]): Cell => ({ r, m }));
const overScale = cross([0.1, 0.3, 1, 3], [4, 8, 16, 32]).map(([c, r]): Cell => ({ c, r }));

const fulls = armsOf('full', [...overRatio, ...overSparsity]);
const wide = [...overRatio, ...overSparsity].map((cell) => ({ ...cell, wide: true }));
const loras = armsOf('lora', [...wide, ...overRank, ...overScale]);

const special: readonly ArmInput[] = [
  full('full-m9', 'm = 9', { 'world.touched': 9 }),
  { ...full('full-again', 'm = 5, other blocks', cellSet({})), seedOffset: 1000 },
  { ...lora('lora-again', 'm = 5, r = 8, other blocks', cellSet({})), seedOffset: 1000 },
  lora('lora-c0.03', 'c = 0.03', { 'world.scale': 0.03 }),
  lora('lora-m1-c0.03', 'm = 1, c = 0.03', { 'world.touched': 1, 'world.scale': 0.03 }),
  full('full-random', 'random W, read in the stream', { ...STREAM, 'world.base': 'random' }),
  full('full-stream', 'read in the stream', STREAM),
  lora('lora-stream', 'read in the stream', STREAM),
  lora('lora-stream-r4', 'r = 4, read in the stream', { ...STREAM, 'world.rank': 4, ...paceOf(4, TOUCHED, SCALE) }),
  ...[16, 32].map((rank) => ({
    name: `frozen-r${rank}`,
    label: `frozen A, r = ${rank}, read in the stream`,
    // The curve is of the least B, which small singular values of A W reach last: read at the end, not at .01 (LOG.md).
    set: { ...STREAM, 'world.method': 'frozen', 'world.rank': rank, steps: 3000, stopBelow: 1e-5 },
  })),
  full('full-adam', 'Adam', ADAM),
  lora('lora-adam', 'Adam', { 'world.method': 'lora', ...ADAM }),
  full('full-reroute', 're-routing', { 'world.task': 'reroute' }),
  lora('lora-reroute', 're-routing', { 'world.task': 'reroute' }),
  full('full-beside', 're-routing beside the target', BESIDE),
  lora('lora-beside', 're-routing beside the target', BESIDE),
  full('full-beside-stream', 're-routing beside the target, read in the stream', { ...BESIDE, ...STREAM }),
  lora('lora-beside-stream', 're-routing beside the target, read in the stream', { ...BESIDE, ...STREAM }),
  full('full-reroute-stream', 're-routing, read in the stream', { 'world.task': 'reroute', ...STREAM }),
  lora('lora-reroute-stream', 're-routing, read in the stream', { 'world.task': 'reroute', ...STREAM }),
];
const arms = [...fulls, ...loras, ...special];

const crossed = (levels: readonly number[] = [MATCHED]) => ({ kind: 'crossed', axis: 'task', levels }) as const;
const THEORY = { kind: 'outcome', outcome: 'theory' } as const;
const LINE = { kind: 'value', value: 1, label: 'its line' } as const;
const against = (arm: string): Claim['against'] => ({ kind: 'arm', arm });
const question = (
  name: string,
  part: Pick<Claim, 'arm' | 'against'>,
  outcome = 'interference',
  at: Claim['at'] = crossed(),
): Claim => ({ name, ...part, at, outcomes: [outcome], asks: { kind: 'question' } });
const known = (
  name: string,
  part: Pick<Claim, 'arm' | 'against'>,
  outcome = 'interference',
  expect: Extract<Claim['asks'], { kind: 'control' }> = { kind: 'control', expect: 'agrees' },
): Claim => ({ ...question(name, part, outcome), asks: expect });
const ABOVE = { kind: 'control', expect: 'differs', direction: 'above' } as const;

const controls: readonly Claim[] = [
  known('one feature, full: kappa/d', { arm: 'full-m1', against: LINE }, 'relative'),
  known('random W: m/d', { arm: 'full-random', against: THEORY }),
  { ...known('a frozen A has its curve', { arm: 'frozen-r32', against: THEORY }), at: { kind: 'end' } },
  known('LoRA from a small A is full', { arm: 'lora-c0.03', against: against('full') }),
  known('LoRA from a small A is full, one feature', { arm: 'lora-m1-c0.03', against: against('full-m1') }, 'relative'),
  known('A/A, full', { arm: 'full-again', against: against('full') }),
  known('A/A, LoRA', { arm: 'lora-again', against: against('lora') }),
  // Of one to two deltas: .063 by the line, some .05 on the scouting blocks.
  known('nine features interfere more than five', { arm: 'full-m9', against: against('full') }, 'interference', ABOVE),
  {
    ...known(
      'a rank below m misses the target',
      { arm: 'lora-stream-r4', against: { kind: 'value', value: MATCHED, label: 'the target' } },
      'left',
      ABOVE,
    ),
    at: { kind: 'end' },
  },
];

const ofLora = (names: readonly string[]): readonly ArmInput[] => loras.filter(({ name }) => names.includes(name));
const OF_LINE = [
  'lora',
  'lora-m1',
  'lora-r32',
  'lora-m20-r32',
  'lora-c0.3',
  'lora-c3',
  'lora-r32-ratio1.2',
  'lora-r32-ratio10',
  'lora-stream',
  'lora-reroute-stream',
];
const questions: readonly Claim[] = [
  ...[2, 5, 10, 20].map((m) =>
    question(`full, m = ${m}: the line`, { arm: cellName('full', { m }), against: LINE }, 'relative'),
  ),
  ...[1.2, 2, 10].map((ratio) =>
    question(`full, D/d = ${ratio}: the line`, { arm: cellName('full', { ratio }), against: LINE }, 'relative'),
  ),
  question('LoRA against full', { arm: 'lora', against: against('full') }, 'interference', crossed(LEVELS)),
  question('LoRA against full, at the outputs', { arm: 'lora', against: against('full') }, 'outputs', crossed(LEVELS)),
  ...[1, 20].map((m) =>
    question(`LoRA against full, m = ${m}`, {
      arm: cellName('lora', { m, wide: true }),
      against: against(cellName('full', { m })),
    }),
  ),
  ...[1.2, 2, 10].map((ratio) =>
    question(`LoRA against full, D/d = ${ratio}`, {
      arm: cellName('lora', { ratio, wide: true }),
      against: against(cellName('full', { ratio })),
    }),
  ),
  ...OF_LINE.map((arm) => question(`${arm}: the line of LoRA`, { arm, against: THEORY })),
  question(
    'LoRA over D/d',
    trendOver(ofLora([1.2, 2, 5, 10].map((ratio) => cellName('lora', { ratio, wide: true }))), 'D/d', { scale: 'log' }),
  ),
  question('LoRA over rank', trendOver(ofLora(['lora', 'lora-r16', 'lora-r32']), 'r', { scale: 'log' })),
  question('LoRA over c', trendOver(ofLora(['lora-c0.1', 'lora-c0.3', 'lora', 'lora-c3']), 'c', { scale: 'log' })),
  ...[0.005, 0.1].map((p) =>
    question(`LoRA against full, p = ${p}`, {
      arm: cellName('lora', { p, wide: true }),
      against: against(cellName('full', { p })),
    }),
  ),
  question('a frozen A of rank 16', { arm: 'frozen-r16', against: THEORY }, 'interference', { kind: 'end' }),
  question('read in the stream: LoRA against full', { arm: 'lora-stream', against: against('full-stream') }),
  question('Adam against SGD, full', { arm: 'full-adam', against: against('full') }),
  question('Adam: LoRA against full', { arm: 'lora-adam', against: against('full-adam') }),
  question('re-routing: LoRA against full', { arm: 'lora-reroute', against: against('full-reroute') }),
  question('re-routing in the stream: LoRA against full', {
    arm: 'lora-reroute-stream',
    against: against('full-reroute-stream'),
  }),
  question('re-routing beside the target: LoRA against full', { arm: 'lora-beside', against: against('full-beside') }),
  question('re-routing beside the target, in the stream: LoRA against full', {
    arm: 'lora-beside-stream',
    against: against('full-beside-stream'),
  }),
  question('re-routing beside the target, in the stream: the line', { arm: 'full-beside-stream', against: THEORY }),
  question('re-routing in the stream: the line', { arm: 'full-reroute-stream', against: THEORY }),
];

const map = (name: string, label: string, x: string, y: string, rest: Partial<StudyMap>): StudyMap => ({
  name,
  label: `${label}, task loss ${MATCHED}`,
  x,
  y,
  outcome: 'interference',
  at: crossed(),
  ...rest,
});
const only = (value: string): Pick<StudyMap, 'only'> => ({ only: { factor: 'method', value } });

const SMOOTH = {
  kind: 'none',
  because:
    'it is a mean of squares over all features, smooth in W and A; blocks differ by W, the touched features and A alone',
} as const;

export default defineStudy({
  name: 'superposition',
  question: 'Should one be more or less surprised that LoRA works if superposition is true?',
  scope: 'a ReLU toy model of 48 to 400 sparse features in 40 dimensions, a task that changes m features one at a time',
  recipe: superpositionRecipe(),
  // LoRA's line was found after blocks 0 to 7 had been seen; all arms were then run on others (LOG.md).
  set: { seed: 2000 },
  matchOn: [
    {
      name: 'task',
      label: "the task's loss",
      role: 'train',
      unit: 'fraction of the loss before finetuning',
      levels: LEVELS,
      maxGap: 0.9,
      direction: 'falls',
    },
  ],
  outcomes: [
    {
      name: 'interference',
      label: 'squared change of untouched features, against touched ones',
      unit: 'ratio',
      delta: 0.03,
      higherIs: 'worse',
      role: 'confirmatory',
      jumps: SMOOTH,
    },
    {
      name: 'relative',
      label: 'interference over the line of full finetuning',
      unit: 'times',
      delta: 0.25,
      higherIs: 'worse',
      role: 'confirmatory',
      jumps: SMOOTH,
    },
    {
      name: 'outputs',
      label: 'interference at the outputs, behind the ReLU',
      unit: 'ratio',
      delta: 0.02,
      higherIs: 'worse',
      role: 'confirmatory',
      jumps: SMOOTH,
    },
    { name: 'theory', label: "the line of the arm's method", unit: 'ratio', delta: 0.03, role: 'exploratory' },
    {
      name: 'left',
      label: 'task loss left',
      unit: 'fraction of the loss before finetuning',
      delta: 0.02,
      role: 'confirmatory',
    },
    { name: 'represented', label: 'features that are represented', unit: 'fraction', delta: 0.05, role: 'exploratory' },
  ],
  arms,
  claims: [...controls, ...questions],
  maps: [
    map('rank-touched', 'LoRA (c = 1), with its line', 'r', 'm', {
      ...only('LoRA'),
      theory: 'theory',
    }),
    map('ratio-touched-full', 'full, with its line', 'D/d', 'm', { ...only('full'), theory: 'theory' }),
    map('ratio-touched-lora', 'LoRA (r = 32, c = 1), with its line', 'D/d', 'm', {
      ...only('LoRA'),
      theory: 'theory',
    }),
    map('scale-rank', 'LoRA (m = 5), with its line', 'c', 'r', { ...only('LoRA'), theory: 'theory' }),
    map('sparsity-touched', 'LoRA (r = 32, c = 1), at the outputs', 'p', 'm', { ...only('LoRA'), outcome: 'outputs' }),
  ],
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 16 } },
});
