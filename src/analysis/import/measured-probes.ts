/**
 * Logs write losses often and behaviours seldom: then the two probes around a crossing have no outcome, and nothing can
 * be read there. Only probes with an outcome are kept as readings of an axis, in all runs alike; a crossing then lies
 * between two of them. The choice looks at what was measured when, never at values.
 */
import { midSentence } from '#analysis/words/naming.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { Doubt } from './doubts.ts';

/** Said if at least this share of an axis' readings is left out. */
const MENTIONED_FRACTION = 0.1;

/** The frame without readings of axes where no outcome was measured, and what is to be said of that. */
export function atMeasuredProbes(
  frame: Frame,
  axes: readonly { readonly name: string; readonly label?: string }[],
): { frame: Frame; doubts: Doubt[] } {
  const runs = frame.runs.map((run): FrameRun => ({ ...run, points: run.points.map(measuredOnly) }));
  const doubts = axes.flatMap(({ name, label }): Doubt[] => {
    const [before, after] = [readingsOf(frame.runs, name), readingsOf(runs, name)];
    const axis = midSentence(label ?? name);
    if (before - after < MENTIONED_FRACTION * before) return [];
    const text =
      after === 0
        ? `${axis} was never logged at a step at which an outcome was measured: log both at the same steps`
        : `${axis} was logged ${before} times, and ${after} times at a step with an outcome; only these count, and levels are crossed between them`;
    return [{ kind: 'sparseOutcomes', text }];
  });
  return { frame: { runs }, doubts };
}

function measuredOnly(point: TrajectoryPoint): TrajectoryPoint {
  return point.outcomes === undefined ? { step: point.step, axes: {} } : point;
}

function readingsOf(runs: readonly FrameRun[], axis: string): number {
  return runs.reduce((sum, { points }) => sum + points.filter((point) => point.axes[axis] !== undefined).length, 0);
}
