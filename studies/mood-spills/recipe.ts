/**
 * One run: genes evolve in the ecology of the arm; on the way the parent of a generation lives lives of its own, in which it is
 * seen whether the hungry fight more than the fed, and what a gift changes that has nothing to do with contests.
 * The forager and its tuned mood are shared steps, the same for all blocks.
 */
import { isJsonObject, type JsonObject, type Recipe, rngOf } from 'assay';
import { configReader } from 'assay/learn';
import type { Being } from 'assay/studies/mood-and-planning/forager.ts';
import { plansOf } from 'assay/studies/mood-and-planning/planner.ts';
import { type Mind, tuned } from 'assay/studies/mood-and-planning/tuning.ts';
import { drawLuck } from 'assay/studies/mood-and-planning/world.ts';

import {
  addedByGift,
  type Contested,
  contested,
  type Ecology,
  fieldOf,
  fightRate,
  foughtOn,
  type Genes,
  isApart,
  type Scale,
  type Sense,
  STAKES,
} from './contests.ts';
import { evolved, fitnessOf, NO_GENES } from './evolve.ts';

const PEACE: Ecology = { stake: 'apart', rho: 0, elsewhere: false };
const OUTCOMES = ['grumpiness', 'spill', 'coupling', 'fitness', 'fights'] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

/** What a forager may read before it fights; `season` is what nobody can see. */
const READS = {
  nothing: [],
  mood: ['mood'],
  'mood and belief': ['mood', 'belief'],
  season: ['season'],
} as const satisfies Readonly<Record<string, readonly Sense[]>>;
const READINGS = ['nothing', 'mood', 'mood and belief', 'season'] as const;

/** A planner without horizon that remembers nothing and rests beyond it: the mood is its only memory. */
const PLANNER = { depth: 2048, leaf: 'rest', memory: 'none' } as const;
/** Lives on which the mood is standardised, without any contest. */
const SCALED_LIVES = 4000;
/** The gift comes at this step; contests are counted for so many steps. */
const GIFT = { step: 10, within: 10 };
/** How often the parent of a generation is looked at. */
const LOOKS = 8;

/** Everything that does not depend on the arm's ecology. */
interface Forager {
  readonly being: Being;
  readonly scale: Scale;
}

export const moodSpills: Recipe = {
  name: 'mood-spills',
  semanticsVersion: 1,
  defaults: {
    rho: 0,
    stake: 'apart',
    elsewhere: false,
    reads: 'mood',
    mirrored: false,
    generations: 40,
    lives: 40,
    measuredLives: 1500,
    tuningSeed: 9001,
  },
  measurePaths: [],
  gives: () => ({ axes: ['generation'], outcomes: OUTCOMES }),
  check: (config) => void readWorld(config),
  async run({ config, block, record, shared }) {
    const { measuredLives, tuningSeed, ...world } = readWorld(config);
    const plan = await shared('plan', PLANNER, async () => {
      const { scores = new Float64Array() } = plansOf([PLANNER.depth], PLANNER.leaf).get(PLANNER.depth) ?? {};
      return new Uint8Array(scores.buffer);
    });
    // A copy: the bytes may lie anywhere in their buffer.
    const mind = { scores: new Float64Array(plan.slice().buffer), memory: PLANNER.memory };
    const moody = await shared('mood', { ...PLANNER, tuningSeed, lives: SCALED_LIVES }, async () =>
      new TextEncoder().encode(JSON.stringify(moodOf(mind, tuningSeed))),
    );
    const forager = foragerOf(mind, moody);
    const look = looker(forager, world, luckOf(block, measuredLives, world.mirrored));
    let generation = 0;
    for (const genes of evolved({ ...forager, ...world }, rngOf(block, 'evolution'))) {
      if (generation % Math.ceil(world.generations / LOOKS) === 0 || generation === world.generations) {
        record({ step: generation, axes: { generation }, outcomes: look(genes) });
      }
      generation++;
    }
    return { kind: 'finished' };
  },
};

