/** The first picture: behaviour against each axis runs are matched on, side by side on one scale, one line a run. */
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { plain, withUnit } from '#analysis/words/number-text.ts';
import type { FrameRun } from '#analysis/frame.ts';
import { LABEL_CHARS, type PlotAxis } from '#report/charts/plot-area.ts';
import { linePanel, type LineSeries, type RunLine } from '#report/charts/line-panel.ts';
import { swatch } from '#report/charts/series-style.ts';
import type { Point } from '#report/charts/simplify-path.ts';
import { dataDomain } from '#report/data-domain.ts';
import { figure } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import { type MatchedMean, matchedMeans, splitAtBest } from '#report/matched-means.ts';
import { pictured } from '#report/pictured-arms.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { armLabel, asTitle, runLabel } from '#report/wording.ts';
import type { Axis, Outcome } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** A panel shows at least this many times delta, so that noise below it looks small. */
const MIN_SPAN_DELTAS = 3;

/** The confirmatory outcomes; none where there are no runs to draw. */
export function confirmatory({ study, frame }: ReportInput): readonly Outcome[] {
  return frame.runs.length === 0 ? [] : study.outcomes.filter((outcome) => outcome.role === 'confirmatory');
}

/** The figure of one outcome; absent where it was measured along no axis that runs are matched on. */
export function behaviourFigure(input: ReportInput, outcome: Outcome): Markup | undefined {
  const { study, frame } = input;
  const axes = study.matchOn.filter((axis) =>
    frame.runs.some((run) => onlyMeasured(run, axis, outcome).points.length > 0),
  );
  if (axes.length === 0) return undefined;
  const { arms, runs, leftOut } = pictured(input, armsInOrder(study, frame.runs));
  const y = outcomeAxis(runs, outcome);
  const panels = axes.map((axis) => behaviourPanel({ study, runs }, axis, outcome, arms, y));
  const role = outcome.role === 'exploratory' ? ' (exploratory: described, not tested)' : '';
  const goodness = outcome.higherIs === undefined ? '' : `Higher is ${outcome.higherIs}. `;
  return figure({
    id: `behaviour-${study.outcomes.indexOf(outcome)}`,
    title: `${asTitle(outcome.label)} against ${axes.map((axis) => midSentence(axis.label)).join(' and ')}${role}.`,
    caption: markup`${goodness}Each thin line is one run; bold lines with markers are arm means at the preset levels (thin vertical rules), at the first crossing. ${directionText(study)} Where arms share one curve, the axis alone accounts for the behaviour; arms further apart at the same ${matchedText(study)} than the bar δ differ beyond it.${tailText(study)}${leftOut}`,
    panels,
    layout: 'wide',
    legend: armLegend(study, arms, (arm) =>
      runs.some((run) => run.arm === arm && axes.some((axis) => onlyMeasured(run, axis, outcome).points.length > 0)),
    ),
    dataFile: 'trajectories.csv',
  });
}

/** The key to the lines and markers of the arms that are drawn; each has the style of its place among all. */
export function armLegend(
  study: ReportedStudy,
  arms: readonly string[],
  isDrawn: (arm: string) => boolean = () => true,
): Markup {
  const items = arms.flatMap((arm, index) =>
    isDrawn(arm) ? [markup`<li data-series="${index}">${swatch(index)} ${armLabel(study, arm)}</li>`] : [],
  );
  return markup`<ul class="legend" aria-label="Arms">${items}</ul>`;
}

/** Arms that have runs: the study's first and in its order, then any it does not know. */
export function armsInOrder(study: ReportedStudy, runs: readonly FrameRun[]): readonly string[] {
  const present = new Set(runs.map((run) => run.arm));
  const known = study.arms.map((arm) => arm.name).filter((name) => present.has(name));
  return [...known, ...[...present].filter((name) => !known.includes(name))];
}

/** An axis for charts: training runs from left to right whichever way the value goes. */
export function trainingAxis(runs: readonly FrameRun[], axis: Axis): PlotAxis {
  const values = runs.flatMap((run) => run.points.flatMap((point) => point.axes[axis.name] ?? []));
  const [low, high] = dataDomain(values, { isNice: false });
  const scale = scaleOf(axis, values);
  const way = axis.direction === 'falls' ? 'falling' : 'rising';
  const short = withUnit(asTitle(axis.label), axis.unit);
  const whole = `${short}, ${way}${scale === 'log' ? ', log scale' : ''} →`;
  const label = whole.length <= LABEL_CHARS ? whole : `${short} →`;
  return { label, domain: axis.direction === 'falls' ? [high, low] : [low, high], scale };
}

