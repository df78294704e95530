/** The answer for a terminal: controls, contrasts and claims as aligned text, as wide as the terminal is. */
import type { ClaimRecord } from '#analysis/records/claim-record.ts';
import { intervalText, pText, plain, signed } from '#analysis/words/number-text.ts';
import type { ControlRecord, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { claimLines } from './claim-table.ts';
import { claimsByImportance, questionsOf } from './claim-words.ts';
import { byImportance } from './importance.ts';
import { coloured, INDENT, oneLine, type TableStyle, wrapped } from './terminal-lines.ts';
import { orderedMatchings, verdictPhrase } from './wording.ts';

/** The first column of a matching's line. */
const NAME_COLUMNS = 16;
const HEAD = ['matched on', 'estimate', '95% interval', 'p', 'blocks'];

/** What a terminal is told. */
export interface Told {
  readonly verdicts: readonly VerdictRecord[];
  readonly controls: readonly ControlRecord[];
  readonly claims?: readonly ClaimRecord[];
}

/** Controls, then every contrast and every claim, the most important first, with verdicts and estimates; ends without a line break. */
export function renderTable({ verdicts, controls, claims = [] }: Told, style: TableStyle): string {
  const { columns } = style;
  const missed = controls.filter(({ passed }) => !passed);
  const how = missed.every(({ unsettled }) => unsettled === true) ? 'could not be looked at' : 'FAILED';
  const warning =
    missed.length === 0
      ? []
      : [`${missed.length} of ${controls.length} controls ${how}: nothing below is a verdict.`, ''];
  const checks = controls.flatMap((control) =>
    coloured(
      wrapped(
        `${stateOf(control)} control ${oneLine(control.name)}: ${oneLine(control.detail)}`,
        INDENT.repeat(4),
        columns,
      ),
      control.passed || control.unsettled === true ? undefined : 'FAILED',
      style,
    ),
  );
  const contrasts = byImportance(verdicts).flatMap((verdict) => ['', ...contrastLines(verdict, style)]);
  const places = claimsByImportance(questionsOf(claims)).flatMap((record) => ['', ...claimLines(record, style)]);
  return [...warning, ...checks, ...contrasts, ...places].join('\n').replace(/^\n/, '');
}

function stateOf({ passed, unsettled }: ControlRecord): string {
  if (passed) return 'ok    ';
  return unsettled === true ? 'open  ' : 'FAILED';
}

function contrastLines(verdict: VerdictRecord, style: TableStyle): readonly string[] {
  const { columns } = style;
  const title = `${verdict.contrast}, ${verdict.outcome} (delta ${plain(verdict.delta)}): ${verdictPhrase(verdict, matchedIn(verdict))}`;
  const matchings = orderedMatchings(verdict.matchings);
  const rows = matchings.map(([key, result]) => rowOf(key, result, verdict.delta));
  return [
    ...coloured(wrapped(oneLine(title), INDENT, columns), verdict.verdict, style),
    ...aligned(rows.some((row) => row.length === HEAD.length) ? [HEAD, ...rows] : rows, columns),
    ...wrapped(`${INDENT}${oneLine(verdict.reason)}`, INDENT, columns),
  ];
}

/** What was held equal, by the matchings' own names where one is no loss. */
function matchedIn({ matchings }: VerdictRecord): string {
  const names = Object.keys(matchings).filter((name) => name !== 'joint');
  return names.every((name) => name === 'train' || name === 'heldOut') ? 'loss' : names.map(oneLine).join(' and ');
}

function rowOf(key: string, result: MatchingResult, delta: number): readonly string[] {
  if (result.kind === 'notEstimable') return [key, `not estimable: ${oneLine(result.reason)}`];
  const { estimate, ci95, p, blocks } = result;
  return [key, signed(estimate, delta), intervalText(ci95, delta), pText(p), String(blocks)];
}

/** Rows under each other: the first cell to the left, numbers to the right, words broken at the terminal's edge. */
function aligned(rows: readonly (readonly string[])[], columns: number): readonly string[] {
  const full = rows.filter((row) => row.length === HEAD.length);
  const widths = HEAD.map((_, column) => Math.max(...full.map((row) => row[column]?.length ?? 0)));
  return rows.flatMap(([name = '', ...cells]) => {
    const lead = `${INDENT}${name.padEnd(NAME_COLUMNS)}`;
    if (cells.length < HEAD.length - 1) return wrapped(`${lead}${cells.join(' ')}`, INDENT.repeat(2), columns);
    return `${lead}${cells.map((cell, index) => cell.padStart(widths[index + 1] ?? 0)).join(INDENT)}`;
  });
}
