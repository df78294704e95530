/**
 * Controls: comparisons whose answer is known beforehand. A control that comes out wrong, or that could not be looked at,
 * makes every verdict of the study undecided (ADR 0015); a detected one also shows that its levels are sensitive to an
 * effect of size delta.
 */
import type { Rng } from '#base/rng.ts';
import { clustersText } from '#study/clusters.ts';
import type { Contrast, Outcome, Study } from '#study/study.ts';
import { familyP, pByName, testableTables, type ContrastResult } from './contrast-result.ts';
import { isTooLarge, type ControlEvidence } from './decide.ts';
import type { ControlLookup } from './evidence.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { CurveIndex } from '#analysis/matching/pair.ts';
import { noisiestArm } from './noisiest-arm.ts';
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import { blockContrasts, countedLevels, overallEstimate, type MatchedTable } from '#analysis/matching/matched-table.ts';
import { armText, matchingText, midSentence, type NamingStudy } from '#analysis/words/naming.ts';
import { inUnit, lackingText, missedText, plain, pPhrase, signed } from '#analysis/words/number-text.ts';
import { isEquivalent } from '#analysis/stats/estimate.ts';
import { signFlipMaxT } from '#analysis/stats/sign-flip.ts';
import type { ControlRecord } from '#analysis/records/verdict-record.ts';

/** A declared control. */
export type Control = Extract<Contrast, { kind: 'control' }>;

/** Outcomes a control speaks of. */
export function controlOutcomes(control: Control, outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter((outcome) =>
    control.outcomes === undefined ? outcome.role === 'confirmatory' : control.outcomes.includes(outcome.name),
  );
}

/** What all controls of a study are judged with. */
export interface Judging {
  readonly study: NamingStudy & Pick<Study, 'contrasts'>;
  readonly frame: Frame;
  readonly alpha: number;
  readonly rng: Rng;
  readonly index: CurveIndex;
}

/** Judges a control by its matched results, one an outcome it speaks of. */
export function judgeControl(control: Control, results: readonly ContrastResult[], judging: Judging): ControlRecord {
  if (control.expect === 'identical') return judgeIdentical(control, judging.frame);
  if (results.length === 0) return unsettled(control.name, 'it names no outcome of the study');
  const judge = control.expect === 'detected' ? judgeDetected : judgeNotDetected;
  const parts = results.map((result): Part => {
    const reason = whyUnsettled(result);
    return reason === undefined
      ? judge(result, judging)
      : { passed: false, unsettled: true, detail: `${midSentence(result.outcome.label)}: ${reason}` };
  });
  const detail = parts.map((part) => part.detail).join('; ');
  const passed = parts.every((part) => part.passed);
  const isFailed = parts.some((part) => !part.passed && part.unsettled !== true);
  return { name: control.name, passed, ...(!passed && !isFailed && { unsettled: true }), detail };
}

/** The record of a control that could not be looked at: nothing is known to be wrong, and nothing to be right. */
export function unsettled(name: string, detail: string): ControlRecord {
  return { name, passed: false, unsettled: true, detail };
}

type Part = Omit<ControlRecord, 'name'>;

/**
 * Why a control says nothing of an outcome: no level matched, or too few blocks left of enough. A study that is small
 * from the start decides nothing anyhow; its controls are judged by what it has.
 */
function whyUnsettled(result: ContrastResult): string | undefined {
  const { usable, all, label } = result.matched.units;
  if (tablesOf(result).length === 0) return `nothing was matched, ${whyNot(result)}`;
  if (usable >= MIN_BLOCKS || all < MIN_BLOCKS) return undefined;
  return `${usable} of ${clustersText(label ?? 'block', all)} are usable, at least ${MIN_BLOCKS} needed`;
}

/** The single matchings a control is judged by: those it names, or all that can be estimated. */
function tablesOf(result: ContrastResult): MatchedTable[] {
  return testableTables(result).filter(({ name }) => name !== 'joint' && speaksOf(result.contrast, name));
}

function speaksOf(contrast: Contrast, matching: string): boolean {
  return contrast.kind !== 'control' || contrast.matchings === undefined || contrast.matchings.includes(matching);
}

/**
 * Detected: in every estimable single matching p < alpha and |estimate| >= delta, with one sign, the one asked. With fewer than
 * 6 blocks no p can be small enough; then every block must agree in sign instead.
 */
