/** How far training moved weights, all matrices (or vectors) together. */
import { AssayError } from '#base/errors.ts';
import type { Memory } from '#learning/weights.ts';

/** Euclidean lengths over all weights together. */
export interface UpdateNorm {
  /** Of tuned - base. */
  readonly absolute: number;
  /** The same over the base's own length; undefined for a base of zeros. */
  readonly relative: number | undefined;
}

/**
 * The length of an update, summed in float64.
 * @param names Which weights; all of the base's where left out. @throws AssayError (data) where a weight is missing or of another size.
 */
export function updateNorm(base: Memory, tuned: Memory, names: Iterable<string> = base.keys()): UpdateNorm {
  let [moved, start] = [0, 0];
  for (const name of names) {
    const [before, after] = [base.get(name), tuned.get(name)];
    if (before === undefined || after?.length !== before.length) {
      throw new AssayError(
        'data',
        `updateNorm: "${name}" has ${before?.length ?? 'no'} values in the base and ${after?.length ?? 'none'} tuned. Expected the same number.`,
      );
    }
    for (const [i, value] of before.entries()) {
      moved += ((after[i] ?? 0) - value) ** 2;
      start += value ** 2;
    }
  }
  return { absolute: Math.sqrt(moved), relative: start === 0 ? undefined : Math.sqrt(moved / start) };
}
