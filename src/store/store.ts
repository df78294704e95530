/**
 * The contract of a store. `test/conformance/store.ts` is the same contract as tests; every implementation passes it.
 *
 * A store keeps plans (what was asked), runs (what was made), looks (what was seen, when) and the index of shared steps.
 * It says the version of its records: an older one is read as it is and upgraded by its next writer, a newer one refused.
 *  1. A run is done only by its end mark (`endRun`). Points and the checkpoint they lead up to become durable
 *     together or not at all: after any kill, `readPoints` ends exactly where `checkpoint` resumes.
 *  2. A resolved promise means durable: the data survives the death of every process and, on a disk that honours
 *     fsync, of the machine. A rejected one means that nothing of that call was kept,
 *     or that the store's files are gone.
 *  3. Reading returns what was written or throws; it never returns something else. Every record is sealed with a hash, and
 *     all of them together by a root: a store that lacks one, or commits that were promised, is not opened.
 *  4. One process writes, any number read at the same time; readers see whole transactions. A second writer is refused.
 *  5. Nothing depends on the order in which runs were made: the same runs give the same answers to all reads,
 *     and lists come in identity order. The exceptions are `latestPlan` and `plans`, which follow `savePlan`, and looks,
 *     which keep the order they were made in.
 *  6. Looks are only ever added: none can be changed or taken back, and one that is missing is found as damage.
 *  7. State bytes are not in here: `checkpoint` and shared steps name files of `artifacts.ts` by their sha256.
 *
 * Every method may reject with an AssayError of kind `store` that says what happened to which file and what to do.
 */
import type { TrajectoryPoint } from '#study/trajectory.ts';

import type {
  Look,
  LookRecord,
  PlanMember,
  PlanRecord,
  Provenance,
  RunHead,
  RunRecord,
  RunState,
  SettledArm,
} from './records.ts';

/** The reading half: what `status`, `report` and `export` use, also while a runner writes. */
export interface StoreReader extends AsyncDisposable {
  /** The plan of a study saved last, or undefined. */
  latestPlan(study: string): Promise<PlanRecord | undefined>;
  /** All plans of a study, the one saved last first. */
  plans(study: string): Promise<readonly PlanRecord[]>;
  /** A plan's members, sorted by phase, arm, learning rate and block; pilots first. */
  readMembers(planId: string): Promise<readonly PlanMember[]>;
  /** What the pilots decided, sorted by arm; arms still waiting are absent. */
  readSettled(planId: string): Promise<readonly SettledArm[]>;
  /** A run without its points, or undefined if it was never opened. */
  readRun(measureId: string): Promise<RunRecord | undefined>;
  /** All durable points of a run, in the order they were recorded. */
  readPoints(measureId: string): Promise<readonly TrajectoryPoint[]>;
  /** A study's looks in the order they were made; a study that was renamed has none. */
  readLooks(study: string): Promise<readonly LookRecord[]>;
  /** The sha256 of a shared step's bytes, or undefined if it was not computed yet. */
  readShared(sharedId: string): Promise<string | undefined>;
  /** The runs that have a checkpoint, with its sha256. */
  checkpoints(): Promise<ReadonlyMap<string, string>>;
  /** The sha256 of every shared step. */
  sharedFiles(): Promise<ReadonlySet<string>>;
  /** Reads everything once. @throws AssayError at the first damage. */
  verify(): Promise<void>;
}

/** The whole store, for the one process that writes. */
export interface Store extends StoreReader {
  /** Saves a plan, or makes a plan that is there already the latest of its study. */
  savePlan(plan: PlanRecord): Promise<void>;
  /** Adds members; those already there stay. */
  addMembers(planId: string, members: readonly PlanMember[]): Promise<void>;
  /** Records what the pilots decided for an arm; the same decision may be recorded again. */
  settleArm(planId: string, settled: SettledArm): Promise<void>;
  /**
   * Records a look at a study, and resolves with it. A look that equals the study's last one (an answer asked for again,
   * nothing new seen) is that one: nothing is added.
   */
  addLook(study: string, look: Look): Promise<LookRecord>;
  /** Opens a run, or adds `provenance` to one that is open; a run that ended stays as it is. */
  openRun(head: RunHead, provenance: Provenance): Promise<void>;
  /** Appends points and replaces the checkpoint in one transaction. @throws AssayError if the run is not open. */
  commitCheckpoint(measureId: string, points: readonly TrajectoryPoint[], checkpoint: string): Promise<void>;
  /** Appends the last points and sets the end mark in one transaction; the checkpoint is forgotten. */
  endRun(
    measureId: string,
    points: readonly TrajectoryPoint[],
    end: Exclude<RunState, { kind: 'open' }>,
  ): Promise<void>;
  /** Forgets a run's points, checkpoint and provenance: it starts afresh. @throws AssayError on a finished or diverged run. */
  restartRun(measureId: string): Promise<void>;
  /** Records a shared step's bytes by their sha256, replacing what was recorded. */
  saveShared(sharedId: string, name: string, file: string): Promise<void>;
}
