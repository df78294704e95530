/** Steps that are logged twice with different values: a step logged again, or two runs under one label. */
import { AssayError } from '#base/errors.ts';
import type { Doubt } from './doubt.ts';

/** A second, different value of a column at a step of a run. */
export interface Repeated {
  readonly step: number;
  readonly column: string;
  readonly values: readonly [first: number, second: number];
  /** Where the first value stands, and the second. */
  readonly firstWhere: string;
  readonly where: string;
  readonly isOtherFile: boolean;
}

/** Share of a run's steps with two values above which its rows are those of two runs. */
const TWO_RUNS_FRACTION = 0.5;

/**
 * Refuses a run whose files disagree at a step, or that has two values at most of its steps.
 * @param name The run's label, for the message.
 * @param steps How many steps the run has.
 * @throws AssayError naming both places.
 */
export function refuseTwoRuns(
  name: string,
  repeated: readonly Repeated[],
  steps: number,
  { learningRate, step: stepColumn }: { readonly learningRate?: string; readonly step?: string },
): void {
  const across = repeated.find(({ isOtherFile }) => isOtherFile);
  const share = new Set(repeated.map(({ step }) => step)).size / steps;
  const found = across ?? (share > TWO_RUNS_FRACTION ? repeated[0] : undefined);
  if (found === undefined) return;
  const { step, column, values, firstWhere, where } = found;
  const rates = learningRate === undefined ? ', name the column that tells them apart (--rate for learning rates)' : '';
  if (stepColumn === undefined) {
    throw new AssayError(
      'data',
      `Expected one row of final results for ${name}, found two that differ: ${column} is ${values[0]} (${firstWhere}) and ${values[1]} (${where}). Give each run its own seed${rates}, keep the rows meant (--where COLUMN=TEXT), or, if rows are probes along training, name the column of steps (--step COLUMN).`,
    );
  }
  throw new AssayError(
    'data',
    `Expected one run with the label ${name}, found two that differ: ${column} at step ${step} is ${values[0]} (${firstWhere}) and ${values[1]} (${where}). Give each run its own arm and block${rates}, or leave one out.`,
  );
}

/** The doubt about single steps that were logged again. */
export function repeatedDoubts(repeated: readonly Repeated[]): Doubt[] {
  if (repeated.length === 0) return [];
  const places = repeated.slice(0, 5).map(({ where }) => where);
  const text = `${repeated.length} cells give a second, different value for a step; the first was kept (${places.join(', ')})`;
  return [{ kind: 'duplicateSteps', text }];
}

/** The doubt about rows of final results that stand there twice; `places` names the second ones. */
export function againDoubts(places: readonly string[]): Doubt[] {
  if (places.length === 0) return [];
  const text = `${places.length} rows say again what an earlier row of the same arm and seed says, and count once (${places.slice(0, 5).join(', ')})`;
  return [{ kind: 'repeatedRows', text }];
}
