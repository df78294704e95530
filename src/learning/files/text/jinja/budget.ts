/**
 * What one rendering of a template may make in all: single values are bounded where they are made (values.ts), but a loop
 * may keep any number of them. A rendering runs to its end before the next one begins, so there is one budget.
 */
import type { Value } from './values.ts';

/** Characters of text; a conversation of a mebibyte takes a few of them. */
const MOST = 1 << 28;
/** An item of a list takes as much memory as so many characters. */
const ITEM = 16;

let left = MOST;

/** Begins a rendering. */
export function renewBudget(): void {
  left = MOST;
}

/** Takes the size of something made from what is left. @throws Error where nothing is. */
export function spend(made: Value): void {
  left -= sizeOf(made);
  if (left < 0) throw new Error(`it makes more than ${MOST} characters of text, or lists as large`);
}

function sizeOf(value: Value): number {
  if (typeof value === 'string') return ITEM + value.length;
  if (typeof value !== 'object' || value === null) return ITEM;
  if ('items' in value) return ITEM * (1 + value.items.length);
  if (value.kind === 'dict') return ITEM * (1 + value.entries.size);
  return value.kind === 'markup' ? ITEM + value.text.length : ITEM;
}
