/** The one place where runs become an answer: the analysis' verdicts and the written report. */
import { analyse } from '#analysis/analyse.ts';
import { contrastName } from '#analysis/verdict.ts';
import type { ControlRecord, VerdictRecord } from '#analysis/verdict-record.ts';
import type { StoreReader } from '#store/store.ts';
import type { StudyPlan } from '#study/plan.ts';
import type { Contrast } from '#study/study.ts';

import { type Collected, collected } from './collected.ts';
import { writeReport } from './write-report.ts';

/** What is to be answered. */
export interface AnswerRequest {
  readonly plan: StudyPlan;
  /** The stored plan's id: not today's plan's where the study has changed since. */
  readonly planId: string;
  /** Where the report goes. */
  readonly reportFolder: string;
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
  const analysis = analyse(plan.study, runs.frame, { design: plan.design });
  const notRun = plan.study.contrasts.filter((contrast) => analysis.notRun.includes(contrastName(contrast)));
  const controls = [...analysis.controls, ...notRun.flatMap((contrast) => controlNotRun(contrast, runs))];
  const verdicts = [...analysis.verdicts, ...notRun.flatMap((contrast) => verdictsNotRun(plan, contrast, runs))];
  const whole = { ...analysis, controls, verdicts };
  return { controls, verdicts, report: writeReport(reportFolder, { plan, planId, analysis: whole, runs, command }) };
}

/** A control that could not be made says nothing, so it did not pass. */
function controlNotRun(contrast: Contrast, runs: Collected): ControlRecord[] {
  if (contrast.kind === 'question') return [];
  return [{ name: contrast.name, passed: false, detail: whyNotRun(contrast, runs) }];
}

function verdictsNotRun({ study }: StudyPlan, contrast: Contrast, runs: Collected): VerdictRecord[] {
  if (contrast.kind === 'control') return [];
  const { arm, reference } = contrast;
  const confirmatory = study.outcomes.filter(({ role }) => role === 'confirmatory');
  return confirmatory.map(({ name, delta }) => ({
    outcome: name,
    contrast: contrastName(contrast),
    arm,
    reference,
    verdict: 'undecided',
    reason: whyNotRun(contrast, runs),
    delta,
    blocks: 0,
    p: null,
    matchings: {},
    learningRates: [],
    voided: [],
  }));
}

/** The pilots' reason, or that runs are missing. */
function whyNotRun({ arm, reference }: Contrast, { settled }: Collected): string {
  const reasons = settled.flatMap(({ arm: name, outcome }) => {
    const isOurs = name === arm || name === reference;
    return isOurs && outcome.kind === 'none' ? [`"${name}" has no admissible learning rate: ${outcome.reason}`] : [];
  });
  return reasons.length > 0 ? reasons.join('; ') : `there are no finished runs of "${arm}" or of "${reference}"`;
}
