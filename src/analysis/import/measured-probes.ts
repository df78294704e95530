/**
 * Logs write losses often and behaviours seldom: then the two probes around a crossing have no outcome, and nothing can
 * be read there. Only probes with an outcome are kept as readings of an axis, in all runs alike; a crossing then lies
 * between two of them. The choice looks at what was measured when, never at values.
 */
import { AssayError } from '#base/errors.ts';
import { midSentence } from '#analysis/words/naming.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { Doubt } from './doubt.ts';

/** Said if at least this share of an axis' readings is left out. */
const MENTIONED_FRACTION = 0.1;

/**
 * The frame without readings of axes where no outcome was measured, and what is to be said of that.
 * @param stepColumns Other columns that seem to count steps, for the advice.
 * @throws AssayError where an axis was logged and never at a step with an outcome.
 */
export function atMeasuredProbes(
  frame: Frame,
  axes: readonly { readonly name: string; readonly label?: string }[],
  stepColumns: readonly string[] = [],
): { frame: Frame; doubts: Doubt[] } {
  const runs = frame.runs.map((run): FrameRun => ({ ...run, points: run.points.map(measuredOnly) }));
  const doubts = axes.flatMap(({ name, label }): Doubt[] => {
    const [before, after] = [readingsOf(frame.runs, name), readingsOf(runs, name)];
    const axis = midSentence(label ?? name);
    if (before - after < MENTIONED_FRACTION * before || before === 0) return [];
    if (after === 0 && before > 0) throw neverTogether(axis, before, stepColumns);
    const text = `${axis} was logged ${before} times, and ${after} times at a step with an outcome; only these count, and levels are crossed between them`;
    return [{ kind: 'sparseOutcomes', text }];
  });
  return { frame: { runs }, doubts };
}

function neverTogether(axis: string, times: number, stepColumns: readonly string[]): AssayError {
  const other = stepColumns.length === 0 ? 'COLUMN' : stepColumns.join(' or --step ');
  return new AssayError(
    'data',
    `Expected ${axis} and an outcome at common steps, found ${axis} logged ${times} times and never at a step at which an outcome was measured. If they were logged in calls of their own, give the step they share (--step ${other}); otherwise log both at the same steps.`,
  );
}

function measuredOnly(point: TrajectoryPoint): TrajectoryPoint {
  return point.outcomes === undefined ? { step: point.step, axes: {} } : point;
}

function readingsOf(runs: readonly FrameRun[], axis: string): number {
  return runs.reduce((sum, { points }) => sum + points.filter((point) => point.axes[axis] !== undefined).length, 0);
}
