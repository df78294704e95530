/** The check of claims and maps against the rest of their study: names, levels, and what could never be answered. */
import { canonicalJson, type Json } from '#base/json.ts';
import type { Study } from '#study/study.ts';

import { armsOfClaim, type Claim, isOnMap, type Place, type StudyMap } from './claim.ts';
import { type Placed, repeated, unknownName, unordered, when } from './problems.ts';

/** What claims and maps may name. */
export interface Named {
  readonly arms: readonly string[];
  readonly outcomes: readonly string[];
  readonly axes: readonly string[];
  /** Whether the study's profiles can be read. */
  readonly hasProfiles: boolean;
}

/** Everything wrong with claims, each with its path. */
export function claimProblems(study: Study, claims: readonly Placed<Claim>[], named: Named): string[] {
  const texts = claims.map(({ path, item }) => ({ path, item: canonicalJson({ ...item, name: undefined }) }));
  return [
    ...claims.flatMap((claim) => [
      ...unknownName(`${claim.path}.arm`, 'arm', claim.item.arm, named.arms),
      ...againstProblems(claim, study, named),
      ...placeProblems(`${claim.path}.at`, claim.item.at, study, named),
      ...trendProblems(claim, study),
      ...asksProblems(claim),
      ...outcomeProblems(claim, study, named),
      ...profileProblems(claim, study, named),
    ]),
    ...repeated(
      'claim',
      claims.map(({ path, item }) => ({ path: `${path}.name`, item: item.name })),
    ),
    ...texts.flatMap(({ path, item }, i) => {
      const first = texts.findIndex((one) => one.item === item);
      return when(first < i, `${path}: asks the same as ${texts[first]?.path ?? ''}; leave one of them out`);
    }),
  ];
}

function againstProblems({ path, item }: Placed<Claim>, study: Study, { arms, outcomes }: Named): string[] {
  const { arm, against } = item;
  const at = `${path}.against`;
  switch (against.kind) {
    case 'value':
      return [];
    case 'arm':
      return [
        ...unknownName(`${at}.arm`, 'arm', against.arm, arms),
        ...when(against.arm === arm, `${at}.arm: expected another arm, found "${arm}" against itself`),
      ];
    case 'outcome':
      return [
        ...unknownName(`${at}.outcome`, 'outcome', against.outcome, outcomes),
        ...when(
          spokenOf(item, study).includes(against.outcome),
          `${at}.outcome: expected another outcome, found "${against.outcome}" against itself; say in "outcomes" what is compared with it`,
        ),
      ];
    case 'arms': {
      const weights = Object.entries(against.weights);
      const isItself = weights.every(([name, weight]) => name === arm && weight === 1);
      return [
        ...when(weights.length === 0, `${at}.weights: expected a weight for at least one arm, found none`),
        ...weights.flatMap(([name, weight]) => [
          ...unknownName(`${at}.weights`, 'arm', name, arms),
          ...when(weight === 0, `${at}.weights: expected weights other than 0, found 0 for "${name}"; leave it out`),
        ]),
        ...when(weights.length > 0 && isItself, `${at}.weights: expected other arms, found "${arm}" against itself`),
      ];
    }
    default:
      return against satisfies never;
  }
}

/** The outcomes a claim speaks of. */
function spokenOf({ outcomes }: Claim, study: Study): readonly string[] {
  return outcomes ?? study.outcomes.flatMap(({ name, role }) => (role === 'confirmatory' ? [name] : []));
}

function placeProblems(path: string, at: Place, { matchOn }: Study, { axes }: Named): string[] {
  if (at.kind === 'end') return [];
  if (at.kind === 'given') return unordered(`${path}.levels`, at.levels);
  const axis = matchOn.find(({ name }) => name === at.axis);
  if (axis === undefined) return unknownName(`${path}.axis`, 'axis of matchOn', at.axis, axes);
  const picked = at.levels ?? [];
  const strange = picked.find((level) => !axis.levels.includes(level));
  return [
    ...when(axis.levels.length === 0, `${path}.axis: axis "${axis.name}" has no levels to read anything at`),
    ...unordered(`${path}.levels`, picked),
    ...when(
      strange !== undefined,
      `${path}.levels: expected some of the levels of axis "${axis.name}" (${axis.levels.join(', ')}), found ${strange}`,
    ),
  ];
}

/** A line needs two levels, and on a log scale levels above 0. */
function trendProblems({ path, item: { at } }: Placed<Claim>, { matchOn }: Study): string[] {
  const axis = matchOn.find((one) => at.kind === 'trend' && one.name === at.axis);
  if (at.kind !== 'trend' || axis === undefined) return [];
  const levels = at.levels ?? axis.levels;
  return [
    ...when(levels.length === 1, `${path}.at.levels: expected at least two levels for a trend, found one`),
    ...when(
      at.scale === 'log' && levels.some((level) => !(level > 0)),
      `${path}.at.scale: expected levels above 0 on a log scale, found ${levels.join(', ')}`,
    ),
  ];
}

