/** Claims that are controls: what is known beforehand must come out, at every place; one that cannot be looked at is unsettled. */
import type { Rng } from '#base/rng.ts';
import { clustersText } from '#study/clusters.ts';
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import type { ControlRecord } from '#analysis/records/verdict-record.ts';
import { estimateOf, isEquivalent } from '#analysis/stats/estimate.ts';
import { signFlipMaxT } from '#analysis/stats/sign-flip.ts';
import { CONTROL_ALPHA } from '#analysis/verdict/alpha-spending.ts';
import { midSentence } from '#analysis/words/naming.ts';
import { inUnit, lackingText, missedText, plain, pPhrase, signed } from '#analysis/words/number-text.ts';
import type { ClaimResult, PlaceTable } from './place-table.ts';
import { isDirected } from './seen-controls.ts';

type Part = Omit<ControlRecord, 'name'>;

/** The single p of a table's contrasts. */
export function singleP(table: PlaceTable, rng: Rng): number {
  return table.member.blocks.length < 2 ? 1 : (signFlipMaxT([table.member], rng).single[0] ?? 1);
}

/** Judges a control by its results, one an outcome it speaks of. */
export function judgeClaimControl(name: string, results: readonly ClaimResult[], rng: Rng): ControlRecord {
  const parts = results.flatMap((result) => {
    if (result.tables.length === 0)
      return [unsettledPart(`${midSentence(result.outcome.label)}: no place to read it at`)];
    return result.tables.map((table) => partOf(result, table, rng));
  });
  if (parts.length === 0) return { name, ...unsettledPart('it names no outcome of the study') };
  const detail = parts.map((part) => part.detail).join('; ');
  const passed = parts.every((part) => part.passed);
  const isFailed = parts.some((part) => !part.passed && part.unsettled !== true);
  return { name, passed, ...(!passed && !isFailed && { unsettled: true }), detail };
}

function unsettledPart(detail: string): Part {
  return { passed: false, unsettled: true, detail };
}

function partOf(result: ClaimResult, table: PlaceTable, rng: Rng): Part {
  const { claim, outcome } = result;
  const where = `${midSentence(outcome.label)} at ${table.text}`;
  const reason = whyUnsettled(table, claim.asks.kind === 'control' && claim.asks.expect === 'identical');
  if (reason !== undefined) return unsettledPart(`${where}: ${reason}`);
  if (claim.asks.kind !== 'control') throw new Error(`${claim.name} is no control`);
  const [p, mean] = [singleP(table, rng), estimateOf(table.member.contrasts)?.mean ?? 0];
  const few = table.member.blocks.length < MIN_BLOCKS;
  const evidence = few ? `${clustersText(labelOf(table), table.units.usable)}, too few for a test` : pPhrase(p);
  const detail = `${where}: ${inUnit(signed(mean, outcome.delta), outcome.unit)} (${evidence})`;
  switch (claim.asks.expect) {
    case 'differs': {
      const isFound = few ? haveSign(table, mean) : p < CONTROL_ALPHA;
      const isLarge = Math.abs(mean) >= outcome.delta && isDirected(mean, claim.asks.direction);
      const passed = isFound && isLarge;
      const side = claim.asks.direction === undefined ? 'or more' : `or more ${claim.asks.direction}`;
      const lacking = isLarge && !isFound ? lackingText(few, CONTROL_ALPHA) : '';
      const expected = `${inUnit(plain(outcome.delta), outcome.unit)} ${side}${lacking}`;
      return { passed, detail: `${detail}${missedText(passed, expected)}` };
    }
    case 'agrees':
      return agreement(table, { p, mean, delta: outcome.delta, detail });
    case 'identical':
      return table.isIdentical
        ? { passed: true, detail: `${where}: equal to the bit in ${clustersText('block', table.blocks.usable)}` }
        : { passed: false, detail: `${where}: ${differenceText(table)}` };
    default:
      return claim.asks.expect satisfies never;
  }
}

function labelOf({ units }: PlaceTable): string {
  return units.label ?? 'block';
}

/** A control is looked at from so many on. */
const FEWEST = 2;

/** How many there are, how many are needed, and why others were lost. */
function tooFewText(table: PlaceTable): string {
  const { usable, all } = table.units;
  if (all === 0) return reasonsOf(table);
  const lost = table.lost.length === 0 ? '' : ` of ${all} usable (${reasonsOf(table)})`;
  return `${clustersText(labelOf(table), usable)}${lost}, at least ${FEWEST} needed to look at it and ${MIN_BLOCKS} to test it`;
}

/** No numbers, too few left of enough, or numbers that do not count; one pair is enough to be compared to the bit. */
function whyUnsettled(table: PlaceTable, isToTheBit: boolean): string | undefined {
  const { usable, all } = table.units;
  if (isToTheBit && usable > 0) return undefined;
  if (usable < FEWEST) return tooFewText(table);
  if (table.excluded !== undefined) return table.excluded;
  if (usable >= MIN_BLOCKS || all < MIN_BLOCKS) return undefined;
  return `${usable} of ${clustersText(labelOf(table), all)} are usable, at least ${MIN_BLOCKS} needed`;
}

/** Why blocks are lost, each reason once; of a place that has none at all, that nothing ran. */
export function reasonsOf({ lost }: PlaceTable): string {
  const reasons = [...new Set(lost.map(({ reason }) => reason))];
  return reasons.length === 0 ? 'no runs' : reasons.join(', ');
}

function haveSign({ member }: PlaceTable, mean: number): boolean {
  return member.contrasts.every((value) => Math.sign(value) === Math.sign(mean));
}

interface Found {
  readonly p: number;
  readonly mean: number;
  readonly delta: number;
  readonly detail: string;
}

/** Inside delta by the 90% interval; a difference of delta or more fails it, an interval too wide for either settles nothing. */
function agreement(table: PlaceTable, { p, mean, delta, detail }: Found): Part {
  const estimate = estimateOf(table.member.contrasts);
  if (estimate !== undefined && isEquivalent(estimate, delta, CONTROL_ALPHA)) return { passed: true, detail };
  const few = table.member.blocks.length < MIN_BLOCKS;
  if (Math.abs(mean) >= delta && p < CONTROL_ALPHA) {
    return { passed: false, detail: `${detail}${missedText(false, `within ±${plain(delta)}`)}` };
  }
  // A study that is small from the start decides nothing anyhow.
  if (few) return { passed: true, detail };
  return unsettledPart(`${detail}, too wide an interval to show agreement within ${plain(delta)}`);
}

function differenceText({ member, units }: PlaceTable): string {
  const at = member.contrasts.findIndex((value) => value !== 0);
  if (at < 0) return 'equal on average, but not rate by rate to the bit';
  return `${units.label === undefined ? 'block' : `${units.label} of block`} ${member.blocks[at] ?? 0} differs by ${plain(member.contrasts[at] ?? 0)}`;
}
