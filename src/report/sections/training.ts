/** How the arms trained: learning rates and what they change, and loss against steps. */
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { plain, signed, withUnit } from '#analysis/words/number-text.ts';
import type { HeatCell } from '#analysis/records/analysis-record.ts';
import type { FrameRun } from '#analysis/frame.ts';
import { type ForestGroup, forestPlot } from '#report/charts/interval-marks.ts';
import { linePanel, type RunLine } from '#report/charts/line-panel.ts';
import type { Point } from '#report/charts/simplify-path.ts';
import { dataDomain } from '#report/data-domain.ts';
import { dataTable, figure, foldedSection, titledPanel } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { PilotRate, ReportedStudy, ReportInput } from '#report/report-input.ts';
import { armLabel, asTitle, contrastLabel, deltaOf, matchingLabel, outcomeLabel, runLabel } from '#report/wording.ts';
import type { Axis } from '#study/study.ts';
import { armsInOrder } from './behaviour.ts';

/** How rates were chosen, and the contrasts at each of them; absent where no verdict and no run has to do with rates. */
export function learningRateSection(input: ReportInput): Markup | undefined {
  const { pilot } = input;
  const isRated = input.frame.runs.some(({ learningRate }) => learningRate !== undefined);
  // In a study of claims alone there may be nothing to tell of rates.
  if (pilot === undefined && !isRated && input.analysis.verdicts.length === 0) return undefined;
  const rule = pilot
    ? `Each arm has its own admissible rates, found on ${pilot.rule.blocks} pilot ${pilot.rule.blocks === 1 ? 'block' : 'blocks'} outside the confirmatory ones: those whose best value is within ${plain(pilot.rule.margin)} of the arm’s best, at most ${pilot.rule.maxRates}.${endedText(pilot.rates)}`
    : 'The rates were given, not piloted.';
  const outcomes = input.study.outcomes.map((outcome) => outcome.name);
  const figures = outcomes.map((outcome, index) => ratesFigure(input, outcome, index));
  const text = markup`<p>At one fixed rate a comparison of arms is one of how far they are trained. ${rule} Contrasts average the rates inside each block; an effect must keep its sign, and an equivalence must hold, at each.</p>`;
  return foldedSection('rates', 'Learning rate', [text, ratesTable(input), ...figures]);
}

/** Said where pilots ended at a value of their own axis, so that it does not rank them. */
function endedText(rates: readonly PilotRate[]): string {
  return rates.some(({ steps }) => steps !== undefined)
    ? ' Runs end at a value of that axis: rates that get there count as equally good, and those that need fewer steps come first.'
    : '';
}

/** Every axis against optimizer steps, a panel an arm. */
export function trajectoriesSection(input: ReportInput): Markup | undefined {
  const { runs } = input.frame;
  const axes = input.study.matchOn.filter(({ name }) =>
    runs.some(({ points }) => points.some((one) => name in one.axes)),
  );
  if (axes.length === 0) return undefined;
  const figures = axes.map((axis, index) => trajectoryFigure(input, axis, index));
  const text = markup`<p>Arms may differ as they like in how fast they train; verdicts compare them only at equal ${matchedText(input.study)}.</p>`;
  return foldedSection('trajectories', 'Trajectories', [text, ...figures]);
}

function ratesTable({ study, frame, pilot }: ReportInput): Markup {
  const columns = [{ label: 'Arm' }, { label: 'Rates run' }, { label: 'Piloted: rate (best value)' }];
  const rows = armsInOrder(study, frame.runs).map((arm) => {
    const run = new Set(frame.runs.flatMap((one) => (one.arm === arm ? (one.learningRate ?? []) : [])));
    const used = [...run].sort((a, b) => a - b).map(plain);
    const piloted = (pilot?.rates ?? []).filter((rate) => rate.arm === arm);
    return [
      armLabel(study, arm),
      used.length > 0 ? used.join(', ') : 'not given',
      piloted.map((rate) => `${plain(rate.learningRate)} (${pilotText(rate)})`).join(', '),
    ];
  });
  const axis = study.matchOn.find((known) => known.name === pilot?.rule.axis);
  const caption = axis
    ? `Learning rates; pilot values are ${withUnit(midSentence(axis.label), axis.unit)}.`
    : 'Learning rates.';
  return dataTable({
    caption,
    columns: pilot ? columns : columns.slice(0, 2),
    rows: pilot ? rows : rows.map((row) => row.slice(0, 2)),
  });
}

