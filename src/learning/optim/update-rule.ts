/**
 * What one optimizer does to one parameter; `optimizer.ts` owns the buffers, the step counter and the checkpoint.
 * Invariant: a rule keeps no state of its own, so the buffers and the counter are the whole state.
 */
import type { ParameterHandle } from './parameter.ts';

/**
 * Applies one update to a parameter from its gradient, which stays as it is.
 * @param buffers Byte offsets of the parameter's buffers, as many and as long as `bufferLengths` says; zeros before the first update.
 * @param step Number of this update, from 1.
 * @param lr Learning rate, in the rule's own unit.
 */
export type UpdateRule = (parameter: ParameterHandle, buffers: readonly number[], step: number, lr: number) => void;

/** The byte offset of buffer `index`; a missing one means that `bufferLengths` and the rule disagree. */
export function bufferAt(buffers: readonly number[], index: number): number {
  const offset = buffers[index];
  if (offset === undefined) throw new RangeError(`Expected buffer ${index}, found ${buffers.length} buffers.`);
  return offset;
}
