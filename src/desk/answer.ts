/** The one place where runs become an answer: the analysis' verdicts and the written report. */
import { analyse } from '#analysis/analyse.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { ClaimRecord, MapRecord } from '#analysis/records/claim-record.ts';
import type { ControlRecord, VerdictRecord } from '#analysis/records/verdict-record.ts';
import type { Store, StoreReader } from '#store/store.ts';
import type { StudyPlan } from '#study/plan.ts';

import { type Collected, collected } from './collected.ts';
import { looksAt, recordLook } from './looks.ts';
import type { OutputFolder } from './output-folder.ts';
import { shownTexts } from './shown-texts.ts';
import { writeReport } from './write-report.ts';

/** What is to be answered. */
export interface AnswerRequest {
  readonly plan: StudyPlan;
  /** The stored plan's id: not today's plan's where the study has changed since. */
  readonly planId: string;
  /** The folder of the store, where texts that runs kept are looked for. */
  readonly keptIn?: string;
  /** Where the report goes. */
  readonly reportFolder: OutputFolder;
  /** The command that reproduces the answer. */
  readonly command: string;
}

/** A study's answer. */
export interface Answer {
  readonly controls: readonly ControlRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** One a claim and outcome, controls included; absent where the study claims nothing. */
  readonly claims?: readonly ClaimRecord[];
  readonly maps?: readonly MapRecord[];
  /** Which look this is, and what alpha it has; absent where it has none. */
  readonly look?: Analysis['look'];
  /** The report's path. */
  readonly report: string;
}

/** Whether nothing that is asked is undecided: no contrast, and no place of a claim. */
export function isDecided({ verdicts, claims = [] }: Pick<Answer, 'verdicts' | 'claims'>): boolean {
  const places = claims.flatMap(({ asks, levels }) => (asks === 'question' ? levels : []));
  return [...verdicts, ...places].every(({ verdict }) => verdict !== 'undecided');
}

/** Analyses a plan's stored runs and writes the report. */
export async function answerOf(store: StoreReader, request: AnswerRequest): Promise<Answer> {
  return answerFrom(store, request, await collected(store, request.plan, request.planId));
}

/** Answers what was just run, and records the look in the store. */
export async function lookedAt(store: Store, request: AnswerRequest): Promise<Answer> {
  const runs = await collected(store, request.plan, request.planId);
  const answer = await answerFrom(store, request, runs);
  await recordLook(store, request, runs, answer);
  return answer;
}

async function answerFrom(store: StoreReader, request: AnswerRequest, runs: Collected): Promise<Answer> {
  const { plan, planId, reportFolder, command, keptIn } = request;
  const analysis = await analysisOf(store, plan, runs);
  const { controls, verdicts, claims, maps, look } = analysis;
  const texts = keptIn === undefined ? {} : shownTexts(keptIn, plan.study.arms, await store.readMembers(planId));
  return {
    controls,
    verdicts,
    ...(claims && { claims }),
    ...(maps && { maps }),
    ...(look && { look }),
    report: writeReport(reportFolder, { plan, planId, analysis, runs, command, ...texts }),
  };
}

/** A plan's collected runs analysed, after the looks the store remembers. */
export async function analysisOf(store: StoreReader, plan: StudyPlan, runs: Collected): Promise<Analysis> {
  const previousLooks = await looksAt(store, plan);
  const { design } = plan;
  return analyse(plan.study, runs.frame, { design, previousLooks, whyMissing: (arm) => whyMissing(arm, runs) });
}

/** The pilots' reason why an arm has no runs. */
function whyMissing(arm: string, { settled }: Collected): string | undefined {
  const outcome = settled.find((one) => one.arm === arm)?.outcome;
  return outcome?.kind === 'none' ? `"${arm}" has no admissible learning rate: ${outcome.reason}` : undefined;
}
