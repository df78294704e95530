/**
 * The answer as tables for other programs, each as CSV and as Parquet: verdicts, their contrasts under each matching, the
 * levels of these, controls, claims place by place and block by block, and maps. Unknown is an empty cell (null in Parquet), never a number.
 */
import { parquetWriteBuffer } from 'hyparquet-writer';

import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { ClaimLevel, ClaimRecord, MapRecord } from '#analysis/records/claim-record.ts';
import type { LevelEstimate, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { NAMES_ONLY, otherText } from './claim-words.ts';
import { type CsvCell, csvText } from './csv.ts';
import type { ReportFile } from './report-input.ts';

/** One table. */
export interface AnswerTable {
  readonly name: 'verdicts' | 'contrasts' | 'levels' | 'controls' | 'claims' | 'claim-blocks' | 'maps';
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

/** All tables of an analysis; those of claims and maps where there are any. */
export function answerTables(analysis: Analysis): readonly AnswerTable[] {
  const { claims = [], maps = [] } = analysis;
  return [
    verdictTable(analysis),
    contrastTable(analysis),
    levelTable(analysis),
    controlTable(analysis),
    ...(claims.length === 0 ? [] : [claimTable(claims), claimBlockTable(claims)]),
    ...(maps.length === 0 ? [] : [mapTable(maps)]),
  ];
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
    ...numbers('delta', 'p', 'blocks', 'voidedBlocks', 'furtherBlocks', 'decidedAtBlocks'),
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
    verdict.decidedAt?.blocks,
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

/** One row a claim, outcome and place. */
function claimTable(claims: readonly ClaimRecord[]): AnswerTable {
  const rows = claims.flatMap((record) =>
    record.levels.map((level): readonly CsvCell[] => [
      ...claimCells(record, level),
      record.asks,
      record.against.kind,
      otherText(NAMES_ONLY, record.against),
      level.verdict,
      ...[level.armMean, level.otherMean, level.estimate].map(known),
      ...[...(level.ci95 ?? [null, null]), ...(level.ci90 ?? [null, null]), level.p].map(known),
      level.units,
      record.delta,
      level.decidedAt?.blocks,
      level.whyKind,
      level.why,
      record.reason,
    ]),
  );
  const columns = [
    ...CLAIM_COLUMNS,
    ...texts('asks', 'againstKind', 'against', 'verdict'),
    ...numbers('armMean', 'otherMean', 'estimate', 'ci95Low', 'ci95High', 'ci90Low', 'ci90High', 'p', 'units', 'delta'),
    ...numbers('decidedAtBlocks'),
    ...texts('whyKind', 'why', 'reason'),
  ];
  return { name: 'claims', columns, rows };
}

/** One row a claim, outcome, place and block: what the estimates are means of. */
function claimBlockTable(claims: readonly ClaimRecord[]): AnswerTable {
  const rows = claims.flatMap((record) =>
    record.levels.flatMap((level) =>
      level.contrasts.map(({ block, contrast }): readonly CsvCell[] => [...claimCells(record, level), block, contrast]),
    ),
  );
  return { name: 'claim-blocks', columns: [...CLAIM_COLUMNS, ...numbers('block', 'contrast')], rows };
}

/** What says which place of which claim a row speaks of; `level` is empty at the end, `toLevel` full for trends. */
const CLAIM_COLUMNS = [...texts('claim', 'outcome', 'arm', 'place', 'axis'), ...numbers('level', 'toLevel')];

function claimCells({ claim, outcome, arm, at }: ClaimRecord, { level }: ClaimLevel): readonly CsvCell[] {
  const axis = at.kind === 'end' ? undefined : at.axis;
  return [claim, outcome, arm, at.kind, axis, ...(level === 'end' ? [undefined, undefined] : levelCells(level))];
}

/** One row a cell of a map. */
function mapTable(maps: readonly MapRecord[]): AnswerTable {
  const rows = maps.flatMap((map) =>
    map.cells.map((cell): readonly CsvCell[] => [
      map.name,
      map.outcome,
      map.place,
      map.x.factor,
      String(cell.x),
      map.y.factor,
      String(cell.y),
      ...[cell.mean, ...(cell.ci95 ?? [null, null])].map(known),
      cell.units,
      known(cell.theory),
    ]),
  );
  const columns = [
    ...texts('map', 'outcome', 'place', 'xFactor', 'x', 'yFactor', 'y'),
    ...numbers('mean', 'ci95Low', 'ci95High', 'units', 'theory'),
  ];
  return { name: 'maps', columns, rows };
}

/** Unknown is an empty cell. */
function known(value: number | null): CsvCell {
  return value ?? undefined;
}

/** A level as two cells: the axis' value, or the (training, held-out) point of the joint matching. */
export function levelCells(level: number | readonly [number, number] | 'all'): readonly CsvCell[] {
  return typeof level === 'object' ? level : [level, undefined];
}
