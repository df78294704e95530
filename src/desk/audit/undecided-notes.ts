/**
 * What is known of a comparison whose verdict is "undecided": a difference that is clearly not zero and about delta is
 * another thing than one of which nothing is known, though neither decides.
 */
import type { LevelEstimate, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { intervalText, signed } from '#analysis/words/number-text.ts';

type Estimated = Extract<MatchingResult, { kind: 'estimated' }>;

/** One sentence an undecided verdict that has estimates. */
export function undecidedNotes(verdicts: readonly VerdictRecord[]): string[] {
  return verdicts.flatMap((verdict) => {
    if (verdict.verdict !== 'undecided') return [];
    const matchings = Object.entries(verdict.matchings).flatMap(([name, result]) =>
      result.kind === 'estimated' ? [{ name, result }] : [],
    );
    if (matchings.length === 0) return [];
    const known = knownOf(
      matchings.map(({ result }) => result),
      verdict.delta,
    );
    const texts = matchings.map(({ name, result }) => textOf(name, result, verdict.delta));
    return [
      `${verdict.arm} against ${verdict.reference}, ${verdict.outcome}, is undecided, and ${known}: ${texts.join('; ')}`,
    ];
  });
}

function knownOf(results: readonly Estimated[], delta: number): string {
  const signs = results.map(({ ci95: [low, high] }) => (low > 0 ? 1 : high < 0 ? -1 : 0));
  const [sign = 0] = signs;
  if (signs.some((other) => other !== sign)) return 'the matchings do not agree';
  if (sign !== 0) return `still the difference is clearly not zero, and ${sizeOf(results, sign, delta)}`;
  const isSmall = results.every(({ ci95: [low, high] }) => low > -delta && high < delta);
  return isSmall
    ? `what difference there may be is below delta (${delta})`
    : `hardly anything is known of it: zero and differences of delta (${delta}) are both within the intervals`;
}

function sizeOf(results: readonly Estimated[], sign: 1 | -1, delta: number): string {
  const bounds = results.flatMap(({ ci95 }) => ci95.map((bound) => sign * bound));
  if (Math.min(...bounds) > delta) return `above delta (${delta})`;
  return Math.max(...bounds) < delta ? `below delta (${delta})` : `about delta (${delta})`;
}

function textOf(name: string, { estimate, ci95, levels }: Estimated, delta: number): string {
  const counted = levels.filter((level) => level.excluded === undefined);
  const [first, last] = [counted[0], counted.at(-1)];
  const isTrend = first !== undefined && last !== undefined && Math.abs(last.estimate - first.estimate) > delta;
  const trend = isTrend ? `, from ${atLevel(first, delta)} to ${atLevel(last, delta)}` : '';
  return `${signed(estimate, delta)} ${intervalText(ci95, delta)} at matched ${name}${trend}`;
}

function atLevel({ estimate, level }: LevelEstimate, delta: number): string {
  const at = typeof level === 'number' ? [level] : level;
  return `${signed(estimate, delta)} at ${at.map((value) => value.toPrecision(3)).join(' and ')}`;
}
