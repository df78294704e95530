/** What a reader of untrusted input is to a hunt. */
import type { Base } from './mutations.ts';

/** A reader of untrusted input. */
export interface Reader {
  /** How many of a thousand inputs go to it. */
  readonly share: number;
  readonly bases: () => readonly Base[];
  /**
   * Reads a damaged input.
   * @param folder Gives an empty folder, for those who need files.
   * @throws AssayError where the input is refused.
   */
  readonly read: (bytes: Uint8Array, base: Base, folder: () => string) => Promise<void> | void;
  /** The reader that the product puts around this one, to end what hangs: such an input is tried there, and must be refused. */
  readonly within?: string;
}
