/** The one place where runs become an answer: the analysis' verdicts and the written report. */
import { analyse } from '#analysis/analyse.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { ControlRecord, VerdictRecord } from '#analysis/records/verdict-record.ts';
import type { StoreReader } from '#store/store.ts';
import type { StudyPlan } from '#study/plan.ts';

import { type Collected, collected } from './collected.ts';
import type { OutputFolder } from './output-folder.ts';
import { writeReport } from './write-report.ts';

/** What is to be answered. */
export interface AnswerRequest {
  readonly plan: StudyPlan;
  /** The stored plan's id: not today's plan's where the study has changed since. */
  readonly planId: string;
  /** Where the report goes. */
  readonly reportFolder: OutputFolder;
  /** The command that reproduces the answer. */
  readonly command: string;
}

/** A study's answer. */
export interface Answer {
  readonly controls: readonly ControlRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** The report's path. */
  readonly report: string;
}

/** Analyses a plan's stored runs and writes the report. */
export async function answerOf(store: StoreReader, request: AnswerRequest): Promise<Answer> {
  const { plan, planId, reportFolder, command } = request;
  const runs = await collected(store, plan, planId);
  const analysis = analysisOf(plan, runs);
  const { controls, verdicts } = analysis;
  return { controls, verdicts, report: writeReport(reportFolder, { plan, planId, analysis, runs, command }) };
}

/** A plan's collected runs analysed. */
export function analysisOf(plan: StudyPlan, runs: Collected): Analysis {
  return analyse(plan.study, runs.frame, { design: plan.design, whyMissing: (arm) => whyMissing(arm, runs) });
}

/** The pilots' reason why an arm has no runs. */
function whyMissing(arm: string, { settled }: Collected): string | undefined {
  const outcome = settled.find((one) => one.arm === arm)?.outcome;
  return outcome?.kind === 'none' ? `"${arm}" has no admissible learning rate: ${outcome.reason}` : undefined;
}
