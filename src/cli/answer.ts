/** The one place where runs become an answer: the analysis' verdicts and the written report. */
import type { ControlRecord, VerdictRecord } from '#analysis/verdict-record.ts';
import type { StoreReader } from '#store/store.ts';
import type { StudyPlan } from '#study/plan.ts';

import { type Collected, collected } from './collected.ts';

/** What is to be answered. */
export interface AnswerRequest {
  readonly plan: StudyPlan;
  /** The stored plan's id: not today's plan's where the study has changed since. */
  readonly planId: string;
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

/** Analyses a plan's stored runs and writes the report. */
export async function answerOf(store: StoreReader, request: AnswerRequest): Promise<Answer> {
  const runs = await collected(store, request.plan, request.planId);
  return answered(request, runs);
}

/** The analysis and report layers are not part of this tree yet: no control is judged, no verdict given, no report written. */
function answered(_request: AnswerRequest, _runs: Collected): Answer {
  return { controls: [], verdicts: [] };
}
