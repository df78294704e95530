/**
 * Names of runs by a pattern with placeholders: `{arm}-seed{block}` or `runs/{arm}/lr{rate}-{block}/trainer_state.json`.
 * `{arm}` is any text, `{block}` a whole number, `{rate}` a number; `*` is anything. None of them crosses a slash.
 */
import { AssayError } from '#base/errors.ts';
import type { RunLabel } from './run-logs.ts';

/** A pattern that was read. */
export interface RunPattern {
  readonly text: string;
  /** The label of a name that fits the pattern whole; undefined for any other. */
  labelOf(name: string): RunLabel | undefined;
}

/** The shortest arm that fits, so that what follows it is read as far as it can be. */
const PLACEHOLDERS = {
  arm: '[^/]+?',
  block: String.raw`\d+`,
  rate: String.raw`\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`,
} as const;
type Placeholder = keyof typeof PLACEHOLDERS;

/** Whether a text holds a placeholder. */
export function isRunPattern(text: string): boolean {
  return /\{[^{}/]*\}/.test(text);
}

/** Reads a pattern. @throws AssayError on an unknown placeholder, or without `{arm}` and `{block}`. */
export function runPattern(text: string): RunPattern {
  for (const name of ['arm', 'block'] as const) {
    if (text.includes(`{${name}}`)) continue;
    throw new AssayError('usage', `Expected {arm} and {block} in the pattern "${text}", found no {${name}}.`);
  }
  const whole = new RegExp(`^${expressionOf(text)}$`, 'u');
  return {
    text,
    labelOf: (name) => {
      const groups = whole.exec(name)?.groups;
      const [arm, block, rate] = [groups?.['arm'], groups?.['block'], groups?.['rate']];
      if (arm === undefined || block === undefined) return undefined;
      const label = { arm, block: Number.isSafeInteger(Number(block)) ? Number(block) : block };
      return rate === undefined ? label : { ...label, learningRate: Number(rate) };
    },
  };
}

/** One part of a pattern (between slashes) as a test of names. */
export function partPattern(text: string): RegExp {
  return new RegExp(`^${expressionOf(text)}$`, 'u');
}

/** The pattern as the text of a regular expression; a placeholder used again must be the same again. */
function expressionOf(text: string): string {
  const seen = new Set<string>();
  return text.replace(/\{([^{}/]*)\}|\*|[\\^$.|?+()[\]{}]/g, (found, name: string | undefined) => {
    if (name === undefined) return found === '*' ? '[^/]*' : `\\${found}`;
    if (!isPlaceholder(name)) {
      throw new AssayError('usage', `Expected {arm}, {block} or {rate} in the pattern "${text}", found {${name}}.`);
    }
    if (seen.has(name)) return `\\k<${name}>`;
    seen.add(name);
    return `(?<${name}>${PLACEHOLDERS[name]})`;
  });
}

function isPlaceholder(name: string): name is Placeholder {
  return Object.hasOwn(PLACEHOLDERS, name);
}
