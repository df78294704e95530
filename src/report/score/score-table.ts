/** The readings for a terminal: profiles, disagreements, and what was asked beside them. */
import { INDENT, oneLine, type TableStyle, wrapped } from '#report/terminal-lines.ts';
import type { ExplicitnessRecord } from '#scoring/explicitness.ts';
import { isSplit, type ScoreRecord } from '#scoring/score-transcripts.ts';
import type { TradeRecord } from '#scoring/trade-or-values.ts';

import { estimateText, noSplitText } from './score-words.ts';

/** So many disagreeing episodes are named. */
const MOST_NAMED = 10;
const NAME_COLUMNS = 12;

/** What a terminal is told. */
export interface ScoreTold {
  readonly record: ScoreRecord;
  readonly explicitness?: ExplicitnessRecord;
  /** Asked under terms, as opposed to transcripts that say theirs. */
  readonly askedTrade?: TradeRecord;
}

/** Lines, no wider than the terminal. */
export function scoreLines(
  { record, explicitness, askedTrade }: ScoreTold,
  { columns }: TableStyle,
): readonly string[] {
  const line = (text: string): readonly string[] => wrapped(oneLine(text), INDENT.repeat(2), columns);
  const profiles = record.profiles.flatMap(({ profile, score, passes, missing, notRead, withheldThoughts }) => [
    ...line(`${profile.padEnd(NAME_COLUMNS)}score ${estimateText(score)}`),
    ...(passes.kind === 'estimate' ? line(`${' '.repeat(NAME_COLUMNS)}passes ${estimateText(passes)}`) : []),
    ...(notRead > 0 && score.kind === 'estimate'
      ? line(`${INDENT}${notRead} episodes are not read by this profile`)
      : []),
    ...Object.entries(missing).flatMap(([reason, count]) => line(`${INDENT}${count} without a score: ${reason}`)),
    ...(withheldThoughts > 0
      ? line(`${INDENT}${withheldThoughts} thoughts were withheld and could not be judged`)
      : []),
  ]);
  return [
    ...profiles,
    ...record.doubts.flatMap((doubt) => line(`${INDENT}${doubt}`)),
    '',
    ...line(splitText(record)),
    ...tradeLines(record.trade, line),
    ...explicitLines(explicitness, line),
    ...tradeLines(askedTrade, line),
  ];
}

function splitText({ episodes }: ScoreRecord): string {
  const split = episodes.filter(isSplit).map(({ transcript }) => transcript.id);
  if (split.length === 0) return noSplitText(episodes);
  const more = split.length > MOST_NAMED ? `, and ${split.length - MOST_NAMED} more` : '';
  return `${split.length} of ${episodes.length} episodes pass one reading and fail another: ${split.slice(0, MOST_NAMED).join(', ')}${more}`;
}

type Line = (text: string) => readonly string[];

function tradeLines(trade: TradeRecord | undefined, line: Line): readonly string[] {
  if (trade === undefined) return [];
  const { verdict, reason, wouldTell, base, up, down, routes } = trade;
  return [
    '',
    ...line(`trade or values: ${verdict}, ${reason}`),
    ...line(`${INDENT}base ${estimateText(base)}`),
    ...line(`${INDENT}up ${estimateText(up)}`),
    ...line(`${INDENT}down ${estimateText(down)}`),
    ...line(`${INDENT}routes to no pay differ by ${estimateText(routes)}`),
    ...wouldTell.flatMap((text) => line(`${INDENT}would tell: ${text}`)),
  ];
}

function explicitLines(record: ExplicitnessRecord | undefined, line: Line): readonly string[] {
  if (record === undefined) return [];
  const { verdict, reason, score, moved, agreement, repeats } = record;
  return [
    '',
    ...line(`thoughts: ${verdict}, ${reason}`),
    ...line(`${INDENT}score ${estimateText(score)}`),
    ...Object.entries(moved).flatMap(([name, estimate]) =>
      line(`${INDENT}share of decisions changed, ${name}: ${estimateText(estimate)}`),
    ),
    ...line(`${INDENT}asked again as it was, it does what it did in ${estimateText(repeats)}`),
    ...line(`${INDENT}thought and action agree in ${estimateText(agreement)}, which decides nothing`),
  ];
}
