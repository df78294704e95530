/**
 * From what an author wrote to a study: made whole, and checked so that mistakes show at import and all at once.
 * Invariant: nothing is taken on trust, since a study file's types need never have been checked; a study that was
 * defined comes out of a second definition the same.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { configOf, ratesOf } from '#study/plan.ts';
import type { Arm, ArmInput, ProfileName, Study, StudyInput } from '#study/study.ts';

import { claimProblems, mapProblems, type Named } from './claim-checks.ts';
import { givenProblems, withLevels } from './given-names.ts';
import { isBroken, type Placed, placed } from './problems.ts';
import { isRecord, type Misfit, shown } from './shape.ts';
import {
  armProblems,
  blockProblems,
  contrastProblems,
  measureProblems,
  pilotProblems,
  profileProblems,
  recipeProblems,
  wordProblems,
} from './study-checks.ts';
import { misfitsOf } from './study-shape.ts';

/**
 * The study that an author wrote, whole: parts that are not asked are empty, and the levels of its axes stand in its config.
 * @throws AssayError listing every problem found, each with its path.
 */
export function defineStudy(input: StudyInput): Study {
  if (!isRecord(input)) throw new AssayError('config', `Expected a study, found ${shown(input)}.`);
  const misfits = misfitsOf(input);
  const study = withLevels(wholeOf(soundPart(input, misfits)));
  const problems = [
    ...misfits.map(({ path, what }) => `${path}: ${what}`),
    ...consistencyProblems(study, input, misfits),
  ];
  // Settings are only worth resolving once names and profiles make sense.
  if (problems.length === 0) problems.push(...settingProblems(study));
  if (problems.length === 0) return study;
  const lines = [...new Set(problems)].map((problem) => `\n  - ${problem}`).join('');
  throw new AssayError('config', `Study ${shown(input['name'])} is not consistent:${lines}`);
}

/** What was written, without the parts that are no such thing: what is left can be looked at as what it claims to be. */
function soundPart(input: StudyInput, misfits: readonly Misfit[]): StudyInput {
  const isSound = (key: string): boolean => !isBroken(key, misfits);
  const items = <Item>(key: string, list: readonly Item[] | undefined): Item[] =>
    placed(key, list, misfits).map(({ item }) => item);
  const { recipe, profiles, coherence, blocks, pilot, set, matchOn, contrasts, claims, maps, ...rest } = input;
  return {
    ...rest,
    recipe: isSound('recipe') ? recipe : NO_RECIPE,
    profiles: isSound('profiles') ? profiles : { quick: { arms: [], blocks: 1 } },
    outcomes: items('outcomes', input.outcomes),
    arms: items('arms', input.arms),
    ...(matchOn && { matchOn: items('matchOn', matchOn) }),
    ...(contrasts && { contrasts: items('contrasts', contrasts) }),
    ...(claims && { claims: items('claims', claims) }),
    ...(maps && { maps: items('maps', maps) }),
    ...(coherence && isSound('coherence') && { coherence }),
    ...(blocks && isSound('blocks') && { blocks }),
    ...(pilot && isSound('pilot') && { pilot }),
    ...(set && isSound('set') && { set }),
  };
}

const NO_RECIPE: Study['recipe'] = {
  name: '',
  semanticsVersion: 0,
  defaults: {},
  measurePaths: [],
  check: () => {},
  run: async () => ({ kind: 'finished' }),
};

function wholeOf(input: StudyInput): Study {
  const { matchOn = [], contrasts = [], arms, ...rest } = input;
  return { ...rest, matchOn, contrasts, arms: arms.map((arm) => ({ ...arm, learningRates: ratesIn(arms, arm) })) };
}

/** Its own rates, or those of the arm it names. */
function ratesIn(arms: readonly ArmInput[], { learningRates, ratesLike }: ArmInput): Arm['learningRates'] {
  return learningRates ?? arms.find(({ name }) => name === ratesLike)?.learningRates ?? [];
}

/** Each check is made where what it reads is shaped as it should be; lists are read without their broken items. */
function consistencyProblems(study: Study, input: StudyInput, misfits: readonly Misfit[]): string[] {
  const isSound = (...keys: readonly string[]): boolean => !keys.some((key) => isBroken(key, misfits));
  const named: Named = {
    arms: namesIn(input.arms),
    outcomes: namesIn(input.outcomes),
    axes: namesIn(input.matchOn),
    hasProfiles: isSound('profiles'),
  };
  const at = <Item>(key: string, list: readonly Item[] | undefined): Placed<Item>[] => placed(key, list, misfits);
  const arms = placed('arms', input.arms, misfits).map(({ path, item }) => ({
    path,
    item: { ...item, learningRates: ratesIn(study.arms, item) },
  }));
  return [
    ...(isSound('name') ? wordProblems(study) : []),
    ...(isSound('recipe') ? recipeProblems(study) : []),
    ...(isSound('matchOn', 'outcomes', 'contrasts')
      ? measureProblems(study, at('matchOn', input.matchOn), at('outcomes', input.outcomes))
      : []),
    ...(isSound('recipe', 'profiles') ? armProblems(study, arms, named.arms) : []),
    ...contrastProblems(study, at('contrasts', input.contrasts), named.arms),
    ...claimProblems(study, at('claims', input.claims), named),
    ...(isSound('arms') ? mapProblems(study, at('maps', input.maps), named) : []),
    ...(isSound('pilot', 'arms', 'matchOn') ? pilotProblems(study) : []),
    ...(isSound('profiles') ? profileProblems(study, named.arms) : []),
    ...(isSound('blocks', 'profiles') ? blockProblems(study) : []),
  ];
}

/** The names of a list's items, broken ones included: whoever names one of those is not wrong too. */
function namesIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => (isRecord(item) && typeof item['name'] === 'string' ? [item['name']] : []));
}

/** Configs that cannot be resolved, and names and levels that none of them gives. */
function settingProblems(study: Study): string[] {
  const profiles: readonly ProfileName[] = ['quick', 'standard', 'full'];
  const configs: JsonObject[] = [];
  const problems = profiles.flatMap((profile) =>
    study.arms
      .filter(({ name }) => study.profiles[profile]?.arms.includes(name))
      .flatMap((arm) => {
        try {
          configs.push(configOf({ study, profile, settings: [] }, arm, ratesOf(arm)[0]));
          return [];
        } catch (error) {
          return [messageOf(error)];
        }
      }),
  );
  return problems.length > 0 ? [...new Set(problems)] : givenProblems(study, configs);
}
