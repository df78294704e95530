/** `assay export`: a study's runs and its answer as text and Parquet, with a sha256 that tells whether two exports are equal. */
import { resolve } from 'node:path';

import { parquetWriteBuffer } from 'hyparquet-writer';

import { answerTables, tableFiles } from '#report/answer-tables.ts';
import { canonicalExport, looksJsonl, type TrajectoryRow } from '#store/export.ts';
import { openSqliteReader } from '#store/sqlite.ts';
import type { StudyPlan } from '#study/plan.ts';

import { analysisOf } from '#desk/answer.ts';
import { collected } from '#desk/collected.ts';
import { findStudy } from '#desk/find-study.ts';
import { type OutputFile, writeOutputs } from '#desk/output-folder.ts';
import { planName } from '#desk/plan-name.ts';
import type { Given } from './options.ts';
import { storeFolder } from './store-folder.ts';
import { planAgain, storedPlan } from './stored-plan.ts';
import type { Terminal } from './terminal.ts';

/** `assay export`: the runs of a study's plan, and what they answer; the sha256 is that of the runs. */
export async function exportCommand(given: Given, terminal: Terminal): Promise<number> {
  const { study } = await findStudy(given.positionals[0] ?? '');
  await using store = await openSqliteReader(storeFolder(given));
  await store.verify();
  const record = await storedPlan(store, study, given, terminal);
  const { planId } = record;
  const exported = await canonicalExport(store, planId);
  const today = await planAgain(study, record, terminal);
  const analysis = await analysisOf(store, today, await collected(store, today, planId));
  const answer = answerTables(analysis).flatMap(tableFiles);
  const trajectories = parquetWriteBuffer({
    columnData: exported.columns.map((column) => columnOf(column, exported.rows)),
  });
  const files: OutputFile[] = [
    { name: 'runs.jsonl', content: exported.runsJsonl },
    { name: 'trajectories.csv', content: exported.trajectoriesCsv },
    { name: 'trajectories.parquet', content: new Uint8Array(trajectories) },
    { name: 'looks.jsonl', content: looksJsonl(await store.readLooks(study.name)) },
    { name: 'plan.json', content: `${JSON.stringify(record, null, 2)}\n` },
    ...answer,
  ];
  const path = resolve(given.text('out') ?? exportFolder(today));
  writeOutputs({ path, isForced: given.flag('force') }, files);
  terminal.note(`Wrote ${files.map(({ name }) => name).join(', ')} to ${path}`);
  terminal.out(`sha256 ${exported.sha256}`);
  return 0;
}

/** `misalignment-export` for the quick profile as it is; other plans have their name in it. */
function exportFolder(plan: StudyPlan): string {
  const name = planName(plan);
  return `${name === `${plan.study.name}-quick` ? plan.study.name : name}-export`;
}

const TEXT_COLUMNS = new Set(['arm', 'phase', 'status', 'run']);
const WHOLE_COLUMNS = new Set(['block', 'step']);

function columnOf(
  name: string,
  rows: readonly TrajectoryRow[],
): { name: string; data: unknown[]; type: 'STRING' | 'INT32' | 'DOUBLE'; nullable: boolean } {
  const type = TEXT_COLUMNS.has(name) ? 'STRING' : WHOLE_COLUMNS.has(name) ? 'INT32' : 'DOUBLE';
  return { name, type, nullable: true, data: rows.map((row) => row[name] ?? null) };
}
