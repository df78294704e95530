/** Why a study's module could not be imported: the file, the line and the reason, wherever the engine says them. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { messageOf } from '#base/errors.ts';

/** A message such as `/home/me/study.ts:12: Unexpected token`. @param files What was imported by a path, as URLs. */
export function importFailure(error: unknown, files: readonly string[]): string {
  const place = placeIn(error, files) ?? (error instanceof SyntaxError ? placeByChecking(files) : undefined);
  return place === undefined ? messageOf(error) : `${place}: ${messageOf(error)}`;
}

/**
 * What an error's own stack says: a syntax error's begins with the place (types that cannot be stripped, names that a
 * module does not export), another's is the first frame in one of the files.
 */
function placeIn(error: unknown, files: readonly string[]): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const head = /^(?<file>[^\n]+):(?<line>\d+)\n/.exec(stack)?.groups;
  const frames = [...stack.matchAll(/^ +at (?:.*\()?(?<file>file:[^\n]+?):(?<line>\d+):\d+\)?$/gm)];
  const own = frames.find(({ groups }) => files.includes(groups?.['file'] ?? ''))?.groups;
  const found = head ?? (error instanceof SyntaxError ? undefined : own);
  return found === undefined ? undefined : `${pathOf(found['file'] ?? '')}:${found['line']}`;
}

/** The engine names no file for a syntax error in plain JavaScript: each file that was imported is parsed alone. */
function placeByChecking(files: readonly string[]): string | undefined {
  for (const url of files) {
    const path = pathOf(url);
    const { status, stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' });
    const line = status === 0 ? undefined : /^[^\n]+:(\d+)\n/.exec(stderr)?.[1];
    if (line !== undefined) return `${path}:${line}`;
  }
  return undefined;
}

function pathOf(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}
