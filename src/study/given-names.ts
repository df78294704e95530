/**
 * What a study asks for, held against what its recipe says that runs record (`Recipe.gives`) and where its levels go
 * (`Recipe.levelsPath`): a name that no arm gives is refused before any run.
 */
import { nearestName } from '#base/errors.ts';
import { canonicalJson, isJsonObject, type JsonObject } from '#base/json.ts';
import type { Axis, Study } from '#study/study.ts';

import { isSameBranch, valueAt } from './settings.ts';

/** A name that a study asks for, and where. */
interface Asked {
  readonly what: 'axis' | 'outcome';
  readonly name: string;
  readonly path: string;
}

/**
 * A study whose config says the levels of its axes: those of `matchOn`, where the recipe has a place for them, the study's
 * own `set` says nothing of them, and they are not the recipe's defaults anyway.
 */
export function withLevels(study: Study): Study {
  const { levelsPath, defaults } = study.recipe;
  const known = levelsPath === undefined ? undefined : valueAt(defaults, levelsPath);
  if (levelsPath === undefined || !isJsonObject(known)) return study;
  const isSaid = Object.keys(study.set ?? {}).some((path) => isSameBranch(path, levelsPath));
  const own = study.matchOn.filter(({ name }) => Object.hasOwn(known, name));
  if (isSaid || own.every(({ name, levels }) => canonicalJson(known[name] ?? null) === canonicalJson(levels))) {
    return study;
  }
  const levels = Object.fromEntries(own.map((axis) => [axis.name, axis.levels]));
  return { ...study, set: { ...study.set, [levelsPath]: levels } };
}

/** Names that no run records, and levels that none is measured at. @param configs Those of every arm, resolved. */
export function givenProblems(study: Study, configs: readonly JsonObject[]): string[] {
  return [...nameProblems(study, configs), ...study.matchOn.flatMap((axis) => levelProblems(study, axis, configs))];
}

function nameProblems(study: Study, configs: readonly JsonObject[]): string[] {
  const gives = configs.flatMap((config) => study.recipe.gives?.(config) ?? []);
  if (gives.length === 0) return [];
  const axes = [...new Set(gives.flatMap((one) => one.axes))];
  const outcomes = [...new Set(gives.flatMap((one) => one.outcomes ?? []))];
  const areOutcomesKnown = gives.every((one) => one.outcomes !== undefined);
  return namesAsked(study).flatMap(({ what, name, path }) => {
    if (what === 'outcome' && !areOutcomesKnown) return [];
    const known = what === 'axis' ? axes : outcomes;
    if (known.includes(name)) return [];
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `It gives no ${what}.` : `The nearest it gives is "${nearest}".`;
    return [`${path}: recipe "${study.recipe.name}" gives no ${what} "${name}". ${hint}`];
  });
}

function namesAsked({ matchOn, outcomes, coherence, claims = [], maps = [] }: Study): Asked[] {
  return [
    ...matchOn.map(({ name }, i): Asked => ({ what: 'axis', name, path: `matchOn[${i}].name` })),
    ...outcomes.map(({ name }, i): Asked => ({ what: 'outcome', name, path: `outcomes[${i}].name` })),
    ...(coherence === undefined
      ? []
      : [{ what: 'outcome', name: coherence.outcome, path: 'coherence.outcome' } as const]),
    ...[
      ...claims.map(({ at }, i) => ({ at, path: `claims[${i}]` })),
      ...maps.map(({ at }, i) => ({ at, path: `maps[${i}]` })),
    ].flatMap(({ at, path }): Asked[] =>
      at.kind === 'given' ? [{ what: 'axis', name: at.axis, path: `${path}.at.axis` }] : [],
    ),
  ];
}

/** Levels of an axis at which some arm's config measures nothing. */
function levelProblems({ recipe, matchOn }: Study, axis: Axis, configs: readonly JsonObject[]): string[] {
  const { levelsPath } = recipe;
  if (levelsPath === undefined) return [];
  const at = `matchOn[${matchOn.indexOf(axis)}].levels`;
  const problems = configs.flatMap((config) => {
    const levels = valueAt(config, levelsPath);
    const measured = isJsonObject(levels) ? levels[axis.name] : undefined;
    if (!Array.isArray(measured)) return [];
    const lacking = axis.levels.find((level) => !measured.includes(level));
    return lacking === undefined
      ? []
      : [`${at}: level ${lacking} is not measured: ${levelsPath}.${axis.name} is ${measured.join(', ') || 'empty'}`];
  });
  return [...new Set(problems)];
}
