/**
 * A being: a planner of some depth, a memory, and a drive g0 + g1 m that is added to the score of every unit of effort. Its mood
 * m <- (1 - a) m + a [(food - expected) + (cue - 1/2)] follows each step; a constant drive is a mood that is not read (g1 = 0).
 */
import { readScores } from './planner.ts';
import {
  afterCue,
  afterFood,
  CAP,
  CUE,
  EFFECT,
  energyAfter,
  EXPOSURE,
  foodChance,
  MEAL,
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

/**
 * One life of a being, step by step: it wakes to a season and a cue, chooses and forages. Four draws a step whatever is done, so that
 * beings with the same words share their luck.
 */
export class Forager {
  good: boolean;
  mood = 0;
  energy = START;
  /** The exact belief after this step's cue, whatever the being remembers. */
  seen = 0.5;
  /** What its planner says of each effort this step, what is added for each unit, and the effort chosen: of the last `choose`. */
  readonly scores = new Float64Array(3);
  drive = 0;
  effort = 0;
  readonly #being: Being;
  readonly #place: Place;
  readonly #draw: () => number;
  readonly #reading: number;
  #belief = 0.5;
  #known = 0.5;
  #cue = false;
  #isFirst = true;
  #gift = false;

  constructor(being: Being, place: Place, draw: () => number) {
    this.#being = being;
    this.#place = place;
    this.#draw = draw;
    this.#reading = being.g1 / being.scale;
    this.good = draw() < 0.5;
  }

  /** A step begins: the season may turn, the cue is seen, and a gift is eaten if there is one. */
  wake(gift = false): void {
    const turns = this.#draw() < TURNS;
    if (!this.#isFirst && turns) this.good = !this.good;
    this.#isFirst = false;
    this.#cue = this.#draw() < CUE[this.good ? 1 : 0];
    this.seen = afterCue(this.#belief, this.#cue);
    this.#gift = gift;
    if (gift) this.eat(MEAL);
  }

  eat(halves: number): void {
    this.energy = Math.max(0, Math.min(CAP, this.energy + halves));
  }

  /** Chooses the effort of this step. */
  choose(): void {
    const { memory, scores, g0 } = this.#being;
    this.#known = memory === 'none' ? 0.5 : memory === 'exact' ? this.seen : afterCue(0.5, this.#cue);
    readScores(scores, this.#known, this.energy, this.scores);
    this.drive = g0 + this.#reading * this.mood;
    this.effort = bestEffort(this.scores, this.drive);
  }

  /** Makes the chosen effort; whether it lives on. */
  forage(): boolean {
    const { rate, scale } = this.#being;
    const [effort, meal, death] = [this.effort, this.#draw(), this.#draw()];
    if (this.energy === 0) return false;
    const found = meal < (EFFECT[effort] ?? 0) * this.#place.food[this.good ? 1 : 0];
    const surprise = (found ? 1 : 0) - foodChance(this.#known, effort) + (this.#gift ? 1 : 0);
    this.energy = energyAfter(this.energy, effort, found);
    this.#belief = afterFood(this.seen, effort, found);
    this.mood = (1 - rate) * this.mood + scale * (rate * (surprise + (this.#cue ? 0.5 : -0.5)));
    return this.energy > 0 && death >= this.#place.danger + (EXPOSURE[effort] ?? 0);
  }
}

/** The effort with the highest score and drive; the smallest among equals. */
export function bestEffort(scores: Float64Array, drive: number): number {
  const [none = 0, some = 0, all = 0] = scores;
  const best = some + drive > none ? 1 : 0;
  return all + 2 * drive > (best === 1 ? some + drive : none) ? 2 : best;
}
