/** From the options of `plan`, `run` and `report` to a study's plan. */
import { AssayError } from '#base/errors.ts';
import { planStudy, type StudyPlan } from '#study/plan.ts';
import { parseSetting } from '#study/settings.ts';
import type { ProfileName, Study } from '#study/study.ts';

import { type Chosen, withDownloads } from '#desk/hub/download-models.ts';
import type { Given, OptionName } from './options.ts';
import type { Terminal } from './terminal.ts';

const PROFILES: readonly ProfileName[] = ['quick', 'standard', 'full'];

/** The options that say what is planned. */
export const PLAN_OPTIONS: readonly OptionName[] = ['profile', 'seeds', 'set'];

/** A study with the settings given, models on the hub fetched. @throws AssayError on a bad setting or a failed download. */
export async function chosenStudy(study: Study, given: Given, terminal: Terminal, isJson: boolean): Promise<Chosen> {
  return withDownloads(
    { study, settings: given.texts('set').map(parseSetting) },
    { environment: process.env, audience: terminal, isJson },
  );
}

/** The plan of a study under the given options; `blocks` over `--seeds`. @throws AssayError on bad values. */
export function planGiven({ study, settings }: Chosen, given: Given, blocks = given.count('seeds')): StudyPlan {
  const name = given.text('profile') ?? 'quick';
  const profile = PROFILES.find((candidate) => candidate === name);
  if (profile === undefined)
    throw new AssayError('usage', `--profile expects ${PROFILES.join(', ')}; found "${name}".`);
  const design = given.flag('until-decided') ? 'sequential' : 'fixed';
  return planStudy(study, { profile, design, settings, ...(blocks === undefined ? {} : { blocks }) });
}
