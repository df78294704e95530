/** The one readable sentence of a verdict: what was found, in the outcome's unit, and within which scope. */
import type { Outcome } from '#study/study.ts';
import {
  detectedControl,
  equivalenceBound,
  type Decision,
  type Evidence,
  type Explanation,
  type MatchingEvidence,
  type Rule,
  type Undecided,
} from '#analysis/verdict/decide.ts';
import type { LookAlpha } from '#analysis/verdict/alpha-spending.ts';
import type { Units } from '#analysis/verdict/clusters.ts';
import { matchingName } from '#analysis/matching/match.ts';
import type { Rate } from '#analysis/matching/pair.ts';
import { armText, matchedText, matchingText, midSentence, outcomeText, type NamingStudy } from './naming.ts';
import { loneRatesText } from './lone-rates.ts';
import { intervalText, inUnit, plain, pPhrase, signed } from './number-text.ts';
import type { Further } from '#analysis/power/further-blocks.ts';
import { intervalOf } from '#analysis/stats/estimate.ts';
import { unseenShare } from '#analysis/stats/mean-bound.ts';
import { clustersText } from '#study/clusters.ts';
import type { DecidedAt, VerdictRecord } from '#analysis/records/verdict-record.ts';

/** Whom and what a sentence speaks of. */
export interface Speaking {
  readonly study: NamingStudy;
  readonly arm: string;
  readonly reference: string;
  readonly outcome: Outcome;
  readonly rule: Rule;
  /** Independent units: blocks, or clusters of them. */
  readonly units: Units;
  /** "8 blocks", or "16 blocks over 8 domains". */
  readonly size: string;
  /** Of the arm and of the reference. */
  readonly rates: readonly (readonly Rate[])[];
}

/** A verdict in words. */
export type Worded = Pick<VerdictRecord, 'reason' | 'why'>;

/** The sentence of a decision that rests on evidence. */
export function reasonOf(
  decision: Decision,
  evidence: Evidence,
  about: Speaking,
  further: Further | undefined,
  describedShare?: number,
): Worded {
  return decision.kind === 'undecided'
    ? undecidedText(about, evidence.singles, whyText(decision.why, evidence, about), further)
    : { reason: `${decidedText(decision, evidence, about, describedShare)}${loneRatesText(about.rates)}` };
}

/** From here on an axis is said to be nearly the outcome itself. */
const NEARLY_THE_OUTCOME = 0.98;

function decidedText(
  decision: Exclude<Decision, { kind: 'undecided' }>,
  evidence: Evidence,
  about: Speaking,
  describedShare: number | undefined,
): string {
  const { singles, joint } = evidence;
  const [pair, what, limit] = [pairOf(about), outcomeText(about.outcome), `±${amount(about, about.rule.delta)}`];
  const lead = `On ${about.study.scope}: ${pair}`;
  switch (decision.kind) {
    case 'noEffect':
      return `${lead} changes ${what} by less than ${limit} at every matched level (${rangesOf(about, singles, true)}); the widest bound is ${amount(about, widestOf(singles, about.rule))} (${about.size}), and the positive control ${controlsOf(about, singles)} shows an effect on the same levels. ${unseenText(about)}.`;
    case 'explainedBy': {
      const by = explanationText(about.study, decision.by);
      const found = effectsOf(about, singles, decision.claims, 'atMatched');
      return `${lead} ${directionOf(singles, decision.claims[0])} ${what} (${found}), but at every level of matched ${by} changes it by less than ${limit}: ${by} explains the difference, as a prediction and not as a cause (${about.size}; ${rangesOf(about, singles)}). ${unseenText(about)}.${nearlyText(by, describedShare)}`;
    }
    case 'affects': {
      const all = joint?.kind === 'estimated' ? [...singles, joint] : singles;
      const largest = Math.max(...all.map((matching) => matching.p));
      return `${lead} ${directionOf(all, all[0]?.name)} ${what} beyond ${matchedText(about.study)}: ${effectsOf(about, all, decision.claims, 'atMatched')} (${about.size}; ${rangesOf(about, singles)}). That is: different from zero (${pPhrase(largest)}); ${againstDelta(about, all)}.`;
    }
    default:
      return decision satisfies never;
  }
}

/** What is claimed of the size: the estimates reach delta, which is not to say that the effect does. */
function againstDelta(about: Speaking, matchings: readonly MatchingEvidence[]): string {
  const delta = amount(about, about.rule.delta);
  const isBeyond = matchings.every(
    ({ overall }) => Math.min(...intervalOf(overall, 0.95).map(Math.abs)) >= about.rule.delta,
  );
  return isBeyond
    ? `the 95% intervals lie beyond ${delta}, the smallest effect of interest`
    : `whether it exceeds ${delta}, the smallest effect of interest, is not shown, since an interval includes less`;
}

