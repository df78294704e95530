/**
 * The source of a study: the hashes of its module and of the files it imports by a path, as they were when they were loaded.
 * What is hashed is what the loader was given, so that a file edited between an import and a look at it is no gap.
 * Packages are not in it (their versions are a run's provenance), nor files that are imported only while a run is made.
 */
import { readFileSync } from 'node:fs';
import { type LoadFnOutput, registerHooks } from 'node:module';
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { contentHash, sha256 } from '#base/json.ts';
import type { Study } from '#study/study.ts';

/** sha256 by file, named by its path from the study's folder. */
export type StudySources = Readonly<Record<string, string>>;

/** A study and the source it came from. */
export interface LoadedStudy {
  readonly study: Study;
  readonly sources: StudySources;
}

/** Everything that was imported by a path, from a study on: module -> what it imports. */
const imported = new Map<string, Set<string>>();
/** Module -> sha256 of what was loaded. */
const hashes = new Map<string, string>();

/** Follows what a study's module loads, while it is held. A module that was loaded before is known from then. */
export function followSources(studyUrl: string): Disposable {
  follow(studyUrl);
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const own = imported.get(context.parentURL ?? '');
      if (own !== undefined && isByPath(specifier)) {
        own.add(found.url);
        follow(found.url);
      }
      return found;
    },
    load(url, context, next) {
      const loaded = next(url, context);
      if (imported.has(url)) hashes.set(url, sha256(bytesOf(url, loaded.source)));
      return loaded;
    },
  });
  return { [Symbol.dispose]: () => hooks.deregister() };
}

/** The source of a study whose module was imported while it was followed. */
export function sourcesOf(studyUrl: string): StudySources {
  const folder = dirname(fileURLToPath(studyUrl));
  const named = filesOf(studyUrl).map((url): [string, string] => {
    const name = relative(folder, fileURLToPath(url)).replaceAll(sep, '/');
    return [name, hashes.get(url) ?? sha256(bytesOf(url, undefined))];
  });
  return Object.fromEntries(named);
}

/** The files of a study that was followed, as URLs: its module, and all that it imports by a path. */
export function filesOf(studyUrl: string): string[] {
  const seen = new Set([studyUrl]);
  for (const url of seen) for (const child of imported.get(url) ?? []) seen.add(child);
  return [...seen].filter((url) => url.startsWith('file:'));
}

/** One hash of a study's code, for the provenance of its runs; undefined where the study is data alone. */
export function sourceHash(studyUrl: string, sources: StudySources): string | undefined {
  return studyUrl.endsWith('.json') ? undefined : contentHash(sources).slice(0, 16);
}

function follow(url: string): void {
  if (!imported.has(url)) imported.set(url, new Set());
}

function isByPath(specifier: string): boolean {
  return /^(\.{0,2}\/|file:|#)/.test(specifier);
}

function bytesOf(url: string, source: LoadFnOutput['source']): string | Uint8Array {
  if (typeof source === 'string') return source;
  if (source === undefined || source === null) return readFileSync(fileURLToPath(url));
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
