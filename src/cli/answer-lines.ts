/** An answer in the terminal, and the exit status it leads to. */
import { renderTable } from '#report/table.ts';

import type { Answer } from '#desk/answer.ts';
import type { Terminal } from './terminal.ts';

/** Exit statuses of commands that answer; 2 is bad usage. What only measures has shown nothing, and never ends with 0. */
export const EXIT = {
  ended: 0,
  failedRuns: 1,
  controlFailed: 3,
  nothingAsked: 3,
  nothingScored: 3,
  interrupted: 130,
} as const;

const NOTHING_ASKED =
  'nothing was asked: there is no contrast and no claim to decide, so there is no verdict; what was measured is in the report';

/** The table of controls, contrasts and claims, and where the report is. */
export function answerLines(answer: Answer, { page }: Pick<Terminal, 'page'>): string[] {
  return [isAsked(answer) ? renderTable(answer, page) : NOTHING_ASKED, `report: ${answer.report}`];
}

/** The exit status of an answer to a study with so many failed runs. */
export function exitStatusOf(failedRuns: number, answer: Answer): number {
  if (failedRuns > 0) return EXIT.failedRuns;
  if (!isAsked(answer)) return EXIT.nothingAsked;
  return answer.controls.every(({ passed }) => passed) ? EXIT.ended : EXIT.controlFailed;
}

/** Whether there is anything that an answer could decide: without contrasts and claims runs are only measured. */
function isAsked({ verdicts, controls, claims = [] }: Answer): boolean {
  return verdicts.length + controls.length + claims.length > 0;
}
