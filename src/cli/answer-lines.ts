/** An answer in the terminal, and the exit status it leads to. */
import type { Answer } from './answer.ts';

/** Exit statuses of commands that answer; 2 is bad usage. */
export const EXIT = { ended: 0, failedRuns: 1, controlFailed: 3, interrupted: 130 } as const;

/** What a terminal shows of a reason; the report and `--json` have it whole. */
const MOST_CHARACTERS = 240;

/** Controls, verdicts and the report's path, one a line. */
export function answerLines({ controls, verdicts, report }: Answer): string[] {
  return [
    ...controls.map(
      ({ name, passed, detail }) => `control ${name}: ${passed ? 'passed' : 'FAILED'} (${shortened(detail)})`,
    ),
    ...verdicts.map(
      ({ outcome, contrast, verdict, reason }) => `${outcome}, ${contrast}: ${verdict} (${shortened(reason)})`,
    ),
    `report: ${report}`,
  ];
}

/** The exit status of an answer to a study with so many failed runs. */
export function exitStatusOf(failedRuns: number, answer: Answer): number {
  if (failedRuns > 0) return EXIT.failedRuns;
  return answer.controls.every(({ passed }) => passed) ? EXIT.ended : EXIT.controlFailed;
}

function shortened(reason: string): string {
  return reason.length <= MOST_CHARACTERS ? reason : `${reason.slice(0, MOST_CHARACTERS)}...`;
}
