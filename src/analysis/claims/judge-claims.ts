/** Claims from their tables to their records: what stands in the way first, then the rule of each level, then the sentence. */
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import type { Claim } from '#study/claim.ts';
import type { ClaimLevel, ClaimRecord } from '#analysis/records/claim-record.ts';
import type { ControlRecord, WhyKind } from '#analysis/records/verdict-record.ts';
import { intervalOf } from '#analysis/stats/estimate.ts';
import type { LaterLooks } from '#analysis/power/further-blocks.ts';
import type { FlipMember } from '#analysis/stats/sign-flip.ts';
import { CONTROL_ALPHA, type LookAlpha } from '#analysis/verdict/alpha-spending.ts';
import { absenceP, type ControlEvidence, type MatchingEvidence, type Rule } from '#analysis/verdict/decide.ts';
import { largestJump } from '#analysis/verdict/jumps.ts';
import {
  levelDecidesOtherwise,
  levelStands,
  type DecidedLevel,
  type EarlierDecisions,
} from '#analysis/verdict/earlier-decisions.ts';
import { lostUnits } from '#analysis/verdict/lost-units.ts';
import { controlText } from '#analysis/verdict/verdict.ts';
import { claimReason, whyText, type SpokenLevel } from '#analysis/words/claim-reason.ts';
import { fallenText } from '#analysis/words/reason.ts';
import type { NamingStudy } from '#analysis/words/naming.ts';
import { reasonsOf } from './claim-controls.ts';
import { exactMean } from './cells.ts';
import { decidePlace, furtherUnits, isNegligible, placeEvidence } from './judge-place.ts';
import { tableSize, type ClaimResult, type PlaceTable } from './place-table.ts';
import type { SeenControls } from './seen-controls.ts';
import { comparesArms } from './terms.ts';

/** What all claims of a study share. */
export interface ClaimSetting {
  readonly study: NamingStudy & { readonly outcomes: readonly { readonly name: string; readonly label: string }[] };
  readonly look: LookAlpha;
  readonly alpha: number;
  readonly absenceAlpha: number;
  /** All controls of the study, those of contrasts included. */
  readonly controls: readonly ControlRecord[];
  readonly p: (member: FlipMember) => number;
  readonly seen: SeenControls;
  /** What earlier looks decided; absent where only this look is read. */
  readonly earlier?: EarlierDecisions;
  /** Why the claim's arms have no runs; undefined where they have. */
  readonly whyNotRun: (claim: ClaimResult['claim']) => string | undefined;
  /** What further units would be judged by; absent where nobody asks how many would decide. */
  readonly later?: LaterLooks;
}

/** The p of "at this level the claim is delta or more off", for the family of absences; one a testable level of a question. */
export function claimAbsences(results: readonly ClaimResult[], alpha: number): number[] {
  return results.flatMap((result) => {
    const rule = { delta: result.outcome.delta, alpha, jump: jumpOf(result) };
    return result.tables.flatMap((table) => {
      const evidence = placeEvidence(table);
      return evidence === undefined ? [] : [absenceP(evidence, rule)];
    });
  });
}

/** The largest contrast a block may show although none has: as declared, else as far as the outcome's range lets the sum go. */
function jumpOf({ outcome, tables }: ClaimResult): number {
  const jump = largestJump(outcome);
  return outcome.jumps === undefined ? jump * Math.max(1, ...tables.map(({ reach }) => reach)) : jump;
}

/** The members of the study's family that claims add: the testable levels of its questions. */
export function claimMembers(results: readonly ClaimResult[]): FlipMember[] {
  return results.flatMap(({ tables }) => tables.flatMap(({ member }) => (member.blocks.length < 2 ? [] : [member])));
}

