/**
 * Runs a planned study: pilots, then for each arm the confirmatory runs at its admissible learning rates.
 * Only what is missing is made. Results do not depend on the number of workers, their order or their deaths.
 */
import { AssayError } from '#base/errors.ts';
import { canonicalJson } from '#base/json.ts';
import { removeCheckpoints, removeLeftovers } from '#store/folder.ts';
import {
  memberOf,
  numericsIdOf,
  planRecordOf,
  type PlanMember,
  type Provenance,
  type RunState,
} from '#store/records.ts';
import type { Store } from '#store/store.ts';
import { type Admissible, admissibleRates, type PilotRun, stopOf } from '#study/admissible.ts';
import { contradiction } from '#study/identity.ts';
import { confirmatoryRuns, pilotOf, ratesFrom, type RunSpec, type StudyPlan } from '#study/plan.ts';
import type { Arm } from '#study/study.ts';

import type { EventListener } from './events.ts';
import { poolOf } from './pool.ts';
import { sourceHash, type StudySources } from './study-sources.ts';
import { checkSameInputs } from './unchanged.ts';

export interface RunOptions {
  readonly store: Store;
  /** The store's folder, for artifacts. */
  readonly folder: string;
  readonly workers: number;
  readonly workerUrl: string;
  readonly studyUrl: string;
  /** What the study was loaded from; its hash becomes part of the runs' provenance. */
  readonly sources: StudySources;
  readonly provenance: Provenance;
  /** Whether runs of one block may come from machines whose bits may differ. */
  readonly isMixingAllowed: boolean;
  /** At least so long between two checkpoints of a run; no effect on results. */
  readonly checkpointMs: number;
  readonly onEvent: EventListener;
  /** A worker that is silent for so long is killed and its run given to another; default 30 s. */
  readonly silenceMs?: number;
  /** Aborted: stop at checkpoints. */
  readonly stop: AbortSignal;
  /** Aborted: kill the workers. */
  readonly kill: AbortSignal;
}

/** How a study's runs stand after `runStudy`; runs shared by several arms count once. */
export interface RunSummary {
  readonly finished: number;
  readonly diverged: number;
  readonly failures: readonly { readonly run: PlanMember; readonly message: string }[];
  /** Runs known to be missing: stopped, or waiting for failed pilots. */
  readonly isComplete: boolean;
}

/**
 * Makes every missing run of a plan.
 * @throws AssayError if the store cannot be written, an identity's meaning changed, bits would mix within a block, or what
 * the plan hashed changed.
 */
export async function runStudy(plan: StudyPlan, options: RunOptions): Promise<RunSummary> {
  const { store, folder, onEvent } = options;
  const inputs = plannedInputs(plan);
  await removeLeftovers(folder, store);
  await store.savePlan(planRecordOf(plan));
  const foreignBlocks = options.isMixingAllowed ? new Set<number>() : await blocksOfOtherNumerics(plan, options);
  await using pool = poolOf(options);
  // Two members can be the same run, such as an arm and its relabelled twin: it is made once.
  const once = {
    isMissing: new Map<string, Promise<boolean>>(),
    make: new Map<string, Promise<RunState>>(),
    rates: new Map<string, Promise<Admissible | undefined>>(),
  };
  const context: Context = {
    plan,
    options,
    inputs,
    source: sourceHash(options.studyUrl, options.sources),
    otherSource: new Map(),
    foreignBlocks,
    isMissing: async (spec) => remembered(once.isMissing, spec.measureId, async () => isMissing(context, spec)),
    make: async (spec) => remembered(once.make, spec.measureId, async () => pool.make(spec)),
    rates: async (arm) => remembered(once.rates, arm.name, async () => settledRates(context, arm)),
  };
  const onStop = (): void => {
    onEvent({ kind: 'stopping' });
    pool.stop();
  };
  options.stop.addEventListener('abort', onStop, { once: true });
  options.kill.addEventListener('abort', () => pool.kill(), { once: true });
  if (options.stop.aborted) onStop();
  const arms = plan.study.arms.map(async (arm) =>
    runArm(context, arm).catch((error: unknown) => {
      pool.stop();
      throw error;
    }),
  );
  const results = await Promise.allSettled(arms);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const isComplete = results.every((result) => result.status === 'fulfilled' && result.value);
  return { ...(await summaryOf(store, plan.planId)), isComplete };
}

