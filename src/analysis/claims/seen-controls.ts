/**
 * Positive controls at a claim's very place: a claim between arms that was expected to differ there, or a contrast's control on the
 * same level. What is asked of one is asked of both: seen by itself, on its side, by delta at least and not surely above two.
 */
import type { Rng } from '#base/rng.ts';
import { canonicalJson } from '#base/json.ts';
import type { Claim } from '#study/claim.ts';
import type { Axis } from '#study/study.ts';
import { matchingName } from '#analysis/matching/match.ts';
import type { MatchedTable } from '#analysis/matching/matched-table.ts';
import { estimateOf } from '#analysis/stats/estimate.ts';
import { signFlipMaxT } from '#analysis/stats/sign-flip.ts';
import { CONTROL_ALPHA } from '#analysis/verdict/alpha-spending.ts';
import { isTooLarge, type ControlEvidence } from '#analysis/verdict/decide.ts';
import type { ControlLookup } from '#analysis/verdict/evidence.ts';
import type { ClaimResult, PlaceTable } from './place-table.ts';
import { comparesArms } from './terms.ts';

/** Looks up the controls seen where a claim's table stands. */
export type SeenControls = (result: ClaimResult, table: PlaceTable) => readonly ControlEvidence[];

/** Controls among claims, and those of contrasts. */
export function seenControls(
  controls: readonly ClaimResult[],
  ofContrasts: (outcome: string) => ControlLookup,
  matchOn: readonly Axis[],
  rng: Rng,
): SeenControls {
  return (result, table) => [
    ...controls.flatMap((control) => ownEvidence(control, result, table, rng)),
    ...contrastEvidence(result, table, ofContrasts, matchOn),
  ];
}

function ownEvidence(control: ClaimResult, asked: ClaimResult, table: PlaceTable, rng: Rng): ControlEvidence[] {
  const { asks, name } = control.claim;
  if (asks.kind !== 'control' || asks.expect !== 'differs' || !comparesArms(control.claim)) return [];
  if (control.outcome.name !== asked.outcome.name || !isSamePlace(control.claim, asked.claim)) return [];
  const own = control.tables.find(({ level }) => canonicalJson(level) === canonicalJson(table.level));
  const estimate = own && estimateOf(own.member.contrasts);
  if (own === undefined || estimate === undefined || own.excluded !== undefined) return [];
  const { delta } = control.outcome;
  if (Math.abs(estimate.mean) < delta || !isDirected(estimate.mean, asks.direction)) return [];
  if (isTooLarge(estimate, { delta, alpha: CONTROL_ALPHA })) return [];
  const p = signFlipMaxT([own.member], rng.split(name)).single[0] ?? 1;
  return p < CONTROL_ALPHA ? [{ name, levels: [0], estimate, p }] : [];
}

/** Whether two claims read runs in the same way; which levels is for their tables. */
export function isSamePlace({ at: a }: Pick<Claim, 'at'>, { at: b }: Pick<Claim, 'at'>): boolean {
  if (a.kind === 'end' || b.kind === 'end') return a.kind === b.kind;
  if (a.kind === 'trend' && b.kind === 'trend')
    return a.axis === b.axis && (a.scale ?? 'linear') === (b.scale ?? 'linear');
  return a.kind === b.kind && a.axis === b.axis;
}

/** Whether an estimate lies on the side asked for. */
export function isDirected(mean: number, direction: 'above' | 'below' | undefined): boolean {
  return direction === undefined || (direction === 'above') === mean > 0;
}

function contrastEvidence(
  { claim: { at }, outcome }: ClaimResult,
  { level, text, member }: PlaceTable,
  ofContrasts: (outcome: string) => ControlLookup,
  matchOn: readonly Axis[],
): readonly ControlEvidence[] {
  if (at.kind !== 'crossed' || typeof level !== 'number') return [];
  const axis = matchOn.find(({ name }) => name === at.axis);
  return axis === undefined ? [] : ofContrasts(outcome.name)(oneLevel(matchingName(axis), level, member.blocks, text));
}

/** A claim's level as the table that controls of contrasts are looked up by. */
function oneLevel(name: string, level: number, blocks: readonly number[], text: string): MatchedTable {
  if (blocks.length === 0) throw new Error(`no unit at ${text}`);
  const ones = new Uint8Array(blocks.length).fill(1);
  const zeros = new Float64Array(blocks.length);
  return {
    kind: 'matched',
    name,
    blocks,
    levels: [level],
    usable: ones,
    bracketed: ones,
    arm: zeros,
    reference: zeros,
    excluded: [undefined],
    rates: [],
  };
}
