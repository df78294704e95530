/**
 * Says while a study runs what an audit would say of it: of every arm's pilots whether probes are close enough, of its
 * first confirmatory runs also which levels they do not pass and whether they are what they claim to be. A reader of the
 * store beside the runner: no run, identity or result depends on it.
 */
import type { Frame, FrameRun } from '#analysis/frame.ts';
import {
  type EarlyDoubt,
  levelDoubts,
  type ProbeAdvice,
  probeDoubts,
  resultDoubts,
} from '#analysis/import/early-doubts.ts';
import type { EventListener, RunnerEvent } from '#runner/events.ts';
import type { PlanMember } from '#store/records.ts';
import type { StoreReader } from '#store/store.ts';
import { armOf, configOf, type Phase, type StudyPlan } from '#study/plan.ts';
import { pathsOf, valueAt } from '#study/settings.ts';

/** Of so many confirmatory runs an arm shows what it will do. */
const RUNS_LOOKED_AT = 3;
/** Where recipes keep how many steps lie between probes. */
const PROBE_PATH = /(?:^|\.)(?:probeEvery|probe\.every)$/;

/** A listener, and the end of what it began. */
export interface Doubting {
  readonly onEvent: EventListener;
  /** Resolves once everything was told. Rejects where the store could not be read. */
  settled(): Promise<void>;
}

/**
 * Passes events on, and doubts after them.
 * @param told Doubts told already, which grows: a plan with more blocks of the same study says nothing twice.
 */
export function doubtsWhileRunning(
  plan: StudyPlan,
  store: Pick<StoreReader, 'readMembers' | 'readRun' | 'readPoints'>,
  told: Set<string>,
  next: EventListener,
): Doubting {
  const state: State = { plan, store, told, next, looked: new Map() };
  let failure: { readonly error: unknown } | undefined;
  let queue = Promise.resolve();
  const then = (look: () => Promise<void>): void => {
    queue = queue.then(look).catch((error: unknown) => {
      failure ??= { error };
    });
  };
  return {
    onEvent: (event) => {
      next(event);
      const look = lookAfter(state, event);
      if (look !== undefined) then(look);
    },
    settled: async () => {
      await queue;
      if (failure !== undefined) throw failure.error;
    },
  };
}

interface State {
  readonly plan: StudyPlan;
  readonly store: Pick<StoreReader, 'readMembers' | 'readRun' | 'readPoints'>;
  readonly told: Set<string>;
  readonly next: EventListener;
  /** Arm -> how many of its confirmatory runs were looked at. */
  readonly looked: Map<string, number>;
}

/** What is to be looked at after an event, if anything. */
function lookAfter(state: State, event: RunnerEvent): (() => Promise<void>) | undefined {
  if (event.kind === 'armSettled' && event.outcome.kind === 'admissible') {
    const { arm, outcome } = event;
    return async () => lookAtPilots(state, arm, outcome.rates);
  }
  if (event.kind !== 'runEnded' || event.state.kind !== 'finished' || event.run.phase !== 'confirmatory')
    return undefined;
  const { arm } = event.run;
  const before = state.looked.get(arm) ?? 0;
  if (before >= RUNS_LOOKED_AT) return undefined;
  state.looked.set(arm, before + 1);
  return async () => lookAtRuns(state, arm);
}

async function lookAtPilots(state: State, arm: string, rates: readonly number[]): Promise<void> {
  const runs = await endedRuns(
    state,
    'pilot',
    (one) => one.arm === arm && one.learningRate !== undefined && rates.includes(one.learningRate),
  );
  tell(state, arm, probeDoubts(state.plan.study, runs, adviceOf(state.plan, arm)));
}

async function lookAtRuns(state: State, arm: string): Promise<void> {
  const { study, blocks } = state.plan;
  const compared = new Set(
    study.contrasts.flatMap((one) => (one.arm === arm || one.reference === arm ? [one.arm, one.reference] : [])),
  );
  const frame: Frame = {
    runs: await endedRuns(state, 'confirmatory', (one) => one.arm === arm || compared.has(one.arm)),
  };
  const runs = frame.runs.filter((run) => run.arm === arm);
  tell(state, arm, [...probeDoubts(study, runs, adviceOf(state.plan, arm)), ...resultDoubts(study, frame, arm)]);
  if (runs.length >= Math.min(RUNS_LOOKED_AT, blocks)) tell(state, arm, levelDoubts(study, runs));
}

/** Runs of a phase that have finished by now. */
async function endedRuns(
  { plan, store }: State,
  phase: Phase,
  counts: (member: PlanMember) => boolean,
): Promise<FrameRun[]> {
  const runs: FrameRun[] = [];
  for (const member of await store.readMembers(plan.planId)) {
    if (member.phase !== phase || !counts(member)) continue;
    if ((await store.readRun(member.measureId))?.state.kind !== 'finished') continue;
    const { arm, block, learningRate, measureId } = member;
    const rate = learningRate === undefined ? {} : { learningRate };
    runs.push({ arm, block, ...rate, status: 'finished', points: await store.readPoints(measureId) });
  }
  return runs;
}

function tell({ told, next }: State, arm: string, doubts: readonly EarlyDoubt[]): void {
  for (const { kind, about, text } of doubts) {
    const key = kind === 'equalArms' ? `${kind} ${about}` : `${kind} ${about} ${arm}`;
    if (told.has(key)) continue;
    told.add(key);
    next({ kind: 'doubt', arm, doubt: kind, text });
  }
}

/** What to set so that probes are close enough. */
function adviceOf(plan: StudyPlan, name: string): ProbeAdvice {
  const arm = armOf(plan.study, name);
  const config = configOf(plan, arm, arm.learningRates[0]);
  const path = pathsOf(config).find((one) => PROBE_PATH.test(one));
  const every = path === undefined ? undefined : valueAt(config, path);
  return (spare) => {
    if (path === undefined || typeof every !== 'number') return 'measure more often';
    // Losses do not fall evenly: one step fewer than would just do.
    const closer = Math.max(1, Math.ceil(every / spare) - 1);
    return every > 1 ? `set ${path}=${closer}` : `probes are at every step already: lower the learning rate`;
  };
}
