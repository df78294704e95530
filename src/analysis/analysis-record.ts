/** What an analysis hands to the report and the command line: plain JSON. */
import type { ControlRecord, VerdictRecord } from './verdict-record.ts';

/** A run whose training broke. */
export interface DivergedRun {
  readonly arm: string;
  readonly block: number;
  readonly learningRate?: number;
}

/** A study's answer. */
export interface Analysis {
  readonly verdicts: readonly VerdictRecord[];
  readonly controls: readonly ControlRecord[];
  /** Declared contrasts whose arms have no runs in the frame. */
  readonly notRun: readonly string[];
  readonly diverged: readonly DivergedRun[];
}
