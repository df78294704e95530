/**
 * How many further blocks would decide: studies of n blocks are drawn with the observed covariances of all levels, rates
 * and matchings (residuals of the blocks in hand, mixed with normal weights) and judged by the decision rule itself.
 * The truth is taken to be each matching's estimate at all its levels, or no effect where that is below delta / 2: the
 * levels' own estimates scatter so much in few blocks that the rule would seem hopeless. The sign-flip p is replaced by
 * the t test's, which it approaches with more blocks.
 */
import type { Rng } from '#base/rng.ts';
import type { CountedMatched } from '#analysis/verdict/clusters.ts';
import { decide, type Evidence, type Rule } from '#analysis/verdict/decide.ts';
import { evidenceOf, type ControlLookup } from '#analysis/verdict/evidence.ts';
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import {
  blockContrasts,
  contrastAt,
  overallEstimate,
  rateEstimate,
  type Contrasts,
  type MatchedTable,
  type Unmatched,
} from '#analysis/matching/matched-table.ts';
import { studentTTwoSided } from '#analysis/stats/student-t.ts';

const POWER = 0.8;
const STUDIES = 200;
const MOST_BLOCKS = 96;
/** An estimate below this share of delta is taken as no effect. */
const NEGLIGIBLE_FRACTION = 0.5;
/** Fewer blocks than this say nothing of their spread. */
const FEWEST_BLOCKS = 3;

/** How many more independent units (blocks, or clusters of them) decide with 80% power, or why none do. */
export type Further =
  | { readonly kind: 'enough'; readonly units: number }
  | { readonly kind: 'beyond'; readonly unitsInAll: number }
  /** There are no more clusters than these. */
  | { readonly kind: 'exhausted'; readonly clusters: number };

/** What a later look would be judged by. */
export interface LaterLooks {
  /** How many clusters there are, where their number is limited. */
  readonly most?: number;
  /** The share of this look's alpha that a look with so many times its blocks has. */
  readonly alphaShare: (times: number) => number;
}

/** The smallest number of further units with 80% power for any verdict; undefined where the spread is unknown. */
export function furtherBlocks(
  matched: CountedMatched,
  controls: ControlLookup,
  ruleNow: Rule,
  later: LaterLooks,
  rng: Rng,
): Further | undefined {
  const now = matched.units.usable;
  const limit = Math.min(MOST_BLOCKS, later.most ?? Infinity);
  if (now < FEWEST_BLOCKS) return undefined;
  const enough = (units: number): boolean => {
    const share = later.alphaShare(units / now);
    const rule = { ...ruleNow, alpha: share * ruleNow.alpha, absenceAlpha: share * ruleNow.absenceAlpha };
    return hasPower(matched, controls, rule, units, rng);
  };
  let [low, high] = [now, Math.max(now, MIN_BLOCKS - 1)];
  do {
    if (high >= limit) {
      return limit < MOST_BLOCKS ? { kind: 'exhausted', clusters: limit } : { kind: 'beyond', unitsInAll: limit };
    }
    low = high;
    high = Math.min(limit, Math.ceil(high * 1.5));
  } while (!enough(high));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return { kind: 'enough', units: high - now };
}

/** Whether 80% of studies of so many blocks end decided; stops drawing as soon as that is settled. */
function hasPower(matched: CountedMatched, controls: ControlLookup, rule: Rule, blocks: number, rng: Rng): boolean {
  const known = new Map(
    matched.singles.map((table) => [table.name, table.kind === 'matched' ? controls(table) : []] as const),
  );
  const drawSingles = matched.singles.map((table) => drawerOf(table, rule));
  const drawJoint = matched.joint && drawerOf(matched.joint, rule);
  const rows = Math.max(...matched.singles.map((table) => (table.kind === 'matched' ? table.blocks.length : 0)));
  const weights = new Float64Array(blocks * rows);
  const stream = rng.split(`${blocks} blocks`);
  let [decided, undecided] = [0, 0];
  while (decided < POWER * STUDIES && undecided <= (1 - POWER) * STUDIES) {
    for (let i = 0; i < weights.length; i++) weights[i] = stream.normal();
    const singles = drawSingles.map((draw) => draw(weights, blocks));
    const evidence = withT(singles, drawJoint?.(weights, blocks), (table) => known.get(table.name) ?? []);
    if (evidence !== undefined && decide(evidence, rule).kind !== 'undecided') decided++;
    else undecided++;
  }
  return decided >= POWER * STUDIES;
}