/** Logarithmic where an axis' preset levels span a decade and nothing measured or preset is 0 or below. */
export function scaleOf({ levels }: Pick<Axis, 'levels'>, values: readonly number[] = []): 'linear' | 'log' {
  const lowest = values.reduce((least, value) => Math.min(least, value), Math.min(...levels));
  return lowest > 0 && Math.max(...levels) >= 10 * Math.min(...levels) ? 'log' : 'linear';
}

function behaviourPanel(
  { study, runs }: { readonly study: ReportedStudy; readonly runs: readonly FrameRun[] },
  axis: Axis,
  outcome: Outcome,
  arms: readonly string[],
  y: PlotAxis,
): Markup {
  const measured = runs.map((run) => onlyMeasured(run, axis, outcome));
  const means = Map.groupBy(matchedMeans(runs, axis, outcome.name), (mean) => mean.arm);
  const series = arms.map((arm, index) =>
    lineSeries(
      study,
      index,
      measured.filter((run) => run.arm === arm),
      means.get(arm) ?? [],
      axis,
      outcome,
    ),
  );
  return linePanel({
    title: `${asTitle(outcome.label)} against ${midSentence(axis.label)}`,
    description: `${measured.length} runs of ${arms.length} arms: ${arms.map((arm) => armLabel(study, arm)).join(', ')}.`,
    size: 'full',
    x: trainingAxis(measured, axis),
    y,
    series,
    levels: axis.levels,
    scaleBar: { length: outcome.delta, label: `δ = ${plain(outcome.delta)}` },
  });
}

function lineSeries(
  study: ReportedStudy,
  index: number,
  runs: readonly FrameRun[],
  means: readonly MatchedMean[],
  axis: Axis,
  outcome: Outcome,
): LineSeries {
  const toPoint = (point: TrajectoryPoint): Point => [point.axes[axis.name] ?? 0, point.outcomes?.[outcome.name] ?? 0];
  const lineOf = (run: FrameRun, points: readonly TrajectoryPoint[]): RunLine => ({
    label: runLabel(study, run),
    points: points.map(toPoint),
    steps: points.map(({ step }) => step),
  });
  const splits = runs.map((run) => ({ run, ...splitAtBest(run, axis) }));
  return {
    index,
    runs: splits.map(({ run, counted }) => lineOf(run, counted)),
    tails: splits.filter(({ afterBest }) => afterBest.length > 1).map(({ run, afterBest }) => lineOf(run, afterBest)),
    means: means.map(({ level, mean }): Point => [level, mean]),
  };
}

/** The run with only the points where both the axis and the outcome were measured. */
function onlyMeasured(run: FrameRun, axis: Axis, outcome: Outcome): FrameRun {
  const points = run.points.filter(
    (point) => Number.isFinite(point.axes[axis.name]) && Number.isFinite(point.outcomes?.[outcome.name]),
  );
  return { ...run, points };
}

/** The scale of an outcome over all its runs. */
export function outcomeAxis(runs: readonly FrameRun[], outcome: Outcome): PlotAxis {
  const values = runs.flatMap((run) => run.points.map((point) => point.outcomes?.[outcome.name] ?? Number.NaN));
  return {
    label: withUnit(asTitle(outcome.label), outcome.unit),
    domain: dataDomain(values, { minSpan: MIN_SPAN_DELTAS * outcome.delta, includeZero: true }),
  };
}

function directionText({ matchOn }: ReportedStudy): string {
  const isLoss = matchOn.every(({ direction, role }) => direction === 'falls' && role !== 'other');
  if (isLoss) return 'Training moves from left to right, as loss falls.';
  return 'Training moves from left to right.';
}

function tailText({ matchOn }: ReportedStudy): string | undefined {
  const cut = matchOn.filter((axis) => axis.untilBest).map((axis) => midSentence(axis.label));
  if (cut.length === 0) return undefined;
  return ` Dotted: after a run's best ${cut.join(' or ')}, where it overfits; these parts are not compared.`;
}