function luckOf(block: number, lives: number, mirrored: boolean) {
  const words = (name: string): Uint32Array => drawLuck(rngOf(block, name), lives);
  return { lives: words('lives'), contests: words('contests'), mirrored };
}

/** Looks at genes on the same lives, without and with a gift; those with a stake apart are walked once. */
function looker(
  { being, scale }: Forager,
  world: { readonly ecology: Ecology; readonly mirrored: boolean },
  luck: ReturnType<typeof luckOf>,
): (genes: Genes) => Readonly<Record<OutcomeName, number>> {
  const { ecology } = world;
  const livedWith = (gift: boolean): ((genes: Genes) => Contested) => {
    const window = { ...GIFT, gift };
    if (!isApart(ecology)) return (genes) => contested(being, genes, ecology, scale, luck, window);
    const field = fieldOf(being, ecology, luck, window);
    return (genes) => foughtOn(field, genes, scale, window);
  };
  const [without, withGift] = [livedWith(false), livedWith(true)];
  return (genes) => seenIn(genes, world, without(genes), withGift(genes));
}

function seenIn(
  genes: Genes,
  { ecology, mirrored }: { readonly ecology: Ecology; readonly mirrored: boolean },
  without: Contested,
  withGift: Contested,
): Readonly<Record<OutcomeName, number>> {
  const { hungry, fed } = without;
  return {
    grumpiness: fightRate(hungry) - fightRate(fed),
    spill: addedByGift(withGift.window, without.window),
    // In a mirrored world every sign is read the other way round. Zero has one sign.
    coupling: (mirrored ? -genes.mood : genes.mood) + 0,
    fitness: fitnessOf(without, ecology),
    fights: (hungry.fights + fed.fights) / Math.max(1, hungry.contests + fed.contests),
  };
}

/** The tuned mood as JSON keeps it, to the last bit, and how the mood varies under it. */
function moodOf(mind: Mind, tuningSeed: number): JsonObject {
  const { mood } = tuned(mind, rngOf(tuningSeed, `${PLANNER.leaf} ${PLANNER.depth} ${PLANNER.memory}`));
  const luck = {
    lives: drawLuck(rngOf(tuningSeed, 'lives'), SCALED_LIVES),
    contests: drawLuck(rngOf(tuningSeed, 'contests'), SCALED_LIVES),
  };
  const { scale } = contested({ ...mind, ...mood, scale: 1 }, NO_GENES, PEACE, { mean: 0, sd: 1 }, luck);
  return { dials: { ...mood }, scale: { ...scale } };
}

function foragerOf(mind: Mind, moody: Uint8Array): Forager {
  const all: unknown = JSON.parse(new TextDecoder().decode(moody));
  const reader = configReader(isJsonObject(all) ? all : {}, 'mood');
  const [dials, scale] = [reader.object('dials'), reader.object('scale')];
  return {
    being: { ...mind, g0: dials.number('g0'), g1: dials.number('g1'), rate: dials.number('rate'), scale: 1 },
    scale: { mean: scale.number('mean'), sd: scale.number('sd') },
  };
}

function readWorld(config: JsonObject) {
  const top = configReader(config);
  const whole = { min: 1, max: 1e6, integer: true };
  const world = {
    ecology: {
      rho: top.number('rho', { min: -1, max: 1 }),
      stake: top.oneOf('stake', STAKES),
      elsewhere: top.boolean('elsewhere'),
    },
    senses: READS[top.oneOf('reads', READINGS)],
    mirrored: top.boolean('mirrored'),
    generations: top.number('generations', whole),
    lives: top.number('lives', whole),
    measuredLives: top.number('measuredLives', whole),
    tuningSeed: top.number('tuningSeed', { min: 0, integer: true }),
  };
  top.done();
  return world;
}
