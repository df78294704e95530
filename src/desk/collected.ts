/** From a store to what the analysis and the report read. */
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { JsonObject } from '#base/json.ts';
import type { PlanMember, Provenance, RunState, SettledArm } from '#store/records.ts';
import { numericsIdOf } from '#store/records.ts';
import type { StoreReader } from '#store/store.ts';
import { type PilotRun, type PilotScore, pilotScores, stopOf } from '#study/admissible.ts';
import { FIRST_PILOT_BLOCK, type StudyPlan } from '#study/plan.ts';

/** A run that did not end well; pilot blocks are counted from 0. */
export interface TroubledRun extends PlanMember {
  readonly kind: 'diverged' | 'failed' | 'unfinished';
  readonly reason: string;
}

/** What the pilots found for a rate of an arm, and whether it was taken. */
export interface PilotRate extends PilotScore {
  readonly arm: string;
  readonly isAdmissible: boolean;
}

/** Everything stored about a plan that an answer needs. */
export interface Collected {
  /** The confirmatory runs that ended, sorted by arm, learning rate and block. */
  readonly frame: Frame;
  /** Their resolved configs. */
  readonly configs: readonly JsonObject[];
  /** Runs of both phases that diverged, failed or have no end. */
  readonly troubled: readonly TroubledRun[];
  readonly settled: readonly SettledArm[];
  readonly pilotRates: readonly PilotRate[];
  /** The different provenances of the runs; one, unless machines were mixed or versions changed between blocks. */
  readonly provenance: readonly (Provenance & { readonly numericsId: string })[];
}

/** Collects what a store holds of a plan; `planId` is the stored one. */
export async function collected(store: StoreReader, plan: StudyPlan, planId: string): Promise<Collected> {
  const runs: FrameRun[] = [];
  const configs: JsonObject[] = [];
  const troubled: TroubledRun[] = [];
  const pilots = new Map<string, PilotRun[]>();
  const provenance = new Map<string, Provenance & { numericsId: string }>();
  for (const member of await store.readMembers(planId)) {
    const run = await store.readRun(member.measureId);
    troubled.push(...troubleOf(member, run?.state ?? { kind: 'open' }));
    if (run === undefined) continue;
    for (const found of run.provenance) {
      const numericsId = numericsIdOf(found);
      provenance.set(`${numericsId} ${found.commit} ${found.source}`, { ...found, numericsId });
    }
    const { state } = run;
    if (state.kind !== 'finished' && state.kind !== 'diverged') continue;
    const { phase, arm, block, learningRate, measureId } = member;
    const points = await store.readPoints(measureId);
    if (phase === 'confirmatory') {
      runs.push({ arm, block, ...(learningRate !== undefined && { learningRate }), status: state.kind, points });
      configs.push(run.config);
    } else if (learningRate !== undefined) {
      const axis = plan.study.pilot?.axis;
      const stop = axis === undefined ? undefined : stopOf(plan.study.recipe, axis, run.config, points);
      const pilot = { learningRate, end: state, points, ...(stop !== undefined && { stop }) };
      pilots.set(arm, [...(pilots.get(arm) ?? []), pilot]);
    }
  }
  const settled = await store.readSettled(planId);
  const pilotRates = [...pilots].flatMap(([arm, own]) => pilotRatesOf(plan, arm, own, settled));
  return { frame: { runs }, configs, troubled, settled, pilotRates, provenance: [...provenance.values()] };
}

function troubleOf(member: PlanMember, state: RunState): TroubledRun[] {
  const block = member.phase === 'pilot' ? member.block - FIRST_PILOT_BLOCK : member.block;
  switch (state.kind) {
    case 'finished':
      return [];
    case 'diverged':
      return [{ ...member, block, kind: 'diverged', reason: `${state.reason} at step ${state.step}` }];
    case 'failed':
      return [{ ...member, block, kind: 'failed', reason: state.message }];
    case 'open':
      return [{ ...member, block, kind: 'unfinished', reason: 'not run to its end' }];
    default:
      return state satisfies never;
  }
}

function pilotRatesOf(
  plan: StudyPlan,
  arm: string,
  pilots: readonly PilotRun[],
  settled: readonly SettledArm[],
): PilotRate[] {
  const axis = plan.study.matchOn.find(({ name }) => name === plan.study.pilot?.axis);
  const outcome = settled.find((decision) => decision.arm === arm)?.outcome;
  const taken = outcome?.kind === 'admissible' ? outcome.rates : [];
  const scores = axis === undefined ? [] : pilotScores(axis, pilots);
  return scores.map((score) => ({ ...score, arm, isAdmissible: taken.includes(score.learningRate) }));
}
