/**
 * Files written together into a folder of the user's choosing. Invariants: a file that is there and was not written here,
 * or was changed since, is never overwritten unasked; and a file under its name is whole, whenever the process is killed.
 * A manifest beside the files says which content is ours.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import { isJsonObject, sha256 } from '#base/json.ts';
import { isFolder, makeFolder } from '#base/make-folder.ts';

const MANIFEST = 'assay-files.json';

/** A file to be written; the name is a plain one. */
export interface OutputFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** Where files go, and whether what stands there may be overwritten whoever wrote it. */
export interface OutputFolder {
  readonly path: string;
  readonly isForced: boolean;
  /** Whether the files are a set that other tools read as one: what was written here before and is not among them goes. */
  readonly isSet?: boolean;
}

/**
 * Writes files into a folder, made if absent.
 * @throws AssayError naming a file that is not ours and would be overwritten, or why nothing can be written.
 */
export function writeOutputs({ path, isForced, isSet = false }: OutputFolder, files: readonly OutputFile[]): void {
  const made = files.map(({ name, content }) => ({ name, bytes: bytesOf(content) }));
  const folder = [MANIFEST, ...made.map(({ name }) => name)].find((name) => isFolder(join(path, name)));
  if (folder !== undefined) {
    throw new AssayError(
      'file',
      `${join(path, folder)}: expected no file there, or one that was written here before; found a folder. Choose another folder to write to.`,
    );
  }
  const known = manifestOf(path);
  const foreign = made.find(({ name, bytes }) => !isForced && isForeign(path, name, bytes, known));
  if (foreign !== undefined) {
    throw new AssayError(
      'file',
      `${join(path, foreign.name)}: expected no file there, or one that was written here before; found another. Choose another folder, or add --force to overwrite it.`,
    );
  }
  try {
    makeFolder(path);
    // Until all files stand under their names, the old content and the new are both ours.
    const hashes = made.map(({ name, bytes }): [string, string[]] => [name, [sha256(bytes)]]);
    const both = hashes.map(([name, own]): [string, string[]] => [name, [...own, ...(known.get(name) ?? [])]]);
    writeManifest(path, new Map([...known, ...both]));
    for (const { name, bytes } of made) writeFileSync(partial(path, name), bytes);
    for (const { name } of made) renameSync(partial(path, name), join(path, name));
    const names = new Set(made.map(({ name }) => name));
    const former = isSet ? [...known].filter(([name]) => !names.has(name) && basename(name) === name) : [];
    for (const [name, own] of former) removeOurs(join(path, name), own);
    const kept = isSet ? [] : known;
    writeManifest(path, new Map([...kept, ...hashes]));
  } catch (error) {
    const partials = [MANIFEST, ...made.map(({ name }) => name)];
    if (isFolder(path)) for (const name of partials) rmSync(partial(path, name), { force: true });
    throw new AssayError('file', `Cannot write to ${path}: ${messageOf(error)}.`, { cause: error });
  }
}

/** A file that somebody changed since stays. */
function removeOurs(file: string, own: readonly string[]): void {
  if (existsSync(file) && !isFolder(file) && own.includes(sha256(readFileSync(file)))) rmSync(file);
}

function isForeign(folder: string, name: string, bytes: Uint8Array, known: ReadonlyMap<string, string[]>): boolean {
  const file = join(folder, name);
  if (!existsSync(file)) return false;
  const found = sha256(readFileSync(file));
  return found !== sha256(bytes) && known.get(name)?.includes(found) !== true;
}

/** Which contents of which files are ours; none where there is no manifest that can be read. */
function manifestOf(folder: string): Map<string, string[]> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
    const files = isJsonObject(parsed) ? parsed['files'] : undefined;
    if (!isJsonObject(files)) return new Map();
    return new Map(
      Object.entries(files).map(([name, own]) => [
        name,
        Array.isArray(own) ? own.filter((one) => typeof one === 'string') : [],
      ]),
    );
  } catch {
    return new Map();
  }
}

function writeManifest(folder: string, files: ReadonlyMap<string, readonly string[]>): void {
  const text = `${JSON.stringify({ writtenBy: 'assay', files: Object.fromEntries(files) }, null, 2)}\n`;
  writeFileSync(partial(folder, MANIFEST), text);
  renameSync(partial(folder, MANIFEST), join(folder, MANIFEST));
}

function partial(folder: string, name: string): string {
  return join(folder, `${name}.${process.pid}.partial`);
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}
