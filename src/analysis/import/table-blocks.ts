/** The blocks of a table's runs: one cluster each, and a number for every label. */
import { AssayError } from '#base/errors.ts';
import type { Doubt } from './doubt.ts';
import { listed } from './row-doubts.ts';

/** A run's block by its label, digits however long, and what the block shares with others. */
interface Labelled {
  readonly block: string;
  readonly cluster?: string;
}

/** @throws AssayError where a block has two clusters. */
export function checkClusters(runs: readonly Labelled[], column: string, file: string): void {
  for (const [block, own] of Map.groupBy(runs, (run) => run.block)) {
    const clusters = [...new Set(own.map(({ cluster }) => cluster ?? ''))];
    if (clusters.length < 2) continue;
    const text = `${file}: expected one cluster a block in column "${column}", found ${clusters.join(', ')} for block ${block}.`;
    throw new AssayError('data', text);
  }
}

/** Numbers for block labels: the labels themselves, unless one is longer than a number can hold; then their order. */
export function blockNumbers(runs: readonly Labelled[]): { numberOf: ReadonlyMap<string, number>; doubts: Doubt[] } {
  const labels = [...new Set(runs.map(({ block }) => block))];
  if (labels.every((label) => Number.isSafeInteger(Number(label)))) {
    return { numberOf: new Map(labels.map((label) => [label, Number(label)])), doubts: [] };
  }
  const sorted = labels.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const text = `blocks have labels from 2^53 on and are numbered in their order: ${listed(sorted.map((label, i) => `${i} is ${label}`))}`;
  return { numberOf: new Map(sorted.map((label, i) => [label, i])), doubts: [{ kind: 'longLabels', text }] };
}
