/**
 * Lives of a forager that now and then meets a rival over something: fight or leave it. Foraging is that of `mood-and-planning`;
 * nothing that comes of a contest enters the mood. The chance to win follows the season by rho: (1 + rho s) / 2 with s = 1 in the
 * good season and -1 in the bad one, so that at rho = 0 nothing that the forager could know tells anything of it.
 */
import { type Being, Forager } from 'assay/studies/mood-and-planning/forager.ts';
import { luckOf, MEAL, STANDARD, START, TURNS } from 'assay/studies/mood-and-planning/world.ts';

/** What is fought over: something apart from energy, a win +1 and a loss -1; or a meal, which the loser pays. */
export const STAKES = ['apart', 'food'] as const;
export type Stake = (typeof STAKES)[number];

/** What may be read before a fight: the mood, standardised; the belief in the good season, from -1 to 1; the season itself, 1 or -1. */
export const SENSES = ['mood', 'belief', 'season'] as const;
export type Sense = (typeof SENSES)[number];

/** How strongly each sense makes it fight: P(fight) = 1 / (1 + exp(-(base + sum of coupling x sense))). */
export type Genes = Readonly<Record<'base' | Sense, number>>;

export interface Ecology {
  readonly stake: Stake;
  /** From -1 to 1. */
  readonly rho: number;
  /** The season that contests follow is that of another life, of which nothing here tells. */
  readonly elsewhere: boolean;
}

/** Mean and standard deviation of the mood over steps, by which it is standardised. */
export interface Scale {
  readonly mean: number;
  readonly sd: number;
}

/** Luck of lives and of their contests. `mirrored`: every contest ends, and every fight is drawn, the other way round. */
export interface Luck {
  readonly lives: Uint32Array;
  readonly contests: Uint32Array;
  readonly mirrored?: boolean;
}

/**
 * A step at which there may be a gift: a meal, of which it is known that it tells nothing of the season. Belief does not move; a
 * mood cannot tell. Contests are kept within so many steps from it, gift or none.
 */
export interface Window {
  readonly step: number;
  readonly within: number;
  readonly gift: boolean;
}

/** Lives of one being, added up. Fights and contests by energy: `hungry` up to START, `fed` above. */
export interface Contested {
  /** Mean over lives: steps survived, and wins minus losses. */
  readonly life: number;
  readonly won: number;
  readonly hungry: Counts;
  readonly fed: Counts;
  /** Contests in the window, shape [life, step]: fought, left, or none (also where it was dead). */
  readonly window: Int8Array;
  readonly scale: Scale;
}
export interface Counts {
  readonly fights: number;
  readonly contests: number;
}

const [NONE, LEFT, FOUGHT] = [-1, 0, 1];
/** The chance of a contest in a step. */
const CONTESTS = 0.3;

/** A contest that is met, and what may be read before it. */
interface Met extends Sensed {
  readonly life: number;
  readonly step: number;
  readonly isHungry: boolean;
  /** The uniform draw that decides whether it fights. */
  readonly nerve: number;
  readonly wins: boolean;
}
type Sensed = Pick<Forager, 'mood' | 'seen' | 'good'>;

/** What of lives does not hang on what is fought. */
interface Walked {
  readonly lives: number;
  /** Steps survived, all lives together. */
  readonly steps: number;
  readonly scale: Scale;
}

/** Lives with a stake apart, up to their contests: whatever is fought, they are the same, so that any genes can be tried on them. */
export interface Field extends Walked {
  readonly met: readonly Met[];
}

/** The lives of a being that forages by `being` and fights by `genes`. */
export function contested(
  being: Being,
  genes: Genes,
  ecology: Ecology,
  scale: Scale,
  luck: Luck,
  window?: Window,
): Contested {
  const book = bookOf(luck.lives.length / 3, window);
  return book.closed(
    walk(being, ecology, luck, window, (met) => {
      const fights = met.nerve < willOf(genes, met, scale);
      book.add(met, fights);
      return fights;
    }),
  );
}

/** The field of a being. Stakes must be apart from food. */
export function fieldOf(
  being: Being,
  ecology: Ecology & { readonly stake: 'apart' },
  luck: Luck,
  window?: Window,
): Field {
  const met: Met[] = [];
  const walked = walk(being, ecology, luck, window, (one) => {
    met.push(one);
    return false;
  });
  return { ...walked, met };
}

/** As `contested`, to the bit, over lives that were walked before. @param window That of the field. */
export function foughtOn(field: Field, genes: Genes, scale: Scale, window?: Window): Contested {
  const book = bookOf(field.lives, window);
  for (const met of field.met) book.add(met, met.nerve < willOf(genes, met, scale));
  return book.closed(field);
}

