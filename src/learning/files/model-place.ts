/**
 * What may stand at the path of a model, and what is said where something else does: one answer for every recipe and command.
 * Nothing but the path is looked at; what is in the files is for those who read them.
 */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';

/** What a path is expected to name. */
export type ModelKind = 'language model' | 'towers' | 'adapter' | 'autoencoder';

const EXPECTED: Readonly<Record<ModelKind, string>> = {
  'language model':
    'a language model: a Hugging Face folder (config.json, model.safetensors), a GGUF file or hf://org/name',
  towers: 'a folder of CLIP, SigLIP or SigLIP 2 (config.json, model.safetensors), or hf://org/name',
  adapter: 'the folder of a PEFT adapter (adapter_config.json, adapter_model.safetensors), or hf://org/name',
  autoencoder: 'the folder of an autoencoder as SAELens keeps it',
};

/** Whether a path names a GGUF file. */
export function isGgufPath(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
}

/** @throws AssayError saying what may stand at the path, what does, and what to do. */
export function checkModelPlace(path: string, kind: ModelKind): void {
  if (path.startsWith('hf://')) {
    throw wrongPlace(path, kind, 'a hub address', 'The command line fetches such addresses; here give the folder');
  }
  const found = statAt(path, kind);
  if (found === undefined) throw wrongPlace(path, kind, 'nothing there', hintForNothing(path));
  if (found.isDirectory()) {
    if (kind === 'language model' && isGgufPath(path))
      throw wrongPlace(path, kind, 'a folder named .gguf', 'Rename it');
    return;
  }
  if (kind === 'language model' && isGgufPath(path) && found.isFile()) return;
  throw wrongPlace(path, kind, found.isFile() ? 'another file' : 'no regular file', hintForFile(path, kind));
}

/** For a folder without the file that says what it holds. @param file Its name. */
export function lacksConfig(path: string, kind: ModelKind, file = 'config.json'): AssayError {
  return wrongPlace(path, kind, `a folder without ${file}`, hintInFolder(path, kind));
}

function wrongPlace(path: string, kind: ModelKind, found: string, hint: string): AssayError {
  return new AssayError('file', `${path}: expected ${EXPECTED[kind]}; found ${found}. ${hint}.`);
}

function statAt(path: string, kind: ModelKind): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    throw wrongPlace(JSON.stringify(path), kind, messageOf(thrown), 'Give another path');
  }
}

function hintForNothing(path: string): string {
  if (/^hf:/i.test(path)) return `A hub address begins with hf://: hf://${path.replace(/^hf:\/*/i, '')}`;
  const isLikeName = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(path) && !isGgufPath(path);
  return isLikeName
    ? `Check the path, or for that model of the Hugging Face hub write hf://${path}`
    : 'Check the path; a relative one starts at the folder that the command runs in';
}

function hintForFile(path: string, kind: ModelKind): string {
  if (isGgufPath(path) && kind !== 'language model') return 'GGUF files are not read here';
  const isPart = /\.(?:safetensors|json|bin|pth?|model|jinja|txt)$/i.test(path);
  if (isPart) return 'Give the folder that holds the file';
  return kind === 'language model' ? 'Give a folder, or a file whose name ends in .gguf' : 'Give a folder';
}

/** What was probably meant, of what lies in a folder. */
function hintInFolder(path: string, kind: ModelKind): string {
  const names = readdirSync(path).toSorted();
  const gguf = names.find(isGgufPath);
  if (gguf !== undefined && kind === 'language model') return `Give the file: ${join(path, gguf)}`;
  const inside = [...names, ...deeper(path, 'snapshots')].find((name) => holds(join(path, name), 'config.json'));
  if (inside !== undefined) return `Give the folder inside it: ${join(path, inside)}`;
  return names.length === 0 ? 'The folder is empty: check the path' : 'Check the path, or download the model again';
}

/** The layout of the Hugging Face cache: `snapshots/<commit>`. */
function deeper(path: string, folder: string): string[] {
  try {
    return readdirSync(join(path, folder)).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function holds(folder: string, name: string): boolean {
  try {
    return statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}