interface Context {
  readonly plan: StudyPlan;
  readonly options: RunOptions;
  readonly foreignBlocks: ReadonlySet<number>;
  /** By config: the inputs that its runs were planned with. */
  readonly inputs: ReadonlyMap<string, RunSpec['inputs']>;
  /** The hash of the study's code. */
  readonly source: string | undefined;
  /** Runs that another source of the study made, and what became of them. */
  readonly otherSource: Map<string, 'kept' | 'restarted'>;
  /** Whether a run has to be made; it is open then. */
  isMissing(spec: RunSpec): Promise<boolean>;
  make(spec: RunSpec): Promise<RunState>;
  /** What an arm's own pilots say, or undefined where one is missing. */
  rates(arm: Arm): Promise<Admissible | undefined>;
}

/** The value of a key, computed at most once. */
async function remembered<Value>(
  known: Map<string, Promise<Value>>,
  key: string,
  compute: () => Promise<Value>,
): Promise<Value> {
  const value = known.get(key) ?? compute();
  known.set(key, value);
  return value;
}

/** Pilots, decision, confirmatory runs; whether all of them have an end. */
async function runArm(context: Context, arm: Arm): Promise<boolean> {
  const { plan, options } = context;
  const piloted = ratesFrom(plan.study, arm);
  if (piloted !== arm) expectRuns(context, arm);
  const outcome = await context.rates(piloted);
  if (outcome === undefined) return false;
  await options.store.settleArm(plan.planId, { arm: arm.name, outcome });
  options.onEvent({ kind: 'armSettled', arm: arm.name, outcome });
  if (outcome.kind === 'none') return true;
  return runAll(context, arm, confirmatoryRuns(plan, arm.name, outcome.rates));
}

/** Tells how many confirmatory runs an arm may get, before its pilots have decided. */
function expectRuns({ plan, options }: Context, { name, learningRates }: Arm): void {
  const mostRates = Math.max(1, Math.min(plan.study.pilot?.maxRates ?? Infinity, learningRates.length));
  options.onEvent({ kind: 'expected', arm: name, runs: mostRates * plan.blocks });
}

/** What the pilots say, or undefined where one is missing. */
async function settledRates(context: Context, arm: Arm): Promise<Admissible | undefined> {
  const { study, pilots } = context.plan;
  const { store } = context.options;
  const own = pilots.filter((spec) => spec.arm === arm.name);
  if (own.length === 0) return { kind: 'admissible', rates: arm.learningRates };
  expectRuns(context, arm);
  if (!(await runAll(context, arm, own))) return undefined;
  const rule = pilotOf(study);
  const axis = study.matchOn.find(({ name }) => name === rule.axis);
  if (axis === undefined) throw new AssayError('config', `The pilot's axis "${rule.axis}" is not in matchOn.`);
  const runs = await Promise.all(
    own.map(async ({ measureId, learningRate, config }): Promise<PilotRun> => {
      const end = (await store.readRun(measureId))?.state;
      if (end?.kind !== 'finished' && end?.kind !== 'diverged') {
        throw new AssayError(
          'store',
          `Expected pilot run ${measureId} to have ended, found ${end?.kind ?? 'no such run'}.`,
        );
      }
      const points = await store.readPoints(measureId);
      const stop = stopOf(study.recipe, axis.name, config, points);
      return { learningRate, end, points, ...(stop !== undefined && { stop }) };
    }),
  );
  return admissibleRates(rule, axis, runs);
}

/** Makes what is missing of an arm's runs; whether all of them finished or diverged. */
async function runAll(context: Context, arm: Arm, specs: readonly RunSpec[]): Promise<boolean> {
  const { plan, options } = context;
  const { store } = options;
  for (const spec of specs) checkSameInputs(spec, context.inputs.get(canonicalJson(spec.config)) ?? spec.inputs);
  await store.addMembers(plan.planId, specs.map(memberOf));
  const missing: RunSpec[] = [];
  for (const spec of specs) {
    if (await context.isMissing(spec)) missing.push(spec);
  }
  const { phase } = specs[0] ?? { phase: 'confirmatory' };
  const became = (what: 'kept' | 'restarted'): number =>
    specs.filter(({ measureId }) => context.otherSource.get(measureId) === what).length;
  const [kept, restarted] = [became('kept'), became('restarted')];
  if (kept + restarted > 0) options.onEvent({ kind: 'sourceChanged', arm: arm.name, kept, restarted });
  options.onEvent({ kind: 'planned', phase, arm: arm.name, runs: specs.length, done: specs.length - missing.length });
  const states = await Promise.all(missing.map(async (spec) => context.make(spec)));
  return states.every(({ kind }) => kind === 'finished' || kind === 'diverged');
}

