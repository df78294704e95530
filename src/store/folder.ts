/** Where things lie in a store's folder. Checkpoints of a run have a folder of their own, so that one run's clean-up never touches another's. */
import { existsSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import { makeFolder } from '#base/make-folder.ts';
import type { RunSpec } from '#study/plan.ts';

import { type Artifacts, artifactsIn, filesIn, foldersIn, hasArtifacts, identitiesIn } from './artifacts.ts';
import { vanished } from './sqlite-errors.ts';
import type { StoreReader } from './store.ts';

const CHECKPOINTS = 'checkpoints';
const SHARED = 'shared';
const KEPT = 'replies';
/** How the folder of a run's texts ends: with the beginning of the run's identity. */
const KEPT_FOLDER = /-[0-9a-f]{12}$/;

/** Whether runs of a store left files in a folder: then it is no new one, whatever its database looks like. */
export function isUsed(folder: string): boolean {
  const checkpoints = join(folder, CHECKPOINTS);
  return (
    hasArtifacts(join(folder, SHARED)) ||
    identitiesIn(checkpoints).some((run) => hasArtifacts(join(checkpoints, run))) ||
    foldersIn(join(folder, KEPT)).some((name) => KEPT_FOLDER.test(name))
  );
}

/** The bytes of shared steps. */
export function sharedArtifacts(folder: string): Artifacts {
  return artifactsIn(join(folder, SHARED), folder);
}

/** The states a run can resume from: the last durable one, and for a moment its successor. */
export function checkpointArtifacts(folder: string, measureId: string): Artifacts {
  return artifactsIn(join(folder, CHECKPOINTS, measureId), folder);
}

/**
 * Keeps text of a run for people to read, in a folder of the run's own; the same name again replaces it.
 * @throws AssayError where it cannot be written.
 */
export function keepText(folder: string, run: KeepingRun, name: string, text: string): void {
  const own = keptFolder(run);
  const path = join(folder, KEPT, own, plainName(name));
  if (!existsSync(folder)) throw vanished(folder);
  try {
    makeFolder(join(folder, KEPT, own));
    writeFileSync(`${path}.partial`, text);
    renameSync(`${path}.partial`, path);
  } catch (error) {
    throw new AssayError('store', `Cannot write ${path}: ${messageOf(error)}.`, { cause: error });
  }
}

/** The texts that a run kept, by name; none where it kept none or they were taken away. */
export function keptTexts(folder: string, run: KeepingRun): readonly string[] {
  const own = join(folder, KEPT, keptFolder(run));
  return filesIn(own).filter((name) => !name.endsWith('.partial'));
}

/** One of a run's texts. */
export function readKeptText(folder: string, run: KeepingRun, name: string): string {
  return readFileSync(join(folder, KEPT, keptFolder(run), plainName(name)), 'utf8');
}

/** What names the folder of a run's texts. */
export type KeepingRun = Pick<RunSpec, 'arm' | 'block' | 'measureId'> & { readonly learningRate?: number };

function keptFolder({ arm, learningRate, block, measureId }: KeepingRun): string {
  const rate = learningRate === undefined ? '' : `-lr${learningRate}`;
  return plainName(`${arm}${rate}-block${block}-${measureId.slice(0, 12)}`);
}

/** A name that is one folder or file and nothing else, wherever it comes from: arms may be called `../..`. */
function plainName(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/, '_');
}

/** Deletes a run's checkpoints, once it has ended; its folder too, unless somebody else put something there. */
export function removeCheckpoints(folder: string, measureId: string): void {
  checkpointArtifacts(folder, measureId).keepOnly(new Set());
  try {
    rmdirSync(join(folder, CHECKPOINTS, measureId));
  } catch {
    // Not there, or not empty.
  }
}

/** Deletes what killed processes left behind and no record names; for the writer, before any worker starts. */
export async function removeLeftovers(folder: string, store: StoreReader): Promise<void> {
  sharedArtifacts(folder).keepOnly(await store.sharedFiles());
  const checkpoints = await store.checkpoints();
  for (const measureId of identitiesIn(join(folder, CHECKPOINTS))) {
    const file = checkpoints.get(measureId);
    if (file === undefined) removeCheckpoints(folder, measureId);
    else checkpointArtifacts(folder, measureId).keepOnly(new Set([file]));
  }
}
