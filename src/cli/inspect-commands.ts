/** The commands that look and do not run: `list`, `status`, `report`; `plan` is in plan-command.ts. */
import { join, resolve } from 'node:path';

import { openSqliteReader } from '#store/sqlite.ts';

import { answerOf } from '#desk/answer.ts';
import { answerLines, exitStatusOf } from './answer-lines.ts';
import { reproducingCommand } from './command-text.ts';
import { builtInNames, findStudy } from '#desk/find-study.ts';
import type { Given } from './options.ts';
import { planName } from '#desk/plan-name.ts';
import { nameOf } from './progress.ts';
import { runTable } from './run-table.ts';
import { storeFolder } from './store-folder.ts';
import { optionsText, planAgain, storedPlan } from './stored-plan.ts';
import { tableOf, type Terminal } from './terminal.ts';

/** `assay list`: the built-in studies and their questions. */
export async function listCommand(_given: Given, terminal: Terminal): Promise<number> {
  const rows: string[][] = [];
  for (const name of builtInNames()) rows.push([name, (await findStudy(name)).study.question]);
  for (const line of tableOf(rows)) terminal.out(line);
  if (rows.length === 0) terminal.note('There are no built-in studies.');
  return 0;
}

/** `assay status`: how the runs of a study's plan stand; exit status 1 if some failed. */
export async function statusCommand(given: Given, terminal: Terminal): Promise<number> {
  const { study } = await findStudy(given.positionals[0] ?? '');
  await using store = await openSqliteReader(storeFolder(given));
  const record = await storedPlan(store, study, given, terminal);
  terminal.out(`${study.name}: profile ${record.profile}, ${record.blocks} blocks (${optionsText(record)})`);
  for (const line of await runTable(store, record.planId)) terminal.out(line);
  let hasFailed = false;
  for (const member of await store.readMembers(record.planId)) {
    const state = (await store.readRun(member.measureId))?.state;
    if (state?.kind === 'diverged') terminal.out(`diverged: ${nameOf(member)} at step ${state.step}: ${state.reason}`);
    if (state?.kind === 'failed') terminal.out(`failed: ${nameOf(member)}: ${state.message}`);
    hasFailed ||= state?.kind === 'failed';
  }
  return hasFailed ? 1 : 0;
}

/** `assay report`: answers again from the stored runs of a study's plan. */
export async function reportCommand(given: Given, terminal: Terminal): Promise<number> {
  const found = await findStudy(given.positionals[0] ?? '');
  const folder = storeFolder(given);
  await using store = await openSqliteReader(folder);
  const record = await storedPlan(store, found.study, given, terminal);
  const plan = await planAgain(found.study, record, terminal);
  const answer = await answerOf(store, {
    plan,
    planId: record.planId,
    keptIn: folder,
    reportFolder: {
      path: resolve(given.text('out') ?? join(folder, 'reports', planName(plan))),
      isForced: given.flag('force'),
    },
    command: reproducingCommand(given.positionals[0] ?? '', plan),
  });
  for (const line of answerLines(answer, terminal)) terminal.out(line);
  return exitStatusOf(0, answer);
}
