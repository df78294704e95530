/** A claim in a terminal: what all its places say, grouped, in the first line; a row a place; its sentence. */
import { intervalText, pText, plain, signed } from '#analysis/words/number-text.ts';
import type { ClaimLevel, ClaimRecord } from '#analysis/records/claim-record.ts';
import {
  axisText,
  groupedText,
  levelWord,
  MARK_WORDS,
  markKind,
  meanText,
  NAMES_ONLY,
  strongestLevel,
  whyTexts,
} from './claim-words.ts';
import { coloured, INDENT, oneLine, type TableStyle, wrapped } from './terminal-lines.ts';
import { asTitle, CLAIM_MARKS } from './wording.ts';

/** A column of places: those with a low number stay longest where the terminal is narrow. */
interface Column {
  readonly head: string;
  readonly keep: number;
  readonly cell: (record: ClaimRecord, level: ClaimLevel) => string;
}

const COLUMNS: readonly Column[] = [
  { head: 'verdict', keep: 2, cell: (_, level) => MARK_WORDS[markKind(level)] },
  { head: 'mean', keep: 3, cell: ({ delta }, { armMean }) => meanText(armMean, delta) },
  { head: 'against', keep: 3, cell: ({ delta }, { otherMean }) => meanText(otherMean, delta) },
  {
    head: 'difference',
    keep: 0,
    cell: ({ delta }, { estimate }) => (estimate === null ? 'none' : signed(estimate, delta)),
  },
  {
    head: '95% interval',
    keep: 1,
    cell: ({ delta }, { ci95 }) => (ci95 === null ? 'none' : intervalText(ci95, delta)),
  },
  { head: 'p', keep: 4, cell: (_, { p }) => pText(p) },
  { head: 'blocks', keep: 5, cell: (_, { units }) => String(units) },
];

/** The lines of one claim on one outcome. */
export function claimLines(record: ClaimRecord, style: TableStyle): readonly string[] {
  const { claim, outcome, delta, reason } = record;
  const title = `${claim}, ${outcome} (delta ${plain(delta)}): ${groupedText(NAMES_ONLY, record)}`;
  const verdict = strongestLevel(record)?.verdict ?? 'undecided';
  const whys = whyTexts(NAMES_ONLY, record);
  // The sentence says why as a rule.
  const isSaid = record.levels.every(({ why }) => why === undefined || reason.includes(why));
  const words = isSaid ? reason : `${reason} ${asTitle(whys.join('; '))}.`;
  return [
    ...coloured(wrapped(oneLine(title), INDENT, style.columns), CLAIM_MARKS[verdict].colour, style),
    ...placeLines(record, style),
    ...wrapped(`${INDENT}${oneLine(words)}`, INDENT, style.columns),
  ];
}

/** A row a place under a head, with as many columns as fit. */
function placeLines(record: ClaimRecord, { columns }: TableStyle): readonly string[] {
  const lead = [axisText(NAMES_ONLY, record.at) ?? 'place', ...record.levels.map(({ level }) => levelWord(level))].map(
    oneLine,
  );
  const bodies = COLUMNS.map((column) => {
    const cells = [column.head, ...record.levels.map((level) => column.cell(record, level))];
    return { keep: column.keep, cells, width: Math.max(...cells.map((cell) => cell.length)) };
  });
  const leadWidth = Math.max(...lead.map((text) => text.length));
  const widthOf = (kept: typeof bodies): number =>
    kept.reduce((sum, { width }) => sum + INDENT.length + width, INDENT.length + leadWidth);
  const ranks = [...new Set(bodies.map(({ keep }) => keep))].sort((a, b) => b - a);
  const limit = ranks.find((rank) => widthOf(bodies.filter(({ keep }) => keep <= rank)) <= columns) ?? 0;
  const kept = bodies.filter(({ keep }) => keep <= limit);
  return lead.flatMap((text, row) => {
    const cells = kept.map(({ cells: column, width }) => (column[row] ?? '').padStart(width));
    return wrapped(`${INDENT}${[text.padEnd(leadWidth), ...cells].join(INDENT)}`, INDENT.repeat(2), columns);
  });
}
