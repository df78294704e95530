/**
 * A plan's runs as text that depends on nothing but the results: identity order, no times, no attempts, no paths.
 * The sha256 of it is the determinism check: same study, same seeds, same numericsId, same text.
 */
import { csvCell } from '#base/csv-cell.ts';
import { canonicalJson, type JsonObject, sha256 } from '#base/json.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import type { LookRecord, PlanMember, RunRecord } from './records.ts';
import type { StoreReader } from './store.ts';

/** One line of the trajectory table. `axis.` and `outcome.` columns hold a number or nothing. */
export type TrajectoryRow = Readonly<Record<string, string | number | undefined>>;

export interface CanonicalExport {
  /** One run a line: its identity, config and end. */
  readonly runsJsonl: string;
  readonly trajectoriesCsv: string;
  /** Of both texts. */
  readonly sha256: string;
  /** The trajectories as rows, for other formats. */
  readonly rows: readonly TrajectoryRow[];
  readonly columns: readonly string[];
}

const KEY_COLUMNS = ['arm', 'block', 'learning_rate', 'phase', 'status', 'step', 'run'] as const;

/** Exports the runs of a plan; points only of runs that ended, since others' depend on when one looks. */
export async function canonicalExport(store: StoreReader, planId: string): Promise<CanonicalExport> {
  const members = (await store.readMembers(planId)).toSorted(byIdentity);
  const lines: string[] = [];
  const rows: TrajectoryRow[] = [];
  for (const member of members) {
    const run = await store.readRun(member.measureId);
    lines.push(canonicalJson(runLine(member, run)));
    const status = run?.state.kind;
    if (status !== 'finished' && status !== 'diverged') continue;
    const points = await store.readPoints(member.measureId);
    for (const point of points) rows.push(rowOf(member, status, point));
  }
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const isKey = (name: string): boolean => KEY_COLUMNS.some((column) => column === name);
  // "axis." sorts before "outcome.".
  const columns = [...KEY_COLUMNS, ...[...names].filter((name) => !isKey(name)).toSorted()];
  const runsJsonl = lines.map((line) => `${line}\n`).join('');
  const trajectoriesCsv = csvOf(columns, rows);
  return { runsJsonl, trajectoriesCsv, sha256: sha256(`${runsJsonl}\n${trajectoriesCsv}`), rows, columns };
}

/** A study's looks, one a line, in the order they were made: when somebody saw what, which no run depends on. */
export function looksJsonl(looks: readonly LookRecord[]): string {
  return looks.map((look) => `${canonicalJson(look)}\n`).join('');
}

function runLine(member: PlanMember, run: RunRecord | undefined): JsonObject {
  const { measureId, phase, arm, learningRate, block } = member;
  const place = { run: measureId, phase, arm, ...(learningRate !== undefined && { learningRate }), block };
  if (run === undefined) return { ...place, end: { kind: 'open' } };
  const { trainId, recipe, semanticsVersion, seed, config, inputs, state } = run;
  // A failure's message may hold paths of this machine.
  const end = state.kind === 'failed' ? { kind: state.kind } : { ...state };
  return { ...place, trainId, recipe, semanticsVersion, seed, config, inputs, end };
}

function rowOf(member: PlanMember, status: string, point: TrajectoryPoint): TrajectoryRow {
  const row: Record<string, string | number | undefined> = {
    arm: member.arm,
    block: member.block,
    learning_rate: member.learningRate,
    phase: member.phase,
    status,
    step: point.step,
    run: member.measureId,
  };
  for (const [name, value] of Object.entries(point.axes)) row[`axis.${name}`] = value;
  for (const [name, value] of Object.entries(point.outcomes ?? {})) row[`outcome.${name}`] = value;
  return row;
}

/** RFC 4180, with line feeds. */
function csvOf(columns: readonly string[], rows: readonly TrajectoryRow[]): string {
  const lines = rows.map((row) => columns.map((column) => csvCell(row[column])).join(','));
  return [columns.map(csvCell).join(','), ...lines].map((line) => `${line}\n`).join('');
}

function byIdentity(a: PlanMember, b: PlanMember): number {
  if (a.measureId !== b.measureId) return a.measureId < b.measureId ? -1 : 1;
  // One run can stand in several places of a plan.
  return a.arm < b.arm ? -1 : 1;
}