/** Evidence with the t test's p in place of the sign-flip's. */
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

/** Draws tables of so many blocks; `weights` has shape [blocks, rows], a standard normal for every block in hand. */
type Drawer = (weights: Float64Array, blocks: number) => MatchedTable | Unmatched;

function drawerOf(table: MatchedTable | Unmatched, rule: Rule): Drawer {
  if (table.kind === 'notEstimable') return () => table;
  const estimate = overallEstimate(blockContrasts(table))?.mean ?? 0;
  const truth = Math.abs(estimate) < NEGLIGIBLE_FRACTION * rule.delta ? 0 : estimate;
  const [rows, levels] = [table.blocks.length, table.levels.length];
  const overall = columnsOf((at) => contrastAt(table, at), table.usable, rows, levels, truth);
  // Rates that both arms run differ by what few blocks scatter; others are what the rule asks about (ADR 0112).
  const areShared = table.pairs?.every((pair) => pair.arm === pair.reference) !== false;
  const columnsOfRate = (rate: Contrasts): (Column | undefined)[] => {
    const apart = areShared ? 0 : (rateEstimate(table, rate)?.mean ?? estimate) - estimate;
    return columnsOf((at) => rate.contrast[at] ?? 0, rate.usable, rows, levels, truth + apart);
  };
  const [rates, pairs] = [table.rates.map(columnsOfRate), table.pairs?.map(columnsOfRate)];
  const covered = Uint8Array.from(table.blocks, (_, b) =>
    Math.max(...table.usable.subarray(b * levels, (b + 1) * levels)),
  );
  const apart = table.mismatch;
  const mismatch = apart && columnsOf((at) => apart[at] ?? 0, covered, rows, 1);
  return (weights, blocks) => {
    const drawn = drawColumns(overall, weights, blocks);
    return {
      kind: 'matched',
      name: table.name,
      levels: table.levels,
      excluded: table.excluded,
      blocks: Array.from({ length: blocks }, (_, b) => b),
      usable: drawn.usable,
      bracketed: drawn.usable,
      arm: drawn.values,
      reference: new Float64Array(drawn.values.length),
      rates: table.rates.map(({ side, rate }, i) => {
        const ofRate = drawColumns(rates[i] ?? [], weights, blocks);
        return { side, rate, contrast: ofRate.values, usable: ofRate.usable };
      }),
      ...(table.pairs && {
        pairs: table.pairs.map(({ arm, reference }, i) => {
          const ofPair = drawColumns(pairs?.[i] ?? [], weights, blocks);
          return { arm, reference, contrast: ofPair.values, usable: ofPair.usable };
        }),
      }),
      ...(mismatch ? { mismatch: drawColumns(mismatch, weights, blocks).values } : {}),
    };
  };
}

/** One level: its true mean, and every block's residual scaled so that normal weights give the observed covariance. */
interface Column {
  readonly mean: number;
  readonly residuals: Float64Array;
}

/** Columns of a [rows, columns] array; undefined for a level with fewer than two blocks. */
function columnsOf(
  at: (flat: number) => number,
  usable: Uint8Array,
  rows: number,
  columns: number,
  truth?: number,
): (Column | undefined)[] {
  return Array.from({ length: columns }, (_, l) => {
    const present = Array.from({ length: rows }, (__, b) => b).filter((b) => usable[b * columns + l] === 1);
    if (present.length < 2) return undefined;
    const mean = present.reduce((sum, b) => sum + at(b * columns + l), 0) / present.length;
    const residuals = new Float64Array(rows);
    for (const b of present) residuals[b] = (at(b * columns + l) - mean) / Math.sqrt(present.length - 1);
    return { mean: truth ?? mean, residuals };
  });
}

function drawColumns(
  columns: readonly (Column | undefined)[],
  weights: Float64Array,
  blocks: number,
): { values: Float64Array; usable: Uint8Array } {
  const values = new Float64Array(blocks * columns.length);
  const usable = new Uint8Array(values.length);
  for (const [l, column] of columns.entries()) {
    if (column === undefined) continue;
    const rows = column.residuals.length;
    for (let b = 0; b < blocks; b++) {
      let value = column.mean;
      for (let row = 0; row < rows; row++) value += (weights[b * rows + row] ?? 0) * (column.residuals[row] ?? 0);
      values[b * columns.length + l] = value;
      usable[b * columns.length + l] = 1;
    }
  }
  return { values, usable };
}
