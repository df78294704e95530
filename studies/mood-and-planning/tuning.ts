/**
 * Dials for a planner and a memory, by random search on luck of its own, never that of reported blocks: many candidates on few
 * lives, the best on more, then neighbours of the best. Every candidate of a round meets the same lives.
 */
import type { Rng } from 'assay/learn';

import { lived } from './being.ts';
import { type Being, type Dials } from './forager.ts';
import { drawLuck, STANDARD } from './world.ts';

/** How many are kept of those before, and on how many lives each is tried. */
interface Round {
  readonly keep: number;
  readonly lives: number;
}

const STILL: Dials = { g0: 0, g1: 0, rate: 0 };
/** Drives that are tried, as powers of ten. */
const POWERS = { lowest: -4, highest: 1.5 };
const CANDIDATES = { constant: 60, mood: 800, neighbours: 40 };
const FIRST: readonly Round[] = [
  { keep: Infinity, lives: 80 },
  { keep: 80, lives: 300 },
  { keep: 20, lives: 1000 },
  { keep: 6, lives: 3000 },
];
const LAST: readonly Round[] = [
  { keep: Infinity, lives: 800 },
  { keep: 6, lives: 6000 },
];

/** The being without dials: a planner and a memory. */
export type Mind = Pick<Being, 'scores' | 'memory'>;

/** The best constant drive, and the best mood; the constant is among the moods that are tried. */
export function tuned(mind: Mind, rng: Rng): { readonly constant: Dials; readonly mood: Dials } {
  const luck = rng.split('luck');
  const best = (candidates: readonly Dials[], rounds: readonly Round[]): Dials =>
    bestOf(mind, candidates, rounds, luck.split(`${candidates.length}`));
  const constants = Array.from({ length: CANDIDATES.constant }, (_, i): Dials => {
    const share = Math.floor(i / 2) / (CANDIDATES.constant / 2 - 1);
    const size = 10 ** (POWERS.lowest + share * (POWERS.highest - POWERS.lowest));
    return { ...STILL, g0: i % 2 === 0 ? size : -size };
  });
  const coarse = best([STILL, ...constants], FIRST);
  const near = Array.from({ length: CANDIDATES.neighbours }, () => ({ ...coarse, g0: nudged(coarse.g0, rng) }));
  const constant = best([STILL, coarse, ...near], LAST);
  const moods = Array.from({ length: CANDIDATES.mood }, () => drawnMood(constant, rng));
  const first = best(moods, FIRST);
  const neighbours = Array.from({ length: CANDIDATES.neighbours }, (): Dials => ({
    g0: nudged(first.g0, rng),
    g1: nudged(first.g1, rng),
    rate: Math.min(1, nudged(first.rate, rng)),
  }));
  return { constant, mood: best([constant, first, ...neighbours], LAST) };
}

function bestOf(mind: Mind, candidates: readonly Dials[], rounds: readonly Round[], luck: Rng): Dials {
  let left = candidates;
  for (const [round, { keep, lives }] of rounds.entries()) {
    const words = drawLuck(luck.split(`round ${round}`), lives);
    const before = left.slice(0, keep);
    const ranked = before.map((dials) => ({
      dials,
      life: mean(lived({ ...mind, ...dials, scale: 1 }, STANDARD, words).steps),
    }));
    // Equal lives keep their order: the constant, which stands first, wins a tie.
    left = ranked.toSorted((a, b) => b.life - a.life).map(({ dials }) => dials);
  }
  return left[0] ?? STILL;
}

function drawnMood({ g0 }: Dials, rng: Rng): Dials {
  const near = rng.uniform() < 0.5;
  return { g0: near ? nudged(g0, rng) : signed(rng), g1: signed(rng), rate: 10 ** (-2.3 * rng.uniform()) };
}

function signed(rng: Rng): number {
  const size = 10 ** (POWERS.lowest + (POWERS.highest + 0.5 - POWERS.lowest) * rng.uniform());
  return rng.uniform() < 0.25 ? -size : size;
}

function nudged(value: number, rng: Rng): number {
  return value * Math.exp(0.4 * rng.normal());
}

/** The mean of numbers. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return sum / values.length;
}
