/** The figures' data as files: what is drawn, before any rounding or simplification. */
import type { Analysis, Decomposition } from '#analysis/records/analysis-record.ts';
import { answerTables, levelCells, tableFiles } from './answer-tables.ts';
import { type CsvCell, csvText } from './csv.ts';
import { matchedMeans } from './matched-means.ts';
import { givenAxes } from './places.ts';
import type { ReportFile, ReportInput } from './report-input.ts';

/** One file a figure or table; `trajectories.csv` has the runs themselves. */
export function figureData(input: ReportInput): readonly ReportFile[] {
  const { analysis, pilot } = input;
  const files: ReportFile[] = [
    { name: 'trajectories.csv', content: trajectoriesCsv(input) },
    { name: 'matched-means.csv', content: matchedMeansCsv(input) },
    ...answerTables(analysis).flatMap(tableFiles),
    { name: 'what-would-change.csv', content: heatMapsCsv(analysis) },
    { name: 'variance-and-ancova.csv', content: besideCsv(analysis) },
  ];
  if (pilot) files.push({ name: 'pilot.csv', content: pilotCsv(pilot.rates) });
  return files;
}

function trajectoriesCsv(input: ReportInput): string {
  const { study, frame } = input;
  const axes = [...new Set([...study.matchOn, ...givenAxes(input)].map((axis) => axis.name))];
  const names = study.outcomes.map((outcome) => outcome.name);
  const gate = study.coherence?.outcome;
  const outcomes = gate === undefined || names.includes(gate) ? names : [...names, gate];
  const rows = frame.runs.flatMap((run) =>
    run.points.map((point): readonly CsvCell[] => [
      run.arm,
      run.block,
      run.learningRate,
      run.status,
      point.step,
      ...axes.map((name) => point.axes[name]),
      ...outcomes.map((name) => point.outcomes?.[name]),
    ]),
  );
  return csvText(['arm', 'block', 'learningRate', 'status', 'step', ...axes, ...outcomes], rows);
}

function matchedMeansCsv({ study, frame }: ReportInput): string {
  const rows = study.outcomes.flatMap((outcome) =>
    study.matchOn.flatMap((axis) =>
      matchedMeans(frame.runs, axis, outcome.name).map(({ arm, level, mean, blocks }): readonly CsvCell[] => [
        outcome.name,
        axis.name,
        arm,
        level,
        mean,
        blocks,
      ]),
    ),
  );
  return csvText(['outcome', 'axis', 'arm', 'level', 'mean', 'blocks'], rows);
}

function heatMapsCsv({ descriptions }: Analysis): string {
  const rows = descriptions.flatMap(({ outcome, contrast, heatMap }) =>
    (heatMap?.cells ?? []).flatMap((cell) =>
      cell.byDelta.map((reading, column): readonly CsvCell[] => [
        outcome,
        contrast,
        cell.matching,
        ...levelCells(cell.level),
        ...(cell.learningRate === 'all' ? ['all', undefined] : [cell.learningRate.side, cell.learningRate.rate]),
        heatMap?.deltas[column],
        reading,
        heatMap?.verdicts[column],
        cell.estimate,
        ...cell.ci95,
        ...cell.ci90,
      ]),
    ),
  );
  const place = ['outcome', 'contrast', 'matching', 'level', 'secondLevel', 'rateOf', 'learningRate', 'delta'];
  const numbers = ['estimate', 'ci95Low', 'ci95High', 'ci90Low', 'ci90High'];
  return csvText([...place, 'reading', 'wholeRuleVerdict', ...numbers], rows);
}

function besideCsv({ descriptions }: Analysis): string {
  const rows = descriptions.map(({ outcome, contrast, decomposition, ancova }): readonly CsvCell[] => [
    outcome,
    contrast,
    ...(decomposition.kind === 'estimated' ? sharesOf(decomposition) : [undefined, undefined, undefined, undefined]),
    ...(ancova.kind === 'estimated'
      ? [ancova.estimate, ...ancova.ci95, ancova.p]
      : Array.from({ length: 4 }, () => undefined)),
  ]);
  const shares = ['axesFraction', 'factorFraction', 'blockFraction', 'restFraction'];
  return csvText(['outcome', 'contrast', ...shares, 'ancova', 'ci95Low', 'ci95High', 'p'], rows);
}

/** The four shares of a decomposition in reading order: axes, factor beyond them, block, rest. */
export function sharesOf(shares: Decomposition): readonly number[] {
  return [shares.axesFraction, shares.factorFraction, shares.blockFraction, shares.restFraction];
}

function pilotCsv(rates: NonNullable<ReportInput['pilot']>['rates']): string {
  const rows = rates.map((rate): readonly CsvCell[] => [
    rate.arm,
    rate.learningRate,
    rate.best,
    rate.steps,
    rate.isAdmissible ? 'yes' : 'no',
  ]);
  return csvText(['arm', 'learningRate', 'best', 'steps', 'admissible'], rows);
}
