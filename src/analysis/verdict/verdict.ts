/** One contrast and outcome from matched tables to its verdict: rule 0 here, rules 1 to 4 in decide.ts. */
import type { Rng } from '#base/rng.ts';
import type { Contrast, Outcome, Study } from '#study/study.ts';
import { mostClusters } from '#study/clusters.ts';
import { absenceAlphaOf } from './absence-family.ts';
import { FIXED_ALPHA, type LookAlpha } from './alpha-spending.ts';
import { sizeText } from './clusters.ts';
import { pByName, type ContrastResult, type FamilyP } from './contrast-result.ts';
import { decide, type Decision, type Evidence, type Rule } from './decide.ts';
import { claimedPNow, decidesOtherwise, verdictStands, type EarlierDecisions } from './earlier-decisions.ts';
import { evidenceOf, type ControlLookup } from './evidence.ts';
import { largestJump } from './jumps.ts';
import { lostUnits } from './lost-units.ts';
import { describedShare } from '#analysis/description/described-share.ts';
import { furtherBlocks, type LaterLooks } from '#analysis/power/further-blocks.ts';
import {
  blockedReason,
  fallenText,
  otherwiseText,
  reasonOf,
  standingText,
  type Speaking,
} from '#analysis/words/reason.ts';
import { claimedP, learningRatesOf, matchingResults } from '#analysis/records/record.ts';
import type { ControlRecord, VerdictRecord, WhyKind } from '#analysis/records/verdict-record.ts';

/** What all verdicts of a study share. */
export interface Setting {
  readonly study: Speaking['study'] & Pick<Study, 'blocks'>;
  readonly look: LookAlpha;
  /** The share of this look's alpha that a look with so many times its blocks would have. */
  readonly alphaShare: (times: number) => number;
  readonly controls: readonly ControlRecord[];
  readonly positive: (outcome: string) => ControlLookup;
  /** Positive controls that more blocks would show. */
  readonly hopeful: (outcome: string) => ControlLookup;
  readonly p: FamilyP;
  /** What earlier looks decided; absent where only this look is read. */
  readonly earlier?: EarlierDecisions;
  /** Whether to work out how many further blocks would decide. */
  readonly power: boolean;
  readonly rng: Rng;
}

/** A verdict with the evidence it rests on and what stood in the way. */
export interface Judged {
  readonly record: VerdictRecord;
  readonly evidence: Evidence | undefined;
  readonly rule: Rule;
  readonly blockers: readonly string[];
}

/** The name of a contrast in records: a control's own, else "arm vs reference". */
export function contrastName(contrast: Contrast): string {
  return contrast.kind === 'control' ? contrast.name : `${contrast.arm} vs ${contrast.reference}`;
}

/** All contrasts judged, and the level of every absence in the study. */
export interface JudgedFamily {
  readonly judged: readonly Judged[];
  readonly absenceAlpha: number;
}

/** The alpha of a look; where it has none nothing is decided, and numbers are shown at the study's. */
export function lookAlpha(look: LookAlpha): number {
  return look.kind === 'alpha' ? look.alpha : FIXED_ALPHA;
}

/**
 * Judges all contrasts and outcomes of a study: every absence is read at the level that the whole family leaves, claims
 * included (`claimAbsences`: p of each level's absence).
 */
export function judgeFamily(
  results: readonly ContrastResult[],
  setting: Setting,
  claimAbsences: readonly number[] = [],
): JudgedFamily {
  const alpha = lookAlpha(setting.look);
  const asked = results.map((result) => {
    const { matched, outcome } = result;
    const p = pByName(result, setting.p.adjusted);
    const evidence = evidenceOf(matched.singles, matched.joint, p, setting.positive(outcome.name), matched.gap);
    return { result, p, evidence, rule: { delta: outcome.delta, alpha, jump: largestJump(outcome) } };
  });
  const absenceAlpha = absenceAlphaOf(asked, alpha, claimAbsences);
  return { judged: asked.map((one) => judge({ ...one, rule: { ...one.rule, absenceAlpha } }, setting)), absenceAlpha };
}