/** The record of one claim on one outcome. */
export function claimRecord(result: ClaimResult, setting: ClaimSetting): ClaimRecord {
  const { claim, outcome, tables } = result;
  const isControl = claim.asks.kind === 'control';
  const [alpha, absenceAlpha] = isControl ? [CONTROL_ALPHA, CONTROL_ALPHA] : [setting.alpha, setting.absenceAlpha];
  // A control is held to what it is expected to be; what few blocks cannot see is no part of that.
  const rule: Rule = { delta: outcome.delta, alpha, absenceAlpha, jump: isControl ? 0 : jumpOf(result) };
  const judged = tables.map((table) => judgeLevel(result, table, rule, setting));
  const label = tables[0]?.units.label;
  const about = { study: setting.study, claim, outcome, rule, look: setting.look, rates: result.rates };
  return {
    claim: claim.name,
    outcome: outcome.name,
    arm: claim.arm,
    against: claim.against,
    at: claim.at,
    asks: claim.asks.kind,
    reason: claimReason(
      about,
      judged.map(({ spoken }) => spoken),
    ),
    delta: outcome.delta,
    alpha,
    absenceAlpha,
    ...(label !== undefined && {
      clusters: { label, count: Math.max(0, ...tables.map(({ units }) => units.usable)) },
    }),
    levels: judged.map(({ record }) => record),
    voided: voidedOf(result),
  };
}

/** Blocks lost anywhere, each reason once. */
function voidedOf({ tables, voided }: ClaimResult): ClaimRecord['voided'] {
  const all = tables.length === 0 ? voided : tables.flatMap(({ lost }) => lost);
  const known = new Map(all.map((one) => [`${one.block} ${one.reason}`, one]));
  return [...known.values()].toSorted((a, b) => a.block - b.block);
}

interface JudgedLevel {
  readonly record: ClaimLevel;
  readonly spoken: SpokenLevel;
}

function judgeLevel(result: ClaimResult, table: PlaceTable, rule: Rule, setting: ClaimSetting): JudgedLevel {
  const isControl = result.claim.asks.kind === 'control';
  const evidence = placeEvidence(table);
  const p = evidence === undefined ? null : setting.p(table.member);
  const controls = evidence === undefined || isControl ? [] : setting.seen(result, table);
  const blockers = blockersOf(result, table, setting);
  const verdict = verdictOf(result, table, { evidence, p: p ?? 1, rule, controls, blockers });
  const estimate = evidence?.overall;
  const lacksControl = needsControl(result.claim) && controls.length === 0;
  const further = furtherText(verdict.whyKind, { table, evidence, rule, lacksControl }, setting);
  const told = besideEarlier(result, table, { ...verdict, further }, { setting, blockers });
  const { why } = told;
  const { blocks, contrasts } = table.member;
  const record: ClaimLevel = {
    level: table.level,
    verdict: told.stands?.level.verdict ?? verdict.kind,
    ...(told.stands && { decidedAt: told.stands.at }),
    units: table.units.usable,
    armMean: meanOrNull(table.arm),
    otherMean: meanOrNull(table.other),
    estimate: estimate?.mean ?? meanOrNull(contrasts),
    ci95: estimate === undefined ? null : intervalOf(estimate, 0.95),
    ci90: estimate === undefined ? null : intervalOf(estimate, 0.9),
    p,
    contrasts: blocks.map((block, u) => ({ block, contrast: contrasts[u] ?? 0 })),
    ...(verdict.whyKind !== undefined && told.stands === undefined && { whyKind: verdict.whyKind }),
    ...(why !== undefined && { why }),
  };
  const { level, text, ends, units } = table;
  const spoken: SpokenLevel = {
    level,
    text,
    verdict: verdict.kind,
    estimate,
    p,
    size: tableSize(table),
    units,
    controls: controls.map(({ name }) => name),
    ...(ends && { ends }),
    ...(why !== undefined && { why }),
    ...(told.otherwise && { otherwise: { ...told.otherwise.at, verdict: told.otherwise.level.verdict } }),
    ...(told.stands && {
      stands: { ...told.stands.at, verdict: told.stands.level.verdict, said: told.stands.claim.reason },
    }),
  };
  return { record, spoken };
}

interface Told {
  /** What an earlier look decided, where this look alone does not. */
  readonly stands?: DecidedLevel;
  /** What an earlier look decided, where this look decides otherwise. */
  readonly otherwise?: DecidedLevel;
  readonly why?: string;
}

