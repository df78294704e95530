/** How a plan's runs came to be, for its report: what broke, what the pilot found, what was equal, which code made them. */
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import type { Fact, Pilot, ReportInput, TroubledRun } from '#report/report-input.ts';
import { numericsIdOf, type PlanMember, type Provenance, type RunRecord, type RunState } from '#store/records.ts';
import type { StoreReader } from '#store/store.ts';
import { FIRST_PILOT_BLOCK, type StudyPlan } from '#study/plan.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** The parts of a report that speak of its making. */
export type Account = Pick<ReportInput, 'troubledRuns' | 'heldEqual' | 'provenance' | 'pilot'>;

interface Made {
  readonly member: PlanMember;
  /** Absent where the run was never opened. */
  readonly run?: RunRecord;
}

/** Reads the account of a plan from its store. */
export async function accountOf(plan: StudyPlan, store: StoreReader, planId: string): Promise<Account> {
  const made: Made[] = [];
  for (const member of await store.readMembers(planId)) {
    const run = await store.readRun(member.measureId);
    made.push(run === undefined ? { member } : { member, run });
  }
  const pilot = await pilotOf(plan, store, planId, made);
  return {
    troubledRuns: made.flatMap(troubled),
    heldEqual: heldEqual(plan, made),
    provenance: provenanceFacts(plan, planId, made),
    ...(pilot === undefined ? {} : { pilot }),
  };
}

function troubled({ member, run }: Made): TroubledRun[] {
  const state: RunState = run?.state ?? { kind: 'open' };
  if (state.kind === 'finished') return [];
  const { phase, arm, learningRate } = member;
  const block = phase === 'pilot' ? member.block - FIRST_PILOT_BLOCK : member.block;
  const place = { phase, arm, learningRate, block };
  switch (state.kind) {
    case 'diverged':
      return [{ ...place, kind: 'diverged', reason: `step ${state.step}: ${state.reason}` }];
    case 'failed':
      return [{ ...place, kind: 'failed', reason: state.message }];
    case 'open':
      return [{ ...place, kind: 'unfinished', reason: 'not run to its end' }];
    default:
      return state satisfies never;
  }
}

async function pilotOf(
  { study }: StudyPlan,
  store: StoreReader,
  planId: string,
  made: readonly Made[],
): Promise<Pilot | undefined> {
  const pilots = made.filter(({ member }) => member.phase === 'pilot');
  if (pilots.length === 0) return undefined;
  const settled = await store.readSettled(planId);
  const groups = [...Map.groupBy(pilots, ({ member }) => `${member.arm}/${member.learningRate}`).values()];
  const rates: Pilot['rates'][number][] = [];
  for (const group of groups) {
    const [first] = group;
    if (first === undefined) continue;
    const { arm, learningRate } = first.member;
    const outcome = settled.find((one) => one.arm === arm)?.outcome;
    const isAdmissible = outcome?.kind === 'admissible' && outcome.rates.includes(learningRate);
    const bests: (number | undefined)[] = [];
    for (const { member, run } of group) {
      const points = run?.state.kind === 'finished' ? await store.readPoints(member.measureId) : [];
      bests.push(bestOf(study, points));
    }
    const known = bests.filter((best) => best !== undefined);
    const best = known.length < bests.length ? undefined : known.reduce((sum, one) => sum + one, 0) / known.length;
    rates.push({ arm, learningRate, isAdmissible, ...(best === undefined ? {} : { best }) });
  }
  return { rule: study.pilot, rates };
}

/** A pilot run's best value on the pilot's axis. */
function bestOf({ pilot, matchOn }: StudyPlan['study'], points: readonly TrajectoryPoint[]): number | undefined {
  const values = points.flatMap(({ axes }) => axes[pilot.axis] ?? []);
  if (values.length === 0) return undefined;
  const rises = matchOn.find(({ name }) => name === pilot.axis)?.direction === 'rises';
  return values.reduce((a, b) => (rises ? Math.max(a, b) : Math.min(a, b)));
}

/** Config values and inputs that all confirmatory runs share, and which ones differ. */
function heldEqual({ study }: StudyPlan, made: readonly Made[]): Fact[] {
  const runs = made.flatMap(({ member, run }) => (run && member.phase === 'confirmatory' ? [run] : []));
  if (runs.length === 0) return [];
  const equal: string[] = [];
  const different: string[] = [];
  const leaves = runs.map(({ config }) => leavesOf(config));
  for (const path of new Set(leaves.flatMap((one) => [...one.keys()]))) {
    const values = new Set(leaves.map((one) => one.get(path) ?? 'absent'));
    if (values.size === 1) equal.push(`${path} = ${[...values].join('')}`);
    else if (path !== study.recipe.learningRatePath) different.push(path);
  }
  const inputs = new Set(runs.map((run) => canonicalJson({ ...run.inputs })));
  return [
    { name: 'Equal in all runs', value: equal.join('; ') },
    { name: 'Set by the arms', value: different.length > 0 ? different.join('; ') : 'nothing but seeds' },
    { name: 'Input files', value: inputs.size === 1 ? 'the same in all runs' : `${inputs.size} different sets` },
  ];
}

function leavesOf(config: JsonObject, prefix = ''): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const [key, value] of Object.entries(config)) {
    const path = prefix + key;
    if (isJsonObject(value)) for (const [below, text] of leavesOf(value, `${path}.`)) leaves.set(below, text);
    else leaves.set(path, textOf(value));
  }
  return leaves;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function provenanceFacts({ study, settings, design }: StudyPlan, planId: string, made: readonly Made[]): Fact[] {
  const provenances = made.flatMap(({ run }) => run?.provenance ?? []);
  const all = (name: string, read: (provenance: Provenance) => string): Fact => ({
    name,
    value: [...new Set(provenances.map(read))].join(', '),
  });
  return [
    { name: 'Study hash', value: planId },
    { name: 'Recipe', value: `${study.recipe.name}, semantics version ${study.recipe.semanticsVersion}` },
    {
      name: 'Design',
      value: design === undefined ? 'fixed number of blocks' : 'sequential, looks at 8, 12 and 16 blocks',
    },
    {
      name: 'Settings',
      value: settings.map(({ path, value }) => `${path}=${JSON.stringify(value)}`).join('; ') || 'none',
    },
    all('Code', ({ assay, commit }) => `assay ${assay}${commit === undefined ? '' : ` at ${commit}`}`),
    all('Numerics', numericsIdOf),
    all('ONNX Runtime, Node', ({ onnxruntime, node }) => `${onnxruntime}, ${node}`),
    all('Machine', ({ os, arch, instructionSets }) => `${os} ${arch} (${instructionSets})`),
  ];
}
