/**
 * Worker processes and the runs waiting for one. A worker that dies, or gives no sign of life, is replaced and its run
 * goes on from its last checkpoint; a run whose workers die `MOST_DEATHS` times without a new checkpoint has failed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { AssayError } from '#base/errors.ts';
import { checkpointArtifacts, removeCheckpoints } from '#store/folder.ts';
import { memberOf, type RunState } from '#store/records.ts';
import type { Store } from '#store/store.ts';
import type { RunSpec } from '#study/plan.ts';

import type { EventListener } from './events.ts';
import { watchHeartbeat } from './heartbeat.ts';
import type { FromWorker, ResumePoint, ToWorker } from './messages.ts';
import { type Asker, type SharedSteps, sharedStepsOf } from './shared-steps.ts';
import type { StudySources } from './study-sources.ts';

/** More means a run that cannot be made here, such as one that needs more memory than there is. */
const MOST_DEATHS = 5;
/** Workers that die before they are ready, one after another: the installation is broken, not a run. */
const MOST_FAILED_STARTS = 5;

/** Long against the pauses of a busy machine, short against a run. */
const SILENCE_MS = 30_000;

export interface PoolOptions {
  readonly workers: number;
  /** The module a worker process runs; it calls `serveRuns`. */
  readonly workerUrl: string;
  readonly studyUrl: string;
  /** What the study was loaded from when it was planned; workers that find another source refuse. */
  readonly sources: StudySources;
  readonly folder: string;
  readonly checkpointMs: number;
  readonly store: Store;
  readonly onEvent: EventListener;
  /** A worker that is silent for so long is killed and replaced; default 30 s. */
  readonly silenceMs?: number;
}

/** Makes runs in worker processes. */
export interface Pool extends AsyncDisposable {
  /**
   * Makes a run that is open in the store; resolves with its end as stored, or `open` if it was stopped.
   * @throws AssayError if the store cannot be written or no worker starts.
   */
  make(spec: RunSpec): Promise<RunState>;
  /** Lets every run checkpoint and give up; those waiting resolve at once. */
  stop(): void;
  /** Kills every worker at once. */
  kill(): void;
}

interface Job {
  readonly spec: RunSpec;
  deaths: number;
  resolve(state: RunState): void;
  reject(error: unknown): void;
}

interface Worker extends Asker {
  readonly number: number;
  readonly process: ChildProcess;
  job: Job | undefined;
  isReady: boolean;
  /** Messages are handled one after another, in the order they came. */
  handled: Promise<void>;
}

/** Starts no process until there is a run to make. */
export function poolOf(options: PoolOptions): Pool {
  const state: PoolState = {
    options,
    shared: sharedStepsOf(options.store),
    workers: new Map(),
    waiting: [],
    failedStarts: 0,
    isStopping: false,
  };
  const stop = (): void => {
    state.isStopping = true;
    for (const job of state.waiting.splice(0)) job.resolve({ kind: 'open' });
    for (const worker of state.workers.values()) send(worker, { kind: 'stop' });
  };
  return {
    make: async (spec) =>
      new Promise((resolve, reject) => {
        if (state.isStopping) return resolve({ kind: 'open' });
        state.waiting.push({ spec, deaths: 0, resolve, reject });
        state.waiting.sort(byUrgency);
        return fill(state);
      }),
    stop,
    kill: () => {
      stop();
      for (const { process } of state.workers.values()) process.kill('SIGKILL');
    },
    [Symbol.asyncDispose]: async () => {
      stop();
      await Promise.all([...state.workers.values()].map(ended));
    },
  };
}

interface PoolState {
  readonly options: PoolOptions;
  readonly shared: SharedSteps;
  /** By slot, 1 to `options.workers`. */
  readonly workers: Map<number, Worker>;
  readonly waiting: Job[];
  failedStarts: number;
  isStopping: boolean;
}

/** Pilots first, then block by block, so that an interrupted study has whole blocks. */
function byUrgency(a: Job, b: Job): number {
  if (a.spec.phase !== b.spec.phase) return a.spec.phase === 'pilot' ? -1 : 1;
  return a.spec.block - b.spec.block;
}

