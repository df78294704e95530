/** An answer in the terminal, and the exit status it leads to. */
import { renderTable } from '#report/table.ts';

import type { Answer } from '#desk/answer.ts';
import type { Terminal } from './terminal.ts';

/** Exit statuses of commands that answer; 2 is bad usage. */
export const EXIT = { ended: 0, failedRuns: 1, controlFailed: 3, interrupted: 130 } as const;

/** The table of controls, contrasts and claims, and where the report is. */
export function answerLines(answer: Answer, { page }: Pick<Terminal, 'page'>): string[] {
  return [renderTable(answer, page), `report: ${answer.report}`];
}

/** The exit status of an answer to a study with so many failed runs. */
export function exitStatusOf(failedRuns: number, answer: Answer): number {
  if (failedRuns > 0) return EXIT.failedRuns;
  return answer.controls.every(({ passed }) => passed) ? EXIT.ended : EXIT.controlFailed;
}