/** One contrast and outcome with everything it is judged by. */
interface Asked {
  readonly result: ContrastResult;
  readonly p: (matching: string) => number;
  readonly evidence: Evidence | undefined;
  readonly rule: Rule;
}

function judge({ result, p, evidence, rule }: Asked, setting: Setting): Judged {
  const { contrast, outcome, pair, matched } = result;
  const blockers = blockersOf(result, setting);
  const decision = evidence && decide(evidence, rule);
  const more = setting.power && decision !== undefined && moreBlocksHelp(decision, blockers, rule);
  const later = laterLooks(setting.study, setting.alphaShare);
  const further = more ? furtherBlocks(matched, setting.hopeful(outcome.name), rule, later, setting.rng) : undefined;
  const isBlocked = decision === undefined || evidence === undefined || blockers.length > 0;
  const about = speakingOf(result, setting, rule);
  const texts = blockers.map((one) => one.text);
  const whyKind = blockers[0]?.kind ?? (decision?.kind === 'undecided' ? decision.why.kind : undefined);
  const { label, usable } = matched.units;
  const explained = !isBlocked && decision.kind === 'explainedBy' ? decision : undefined;
  const r2 = explained && describedShare(pair, matched, setting.study.matchOn, outcome.name, explained.by);
  const record: VerdictRecord = {
    outcome: outcome.name,
    contrast: contrastName(contrast),
    arm: contrast.arm,
    reference: contrast.reference,
    verdict: isBlocked ? 'undecided' : decision.kind,
    ...(explained === undefined ? {} : { explainedBy: explained.by }),
    ...(r2 === undefined ? {} : { explainedR2: r2 }),
    ...(isBlocked ? blockedReason(texts, evidence, about, further) : reasonOf(decision, evidence, about, further, r2)),
    ...(whyKind !== undefined && { whyKind }),
    delta: outcome.delta,
    alpha: rule.alpha,
    absenceAlpha: rule.absenceAlpha,
    blocks: matched.usableBlocks,
    ...(label !== undefined && { clusters: { label, count: usable } }),
    p: claimedP(evidence, decision?.claims ?? []),
    matchings: matchingResults(matched, p, explained?.by === 'gap'),
    learningRates: learningRatesOf(contrast.arm, contrast.reference, pair),
    voided: matched.voided,
    ...(further?.kind === 'enough' ? { furtherBlocks: further.units } : {}),
  };
  return { record: besideEarlier(record, { result, p, setting, blockers }), evidence, rule, blockers: texts };
}

interface Beside {
  readonly result: ContrastResult;
  readonly p: (matching: string) => number;
  readonly setting: Setting;
  readonly blockers: readonly Blocker[];
}

/** The verdict beside what the latest earlier look that decided said: its decision stands where this look alone has none. */
function besideEarlier(record: VerdictRecord, { result, p, setting, blockers }: Beside): VerdictRecord {
  // What a failed control or lost blocks leave open stays open; that alpha is spent takes nothing back.
  const isOpen = record.verdict === 'undecided' && blockers.every(({ kind }) => kind === 'look');
  if (!isOpen && record.verdict === 'undecided') return record;
  const then = setting.earlier?.verdictOf(record);
  if (then === undefined) return record;
  const { at, record: was } = then;
  if (!isOpen) {
    return decidesOtherwise(was, record)
      ? { ...record, reason: `${record.reason}${otherwiseText(at, was, record)}` }
      : record;
  }
  const matchings = matchingResults(result.matched, p, was.explainedBy === 'gap');
  if (!verdictStands(was, matchings)) {
    const why = `${record.why ?? ''}; ${fallenText(at)}`;
    return {
      ...record,
      why,
      reason: `${record.reason}${otherwiseText(at, was, record)} That does not stand, as these numbers speak against it.`,
    };
  }
  const { why: _, whyKind: __, furtherBlocks: ___, ...rest } = record;
  return {
    ...rest,
    verdict: was.verdict,
    decidedAt: at,
    ...(was.explainedBy !== undefined && { explainedBy: was.explainedBy }),
    ...(was.explainedR2 !== undefined && { explainedR2: was.explainedR2 }),
    reason: `${was.reason}${standingText(at, { matchings, blocks: record.blocks, look: setting.look }, setting.study, result.outcome)}`,
    p: claimedPNow(was, matchings),
    matchings,
  };
}

