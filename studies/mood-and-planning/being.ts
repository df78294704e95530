/**
 * A being: a planner of some depth, a memory, and a drive g0 + g1 m that is added to the score of every unit of effort. Its mood
 * m <- (1 - a) m + a [(food - expected) + (cue - 1/2)] follows each step; a constant drive is a mood that is not read (g1 = 0).
 */
import { readScores } from './planner.ts';
import {
  afterCue,
  afterFood,
  CUE,
  EFFECT,
  energyAfter,
  EXPOSURE,
  foodChance,
  luckOf,
  type Place,
  START,
  TURNS,
} from './world.ts';

/** What is known of the past: all that it tells of the season, the cue of this step, or nothing. */
export const MEMORIES = ['exact', 'cue', 'none'] as const;
export type MemoryKind = (typeof MEMORIES)[number];

/** What is tuned: drive, how much of the mood it reads, and the mood's rate. */
export interface Dials {
  readonly g0: number;
  readonly g1: number;
  readonly rate: number;
}

export interface Being extends Dials {
  /** Q of its planner, as `plansOf` gives it. */
  readonly scores: Float64Array;
  readonly memory: MemoryKind;
  /** How strongly it feels: the mood is so many times as large, and read so many times as weakly. */
  readonly scale: number;
}

/** Lives of one being, added up. */
export interface Lives {
  /** Steps survived, one a life. */
  readonly steps: Float64Array;
  /** Over all steps of all lives, in the being's own units. */
  readonly moodMean: number;
  readonly moodLowest: number;
  readonly moodHighest: number;
  /** The median, over decisions, of the smallest change of mood that changes what is done; infinite where the mood is not read. */
  readonly noticeable: number;
  readonly effortMean: number;
  /** What was done in the first decisions, as many as are kept. */
  readonly done: readonly number[];
  /** The mood in which it was done. */
  readonly moods: readonly number[];
}

/** The first `lives` lives of a being at a place, under the luck of `words` (`drawLuck`). @param kept Decisions that are kept. */
export function lived(being: Being, at: Place, words: Uint32Array, lives = words.length / 3, kept = 0): Lives {
  const steps = new Float64Array(lives);
  const sums = { mood: 0, effort: 0, decisions: 0, lowest: 0, highest: 0 };
  const [done, moods, margins]: [number[], number[], number[]] = [[], [], []];
  const scores = new Float64Array(3);
  const { g0, g1, rate, scale, memory } = being;
  const reading = g1 / scale;
  for (let life = 0; life < lives; life++) {
    const luck = luckOf(words, life);
    let [good, belief, energy, mood, survived] = [luck() < 0.5, 0.5, START, 0, 0];
    for (;;) {
      // Four draws a step whatever is done, so that beings with the same words share their luck.
      const [turn, sign, meal, death] = [luck(), luck(), luck(), luck()];
      if (survived > 0 && turn < TURNS) good = !good;
      const cue = sign < CUE[good ? 1 : 0];
      const known = memory === 'none' ? 0.5 : afterCue(memory === 'exact' ? belief : 0.5, cue);
      readScores(being.scores, known, energy, scores);
      const drive = g0 + reading * mood;
      const effort = bestEffort(scores, drive);
      if (done.length < kept) {
        done.push(effort);
        moods.push(mood);
        margins.push(marginOf(scores, drive, effort) / Math.abs(reading));
      }
      sums.mood += mood;
      sums.effort += effort;
      sums.decisions++;
      const found = meal < (EFFECT[effort] ?? 0) * at.food[good ? 1 : 0];
      const error = (found ? 1 : 0) - foodChance(known, effort) + (cue ? 0.5 : -0.5);
      energy = energyAfter(energy, effort, found);
      if (energy === 0 || death < at.danger + (EXPOSURE[effort] ?? 0)) break;
      if (memory === 'exact') belief = afterFood(known, effort, found);
      mood = (1 - rate) * mood + scale * (rate * error);
      sums.lowest = Math.min(sums.lowest, mood);
      sums.highest = Math.max(sums.highest, mood);
      survived++;
    }
    steps[life] = survived;
  }
  const sorted = margins.toSorted((a, b) => a - b);
  return {
    steps,
    moodMean: sums.mood / sums.decisions,
    moodLowest: sums.lowest,
    moodHighest: sums.highest,
    noticeable: sorted[Math.floor(sorted.length / 2)] ?? Infinity,
    effortMean: sums.effort / sums.decisions,
    done,
    moods,
  };
}

/** The effort with the highest score and drive; the smallest among equals. */
export function bestEffort(scores: Float64Array, drive: number): number {
  const [none = 0, some = 0, all = 0] = scores;
  const best = some + drive > none ? 1 : 0;
  return all + 2 * drive > (best === 1 ? some + drive : none) ? 2 : best;
}

/** The smallest change of the drive, either way, at which another effort has a higher score than `effort`. */
function marginOf(scores: Float64Array, drive: number, effort: number): number {
  const of = (other: number): number => (scores[other] ?? 0) + other * drive;
  const changes = [0, 1, 2].filter((other) => other !== effort);
  return Math.min(...changes.map((other) => Math.abs((of(effort) - of(other)) / (effort - other))));
}
