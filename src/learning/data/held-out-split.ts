/**
 * Which rows are held out: decided for each row by a hash of its question alone.
 * Invariants: the same row always falls on the same side, whatever else is in the file, so appending rows moves none;
 * and rows that ask the same question fall on the same side, so the held-out set shares no question with training.
 */
import { AssayError } from '#base/errors.ts';
import { sha256 } from '#base/json.ts';

import type { NumberedRow, TrainingRow } from './training-row.ts';

/** The two sides of a split, each in file order. */
export interface Split {
  readonly train: readonly NumberedRow[];
  readonly heldOut: readonly NumberedRow[];
}

/**
 * Splits rows by the hash of their question.
 * @param heldOutFraction Expected share of questions held out, in [0, 1).
 * @param salt Another salt gives another, independent split.
 * @throws AssayError when a side that should have rows has none.
 */
export function splitHeldOut(rows: readonly NumberedRow[], heldOutFraction: number, salt = ''): Split {
  if (!(heldOutFraction >= 0 && heldOutFraction < 1)) {
    throw new AssayError('config', `Expected a held-out fraction in [0, 1), found ${heldOutFraction}.`);
  }
  const isHeldOut = ({ row }: NumberedRow): boolean => hashFraction(`${salt}\n${questionOf(row)}`) < heldOutFraction;
  const split = { train: rows.filter((row) => !isHeldOut(row)), heldOut: rows.filter(isHeldOut) };
  const missing =
    split.train.length === 0 ? 'training' : heldOutFraction > 0 && split.heldOut.length === 0 ? 'held-out' : undefined;
  if (missing === undefined) return split;
  const found = `${rows.length} rows with a held-out fraction of ${heldOutFraction} leave no ${missing} rows`;
  throw new AssayError(
    'data',
    `${found}. Expected at least one: bring more rows with different questions, or change the fraction.`,
  );
}

/** What a row asks, in one spelling (Unicode NFC, single spaces): the user's turns before the first answer, the prompt, or the text. */
export function questionOf(row: TrainingRow): string {
  return asked(row).normalize('NFC').replaceAll(/\s+/gu, ' ').trim();
}

function asked(row: TrainingRow): string {
  if (row.kind === 'text') return row.text;
  if (row.kind === 'completion') return row.prompt;
  const answer = row.messages.findIndex(({ role }) => role === 'assistant');
  const before = row.messages.slice(0, answer).filter(({ role }) => role === 'user');
  return (before.length > 0 ? before : row.messages).map(({ content }) => content).join('\n');
}

/** A number in [0, 1) from the first 48 bits of a hash. */
function hashFraction(text: string): number {
  return Number.parseInt(sha256(text).slice(0, 12), 16) / 2 ** 48;
}
