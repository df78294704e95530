/**
 * A claim's contrast in one block at one spot, as a row of numbers: the contrast, both columns, and the contrast at each learning
 * rate. Numbers that are equal to the bit leave exactly 0, and what a sum leaves of rounding is 0.
 */
import { countedRates, meanOverRates, type Grid } from '#analysis/matching/grid.ts';
import type { CurveIndex, Rate } from '#analysis/matching/pair.ts';
import type { Spot } from './spots.ts';
import type { Sum, Term } from './terms.ts';

/** A sum is 0 where it is below this share of what was summed. */
const ROUNDING = 1e-13;

/** One term's readings over blocks, spots and rates, and which rates count. */
interface TermGrid extends Grid {
  readonly term: Term;
  /** Why there is no reading, shape [B, L, R]. */
  readonly reasons: readonly (string | undefined)[];
  /** Shape [L, R]. */
  readonly counted: Uint8Array;
}

/** All readings of a claim's sum. */
export interface Readings {
  readonly sum: Sum;
  readonly grids: readonly TermGrid[];
  readonly spots: readonly Spot[];
  /** Whether the terms' rates go together one by one: the same lists, or one rate each. */
  readonly isPaired: boolean;
}

/** One block at one spot (or over the spots of a trend). */
export interface Cell {
  readonly contrast: number;
  readonly arm: number;
  readonly other: number;
  /** Whether both sides are equal to the bit, rate by rate. */
  readonly isEqual: boolean;
  /** The contrast at each rate that counts; none for arms with one rate each. */
  readonly byRate: readonly number[];
  /** Where rates do not go together: weight x reading, by term and rate that counts. */
  readonly parts: readonly (readonly number[])[];
}

/** Reads every term of a sum in the given blocks; of a trend (`isWhole`) a rate counts where it counts at every spot. */
export function readAll(
  index: CurveIndex,
  sum: Sum,
  spots: readonly Spot[],
  blocks: readonly number[],
  isWhole: boolean,
): Readings {
  const needs = [...new Set(sum.terms.map(({ outcome }) => outcome))];
  const read = sum.terms.map((term) => ({ term, ...readTerm(index, term, spots, blocks, needs) }));
  const active = new Uint8Array(blocks.length).fill(1);
  const own = read.map((grid) => countedRates(grid, active, spots.length));
  const grids = read.map((grid, t) => {
    // Arms that run the same rates are compared at those that both reach.
    const shared = read.flatMap((other, o) => (sameRates(grid.rates, other.rates) ? [own[o] ?? active] : []));
    const both = (own[t] ?? active).map((one, at) => (shared.every((counted) => counted[at] === 1) ? one : 0));
    return { ...grid, counted: isWhole ? countedThroughout(both, grid.rates.length) : both };
  });
  const [first] = read;
  const isPaired = read.every(
    ({ rates }) => sameRates(rates, first?.rates ?? []) || (rates.length === 1 && first?.rates.length === 1),
  );
  return { sum, grids, spots, isPaired };
}

function sameRates(a: readonly Rate[], b: readonly Rate[]): boolean {
  return a.length === b.length && a.every((rate, r) => rate === b[r]);
}

function countedThroughout(counted: Uint8Array, rates: number): Uint8Array {
  return counted.map((_, at) => (counted.every((one, i) => i % rates !== at % rates || one === 1) ? 1 : 0));
}

function readTerm(
  index: CurveIndex,
  { arm, outcome }: Term,
  spots: readonly Spot[],
  blocks: readonly number[],
  needs: readonly string[],
): Grid & Pick<TermGrid, 'reasons'> {
  const ofArm = index.get(arm);
  const rates = [...new Set([...(ofArm?.values() ?? [])].flatMap((rated) => [...rated.keys()]))].toSorted(
    (a, b) => (a ?? 0) - (b ?? 0),
  );
  const values = new Float64Array(blocks.length * spots.length * rates.length);
  const present = new Uint8Array(values.length);
  const reasons: (string | undefined)[] = new Array<undefined>(values.length);
  blocks.forEach((block, b) => {
    rates.forEach((rate, r) => {
      const curve = ofArm?.get(block)?.get(rate);
      spots.forEach((spot, l) => {
        const at = (b * spots.length + l) * rates.length + r;
        const reading = curve === undefined ? undefined : spot.read(curve, outcome, needs);
        if (reading?.kind === 'read') {
          values[at] = reading.value;
          present[at] = 1;
        } else {
          reasons[at] = `${arm} ${reading?.reason ?? `has no run at learning rate ${rate ?? 'as given'}`}`;
        }
      });
    });
  });
  return { rates, values, present, reasons };
}