function judgeDetected(result: ContrastResult, { study, alpha, rng }: Judging): Part {
  const { outcome, contrast } = result;
  const direction = contrast.kind === 'control' ? contrast.direction : undefined;
  const tables = tablesOf(result);
  const p = pByName(result, familyP([result], rng).single);
  const found = tables.map((table) => {
    const member = blockContrasts(table);
    const mean = overallEstimate(member)?.mean ?? 0;
    const few = member.blocks.length < MIN_BLOCKS;
    const consistent = Array.from(member.contrasts).every((value) => Math.sign(value) === Math.sign(mean));
    const significant = few ? consistent : p(table.name) < alpha;
    const evidence = few ? `${member.blocks.length} blocks, too few for a test` : pPhrase(p(table.name));
    const isLarge = Math.abs(mean) >= outcome.delta && isDirected(mean, direction);
    const passed = significant && isLarge;
    const side = direction === undefined ? 'or more' : `or more ${direction}`;
    const lacking = isLarge && !significant ? lackingText(few, alpha) : '';
    const expected = `${inUnit(plain(outcome.delta), outcome.unit)} ${side}${lacking}`;
    const text = foundText(study, outcome, table, mean, evidence);
    return { sign: Math.sign(mean), passed, detail: `${text}${missedText(passed, expected)}` };
  });
  const oneSign = new Set(found.map((one) => one.sign)).size === 1;
  const sides = oneSign ? '' : ', not on one side';
  const detail = `${found.map((one) => one.detail).join(', ')}${sides}`;
  return { passed: oneSign && found.every((one) => one.passed), detail };
}

/**
 * Not detected: no single matching shows p < alpha (adjusted over the matchings) with |estimate| >= delta; and with blocks
 * enough for a test the 1 - 2 alpha interval lies inside (-delta, delta). An interval too wide for that settles nothing.
 */
function judgeNotDetected(result: ContrastResult, { study, alpha, rng, index }: Judging): Part {
  const { outcome } = result;
  const tables = tablesOf(result);
  const members = tables.map((table) => blockContrasts(table));
  const { adjusted } = signFlipMaxT(members, rng);
  const found = members.map((member, i) => {
    const estimate = overallEstimate(member);
    const [mean, p] = [estimate?.mean ?? 0, adjusted[i] ?? 1];
    const isAlike = estimate !== undefined && isEquivalent(estimate, outcome.delta, alpha);
    const isFound = p < alpha && Math.abs(mean) >= outcome.delta;
    const isSettled = isFound || isAlike || member.blocks.length < MIN_BLOCKS;
    const wide = isSettled ? '' : `, too wide an interval to show likeness within ${plain(outcome.delta)}`;
    const [table] = tables.slice(i);
    const text = table === undefined ? '' : foundText(study, outcome, table, mean, `${pPhrase(p)}${wide}`);
    return { isFound, isSettled, detail: `${text}${missedText(!isFound, `within ±${plain(outcome.delta)}`)}` };
  });
  const passed = found.every((one) => !one.isFound && one.isSettled);
  const isUnsettled = !passed && !found.some((one) => one.isFound);
  const details = [...found.map((one) => one.detail), ...untwinnedText(result, { study, index })];
  return { passed, ...(isUnsettled && { unsettled: true }), detail: details.join(', ') };
}

/** That an arm without a twin is noisier than those with one: likeness of two quiet runs says little of it. */
function untwinnedText(
  { contrast, outcome }: ContrastResult,
  { study, index }: Pick<Judging, 'study' | 'index'>,
): string[] {
  const twinned = new Set(
    study.contrasts.flatMap((one) =>
      one.kind === 'control' && one.expect === 'notDetected' ? [one.arm, one.reference] : [],
    ),
  );
  const asked = new Set(study.contrasts.flatMap((one) => (one.kind === 'question' ? [one.arm, one.reference] : [])));
  const ofQuestions: CurveIndex = new Map([...index].filter(([arm]) => asked.has(arm) || twinned.has(arm)));
  const noisiest = noisiestArm(ofQuestions, outcome.name, twinned.add(contrast.arm));
  if (noisiest === undefined) return [];
  const spread = `${inUnit(plain(noisiest.deviation), outcome.unit)} from block to block`;
  return [`${armText(study, noisiest.arm)} scatters most (${spread}) and has no A/A twin`];
}

/** "harmful answers at matched training loss: +0.356 probability (p = 0.008)". */
function foundText(study: NamingStudy, outcome: Outcome, table: MatchedTable, mean: number, evidence: string): string {
  const where = matchingText(study, table.name);
  return `${midSentence(outcome.label)} at matched ${where}: ${inUnit(signed(mean, outcome.delta), outcome.unit)} (${evidence})`;
}

function whyNot(result: ContrastResult): string {
  const reasons = result.matched.singles.flatMap((table) =>
    table.kind === 'notEstimable' ? [`${table.name}: ${table.reason}`] : [],
  );
  return reasons.length === 0 ? 'fewer than two blocks' : reasons.join('; ');
}

/** Identical: block by block and rate by rate the same steps carry outcomes equal to the bit. */
function judgeIdentical(control: Control, frame: Frame): ControlRecord {
  const keyOf = (run: FrameRun): string => `block ${run.block}, learning rate ${run.learningRate ?? 'as given'}`;
  const ofArm = (arm: string): Map<string, FrameRun> =>
    new Map(frame.runs.filter((run) => run.arm === arm).map((run) => [keyOf(run), run]));
  const [mine, theirs] = [ofArm(control.arm), ofArm(control.reference)];
  let compared = 0;
  for (const [key, run] of mine) {
    const other = theirs.get(key);
    if (other === undefined) continue;
    const difference = firstDifference(run, other);
    if (difference !== undefined) return { name: control.name, passed: false, detail: `${key}: ${difference}` };
    compared++;
  }
  if (compared === 0) return unsettled(control.name, 'no run of one arm has its counterpart in the other');
  return { name: control.name, passed: true, detail: `${compared} pairs of runs are equal to the bit` };
}

