/** Where things lie in a store's folder. Checkpoints of a run have a folder of their own, so that one run's clean-up never touches another's. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { type Artifacts, artifactsIn, namesIn } from './artifacts.ts';
import type { StoreReader } from './store.ts';

const CHECKPOINTS = 'checkpoints';
const SHARED = 'shared';

/** The bytes of shared steps. */
export function sharedArtifacts(folder: string): Artifacts {
  return artifactsIn(join(folder, SHARED));
}

/** The states a run can resume from: the last durable one, and for a moment its successor. */
export function checkpointArtifacts(folder: string, measureId: string): Artifacts {
  return artifactsIn(join(folder, CHECKPOINTS, measureId));
}

/** Deletes a run's checkpoints, once it has ended. */
export function removeCheckpoints(folder: string, measureId: string): void {
  rmSync(join(folder, CHECKPOINTS, measureId), { recursive: true, force: true });
}

/** Deletes what killed processes left behind and no record names; for the writer, before any worker starts. */
export async function removeLeftovers(folder: string, store: StoreReader): Promise<void> {
  sharedArtifacts(folder).keepOnly(await store.sharedFiles());
  const checkpoints = await store.checkpoints();
  for (const measureId of namesIn(join(folder, CHECKPOINTS))) {
    const file = checkpoints.get(measureId);
    if (file === undefined) removeCheckpoints(folder, measureId);
    else checkpointArtifacts(folder, measureId).keepOnly(new Set([file]));
  }
}
