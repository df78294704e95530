/** The one place where runs become an answer: the analysis' verdicts and the written report. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { analyse } from '#analysis/analyse.ts';
import type { Analysis } from '#analysis/analysis-record.ts';
import type { ControlRecord, VerdictRecord } from '#analysis/verdict-record.ts';
import { contrastName } from '#analysis/verdict.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { type Report, renderReport } from '#report/report.ts';
import type { SettledArm } from '#store/records.ts';
import type { StoreReader } from '#store/store.ts';
import type { StudyPlan } from '#study/plan.ts';
import type { Study } from '#study/study.ts';

import { accountOf } from './account.ts';
import { frameOf } from './frame.ts';

/** What an answer is made from. */
export interface AnswerInput {
  readonly plan: StudyPlan;
  readonly store: StoreReader;
  /** The plan whose stored runs are read: `plan` itself, or the one it was before the study changed. */
  readonly planId: string;
  /** Where `report.html` and its data files go. */
  readonly reportFolder: string;
  /** The command that makes the runs and the answer again. */
  readonly command: string;
}

/** A study's answer. */
export interface Answer {
  readonly controls: readonly ControlRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** The report's path. */
  readonly report: string;
}

/** Analyses the runs and writes the report. @throws AssayError where the report cannot be written. */
export async function answerOf({ plan, store, planId, reportFolder, command }: AnswerInput): Promise<Answer> {
  const { study } = plan;
  const frame = await frameOf(store, planId);
  const answered = analyse(study, frame, plan.design === undefined ? {} : { design: plan.design });
  const verdicts = [...answered.verdicts, ...unanswered(study, answered, await store.readSettled(planId))];
  const account = await accountOf(plan, store, planId);
  const analysis = { ...answered, verdicts };
  const report = renderReport({ study, profile: plan.profile, frame, analysis, command, ...account });
  return { controls: answered.controls, verdicts, report: written(report, reportFolder) };
}

function written({ html, files }: Report, folder: string): string {
  const path = join(folder, 'report.html');
  try {
    mkdirSync(folder, { recursive: true });
    for (const { name, content } of files) writeFileSync(join(folder, name), content);
    writeFileSync(path, html);
  } catch (error) {
    throw new AssayError('store', `Cannot write the report to ${folder}: ${messageOf(error)}.`, { cause: error });
  }
  return path;
}

/** An undecided verdict for each question and outcome that has no runs to compare. */
function unanswered(study: Study, { notRun }: Analysis, settled: readonly SettledArm[]): VerdictRecord[] {
  const outcomes = study.outcomes.filter(({ role }) => role === 'confirmatory');
  const questions = study.contrasts.filter((one) => one.kind === 'question' && notRun.includes(contrastName(one)));
  return questions.flatMap((contrast) => {
    const { arm, reference } = contrast;
    const reasons = settled.flatMap((one) =>
      one.outcome.kind === 'none' && (one.arm === arm || one.arm === reference)
        ? [`${one.arm} has no admissible learning rate (${one.outcome.reason})`]
        : [],
    );
    const why = reasons.length > 0 ? reasons.join('; ') : 'an arm has no confirmatory run that ended';
    const reason = `On ${study.scope}: undecided for ${arm} against ${reference}: ${why}.`;
    return outcomes.map(({ name, delta }): VerdictRecord => ({
      outcome: name,
      contrast: contrastName(contrast),
      arm,
      reference,
      verdict: 'undecided',
      reason,
      delta,
      blocks: 0,
      p: null,
      matchings: {},
      learningRates: [],
      voided: [],
    }));
  });
}
