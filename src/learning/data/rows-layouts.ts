/**
 * The layouts that batches of a training set are given: a usual one, as small as pays, and a largest one that every batch fits,
 * so that two programs serve all steps.
 * Invariant: which layout a batch gets depends on the training set, the rows a batch has and the batch's own rows alone, so a
 * resumed run gives each step the same.
 */
import { rngOf } from '#base/rng.ts';
import { parameterCount, transformerParameters } from '#learning/models/parameters.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import type { RowsLayout } from '#learning/programs.ts';

import { commonPrefix, needsOf, type PlainRow } from './prefixed-rows.ts';

/** Batches drawn to find out what most need. */
const DRAWN = 256;
const QUANTILES = [0.5, 0.7, 0.8, 0.9, 0.95, 1];
/** Whole vectors of so many tokens, labels and places. */
const MULTIPLES = { count: 16, labels: 8, length: 1 } as const;
/** Attention's products are small ones, and its softmax is no product: so many times the cost of a large one. */
const ATTENTION_COST = 3;
/** A second program is worth its memory where it saves so much of the cost. */
const LEAST_SAVED_FRACTION = 0.03;

type Needs = ReturnType<typeof needsOf>;

/** The layouts of batches. */
export interface RowsLayouts {
  /** What most batches fit. */
  readonly usual: RowsLayout;
  layoutOf(rows: readonly PlainRow[]): RowsLayout;
}

/** @param all The training set. @param rows How many of them a batch has. */
export function rowsLayouts(config: TransformerConfig, all: readonly PlainRow[], rows: number): RowsLayouts {
  const prefix = commonPrefix(all);
  const drawn = rngOf('batches of rows');
  const needs = Array.from({ length: DRAWN }, () =>
    needsOf(
      Array.from({ length: rows }, () => all[drawn.below(all.length)]).filter((row) => row !== undefined),
      prefix,
    ),
  );
  const whole = (of: Needs): RowsLayout => ({ rows, prefix, ...rounded(of) });
  const largest = whole(largestNeeds(all, rows, prefix));
  const costOf = costs(config);
  const most = costOf(largest);
  const meanCost = (usual: RowsLayout): number =>
    needs.reduce((sum, need) => sum + (fits(need, usual) ? costOf(usual) : most), 0) / needs.length;
  const best = candidates(needs)
    .map(whole)
    .reduce((least, one) => (meanCost(one) < meanCost(least) ? one : least), largest);
  const usual = meanCost(best) < (1 - LEAST_SAVED_FRACTION) * most ? best : largest;
  return { usual, layoutOf: (own) => (fits(needsOf(own, prefix), usual) ? usual : largest) };
}

/** Every dimension at a quantile of its own. */
function candidates(needs: readonly Needs[]): Needs[] {
  const at = (name: keyof Needs): number[] => {
    const sorted = needs.map((need) => need[name]).toSorted((a, b) => a - b);
    return QUANTILES.map((quantile) => sorted[Math.ceil(quantile * sorted.length) - 1] ?? 0);
  };
  const [lengths, counts, labels] = [at('length'), at('count'), at('labels')];
  return lengths.flatMap((length) =>
    counts.flatMap((count) => labels.map((label) => ({ length, count, labels: label }))),
  );
}

/** What the batch of the longest rows needs, were they also those of the most labels. */
function largestNeeds(all: readonly PlainRow[], rows: number, prefix: number): Needs {
  const alone = all.map((row) => needsOf([row], prefix));
  // Where one pass over the rows ends and the next begins within a batch, a row may be met in both.
  const times = rows === 1 ? 1 : Math.floor((rows - 2) / all.length) + 2;
  const largestSum = (name: 'count' | 'labels', less: number): number => {
    const sorted = alone.map((need) => need[name] - less).toSorted((a, b) => b - a);
    return Array.from({ length: rows }, (_, i) => sorted[Math.floor(i / times)] ?? 0).reduce(
      (sum, value) => sum + value,
      0,
    );
  };
  return {
    length: Math.max(...alone.map(({ length }) => length)),
    count: prefix + 1 + largestSum('count', prefix + 1),
    labels: largestSum('labels', 0),
  };
}

function rounded({ length, count, labels }: Needs): Needs {
  const up = (name: keyof Needs, value: number): number => Math.ceil(value / MULTIPLES[name]) * MULTIPLES[name];
  return { length: up('length', length), count: up('count', count), labels: up('labels', labels) };
}

function fits(need: Needs, within: Needs): boolean {
  return need.length <= within.length && need.count <= within.count && need.labels <= within.labels;
}

/** Products of a forward pass, in multiplications. */
function costs(config: TransformerConfig): (layout: RowsLayout) => number {
  const { vocabulary, dModel, nHeads, headDim, nLayers } = config;
  const perToken = parameterCount(transformerParameters(config).filter(({ role }) => role === 'matrix'));
  return ({ rows, prefix, length, count, labels }) =>
    count * perToken +
    labels * vocabulary * dModel +
    ATTENTION_COST * 2 * rows * (prefix + length) ** 2 * nHeads * headDim * nLayers;
}
