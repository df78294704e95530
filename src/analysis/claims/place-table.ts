/**
 * A claim on one outcome as tables, one a level of its place: the contrast of every independent unit (block, or cluster of blocks)
 * that has one, and why others have none.
 */
import { canonicalJson } from '#base/json.ts';
import { clustersText } from '#study/clusters.ts';
import { armsOfClaim, type Claim } from '#study/claim.ts';
import type { Outcome, Study } from '#study/study.ts';
import type { CurveIndex, Rate, VoidedBlock } from '#analysis/matching/pair.ts';
import type { FlipMember } from '#analysis/stats/sign-flip.ts';
import type { Clusters, Units } from '#analysis/verdict/clusters.ts';
import type { ClaimLevel } from '#analysis/records/claim-record.ts';
import { cellAt, changeOf, changeWeights, combined, exactMean, readAll, type Cell, type Readings } from './cells.ts';
import { spotsOf } from './spots.ts';
import { sumOf, type Sum } from './terms.ts';

/** A claim at one level. */
export interface PlaceTable {
  readonly level: ClaimLevel['level'];
  /** "depth 2", "the end of training", "training loss 2.1 to 0.6". */
  readonly text: string;
  /** One row a unit, named by its lowest block. */
  readonly member: FlipMember & { readonly contrasts: readonly number[] };
  readonly arm: readonly number[];
  readonly other: readonly number[];
  /** Whether there are rows, and both columns are equal to the bit in all of them. */
  readonly isIdentical: boolean;
  /** Contrasts at each learning rate, where an arm has several. */
  readonly byRate: readonly (readonly number[])[];
  /** Where the arms' rates do not go together: weight x reading over the units, by arm and rate. */
  readonly parts: readonly (readonly (readonly number[])[])[];
  /** Whether some rate is run by all arms with several rates. */
  readonly isRateCommon: boolean;
  readonly units: Units;
  readonly blocks: { readonly usable: number; readonly all: number };
  readonly lost: readonly VoidedBlock[];
  /** The largest contrast of readings between 0 and 1. */
  readonly reach: number;
  /** A trend's mean contrasts at its first and last level. */
  readonly ends?: readonly [number, number];
  /** Why the level does not count although there are numbers. */
  readonly excluded?: string;
}

/** A claim on one outcome. */
export interface ClaimResult {
  readonly claim: Claim;
  readonly outcome: Outcome;
  readonly tables: readonly PlaceTable[];
  /** Blocks that count nowhere. */
  readonly voided: readonly VoidedBlock[];
  /** The learning rates of each arm it reads. */
  readonly rates: readonly (readonly Rate[])[];
}

/** What claims are worked out from. */
export interface Claiming {
  readonly index: CurveIndex;
  readonly study: Pick<Study, 'matchOn' | 'outcomes' | 'coherence'>;
  readonly clusters: Clusters | undefined;
}

/** Outcomes a claim speaks of; an outcome is not held against itself. */
export function claimOutcomes({ outcomes, against }: Claim, all: readonly Outcome[]): Outcome[] {
  const asked = all.filter(({ name, role }) =>
    outcomes === undefined ? role === 'confirmatory' : outcomes.includes(name),
  );
  return asked.filter(({ name }) => outcomes !== undefined || against.kind !== 'outcome' || against.outcome !== name);
}

