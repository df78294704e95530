/** `assay plan`: what `run` would make, how long that takes and what it could show, without making it. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { JsonObject } from '#base/json.ts';
import { openSqliteReader } from '#store/sqlite.ts';
import type { StoreReader } from '#store/store.ts';
import { confirmatoryRuns, type Phase, pilotOf, type StudyPlan } from '#study/plan.ts';

import { saySummaries } from '#desk/file-summaries.ts';
import { findStudy, type FoundStudy } from '#desk/find-study.ts';
import { type Measured, measuredRuns } from '#desk/measure-runs.ts';
import { checkReady } from './endpoints.ts';
import type { Given, OptionName } from './options.ts';
import { chosenStudy, PLAN_OPTIONS, planGiven } from './plan-given.ts';
import { claimPowerOf, powerOf, type SeenRuns } from '#desk/plan-power.ts';
import { powerLines } from './power-lines.ts';
import { type ArmRuns, type TimeEstimate, timeOf, timeOfMeasured } from '#desk/plan-time.ts';
import { durationOf } from './progress.ts';
import { type RunTime, runTimes } from '#desk/run-times.ts';
import { storeFolder } from './store-folder.ts';
import { tableOf, type Terminal } from './terminal.ts';

export const PLAN_COMMAND_OPTIONS: readonly OptionName[] = [
  ...PLAN_OPTIONS,
  'workers',
  'store',
  'pilot',
  'allow-key',
  'allow-endpoint',
  'json',
];

/** What an arm of the plan amounts to. */
interface PlannedArm {
  readonly arm: string;
  readonly learningRates: readonly number[];
  readonly pilotRuns: number;
  readonly confirmatoryRuns: readonly [fewest: number, most: number];
}

/** Shows a plan. @throws AssayError on bad usage; makes no store. */
export async function planCommand(given: Given, terminal: Terminal): Promise<number> {
  const found = await findStudy(given.positionals[0] ?? '');
  const isJson = given.flag('json');
  const plan = planGiven(await chosenStudy(found.study, given, terminal, isJson), given);
  const [folder, workers] = [storeFolder(given), given.count('workers') ?? availableParallelism()];
  // First, since power takes a while and a file that cannot be used is refused here.
  await saySummaries(plan, terminal, isJson);
  const arms = plan.study.arms.map((arm) => plannedArm(plan, arm));
  const stored = existsSync(folder) ? await storedOf(plan, folder) : NOTHING_STORED;
  const missing = arms.map((arm) => missingRuns(plan, arm, stored));
  const ids = new Set(idsOf(plan));
  const known = timeOf(plan, missing, stored.times, ids, workers, (run) => stored.configs.get(run));
  if (given.flag('pilot')) await checkReady(plan, folder, given, terminal);
  const time = given.flag('pilot')
    ? timeOfMeasured(missing, await measured(plan, found, workers, terminal), workers)
    : known;
  const [power, claimPower] = [powerOf(plan, stored.seen), claimPowerOf(plan)];
  if (isJson) {
    const { study, profile, blocks, planId, notAsked } = plan;
    terminal.out(
      JSON.stringify({
        study: study.name,
        planId,
        profile,
        blocks,
        arms,
        notAsked,
        workers,
        time: time ?? null,
        power,
        claimPower,
      }),
    );
    return 0;
  }
  terminal.out(plan.study.question);
  terminal.out(`profile ${plan.profile}, ${plan.blocks} blocks`);
  for (const line of [...armLines(arms), ...notAskedLines(plan)]) terminal.out(line);
  const again = `assay plan ${given.positionals[0] ?? ''} --pilot`;
  for (const line of ['', ...timeLines(missing, time, workers, again), '', ...powerLines(plan, power, claimPower)])
    terminal.out(line);
  return 0;
}

function plannedArm(plan: StudyPlan, { name, learningRates }: StudyPlan['study']['arms'][number]): PlannedArm {
  const most = learningRates.length > 1 ? Math.min(pilotOf(plan.study).maxRates, learningRates.length) : 1;
  return {
    arm: name,
    learningRates,
    pilotRuns: plan.pilots.filter(({ arm }) => arm === name).length,
    confirmatoryRuns: [plan.blocks, plan.blocks * most],
  };
}

function armLines(arms: readonly PlannedArm[]): string[] {
  const rows = arms.map(({ arm, learningRates, pilotRuns, confirmatoryRuns: [fewest, most] }) => [
    arm,
    learningRates.join(' ') || "the config's",
    String(pilotRuns),
    fewest === most ? String(most) : `${fewest} to ${most}`,
  ]);
  return tableOf([['arm', 'learning rates', 'pilot runs', 'confirmatory runs'], ...rows]);
}

function notAskedLines({ profile, notAsked }: StudyPlan): string[] {
  if (notAsked.length === 0) return [];
  return ['', `not asked with profile ${profile}, which lacks their arms: ${notAsked.join('; ')}`];
}

