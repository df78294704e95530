/**
 * Errors a user can act on: every message says what was expected, what came, where, and what to do.
 * Anything else that throws is a bug.
 */

/** What kind of thing was refused; the command line turns it into an exit status. */
export type ErrorKind = 'usage' | 'config' | 'data' | 'shape' | 'store' | 'file' | 'run';

/** An error whose message is written for the user; `kind` tells whose input was at fault. */
export class AssayError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AssayError';
    this.kind = kind;
  }
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** So much of a name is compared, in characters: names from files may be of any length, and the comparison is quadratic. */
const COMPARED = 200;

/** The known name closest to `name` by the edit distance of their beginnings, for "did you mean" lines. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const start = name.slice(0, COMPARED);
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(start, candidate.slice(0, COMPARED)) }));
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