/** The cell of block `b` at spot `l`, or why there is none. */
export function cellAt(readings: Readings, b: number, l: number): Cell | string {
  const { grids, spots, sum, isPaired } = readings;
  const means: number[] = [];
  for (const grid of grids) {
    const mean = meanOverRates(grid, grid.counted, b, l, spots.length);
    if (mean === undefined) return whyMissing(grid, b, l, spots.length);
    means.push(mean);
  }
  const weighted = means.map((mean, t) => (sum.terms[t]?.weight ?? 0) * mean);
  const arm = means[0] ?? 0;
  const other = weighted.slice(1).reduce((total, value) => total - value, sum.constant);
  if (!isPaired) {
    const contrast = total(weighted, sum.constant);
    const parts = grids.map((grid) => countedValues(grid, b, l, spots.length).map((value) => grid.term.weight * value));
    const byRate = parts.flatMap((ofTerm, t) =>
      ofTerm.length < 2 ? [] : ofTerm.map((value) => total(weighted.with(t, value), sum.constant)),
    );
    return { contrast, arm, other, isEqual: false, byRate, parts };
  }
  const ofRates = grids.map((grid) => countedValues(grid, b, l, spots.length));
  const rates = ofRates[0]?.map((_, r) => ofRates.map((values) => values[r] ?? 0)) ?? [];
  const contrasts = rates.map((values) => contrastOf(values, sum));
  const isEqual = rates.every((values) => isEqualToTheBit(values, sum));
  return {
    contrast: exactMean(contrasts),
    arm,
    other,
    isEqual,
    byRate: contrasts.length > 1 ? contrasts : [],
    parts: [],
  };
}

function countedValues({ values, counted, rates }: TermGrid, b: number, l: number, spots: number): number[] {
  return rates.flatMap((_, r) =>
    counted[l * rates.length + r] === 1 ? [values[(b * spots + l) * rates.length + r] ?? 0] : [],
  );
}

function whyMissing({ term, rates, reasons, present, counted }: TermGrid, b: number, l: number, spots: number): string {
  const at = (r: number): number => (b * spots + l) * rates.length + r;
  const absent = [...rates.keys()].filter((r) => present[at(r)] === 0);
  const first = absent.find((r) => counted[l * rates.length + r] === 1) ?? absent[0];
  return (first === undefined ? undefined : reasons[at(first)]) ?? `${term.arm} has no learning rate that counts there`;
}

/** A difference of two numbers is exact where it is 0; a longer sum is 0 up to rounding. */
function contrastOf(values: readonly number[], { terms, constant }: Sum): number {
  const [x = 0, y = 0] = values;
  if (terms.length === 1) return x - constant;
  if (isDifference(terms)) return x - y;
  return total(
    values.map((value, t) => (terms[t]?.weight ?? 0) * value),
    constant,
  );
}

function isDifference(terms: readonly Term[]): boolean {
  return terms.length === 2 && terms[1]?.weight === -1;
}

function isEqualToTheBit(values: readonly number[], sum: Sum): boolean {
  const [x, y] = values;
  if (sum.terms.length === 1) return Object.is(x, sum.constant);
  return isDifference(sum.terms) ? Object.is(x, y) : contrastOf(values, sum) === 0;
}

/** Sum minus constant, 0 where only rounding is left. */
function total(values: readonly number[], constant: number): number {
  let [sum, size] = [-constant, Math.abs(constant)];
  for (const value of values) {
    sum += value;
    size += Math.abs(value);
  }
  return Math.abs(sum) <= ROUNDING * size ? 0 : sum;
}

/** The mean; of equal values the value itself, without rounding. */
export function exactMean(values: readonly number[]): number {
  const [first = 0] = values;
  if (values.every((value) => value === first)) return first;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Combines cells number by number; all have the same rates. */
export function combined(cells: readonly Cell[], combine: (values: readonly number[]) => number): Cell {
  const [first] = cells;
  if (first === undefined) throw new Error('no cells to combine');
  return {
    contrast: combine(cells.map(({ contrast }) => contrast)),
    arm: combine(cells.map(({ arm }) => arm)),
    other: combine(cells.map(({ other }) => other)),
    isEqual: cells.every(({ isEqual }) => isEqual),
    byRate: first.byRate.map((_, i) => combine(cells.map(({ byRate }) => byRate[i] ?? 0))),
    parts: first.parts.map((ofTerm, t) => ofTerm.map((_, r) => combine(cells.map(({ parts }) => parts[t]?.[r] ?? 0)))),
  };
}

/**
 * Weights with which values at `at` sum to how much they change from the first entry to the last, by least squares; they sum to 0.
 * @param at At least two different numbers.
 */
export function changeWeights(at: readonly number[]): number[] {
  const mean = at.reduce((sum, x) => sum + x, 0) / at.length;
  const squares = at.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const span = (at.at(-1) ?? 0) - (at[0] ?? 0);
  return at.map((x) => ((x - mean) * span) / squares);
}

/** The change by such weights; constant values change by exactly 0. */
export function changeOf(values: readonly number[], weights: readonly number[]): number {
  return total(
    values.map((value, i) => (weights[i] ?? 0) * (value - (values[0] ?? 0))),
    0,
  );
}