function timeLines(
  missing: readonly ArmRuns[],
  time: TimeEstimate | undefined,
  workers: number,
  again: string,
): string[] {
  const [fewest, most] = [sumOf(missing.map((arm) => arm.fewest)), sumOf(missing.map((arm) => arm.most))];
  if (most === 0) return ['time: none, all runs are stored'];
  const runs = `${fewest === most ? most : `${fewest} to ${most}`} ${most === 1 ? 'run' : 'runs'} to make`;
  if (time === undefined) return [`time: unknown, ${runs}; no run of this study was timed here. Measure it: ${again}`];
  const [low, high] = [time.lowSeconds, time.highSeconds].map((seconds) => durationOf(Math.max(1, seconds)));
  const range = low === high ? `about ${high}` : `${low} to ${high}`;
  return [`time: ${range} with ${workers} ${workers === 1 ? 'worker' : 'workers'}, ${runs} (from ${time.basis})`];
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** All runs a plan may make. */
function idsOf(plan: StudyPlan): string[] {
  const confirmatory = plan.study.arms.flatMap(({ name, learningRates }) =>
    confirmatoryRuns(plan, name, learningRates),
  );
  return [...plan.pilots, ...confirmatory].map(({ measureId }) => measureId);
}

/** How many runs of an arm are still to be made; which rates go on is known once its pilots have decided. */
function missingRuns(
  plan: StudyPlan,
  { arm, learningRates, confirmatoryRuns: [, most] }: PlannedArm,
  { ended, rates }: Stored,
): ArmRuns {
  const pilots = plan.pilots.filter((spec) => spec.arm === arm && !ended.has(spec.measureId)).length;
  const decided = learningRates.length > 1 ? rates.get(arm) : undefined;
  if (pilots === 0 && decided !== undefined) {
    const left = confirmatoryRuns(plan, arm, decided).filter(({ measureId }) => !ended.has(measureId)).length;
    return { arm, fewest: left, most: left };
  }
  const done = confirmatoryRuns(plan, arm, learningRates).filter(({ measureId }) => ended.has(measureId)).length;
  return { arm, fewest: pilots + Math.max(0, plan.blocks - done), most: pilots + Math.max(0, most - done) };
}

/** What the store holds of a plan and of its study. */
interface Stored {
  /** The plan's runs that ended. */
  readonly ended: ReadonlySet<string>;
  /** What the pilots of the study's latest plan decided: arm -> rates, none where the arm cannot be trained. */
  readonly rates: ReadonlyMap<string, readonly number[]>;
  /** Runs of that plan that show the spread. */
  readonly seen: SeenRuns | undefined;
  /** How long runs took, and what those of the study were made with. */
  readonly times: readonly RunTime[];
  readonly configs: ReadonlyMap<string, JsonObject>;
}

const NOTHING_STORED: Stored = { ended: new Set(), rates: new Map(), seen: undefined, times: [], configs: new Map() };

async function storedOf(plan: StudyPlan, folder: string): Promise<Stored> {
  await using store = await openSqliteReader(folder);
  const ended = new Set<string>();
  for (const id of idsOf(plan)) {
    const state = (await store.readRun(id))?.state.kind;
    if (state === 'finished' || state === 'diverged') ended.add(id);
  }
  const times = runTimes(folder);
  const timed = { times, configs: await configsOf(store, plan.study.name, times) };
  const latest = await store.latestPlan(plan.study.name);
  if (latest === undefined) return { ...NOTHING_STORED, ...timed, ended };
  const settled = await store.readSettled(latest.planId);
  const rates = new Map(settled.map(({ arm, outcome }) => [arm, outcome.kind === 'admissible' ? outcome.rates : []]));
  return { ...timed, ended, rates, seen: await seenRuns(store, latest.planId, rates) };
}

/** What the timed runs of a study were made with, by run. */
async function configsOf(
  store: StoreReader,
  study: string,
  times: readonly RunTime[],
): Promise<Map<string, JsonObject>> {
  const configs = new Map<string, JsonObject>();
  for (const time of times) {
    if (time.study !== study) continue;
    const run = await store.readRun(time.run);
    if (run !== undefined) configs.set(time.run, run.config);
  }
  return configs;
}

/** Confirmatory runs where two blocks of them have ended, else pilot runs. */
async function seenRuns(store: StoreReader, planId: string, rates: Stored['rates']): Promise<SeenRuns | undefined> {
  const frameOf = async (phase: Phase): Promise<Frame> => {
    const runs: FrameRun[] = [];
    for (const { arm, block, learningRate, measureId, phase: own } of await store.readMembers(planId)) {
      const isTaken = learningRate === undefined || rates.get(arm)?.includes(learningRate) === true;
      if (own !== phase || !isTaken) continue;
      if ((await store.readRun(measureId))?.state.kind !== 'finished') continue;
      const rate = learningRate === undefined ? {} : { learningRate };
      runs.push({ arm, block, ...rate, status: 'finished', points: await store.readPoints(measureId) });
    }
    return { runs };
  };
  for (const phase of ['confirmatory', 'pilot'] as const) {
    const frame = await frameOf(phase);
    const blocks = new Set(frame.runs.map(({ block }) => block)).size;
    if (blocks > 1) return { frame, what: `${blocks} ${phase} blocks in the store` };
  }
  return undefined;
}

async function measured(
  plan: StudyPlan,
  found: FoundStudy,
  workers: number,
  terminal: Terminal,
): Promise<Map<string, Measured>> {
  return measuredRuns(plan, {
    studyUrl: found.url,
    sources: found.sources,
    workerUrl: import.meta.resolve('#cli/worker-main.ts'),
    workers,
    now: () => terminal.now(),
    note: (line) => terminal.note(line),
  });
}
