/** Which arms a picture of all runs can show: all where they are few, else those that verdicts and claims speak of. */
import type { FrameRun } from '#analysis/frame.ts';
import type { ReportInput } from './report-input.ts';

/** More arms than this are not told apart in one picture. */
const MOST_ARMS = 20;

/** The arms of a picture and their runs. */
export interface Pictured {
  readonly arms: readonly string[];
  readonly runs: readonly FrameRun[];
  /** What a caption says of arms that are left out: nothing where there are none. */
  readonly leftOut: string;
}

/** Chooses from arms in the order of the legend. */
export function pictured({ frame, analysis }: ReportInput, arms: readonly string[]): Pictured {
  if (arms.length <= MOST_ARMS) return { arms, runs: frame.runs, leftOut: '' };
  const asked = new Set([
    ...analysis.verdicts.flatMap(({ arm, reference }) => [arm, reference]),
    ...(analysis.claims ?? []).flatMap(({ arm, against }) => {
      if (against.kind === 'arm') return [arm, against.arm];
      return against.kind === 'arms' ? [arm, ...Object.keys(against.weights)] : [arm];
    }),
  ]);
  const spokenOf = arms.filter((arm) => asked.has(arm));
  const chosen = (spokenOf.length > 0 ? spokenOf : arms).slice(0, MOST_ARMS);
  return {
    arms: chosen,
    runs: frame.runs.filter(({ arm }) => chosen.includes(arm)),
    leftOut: ` Shown are ${chosen.length} of ${arms.length} arms${spokenOf.length > 0 ? ', of those that verdicts and claims speak of' : ''}; the data file has all.`,
  };
}