/** What a later look at a study would be judged by. */
export function laterLooks({ blocks }: Pick<Study, 'blocks'>, alphaShare: LaterLooks['alphaShare']): LaterLooks {
  return { alphaShare, ...(blocks && { most: mostClusters(blocks.cluster) }) };
}

/** A verdict on a contrast that has no runs to compare: undecided, with why. */
export function notRun(contrast: Contrast, outcome: Outcome, study: Setting['study'], reason: string): VerdictRecord {
  const { arm, reference } = contrast;
  const rule: Rule = {
    delta: outcome.delta,
    alpha: FIXED_ALPHA,
    absenceAlpha: FIXED_ALPHA,
    jump: largestJump(outcome),
  };
  const about: Speaking = {
    study,
    arm,
    reference,
    outcome,
    rule,
    units: { usable: 0, all: 0 },
    size: 'no blocks',
    rates: [],
  };
  return {
    outcome: outcome.name,
    contrast: contrastName(contrast),
    arm,
    reference,
    verdict: 'undecided',
    ...blockedReason([reason], undefined, about, undefined),
    whyKind: 'notRun',
    delta: outcome.delta,
    alpha: rule.alpha,
    absenceAlpha: rule.absenceAlpha,
    blocks: 0,
    p: null,
    matchings: {},
    learningRates: [],
    voided: [],
  };
}

function speakingOf(result: ContrastResult, setting: Setting, rule: Rule): Speaking {
  const { contrast, outcome, matched, pair } = result;
  const { arm, reference } = contrast;
  const rates = [pair.armRates, pair.referenceRates];
  return { study: setting.study, arm, reference, outcome, rule, units: matched.units, size: sizeText(matched), rates };
}

/** Its detail stands with the control itself. */
export function controlText({ name, unsettled }: ControlRecord): string {
  return `the control "${name}" ${unsettled === true ? 'could not be looked at' : 'failed'}`;
}

interface Blocker {
  readonly kind: Extract<WhyKind, 'control' | 'look' | 'support' | 'blocks' | 'voided'>;
  readonly text: string;
}

/** More blocks cannot supply a missing control, overlap or support. */
function moreBlocksHelp(decision: Decision, blockers: readonly Blocker[], rule: Rule): boolean {
  if (blockers.some((blocker) => blocker.kind !== 'blocks')) return false;
  if (blockers.length > 0) return true;
  if (decision.kind !== 'undecided') return false;
  if (decision.why.kind === 'jumpsUnseen') return Number.isFinite(rule.jump);
  return decision.why.kind !== 'jointNotTestable' && decision.why.kind !== 'noPositiveControl';
}

/** Rule 0: what leaves a verdict undecided before any estimate is looked at. */
function blockersOf(result: ContrastResult, setting: Setting): Blocker[] {
  const { singles, usableBlocks, allBlocks, voided, units } = result.matched;
  const blockers: Blocker[] = [];
  const add = (kind: Blocker['kind'], text: string): void => void blockers.push({ kind, text });
  for (const control of setting.controls) {
    if (!control.passed) add('control', controlText(control));
  }
  if (setting.look.kind === 'none') add('look', setting.look.reason);
  if (singles.length === 0) add('support', 'the study matches on no axis');
  for (const table of singles) {
    if (table.kind === 'notEstimable') add('support', `no support for matching on ${table.name}: ${table.reason}`);
  }
  const reasons = [...new Set(voided.map((one) => one.reason))].join(', ');
  return [...blockers, ...lostUnits(units, { usable: usableBlocks, all: allBlocks }, reasons)];
}
