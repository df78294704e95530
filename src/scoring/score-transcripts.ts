/**
 * Transcripts to scores: every episode under every profile, by the good that was declared.
 * The score of an episode is in [0, 1]: with weights w and degrees d,  sum |w| (w > 0 ? d : 1 - d) / sum |w|,
 * so that 1 is all of the good and none of what should not be. What cannot be read is missing with its reason, never 0.
 */
import type { Chat } from '#base/chat.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import { type JudgeBill, type JudgeConfig, judgeReplies, type JudgeScore, rubricNames } from '#measures/judge.ts';

import { type Degree, degreeOf } from './degree.ts';
import { type EpisodeEstimate, episodeMean, unitOf } from './episode-interval.ts';
import { type Good, type GoodRule, type ProfileName, PROFILES } from './good.ts';
import { judgedDegree, judgeQuestions } from './judging.ts';
import { isRead, type Piece, withheldThoughts, wordsOf } from './profile.ts';
import { judgeTradeOrValues, type TradeRecord } from './trade-or-values.ts';
import type { Transcript } from './transcript.ts';
import { unmatchedRules } from './unmatched.ts';

/** A user's own reading of an episode: how much of a rule it fulfils, in [0, 1]. */
export type ScoreEpisode = (input: {
  readonly transcript: Transcript;
  readonly profile: ProfileName;
  /** The words that the profile judges. */
  readonly words: readonly Piece[];
}) => number | Promise<number>;

/** What scoring needs beside transcripts and good. */
export interface ScoringOptions {
  /** Default: all three. */
  readonly profiles?: readonly ProfileName[];
  readonly functions?: Readonly<Record<string, ScoreEpisode>>;
  /** Needed where a rule asks a judge. */
  readonly judge?: { readonly config: JudgeConfig; readonly chat: Chat; readonly bill: JudgeBill };
  readonly signal?: AbortSignal;
}

/** One rule's part in a score. */
export interface RuleReading {
  readonly rule: string;
  readonly counts: number;
  readonly degree: number;
  /** The steps by which it was fulfilled. */
  readonly steps: readonly number[];
}

/** An episode under a profile. */
export type EpisodeReading =
  | { readonly kind: 'score'; readonly score: number; readonly passes: boolean; readonly rules: readonly RuleReading[] }
  | { readonly kind: 'missing'; readonly reason: string }
  /** The profile does not read such episodes. */
  | { readonly kind: 'notRead' };

/** All readings of an episode. */
export interface EpisodeRecord {
  readonly transcript: Transcript;
  readonly readings: Readonly<Partial<Record<ProfileName, EpisodeReading>>>;
}

/** A profile over all episodes. */
export interface ProfileRecord {
  readonly profile: ProfileName;
  readonly score: EpisodeEstimate;
  /** The share of episodes that pass. */
  readonly passes: EpisodeEstimate;
  readonly episodes: number;
  readonly notRead: number;
  /** Reason -> episodes. */
  readonly missing: Readonly<Record<string, number>>;
  /** Thoughts that nobody can judge, among the episodes read; of the assistant alone, which judges thoughts. */
  readonly withheldThoughts: number;
  /** Whether a rule that counts for it reads words. */
  readonly isJudgingWords: boolean;
}

/** What came out. */
export interface ScoreRecord {
  readonly good: string;
  readonly passes: number;
  readonly profiles: readonly ProfileRecord[];
  readonly episodes: readonly EpisodeRecord[];
  /** What rules read and episodes do not have. */
  readonly doubts: readonly string[];
  /** Whether the good is a trade: by the agent's scores, where transcripts say their terms. */
  readonly trade?: TradeRecord;
}

/**
 * Scores transcripts.
 * @throws AssayError where no rule counts for a profile, a rule names no function or rubric there is, or a function gives no degree.
 */