/** Gives waiting runs to idle workers, and starts workers while there are more runs than that. */
function fill(state: PoolState): void {
  for (const worker of state.workers.values()) {
    if (worker.isReady && worker.job === undefined) assign(state, worker);
  }
  const starting = [...state.workers.values()].filter(({ isReady }) => !isReady).length;
  for (let slot = 1, wanted = state.waiting.length - starting; slot <= state.options.workers && wanted > 0; slot++) {
    if (state.workers.has(slot)) continue;
    state.workers.set(slot, startWorker(state, slot));
    wanted--;
  }
}

function startWorker(state: PoolState, number: number): Worker {
  const { workerUrl, studyUrl, sources, folder, checkpointMs, silenceMs = SILENCE_MS } = state.options;
  // A worker's stdout goes to our stderr: stdout belongs to the answer.
  const child = fork(fileURLToPath(workerUrl), { stdio: ['ignore', 2, 2, 'ipc', 'pipe'] });
  const worker: Worker = {
    number,
    process: child,
    job: undefined,
    isReady: false,
    handled: Promise.resolve(),
    answer: (sharedId, answer) => {
      if (answer.kind === 'compute') state.options.onEvent({ kind: 'sharedStarted', sharedId, worker: number });
      send(worker, { kind: 'shared', sharedId, answer });
    },
  };
  child.on('message', (message: FromWorker) => {
    worker.handled = worker.handled
      .then(async () => handle(state, worker, message))
      .catch((error: unknown) => fail(state, error));
  });
  const gone = (detail: string): void => {
    worker.handled = worker.handled.then(async () => lose(state, worker, detail));
  };
  let silence: string | undefined;
  watchHeartbeat(child, silenceMs, () => (silence = `no sign of life for ${Math.round(silenceMs / 1000)} s`));
  child.on('exit', (code, signal) => gone(silence ?? signal ?? `exit status ${code}`));
  // Sending to a dying worker fails too, but then its exit is what counts; without a pid there will be none.
  child.on('error', (error) => child.pid === undefined && gone(error.message));
  send(worker, { kind: 'start', studyUrl, sources, folder, checkpointMs });
  return worker;
}

/** Takes the next waiting run; its record says where it resumes. */
function assign(state: PoolState, worker: Worker): void {
  const job = state.waiting.shift();
  if (job === undefined) return;
  worker.job = job;
  worker.handled = worker.handled
    .then(async () => {
      const resume = await resumePointOf(state.options, job.spec);
      state.options.onEvent({
        kind: 'runStarted',
        run: memberOf(job.spec),
        worker: worker.number,
        isResumed: resume !== undefined,
      });
      send(worker, { kind: 'run', spec: job.spec, ...(resume === undefined ? {} : { resume }) });
      if (state.isStopping) send(worker, { kind: 'stop' });
    })
    .catch((error: unknown) => fail(state, error));
}

async function handle(state: PoolState, worker: Worker, message: FromWorker): Promise<void> {
  const { store, folder, onEvent } = state.options;
  if (message.kind === 'ready') {
    state.failedStarts = 0;
    worker.isReady = true;
    onEvent({ kind: 'workerStarted', worker: worker.number, pid: worker.process.pid ?? 0 });
    return fill(state);
  }
  const { job } = worker;
  if (job === undefined) return undefined;
  const { measureId } = job.spec;
  switch (message.kind) {
    case 'progress':
      return onEvent({
        kind: 'runProgress',
        run: memberOf(job.spec),
        worker: worker.number,
        doneFraction: message.doneFraction,
      });
    case 'note':
      return onEvent({ kind: 'runNote', run: memberOf(job.spec), worker: worker.number, text: message.text });
    case 'checkpoint':
      await store.commitCheckpoint(measureId, message.points, message.file);
      checkpointArtifacts(folder, measureId).keepOnly(new Set([message.file]));
      job.deaths = 0;
      return send(worker, { kind: 'checkpointed' });
    case 'sharedWanted':
      return state.shared.wanted(worker, message.sharedId, message.isDamaged);
    case 'sharedComputed':
      await state.shared.computed(message.sharedId, message.name, message.file);
      return onEvent({ kind: 'sharedEnded', sharedId: message.sharedId, worker: worker.number });
    case 'sharedFailed':
      return state.shared.failed(worker, message.sharedId);
    case 'ended':
      await store.endRun(measureId, message.points, message.end);
      return settle(state, worker, job, message.end);
    case 'failed':
      return endFailed(state, worker, job, message.message);
    case 'stopped':
      return settle(state, worker, job, { kind: 'open' });
    case 'refused':
      throw new AssayError('data', message.message);
    case 'storeFailed':
      throw new AssayError('store', message.message);
    default:
      return message satisfies never;
  }
}

