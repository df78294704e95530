/** What the runner and its worker processes say to each other, as JSON over the IPC channel. */
import type { RunSpec } from '#study/plan.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

import type { StudySources } from './study-sources.ts';

/** Runner to worker. */
export type ToWorker =
  /** First: which study to import and what its source was, where the store is, and how often checkpoints are worth their cost. */
  | {
      readonly kind: 'start';
      readonly studyUrl: string;
      readonly sources: StudySources;
      readonly folder: string;
      readonly checkpointMs: number;
    }
  /** Make this run; a worker has one at a time. */
  | { readonly kind: 'run'; readonly spec: RunSpec; readonly resume?: ResumePoint }
  /** The checkpoint just reported is durable. */
  | { readonly kind: 'checkpointed' }
  | { readonly kind: 'shared'; readonly sharedId: string; readonly answer: SharedAnswer }
  /** Checkpoint at the next opportunity and give the run back. */
  | { readonly kind: 'stop' };

/** Where a run goes on: its state's file, and the step of its last durable point. */
export interface ResumePoint {
  readonly file: string;
  readonly lastStep: number | null;
}

/** A shared step is there to be read, or this worker is the one that computes it. */
export type SharedAnswer = { readonly kind: 'file'; readonly file: string } | { readonly kind: 'compute' };

/** Worker to runner. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly doneFraction: number }
  /** Something for the user that is no error. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'checkpoint'; readonly points: readonly TrajectoryPoint[]; readonly file: string }
  /** `isDamaged`: the file named before cannot be used. */
  | { readonly kind: 'sharedWanted'; readonly sharedId: string; readonly isDamaged: boolean }
  | { readonly kind: 'sharedComputed'; readonly sharedId: string; readonly name: string; readonly file: string }
  | { readonly kind: 'sharedFailed'; readonly sharedId: string }
  | { readonly kind: 'ended'; readonly points: readonly TrajectoryPoint[]; readonly end: RunEnd }
  /** Given back on request, at its last checkpoint. */
  | { readonly kind: 'stopped' }
  /** The recipe threw. */
  | { readonly kind: 'failed'; readonly message: string }
  /** What the plan hashed is not what it was, so the run was not made or not to its end: the study stops. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The store's folder could not be written: not the run's fault, so the study stops. */
  | { readonly kind: 'storeFailed'; readonly message: string };
