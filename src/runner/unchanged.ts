/** A run is trained on the bytes of its identity: what a plan hashed is looked at again when a run begins, at each of its checkpoints and at its end. */
import { AssayError, messageOf } from '#base/errors.ts';
import { pathsOf, valueAt } from '#study/settings.ts';
import type { RunSpec } from '#study/plan.ts';
import type { Recipe } from '#study/recipe.ts';

import type { StudySources } from './study-sources.ts';

const SHOWN_DIGITS = 12;
const WHAT_TO_DO =
  'Nothing was recorded under a wrong hash. Put it back as it was and run again to go on; or leave it and run again, which plans anew.';

/** Something a plan hashed is not what it was: neither the run's fault nor a failure of it, so the study stops. */
export class ChangedSincePlanned extends AssayError {}

/** @throws ChangedSincePlanned where an input of a run is not the one that its identity names. */
export function checkInputs(recipe: Pick<Recipe, 'inputs'>, spec: RunSpec): void {
  let found: Readonly<Record<string, string>>;
  try {
    found = recipe.inputs?.(spec.config) ?? {};
  } catch (error) {
    throw new ChangedSincePlanned(
      'data',
      `${placeOf(spec)}: what it reads can no longer be read: ${messageOf(error)} ${WHAT_TO_DO}`,
      { cause: error },
    );
  }
  checkSameInputs(spec, found);
}

/** @throws ChangedSincePlanned where inputs of a run are not those found. */
export function checkSameInputs(spec: RunSpec, found: Readonly<Record<string, string>>): void {
  const names = [...new Set([...Object.keys(spec.inputs), ...Object.keys(found)])].toSorted();
  const changed = names.find((name) => spec.inputs[name] !== found[name]);
  if (changed === undefined) return;
  throw new ChangedSincePlanned(
    'data',
    `${placeOf(spec)}: its input ${inputName(spec, changed)} changed since the study was planned: expected sha256 ${shown(spec.inputs[changed])}, found ${shown(found[changed])}. ${WHAT_TO_DO}`,
  );
}

/** @throws ChangedSincePlanned where a study was loaded from another source than its plan. */
export function checkSources(planned: StudySources, loaded: StudySources): void {
  const names = [...new Set([...Object.keys(planned), ...Object.keys(loaded)])].toSorted();
  const changed = names.filter((name) => planned[name] !== loaded[name]);
  if (changed.length === 0) return;
  throw new ChangedSincePlanned(
    'config',
    `The source of the study changed since it was planned: ${changed.join(', ')}. A worker process that starts later would train by other code. ${WHAT_TO_DO}`,
  );
}

/** The error of a worker that could not load what the runner could. */
export function unloadable(error: unknown): ChangedSincePlanned {
  return new ChangedSincePlanned(
    'config',
    `A worker process could not load the study, which loaded when it was planned: ${messageOf(error)} ${WHAT_TO_DO}`,
    { cause: error },
  );
}

function placeOf({ phase, arm, learningRate, block }: RunSpec): string {
  const rate = learningRate === undefined ? '' : ` lr ${learningRate}`;
  return `${phase === 'pilot' ? 'pilot ' : ''}${arm}${rate} block ${block}`;
}

/** An input's name, with what the config says of it where a setting of that name says anything. */
function inputName({ config }: RunSpec, name: string): string {
  const path = pathsOf(config).find((candidate) => candidate.split('.').at(-1) === name);
  const value = path === undefined ? undefined : valueAt(config, path);
  return typeof value === 'string' && value !== '' ? `"${name}" (${value})` : `"${name}"`;
}

function shown(hash: string | undefined): string {
  return hash === undefined ? 'none' : hash.slice(0, SHOWN_DIGITS);
}
