/**
 * One run: many lives of one being at one place, under the luck of the block; what they came to, and what it felt by four conventions.
 * Plans and dials are shared steps: dials are tuned on luck of their own, once for each planner and memory, never on a block's.
 */
import { isJsonObject, type JsonObject, type Recipe, rngOf } from 'assay';
import { configReader } from 'assay/learn';

import { lived, type Lives } from './being.ts';
import { type Being, type Dials, MEMORIES } from './forager.ts';
import { BELIEFS, LEAVES, plansOf } from './planner.ts';
import { mean, tuned } from './tuning.ts';
import { drawLuck, STANDARD } from './world.ts';

/** Drives: none at all, a tuned constant, a tuned mood. */
const DRIVES = ['none', 'constant', 'mood'] as const;
/** Planning further than this changes V at the start by less than a thousandth of a step: the planner without a horizon. */
export const ENDLESS = 2048;
/** Decisions that are compared one by one, and lives on which a being's own measures of its mood are taken. */
const COMPARED = 20_000;
const MEASURED_LIVES = 400;
const NO_DRIVE: Dials = { g0: 0, g1: 0, rate: 0 };

const OUTCOMES = ['life', 'effort', 'changed', 'moodBits', 'raw', 'ranged', 'behaved', 'noticed'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

export const moodAndPlanning: Recipe = {
  name: 'mood-and-planning',
  semanticsVersion: 1,
  defaults: {
    planner: { depth: 1, leaf: 'nothing' },
    memory: 'exact',
    drive: 'mood',
    scale: 1,
    place: { bad: STANDARD.food[0], good: STANDARD.food[1], danger: STANDARD.danger },
    lives: 2500,
    tuningSeed: 9001,
  },
  measurePaths: [],
  gives: () => ({ axes: ['depth'], outcomes: OUTCOMES }),
  check: (config) => void readWorld(config),
  async run({ config, block, record, shared }) {
    const { planner, memory, drive, scale, place, lives, tuningSeed } = readWorld(config);
    const key = { ...planner, points: BELIEFS };
    const plan = await shared('plan', key, async () => {
      const { scores = new Float64Array() } = plansOf([planner.depth], planner.leaf).get(planner.depth) ?? {};
      return new Uint8Array(scores.buffer);
    });
    // A copy: the bytes may lie anywhere in their buffer.
    const mind = { scores: new Float64Array(plan.slice().buffer), memory };
    const dials = await shared('dials', { ...key, memory, tuningSeed }, async () =>
      bytesOf(tuned(mind, rngOf(tuningSeed, `${planner.leaf} ${planner.depth} ${memory}`))),
    );
    const being = { ...mind, ...(drive === 'none' ? NO_DRIVE : dialsOf(dials, drive)), scale };
    const words = drawLuck(rngOf(block, 'lives'), lives);
    const all = lived(being, place, words, lives, COMPARED);
    const plain = lived({ ...being, scale: 1 }, place, words, scale === 1 ? 0 : lives, COMPARED);
    const own = lived(
      being,
      STANDARD,
      drawLuck(rngOf(block, 'own measures'), MEASURED_LIVES),
      MEASURED_LIVES,
      COMPARED,
    );
    const outcomes = {
      life: mean(all.steps),
      effort: all.effortMean,
      ...changes(all, plain, scale),
      ...felt(all, own, being),
    };
    record({ step: 0, axes: { depth: planner.depth }, outcomes });
    return { kind: 'finished' };
  },
};

function readWorld(config: JsonObject) {
  const top = configReader(config);
  const [planner, place] = [top.object('planner'), top.object('place')];
  const chance = { min: 0, max: 1 };
  const world = {
    planner: {
      depth: planner.number('depth', { min: 1, max: ENDLESS, integer: true }),
      leaf: planner.oneOf('leaf', LEAVES),
    },
    memory: top.oneOf('memory', MEMORIES),
    drive: top.oneOf('drive', DRIVES),
    scale: top.number('scale', { min: 1e-6, max: 1e6 }),
    place: {
      food: [place.number('bad', chance), place.number('good', chance)] as const,
      danger: place.number('danger', { min: 1e-6, max: 0.5 }),
    },
    lives: top.number('lives', { min: 1, max: 1e6, integer: true }),
    tuningSeed: top.number('tuningSeed', { min: 0, integer: true }),
  };
  for (const reader of [planner, place, top]) reader.done();
  return world;
}

/** Two sets of dials as JSON bytes, which keep every bit of a number. */
function bytesOf(dials: Readonly<Record<'constant' | 'mood', Dials>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(dials));
}

function dialsOf(bytes: Uint8Array, drive: 'constant' | 'mood'): Dials {
  const all: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const reader = configReader(isJsonObject(all) ? all : {}, 'dials').object(drive);
  return { g0: reader.number('g0'), g1: reader.number('g1'), rate: reader.number('rate') };
}

/** Against the same being at scale 1: the share of decisions that differ, and of moods that are not its mood times the scale. */
function changes({ done, moods }: Lives, plain: Lives, scale: number) {
  const same = scale === 1;
  const changed = done.map((effort, i) => (same || effort === plain.done[i] ? 0 : 1));
  const moodBits = moods.map((mood, i) => (same || mood === scale * (plain.moods[i] ?? Number.NaN) ? 0 : 1));
  return { changed: mean(changed), moodBits: mean(moodBits) };
}

/**
 * Mean mood a step by four conventions: as it is; as a share of the being's own range; in what it adds to a unit of effort, in
 * steps of life; in just-noticeable steps. `own` are lives at the standard place. Without a mood all of them are 0.
 */
function felt({ moodMean }: Lives, own: Lives, { g1, scale }: Being) {
  const range = own.moodHighest - own.moodLowest;
  return {
    raw: moodMean,
    ranged: range === 0 ? 0 : moodMean / range,
    behaved: (g1 / scale) * moodMean,
    noticed: moodMean / own.noticeable,
  };
}