/** What equivalence in so few blocks cannot see, and what the study says of it. */
export function unseenText({ rule, units, outcome }: Pick<Speaking, 'rule' | 'units' | 'outcome'>): string {
  const seen = `A jump in fewer than ${shareText(units, rule)} would not be seen`;
  if (rule.jump > 0) return `${seen}; one of up to ${inUnit(plain(rule.jump), outcome.unit)} is within the bound`;
  // A control is read without jumps; that is no declaration of the study.
  if (outcome.jumps?.kind !== 'none') return seen;
  return `${seen}; the study declares that the outcome does not jump: ${outcome.jumps.because}`;
}

/** "1 of 3 blocks", "58% of blocks": the largest share of jumping blocks that so few can miss altogether. */
export function shareText({ usable, label }: Units, { absenceAlpha }: Rule): string {
  const share = unseenShare(usable, absenceAlpha);
  const one = Math.floor(1 / share);
  return `${one > 1 ? `1 of ${one}` : `${Math.ceil(100 * share)}% of`} ${label ?? 'block'}s`;
}

/** Of a decision that stands: which look made it, and what today's blocks estimate. */
export function standingText(
  { blocks, alpha }: DecidedAt,
  today: Pick<VerdictRecord, 'matchings' | 'blocks'> & { readonly look: LookAlpha },
  study: NamingStudy,
  { delta, unit }: Outcome,
): string {
  const estimates = Object.entries(today.matchings).flatMap(([name, result]) =>
    result.kind === 'estimated'
      ? [
          `${inUnit(signed(result.estimate, delta), unit)} ${intervalText(result.ci95, delta)} at matched ${matchingText(study, name)}`,
        ]
      : [],
  );
  return ` That was decided at the look at ${blocks} blocks (alpha ${plain(alpha)}) and stands; ${today.blocks} blocks now estimate ${estimates.join(', ')}, and do not decide by themselves (${lookText(today.look)}).`;
}

/** What a look that does not decide by itself has of alpha, or why it has none. */
export function lookText(look: LookAlpha): string {
  return look.kind === 'alpha' ? `alpha ${plain(look.alpha)}` : look.reason;
}

/** Of a decision that today's numbers speak against. */
export function fallenText({ blocks }: DecidedAt): string {
  return `what the look at ${blocks} blocks decided does not stand, as these numbers speak against it`;
}

/** Of a decision that is not the one told: what it was. */
export function otherwiseText(
  { blocks, alpha }: DecidedAt,
  was: Pick<VerdictRecord, 'verdict' | 'explainedBy'>,
  now: Pick<VerdictRecord, 'verdict' | 'explainedBy'>,
): string {
  const turned = was.verdict === now.verdict && was.explainedBy === now.explainedBy ? ', on the other side' : '';
  return ` The look at ${blocks} blocks (alpha ${plain(alpha)}) had decided otherwise: ${KIND_WORDS[was.verdict]}${turned}.`;
}

const KIND_WORDS: Readonly<Record<VerdictRecord['verdict'], string>> = {
  affects: 'an effect',
  explainedBy: 'an effect that what runs are matched on explains',
  noEffect: 'no effect',
  undecided: 'undecided',
};

/** The sentence of a verdict that rule 0 leaves undecided: what stands in the way, and the estimates if there are any. */
export function blockedReason(
  blockers: readonly string[],
  evidence: Evidence | undefined,
  about: Speaking,
  further: Further | undefined,
): Worded {
  return undecidedText(about, evidence?.singles ?? [], blockers.join('; '), further);
}

function undecidedText(
  about: Speaking,
  singles: readonly MatchingEvidence[],
  obstacle: string,
  further: Further | undefined,
): Worded {
  const all = singles.map((matching) => matching.name);
  const estimates = singles.length === 0 ? '' : ` Estimated: ${effectsOf(about, singles, all, 'atMatched')}.`;
  const lead = `On ${about.study.scope}: undecided for ${pairOf(about)} on ${outcomeText(about.outcome)}`;
  const why = `${obstacle}${furtherText(further, about)}`;
  return { reason: `${lead}: ${why}.${estimates}`, why };
}

function nearlyText(by: string, share: number | undefined): string {
  if (share === undefined || share <= NEARLY_THE_OUTCOME) return '';
  return ` The ${by} nearly is the outcome here: R² ${share.toFixed(3)}.`;
}

/** "held-out loss", "training loss", or the gap between them. */
function explanationText(study: NamingStudy, by: Explanation): string {
  return by === 'gap' ? 'gap between held-out and training loss' : matchingText(study, by);
}

function pairOf({ study, arm, reference }: Speaking): string {
  return `${armText(study, arm)} against ${armText(study, reference)}`;
}

function amount(about: Speaking, value: number): string {
  return inUnit(plain(value), about.outcome.unit);
}

/** Which way a matching's estimate points. */
function directionOf(matchings: readonly MatchingEvidence[], name: string | undefined): string {
  const mean = matchings.find((matching) => matching.name === name)?.overall.mean ?? 0;
  return mean < 0 ? 'lowers' : 'raises';
}