/** Walks through lives, and asks at each contest whether it is fought. */
function walk(
  being: Being,
  ecology: Ecology,
  luck: Luck,
  window: Window | undefined,
  isFought: (met: Met) => boolean,
): Walked {
  const lives = luck.lives.length / 3;
  const moods = moments();
  let steps = 0;
  for (let life = 0; life < lives; life++) {
    const forager = new Forager(being, STANDARD, luckOf(luck.lives, life));
    const rival = rivalOf(ecology, luckOf(luck.contests, life), luck.mirrored === true);
    for (let step = 0; ; step++) {
      forager.wake(window?.gift === true && step === window.step);
      moods.add(forager.mood);
      const { mood, seen, good } = forager;
      const { met, nerve, wins } = rival.next(good);
      if (met) {
        const fights = isFought({ life, step, mood, seen, good, isHungry: forager.energy <= START, nerve, wins });
        if (fights && ecology.stake === 'food') forager.eat(wins ? MEAL : -MEAL);
      }
      forager.choose();
      if (!forager.forage()) break;
      steps++;
    }
  }
  return { lives, steps, scale: moods.scale() };
}

/** Adds up what was fought. */
function bookOf(lives: number, window: Window | undefined) {
  const counts = { hungry: tally(), fed: tally() };
  const inWindow = new Int8Array(lives * (window?.within ?? 0)).fill(NONE);
  let won = 0;
  return {
    add({ life, step, isHungry, wins }: Met, fights: boolean): void {
      (isHungry ? counts.hungry : counts.fed).add(fights);
      if (window && step >= window.step && step < window.step + window.within) {
        inWindow[life * window.within + step - window.step] = fights ? FOUGHT : LEFT;
      }
      if (fights) won += wins ? 1 : -1;
    },
    closed: ({ steps, scale }: Walked): Contested => ({
      life: steps / lives,
      won: won / lives,
      hungry: counts.hungry.counts(),
      fed: counts.fed.counts(),
      window: inWindow,
      scale,
    }),
  };
}

/** The chance that it fights. */
function willOf(genes: Genes, { mood, seen, good }: Sensed, scale: Scale): number {
  const push =
    genes.base +
    (genes.mood * (mood - scale.mean)) / scale.sd +
    genes.belief * (2 * seen - 1) +
    genes.season * (good ? 1 : -1);
  return 1 / (1 + Math.exp(-push));
}

/** Whether nothing that is fought over is food, so that lives are the same whatever is fought. */
export function isApart(ecology: Ecology): ecology is Ecology & { readonly stake: 'apart' } {
  return ecology.stake === 'apart';
}

/** A step's contest. `nerve` is the uniform draw that decides a fight. */
interface Contest {
  readonly met: boolean;
  readonly nerve: number;
  readonly wins: boolean;
}

/** Contests of a life, four draws a step. */
function rivalOf({ rho, elsewhere }: Ecology, draw: () => number, mirrored: boolean) {
  let otherGood = draw() < 0.5;
  let isFirst = true;
  return {
    next(good: boolean): Contest {
      const [met, end, nerve, turn] = [draw(), draw(), draw(), draw()];
      if (!isFirst && turn < TURNS) otherGood = !otherGood;
      isFirst = false;
      const follows = (elsewhere ? otherGood : good) ? 1 : -1;
      const wins = end < (1 + (mirrored ? -rho : rho) * follows) / 2;
      return { met: met < CONTESTS, nerve: mirrored ? 1 - nerve : nerve, wins: wins !== mirrored };
    },
  };
}

/** The share of contests that are fought; 0 where there were none. */
export function fightRate({ fights, contests }: Counts): number {
  return contests === 0 ? 0 : fights / contests;
}

/**
 * What a gift adds to the share of contests that are fought, over contests that the life with the gift and its twin without both
 * met. Others are left out: a gift keeps the hungry alive, so that there are more of them to be met.
 */
export function addedByGift(withGift: Int8Array, without: Int8Array): number {
  let [added, both] = [0, 0];
  for (const [i, fought] of withGift.entries()) {
    const twin = without[i] ?? NONE;
    if (fought === NONE || twin === NONE) continue;
    added += fought - twin;
    both++;
  }
  return both === 0 ? 0 : added / both;
}

function tally() {
  let [fights, contests] = [0, 0];
  return {
    add(fought: boolean): void {
      contests++;
      if (fought) fights++;
    },
    counts: (): Counts => ({ fights, contests }),
  };
}

function moments() {
  let [n, sum, squares] = [0, 0, 0];
  return {
    add(value: number): void {
      n++;
      sum += value;
      squares += value * value;
    },
    scale(): Scale {
      const mean = sum / n;
      return { mean, sd: Math.sqrt(Math.max(0, squares / n - mean * mean)) };
    },
  };
}