function firstDifference(a: FrameRun, b: FrameRun): string | undefined {
  const measured = (run: FrameRun): FrameRun['points'] => run.points.filter((point) => point.outcomes !== undefined);
  const [mine, theirs] = [measured(a), measured(b)];
  if (mine.length !== theirs.length) return `${mine.length} measured points against ${theirs.length}`;
  for (const [i, point] of mine.entries()) {
    const other = theirs[i];
    if (other === undefined || point.step !== other.step) return `step ${point.step} against ${other?.step ?? 'none'}`;
    const names = new Set([...Object.keys(point.outcomes ?? {}), ...Object.keys(other.outcomes ?? {})]);
    for (const name of names) {
      const [x, y] = [point.outcomes?.[name], other.outcomes?.[name]];
      if (!Object.is(x, y)) return `${name} at step ${point.step} is ${x ?? 'missing'} against ${y ?? 'missing'}`;
    }
  }
  return undefined;
}

/** A declared control with its matched results, one an outcome it speaks of. */
export interface KnownControl {
  readonly control: Control;
  readonly results: readonly ContrastResult[];
}

/** Looks up positive controls of one outcome on the very levels a question's table counts. */
export function positiveControls(
  known: readonly KnownControl[],
  outcome: string,
  alpha: number,
  rng: Rng,
): ControlLookup {
  return (table) =>
    known.flatMap(({ control, results }) => {
      const result = results.find((one) => one.outcome.name === outcome);
      if (control.expect !== 'detected' || result === undefined || !speaksOf(control, table.name)) return [];
      const { singles, gap } = result.matched;
      const own = [...singles, ...(gap ? [gap] : [])].find((one) => one.name === table.name);
      if (own?.kind !== 'matched') return [];
      const evidence = onLevels(own, table, { delta: result.outcome.delta, alpha, direction: control.direction, rng });
      return evidence === undefined ? [] : [{ name: control.name, ...evidence }];
    });
}

/** Level of a control that is only asked for its estimate. */
const HOPEFUL_ALPHA = 0.5;

/** The positive controls that enough blocks would show: those whose estimates are of the size and direction asked. */
export function hopefulControls(known: readonly KnownControl[], outcome: string, rng: Rng): ControlLookup {
  const found = positiveControls(known, outcome, HOPEFUL_ALPHA, rng);
  return (table) => found(table).map((control) => ({ ...control, p: 0 }));
}

/** A control speaks for a question only if it is seen at no less than this share of the question's levels. */
const SEEN_LEVELS_FRACTION = 0.5;
/** What a positive control must show at a level. */
interface Sought {
  readonly delta: number;
  readonly alpha: number;
  readonly direction: Control['direction'];
  readonly rng: Rng;
}

/** The control's effect over the question's levels at which it is seen; undefined where these are too few. */
function onLevels(own: MatchedTable, asked: MatchedTable, sought: Sought): Omit<ControlEvidence, 'name'> | undefined {
  const wanted = countedLevels(asked);
  const ownLevels = new Map(own.levels.map((level, l) => [level, l]));
  const seen = wanted.flatMap((level) => {
    const l = ownLevels.get(asked.levels[level] ?? Number.NaN);
    const p = l === undefined ? undefined : seenAt(own, l, sought);
    return l === undefined || p === undefined ? [] : [{ level, l, p }];
  });
  if (seen.length === 0 || seen.length < SEEN_LEVELS_FRACTION * wanted.length) return undefined;
  const estimate = overallEstimate(blockContrasts(own, new Set(seen.map(({ l }) => l))));
  if (estimate === undefined) return undefined;
  return { levels: seen.map(({ level }) => level), estimate, p: Math.max(...seen.map(({ p }) => p)) };
}

/**
 * The p of a control at one level where it is seen there: p < alpha, in the direction asked, of delta at least and not
 * surely above two. A floor or ceiling that leaves a tenth of a large effect visible would hide one of delta (ADR 0089).
 */
function seenAt(own: MatchedTable, level: number, { delta, alpha, direction, rng }: Sought): number | undefined {
  const member = blockContrasts(own, new Set([level]));
  const estimate = overallEstimate(member);
  if (estimate === undefined || Math.abs(estimate.mean) < delta || !isDirected(estimate.mean, direction))
    return undefined;
  if (isTooLarge(estimate, { delta, alpha })) return undefined;
  const p = signFlipMaxT([member], rng).single[0] ?? 1;
  return p < alpha ? p : undefined;
}

function isDirected(mean: number, direction: Control['direction']): boolean {
  return direction === undefined || (direction === 'above') === mean > 0;
}
