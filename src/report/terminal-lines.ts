/** Lines for a terminal: broken at its edge, free of control characters, in colour where that is wanted. */

/** Later lines of a text stand this far in. */
export const INDENT = '  ';

/** What text is written for. */
export interface TableStyle {
  /** Characters a line. */
  readonly columns: number;
  readonly isColoured: boolean;
}

/** Escape sequences by what is said; a reader without colours loses nothing. */
const COLOURS = { affects: 33, explainedBy: 35, noEffect: 34, undecided: 2, FAILED: 31 } as const;

/** Lines in the colour of what they say, where colours are wanted. */
export function coloured(
  lines: readonly string[],
  what: keyof typeof COLOURS | undefined,
  { isColoured }: TableStyle,
): readonly string[] {
  return what === undefined || !isColoured ? lines : lines.map((line) => `\u001B[${COLOURS[what]}m${line}\u001B[0m`);
}

/** Control characters could steer a terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

/** Breaks at spaces so that no line is wider than the terminal; later lines are indented. */
export function wrapped(text: string, indent: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?=\S)/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= columns || line.trim() === '') {
      line = longer;
      continue;
    }
    lines.push(line);
    line = `${indent}${word}`;
  }
  return [...lines, line].flatMap((one) => one.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? []);
}
