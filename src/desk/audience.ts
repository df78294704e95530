/** Who is told what the desk does while it works: a terminal now, a page or a server later. */
export interface Audience {
  /** News and warnings, one line. */
  note(line: string): void;
  /** Whether somebody watches, so that news may come often. */
  readonly isInteractive: boolean;
  /** A monotonic clock, in milliseconds. */
  now(): number;
}
