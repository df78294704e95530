/**
 * A worker process's half: takes one run at a time, gives the recipe its context, reports to the runner.
 * Scheduling never reaches the recipe: when a checkpoint is written, who computed a shared step and which worker
 * this is do not show in anything it can read.
 */
import { bytesAt, type ByteSource } from '#base/bytes.ts';
import type { Chat } from '#base/chat.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { contentHash, type JsonObject } from '#base/json.ts';
import type { Artifacts, ArtifactSource } from '#store/artifacts.ts';
import { checkpointArtifacts, keepText, sharedArtifacts } from '#store/folder.ts';
import type { RunSpec } from '#study/plan.ts';
import type { RunContext } from '#study/recipe.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import type { FromWorker, ResumePoint, SharedAnswer, ToWorker } from './messages.ts';
import type { LoadedStudy, StudySources } from './study-sources.ts';
import { ChangedSincePlanned, checkInputs, checkSources, unloadable } from './unchanged.ts';

/** A checkpoint that takes long comes less often: at most one part in so many of a run's time goes into them. */
const CHECKPOINT_COST_SHARE = 20;
/** Progress is shown, not stored: this often is enough. */
const PROGRESS_MS = 200;

/** The channel to the runner. */
export interface WorkerPort {
  send(message: FromWorker): void;
  onMessage(listener: (message: ToWorker) => void): void;
}

/**
 * Serves runs until the process ends.
 * @param now A monotonic clock, in milliseconds.
 * @param loadStudy The study at a URL, and its source.
 * @param chatIn What recipes ask endpoints with, for a store's folder.
 */
export function serveRuns(
  port: WorkerPort,
  now: () => number,
  loadStudy: (url: string) => Promise<LoadedStudy>,
  chatIn?: (folder: string) => Chat,
): void {
  let start: Extract<ToWorker, { kind: 'start' }> | undefined;
  let loaded: Promise<LoadedStudy> | undefined;
  let chat: Chat | undefined;
  let stop = new AbortController();
  let onCheckpointed = (): void => {};
  const sharedWaits = new Map<string, (answer: SharedAnswer) => void>();

  const serve = async (spec: RunSpec, resume: ResumePoint | undefined): Promise<void> => {
    if (start === undefined || loaded === undefined) throw new AssayError('run', 'Expected "start" before "run".');
    const link: Link = {
      port,
      now,
      chat,
      signal: stop.signal,
      folder: start.folder,
      sources: start.sources,
      checkpointMs: start.checkpointMs,
      checkpointed: async () => new Promise((resolve) => (onCheckpointed = resolve)),
      sharedAnswer: async (sharedId) => new Promise((resolve) => sharedWaits.set(sharedId, resolve)),
    };
    port.send(await runOnce(loaded, spec, resume, link));
  };

  port.onMessage((message) => {
    switch (message.kind) {
      case 'start':
        start = message;
        chat = chatIn?.(message.folder);
        loaded = loadStudy(message.studyUrl);
        // A failed import is reported by the run that needs it.
        loaded.catch(() => {});
        port.send({ kind: 'ready' });
        break;
      case 'run':
        stop = new AbortController();
        void serve(message.spec, message.resume);
        break;
      case 'checkpointed':
        onCheckpointed();
        break;
      case 'shared':
        sharedWaits.get(message.sharedId)?.(message.answer);
        sharedWaits.delete(message.sharedId);
        break;
      case 'stop':
        stop.abort(new AssayError('run', 'The study was stopped.'));
        break;
      default:
        message satisfies never;
    }
  });
}

/** What a run needs of its worker. */
interface Link {
  readonly port: WorkerPort;
  readonly now: () => number;
  readonly chat: Chat | undefined;
  readonly signal: AbortSignal;
  readonly folder: string;
  /** The planned study's. */
  readonly sources: StudySources;
  readonly checkpointMs: number;
  checkpointed(): Promise<void>;
  sharedAnswer(sharedId: string): Promise<SharedAnswer>;
}

async function runOnce(
  loading: Promise<LoadedStudy>,
  spec: RunSpec,
  resume: ResumePoint | undefined,
  link: Link,
): Promise<FromWorker> {
  // Points recorded since the last durable checkpoint.
  const points: TrajectoryPoint[] = [];
  let check = (): void => {};
  try {
    const { study, sources } = await loading.catch((error: unknown) => Promise.reject(unloadable(error)));
    checkSources(link.sources, sources);
    check = () => checkInputs(study.recipe, spec);
    check();
    const end = await study.recipe.run(await contextOf(spec, resume, link, points, check));
    check();
    return { kind: 'ended', points, end };
  } catch (thrown) {
    // What broke a run may be that its data changed under it.
    const error = thrownBy(check) ?? thrown;
    if (error instanceof ChangedSincePlanned) return { kind: 'refused', message: error.message };
    if (error instanceof AssayError && error.kind === 'store') return { kind: 'storeFailed', message: error.message };
    if (link.signal.aborted) return { kind: 'stopped' };
    const isBug = error instanceof Error && !(error instanceof AssayError);
    return { kind: 'failed', message: isBug ? (error.stack ?? error.message) : messageOf(error) };
  }
}