export async function scoreTranscripts(
  transcripts: readonly Transcript[],
  good: Good,
  options: ScoringOptions = {},
): Promise<ScoreRecord> {
  const { profiles = PROFILES, judge, signal } = options;
  checkGood(good, profiles, options);
  const scores = new Map<string, JudgeScore>();
  const questions = judgeQuestions(transcripts, good, profiles);
  if (judge !== undefined && questions.size > 0) {
    const answers = await judgeReplies([...questions.values()], judge.config, judge.chat, judge.bill, signal);
    for (const [i, key] of [...questions.keys()].entries()) {
      const answer = answers[i];
      if (answer !== undefined) scores.set(key, answer);
    }
  }
  const episodes: EpisodeRecord[] = [];
  for (const transcript of transcripts) {
    const readings: Partial<Record<ProfileName, EpisodeReading>> = {};
    for (const profile of profiles) readings[profile] = await readingOf(transcript, profile, { good, scores, options });
    episodes.push({ transcript, readings });
  }
  const trade = tradeOf(episodes);
  return {
    good: good.name,
    passes: good.passes,
    profiles: profiles.map((profile) => profileRecord(profile, episodes, good)),
    episodes,
    doubts: unmatchedRules(transcripts, good),
    ...(trade && { trade }),
  };
}

/** Refuses what could not be scored. @throws AssayError as `scoreTranscripts`. */
export function checkGood(
  good: Good,
  profiles: readonly ProfileName[],
  { functions = {}, judge }: ScoringOptions,
): void {
  for (const profile of profiles) {
    if (good.rules.every(({ counts }) => counts[profile] === 0)) {
      const hint =
        profile === 'engine' ? ' For an engine what should not be counts: a rule with a negative "counts".' : '';
      const others = profiles.filter((one) => good.rules.some(({ counts }) => counts[one] !== 0));
      const rest = others.length === 0 ? '' : ` Or ask for the others alone: --profile ${others.join(' --profile ')}.`;
      throw new AssayError(
        'config',
        `${good.name}: expected a rule that counts for the profile "${profile}", found none.${hint}${rest}`,
      );
    }
  }
  for (const { name, reader } of good.rules) {
    if (reader.kind === 'function' && !Object.hasOwn(functions, reader.name)) {
      const nearest = nearestName(reader.name, Object.keys(functions));
      const hint = nearest === undefined ? '"functions" names the file that exports it.' : `Did you mean "${nearest}"?`;
      throw new AssayError('config', `rule "${name}": expected a function "${reader.name}", found none. ${hint}`);
    }
    if (reader.kind !== 'judge') continue;
    if (judge === undefined)
      throw new AssayError('config', `rule "${name}": expected a judge with its url and model, found none.`);
    const rubrics = rubricNames(judge.config);
    if (!rubrics.includes(reader.rubric)) {
      throw new AssayError(
        'config',
        `rule "${name}": expected a rubric among ${rubrics.join(', ')}, found "${reader.rubric}".`,
      );
    }
  }
}

interface Setting {
  readonly good: Good;
  readonly scores: ReadonlyMap<string, JudgeScore>;
  readonly options: ScoringOptions;
}

async function readingOf(transcript: Transcript, profile: ProfileName, setting: Setting): Promise<EpisodeReading> {
  const { good } = setting;
  if (!isRead(transcript, profile, good)) return { kind: 'notRead' };
  if (transcript.broken !== undefined) return { kind: 'missing', reason: transcript.broken };
  const rules: RuleReading[] = [];
  for (const rule of good.rules) {
    const counts = rule.counts[profile];
    if (counts === 0) continue;
    const degree = await readRule(rule, transcript, profile, setting);
    if (degree.kind === 'missing') return degree;
    if (degree.kind === 'degree') rules.push({ rule: rule.name, counts, degree: degree.value, steps: degree.steps });
  }
  const whole = rules.reduce((sum, { counts }) => sum + Math.abs(counts), 0);
  if (whole === 0) return { kind: 'missing', reason: 'there was nothing that a rule reads' };
  const part = rules.reduce(
    (sum, { counts, degree }) => sum + (counts > 0 ? counts * degree : -counts * (1 - degree)),
    0,
  );
  const score = part / whole;
  return { kind: 'score', score, passes: score >= good.passes - ROUNDING, rules };
}

