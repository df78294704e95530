/**
 * What runs did where claims read them and no training axis is crossed: outcomes along an axis that training does not move
 * (depth, L0, rank), one line a run and the arms' means; and outcomes at the end of each run, one point a run.
 */
import { midSentence } from '#analysis/words/naming.ts';
import { plain, withUnit } from '#analysis/words/number-text.ts';
import type { FrameRun } from '#analysis/frame.ts';
import { linePanel, type LineSeries } from '#report/charts/line-panel.ts';
import type { Point } from '#report/charts/simplify-path.ts';
import { stripPlot } from '#report/charts/strip-plot.ts';
import { meanText } from '#report/claim-words.ts';
import { dataDomain } from '#report/data-domain.ts';
import { figure } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import { pictured } from '#report/pictured-arms.ts';
import { type GivenAxis, givenAxes, isReadAtEnd } from '#report/places.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { armLabel, asTitle, runLabel } from '#report/wording.ts';
import type { Outcome } from '#study/study.ts';
import { armLegend, armsInOrder, outcomeAxis, scaleOf } from './behaviour.ts';

/** The figures of one outcome: a profile an axis that is given, and a strip plot where claims read the end. */
export function profileFigures(input: ReportInput, outcome: Outcome): readonly Markup[] {
  const profiles = givenAxes(input).flatMap((axis) => profileFigure(input, outcome, axis) ?? []);
  const strips = isReadAtEnd(input) ? (stripFigure(input, outcome) ?? []) : [];
  return [...profiles, ...(Array.isArray(strips) ? strips : [strips])];
}

/** Level and value of each point measured on the axis; the last where a level was measured more than once. */
function profileOf(run: FrameRun, { name }: GivenAxis, outcome: Outcome): readonly { at: Point; step: number }[] {
  const byLevel = new Map<number, { at: Point; step: number }>();
  for (const { step, axes, outcomes } of run.points) {
    const [level, value] = [axes[name], outcomes?.[outcome.name]];
    if (level === undefined || value === undefined || !Number.isFinite(level) || !Number.isFinite(value)) continue;
    byLevel.set(level, { at: [level, value], step });
  }
  return [...byLevel.values()].toSorted((a, b) => a.at[0] - b.at[0]);
}

function profileFigure(input: ReportInput, outcome: Outcome, axis: GivenAxis): Markup | undefined {
  const { study, frame } = input;
  const { arms, runs, leftOut } = pictured(input, armsInOrder(study, frame.runs));
  const series = arms.map((arm, index) => profileSeries(study, ofArm(runs, arm), index, axis, outcome));
  const levels = series.flatMap((own) => own.runs.flatMap(({ points }) => points.map(([level]) => level)));
  const distinct = [...new Set(levels)].sort((a, b) => a - b);
  if (distinct.length < 2) return undefined;
  const label = asTitle(axis.label);
  return figure({
    id: `profile-${study.outcomes.indexOf(outcome)}-${axis.name}`.replaceAll(/[^\w-]+/g, '-'),
    title: `${asTitle(outcome.label)} against ${midSentence(axis.label)}.`,
    caption: markup`${goodnessText(outcome)}Each thin line is one run; bold lines with markers are arm means over runs at each ${midSentence(axis.label)}. The bar is δ, the smallest difference of interest.${leftOut}`,
    panels: [
      linePanel({
        title: `${asTitle(outcome.label)} against ${midSentence(axis.label)}`,
        description: `${runs.length} runs of ${arms.length} arms: ${arms.map((arm) => armLabel(study, arm)).join(', ')}.`,
        size: 'full',
        x: {
          label,
          domain: dataDomain(distinct, { isNice: false }),
          ticks: distinct,
          scale: scaleOf({ levels: distinct }),
        },
        y: outcomeAxis(runs, outcome),
        series,
        scaleBar: { length: outcome.delta, label: `δ = ${plain(outcome.delta)}` },
      }),
    ],
    layout: 'wide',
    legend: armLegend(study, arms),
    dataFile: 'trajectories.csv',
  });
}

function ofArm(runs: readonly FrameRun[], arm: string): readonly FrameRun[] {
  return runs.filter((run) => run.arm === arm);
}

function goodnessText({ higherIs }: Outcome): string {
  return higherIs === undefined ? '' : `Higher is ${higherIs}. `;
}

function profileSeries(
  study: ReportedStudy,
  runs: readonly FrameRun[],
  index: number,
  axis: GivenAxis,
  outcome: Outcome,
): LineSeries {
  const lines = runs.map((run) => {
    const points = profileOf(run, axis, outcome);
    return { label: runLabel(study, run), points: points.map(({ at }) => at), steps: points.map(({ step }) => step) };
  });
  const byLevel = Map.groupBy(
    lines.flatMap(({ points }) => points),
    ([level]) => level,
  );
  const means = [...byLevel].map(([level, points]): Point => [level, meanOf(points.map(([, value]) => value))]);
  return { index, runs: lines.filter(({ points }) => points.length > 0), means: means.toSorted((a, b) => a[0] - b[0]) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function stripFigure(input: ReportInput, outcome: Outcome): Markup | undefined {
  const { study, frame } = input;
  const { arms, leftOut } = pictured(input, armsInOrder(study, frame.runs));
  const strips = arms.flatMap((arm, index) => {
    const points = ofArm(frame.runs, arm).flatMap((run) => {
      const value = endOf(run, outcome);
      return value === undefined ? [] : [{ value, text: `${runLabel(study, run)}: ${plain(value)}` }];
    });
    if (points.length === 0) return [];
    const mean = meanOf(points.map(({ value }) => value));
    return [{ index, label: armLabel(study, arm), points, mean, meanText: meanText(mean, outcome.delta) }];
  });
  if (strips.length === 0) return undefined;
  const rules = constantsOf(input, outcome);
  const values = [
    ...strips.flatMap(({ points }) => points.map(({ value }) => value)),
    ...rules.map(({ value }) => value),
  ];
  return figure({
    id: `end-${study.outcomes.indexOf(outcome)}`,
    title: `${asTitle(outcome.label)} at the end of each run.`,
    caption: markup`${goodnessText(outcome)}One point a run; the upright rule and the number at the right are the arm’s mean.${leftOut}`,
    panels: [
      stripPlot({
        title: `${asTitle(outcome.label)} at the end`,
        description: strips.map((strip) => `${strip.label}: ${strip.meanText}`).join(', '),
        axis: {
          label: withUnit(asTitle(outcome.label), outcome.unit),
          domain: dataDomain(values, { minSpan: 3 * outcome.delta }),
        },
        strips,
        rules,
      }),
    ],
    layout: 'wide',
    dataFile: 'trajectories.csv',
  });
}

/** The outcome at a run's last point that has it. */
function endOf({ points }: FrameRun, { name }: Outcome): number | undefined {
  const last = points.findLast(({ outcomes }) => Number.isFinite(outcomes?.[name]));
  return last?.outcomes?.[name];
}

/** Values that claims at the end hold the outcome against. */
function constantsOf(
  { analysis: { claims = [] } }: ReportInput,
  { name }: Outcome,
): { value: number; label: string }[] {
  const constants = claims.flatMap(({ outcome, at, against }) =>
    outcome === name && at.kind === 'end' && against.kind === 'value' ? [against] : [],
  );
  return [...new Map(constants.map(({ value, label }) => [value, { value, label }])).values()];
}
