/**
 * How many further blocks would decide: studies of n blocks are drawn with the observed means and covariances of
 * all levels, rates and matchings (residuals of the blocks in hand, mixed with normal weights), and judged by the
 * decision rule itself. The sign-flip p is replaced by the t test's, which it approaches with more blocks.
 */
import type { Rng } from '#base/rng.ts';
import { decide, type Evidence, type Rule } from './decide.ts';
import { evidenceOf, type ControlLookup } from './evidence.ts';
import { MIN_BLOCKS } from './match.ts';
import {
  blockContrasts,
  contrastAt,
  overallEstimate,
  type Matched,
  type MatchedTable,
  type Unmatched,
} from './matched-table.ts';
import { studentTTwoSided } from './stats/student-t.ts';

const POWER = 0.8;
const STUDIES = 200;
const MOST_BLOCKS = 96;
/** Fewer blocks than this say nothing of their spread. */
const FEWEST_BLOCKS = 3;

/** The smallest number of further blocks with 80% power for any verdict, or undefined beyond `MOST_BLOCKS` in all. */
export function furtherBlocks(matched: Matched, controls: ControlLookup, rule: Rule, rng: Rng): number | undefined {
  const now = matched.usableBlocks;
  if (now < FEWEST_BLOCKS) return undefined;
  const enough = (blocks: number): boolean => powerAt(matched, controls, rule, blocks, rng) >= POWER;
  let [low, high] = [now, Math.max(now, MIN_BLOCKS - 1)];
  do {
    if (high >= MOST_BLOCKS) return undefined;
    low = high;
    high = Math.min(MOST_BLOCKS, Math.ceil(high * 1.5));
  } while (!enough(high));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high - now;
}

/** The share of studies of so many blocks that end decided, taking the observed means as the truth. */
export function powerAt(matched: Matched, controls: ControlLookup, rule: Rule, blocks: number, rng: Rng): number {
  let decided = 0;
  const known = new Map(
    matched.singles.map((table) => [table.name, table.kind === 'matched' ? controls(table) : []] as const),
  );
  for (let study = 0; study < STUDIES; study++) {
    const draws = rng.split(`study ${study}`);
    const weights = Array.from({ length: blocks }, () => rowWeights(matched, draws));
    const singles = matched.singles.map((table) => redraw(table, weights));
    const evidence = withT(
      singles,
      matched.joint && redraw(matched.joint, weights),
      (table) => known.get(table.name) ?? [],
    );
    if (evidence !== undefined && decide(evidence, rule).kind !== 'undecided') decided++;
  }
  return decided / STUDIES;
}

/** One drawn block: a normal weight for the residual of every block in hand. */
function rowWeights(matched: Matched, rng: Rng): Float64Array {
  const rows = Math.max(...matched.singles.map((table) => (table.kind === 'matched' ? table.blocks.length : 0)));
  return Float64Array.from({ length: rows }, () => rng.normal());
}

function withT(
  singles: readonly (MatchedTable | Unmatched)[],
  joint: MatchedTable | Unmatched | undefined,
  controls: ControlLookup,
): Evidence | undefined {
  const tables = [...singles, ...(joint ? [joint] : [])];
  const pOf = (name: string): number => {
    const table = tables.find((one) => one.name === name);
    const overall = table?.kind === 'matched' ? overallEstimate(blockContrasts(table)) : undefined;
    if (overall === undefined) return 1;
    if (overall.standardError === 0) return overall.mean === 0 ? 1 : 0;
    return studentTTwoSided(overall.mean / overall.standardError, overall.df);
  };
  return evidenceOf(singles, joint, pOf, controls);
}

/** A table of drawn blocks: every counted level usable in each, contrasts with the observed means and covariances. */
function redraw(table: MatchedTable | Unmatched, weights: readonly Float64Array[]): MatchedTable | Unmatched {
  if (table.kind === 'notEstimable') return table;
  const levels = table.levels.length;
  const draw = (at: (flat: number) => number, usable: Uint8Array): { values: Float64Array; usable: Uint8Array } =>
    redrawColumns(at, usable, table.blocks.length, levels, weights);
  const overall = draw((flat) => contrastAt(table, flat), table.usable);
  const mismatch = table.mismatch;
  const rows = Uint8Array.from(table.blocks, (_, b) =>
    table.usable.subarray(b * levels, (b + 1) * levels).includes(1) ? 1 : 0,
  );
  const mismatches =
    mismatch && redrawColumns((flat) => mismatch[flat] ?? 0, rows, table.blocks.length, 1, weights).values;
  return {
    kind: 'matched',
    name: table.name,
    levels: table.levels,
    excluded: table.excluded,
    blocks: weights.map((_, b) => b),
    usable: overall.usable,
    bracketed: overall.usable,
    arm: overall.values,
    reference: new Float64Array(overall.values.length),
    rates: table.rates.map((rate) => {
      const drawn = draw((flat) => rate.contrast[flat] ?? 0, rate.usable);
      return { side: rate.side, rate: rate.rate, contrast: drawn.values, usable: drawn.usable };
    }),
    ...(mismatches ? { mismatch: mismatches } : {}),
  };
}

function redrawColumns(
  at: (flat: number) => number,
  usable: Uint8Array,
  rows: number,
  columns: number,
  weights: readonly Float64Array[],
): { values: Float64Array; usable: Uint8Array } {
  const values = new Float64Array(weights.length * columns);
  const drawn = new Uint8Array(values.length);
  for (let l = 0; l < columns; l++) {
    const present = Array.from({ length: rows }, (_, b) => b).filter((b) => usable[b * columns + l] === 1);
    if (present.length < 2) continue;
    const mean = present.reduce((sum, b) => sum + at(b * columns + l), 0) / present.length;
    const scale = 1 / Math.sqrt(present.length - 1);
    for (const [row, weight] of weights.entries()) {
      let value = mean;
      for (const b of present) value += scale * (weight[b] ?? 0) * (at(b * columns + l) - mean);
      values[row * columns + l] = value;
      drawn[row * columns + l] = 1;
    }
  }
  return { values, usable: drawn };
}
