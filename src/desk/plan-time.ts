/** How long a plan's missing runs would take, from how long runs took or from a short measurement. Pure. */
import type { JsonObject } from '#base/json.ts';
import { configOf, type StudyPlan } from '#study/plan.ts';
import { pathsOf, valueAt } from '#study/settings.ts';

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
 * be like the others. Times of runs with other steps are scaled to the plan's. Undefined without any time that can be.
 * @param ids The plan's own runs, by `measureId`.
 * @param configOfRun The config a stored run was made with; undefined where the store has no such run.
 */
export function timeOf(
  plan: StudyPlan,
  arms: readonly ArmRuns[],
  times: readonly RunTime[],
  ids: ReadonlySet<string>,
  workers: number,
  configOfRun: (run: string) => JsonObject | undefined = () => undefined,
): TimeEstimate | undefined {
  const own = times.filter(({ run }) => ids.has(run));
  if (own.length > 0) return estimated(arms, own.map(unscaled), workers, 'of this plan');
  const others = times.filter(({ study }) => study === plan.study.name);
  const steps = new Map(arms.map(({ arm }) => [arm, stepsOfArm(plan, arm)]));
  const known = [...steps.values()].some((count) => count !== undefined)
    ? others.flatMap(({ run, arm, seconds }) => {
        const made = stepsIn(configOfRun(run) ?? {});
        return made === undefined ? [] : [{ arm, seconds, steps: made }];
      })
    : others.map(unscaled);
  if (known.length === 0) return undefined;
  return estimated(arms, known, workers, 'of this study under other settings', steps);
}

/** A time, and the steps it was for where times are scaled. */
interface KnownTime {
  readonly arm: string;
  readonly seconds: number;
  readonly steps?: number;
}

function unscaled({ arm, seconds }: RunTime): KnownTime {
  return { arm, seconds };
}

function estimated(
  arms: readonly ArmRuns[],
  known: readonly KnownTime[],
  workers: number,
  what: string,
  stepsOf: ReadonlyMap<string, number | undefined> = new Map(),
): TimeEstimate {
  let isScaled = false;
  const ofArm = ({ arm }: ArmRuns): readonly number[] => {
    const found = known.filter((time) => time.arm === arm);
    const planned = stepsOf.get(arm);
    return (found.length > 0 ? found : known).map(({ seconds, steps }) => {
      if (planned === undefined || steps === undefined || planned === steps) return seconds;
      isScaled = true;
      return (seconds * planned) / steps;
    });
  };
  const [low, high] = QUARTILES;
  const range = rangeOf(arms, workers, (arm) => [quantile(ofArm(arm), low), quantile(ofArm(arm), high)]);
  const ran = new Set(known.map(({ arm }) => arm)).size;
  const scaled = isScaled ? `; scaled to ${stepsText(stepsOf)}: runs that end early take less` : '';
  return { ...range, basis: `${known.length} stored runs ${what}, ${ran} of ${arms.length} arms${scaled}` };
}

function stepsText(stepsOf: ReadonlyMap<string, number | undefined>): string {
  const counts = [...stepsOf.values()].flatMap((count) => count ?? []);
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? `${low} steps` : `${low} to ${high} steps`;
}

/** The steps of a run of an arm, where its recipe has such a number. */
function stepsOfArm(plan: StudyPlan, name: string): number | undefined {
  const arm = plan.study.arms.find((one) => one.name === name);
  return arm === undefined ? undefined : stepsIn(configOf(plan, arm, arm.learningRates[0]));
}

/** The number of steps in a config: `steps`, or the part of a group by that name, such as `training.steps`; the outermost. */
export function stepsIn(config: JsonObject): number | undefined {
  const paths = pathsOf(config).filter((path) => path === 'steps' || path.endsWith('.steps'));
  const [path] = paths.toSorted((a, b) => a.split('.').length - b.split('.').length);
  const value = path === undefined ? undefined : valueAt(config, path);
  return typeof value === 'number' && value > 0 ? value : undefined;
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
