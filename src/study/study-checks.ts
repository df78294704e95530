/** The check of a study's parts against each other: names that lead nowhere, orders, counts, and what could never be run. */
import { isEverywhere } from '#base/json.ts';
import { FIRST_PILOT_BLOCK } from '#study/plan.ts';
import type { Arm, Axis, Contrast, Outcome, Profile, Study } from '#study/study.ts';

import { type Placed, repeated, unknownName, unordered, when } from './problems.ts';
import { valueAt } from './settings.ts';

/** Name and question. */
export function wordProblems({ name }: Study): string[] {
  return when(!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name), `name: expected kebab-case, found "${name}"`);
}

/** Paths that the recipe's own defaults do not have. */
export function recipeProblems({ recipe }: Study): string[] {
  const { learningRatePath, levelsPath, measurePaths, stopRule } = recipe;
  const paths = {
    ...(learningRatePath !== undefined && { learningRatePath }),
    ...(levelsPath !== undefined && { levelsPath }),
    ...(stopRule !== undefined && { 'stopRule.path': stopRule.path }),
    ...Object.fromEntries(measurePaths.map((path, i) => [`measurePaths[${i}]`, path])),
  };
  return Object.entries(paths).flatMap(([place, path]) =>
    when(
      valueAt(recipe.defaults, path) === undefined,
      `recipe.${place}: the defaults of "${recipe.name}" have no path "${path}"`,
    ),
  );
}

/** Names and levels of axes and outcomes. */
export function measureProblems(
  study: Study,
  axes: readonly Placed<Axis>[],
  outcomes: readonly Placed<Outcome>[],
): string[] {
  const names = [...axes, ...outcomes].map(({ path, item }) => ({ path: `${path}.name`, item: item.name }));
  return [
    ...repeated('axis or outcome', names),
    ...names.flatMap(({ path, item }) =>
      when(isEverywhere(item), `${path}: expected a name that not every object has, found "${item}"`),
    ),
    ...axes.flatMap(({ path, item: { levels } }) => [
      ...when(
        levels.length === 0 && study.contrasts.length > 0,
        `${path}.levels: expected at least one level to match on, found none`,
      ),
      ...unordered(`${path}.levels`, levels),
    ]),
    ...when(
      study.contrasts.length > 0 && study.matchOn.length === 0,
      'matchOn: contrasts compare arms at matched levels: expected at least one axis, found none',
    ),
  ];
}

/** Rates, seeds and factors of arms. */
export function armProblems(study: Study, arms: readonly Placed<Arm>[], names: readonly string[]): string[] {
  const mostBlocks = Math.max(...Object.values(study.profiles).map(({ blocks }) => blocks));
  const each = arms.flatMap(({ path, item: { seedOffset } }) =>
    when(
      seedOffset !== undefined && !isSeparate(seedOffset, mostBlocks),
      `${path}.seedOffset: expected a whole number above the largest profile's ${mostBlocks} blocks and below half of ${FIRST_PILOT_BLOCK}, found ${seedOffset}`,
    ),
  );
  return [
    ...repeated(
      'arm',
      arms.map(({ path, item }) => ({ path: `${path}.name`, item: item.name })),
    ),
    ...each,
    ...arms.flatMap((arm) => rateProblems(study, arm, names)),
    ...factorProblems(arms),
  ];
}

function rateProblems({ arms, recipe }: Study, { path, item }: Placed<Arm>, names: readonly string[]): string[] {
  const { name, learningRates, ratesLike } = item;
  const other = arms.find((arm) => arm.name === ratesLike);
  const isOwn = other !== undefined && learningRates.join() !== other.learningRates.join();
  return [
    ...when(
      !isAscending(learningRates),
      `${path}.learningRates: expected ascending rates above 0, found ${learningRates.join(', ')}`,
    ),
    ...when(
      learningRates.length > 0 && recipe.learningRatePath === undefined,
      `${path}.learningRates: recipe "${recipe.name}" has no learning rate; leave them out`,
    ),
    ...(ratesLike === undefined ? [] : unknownName(`${path}.ratesLike`, 'arm', ratesLike, names)),
    ...when(ratesLike === name, `${path}.ratesLike: expected another arm, found the arm itself`),
    ...when(
      ratesLike !== name && other?.ratesLike !== undefined,
      `${path}.ratesLike: arm "${ratesLike}" takes its rates from "${other?.ratesLike}"; name that arm`,
    ),
    ...when(isOwn, `${path}.learningRates: the arm takes the rates of "${ratesLike}"; leave its own out`),
  ];
}

/** A factor's values are of one type, and simple enough to be a place on a line or in a row. */
function factorProblems(arms: readonly Placed<Arm>[]): string[] {
  const types = new Map<string, string>();
  return arms.flatMap(({ path, item: { at = {} } }) =>
    Object.entries(at).flatMap(([factor, value]) => {
      const [place, type] = [`${path}.at[${JSON.stringify(factor)}]`, typeof value];
      if (value === null || type === 'object') {
        return [`${place}: expected a number, a text, true or false; found ${JSON.stringify(value)}`];
      }
      const first = types.get(factor) ?? type;
      types.set(factor, first);
      return when(
        type !== first,
        `${place}: expected a ${first} as in the arms before, found ${JSON.stringify(value)}`,
      );
    }),
  );
}

