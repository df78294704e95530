/**
 * One pair, one outcome, one matching, as numbers: both arms' values per block and level where both are bracketed,
 * and the contrasts made of them. Rows are blocks, the only unit of replication.
 */
import type { VoidedBlock } from './pair.ts';
import { estimateOf, interceptOf, type Estimate } from '#analysis/stats/estimate.ts';
import type { FlipMember } from '#analysis/stats/sign-flip.ts';

/** What a matching is called in a verdict: the axis' role, its name where the role is `other`, or `joint`. */
export type MatchingName = string;

/** The contrasts of one learning rate of one arm with the other arm's average, shape [B, L]. */
export interface RateContrasts extends Contrasts {
  readonly side: 'arm' | 'reference';
  readonly rate: number;
}

/** The contrasts of one rate of the arm with one rate of the reference, shape [B, L]. */
export interface PairContrasts extends Contrasts {
  readonly arm: number;
  readonly reference: number;
}

/** Contrasts over blocks and levels. */
export interface Contrasts {
  readonly contrast: Float64Array;
  /** 1 where the rate counts at the level and the block is usable there. */
  readonly usable: Uint8Array;
}

/** A matched pair; arrays have shape [B, L]. */
export interface MatchedTable {
  readonly kind: 'matched';
  readonly name: MatchingName;
  /** Block ids, one a row. */
  readonly blocks: readonly number[];
  readonly levels: readonly (number | readonly [number, number])[];
  /** 1 where block and level count. */
  readonly usable: Uint8Array;
  /** 1 where both arms are bracketed, whether or not the level counts. */
  readonly bracketed: Uint8Array;
  readonly arm: Float64Array;
  readonly reference: Float64Array;
  /** Why a level does not count, by level. */
  readonly excluded: readonly (string | undefined)[];
  /** One entry a rate, for arms with several. */
  readonly rates: readonly RateContrasts[];
  /** Each rate with the same rate of the other arm where both run the same, else with every rate of it; absent for arms with one rate each. */
  readonly pairs?: readonly PairContrasts[];
  /** Joint matching only: how far apart the arms remain on the second axis, shape [B]; absent where nowhere. */
  readonly mismatch?: Float64Array;
  /** Joint matching only: set where the arms never meet, and the contrasts are shrunk by what their distance could explain. */
  readonly bound?: SlopeBound;
}

/** How steep a function of held-out loss would have to be to explain a contrast, in the outcome's unit per nat. */
export interface SlopeBound {
  /** Mean distance of the arms in held-out loss at equal training loss, in nats. */
  readonly mismatch: number;
  readonly needed: number;
  /** The steepest around each level, averaged over levels as they weigh. */
  readonly seen: number;
}

/** Why a matching says nothing. */
export interface Unmatched {
  readonly kind: 'notEstimable';
  readonly name: MatchingName;
  readonly reason: string;
}

/** One pair and outcome under every matching. */
export interface Matched {
  /** One a matched axis, in the study's order. */
  readonly singles: readonly (MatchedTable | Unmatched)[];
  /** Present where the study matches on a training and a held-out axis. */
  readonly joint?: MatchedTable | Unmatched;
  /** On the gap between the two; present where the joint one is. It names what explains an effect, and claims none. */
  readonly gap?: MatchedTable | Unmatched;
  readonly voided: readonly VoidedBlock[];
  /** Blocks that count, and all blocks of the pair. */
  readonly usableBlocks: number;
  readonly allBlocks: number;
}

/** The contrast arm - reference at a block and level, by flat index. */
export function contrastAt(table: MatchedTable, at: number): number {
  return (table.arm[at] ?? 0) - (table.reference[at] ?? 0);
}

/** Indices of levels that count in at least one block. */
export function countedLevels(table: MatchedTable): number[] {
  return table.levels.flatMap((_, l) => (table.blocks.some((__, b) => isUsable(table, b, l)) ? [l] : []));
}

function isUsable(table: MatchedTable, block: number, level: number): boolean {
  return table.usable[block * table.levels.length + level] === 1;
}

/** Block contrasts: means over the usable levels, or over those of `among`; a member of the sign-flip family. */
export function blockContrasts(table: MatchedTable, among?: ReadonlySet<number>): FlipMember {
  const blocks: number[] = [];
  const contrasts: number[] = [];
  const mismatches: number[] = [];
  table.blocks.forEach((block, b) => {
    let [sum, used] = [0, 0];
    for (let l = 0; l < table.levels.length; l++) {
      if (!isUsable(table, b, l) || (among !== undefined && !among.has(l))) continue;
      sum += contrastAt(table, b * table.levels.length + l);
      used++;
    }
    if (used === 0) return;
    blocks.push(block);
    contrasts.push(sum / used);
    mismatches.push(table.mismatch?.[b] ?? 0);
  });
  return table.mismatch === undefined ? { blocks, contrasts } : { blocks, contrasts, mismatches };
}

/** The estimate over levels: mean of the block contrasts, or their intercept at mismatch zero. */
export function overallEstimate(member: FlipMember): Estimate | undefined {
  return member.mismatches === undefined
    ? estimateOf(member.contrasts)
    : interceptOf(member.contrasts, member.mismatches);
}

/** The estimate at one level over the blocks usable there; of one learning rate if given. */
export function levelEstimate(table: MatchedTable, level: number, rate?: RateContrasts): Estimate | undefined {
  return estimateOf(levelContrasts(table, level, rate));
}

/** The contrasts at one level of the blocks usable there; of one learning rate if given. */
export function levelContrasts(table: MatchedTable, level: number, rate?: RateContrasts): number[] {
  return contrastsWhere(table, level, rate?.usable ?? table.usable, rate);
}

/** The estimate at a level over all bracketed blocks, whether or not the level counts. */
export function bracketedEstimate(table: MatchedTable, level: number): Estimate | undefined {
  return estimateOf(contrastsWhere(table, level, table.bracketed));
}

function contrastsWhere(table: MatchedTable, level: number, usable: Uint8Array, rate?: RateContrasts): number[] {
  const values: number[] = [];
  for (let b = 0; b < table.blocks.length; b++) {
    const at = b * table.levels.length + level;
    if (usable[at] === 1) values.push(rate === undefined ? contrastAt(table, at) : (rate.contrast[at] ?? 0));
  }
  return values;
}

/** The estimate of one learning rate, or of one pair of them: block means over its usable levels. */
export function rateEstimate(table: MatchedTable, rate: Contrasts): Estimate | undefined {
  const values: number[] = [];
  const levels = table.levels.length;
  for (let b = 0; b < table.blocks.length; b++) {
    let [sum, used] = [0, 0];
    for (let l = 0; l < levels; l++) {
      if (rate.usable[b * levels + l] === 0) continue;
      sum += rate.contrast[b * levels + l] ?? 0;
      used++;
    }
    if (used > 0) values.push(sum / used);
  }
  return estimateOf(values);
}
