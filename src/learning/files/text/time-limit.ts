/**
 * An end to code that came with a model: chat templates are programs and tokenizers hold regular expressions, and
 * either may run for ever. A call costs about a millisecond, so whole batches of work are put under one limit.
 */
import { Script, createContext } from 'node:vm';

import { AssayError } from '#base/errors.ts';

/**
 * Runs synchronous work; whatever it is doing when the time is over is stopped.
 * @param tooSlow The message of the error then, asked for at that moment so that it can say how far the work was.
 * @throws AssayError with that message; whatever the work throws passes through.
 */
export function withTimeLimit<T>(limitMs: number, tooSlow: () => string, work: () => T): T {
  const done: { value: T }[] = [];
  const context = createContext({
    work: () => {
      done.push({ value: work() });
    },
  });
  try {
    new Script('work()').runInContext(context, { timeout: limitMs });
  } catch (thrown) {
    if (isTimeout(thrown)) throw new AssayError('data', tooSlow(), { cause: thrown });
    throw thrown;
  }
  const [result] = done;
  if (result === undefined) throw new Error('The work ended without a result.');
  return result.value;
}

/** The error of `node:vm` when time is over; it comes from another context, so it is known by its code alone. */
function isTimeout(thrown: unknown): boolean {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
