/**
 * From a study, a profile and the user's settings to the runs to make. Pure: the same arguments give the same plan.
 * Settings apply in the order recipe defaults < study < profile < arm < user; those of `vary.ts` choose the arms before.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import { canonicalJson, contentHash, isJsonObject, type JsonObject } from '#base/json.ts';
import { identityOf } from '#study/identity.ts';
import type { Recipe } from '#study/recipe.ts';
import type { Arm, PilotRule, Profile, ProfileName, Study } from '#study/study.ts';

import { armsOfClaim, isOnMap } from './claim.ts';
import { isSameBranch, pathsOf, type Setting, settingsOf, valueAt, withSettings, withValueAt } from './settings.ts';
import { isVariation, variedBy } from './vary.ts';

/** Pilot blocks are numbered from here, so that no confirmatory block is ever one of them. */
export const FIRST_PILOT_BLOCK = 1_000_000;

/** Whether a run chooses learning rates or answers the question. */
export type Phase = 'pilot' | 'confirmatory';

/** One run to make: arm x learning rate x block, with its resolved config and identities. */
export interface RunSpec {
  /** What is trained; the same for runs that only measure differently. */
  readonly trainId: string;
  /** What is trained and measured: the run's key in the store. */
  readonly measureId: string;
  readonly phase: Phase;
  readonly arm: string;
  /** Absent where the arm has none to choose: it runs at its config's own. */
  readonly learningRate?: number;
  readonly block: number;
  /** What the recipe gets as its block: `block` shifted by the arm's `seedOffset`. */
  readonly seed: number;
  readonly config: JsonObject;
  /** Content hashes of the files and assets the config names. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** A run that helps to choose a rate. */
export interface PilotSpec extends RunSpec {
  readonly learningRate: number;
}

/** Whether the blocks are fixed beforehand, or looks (looks.ts) decide when to stop. */
export type Design = 'fixed' | 'sequential';

/** What the user chose beside the study itself. */
export interface PlanOptions {
  readonly profile: ProfileName;
  /** Confirmatory blocks, over the profile's. */
  readonly blocks?: number;
  /** Default `fixed`. */
  readonly design?: Design;
  /** The user's settings, over all others. */
  readonly settings?: readonly Setting[];
}

/** A study cut to a profile, with what was chosen; the confirmatory runs follow from the pilots' outcome. */
export interface StudyPlan {
  /** sha256 of everything below that is data. */
  readonly planId: string;
  /** Narrowed to the profile's arms, and to the contrasts, claims and maps that speak of them. */
  readonly study: Study;
  readonly profile: ProfileName;
  readonly blocks: number;
  /** Part of the plan, because the test's error rate depends on it. */
  readonly design: Design;
  readonly settings: readonly Setting[];
  /** Pilot runs of the arms with more than one learning rate; an arm with one rate, or another's, has nothing to choose. */
  readonly pilots: readonly PilotSpec[];
  /** What the study asks and the plan does not, because the profile lacks an arm of it: names of claims, and of contrasts. */
  readonly notAsked: readonly string[];
}

type PlanDraft = Omit<StudyPlan, 'planId' | 'pilots' | 'notAsked'>;

/**
 * Plans a study, and checks every config it will use with `recipe.check`.
 * @throws AssayError naming an unknown profile, path or a refused config, before anything runs.
 */
export function planStudy(given: Study, options: PlanOptions): StudyPlan {
  const settings = options.settings ?? [];
  const study = variedBy(given, settings);
  const profile = profileOf(study, options.profile);
  const blocks = options.blocks ?? profile.blocks;
  if (!Number.isSafeInteger(blocks) || blocks < 1 || blocks >= FIRST_PILOT_BLOCK) {
    throw new AssayError('usage', `Expected a whole number of seeds of at least 1, found ${blocks}.`);
  }
  const profiled = narrowedTo(study, profile);
  const narrowed = withoutIdleClusters({ study: profiled, profile: options.profile, blocks, settings });
  const design = options.design ?? 'fixed';
  const draft = { study: narrowed, profile: options.profile, blocks, design, settings };
  for (const arm of narrowed.arms) {
    for (const rate of ratesOf(arm)) checkConfig(draft, arm, rate);
  }
  const pilots = narrowed.arms
    .filter((arm) => arm.learningRates.length > 1 && ratesFrom(narrowed, arm) === arm)
    .flatMap((arm) => pilotRuns(draft, arm));
  return { ...draft, planId: contentHash(descriptionOf(draft)), pilots, notAsked: notAsked(study, narrowed) };
}

/** The rates an arm's configs are resolved at: its own, or once without any. */
export function ratesOf({ learningRates }: Arm): readonly (number | undefined)[] {
  return learningRates.length === 0 ? [undefined] : learningRates;
}

/**
 * The confirmatory runs of an arm: each admissible rate in each block, blocks outermost so that whole blocks finish first.
 * An arm without rates has one run a block, whatever `rates`.
 */
export function confirmatoryRuns(plan: StudyPlan, armName: string, rates: readonly number[]): RunSpec[] {
  const arm = armOf(plan.study, armName);
  const each = arm.learningRates.length === 0 ? ratesOf(arm) : rates;
  return range(0, plan.blocks).flatMap((block) => each.map((rate) => specOf(plan, arm, rate, block, 'confirmatory')));
}

/**
 * The arm whose pilots choose an arm's learning rates: the one it names (`ratesLike`), else its own, but for the twin of an
 * A/A control (the reference's settings and rates under other seeds), which takes what its reference's pilots admit. Pilots
 * of its own could admit others by chance, and the control would then compare rates (ADR 0086).
 */
export function ratesFrom(study: Pick<Study, 'arms' | 'contrasts' | 'claims'>, arm: Arm): Arm {
  const named = study.arms.find(({ name }) => name === arm.ratesLike);
  if (named !== undefined) return named;
  const settingsText = ({ set, learningRates }: Arm): string => canonicalJson({ set, learningRates });
  const references = twinsOf(study).flatMap((pair) => (pair.arm === arm.name ? [pair.reference] : []));
  for (const name of references) {
    const reference = study.arms.find((one) => one.name === name);
    if (reference !== undefined && settingsText(reference) === settingsText(arm)) return reference;
  }
  return arm;
}

/** What must be alike, as arm and reference, by contrasts and claims. */
function twinsOf({
  contrasts,
  claims = [],
}: Pick<Study, 'contrasts' | 'claims'>): { arm: string; reference: string }[] {
  const byContrast = contrasts.filter((one) => one.kind === 'control' && one.expect === 'notDetected');
  const byClaim = claims.flatMap(({ arm, against, asks }) =>
    asks.kind === 'control' && asks.expect === 'agrees' && against.kind === 'arm'
      ? [{ arm, reference: against.arm }]
      : [],
  );
  return [...byContrast.map(({ arm, reference }) => ({ arm, reference })), ...byClaim];
}

/** The plan as plain data, as it is hashed and stored: the study without the recipe's code. */
export function descriptionOf(plan: PlanDraft): JsonObject {
  const { recipe, arms, ...rest } = plan.study;
  // Maps alone read where arms stand on factors: without one it is no part of what is asked.
  const asked = plan.study.maps === undefined ? arms.map((arm) => ({ ...arm, at: undefined })) : arms;
  const study = { ...rest, arms: asked };
  const { name, semanticsVersion, defaults, learningRatePath, measurePaths } = recipe;
  const data = {
    study: { ...study, recipe: { name, semanticsVersion, defaults, learningRatePath, measurePaths } },
    profile: plan.profile,
    blocks: plan.blocks,
    design: plan.design,
    settings: plan.settings,
  };
  const plain: JsonObject = JSON.parse(JSON.stringify(data));
  return plain;
}

/** A study's arm by name. @throws AssayError where there is none. */
export function armOf(study: Study, name: string): Arm {
  const arm = study.arms.find((candidate) => candidate.name === name);
  if (arm === undefined) throw new AssayError('config', `Study "${study.name}" has no arm "${name}".`);
  return arm;
}

/**
 * The config of an arm at a learning rate, or at its own.
 * @throws AssayError on unknown paths, wrong types, and a user's setting of the learning rate where the arm's rates set it.
 */
export function configOf(
  plan: Pick<StudyPlan, 'study' | 'profile' | 'settings'>,
  arm: Arm,
  rate: number | undefined,
): JsonObject {
  const { study } = plan;
  const { defaults, formerPaths, learningRatePath } = study.recipe;
  const own = plan.settings.find(({ path }) => path === learningRatePath);
  if (own !== undefined && rate !== undefined) {
    const hint =
      study.vary === undefined
        ? ''
        : ` Choose them with --set 'learningRates=[1e-4,1e-3]', or compare rates with --set 'factors.${own.path}=[1e-4,1e-3]'.`;
    throw new AssayError(
      'config',
      `${own.from}: "${own.path}" is set by the arms' learning rates and cannot be set.${hint}`,
    );
  }
  const settings = [
    ...settingsOf(study.set, `study "${study.name}"`),
    ...settingsOf(study.profiles[plan.profile]?.set, `profile "${plan.profile}"`),
    ...settingsOf(arm.set, `arm "${arm.name}"`),
    ...plan.settings.filter((setting) => !isVariation(study, setting)),
  ];
  const config = withSettings(defaults, settings, formerPaths);
  if (rate === undefined) return config;
  if (learningRatePath !== undefined) return withValueAt(config, learningRatePath, rate);
  throw new AssayError(
    'config',
    `arm "${arm.name}" has learning rates, but recipe "${study.recipe.name}" has no learning rate. Leave them out.`,
  );
}

/** The user's settings that override what arms differ in, as `path (arms a, b)`: the comparison loses its subject. */
export function overriddenFactors(plan: StudyPlan): string[] {
  return plan.settings.flatMap(({ path }) => {
    const arms = plan.study.arms.filter((arm) => Object.keys(arm.set).some((own) => isSameBranch(own, path)));
    return arms.length === 0 ? [] : [`${path} (${arms.map(({ name }) => name).join(', ')})`];
  });
}

/** A study's rule for pilots. @throws AssayError where it has none, although an arm has rates to choose from. */
export function pilotOf({ name, pilot }: Pick<Study, 'name' | 'pilot'>): PilotRule {
  if (pilot !== undefined) return pilot;
  throw new AssayError(
    'config',
    `Study "${name}": an arm has several learning rates. Say in "pilot" how one is chosen.`,
  );
}

function pilotRuns(plan: PlanDraft, arm: Arm): PilotSpec[] {
  const blocks = range(FIRST_PILOT_BLOCK, pilotOf(plan.study).blocks);
  return blocks.flatMap((block) =>
    arm.learningRates.map((rate) => ({ ...specOf(plan, arm, rate, block, 'pilot'), learningRate: rate })),
  );
}

function specOf(plan: PlanDraft, arm: Arm, learningRate: number | undefined, block: number, phase: Phase): RunSpec {
  const { recipe } = plan.study;
  const own = configOf(plan, arm, learningRate);
  const isChoosing = phase === 'pilot' && plan.study.pilot?.outcomes === 'none';
  const config = isChoosing ? withoutLevels(recipe, own) : own;
  const seed = block + (arm.seedOffset ?? 0);
  const inputs = recipe.inputs?.(config) ?? {};
  return {
    ...identityOf(recipe, config, seed, inputs, recipe.measuredBy?.(config)),
    phase,
    arm: arm.name,
    ...(learningRate !== undefined && { learningRate }),
    block,
    seed,
    config,
    inputs,
  };
}

/** A config whose outcomes are measured at no level. */
function withoutLevels({ levelsPath }: Pick<Recipe, 'levelsPath'>, config: JsonObject): JsonObject {
  const levels = levelsPath === undefined ? undefined : valueAt(config, levelsPath);
  if (levelsPath === undefined || levels === undefined || !isJsonObject(levels)) return config;
  return withValueAt(config, levelsPath, Object.fromEntries(Object.keys(levels).map((axis) => [axis, []])));
}

function profileOf(study: Study, name: ProfileName): Profile {
  const profile = study.profiles[name];
  if (profile !== undefined) return profile;
  const known = Object.keys(study.profiles).join(', ');
  throw new AssayError('usage', `Study "${study.name}" has no profile "${name}"; it has ${known}.`);
}

function notAsked(study: Study, narrowed: Study): readonly string[] {
  const namesIn = ({ contrasts, claims = [] }: Study): string[] => [
    ...contrasts.map(({ arm, reference }) => `${arm} against ${reference}`),
    ...claims.map(({ name }) => name),
  ];
  const asked = new Set(namesIn(narrowed));
  return namesIn(study).filter((name) => !asked.has(name));
}

function narrowedTo(study: Study, profile: Profile): Study {
  const isKept = (arm: string): boolean => profile.arms.includes(arm);
  const arms = study.arms.filter(({ name }) => isKept(name));
  return {
    ...study,
    arms,
    contrasts: study.contrasts.filter(({ arm, reference }) => isKept(arm) && isKept(reference)),
    ...(study.claims && { claims: study.claims.filter((claim) => armsOfClaim(claim).every(isKept)) }),
    ...(study.maps && { maps: study.maps.filter((map) => arms.some((arm) => isOnMap(arm, map))) }),
  };
}

/** The study without clusters that its blocks do not have under these settings (`when`), such as one fixed domain. */
function withoutIdleClusters(plan: Pick<StudyPlan, 'study' | 'profile' | 'blocks' | 'settings'>): Study {
  const { blocks, ...rest } = plan.study;
  const when = Object.entries(blocks?.cluster.when ?? {});
  if (blocks === undefined || when.length === 0) return plan.study;
  const isCluster = plan.study.arms.some((arm) => {
    const config = configOf(plan, arm, arm.learningRates[0]);
    return when.every(([path, value]) => canonicalJson(valueAt(config, path) ?? null) === canonicalJson(value));
  });
  return isCluster ? plan.study : rest;
}

function checkConfig(
  plan: Pick<StudyPlan, 'study' | 'profile' | 'settings' | 'blocks'>,
  arm: Arm,
  rate: number | undefined,
): void {
  const config = configOf(plan, arm, rate);
  try {
    plan.study.recipe.check(config);
    checkSeeds(config, highestSeed(plan, arm));
    checkBlocks(plan, config, highestSeed(plan, arm));
  } catch (error) {
    const isNamed = error instanceof AssayError;
    const kind = isNamed ? error.kind : 'config';
    const where = `arm "${arm.name}"${rate === undefined ? '' : `, learning rate ${rate}`}`;
    throw new AssayError(kind, `${where}: ${messageOf(error)}`, { cause: error });
  }
}

/** The largest number a recipe gets as its block. */
function highestSeed({ study, blocks }: Pick<StudyPlan, 'study' | 'blocks'>, arm: Arm): number {
  const hasPilot = arm.learningRates.length > 1;
  const last = hasPilot ? FIRST_PILOT_BLOCK + pilotOf(study).blocks - 1 : blocks - 1;
  return last + (arm.seedOffset ?? 0);
}

/** A block that is read twice would pass for a new one. @param highest The largest number the recipe gets as its block. */
function checkBlocks(
  { study, blocks }: Pick<StudyPlan, 'study' | 'blocks'>,
  config: JsonObject,
  highest: number,
): void {
  const limit = study.recipe.blocks?.(config);
  if (limit === undefined || highest < limit.most) return;
  const { most, what, remedy = '' } = limit;
  const found = highest < blocks ? `${blocks}` : `${blocks}, numbered up to ${highest} from 0 by seedOffset or pilots`;
  throw new AssayError(
    'config',
    `expected at most ${most} blocks, since each needs a ${what} of its own, found ${found}. Give no more: --seeds ${most}, or --max-seeds ${most} with --until-decided. ${remedy}`.trimEnd(),
  );
}

/**
 * A recipe adds a run's seed to those of its config (every number at or under `seed` or `seeds`): the sum must be exact, or
 * blocks would be copies of each other.
 */
function checkSeeds(config: JsonObject, highest: number): void {
  const most = Number.MAX_SAFE_INTEGER - highest;
  for (const path of pathsOf(config)) {
    const value = valueAt(config, path);
    if (!/(?:^|\.)seeds?(?:\.|$)/.test(path) || typeof value !== 'number' || Math.abs(value) <= most) continue;
    throw new AssayError(
      'config',
      `${path}: expected a seed of at most ${most}, since blocks are added to it; found ${value}.`,
    );
  }
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
