/** Many lives of one being, added up. @see forager.ts for what a being is. */
import { type Being, Forager } from './forager.ts';
import { luckOf, type Place } from './world.ts';

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
  const reading = Math.abs(being.g1 / being.scale);
  for (let life = 0; life < lives; life++) {
    const forager = new Forager(being, at, luckOf(words, life));
    for (;;) {
      forager.wake();
      forager.choose();
      const { scores, drive, effort, mood } = forager;
      if (done.length < kept) {
        done.push(effort);
        moods.push(mood);
        margins.push(marginOf(scores, drive, effort) / reading);
      }
      sums.mood += mood;
      sums.effort += effort;
      sums.decisions++;
      if (!forager.forage()) break;
      sums.lowest = Math.min(sums.lowest, forager.mood);
      sums.highest = Math.max(sums.highest, forager.mood);
      steps[life] = (steps[life] ?? 0) + 1;
    }
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

/** The smallest change of the drive, either way, at which another effort has a higher score than `effort`. */
function marginOf(scores: Float64Array, drive: number, effort: number): number {
  const of = (other: number): number => (scores[other] ?? 0) + other * drive;
  const changes = [0, 1, 2].filter((other) => other !== effort);
  return Math.min(...changes.map((other) => Math.abs((of(effort) - of(other)) / (effort - other))));
}
