/** `assay export`: a study's runs and its answer as text and Parquet, with a sha256 that tells whether two exports are equal. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { parquetWriteFile } from 'hyparquet-writer';

import { AssayError, messageOf } from '#base/errors.ts';
import { answerTables, tableFiles } from '#report/answer-tables.ts';
import { canonicalExport, looksJsonl, type TrajectoryRow } from '#store/export.ts';
import { openSqliteReader } from '#store/sqlite.ts';

import { analysisOf } from '#desk/answer.ts';
import { collected } from '#desk/collected.ts';
import { findStudy } from '#desk/find-study.ts';
import { latestPlan, planAgain } from './inspect-commands.ts';
import type { Given } from './options.ts';
import { storeFolder } from './store-folder.ts';
import type { Terminal } from './terminal.ts';

/** `assay export`: the runs of a study's latest plan, and what they answer; the sha256 is that of the runs. */
export async function exportCommand(given: Given, terminal: Terminal): Promise<number> {
  const { study } = await findStudy(given.positionals[0] ?? '');
  const { name } = study;
  await using store = await openSqliteReader(storeFolder(given));
  await store.verify();
  const plan = await latestPlan(store, name);
  const exported = await canonicalExport(store, plan.planId);
  const today = planAgain(study, plan, terminal);
  const analysis = analysisOf(today, await collected(store, today, plan.planId));
  const answer = answerTables(analysis).flatMap(tableFiles);
  const folder = resolve(given.text('out') ?? `${name}-export`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'runs.jsonl'), exported.runsJsonl);
    writeFileSync(join(folder, 'trajectories.csv'), exported.trajectoriesCsv);
    writeFileSync(join(folder, 'looks.jsonl'), looksJsonl(await store.readLooks(name)));
    writeFileSync(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
    parquetWriteFile({
      filename: join(folder, 'trajectories.parquet'),
      columnData: exported.columns.map((column) => columnOf(column, exported.rows)),
    });
    for (const { name: file, content } of answer) writeFileSync(join(folder, file), content);
  } catch (error) {
    throw new AssayError('file', `Cannot write the export to ${folder}: ${messageOf(error)}.`, { cause: error });
  }
  const names = [
    'runs.jsonl',
    'trajectories.csv',
    'trajectories.parquet',
    'looks.jsonl',
    'plan.json',
    ...answer.map((file) => file.name),
  ];
  terminal.note(`Wrote ${names.join(', ')} to ${folder}`);
  terminal.out(`sha256 ${exported.sha256}`);
  return 0;
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