function pilotText({ best, steps }: PilotRate): string {
  if (best === undefined) return 'broke';
  return steps === undefined ? plain(best) : `${plain(best)} after ${plain(steps)} steps`;
}

/** The contrasts at each learning rate alone, a panel a matching; nothing where every arm has one rate. */
function ratesFigure({ study, analysis }: ReportInput, outcome: string, index: number): Markup | undefined {
  const described = analysis.descriptions.filter((one) => one.outcome === outcome);
  const cells = described.flatMap(({ contrast, heatMap }) =>
    (heatMap?.cells ?? []).filter((cell) => cell.level === 'all').map((cell) => ({ contrast, cell })),
  );
  const delta = deltaOf(study, outcome);
  const domain = dataDomain([...cells.flatMap(({ cell }) => cell.ci95), -1.2 * delta, 1.2 * delta], { isNice: false });
  const byMatching = [...Map.groupBy(cells, ({ cell }) => cell.matching)].filter(([, ofMatching]) =>
    ofMatching.some(({ cell }) => cell.learningRate !== 'all'),
  );
  if (byMatching.length === 0) return undefined;
  const panels = byMatching.map(([matching, ofMatching]) => {
    const byContrast = Map.groupBy(ofMatching, ({ contrast }) => contrast);
    const groups = [...byContrast].map(([contrast, rows]): ForestGroup => ({
      heading: contrastLabel(study, contrast),
      rows: rows.map(({ cell }) => ({
        label: rateLabel(cell),
        estimate: { value: cell.estimate, ci95: cell.ci95, text: signed(cell.estimate, delta) },
      })),
    }));
    return forestPlot({
      title: `Effects on ${outcomeLabel(study, outcome)} by learning rate, at matched ${matchingLabel(study, matching)}`,
      description: `${groups.length} contrasts.`,
      axis: { label: `at matched ${matchingLabel(study, matching)}`, domain },
      delta,
      groups,
    });
  });
  return figure({
    id: `rates-${index}`,
    title: `Effects on ${midSentence(outcomeLabel(study, outcome))} at each learning rate alone.`,
    caption: markup`Arm minus reference with 95% intervals; “arm” rates against the reference’s average, “ref.” rates against the arm’s. The band is ±δ.`,
    panels,
    layout: 'wide',
    dataFile: 'what-would-change.csv',
  });
}

function rateLabel({ learningRate }: HeatCell): string {
  if (learningRate === 'all') return 'all rates';
  return `${learningRate.side === 'arm' ? 'arm' : 'ref.'} ${plain(learningRate.rate)}`;
}

function trajectoryFigure({ study, frame }: ReportInput, axis: Axis, index: number): Markup {
  const arms = armsInOrder(study, frame.runs);
  const steps = frame.runs.map((run) => run.points.at(-1)?.step ?? 0);
  const values = frame.runs.flatMap((run) => run.points.map((point) => point.axes[axis.name] ?? Number.NaN));
  const x = { label: '', domain: dataDomain([0, ...steps], { isNice: false }) };
  const domain = dataDomain(values);
  return figure({
    id: `trajectories-${index}`,
    title: `${withUnit(asTitle(axis.label), axis.unit)} against optimizer steps.`,
    caption: 'One panel an arm, one line a run, the same scales in all.',
    panels: arms.map((arm, position) => {
      const runs = frame.runs.filter((run) => run.arm === arm);
      return titledPanel(
        armLabel(study, arm),
        linePanel({
          title: `${asTitle(axis.label)} against steps, ${armLabel(study, arm)}`,
          description: `${runs.length} runs.`,
          size: 'small',
          x,
          y: { label: '', domain },
          series: [{ index: position, runs: runs.map((run) => stepLine(study, run, axis)) }],
        }),
      );
    }),
    layout: 'small',
    dataFile: 'trajectories.csv',
  });
}

function stepLine(study: ReportedStudy, run: FrameRun, axis: Axis): RunLine {
  const points = run.points.flatMap((point): Point[] => {
    const value = point.axes[axis.name];
    return value !== undefined && Number.isFinite(value) ? [[point.step, value]] : [];
  });
  return { label: runLabel(study, run), points, steps: points.map(([step]) => step) };
}
