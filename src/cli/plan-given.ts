/** From the options of `plan`, `run` and `report` to a study's plan. */
import { AssayError } from '#base/errors.ts';
import { planStudy, type StudyPlan } from '#study/plan.ts';
import { parseSetting } from '#study/settings.ts';
import type { ProfileName, Study } from '#study/study.ts';

import type { Given, OptionName } from './options.ts';

const PROFILES: readonly ProfileName[] = ['quick', 'standard', 'full'];

/** The options that say what is planned. */
export const PLAN_OPTIONS: readonly OptionName[] = ['profile', 'seeds', 'set'];

/** The plan of a study under the given options; `blocks` over `--seeds`. @throws AssayError on bad values. */
export function planGiven(study: Study, given: Given, blocks = given.count('seeds')): StudyPlan {
  const name = given.text('profile') ?? 'quick';
  const profile = PROFILES.find((candidate) => candidate === name);
  if (profile === undefined)
    throw new AssayError('usage', `--profile expects ${PROFILES.join(', ')}; found "${name}".`);
  const settings = given.texts('set').map(parseSetting);
  return planStudy(study, {
    profile,
    settings,
    ...(blocks === undefined ? {} : { blocks }),
    ...(given.flag('until-decided') ? { design: 'sequential' } : {}),
  });
}