function asksProblems({ path, item: { asks } }: Placed<Claim>): string[] {
  if (asks.kind === 'question') return [];
  const { expect, direction } = asks;
  return when(
    expect !== 'differs' && direction !== undefined,
    `${path}.asks.direction: a direction is for what must differ, found expect "${expect}"`,
  );
}

function outcomeProblems({ path, item }: Placed<Claim>, study: Study, { outcomes }: Named): string[] {
  if (item.outcomes === undefined) {
    return when(
      spokenOf(item, study).length === 0,
      `${path}.outcomes: expected outcomes to speak of, since none of the study is confirmatory; found nothing`,
    );
  }
  const own = item.outcomes.map((name, i) => ({ path: `${path}.outcomes[${i}]`, item: name }));
  return [...own.flatMap((one) => unknownName(one.path, 'outcome', one.item, outcomes)), ...repeated('outcome', own)];
}

/** A claim is asked in the profiles that have all its arms; in none is never. */
function profileProblems({ path, item }: Placed<Claim>, { profiles }: Study, { arms, hasProfiles }: Named): string[] {
  const needed = armsOfClaim(item);
  if (!hasProfiles || !needed.every((arm) => arms.includes(arm))) return [];
  const isAsked = Object.values(profiles).some((profile) => needed.every((arm) => profile.arms.includes(arm)));
  return when(!isAsked, `${path}: no profile has all its arms (${needed.join(', ')}), so it is never asked`);
}

/** Everything wrong with maps, each with its path. */
export function mapProblems(study: Study, maps: readonly Placed<StudyMap>[], named: Named): string[] {
  const factors = [...new Set(study.arms.flatMap(({ at = {} }) => Object.keys(at)))];
  return [
    ...maps.flatMap(({ path, item }) => [
      ...factorProblems(path, item, study, factors),
      ...unknownName(`${path}.outcome`, 'outcome', item.outcome, named.outcomes),
      ...(item.theory === undefined ? [] : theoryProblems(path, item, named.outcomes)),
      ...placeProblems(`${path}.at`, item.at, study, named),
      ...onePlace(path, item, study),
    ]),
    ...repeated(
      'map',
      maps.map(({ path, item }) => ({ path: `${path}.name`, item: item.name })),
    ),
  ];
}

function factorProblems(path: string, map: StudyMap, { arms }: Study, factors: readonly string[]): string[] {
  const { x, y, difference, only } = map;
  const unknown = [
    ...(only === undefined ? [] : unknownName(`${path}.only.factor`, "factor of any arm's `at`", only.factor, factors)),
    ...unknownName(`${path}.x`, "factor of any arm's `at`", x, factors),
    ...unknownName(`${path}.y`, "factor of any arm's `at`", y, factors),
  ];
  const shown = arms.filter((arm) => isOnMap(arm, map));
  return [
    ...unknown,
    ...when(x === y, `${path}.y: expected another factor than x, found "${y}" for both`),
    ...when(
      unknown.length === 0 && shown.length === 0,
      `${path}: no arm stands at both "${x}" and "${y}"${only === undefined ? '' : ` with ${only.factor} = ${JSON.stringify(only.value)}`}`,
    ),
    ...(difference === undefined ? [] : differenceProblems(path, map, difference, shown, factors)),
  ];
}

function differenceProblems(
  path: string,
  { x, y }: StudyMap,
  { factor, from, to }: NonNullable<StudyMap['difference']>,
  shown: Study['arms'],
  factors: readonly string[],
): string[] {
  const at = `${path}.difference`;
  const unknown = unknownName(`${at}.factor`, "factor of any arm's `at`", factor, factors);
  if (unknown.length > 0) return unknown;
  const values = shown.flatMap(({ at: own = {} }) => own[factor] ?? []);
  const isThere = (value: Json): boolean => values.some((own) => canonicalJson(own) === canonicalJson(value));
  const lacking = (['from', 'to'] as const).filter((name) => !isThere({ from, to }[name]));
  return [
    ...when(factor === x || factor === y, `${at}.factor: expected a factor beside x and y, found "${factor}"`),
    ...when(canonicalJson(from) === canonicalJson(to), `${at}.to: expected another value than from, found the same`),
    ...lacking.map((name) => `${at}.${name}: no arm of the map has ${factor} = ${JSON.stringify({ from, to }[name])}`),
  ];
}

function theoryProblems(path: string, { outcome, theory = '' }: StudyMap, outcomes: readonly string[]): string[] {
  return [
    ...unknownName(`${path}.theory`, 'outcome', theory, outcomes),
    ...when(theory === outcome, `${path}.theory: expected another outcome, found "${theory}" against itself`),
  ];
}

/** A cell shows one number. */
function onePlace(path: string, { at }: StudyMap, { matchOn }: Study): string[] {
  if (at.kind === 'end') return [];
  const own = at.kind === 'crossed' ? matchOn.find(({ name }) => name === at.axis)?.levels : undefined;
  const levels = at.levels ?? own ?? [];
  return when(
    levels.length > 1,
    `${path}.at.levels: expected one level, since a cell shows one number; found ${levels.join(', ')}`,
  );
}
