/**
 * What makes two runs the same run.
 * Only what differs from the recipe's defaults is hashed, so that a field added with its default keeps old ids;
 * the store keeps each run's whole config, and `contradiction` catches a default that changed under an old id.
 */
import { canonicalJson, contentHash, isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import type { Recipe } from '#study/recipe.ts';

import { pathsOf, valueAt, withValueAt } from './settings.ts';

/** The two identities of a run: what was trained, and what was measured on it. */
export interface RunIdentity {
  readonly trainId: string;
  readonly measureId: string;
}

/** The identity of a recipe's run of a resolved config under a seed; sha256 in hex. */
export function identityOf(
  recipe: Pick<Recipe, 'name' | 'semanticsVersion' | 'defaults' | 'measurePaths'>,
  config: JsonObject,
  seed: number,
  inputs: Readonly<Record<string, string>>,
  measuredBy: Readonly<Record<string, string>> = {},
): RunIdentity {
  const changed = changesFrom(recipe.defaults, config);
  const measured = onlyPaths(changed, recipe.measurePaths);
  const trained = withoutPaths(changed, recipe.measurePaths);
  const trainId = contentHash({
    recipe: recipe.name,
    semanticsVersion: recipe.semanticsVersion,
    config: trained,
    seed,
    inputs,
  });
  const by = Object.keys(measuredBy).length === 0 ? {} : { measuredBy };
  return { trainId, measureId: contentHash({ trainId, measure: measured, ...by }) };
}

/**
 * Where a stored config and today's config of the same identity disagree: the first such path, or undefined.
 * A path only today's config has is a field added since, and no contradiction.
 */
export function contradiction(stored: JsonObject, current: JsonObject): string | undefined {
  return pathsOf(stored).find((path) => {
    const [before, now] = [valueAt(stored, path), valueAt(current, path)];
    if (now === undefined) return true;
    if (isJsonObject(before)) return !isJsonObject(now);
    return canonicalJson(before) !== canonicalJson(now);
  });
}

/** The parts of `config` that differ from `defaults`; a tagged union of another kind counts as a whole. */
export function changesFrom(defaults: JsonObject, config: JsonObject): JsonObject {
  const changed: Record<string, Json> = {};
  for (const [key, value] of Object.entries(config)) {
    const before = defaults[key];
    if (before !== undefined && canonicalJson(before) === canonicalJson(value)) continue;
    const isSameObject = isJsonObject(before) && isJsonObject(value) && before['kind'] === value['kind'];
    changed[key] = isSameObject ? changesFrom(before, value) : value;
  }
  return changed;
}

function onlyPaths(config: JsonObject, paths: readonly string[]): JsonObject {
  return paths.reduce<JsonObject>((kept, path) => {
    const value = valueAt(config, path);
    return value === undefined ? kept : withValueAt(kept, path, value);
  }, {});
}

function withoutPaths(config: JsonObject, paths: readonly string[], prefix = ''): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(config)) {
    const path = `${prefix}${key}`;
    if (paths.includes(path)) continue;
    if (isJsonObject(value) && paths.some((measured) => measured.startsWith(`${path}.`))) {
      const rest = withoutPaths(value, paths, `${path}.`);
      // A parent left empty only held measured parts.
      if (Object.keys(rest).length > 0) kept[key] = rest;
    } else {
      kept[key] = value;
    }
  }
  return kept;
}
