/** The commands that look and do not run: `list`, `status`, `report`; `plan` is in plan-command.ts. */
import { join, resolve } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { PlanRecord } from '#store/records.ts';
import { openSqliteReader } from '#store/sqlite.ts';
import type { StoreReader } from '#store/store.ts';
import { planStudy, type StudyPlan } from '#study/plan.ts';
import { presentSetting } from '#study/settings.ts';
import type { ProfileName, Study } from '#study/study.ts';

import { answerOf } from '#desk/answer.ts';
import { answerLines, exitStatusOf } from './answer-lines.ts';
import { reproducingCommand } from './command-text.ts';
import { withDownloads } from '#desk/hub/download-models.ts';
import { builtInNames, findStudy } from '#desk/find-study.ts';
import type { Given } from './options.ts';
import { nameOf } from './progress.ts';
import { runTable } from './run-table.ts';
import { storeFolder } from './store-folder.ts';
import { tableOf, type Terminal } from './terminal.ts';

/** `assay list`: the built-in studies and their questions. */
export async function listCommand(_given: Given, terminal: Terminal): Promise<number> {
  const rows: string[][] = [];
  for (const name of builtInNames()) rows.push([name, (await findStudy(name)).study.question]);
  for (const line of tableOf(rows)) terminal.out(line);
  if (rows.length === 0) terminal.note('There are no built-in studies.');
  return 0;
}

/** `assay status`: how the runs of a study's latest plan stand; exit status 1 if some failed. */
export async function statusCommand(given: Given, terminal: Terminal): Promise<number> {
  const name = await studyName(given);
  await using store = await openSqliteReader(storeFolder(given));
  const plan = await latestPlan(store, name);
  terminal.out(`${name}: profile ${plan.profile}, ${plan.blocks} blocks`);
  for (const line of await runTable(store, plan.planId)) terminal.out(line);
  let hasFailed = false;
  for (const member of await store.readMembers(plan.planId)) {
    const state = (await store.readRun(member.measureId))?.state;
    if (state?.kind === 'diverged') terminal.out(`diverged: ${nameOf(member)} at step ${state.step}: ${state.reason}`);
    if (state?.kind === 'failed') terminal.out(`failed: ${nameOf(member)}: ${state.message}`);
    hasFailed ||= state?.kind === 'failed';
  }
  return hasFailed ? 1 : 0;
}

/** `assay report`: answers again from the stored runs of a study's latest plan. */
export async function reportCommand(given: Given, terminal: Terminal): Promise<number> {
  const found = await findStudy(given.positionals[0] ?? '');
  const folder = storeFolder(given);
  await using store = await openSqliteReader(folder);
  const record = await latestPlan(store, found.study.name);
  const { study } = await withDownloads(
    { study: found.study, settings: [] },
    { environment: process.env, audience: terminal, isJson: false },
  );
  const plan = planAgain(study, record, terminal);
  const answer = await answerOf(store, {
    plan,
    planId: record.planId,
    reportFolder: resolve(given.text('out') ?? join(folder, 'reports', `${study.name}-${plan.profile}`)),
    command: reproducingCommand(given.positionals[0] ?? '', plan),
  });
  for (const line of answerLines(answer)) terminal.out(line);
  return exitStatusOf(0, answer);
}

/** The study's own name: the given word, or for a file the name inside. */
export async function studyName(given: Given): Promise<string> {
  return (await findStudy(given.positionals[0] ?? '')).study.name;
}

/** The plan of a study saved last. @throws AssayError where there is none. */
export async function latestPlan(store: StoreReader, study: string): Promise<PlanRecord> {
  const plan = await store.latestPlan(study);
  if (plan !== undefined) return plan;
  throw new AssayError('usage', `The store has no runs of "${study}". Make them with: assay run ${study}`);
}

/** The plan a record was made from, by today's study; says so if the study has changed since. */
export function planAgain(study: Study, record: PlanRecord, terminal: Terminal): StudyPlan {
  const profiles: readonly ProfileName[] = ['quick', 'standard', 'full'];
  const profile = profiles.find((candidate) => candidate === record.profile) ?? 'quick';
  const { blocks, design } = record;
  const { defaults, formerPaths } = study.recipe;
  const settings = record.settings.map((setting) => presentSetting(defaults, setting, formerPaths));
  const plan = planStudy(study, { profile, blocks, design, settings });
  if (plan.planId !== record.planId) {
    terminal.note(
      `warning: study "${study.name}" has changed since these runs were planned; run it again to make what is missing`,
    );
  }
  return plan;
}
