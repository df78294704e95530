/** One contrast and outcome from matched tables to its verdict: rule 0 here, rules 1 to 4 in decide.ts. */
import type { Rng } from '#base/rng.ts';
import { LOOK_BLOCKS } from '#study/looks.ts';
import type { Contrast, Outcome } from '#study/study.ts';
import { pByName, type ContrastResult, type FamilyP } from './contrast-result.ts';
import { decide, type Decision, type Evidence, type Rule } from './decide.ts';
import { evidenceOf, type ControlLookup } from './evidence.ts';
import { describedShare } from '#analysis/description/described-share.ts';
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import { furtherBlocks } from '#analysis/power/further-blocks.ts';
import { plain } from '#analysis/words/number-text.ts';
import { blockedReason, reasonOf, type Speaking } from '#analysis/words/reason.ts';
import { claimedP, learningRatesOf, matchingResults } from '#analysis/records/record.ts';
import type { ControlRecord, VerdictRecord } from '#analysis/records/verdict-record.ts';

/** Alpha of studies whose number of blocks is fixed beforehand. */
export const FIXED_ALPHA = 0.05;
/** More voided blocks than this share leave a pair undecided. */
const VOIDED_FRACTION = 0.1;

/** What all verdicts of a study share. */
export interface Setting {
  readonly study: Speaking['study'];
  /** Undefined where a sequential study is looked at with another number of blocks than planned. */
  readonly alpha: number | undefined;
  readonly controls: readonly ControlRecord[];
  readonly positive: (outcome: string) => ControlLookup;
  readonly p: FamilyP;
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

/** Judges one contrast and outcome. */
export function judge(result: ContrastResult, setting: Setting): Judged {
  const { contrast, outcome, pair, matched } = result;
  const rule: Rule = { delta: outcome.delta, alpha: setting.alpha ?? FIXED_ALPHA };
  const p = pByName(result, setting.p.adjusted);
  const lookup = setting.positive(outcome.name);
  const evidence = evidenceOf(matched.singles, matched.joint, p, lookup, matched.gap);
  const blockers = blockersOf(result, setting);
  const decision = evidence && decide(evidence, rule);
  const more = setting.power && decision !== undefined && moreBlocksHelp(decision, blockers);
  const further = more ? furtherBlocks(matched, lookup, rule, setting.rng) : undefined;
  const blocked = decision === undefined || evidence === undefined || blockers.length > 0;
  const about = speakingOf(result, setting, rule);
  const explained = !blocked && decision.kind === 'explainedBy' ? decision : undefined;
  const r2 = explained && describedShare(pair, matched, setting.study.matchOn, outcome.name, explained.by);
  const record: VerdictRecord = {
    outcome: outcome.name,
    contrast: contrastName(contrast),
    arm: contrast.arm,
    reference: contrast.reference,
    verdict: blocked ? 'undecided' : decision.kind,
    ...(explained === undefined ? {} : { explainedBy: explained.by }),
    ...(r2 === undefined ? {} : { explainedR2: r2 }),
    ...(blocked
      ? blockedReason(
          blockers.map((one) => one.text),
          evidence,
          about,
          further,
        )
      : reasonOf(decision, evidence, about, further, r2)),
    delta: outcome.delta,
    blocks: matched.usableBlocks,
    p: claimedP(evidence, decision?.claims ?? []),
    matchings: matchingResults(matched, p, explained?.by === 'gap'),
    learningRates: learningRatesOf(contrast.arm, contrast.reference, pair),
    voided: matched.voided,
    ...(further?.kind === 'enough' ? { furtherBlocks: further.blocks } : {}),
  };
  return { record, evidence, rule, blockers: blockers.map((one) => one.text) };
}

/** A verdict on a contrast that has no runs to compare: undecided, with why. */
export function notRun(contrast: Contrast, outcome: Outcome, study: Setting['study'], reason: string): VerdictRecord {
  const { arm, reference } = contrast;
  const rule: Rule = { delta: outcome.delta, alpha: FIXED_ALPHA };
  const about: Speaking = { study, arm, reference, outcome, rule, blocks: 0 };
  return {
    outcome: outcome.name,
    contrast: contrastName(contrast),
    arm,
    reference,
    verdict: 'undecided',
    ...blockedReason([reason], undefined, about, undefined),
    delta: outcome.delta,
    blocks: 0,
    p: null,
    matchings: {},
    learningRates: [],
    voided: [],
  };
}

function speakingOf(result: ContrastResult, setting: Setting, rule: Rule): Speaking {
  const { contrast, outcome, matched } = result;
  const { arm, reference } = contrast;
  return { study: setting.study, arm, reference, outcome, rule, blocks: matched.usableBlocks };
}

/** Its detail stands with the control itself. */
function controlText({ name, unsettled }: ControlRecord): string {
  return `the control "${name}" ${unsettled === true ? 'could not be looked at' : 'failed'}`;
}

interface Blocker {
  readonly kind: 'control' | 'look' | 'support' | 'blocks' | 'voided';
  readonly text: string;
}

/** More blocks cannot supply a missing control, overlap or support. */
function moreBlocksHelp(decision: Decision, blockers: readonly Blocker[]): boolean {
  if (blockers.some((blocker) => blocker.kind !== 'blocks')) return false;
  if (blockers.length > 0) return true;
  if (decision.kind !== 'undecided') return false;
  return decision.why.kind !== 'jointNotTestable' && decision.why.kind !== 'noPositiveControl';
}

/** Rule 0: what leaves a verdict undecided before any estimate is looked at. */
function blockersOf(result: ContrastResult, setting: Setting): Blocker[] {
  const { singles, usableBlocks, allBlocks, voided } = result.matched;
  const blockers: Blocker[] = [];
  const add = (kind: Blocker['kind'], text: string): void => void blockers.push({ kind, text });
  for (const control of setting.controls) {
    if (!control.passed) add('control', controlText(control));
  }
  if (setting.alpha === undefined) {
    add('look', `a sequential study is looked at with ${LOOK_BLOCKS.join(', ')} blocks only`);
  }
  if (singles.length === 0) add('support', 'the study matches on no axis');
  for (const table of singles) {
    if (table.kind === 'notEstimable') add('support', `no support for matching on ${table.name}: ${table.reason}`);
  }
  if (usableBlocks < MIN_BLOCKS) add('blocks', `${usableBlocks} usable blocks, at least ${MIN_BLOCKS} needed`);
  const lost = allBlocks - usableBlocks;
  if (lost > VOIDED_FRACTION * allBlocks) {
    const reasons = [...new Set(voided.map((one) => one.reason))].join(', ');
    const limit = `${plain(100 * VOIDED_FRACTION)}%`;
    add('voided', `${lost} of ${allBlocks} blocks voided (${reasons}), more than ${limit}`);
  }
  return blockers;
}
