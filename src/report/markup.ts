/**
 * HTML and SVG text with escaping built in: whatever is put into a template is escaped unless it was made by a template.
 * Arm names, questions and reasons come from users, so no other way of making markup exists in `report/`.
 */

const BRAND: unique symbol = Symbol('markup');

/** Text that is safe to stand in an HTML or SVG document. */
export interface Markup {
  readonly [BRAND]: true;
  readonly text: string;
}

/** What a template takes: text is escaped, numbers are rounded coordinates, `undefined` is left out. */
export type MarkupPart = string | number | Markup | undefined | readonly MarkupPart[];

const COORDINATE_DIGITS = 2;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Template tag for HTML and SVG. @throws RangeError on a number that is not finite (a bug in the caller). */
export function markup(strings: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  let text = strings[0] ?? '';
  for (const [index, part] of parts.entries()) text += textOf(part) + (strings[index + 1] ?? '');
  return trusted(text);
}

/** Marks text of the program's own making (style sheets, path data) as safe; never for text from a user. */
export function trusted(text: string): Markup {
  return { [BRAND]: true, text };
}

/** The text with the five characters that HTML treats as syntax replaced, and control characters made visible. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c).replace(/(?![\t\n\u0080-\u009f])\p{Cc}/gu, '\ufffd');
}

/** A coordinate as short text. @throws RangeError if it is not finite. */
export function coordinate(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`Expected a finite coordinate, found ${value}.`);
  return String(Number(value.toFixed(COORDINATE_DIGITS)));
}

function textOf(part: MarkupPart): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return coordinate(part);
  if (isMarkup(part)) return part.text;
  return part.map(textOf).join('');
}

function isMarkup(part: Markup | readonly MarkupPart[]): part is Markup {
  return !Array.isArray(part);
}