async function endFailed(state: PoolState, worker: Worker, job: Job, message: string): Promise<void> {
  const failed = { kind: 'failed', message } as const;
  await state.options.store.endRun(job.spec.measureId, [], failed);
  settle(state, worker, job, failed);
}

/** The run is over for this worker, which takes the next. */
function settle(state: PoolState, worker: Worker, job: Job, end: RunState): void {
  worker.job = undefined;
  if (end.kind !== 'open') removeCheckpoints(state.options.folder, job.spec.measureId);
  state.options.onEvent({ kind: 'runEnded', run: memberOf(job.spec), worker: worker.number, state: end });
  job.resolve(end);
  fill(state);
}

/** A worker's process has ended, whatever the reason. */
async function lose(state: PoolState, worker: Worker, detail: string): Promise<void> {
  state.workers.delete(worker.number);
  state.shared.lost(worker);
  const { job } = worker;
  // Messages that were still on their way are too late: the run goes on elsewhere.
  worker.job = undefined;
  if (state.isStopping) {
    job?.resolve({ kind: 'open' });
    return;
  }
  state.options.onEvent({
    kind: 'workerLost',
    worker: worker.number,
    detail,
    ...(job === undefined ? {} : { run: memberOf(job.spec) }),
  });
  if (!worker.isReady && ++state.failedStarts >= MOST_FAILED_STARTS) {
    fail(
      state,
      new AssayError(
        'run',
        `Worker processes do not start (${detail}, ${state.failedStarts} times). Try "assay doctor".`,
      ),
    );
    return;
  }
  if (job !== undefined && ++job.deaths >= MOST_DEATHS) {
    const message = `Its worker process died ${job.deaths} times without reaching a new checkpoint (last: ${detail}). If memory ran out, use fewer --workers.`;
    await endFailed(state, worker, job, message).catch((error: unknown) => fail(state, error));
    return;
  }
  if (job !== undefined) state.waiting.unshift(job);
  fill(state);
}

/** The study cannot go on: every run, waiting or under way, is rejected, and the workers are told to stop. */
function fail(state: PoolState, error: unknown): void {
  state.isStopping = true;
  for (const job of state.waiting.splice(0)) job.reject(error);
  for (const worker of state.workers.values()) {
    worker.job?.reject(error);
    worker.job = undefined;
    send(worker, { kind: 'stop' });
    worker.process.disconnect();
  }
}

async function resumePointOf({ store, folder, onEvent }: PoolOptions, spec: RunSpec): Promise<ResumePoint | undefined> {
  const file = (await store.readRun(spec.measureId))?.checkpoint;
  if (file === undefined) return undefined;
  if ((await checkpointArtifacts(folder, spec.measureId).pathOf(file)).kind === 'found') {
    const points = await store.readPoints(spec.measureId);
    return { file, lastStep: points.at(-1)?.step ?? null };
  }
  onEvent({ kind: 'checkpointLost', run: memberOf(spec) });
  await store.restartRun(spec.measureId);
  return undefined;
}

/** Asks an idle worker to end by closing its channel, and waits until it has. */
async function ended({ process }: Worker): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => process.once('exit', () => resolve()));
  if (process.connected) process.disconnect();
  await exited;
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.process.connected) worker.process.send(message, () => {});
}
