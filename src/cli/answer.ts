/** The one place where runs become an answer: the analysis' verdicts and the written report. */
import type { Frame } from '#analysis/frame.ts';
import type { ControlRecord, VerdictRecord } from '#analysis/verdict-record.ts';
import type { SettledArm } from '#store/records.ts';
import type { StudyPlan } from '#study/plan.ts';

/** What an answer is made from. */
export interface AnswerInput {
  readonly plan: StudyPlan;
  readonly frame: Frame;
  /** What the pilots decided; an arm with no admissible rate leaves its contrasts undecided. */
  readonly settled: readonly SettledArm[];
  /** Where the report goes. */
  readonly reportPath: string;
  /** The command that reproduces the answer. */
  readonly command: string;
}

/** A study's answer. */
export interface Answer {
  readonly controls: readonly ControlRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** The report's path, absent where none was written. */
  readonly report?: string;
}

/** Analyses the runs and writes the report. The analysis layer is not part of this tree yet: no verdicts are given. */
export async function answerOf(_input: AnswerInput): Promise<Answer> {
  return { controls: [], verdicts: [] };
}
