/** What happens while a study runs. Displays subscribe to these; nothing in the runner depends on who listens. */
import type { Admissible } from '#study/admissible.ts';
import type { Phase } from '#study/plan.ts';
import type { PlanMember, RunState } from '#store/records.ts';

export type RunnerEvent =
  /** `runs` were added to the work; `done` of them had ended before. */
  | {
      readonly kind: 'planned';
      readonly phase: Phase;
      readonly arm: string;
      readonly runs: number;
      readonly done: number;
    }
  /** An arm whose pilots come first will have at most so many confirmatory runs. */
  | { readonly kind: 'expected'; readonly arm: string; readonly runs: number }
  | { readonly kind: 'workerStarted'; readonly worker: number; readonly pid: number }
  | { readonly kind: 'runStarted'; readonly run: PlanMember; readonly worker: number; readonly isResumed: boolean }
  | { readonly kind: 'runProgress'; readonly run: PlanMember; readonly worker: number; readonly doneFraction: number }
  /** A recipe has something to say. */
  | { readonly kind: 'runNote'; readonly run: PlanMember; readonly worker: number; readonly text: string }
  | { readonly kind: 'runEnded'; readonly run: PlanMember; readonly worker: number; readonly state: RunState }
  /** A worker process died; its run goes on from its last checkpoint unless it died too often. */
  | { readonly kind: 'workerLost'; readonly worker: number; readonly detail: string; readonly run?: PlanMember }
  /** A checkpoint's file was missing or damaged: the run starts afresh. */
  | { readonly kind: 'checkpointLost'; readonly run: PlanMember }
  | { readonly kind: 'sharedStarted' | 'sharedEnded'; readonly sharedId: string; readonly worker: number }
  /** Runs of an arm stand in the store that another source of the study made: ended ones are kept, others begun again. */
  | { readonly kind: 'sourceChanged'; readonly arm: string; readonly kept: number; readonly restarted: number }
  | { readonly kind: 'armSettled'; readonly arm: string; readonly outcome: Admissible }
  /** What an audit of an arm's first runs would say; `doubt` is its kind. Each is told once. */
  | { readonly kind: 'doubt'; readonly arm: string; readonly doubt: string; readonly text: string }
  | { readonly kind: 'stopping' };

export type EventListener = (event: RunnerEvent) => void;
