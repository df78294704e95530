/** How long a plan's missing runs would take, from how long runs took or from a short measurement. Pure. */
import type { StudyPlan } from '#study/plan.ts';

import type { Measured } from './measure-runs.ts';
import type { RunTime } from './run-times.ts';

/** The runs of an arm still to be made: how many at least and at most, since pilots decide how many rates go on. */
export interface ArmRuns {
  readonly arm: string;
  readonly fewest: number;
  readonly most: number;
}

/** Seconds on so many workers, and what they rest on. */
export interface TimeEstimate {
  readonly lowSeconds: number;
  readonly highSeconds: number;
  readonly basis: string;
}

/** The middle half of an arm's runs lies between these. */
const QUARTILES = [0.25, 0.75] as const;

/**
 * Estimates from times of this plan's runs, else of the study's arms under other settings; arms never run are taken to
 * be like the others. Undefined without any time.
 * @param ids The plan's own runs, by `measureId`.
 */
export function timeOf(
  plan: StudyPlan,
  arms: readonly ArmRuns[],
  times: readonly RunTime[],
  ids: ReadonlySet<string>,
  workers: number,
): TimeEstimate | undefined {
  const own = times.filter(({ run }) => ids.has(run));
  const known = own.length > 0 ? own : times.filter(({ study }) => study === plan.study.name);
  if (known.length === 0) return undefined;
  const ofArm = ({ arm }: ArmRuns): readonly number[] => {
    const found = known.filter((time) => time.arm === arm).map(({ seconds }) => seconds);
    return found.length > 0 ? found : known.map(({ seconds }) => seconds);
  };
  const [low, high] = QUARTILES;
  const what = own.length > 0 ? 'of this plan' : 'of this study under other settings';
  const ran = new Set(known.map(({ arm }) => arm)).size;
  return {
    ...rangeOf(arms, workers, (arm) => [quantile(ofArm(arm), low), quantile(ofArm(arm), high)]),
    basis: `${known.length} stored runs ${what}, ${ran} of ${arms.length} arms`,
  };
}

/** Estimates from one short run an arm. */
export function timeOfMeasured(
  arms: readonly ArmRuns[],
  measured: ReadonlyMap<string, Measured>,
  workers: number,
): TimeEstimate | undefined {
  const all = [...measured.values()].map(({ seconds }) => seconds);
  const cut = [...measured.values()].filter(({ isWhole }) => !isWhole).length;
  const note = cut === 0 ? '' : `; ${cut} of them cut short and extrapolated: runs that end early take less`;
  if (all.length === 0) return undefined;
  return {
    ...rangeOf(arms, workers, ({ arm }) => {
      const seconds = measured.get(arm)?.seconds ?? quantile(all, 0.5);
      return [seconds, seconds];
    }),
    basis: `one run of ${measured.size} of ${arms.length} arms${note}`,
  };
}

function rangeOf(
  arms: readonly ArmRuns[],
  workers: number,
  secondsOf: (arm: ArmRuns) => readonly [low: number, high: number],
): Pick<TimeEstimate, 'lowSeconds' | 'highSeconds'> {
  let [low, high, longest] = [0, 0, 0];
  for (const arm of arms) {
    const [least, most] = secondsOf(arm);
    low += arm.fewest * least;
    high += arm.most * most;
    if (arm.most > 0) longest = Math.max(longest, most);
  }
  // At the end workers wait for the last run.
  return { lowSeconds: low / workers, highSeconds: Math.max(high / workers, longest) };
}

/** A quantile of values that are not empty, interpolated. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return below + (place - Math.floor(place)) * (above - below);
}
