/** From a store to what the analysis reads. */
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { StoreReader } from '#store/store.ts';

/** The confirmatory runs of a plan that ended, sorted by arm, learning rate and block. */
export async function frameOf(store: StoreReader, planId: string): Promise<Frame> {
  const runs: FrameRun[] = [];
  for (const { phase, measureId, arm, block, learningRate } of await store.readMembers(planId)) {
    const status = (await store.readRun(measureId))?.state.kind;
    if (phase !== 'confirmatory' || (status !== 'finished' && status !== 'diverged')) continue;
    runs.push({ arm, block, learningRate, status, points: await store.readPoints(measureId) });
  }
  return { runs };
}