/** Works out a claim on an outcome at all its levels. */
export function claimResult(claiming: Claiming, claim: Claim, outcome: Outcome): ClaimResult {
  const { index, study, clusters } = claiming;
  const arms = armsOfClaim(claim);
  const { blocks, voided } = blocksOf(index, arms);
  const spots = spotsOf(claim.at, study.matchOn);
  const isTrend = claim.at.kind === 'trend';
  const sum = sumOf(claim, outcome.name);
  const readings = readAll(index, sum, spots, blocks, isTrend);
  const gates = gatesOf(claiming, arms, readings, blocks, isTrend);
  const rows = { blocks, voided, clusters };
  // Readings from 0 to 1 lie half a unit around their middle; against a value they are as far as that leaves.
  const size = sizeOf(sum) / 2;
  const isRateCommon = commonRate(readings);
  const rates = readings.grids.map((grid) => grid.rates);
  const columns = spots.map((_, l) => blocks.map((__, b) => namedCell(readings, b, l)));
  if (!isTrend) {
    const tables = spots.map(({ level, text }, l) => {
      const excluded = gates[l];
      const reach = Math.max(1, size);
      const what = { level, text, isRateCommon, reach, ...(excluded !== undefined && { excluded }) };
      return tableOf(what, columns[l] ?? [], rows);
    });
    return { claim, outcome, tables, voided, rates };
  }
  const isLog = claim.at.kind === 'trend' && claim.at.scale === 'log';
  const [first, last] = [spots[0], spots.at(-1)];
  if (first === undefined || last === undefined || new Set(spots.map(({ level }) => level)).size < 2) {
    return { claim, outcome, tables: [], voided, rates };
  }
  const weights = changeWeights(spots.map(({ level }) => (isLog ? Math.log10(Number(level)) : Number(level))));
  const change = (values: readonly number[]): number => changeOf(values, weights);
  const cells = blocks.map((_, b) =>
    trendCell(
      columns.map((column) => column[b] ?? ''),
      change,
    ),
  );
  const excluded = gates.find((gate) => gate !== undefined);
  const table = tableOf(
    {
      level: [Number(first.level), Number(last.level)],
      text: `${first.text} to ${String(last.level)}`,
      isRateCommon,
      reach: size * weights.reduce((total, weight) => total + Math.abs(weight), 0),
      ...(excluded !== undefined && { excluded }),
    },
    cells,
    rows,
  );
  const endOf = (l: number): number => meanWhere(columns[l] ?? [], cells, rows);
  const ends = table.member.blocks.length === 0 ? undefined : ([endOf(0), endOf(spots.length - 1)] as const);
  return { claim, outcome, tables: [{ ...table, ...(ends && { ends }) }], voided, rates };
}

/** The sum of all weights' sizes; terms of one arm's outcome are one reading. */
function sizeOf({ terms }: Sum): number {
  const weights = [...Map.groupBy(terms, ({ arm, outcome }) => canonicalJson([arm, outcome])).values()].map((own) =>
    own.reduce((total, { weight }) => total + weight, 0),
  );
  return weights.reduce((total, weight) => total + Math.abs(weight), 0);
}

/** Blocks in which every arm ran to its end. */
function blocksOf(index: CurveIndex, arms: readonly string[]): { blocks: number[]; voided: VoidedBlock[] } {
  const all = new Set(arms.flatMap((arm) => [...(index.get(arm)?.keys() ?? [])]));
  const voided: VoidedBlock[] = [];
  const blocks = [...all]
    .toSorted((a, b) => a - b)
    .filter((block) => {
      const reason = arms.map((arm) => whyVoid(index, arm, block)).find((one) => one !== undefined);
      if (reason !== undefined) voided.push({ block, reason });
      return reason === undefined;
    });
  return { blocks, voided };
}

function whyVoid(index: CurveIndex, arm: string, block: number): string | undefined {
  const rated = index.get(arm)?.get(block);
  if (rated === undefined) return `no run of ${arm}`;
  const broken = [...rated.values()].find(({ run }) => run.status === 'diverged')?.run;
  if (broken === undefined) return undefined;
  return `${arm} diverged${broken.learningRate === undefined ? '' : ` at learning rate ${broken.learningRate}`}`;
}

/** A cell, or why there is none and where. */
function namedCell(readings: Readings, b: number, l: number): Cell | string {
  const cell = cellAt(readings, b, l);
  return typeof cell === 'string' ? `${readings.spots[l]?.text ?? ''}: ${cell}` : cell;
}

/** The change over all spots; a block that lacks one has none. */
function trendCell(column: readonly (Cell | string)[], change: (values: readonly number[]) => number): Cell | string {
  const lacking = column.find((cell) => typeof cell === 'string');
  if (lacking !== undefined) return lacking;
  return combined(
    column.filter((cell) => typeof cell !== 'string'),
    change,
  );
}

interface Rows {
  readonly blocks: readonly number[];
  readonly voided: readonly VoidedBlock[];
  readonly clusters: Clusters | undefined;
}

function rowOf({ clusters }: Rows, block: number): number {
  return clusters?.of.get(block) ?? block;
}

