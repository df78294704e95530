/**
 * The files a finetuning config names: where they are, whether their lines are sound, and the hashes of their content.
 * Invariant: a run's identity holds the content of what it reads, so a changed file is another run.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { AssayError, messageOf } from '#base/errors.ts';
import { contentHash, isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { readJsonlSync } from '#learning/data/jsonl.ts';
import { parseTrainingRow } from '#learning/data/training-row.ts';
import { type EvaluationItem, evaluationParser, type KnownScores } from '#measures/evaluation-line.ts';
import { presentSetting } from '#study/settings.ts';

import { FINETUNE_DEFAULTS, type FinetuneConfig, FORMER_PATHS } from './config.ts';

const STUDIES = new URL('../../../studies/', import.meta.url);
/** A path inside the built-in studies, the same on every machine. */
const STUDY_PREFIX = 'study:';
/** Read at once while hashing. */
const CHUNK_BYTES = 1 << 22;
/** What of a model's folder can change what is computed. */
const MODEL_FILES = /\.(json|safetensors|jinja)$/;

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
  for (const path of [model, adapter]) {
    if (path.startsWith('hf://')) {
      throw new AssayError(
        'config',
        `Expected a folder or GGUF file, found ${path}: the command line downloads models.`,
      );
    }
  }
  statOf(model);
  if (adapter !== '') statOf(adapter);
  for (const path of [data, mixIn]) {
    if (path !== '') checkLines(path, (value, _line, where) => void parseTrainingRow(value, where));
  }
  const items: EvaluationItem[] = [];
  const parse = evaluationParser(known);
  if (evals !== '') checkLines(evals, (value, line, where) => void items.push(parse(value, line, where)));
  return items;
}

function checkLines(path: string, parse: (value: JsonObject, line: number, where: string) => unknown): void {
  for (const { line, value } of readJsonlSync(path)) parse(value, line, `${path}:${line}`);
}

/** Hashes of the content of a config's files; unchanged files are hashed once. */
export function fileHashes(): (given: NamesFiles) => Readonly<Record<string, string>> {
  const known = new Map<string, string>();
  const hashOf = (path: string): string => {
    const info = statOf(path);
    if (!info.isFile()) {
      throw new AssayError('file', `Expected a regular file at ${path}, found something else there.`); // A pipe would hang.
    }
    // The time of the last change of the inode too: tools that copy keep the time of the last change of the content.
    const { size, mtimeMs, ctimeMs, ino } = info;
    const key = JSON.stringify([path, size, mtimeMs, ctimeMs, ino]);
    const hash = known.get(key) ?? fileHash(path);
    known.set(key, hash);
    return hash;
  };
  return (given) => {
    const paths = finetunePaths(given);
    const named = Object.entries(paths).filter(([, path]) => path !== '');
    return Object.fromEntries(named.map(([name, path]): [string, string] => [name, pathHash(path, hashOf)]));
  };
}

/** A file's hash, or that of a model's or adapter's folder. */
function pathHash(path: string, hashOf: (path: string) => string): string {
  if (!statOf(path).isDirectory()) return hashOf(path);
  const names = readdirSync(path).filter((name) => MODEL_FILES.test(name));
  return contentHash(Object.fromEntries(names.map((name) => [name, hashOf(join(path, name))])));
}

/** sha256 of a file of any size, in hex. */
/** As `fileHashes`, of a model's folder or file alone: for recipes that read a model and nothing else. */
export function modelHashes(): (model: string) => string {
  const hashes = fileHashes();
  return (model) =>
    hashes({ model, data: '', evals: '', adapter: { path: '', use: 'merge' }, rows: { mixIn: '' } })['model'] ?? '';
}

function fileHash(path: string): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

function statOf(path: string): ReturnType<typeof statSync> & object {
  return atPath(path, () => statSync(path));
}

function atPath<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new AssayError('file', `Could not read ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
