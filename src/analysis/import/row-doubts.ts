/** What is doubted about the rows of a table: one sentence a kind, naming runs and places. */
import type { Break, SettledColumn } from './broken-runs.ts';
import type { Doubt } from './doubt.ts';

/** Names listed in a doubt before the rest is only counted. */
const NAMES_SHOWN = 10;

/** The first names of a list, and how many more there are. */
export function listed(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return [...names.slice(0, NAMES_SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

/** Runs that end as diverged because a number broke. */
export function brokenDoubts(broken: readonly { name: string; at: Break }[]): Doubt[] {
  if (broken.length === 0) return [];
  const names = broken.map(({ name, at }) => `${name} (${at.column}, step ${at.step})`);
  const many = broken.length === 1 ? '1 run counts' : `${broken.length} runs count`;
  return [
    { kind: 'brokenRuns', text: `${many} as diverged, where a number was logged that is not finite: ${listed(names)}` },
  ];
}

/** Runs whose gradient norm was not finite for a while. */
export function skippedDoubts(skipped: readonly { name: string; count: number }[]): Doubt[] {
  if (skipped.length === 0) return [];
  const steps = skipped.reduce((sum, { count }) => sum + count, 0);
  const names = listed(skipped.map(({ name }) => name));
  const text = `the gradient norm was not finite ${steps} times and finite again later, as where a loss scaler skips a step; these runs count as healthy: ${names}`;
  return [{ kind: 'skippedSteps', text }];
}

/** Axes whose NaN were taken for "not logged". */
export function filledDoubts(settled: ReadonlyMap<string, SettledColumn>, axes: readonly string[]): Doubt[] {
  const filled = axes.flatMap((column) => {
    const count = settled.get(column)?.filled ?? 0;
    return count === 0 ? [] : [`${column} (${count} rows)`];
  });
  if (filled.length === 0) return [];
  const text = `NaN was read as "not logged in this row" and not as a loss that broke in ${filled.join(', ')}, by the rows around; leave cells empty where nothing was logged`;
  return [{ kind: 'nanTakenAsEmpty', text }];
}

/** Outcomes that are not finite. */
export function lostDoubts(lost: readonly { name: string; outcome: string; step: number }[]): Doubt[] {
  return [...Map.groupBy(lost, ({ outcome }) => outcome)].map(([outcome, own]) => ({
    kind: 'brokenOutcomes',
    text: `${outcome} is logged and not finite in ${own.length} runs, and counts as not measured there: ${listed(own.map(({ name, step }) => `${name} (from step ${step})`))}`,
  }));
}

/** Rows that come before an earlier step. */
export function disorderedDoubts(disordered: readonly string[]): Doubt[] {
  if (disordered.length === 0) return [];
  const text = `${disordered.length} rows come before an earlier step of their run; rows were sorted by step (${disordered.slice(0, 5).join(', ')})`;
  return [{ kind: 'stepsOutOfOrder', text }];
}