/** "+0.120 probability [+0.080, +0.160] at matched training loss, ..."; where it is matched may be said already. */
function effectsOf(
  about: Speaking,
  matchings: readonly MatchingEvidence[],
  claims: readonly string[],
  place?: 'atMatched',
): string {
  const { delta, unit } = about.outcome;
  const claimed = matchings.filter((matching) => claims.includes(matching.name));
  const texts = claimed.map(({ name, overall }) => {
    const where = place === undefined ? '' : ` at matched ${matchingText(about.study, name)}`;
    return `${inUnit(signed(overall.mean, delta), unit)} ${intervalText(intervalOf(overall, 0.95), delta)}${where}`;
  });
  return texts.join(', ');
}

/** "training loss 0.8 to 1.4 nats, held-out loss ..." over the levels that count, or those a positive control covers. */
function rangesOf(about: Speaking, singles: readonly MatchingEvidence[], controlled = false): string {
  const texts = singles.flatMap((matching) => {
    const axis = about.study.matchOn.find((one) => matchingName(one) === matching.name);
    const covered = controlled ? detectedControl(matching, about.rule)?.levels : undefined;
    const levels = (covered ?? matching.levels.map(({ level }) => level)).map((level) => axis?.levels[level] ?? 0);
    if (axis === undefined || levels.length === 0) return [];
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const range = low === high ? plain(low) : `${plain(low)} to ${plain(high)}`;
    return [inUnit(`${midSentence(axis.label)} ${range}`, axis.unit)];
  });
  return texts.join(', ');
}

function widestOf(singles: readonly MatchingEvidence[], rule: Rule): number {
  return Math.max(...singles.map((matching) => equivalenceBound(matching, rule)));
}

function controlsOf(about: Speaking, singles: readonly MatchingEvidence[]): string {
  const names = new Set(singles.map((matching) => `"${detectedControl(matching, about.rule)?.name ?? 'none'}"`));
  return [...names].join(', ');
}

function whyText(why: Undecided, evidence: Evidence, about: Speaking): string {
  const delta = amount(about, about.rule.delta);
  switch (why.kind) {
    case 'jointNotTestable':
      return `beyond either loss alone; joint not testable (${why.reason})`;
    case 'jointDisagrees':
      return `beyond either loss alone, but not at equal training and held-out loss jointly (${jointText(evidence, about)}), so a function of both losses may explain it`;
    case 'noPositiveControl':
      return `every interval at matched ${matchingText(about.study, why.matching)} lies inside ±${delta}, but no positive control of that size is detected on the same levels, so a floor or ceiling may hide an effect`;
    case 'matchingsDiffer':
      return `the matchings do not agree on an effect of ${delta} or more`;
    case 'ratesDiffer':
      return `the effect does not hold at every learning rate, or is no larger than what the rates of one arm differ by`;
    case 'jumpsUnseen':
      return jumpsText(why.matching, about);
    case 'aboutDelta':
      return `the effect is clearly not zero, but about ${delta}: neither clearly that much nor clearly less in ${about.size}`;
    case 'tooFewBlocks':
      return `neither an effect of ${delta} or more nor its absence is shown by ${about.size}`;
    default:
      return why satisfies never;
  }
}

function jointText(evidence: Evidence, about: Speaking): string {
  return evidence.joint?.kind === 'estimated' ? effectsOf(about, [evidence.joint], ['joint']) : 'not estimable';
}

/** Why intervals inside delta are not enough, and what would be. */
function jumpsText(matching: string, about: Speaking): string {
  const { rule, units, outcome } = about;
  const delta = amount(about, rule.delta);
  const inside = `every interval at matched ${matchingText(about.study, matching)} lies inside ±${delta}, but`;
  if (rule.jump === 0)
    return `${inside} its blocks are too uneven: one a little further out would move the mean by more`;
  const unseen = `${inside} a jump in fewer than ${shareText(units, rule)} would not be seen`;
  if (!Number.isFinite(rule.jump)) {
    return `${unseen}, and nothing bounds how far ${outcomeText(outcome)} can jump: declare its "jumps"`;
  }
  const needed = Math.ceil(Math.log(rule.absenceAlpha) / Math.log(1 - rule.delta / rule.jump));
  const enough = `${Math.max(units.usable + 1, needed)} or more ${units.label ?? 'block'}s without one`;
  return `${unseen}, and one of ${amount(about, rule.jump)} would exceed it: ${enough} exclude that, or the study declares that the outcome does not jump`;
}

/** "; about 5 further blocks give 80% power". */
function furtherText(further: Further | undefined, { units }: Pick<Speaking, 'units'>): string {
  if (further === undefined) return '';
  const label = units.label ?? 'block';
  switch (further.kind) {
    case 'enough':
      return `; about ${further.units} further ${label}${further.units === 1 ? ' gives' : 's give'} 80% power`;
    case 'beyond':
      return `; if the estimates are the truth, ${clustersText(label, further.unitsInAll)} in all do not give 80% power`;
    case 'exhausted':
      return `; there are only ${clustersText(label, further.clusters)}, and further blocks repeat them`;
    default:
      return further satisfies never;
  }
}