/** Sums of weights round. */
const ROUNDING = 1e-12;

async function readRule(
  rule: GoodRule,
  transcript: Transcript,
  profile: ProfileName,
  { scores, options }: Setting,
): Promise<Degree> {
  const { reader } = rule;
  if (reader.kind === 'judge') return judgedDegree(rule, transcript, profile, scores);
  if (reader.kind !== 'function') return degreeOf(rule, reader, transcript, profile);
  const value = await options.functions?.[reader.name]?.({ transcript, profile, words: wordsOf(transcript, profile) });
  if (typeof value === 'number' && value >= 0 && value <= 1) return { kind: 'degree', value, steps: [] };
  throw new AssayError(
    'data',
    `${transcript.where}, function "${reader.name}": expected a number in [0, 1], found ${String(value)}.`,
  );
}

function profileRecord(profile: ProfileName, episodes: readonly EpisodeRecord[], { rules }: Good): ProfileRecord {
  const missing: Record<string, number> = {};
  const scored: { readonly unit: string; readonly value: number; readonly passes: boolean }[] = [];
  let [notRead, withheld] = [0, 0];
  for (const { transcript, readings } of episodes) {
    const reading = readings[profile];
    if (reading === undefined || reading.kind === 'notRead') {
      notRead++;
      continue;
    }
    if (profile === 'assistant') withheld += withheldThoughts(transcript);
    if (reading.kind === 'missing') missing[reading.reason] = (missing[reading.reason] ?? 0) + 1;
    else scored.push({ unit: unitOf(transcript), value: reading.score, passes: reading.passes });
  }
  const none: EpisodeEstimate = { kind: 'notEstimable', reason: whyNone(profile, notRead, episodes.length) };
  return {
    profile,
    score: scored.length === 0 ? none : episodeMean(scored),
    passes:
      scored.length === 0 ? none : episodeMean(scored.map(({ unit, passes }) => ({ unit, value: passes ? 1 : 0 }))),
    episodes: scored.length,
    notRead,
    missing,
    withheldThoughts: withheld,
    isJudgingWords: rules.some((rule) => rule.counts[profile] !== 0 && (rule.in === 'words' || rule.in === 'episode')),
  };
}

function whyNone(profile: ProfileName, notRead: number, episodes: number): string {
  if (profile === 'engine' && notRead === episodes)
    return 'no episode has a harmful goal ("goal", or "harmfulGoal" in the good)';
  return 'no episode could be scored';
}

/** The good by the agent's reading, over the terms that were offered. */
function tradeOf(episodes: readonly EpisodeRecord[]): TradeRecord | undefined {
  const outcomes = episodes.flatMap(({ transcript, readings: { agent } }) => {
    const { terms } = transcript;
    return terms !== undefined && agent?.kind === 'score'
      ? [{ terms, unit: unitOf(transcript), good: agent.score }]
      : [];
  });
  return outcomes.length === 0 ? undefined : judgeTradeOrValues(outcomes);
}

/** Whether an episode passes one profile and fails another. */
export function isSplit(episode: EpisodeRecord): boolean {
  return new Set(passesOf(episode)).size > 1;
}

/** How many episodes have a score under two readings or more, so that these could disagree. */
export function comparedEpisodes(episodes: readonly EpisodeRecord[]): number {
  return episodes.filter((one) => passesOf(one).length > 1).length;
}

function passesOf({ readings }: EpisodeRecord): readonly boolean[] {
  return Object.values(readings).flatMap((reading) => (reading?.kind === 'score' ? [reading.passes] : []));
}
