/** What is in a training file, in numbers a user can check before any training. */
import { contentHash } from '#base/json.ts';

import { questionOf } from './held-out-split.ts';
import type { TokenRow } from './token-rows.ts';
import type { NumberedRow, Role, TrainingRow } from './training-row.ts';

/** Smallest, middle and largest of some counts; the quantiles are counts that occur (nearest rank). */
export interface Spread {
  readonly total: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Statistics of one file. */
export interface FileStatistics {
  readonly rows: number;
  readonly kind: TrainingRow['kind'];
  /** Turns by role; only for conversations. */
  readonly turns?: Readonly<Partial<Record<Role, number>>>;
  /** Rows whose content stands in an earlier row too. */
  readonly repeatedRows: number;
  readonly differentQuestions: number;
  readonly characters: Spread;
  /** Absent when the rows were not tokenized. */
  readonly tokens?: Spread;
  readonly learnedTokens?: Spread;
  /** Rows by key that changes nothing, such as an id; absent where there is none. */
  readonly ignoredKeys?: Readonly<Record<string, number>>;
  /** Rows whose own text holds a special token as it is written: it becomes that token. */
  readonly rowsWithSpecialText: number;
}

/**
 * Counts what is in a file.
 * @param rows At least one row.
 * @param tokenRows The same rows tokenized, if they are.
 * @param specialTexts The tokenizer's special tokens as they are written.
 */
export function fileStatistics(
  rows: readonly NumberedRow[],
  tokenRows?: readonly TokenRow[],
  specialTexts: readonly string[] = [],
): FileStatistics {
  const ignored = Map.groupBy(
    rows.flatMap((row) => row.ignored ?? []),
    (key) => key,
  );
  const counts = Array.from(ignored, ([key, all]) => [key, all.length] as const);
  const holdsSpecial = ({ row }: NumberedRow): boolean =>
    textsOf(row).some((text) => specialTexts.some((special) => text.includes(special)));
  const different = new Set(rows.map(({ row }) => contentHash(row))).size;
  const kind = rows[0]?.row.kind ?? 'text';
  return {
    rows: rows.length,
    kind,
    ...(kind === 'chat' ? { turns: turnsByRole(rows) } : {}),
    repeatedRows: rows.length - different,
    differentQuestions: new Set(rows.map(({ row }) => questionOf(row))).size,
    characters: spread(rows.map(({ row }) => charactersIn(row))),
    rowsWithSpecialText: rows.filter(holdsSpecial).length,
    ...(counts.length === 0 ? {} : { ignoredKeys: Object.fromEntries(counts) }),
    ...(tokenRows === undefined
      ? {}
      : {
          tokens: spread(tokenRows.map(({ ids }) => ids.length)),
          learnedTokens: spread(tokenRows.map(({ lossMask }) => lossMask.reduce((sum, bit) => sum + bit, 0))),
        }),
  };
}

function turnsByRole(rows: readonly NumberedRow[]): Partial<Record<Role, number>> {
  const turns: Partial<Record<Role, number>> = {};
  for (const { row } of rows) {
    if (row.kind !== 'chat') continue;
    for (const { role } of row.messages) turns[role] = (turns[role] ?? 0) + 1;
  }
  return turns;
}

function charactersIn(row: TrainingRow): number {
  return textsOf(row).reduce((sum, { length }) => sum + length, 0);
}

/** What was written in a row, without what the chat template adds. */
function textsOf(row: TrainingRow): readonly string[] {
  if (row.kind === 'text') return [row.text];
  return row.kind === 'completion' ? [row.prompt, row.completion] : row.messages.map(({ content }) => content);
}

function spread(counts: readonly number[]): Spread {
  const sorted = counts.toSorted((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0;
  return { total: counts.reduce((sum, n) => sum + n, 0), min: at(0), median: at(0.5), p95: at(0.95), max: at(1) };
}
