/** What the analysis reads: runs as rows, wherever they were trained. */
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** One run: arm x learning rate x block. */
export interface FrameRun {
  readonly arm: string;
  readonly block: number;
  /** What the block shares with others, such as a domain: blocks of one cluster are not independent. All runs have one, or none. */
  readonly cluster?: string;
  /** Absent where the arm has only one rate and it was not given. */
  readonly learningRate?: number;
  readonly status: 'finished' | 'diverged';
  /** In step order. */
  readonly points: readonly TrajectoryPoint[];
}

/** All confirmatory runs of a study (pilot runs are not in it). */
export interface Frame {
  readonly runs: readonly FrameRun[];
}
