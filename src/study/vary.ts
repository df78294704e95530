/**
 * Settings that choose what is varied: `factors.NAME=[...]`, `learningRates=[...]` and `control=...` make a study's arms
 * anew, where all other settings change what its arms have in common.
 * Invariant: they stand among a plan's settings like the others, so a stored plan is made again from its record.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json } from '#base/json.ts';
import type { Study } from '#study/study.ts';

import { type Setting, valueAt } from './settings.ts';

const FACTORS = 'factors';
const LEARNING_RATES = 'learningRates';
const CONTROL = 'control';

/** Whether a setting chooses arms; a recipe's own path of that name comes first. */
export function isVariation(study: Pick<Study, 'recipe'>, { path }: Setting): boolean {
  const [first = ''] = path.split('.');
  const isChoice = first === FACTORS || path === LEARNING_RATES || path === CONTROL;
  return isChoice && valueAt(study.recipe.defaults, first) === undefined;
}

/**
 * The study with the factors and rates that the settings choose; of two settings of one factor the later counts.
 * @throws AssayError where the study's arms are fixed, or a factor or level is unknown.
 */
export function variedBy(study: Study, settings: readonly Setting[]): Study {
  const chosen = settings.filter((setting) => isVariation(study, setting));
  const [first] = chosen;
  if (first === undefined) return study;
  if (study.vary === undefined) {
    throw new AssayError(
      'usage',
      `${first.from}: "${first.path}": the arms of study "${study.name}" stand in its file; only those of finetuneStudy can be chosen here.`,
    );
  }
  const factors = new Map<string, Json>();
  const [rates, control] = [LEARNING_RATES, CONTROL].map((name) => chosen.findLast(({ path }) => path === name));
  for (const { path, value, from } of chosen) {
    if (path.startsWith(`${FACTORS}.`)) factors.set(path.slice(FACTORS.length + 1), value);
    else if (path === FACTORS && isJsonObject(value))
      for (const [name, of] of Object.entries(value)) factors.set(name, of);
    else if (path === FACTORS) {
      throw new AssayError(
        'config',
        `${from}: factors: expected an object of levels by factor, found ${JSON.stringify(value)}.`,
      );
    }
  }
  return study.vary({
    factors: Object.fromEntries(factors),
    ...(rates === undefined ? {} : { learningRates: rates.value }),
    ...(control === undefined ? {} : { control: control.value }),
  });
}