/** What is told of a place beside this look's own verdict: an earlier decision that stands, or why it is open. */
function besideEarlier(
  { claim, outcome }: ClaimResult,
  table: PlaceTable,
  { kind, why, further }: Judgement & { readonly further: string },
  { setting, blockers }: { readonly setting: ClaimSetting; readonly blockers: readonly Blocker[] },
): Told {
  const isControl = claim.asks.kind === 'control';
  const earlier = (): DecidedLevel | undefined =>
    setting.earlier?.levelOf({ claim: claim.name, outcome: outcome.name }, table.level);
  const today = { mean: meanOrNull(table.member.contrasts) ?? undefined, isIdentical: table.isIdentical };
  if (kind !== 'undecided' || why === undefined) {
    const was = isControl ? undefined : earlier();
    const isOther = was !== undefined && levelDecidesOtherwise(was, { verdict: kind, mean: today.mean });
    return isOther ? { otherwise: was } : {};
  }
  const open = { why: `${why}${further}` };
  // What a failed control or lost units leave open stays open; that alpha is spent takes nothing back.
  if (isControl || blockers.some((one) => one.kind !== 'look')) return open;
  const then = earlier();
  if (then === undefined) return open;
  return levelStands(then, today) ? { stands: then } : { why: `${open.why}; ${fallenText(then.at)}` };
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length === 0 ? null : exactMean(values);
}

interface Judgement {
  readonly kind: ClaimLevel['verdict'];
  readonly whyKind?: WhyKind;
  readonly why?: string;
}

interface Judging {
  readonly evidence: MatchingEvidence | undefined;
  readonly p: number;
  readonly rule: Rule;
  readonly controls: readonly ControlEvidence[];
  readonly blockers: readonly Blocker[];
}

function verdictOf({ claim, outcome }: ClaimResult, table: PlaceTable, judging: Judging): Judgement {
  const { evidence, p, rule, controls, blockers } = judging;
  const [first] = blockers;
  if (first !== undefined || evidence === undefined) {
    const texts = blockers.map(({ text }) => text);
    return { kind: 'undecided', whyKind: first?.kind ?? 'support', why: texts.join('; ') };
  }
  const decision = decidePlace(table, evidence, { rule, p, needsControl: needsControl(claim), controls });
  if (decision.kind !== 'undecided') return decision;
  const why = whyText(decision, { outcome, rule, units: table.units, size: tableSize(table) });
  return { kind: 'undecided', whyKind: decision.why, why };
}

/** Whether agreement has to rest on a positive control. */
function needsControl(claim: Claim): boolean {
  return claim.asks.kind === 'question' && comparesArms(claim);
}

interface Blocker {
  readonly kind: Extract<WhyKind, 'notRun' | 'control' | 'look' | 'support' | 'blocks' | 'voided'>;
  readonly text: string;
}

/** Rule 0; controls are held against nothing but their own numbers. */
function blockersOf({ claim }: ClaimResult, table: PlaceTable, setting: ClaimSetting): Blocker[] {
  const blockers: Blocker[] = [];
  const add = (kind: Blocker['kind'], text: string): void => void blockers.push({ kind, text });
  const notRun = setting.whyNotRun(claim);
  if (notRun !== undefined) add('notRun', notRun);
  if (claim.asks.kind === 'question') {
    for (const control of setting.controls) if (!control.passed) add('control', controlText(control));
    if (setting.look.kind === 'none') add('look', setting.look.reason);
  }
  if (notRun !== undefined) return blockers;
  const { units, blocks } = table;
  if (units.usable === 0) {
    add('support', `no number (${reasonsOf(table)})`);
    return blockers;
  }
  if (table.excluded !== undefined) add('support', table.excluded);
  return [...blockers, ...lostUnits(units, blocks, reasonsOf(table))];
}

/** An undecided level. */
interface Open {
  readonly table: PlaceTable;
  readonly evidence: MatchingEvidence | undefined;
  readonly rule: Rule;
  /** Whether agreement is out of reach, however many units there are. */
  readonly lacksControl: boolean;
}

/** "; about 5 further blocks give 80% power", where more units are what is lacking. */
function furtherText(
  why: WhyKind | undefined,
  { table: { units }, evidence, rule, lacksControl }: Open,
  { later }: ClaimSetting,
): string {
  if (later === undefined || evidence === undefined || evidence.overall.count < 3) return '';
  if (why !== 'tooFewBlocks' && why !== 'blocks') return '';
  const least = Math.max(0, MIN_BLOCKS - units.usable);
  if (lacksControl && isNegligible(evidence.overall, rule)) {
    return '; agreement would also need a positive control seen at the same place';
  }
  const more = furtherUnits(evidence, rule, later);
  if (more === undefined) return '';
  const count = Math.max(least, more);
  return `; about ${count} further ${units.label ?? 'block'}${count === 1 ? ' gives' : 's give'} 80% power`;
}
