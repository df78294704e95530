/** The check of a study's own consistency, so that an author's mistakes show at import and all at once. */
import { AssayError, messageOf, nearestName } from '#base/errors.ts';
import { isEverywhere } from '#base/json.ts';
import { configOf, FIRST_PILOT_BLOCK } from '#study/plan.ts';
import type { ProfileName, Study } from '#study/study.ts';

import { valueAt } from './settings.ts';

/**
 * Checks a study's own consistency and returns it.
 * @throws AssayError listing every problem found.
 */
export function defineStudy(study: Study): Study {
  const problems = [
    ...nameProblems(study),
    ...recipeProblems(study),
    ...measureProblems(study),
    ...armProblems(study),
    ...contrastProblems(study),
    ...pilotProblems(study),
    ...profileProblems(study),
    ...blockProblems(study),
  ];
  // Settings are only worth resolving once names and profiles make sense.
  if (problems.length === 0) problems.push(...settingProblems(study));
  if (problems.length > 0) {
    const lines = problems.map((problem) => `\n  - ${problem}`).join('');
    throw new AssayError('config', `Study "${study.name}" is not consistent:${lines}`);
  }
  return study;
}

function nameProblems({ name, question }: Study): string[] {
  return [
    ...when(!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name), `name: expected kebab-case, found "${name}"`),
    ...when(question.trim() === '', 'question: expected a sentence, found nothing'),
  ];
}

function recipeProblems({ recipe }: Study): string[] {
  const paths = [recipe.learningRatePath, ...recipe.measurePaths];
  return paths
    .filter((path) => valueAt(recipe.defaults, path) === undefined)
    .map((path) => `recipe "${recipe.name}": its defaults have no path "${path}"`);
}

function measureProblems(study: Study): string[] {
  const axes = study.matchOn.flatMap((axis) => [
    ...when(axis.levels.length === 0, `axis "${axis.name}": expected at least one level, found none`),
    ...when(
      !axis.levels.every(Number.isFinite),
      `axis "${axis.name}": expected finite levels, found ${axis.levels.join(', ')}`,
    ),
    ...when(!(axis.maxGap > 0), `axis "${axis.name}": expected maxGap above 0, found ${axis.maxGap}`),
  ]);
  const outcomes = study.outcomes.flatMap(({ name, delta, jumps }) => [
    ...when(!(delta > 0), `outcome "${name}": expected delta above 0, found ${delta}`),
    ...when(
      jumps?.kind === 'upTo' && !(jumps.size > 0),
      `outcome "${name}": expected jumps up to a size above 0; say { kind: 'none', because } where it has none`,
    ),
    ...when(
      jumps?.kind === 'none' && jumps.because.trim() === '',
      `outcome "${name}": expected words in jumps.because, how it is known that it does not jump`,
    ),
  ]);
  const names = [...study.matchOn, ...study.outcomes].map(({ name }) => name);
  return [
    ...when(study.matchOn.length === 0, 'matchOn: expected at least one axis, found none'),
    ...when(study.outcomes.length === 0, 'outcomes: expected at least one outcome, found none'),
    ...repeated('axis or outcome', names),
    ...names.flatMap((name) =>
      when(isEverywhere(name), `axis or outcome "${name}": expected a name that not every object has`),
    ),
    ...axes,
    ...outcomes,
  ];
}

function armProblems(study: Study): string[] {
  const mostBlocks = Math.max(...Object.values(study.profiles).map(({ blocks }) => blocks));
  const each = study.arms.flatMap(({ name, learningRates, seedOffset }) => [
    ...when(learningRates.length === 0, `arm "${name}": expected at least one learning rate, found none`),
    ...when(
      !isAscending(learningRates),
      `arm "${name}": expected ascending positive learning rates, found ${learningRates.join(', ')}`,
    ),
    ...when(
      seedOffset !== undefined && !isSeparate(seedOffset, mostBlocks),
      `arm "${name}": expected a whole seedOffset above the largest profile's ${mostBlocks} blocks and below half of ${FIRST_PILOT_BLOCK}, found ${seedOffset}`,
    ),
  ]);
  const names = study.arms.map(({ name }) => name);
  return [...when(names.length === 0, 'arms: expected at least one, found none'), ...repeated('arm', names), ...each];
}

/** Whether shifted seeds meet neither those of other confirmatory blocks nor the pilots': blocks must be independent. */
function isSeparate(seedOffset: number, mostBlocks: number): boolean {
  return Number.isSafeInteger(seedOffset) && seedOffset > mostBlocks && seedOffset < FIRST_PILOT_BLOCK / 2;
}

