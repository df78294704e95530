/** Makes a plan's runs from the terminal: progress shown, Ctrl-C stopping at checkpoints and a second one killing. */
import { provenanceHere } from '#runner/provenance.ts';
import { type RunSummary, runStudy } from '#runner/run-study.ts';
import type { Store } from '#store/store.ts';
import type { StudyPlan } from '#study/plan.ts';

import type { FoundStudy } from '#desk/find-study.ts';
import { doubtsWhileRunning } from '#desk/doubts-while-running.ts';
import { progressOn } from './progress.ts';
import { timesKept } from '#desk/run-times.ts';
import type { Terminal } from './terminal.ts';
import { packageVersion, sourceCommit } from '#desk/version.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What was asked for, checked before anything is made. */
export interface RunRequest {
  readonly found: FoundStudy;
  /** The store's. */
  readonly folder: string;
  readonly workers: number;
  readonly checkpointMs: number;
  readonly isMixingAllowed: boolean;
  /** Whether events go to stderr as JSON. */
  readonly isJson: boolean;
  /** Whether files in the report's folder may be overwritten whoever wrote them. */
  readonly isForced: boolean;
  /** Doubts that were told already: none is told twice. */
  readonly toldDoubts: Set<string>;
}

/** Makes what is missing of a plan; undefined if it was stopped before the end. */
export async function makeRuns(
  plan: StudyPlan,
  store: Store,
  request: RunRequest,
  terminal: Terminal,
): Promise<RunSummary | undefined> {
  const { found, folder, workers, checkpointMs, isMixingAllowed, isJson } = request;
  const [stop, kill] = [new AbortController(), new AbortController()];
  const onSignal = (): void => (stop.signal.aborted ? kill : stop).abort();
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  // A terminal that is closed does not end a study, under `nohup` or not.
  const stay = (): void => {};
  process.on('SIGHUP', stay);
  const progress = progressOn(terminal, isJson);
  const doubting = doubtsWhileRunning(plan, store, request.toldDoubts, progress.onEvent);
  try {
    const summary = await runStudy(plan, {
      store,
      folder,
      workers,
      workerUrl: import.meta.resolve('#cli/worker-main.ts'),
      studyUrl: found.url,
      sources: found.sources,
      provenance: provenanceHere(packageVersion(), sourceCommit()),
      isMixingAllowed,
      checkpointMs,
      onEvent: timesKept(folder, plan.study.name, terminal.now, doubting.onEvent),
      stop: stop.signal,
      kill: kill.signal,
    });
    await doubting.settled();
    return stop.signal.aborted && !summary.isComplete ? undefined : summary;
  } finally {
    progress.close();
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    process.off('SIGHUP', stay);
  }
}
