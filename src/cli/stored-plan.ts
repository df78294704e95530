/** From the options of `status`, `report` and `export` to the plan in the store that `run` made under the same options. */
import { AssayError } from '#base/errors.ts';
import { canonicalJson } from '#base/json.ts';
import type { PlanRecord } from '#store/records.ts';
import type { StoreReader } from '#store/store.ts';
import { type Design, planStudy, type StudyPlan } from '#study/plan.ts';
import { presentSetting, type Setting } from '#study/settings.ts';
import type { ProfileName, Study } from '#study/study.ts';

import { type Chosen, withDownloads } from '#desk/hub/download-models.ts';
import { planOptions, shellWord } from './command-text.ts';
import type { Given, OptionName } from './options.ts';
import { chosenStudy, PLAN_OPTIONS, planGiven } from './plan-given.ts';
import type { Terminal } from './terminal.ts';

/** The options that say which plan is looked at; without any of them it is the one saved last. */
export const STORED_PLAN_OPTIONS: readonly OptionName[] = [...PLAN_OPTIONS, 'until-decided', 'max-seeds'];

/**
 * The stored plan of a study under the given options.
 * @throws AssayError where the store has none, listing those it has.
 */
export async function storedPlan(
  store: StoreReader,
  study: Study,
  given: Given,
  terminal: Terminal,
): Promise<PlanRecord> {
  const plans = await store.plans(study.name);
  const [latest] = plans;
  if (latest === undefined) {
    throw new AssayError('usage', `The store has no runs of "${study.name}". Make them with: assay run ${study.name}`);
  }
  const isAsked = STORED_PLAN_OPTIONS.some((name) => given.flag(name) || given.texts(name).length > 0);
  if (!isAsked) return latest;
  const record = plans.find(matchOf(await chosenStudy(study, given, terminal, false), given));
  if (record !== undefined) return record;
  const known = [...new Set(plans.map((plan) => `\n  ${optionsText(plan)}`))];
  throw new AssayError(
    'usage',
    `The store has no runs of "${study.name}" with these options. It has:${known.join('')}`,
  );
}

/** Whether a stored plan is what `run` makes of the options; of a sequential study, its last look. */
function matchOf(chosen: Chosen, given: Given): (record: PlanRecord) => boolean {
  const wanted = planGiven(chosen, given);
  const most = given.count('max-seeds') ?? Infinity;
  const isBlocks = (blocks: number): boolean =>
    wanted.design === 'sequential' && given.count('seeds') === undefined ? blocks <= most : blocks === wanted.blocks;
  const settings = settingsText(wanted.settings);
  return (record) => {
    const stored = optionsOf(record);
    const isPlan = stored.profile === wanted.profile && stored.design === wanted.design;
    return isPlan && isBlocks(stored.blocks) && settingsText(stored.settings) === settings;
  };
}

function settingsText(settings: readonly Setting[]): string {
  return canonicalJson(settings.map(({ path, value }) => [path, value]));
}

/** What was chosen beside the study. */
interface StoredOptions {
  readonly profile: ProfileName;
  readonly blocks: number;
  readonly design: Design;
  readonly settings: readonly Setting[];
}

function optionsOf({ profile: name, blocks, design, settings }: PlanRecord): StoredOptions {
  const profiles: readonly ProfileName[] = ['quick', 'standard', 'full'];
  const profile = profiles.find((candidate) => candidate === name) ?? 'quick';
  return { profile, blocks, design, settings };
}

/** The plan a record was made from, by today's study with models on the hub fetched; says so if the study has changed since. */
export async function planAgain(given: Study, record: PlanRecord, terminal: Terminal): Promise<StudyPlan> {
  const downloading = { environment: process.env, audience: terminal, isJson: false };
  const { study } = await withDownloads({ study: given, settings: [] }, downloading);
  const options = optionsOf(record);
  const { defaults, formerPaths } = study.recipe;
  const settings = options.settings.map((setting) => presentSetting(defaults, setting, formerPaths));
  const plan = planStudy(study, { ...options, settings });
  if (plan.planId !== record.planId) {
    terminal.note(
      `warning: study "${study.name}" has changed since these runs were planned; run it again to make what is missing`,
    );
  }
  return plan;
}

/** A record's options as words of the command line. */
export function optionsText(record: PlanRecord): string {
  return planOptions(optionsOf(record)).map(shellWord).join(' ');
}
