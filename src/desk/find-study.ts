/** From the name or path a user gives to a study: a module or a JSON file. */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { AssayError, nearestName } from '#base/errors.ts';
import { isFolder } from '#base/make-folder.ts';
import type { LoadedStudy } from '#runner/study-sources.ts';

import { loadStudy } from './load-study.ts';

/** The package's folder: two above this file, in the source tree and in the compiled package alike. */
export const PACKAGE_ROOT = new URL('../../', import.meta.url);
const STUDY_FILES = ['study.ts', 'study.js'];

/** A study and the file it came from, which worker processes load again. */
export interface FoundStudy extends LoadedStudy {
  readonly url: string;
}

/** The names of the built-in studies, sorted. */
export function builtInNames(): string[] {
  const root = fileURLToPath(new URL('studies/', PACKAGE_ROOT));
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => builtInUrl(name) !== undefined)
    .toSorted();
}

/**
 * Loads a built-in study by name, or a study file by path.
 * @throws AssayError naming the nearest built-in name, or the file that is missing.
 */
export async function findStudy(given: string): Promise<FoundStudy> {
  const isPath = /[/\\]/.test(given) || /\.([cm]?[jt]s|json)$/.test(given);
  const url = isPath ? fileUrl(given) : builtInUrl(given);
  if (url === undefined) throw unknownStudy(given);
  return { url: url.href, ...(await loadStudy(url.href)) };
}

function fileUrl(given: string): URL {
  const path = resolve(given);
  if (isFolder(path)) throw new AssayError('usage', `Expected the file of a study, found the folder ${path}.`);
  if (existsSync(path)) return pathToFileURL(path);
  throw new AssayError('usage', `There is no study file ${path}.`);
}

function builtInUrl(name: string): URL | undefined {
  const files = STUDY_FILES.map((file) => new URL(`studies/${name}/${file}`, PACKAGE_ROOT));
  return files.find((file) => existsSync(file));
}

function unknownStudy(given: string): AssayError {
  const names = builtInNames();
  const nearest = nearestName(given, names);
  const hint =
    nearest === undefined
      ? 'There are no built-in studies.'
      : `The nearest built-in study is "${nearest}"; "assay list" shows all.`;
  return new AssayError(
    'usage',
    `Unknown study "${given}". ${hint} A study of your own is given as a path, such as ./study.ts or ./study.json.`,
  );
}