/** Cells of the units: of a cluster the mean of its blocks'. */
function unitCells(cells: readonly (Cell | string)[], rows: Rows): Map<number, Cell> {
  const found = rows.blocks.flatMap((block, b) => {
    const cell = cells[b];
    return cell === undefined || typeof cell === 'string' ? [] : [{ row: rowOf(rows, block), cell }];
  });
  return new Map(
    [...Map.groupBy(found, ({ row }) => row)].map(([row, own]) => [
      row,
      combined(
        own.map(({ cell }) => cell),
        exactMean,
      ),
    ]),
  );
}

/** Mean contrast over the units, in blocks that also have a cell in `where`. */
function meanWhere(cells: readonly (Cell | string)[], where: readonly (Cell | string)[], rows: Rows): number {
  const kept = cells.map((cell, b) => (typeof where[b] === 'string' ? '' : cell));
  return exactMean([...unitCells(kept, rows).values()].map(({ contrast }) => contrast));
}

function tableOf(
  what: Pick<PlaceTable, 'level' | 'text' | 'isRateCommon' | 'reach' | 'excluded'>,
  cells: readonly (Cell | string)[],
  rows: Rows,
): PlaceTable {
  const lacking = rows.blocks.flatMap((block, b) => {
    const cell = cells[b];
    return typeof cell === 'string' ? [{ block, reason: cell }] : [];
  });
  const ofUnits = [...unitCells(cells, rows)].toSorted(([a], [b]) => a - b);
  const own = ofUnits.map(([, cell]) => cell);
  const all = [...rows.blocks, ...rows.voided.map(({ block }) => block)];
  const label = rows.clusters?.label;
  return {
    ...what,
    member: { blocks: ofUnits.map(([row]) => row), contrasts: own.map(({ contrast }) => contrast) },
    arm: own.map(({ arm }) => arm),
    other: own.map(({ other }) => other),
    isIdentical: own.length > 0 && own.every(({ isEqual }) => isEqual),
    byRate: own[0]?.byRate.map((_, i) => own.map(({ byRate }) => byRate[i] ?? 0)) ?? [],
    parts: own[0]?.parts.map((ofTerm, t) => ofTerm.map((_, r) => own.map(({ parts }) => parts[t]?.[r] ?? 0))) ?? [],
    units: {
      usable: own.length,
      all: new Set(all.map((block) => rowOf(rows, block))).size,
      ...(label !== undefined && { label }),
    },
    blocks: { usable: rows.blocks.length - lacking.length, all: all.length },
    lost: [...rows.voided, ...lacking].toSorted((a, b) => a.block - b.block),
  };
}

function commonRate({ grids }: Readings): boolean {
  const several = grids.filter(({ rates }) => rates.length > 1);
  return several[0]?.rates.some((rate) => several.every(({ rates }) => rates.includes(rate))) ?? true;
}

/** Why a spot does not count: the coherence of an arm is below the study's floor there, or was not measured. */
function gatesOf(
  { index, study: { coherence } }: Claiming,
  arms: readonly string[],
  { spots }: Readings,
  blocks: readonly number[],
  isTrend: boolean,
): (string | undefined)[] {
  if (coherence === undefined) return [];
  const ofArms = arms.map((arm) => {
    const sum: Sum = { terms: [{ arm, outcome: coherence.outcome, weight: 1 }], constant: 0 };
    return { arm, readings: readAll(index, sum, spots, blocks, isTrend) };
  });
  return spots.map((_, l) =>
    ofArms
      .map(({ arm, readings }) => {
        const values = blocks.flatMap((__, b) => {
          const cell = cellAt(readings, b, l);
          return typeof cell === 'string' ? [] : [cell.arm];
        });
        if (values.length === 0) return `coherence of ${arm} was not measured`;
        const mean = exactMean(values);
        return mean < coherence.floor
          ? `coherence of ${arm} is ${mean.toPrecision(3)}, below ${coherence.floor}`
          : undefined;
      })
      .find((reason) => reason !== undefined),
  );
}

/** "8 blocks", or "16 blocks over 8 domains". */
export function tableSize({ blocks, units }: PlaceTable): string {
  const text = clustersText('block', blocks.usable);
  return units.label === undefined ? text : `${text} over ${clustersText(units.label, units.usable)}`;
}