/** Whether shifted seeds meet neither those of other confirmatory blocks nor the pilots': blocks must be independent. */
function isSeparate(seedOffset: number, mostBlocks: number): boolean {
  return Number.isSafeInteger(seedOffset) && seedOffset > mostBlocks && seedOffset < FIRST_PILOT_BLOCK / 2;
}

/** Arms, matchings and outcomes that contrasts name. */
export function contrastProblems(
  { matchOn, outcomes }: Study,
  contrasts: readonly Placed<Contrast>[],
  names: readonly string[],
): string[] {
  const matchings = matchOn.map((axis) => (axis.role === 'other' ? axis.name : axis.role));
  const measured = outcomes.map(({ name }) => name);
  const each = contrasts.flatMap(({ path, item }) => [
    ...unknownName(`${path}.arm`, 'arm', item.arm, names),
    ...unknownName(`${path}.reference`, 'arm', item.reference, names),
    ...when(item.arm === item.reference, `${path}: expected two arms, found "${item.arm}" against itself`),
    ...(item.kind === 'question' ? [] : controlProblems(path, item, matchings, measured)),
  ]);
  const controls = contrasts.flatMap(({ path, item }) =>
    item.kind === 'control' ? [{ path: `${path}.name`, item: item.name }] : [],
  );
  const questions = contrasts.flatMap(({ path, item }) =>
    item.kind === 'question' ? [{ path, item: `${item.arm} - ${item.reference}` }] : [],
  );
  return [...each, ...repeated('control', controls), ...repeated('contrast', questions)];
}

function controlProblems(
  path: string,
  { expect, direction, matchings, outcomes }: Extract<Contrast, { kind: 'control' }>,
  known: readonly string[],
  measured: readonly string[],
): string[] {
  return [
    ...when(
      expect !== 'detected' && (direction !== undefined || matchings !== undefined),
      `${path}: direction and matchings are for what must be detected, found expect "${expect}"`,
    ),
    ...(matchings ?? []).flatMap((one, i) => unknownName(`${path}.matchings[${i}]`, 'matching', one, known)),
    ...(outcomes ?? []).flatMap((one, i) => unknownName(`${path}.outcomes[${i}]`, 'outcome', one, measured)),
  ];
}

/** Whether there is a rule where there is something to choose, and an axis to choose by. */
export function pilotProblems({ pilot, arms, matchOn, recipe }: Study): string[] {
  const choosing = arms.find(({ learningRates, ratesLike }) => learningRates.length > 1 && ratesLike === undefined);
  if (pilot === undefined) {
    return choosing === undefined
      ? []
      : [`pilot: missing; arm "${choosing.name}" has several learning rates, and nothing says how they are chosen`];
  }
  const axes = matchOn.map(({ name }) => name);
  const isMeasuredAnyway = pilot.outcomes === 'none' && recipe.levelsPath === undefined;
  return [
    ...unknownName('pilot.axis', 'axis of matchOn', pilot.axis, axes),
    ...(isMeasuredAnyway
      ? [
          `pilot.outcomes: expected a recipe that says where its levels stand (levelsPath), found "${recipe.name}" without`,
        ]
      : []),
  ];
}

/** Arms of profiles. */
export function profileProblems(study: Study, names: readonly string[]): string[] {
  return Object.entries(study.profiles).flatMap(([name, profile]) => {
    const path = `profiles.${name}.arms`;
    const arms = profile.arms.map((item, i) => ({ path: `${path}[${i}]`, item }));
    return [
      ...repeated('arm', arms),
      ...arms.flatMap((arm) => unknownName(arm.path, 'arm', arm.item, names)),
      ...strandedProblems(study, path, profile),
    ];
  });
}

/** An arm whose rates another chooses needs the other. */
function strandedProblems({ arms }: Study, path: string, profile: Profile): string[] {
  return arms.flatMap(({ name, ratesLike }) => {
    const isStranded = ratesLike !== undefined && profile.arms.includes(name) && !profile.arms.includes(ratesLike);
    return when(isStranded, `${path}: "${name}" takes the rates of "${ratesLike}", which is not in the profile`);
  });
}

/** Clusters need a name for every block of every profile. */
export function blockProblems({ blocks, profiles }: Study): string[] {
  if (blocks?.cluster.kind !== 'list') return [];
  const most = Math.max(...Object.values(profiles).map((profile) => profile.blocks));
  return when(
    blocks.cluster.names.length < most,
    `blocks.cluster.names: expected a name for each of ${most} blocks of the largest profile, found ${blocks.cluster.names.length}`,
  );
}

function isAscending(rates: readonly number[]): boolean {
  return rates.every((rate, index) => index === 0 || rate > (rates[index - 1] ?? 0));
}
