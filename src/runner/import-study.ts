/** A study module's study: the parse boundary between a user's file and the rest. */
import { registerHooks } from 'node:module';

import { AssayError, messageOf } from '#base/errors.ts';
import type { Study } from '#study/study.ts';

import { followSources } from './study-sources.ts';

/** What studies import, and where it is. */
const DOORS: ReadonlyMap<string, string> = new Map([
  ['assay', '#index.ts'],
  ['assay/learn', '#learn.ts'],
]);

const FIELDS: readonly (keyof Study)[] = [
  'name',
  'question',
  'scope',
  'recipe',
  'matchOn',
  'outcomes',
  'arms',
  'contrasts',
  'pilot',
  'profiles',
];

/**
 * Imports a study module and returns its default export; `sourcesOf` then says what it was made from.
 * @throws AssayError if it cannot be imported or does not export a study.
 */
export async function importStudy(url: string): Promise<Study> {
  let module: unknown;
  using _name = packageByName();
  using _sources = followSources(url);
  try {
    module = await import(url);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw new AssayError('config', `Cannot import the study ${url}: ${messageOf(error)}`, { cause: error });
  }
  const study = isRecord(module) ? module['default'] : undefined;
  const missing = FIELDS.filter((field) => !isRecord(study) || study[field] === undefined);
  if (missing.length > 0 || !isStudy(study)) {
    throw new AssayError(
      'config',
      `${url}: expected "export default defineStudy({...})", found ${isRecord(study) ? `a default export without ${missing.join(', ') || 'a recipe to run'}` : 'no default export'}.`,
    );
  }
  return study;
}

/** While it is held, studies outside of any installation find the package by its name: it is the one that runs them. */
function packageByName(): Disposable {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
        const door = DOORS.get(specifier);
        if (door === undefined || !isMissing) throw error;
        return next(import.meta.resolve(door), context);
      }
    },
  });
  return { [Symbol.dispose]: () => hooks.deregister() };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The fields' own consistency is `defineStudy`'s business; here only what would break before it can speak. */
function isStudy(value: unknown): value is Study {
  return isRecord(value) && isRecord(value['recipe']) && typeof value['recipe']['run'] === 'function';
}