function contrastProblems(study: Study): string[] {
  const names = study.arms.map(({ name }) => name);
  const each = study.contrasts.flatMap(({ arm, reference }) => [
    ...unknown('contrast', arm, names),
    ...unknown('contrast', reference, names),
    ...when(arm === reference, `contrast: expected two arms, found "${arm}" against itself`),
  ]);
  const matchings = study.matchOn.map((axis) => (axis.role === 'other' ? axis.name : axis.role));
  const sided = study.contrasts.flatMap((contrast) => {
    if (contrast.kind === 'question') return [];
    const { name, expect, direction } = contrast;
    const isVain = expect !== 'detected' && (direction !== undefined || contrast.matchings !== undefined);
    return [
      ...when(isVain, `control "${name}": direction and matchings are for what must be detected, found "${expect}"`),
      ...(contrast.matchings ?? []).flatMap((one) => unknown(`control "${name}": matching`, one, matchings)),
    ];
  });
  const controls = study.contrasts.flatMap((contrast) => (contrast.kind === 'control' ? [contrast.name] : []));
  const questions = study.contrasts.flatMap((contrast) =>
    contrast.kind === 'question' ? [`${contrast.arm} - ${contrast.reference}`] : [],
  );
  return [...each, ...sided, ...repeated('control', controls), ...repeated('contrast', questions)];
}

function pilotProblems({ pilot, arms, matchOn }: Study): string[] {
  const needsPilot = arms.some(({ learningRates }) => learningRates.length > 1);
  return [
    ...unknown(
      'pilot axis',
      pilot.axis,
      matchOn.map(({ name }) => name),
    ),
    ...when(
      needsPilot && !isCount(pilot.blocks),
      `pilot.blocks: expected a whole number above 0, found ${pilot.blocks}`,
    ),
    ...when(!(pilot.margin >= 0), `pilot.margin: expected at least 0, found ${pilot.margin}`),
    ...when(!isCount(pilot.maxRates), `pilot.maxRates: expected a whole number above 0, found ${pilot.maxRates}`),
  ];
}

function profileProblems(study: Study): string[] {
  const names = study.arms.map(({ name }) => name);
  const problems: string[] = [];
  for (const [profile, { arms, blocks }] of Object.entries(study.profiles)) {
    const where = `profile "${profile}"`;
    problems.push(
      ...when(arms.length === 0, `${where}: expected at least one arm, found none`),
      ...repeated(`${where}: arm`, arms),
      ...arms.flatMap((arm) => unknown(where, arm, names)),
      ...when(!isCount(blocks), `${where}: expected a whole number of blocks above 0, found ${blocks}`),
    );
  }
  return problems;
}

/** Clusters need a name, enough of them, and a name for every block of every profile. */
function blockProblems({ blocks, profiles }: Study): string[] {
  if (blocks === undefined) return [];
  const { cluster } = blocks;
  const most = Math.max(...Object.values(profiles).map((profile) => profile.blocks));
  return [
    ...when(cluster.label.trim() === '', 'blocks.cluster.label: expected a word in the singular, found nothing'),
    ...when(
      cluster.kind === 'modulo' && !isCount(cluster.count),
      'blocks.cluster.count: expected a whole number above 0',
    ),
    ...when(
      cluster.kind === 'list' && cluster.names.length < most,
      `blocks.cluster.names: expected a name for each of ${most} blocks of the largest profile`,
    ),
  ];
}

function settingProblems(study: Study): string[] {
  const profiles: readonly ProfileName[] = ['quick', 'standard', 'full'];
  const problems = profiles.flatMap((profile) =>
    study.arms
      .filter(({ name }) => study.profiles[profile]?.arms.includes(name))
      .flatMap((arm) => {
        try {
          configOf({ study, profile, settings: [] }, arm, arm.learningRates[0] ?? 0);
          return [];
        } catch (error) {
          return [messageOf(error)];
        }
      }),
  );
  return [...new Set(problems)];
}

function isAscending(rates: readonly number[]): boolean {
  return rates.every((rate, index) => rate > (rates[index - 1] ?? 0) && Number.isFinite(rate));
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function when(isProblem: boolean, problem: string): string[] {
  return isProblem ? [problem] : [];
}

function repeated(what: string, names: readonly string[]): string[] {
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [...new Set(twice)].map((name) => `${what} "${name}" is declared more than once`);
}

function unknown(what: string, name: string, known: readonly string[]): string[] {
  if (known.includes(name)) return [];
  return [`${what}: unknown "${name}"; the nearest known name is "${nearestName(name, known) ?? 'none'}"`];
}
