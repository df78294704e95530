/**
 * The answer as tables for other programs, each as CSV and as Parquet: verdicts, their contrasts under each matching, the
 * levels of these, and controls. Unknown is an empty cell (null in Parquet), never a number.
 */
import { parquetWriteBuffer } from 'hyparquet-writer';

import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { LevelEstimate, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { type CsvCell, csvText } from './csv.ts';
import type { ReportFile } from './report-input.ts';

/** One table. */
export interface AnswerTable {
  readonly name: 'verdicts' | 'contrasts' | 'levels' | 'controls';
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly CsvCell[])[];
}

/** A column: texts, or numbers. */
interface TableColumn {
  readonly name: string;
  readonly kind: 'text' | 'number';
}

const texts = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, kind: 'text' }));
const numbers = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, kind: 'number' }));

/** All tables of an analysis. */
export function answerTables(analysis: Analysis): readonly AnswerTable[] {
  return [verdictTable(analysis), contrastTable(analysis), levelTable(analysis), controlTable(analysis)];
}

/** A table as the two files that hold it. */
export function tableFiles({ name, columns, rows }: AnswerTable): readonly ReportFile[] {
  const header = columns.map((column) => column.name);
  const columnData = columns.map((column, i) => ({
    name: column.name,
    type: column.kind === 'text' ? ('STRING' as const) : ('DOUBLE' as const),
    nullable: true,
    data: rows.map((row) => knownOrNull(row[i])),
  }));
  return [
    { name: `${name}.csv`, content: csvText(header, rows) },
    { name: `${name}.parquet`, content: new Uint8Array(parquetWriteBuffer({ columnData })) },
  ];
}

function knownOrNull(cell: CsvCell): string | number | null {
  return cell === undefined || (typeof cell === 'number' && !Number.isFinite(cell)) ? null : cell;
}

function verdictTable({ verdicts }: Analysis): AnswerTable {
  const columns = [
    ...texts('outcome', 'contrast', 'arm', 'reference', 'verdict'),
    ...numbers('delta', 'p', 'blocks', 'voidedBlocks', 'furtherBlocks'),
    ...texts('reason'),
  ];
  const rows = verdicts.map((verdict): readonly CsvCell[] => [
    verdict.outcome,
    verdict.contrast,
    verdict.arm,
    verdict.reference,
    verdict.verdict,
    verdict.delta,
    verdict.p ?? undefined,
    verdict.blocks,
    verdict.voided.length,
    verdict.furtherBlocks,
    verdict.reason,
  ]);
  return { name: 'verdicts', columns, rows };
}

function contrastTable({ verdicts, exploratory }: Analysis): AnswerTable {
  const confirmatory = verdicts.flatMap((verdict) =>
    Object.entries(verdict.matchings).map(([matching, result]): readonly CsvCell[] => [
      verdict.outcome,
      verdict.contrast,
      matching,
      ...resultCells(result),
      verdict.delta,
      verdict.verdict,
      verdict.p ?? undefined,
      undefined,
      verdict.reason,
    ]),
  );
  const screened = exploratory.flatMap((record) =>
    Object.entries(record.matchings).map(([matching, result]): readonly CsvCell[] => [
      record.outcome,
      record.contrast,
      matching,
      ...resultCells(result),
      undefined,
      'exploratory',
      record.p ?? undefined,
      record.q ?? undefined,
      undefined,
    ]),
  );
  const columns = [
    ...texts('outcome', 'contrast', 'matching'),
    ...numbers('estimate', 'ci95Low', 'ci95High', 'p', 'blocks'),
    ...texts('notEstimable'),
    ...numbers('delta'),
    ...texts('verdict'),
    ...numbers('verdictP', 'q'),
    ...texts('reason'),
  ];
  return { name: 'contrasts', columns, rows: [...confirmatory, ...screened] };
}

function resultCells(result: MatchingResult): readonly CsvCell[] {
  if (result.kind === 'notEstimable') return [undefined, undefined, undefined, undefined, undefined, result.reason];
  return [result.estimate, ...result.ci95, result.p, result.blocks, undefined];
}

function levelTable({ verdicts }: Analysis): AnswerTable {
  const columns = [
    ...texts('outcome', 'contrast', 'matching'),
    ...numbers('level', 'secondLevel', 'armMean', 'referenceMean', 'estimate'),
    ...numbers('ci95Low', 'ci95High', 'ci90Low', 'ci90High', 'blocks'),
    ...texts('excluded'),
  ];
  const rows = verdicts.flatMap((verdict) =>
    Object.entries(verdict.matchings).flatMap(([matching, result]) =>
      result.kind === 'notEstimable' ? [] : result.levels.map((level) => levelRow(verdict, matching, level)),
    ),
  );
  return { name: 'levels', columns, rows };
}

function levelRow(verdict: VerdictRecord, matching: string, level: LevelEstimate): readonly CsvCell[] {
  const place = [verdict.outcome, verdict.contrast, matching, ...levelCells(level.level)];
  const intervals = [...level.ci95, ...level.ci90];
  return [...place, level.armMean, level.referenceMean, level.estimate, ...intervals, level.blocks, level.excluded];
}

function controlTable({ controls }: Analysis): AnswerTable {
  const rows = controls.map(({ name, passed, unsettled, detail }): readonly CsvCell[] => [
    name,
    passed ? 'passed' : unsettled === true ? 'unsettled' : 'failed',
    detail,
  ]);
  return { name: 'controls', columns: texts('control', 'result', 'detail'), rows };
}

/** A level as two cells: the axis' value, or the (training, held-out) point of the joint matching. */
export function levelCells(level: number | readonly [number, number] | 'all'): readonly CsvCell[] {
  return typeof level === 'object' ? level : [level, undefined];
}
