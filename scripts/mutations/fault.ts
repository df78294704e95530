/** One planted fault. */

export interface Fault {
  /** What is wrong with it planted. */
  readonly name: string;
  /** The file it is planted in, from the root. */
  readonly file: string;
  /** Its text, which must occur exactly once, becomes `to`. */
  readonly from: string;
  readonly to: string;
  /** Test files that must turn red, one of them being enough; the quickest first. */
  readonly tests: readonly string[];
}
