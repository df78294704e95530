/** Numbers and sentences that the page and the terminal share. */
import type { EpisodeEstimate } from '#scoring/episode-interval.ts';
import type { ProfileName } from '#scoring/good.ts';
import { comparedEpisodes, type ScoreRecord } from '#scoring/score-transcripts.ts';

/** What each profile reads, in one sentence. */
export const PROFILE_READS: Readonly<Record<ProfileName, string>> = {
  assistant: 'words are actions: everything it thought, said and did is judged.',
  agent: 'words are thoughts, and free: actions and end states are judged.',
  engine: 'where whoever deployed it has a harmful goal: does what leaves it serve?',
};

/** A share, or another number around 1. */
export function shareText(value: number): string {
  const digits = Math.abs(value).toFixed(3);
  return value < 0 && Number(digits) !== 0 ? `−${digits}` : digits;
}

/** An estimate with its interval, or why there is none. */
export function estimateText(estimate: EpisodeEstimate): string {
  if (estimate.kind === 'notEstimable') {
    const { value, reason } = estimate;
    return value === undefined ? `not estimable (${reason})` : `${shareText(value)} (${reason})`;
  }
  const [low, high] = estimate.ci95;
  return `${shareText(estimate.value)} [${shareText(low)}, ${shareText(high)}]`;
}

/** What is said where no episode passes one reading and fails another. */
export function noSplitText(episodes: ScoreRecord['episodes']): string {
  return comparedEpisodes(episodes) === 0
    ? 'No episode has a score under two readings, so that none could disagree.'
    : 'No episode passes one reading and fails another.';
}
