/** Arms as the cross product of factors: every combination of levels, named after them. */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Arm } from '#study/study.ts';

/** One value of a factor: the config it sets, and the learning rates to pilot where they differ from the study's. */
export interface FactorLevel {
  readonly name: string;
  readonly label?: string;
  readonly set: JsonObject;
  /** Where arms of this level stand on the factor (`Arm.at`); the level's name where absent. */
  readonly value?: number | string | boolean;
  readonly learningRates?: readonly number[];
}

/** Something that is varied. */
export interface Factor {
  readonly name: string;
  readonly levels: readonly FactorLevel[];
}

/** A factor over the values of one config path, with levels named `rank-8`. */
export function factorOf(name: string, path: string, values: readonly Json[]): Factor {
  const levels = values.map((value) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const level = { name: `${name}-${text}`, label: `${name} ${text}`, set: { [path]: value } };
    return isPlace(value) ? { ...level, value } : level;
  });
  return { name, levels };
}

/** Whether a value can be a place on a line or in a row. */
function isPlace(value: Json): value is number | string | boolean {
  return value !== null && typeof value !== 'object';
}

/**
 * All combinations, the last factor fastest; a level's learning rates win over `learningRates`, later factors over earlier.
 * Each arm says in `at` where it stands on every factor.
 * @param learningRates Rates to pilot where no level names its own; none where arms run at their config's own.
 * @throws AssayError where a factor has no levels or two factors set the same path.
 */
export function crossFactors(factors: readonly Factor[], learningRates: readonly number[] = []): Arm[] {
  let arms: Arm[] = [{ name: '', label: '', set: {}, learningRates, at: {} }];
  for (const factor of factors) {
    if (factor.levels.length === 0) {
      throw new AssayError('config', `Factor "${factor.name}": expected at least one level, found none.`);
    }
    arms = arms.flatMap((arm) => factor.levels.map((level) => crossed(arm, level, factor.name)));
  }
  return arms;
}

function crossed(arm: Arm, level: FactorLevel, factorName: string): Arm {
  const twice = Object.keys(level.set).find((path) => Object.hasOwn(arm.set, path));
  if (twice !== undefined) {
    throw new AssayError('config', `Factor "${factorName}": "${twice}" is already set by an earlier factor.`);
  }
  return {
    name: joined('-', arm.name, level.name),
    label: joined(', ', arm.label, level.label ?? level.name),
    set: { ...arm.set, ...level.set },
    learningRates: level.learningRates ?? arm.learningRates,
    at: { ...arm.at, [factorName]: level.value ?? level.name },
  };
}

function joined(separator: string, first: string, second: string): string {
  return first === '' ? second : `${first}${separator}${second}`;
}
