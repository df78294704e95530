/**
 * The files a finetuning config names: where they are, whether their lines are sound, and the hashes of their content.
 * Invariant: a run's identity holds the content of what it reads, so a changed file is another run.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { isFolder, isTaken, isWritable } from '#base/make-folder.ts';
import { readJsonlSync } from '#learning/data/jsonl.ts';
import { parseTrainingRow } from '#learning/data/training-row.ts';
import { checkModelPlace } from '#learning/files/model-place.ts';
import { type EvaluationItem, evaluationParser, type KnownScores } from '#measures/evaluation-line.ts';
import { contentHashes } from '#recipes/file-hashes.ts';
import { presentSetting } from '#study/settings.ts';

import { FINETUNE_DEFAULTS, type FinetuneConfig, FORMER_PATHS } from './config.ts';

const STUDIES = new URL('../../../studies/', import.meta.url);
/** A path inside the built-in studies, the same on every machine. */
const STUDY_PREFIX = 'study:';

/** The settings that name files or folders. */
const FILE_SETTINGS: ReadonlySet<string> = new Set([
  'model',
  'data',
  'evals',
  'adapter.path',
  'rows.mixIn',
  'save.adapter',
  'save.model',
]);
/** Places that are no paths on this machine: a built-in study's, a model hub's. */
const ELSEWHERE = /^(study:|hf:\/\/)/;

/** Settings whose relative paths lead from a folder, with the paths that lead there from anywhere. */
export function settingsFrom(folder: string, set: JsonObject, parent = ''): JsonObject {
  const entries = Object.entries(set).map(([key, value]): [string, Json] => {
    const path = `${parent}${key}`;
    if (isJsonObject(value)) return [key, settingsFrom(folder, value, `${path}.`)];
    const { path: present } = presentSetting(FINETUNE_DEFAULTS, { path, value, from: folder }, FORMER_PATHS);
    const isPath = FILE_SETTINGS.has(present) && typeof value === 'string' && value !== '' && !ELSEWHERE.test(value);
    return [key, isPath ? resolve(folder, value) : value];
  });
  return Object.fromEntries(entries);
}

/** The files of a config on this machine; '' for none. The names are those of a run's inputs, part of its identity. */
export type FinetunePaths = Readonly<Record<'model' | 'data' | 'evals' | 'mixIn' | 'adapter', string>>;

/** The parts of a config that name files a run reads. */
export interface NamesFiles extends Pick<FinetuneConfig, 'model' | 'data' | 'evals' | 'adapter'> {
  readonly rows: Pick<FinetuneConfig['rows'], 'mixIn'>;
}

/** Where a config's paths lead; '' stays ''. */
export function finetunePaths({ model, data, evals, adapter, rows }: NamesFiles): FinetunePaths {
  const files = { data: located(data), evals: located(evals), mixIn: located(rows.mixIn) };
  return { model: located(model), ...files, adapter: located(adapter.path) };
}

function located(path: string): string {
  return path.startsWith(STUDY_PREFIX) ? fileURLToPath(new URL(path.slice(STUDY_PREFIX.length), STUDIES)) : path;
}

/**
 * Reads every line of the data and evaluation files, and returns the evaluations.
 * @throws AssayError naming `path:line`, or the file that is missing.
 */
export function checkFiles(given: NamesFiles, known: KnownScores): readonly EvaluationItem[] {
  const { model, data, evals, mixIn, adapter } = finetunePaths(given);
  checkModelPlace(model, 'language model');
  if (adapter !== '') checkModelPlace(adapter, 'adapter');
  for (const path of [data, mixIn]) {
    if (path !== '') checkLines(path, (value, _line, where) => void parseTrainingRow(value, where));
  }
  const items: EvaluationItem[] = [];
  const parse = evaluationParser(known);
  if (evals !== '') checkLines(evals, (value, line, where) => void items.push(parse(value, line, where)));
  return items;
}

/**
 * Refuses folders for trained models in which nothing could be written: that would be found out after the training.
 * @throws AssayError naming the setting, and what stands in the way.
 */
export function checkSaved(save: FinetuneConfig['save']): void {
  for (const [name, path] of Object.entries({ 'save.adapter': save.adapter, 'save.model': save.model })) {
    if (path === '') continue;
    const found = inTheWay(path);
    if (found !== undefined)
      throw new AssayError('config', `${name}: expected a folder that can be written to, found ${found}.`);
  }
}

/** What keeps a folder from being made and written to; undefined where nothing is known to. */
function inTheWay(path: string): string | undefined {
  if (ELSEWHERE.test(path)) return `${path}, which is no path on this machine`;
  let above = resolve(path);
  // What a link stands for may be missing: then no folder can be made in its place.
  while (!isTaken(above) && dirname(above) !== above) above = dirname(above);
  if (!isFolder(above)) return `a file or a broken link at ${above}`;
  const nameless = relative(above, resolve(path)).split(sep).find(isNoName);
  if (nameless !== undefined) return `${JSON.stringify(nameless)}, which no folder can be called`;
  return isWritable(above) ? undefined : `${above}, which cannot be written to`;
}

/** Of file systems in use: ext4, XFS, APFS, NTFS and others. */
const MOST_NAME_BYTES = 255;

function isNoName(name: string): boolean {
  return name.includes('\0') || Buffer.byteLength(name) > MOST_NAME_BYTES;
}

function checkLines(path: string, parse: (value: JsonObject, line: number, where: string) => unknown): void {
  for (const { line, value } of readJsonlSync(path)) parse(value, line, `${path}:${line}`);
}

/** Hashes of the content of a config's files; unchanged files are hashed once. */
export function fileHashes(): (given: NamesFiles) => Readonly<Record<string, string>> {
  const hashes = contentHashes();
  return (given) => {
    const named = Object.entries(finetunePaths(given)).filter(([, path]) => path !== '');
    return hashes(Object.fromEntries(named));
  };
}

/** As `fileHashes`, of a model's folder or file alone: for recipes that read a model and nothing else. @throws AssayError (the function) where none is there. */
export function modelHashes(): (model: string) => string {
  const hashes = fileHashes();
  return (model) => {
    checkModelPlace(model, 'language model');
    return (
      hashes({ model, data: '', evals: '', adapter: { path: '', use: 'merge' }, rows: { mixIn: '' } })['model'] ?? ''
    );
  };
}
