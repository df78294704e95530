/** Which arms a picture of all runs can show: all where they are few, else those that verdicts and claims speak of. */
import type { FrameRun } from '#analysis/frame.ts';
import { armsOfClaim } from '#study/claim.ts';
import type { ReportInput } from './report-input.ts';

/** More arms than this are not told apart in one picture. */
const MOST_ARMS = 12;

/** The arms of a picture and their runs. */
export interface Pictured {
  readonly arms: readonly string[];
  readonly runs: readonly FrameRun[];
  /** What a caption says of arms that are left out: nothing where there are none. */
  readonly leftOut: string;
}

/** Chooses from arms in the order of the legend: those of verdicts first, then those of claims. */
export function pictured({ frame, analysis }: ReportInput, arms: readonly string[]): Pictured {
  if (arms.length <= MOST_ARMS) return { arms, runs: frame.runs, leftOut: '' };
  const ofVerdicts = analysis.verdicts.flatMap(({ arm, reference }) => [arm, reference]);
  const ofClaims = (analysis.claims ?? []).flatMap(armsOfClaim);
  const spokenOf = [ofVerdicts, ofClaims].find((names) => names.length > 0) ?? arms;
  const chosen = arms.filter((arm) => spokenOf.includes(arm)).slice(0, MOST_ARMS);
  const why = spokenOf === arms ? '' : `, of those that ${spokenOf === ofVerdicts ? 'verdicts' : 'claims'} speak of`;
  return {
    arms: chosen,
    runs: frame.runs.filter(({ arm }) => chosen.includes(arm)),
    leftOut: ` Shown are ${chosen.length} of ${arms.length} arms${why}; the data file has all.`,
  };
}
