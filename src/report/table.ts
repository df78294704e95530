/** The answer for a terminal: controls and contrasts as aligned text of at most 100 columns. */
import { intervalText, pText, plain, signed } from '#analysis/words/number-text.ts';
import type { ControlRecord, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { shorten } from './charts/plot-area.ts';
import { orderedMatchings, verdictPhrase } from './wording.ts';

const MAX_COLUMNS = 100;
const INDENT = '  ';
/** The first column of a matching's line. */
const NAME_COLUMNS = 16;
const HEAD = ['matched on', 'estimate', '95% interval', 'p', 'blocks'];

/** Controls, then every contrast with its estimate under each matching and its verdict; ends without a line break. */
export function renderTable(verdicts: readonly VerdictRecord[], controls: readonly ControlRecord[]): string {
  const missed = controls.filter(({ passed }) => !passed);
  const how = missed.every(({ unsettled }) => unsettled === true) ? 'could not be looked at' : 'FAILED';
  const warning =
    missed.length === 0
      ? []
      : [`${missed.length} of ${controls.length} controls ${how}: nothing below is a verdict.`, ''];
  const checks = controls.flatMap((control) =>
    wrapped(`${stateOf(control)} control ${oneLine(control.name)}: ${oneLine(control.detail)}`, INDENT.repeat(4)),
  );
  const contrasts = verdicts.flatMap((verdict) => ['', ...contrastLines(verdict)]);
  return [...warning, ...checks, ...contrasts].join('\n').replace(/^\n/, '');
}

function stateOf({ passed, unsettled }: ControlRecord): string {
  if (passed) return 'ok    ';
  return unsettled === true ? 'open  ' : 'FAILED';
}

function contrastLines(verdict: VerdictRecord): readonly string[] {
  const title = `${verdict.contrast}, ${verdict.outcome} (delta ${plain(verdict.delta)}): ${verdictPhrase(verdict, matchedIn(verdict))}`;
  const matchings = orderedMatchings(verdict.matchings);
  const rows = matchings.map(([key, result]) => rowOf(key, result, verdict.delta));
  return [
    ...wrapped(oneLine(title), INDENT),
    ...aligned(rows.some((row) => row.length === HEAD.length) ? [HEAD, ...rows] : rows),
    ...wrapped(`${INDENT}${oneLine(verdict.reason)}`, INDENT),
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

/** Rows under each other: the first cell to the left, numbers to the right, words cut at the terminal's edge. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const full = rows.filter((row) => row.length === HEAD.length);
  const widths = HEAD.map((_, column) => Math.max(...full.map((row) => row[column]?.length ?? 0)));
  return rows.map(([name = '', ...cells]) => {
    const lead = `${INDENT}${name.padEnd(NAME_COLUMNS)}`;
    if (cells.length < HEAD.length - 1) return shorten(`${lead}${cells.join(' ')}`, MAX_COLUMNS);
    return `${lead}${cells.map((cell, index) => cell.padStart(widths[index + 1] ?? 0)).join(INDENT)}`;
  });
}

/** Control characters could steer a terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

/** Breaks at spaces so that no line is wider than the terminal; later lines are indented. */
function wrapped(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?=\S)/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= MAX_COLUMNS || line.trim() === '') {
      line = longer;
      continue;
    }
    lines.push(line);
    line = `${indent}${word}`;
  }
  return [...lines, line].flatMap((one) => one.match(new RegExp(`.{1,${MAX_COLUMNS}}`, 'gu')) ?? []);
}