function thrownBy(check: () => void): unknown {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** @param check Throws where what the run's identity names has changed: then no checkpoint is written. */
async function contextOf(
  spec: RunSpec,
  resume: ResumePoint | undefined,
  link: Link,
  points: TrajectoryPoint[],
  check: () => void,
): Promise<RunContext> {
  const { port, now, signal, checkpointMs } = link;
  const checkpoints = checkpointArtifacts(link.folder, spec.measureId);
  const resumeSource =
    resume === undefined ? undefined : foundSource(await checkpoints.sourceOf(resume.file), resume.file);
  let lastStep = resume?.lastStep ?? -1;
  let nextCheckpointMs = now() + checkpointMs;
  let lastProgressMs = Number.NEGATIVE_INFINITY;
  return {
    config: spec.config,
    block: spec.seed,
    resumeSource,
    // Read only where a recipe asks for all of it.
    get resumeFrom() {
      return resumeSource && bytesAt(resumeSource, 0, resumeSource.length);
    },
    signal,
    record: (point) => {
      checkPoint(point, lastStep);
      lastStep = point.step;
      points.push(point);
    },
    progress: (doneFraction) => {
      if (now() - lastProgressMs < PROGRESS_MS) return;
      lastProgressMs = now();
      port.send({ kind: 'progress', doneFraction });
    },
    checkpoint: async (state) => {
      await otherEvents();
      if (!signal.aborted && now() < nextCheckpointMs) return;
      const startedMs = now();
      check();
      const file = checkpoints.put(state());
      const isDurable = link.checkpointed();
      port.send({ kind: 'checkpoint', points: points.splice(0), file });
      await isDurable;
      const costMs = now() - startedMs;
      nextCheckpointMs = now() + Math.max(checkpointMs, CHECKPOINT_COST_SHARE * costMs);
      signal.throwIfAborted();
    },
    ...(link.chat === undefined ? {} : { chat: link.chat }),
    note: (text) => port.send({ kind: 'note', text }),
    keep: (name, text) => keepText(link.folder, spec, name, text),
    ...sharingOf(link),
  };
}

/** What a run shares with others; a run that asks twice, even at once, waits once. */
function sharingOf(link: Link): Pick<RunContext, 'shared' | 'sharedFile'> {
  const files = sharedArtifacts(link.folder);
  const once = <T>(): ((name: string, key: JsonObject, step: Step<T>) => Promise<T>) => {
    const begun = new Map<string, Promise<T>>();
    return async (name, key, step) => {
      const sharedId = contentHash({ name, key });
      const result = begun.get(sharedId) ?? sharedStep(link, sharedId, name, step);
      begun.set(sharedId, result);
      return result;
    };
  };
  const [ofBytes, ofFiles] = [once<Uint8Array>(), once<string>()];
  return {
    shared: async (name, key, compute) => ofBytes(name, key, bytesStep(files, compute)),
    sharedFile: async (name, key, write) => ofFiles(name, key, fileStep(files, write)),
  };
}

/** How a step's result is made and kept, and read by its file's name; undefined where the file cannot be used. */
interface Step<T> {
  make(): Promise<{ readonly file: string; readonly result: T }>;
  read(file: string): Promise<T | undefined>;
}

function bytesStep(files: Artifacts, compute: () => Promise<Uint8Array>): Step<Uint8Array> {
  return {
    make: async () => {
      const result = await compute();
      return { file: files.put(result), result };
    },
    read: async (file) => {
      const artifact = files.get(file);
      return artifact.kind === 'found' ? artifact.bytes : undefined;
    },
  };
}

function fileStep(files: Artifacts, write: (path: string) => Promise<void>): Step<string> {
  const read = async (file: string): Promise<string | undefined> => {
    const artifact = await files.pathOf(file);
    return artifact.kind === 'found' ? artifact.path : undefined;
  };
  return {
    make: async () => {
      const file = await files.putFile(write);
      const result = await read(file);
      if (result !== undefined) return { file, result };
      throw new AssayError('store', `The shared file ${file} was damaged as it was written. Check the disk.`);
    },
    read,
  };
}

/** Reads a shared step, or makes it where the runner says that this worker is the one to. */
async function sharedStep<T>(link: Link, sharedId: string, name: string, step: Step<T>): Promise<T> {
  const { port } = link;
  const ask = async (isDamaged: boolean): Promise<SharedAnswer> => {
    const answer = link.sharedAnswer(sharedId);
    port.send({ kind: 'sharedWanted', sharedId, isDamaged });
    return answer;
  };
  let answer = await ask(false);
  while (answer.kind === 'file') {
    const result = await step.read(answer.file);
    if (result !== undefined) return result;
    answer = await ask(true);
  }
  try {
    link.signal.throwIfAborted();
    const { file, result } = await step.make();
    port.send({ kind: 'sharedComputed', sharedId, name, file });
    return result;
  } catch (error) {
    port.send({ kind: 'sharedFailed', sharedId });
    throw error;
  }
}

/** Lets messages from the runner in, between two steps of a recipe that never waits. */
async function otherEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function foundSource(artifact: ArtifactSource, file: string): ByteSource {
  if (artifact.kind === 'found') return artifact.source;
  throw new AssayError('store', `The checkpoint ${file} is ${artifact.kind}. Run again: the run starts afresh.`);
}

/** @throws AssayError where a recipe records what no trajectory may hold. */
function checkPoint(point: TrajectoryPoint, lastStep: number): void {
  if (!Number.isSafeInteger(point.step) || point.step <= lastStep) {
    throw new AssayError(
      'run',
      `A recorded point's step must be a whole number above ${lastStep}, found ${point.step}.`,
    );
  }
  for (const [name, value] of Object.entries({ ...point.axes, ...point.outcomes })) {
    if (!Number.isFinite(value)) {
      throw new AssayError(
        'run',
        `Step ${point.step} records ${name} = ${value}. Expected a finite number; a run whose training broke returns { kind: 'diverged' }.`,
      );
    }
  }
}
