/** A study module's study: the parse boundary between a user's file and the rest. */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

import { AssayError } from '#base/errors.ts';
import { defineStudy } from '#study/define-study.ts';
import { isRecord, shown } from '#study/shape.ts';
import type { Study } from '#study/study.ts';

import { importFailure } from './import-error.ts';
import { filesOf, followSources } from './study-sources.ts';

/** What studies import, and where it is. */
const DOORS: ReadonlyMap<string, string> = new Map([
  ['assay', '#index.ts'],
  ['assay/learn', '#learn.ts'],
]);

/**
 * Imports a study module and returns its default export, checked whole; `sourcesOf` then says what it was made from.
 * @throws AssayError if it cannot be imported (with file and line where that is known) or does not export a study.
 */
export async function importStudy(url: string): Promise<Study> {
  let module: unknown;
  using _name = packageByName();
  using _sources = followSources(url);
  try {
    module = await import(url);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    const why = importFailure(error, filesOf(url));
    throw new AssayError('config', `Cannot import the study ${fileURLToPath(url)}: ${why}`, { cause: error });
  }
  const study = isRecord(module) ? module['default'] : undefined;
  if (isStudy(study)) return defineStudy(study);
  throw new AssayError(
    'config',
    `${fileURLToPath(url)}: expected "export default defineStudy({...})", found ${study === undefined ? 'no default export' : `${shown(study)} as its default export`}.`,
  );
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

/** All else is for `defineStudy` to say, whether the module called it or not. */
function isStudy(value: unknown): value is Study {
  return isRecord(value);
}