/** Whether a run has to be made, opening it if so. */
async function isMissing(context: Context, spec: RunSpec): Promise<boolean> {
  const { plan, options, foreignBlocks, source } = context;
  const { store } = options;
  const stored = await store.readRun(spec.measureId);
  const changed = stored === undefined ? undefined : contradiction(stored.config, spec.config);
  if (changed !== undefined) {
    const { name } = plan.study.recipe;
    throw new AssayError(
      'config',
      `Recipe "${name}": the meaning of "${changed}" changed (its default, most likely) since run ${spec.measureId} was made. Raise the recipe's semanticsVersion, or use another --store.`,
    );
  }
  const isOther = stored?.provenance.some((made) => made.source !== undefined && made.source !== source) === true;
  if (stored?.state.kind === 'finished' || stored?.state.kind === 'diverged') {
    if (isOther) context.otherSource.set(spec.measureId, 'kept');
    return false;
  }
  if (foreignBlocks.has(spec.block)) {
    throw new AssayError(
      'store',
      `Block ${spec.block} was begun on another machine, system or version whose bits may differ. Finish it there, use another --store, or allow it with --mix-numerics.`,
    );
  }
  // A run is made by one source from its first step to its last.
  if (stored?.state.kind === 'failed' || isOther) {
    if (isOther && stored?.checkpoint !== undefined) context.otherSource.set(spec.measureId, 'restarted');
    await store.restartRun(spec.measureId);
    removeCheckpoints(options.folder, spec.measureId);
  }
  const { recipe } = plan.study;
  const { measureId, trainId, seed, config, inputs } = spec;
  await store.openRun(
    { measureId, trainId, recipe: recipe.name, semanticsVersion: recipe.semanticsVersion, seed, config, inputs },
    { ...options.provenance, ...(source === undefined ? {} : { source }) },
  );
  return true;
}

/**
 * The inputs of every config of a plan, by the config: they are hashed once, and what is planned later must have the same.
 * @throws AssayError where the pilots were planned with others.
 */
function plannedInputs(plan: StudyPlan): Map<string, RunSpec['inputs']> {
  const once = { ...plan, blocks: 1 };
  const confirmatory = plan.study.arms.flatMap((arm) => confirmatoryRuns(once, arm.name, arm.learningRates));
  const inputs = new Map<string, RunSpec['inputs']>();
  for (const spec of [...plan.pilots, ...confirmatory]) {
    const key = canonicalJson(spec.config);
    checkSameInputs(spec, inputs.get(key) ?? spec.inputs);
    inputs.set(key, spec.inputs);
  }
  return inputs;
}

/** The blocks with a run made under another numericsId. */
async function blocksOfOtherNumerics(plan: StudyPlan, { store, provenance }: RunOptions): Promise<Set<number>> {
  const here = numericsIdOf(provenance);
  const blocks = new Set<number>();
  const confirmatory = plan.study.arms.flatMap((arm) => confirmatoryRuns(plan, arm.name, arm.learningRates));
  for (const spec of [...plan.pilots, ...confirmatory]) {
    const stored = await store.readRun(spec.measureId);
    if (stored?.provenance.some((known) => numericsIdOf(known) !== here) === true) blocks.add(spec.block);
  }
  return blocks;
}

/** Counts the runs of a plan by how they stand. */
export async function summaryOf(
  store: Pick<Store, 'readMembers' | 'readRun'>,
  planId: string,
): Promise<Omit<RunSummary, 'isComplete'>> {
  const members = await store.readMembers(planId);
  const runs = new Map(members.map((member) => [member.measureId, member]));
  let [finished, diverged] = [0, 0];
  const failures: { run: PlanMember; message: string }[] = [];
  for (const run of runs.values()) {
    const state = (await store.readRun(run.measureId))?.state;
    if (state?.kind === 'finished') finished++;
    if (state?.kind === 'diverged') diverged++;
    if (state?.kind === 'failed') failures.push({ run, message: state.message });
  }
  return { finished, diverged, failures };
}
