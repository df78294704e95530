/**
 * How large a table may be: rows are held in memory as objects, so what fits follows from the heap of this process. Measured on
 * tables of 6 columns: some 210 bytes a cell, and 35 bytes a byte of text.
 */
import { getHeapStatistics } from 'node:v8';

const BYTES_A_CELL = 210;
const BYTES_A_TEXT_BYTE = 35;
/** The longest text that JavaScript holds. */
const LONGEST_TEXT = 511 * 2 ** 20;

/** Cells of a table, rows times columns. */
export function mostCells(): number {
  return getHeapStatistics().heap_size_limit / BYTES_A_CELL;
}

/** Bytes of a table in text. */
export function mostTextBytes(): number {
  return Math.min(LONGEST_TEXT, getHeapStatistics().heap_size_limit / BYTES_A_TEXT_BYTE);
}
