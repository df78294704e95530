/** What an analysis hands to the report and the command line: plain JSON. */
import type { ClaimRecord, MapRecord } from './claim-record.ts';
import type { ControlRecord, Interval, MatchingResult, VerdictKind, VerdictRecord } from './verdict-record.ts';

/** A run whose training broke. */
export interface DivergedRun {
  readonly arm: string;
  readonly block: number;
  readonly learningRate?: number;
}

/** A number that the data cannot give, and why. */
export interface NotEstimable {
  readonly kind: 'notEstimable';
  readonly reason: string;
}

/** Sequential shares of an outcome's variance over the measured points of a pair; they sum to 1. */
export interface Decomposition {
  readonly kind: 'estimated';
  /** The matched axes, to second order. */
  readonly axesFraction: number;
  /** The arm, beyond the axes. */
  readonly factorFraction: number;
  readonly blockFraction: number;
  readonly restFraction: number;
}

/** The arm's coefficient in outcome ~ arm + axes + block; secondary, never part of a verdict. */
export interface Ancova {
  readonly kind: 'estimated';
  readonly estimate: number;
  readonly ci95: Interval;
  readonly p: number;
  readonly warning: string;
}

/** One matching, level and learning rate alone, read at every delta of the map. */
export interface HeatCell {
  readonly matching: string;
  /** The axis value, the (train, held-out) point of the joint matching, or the mean over levels. */
  readonly level: number | readonly [number, number] | 'all';
  readonly learningRate: 'all' | { readonly side: 'arm' | 'reference'; readonly rate: number };
  readonly estimate: number;
  readonly ci95: Interval;
  readonly ci90: Interval;
  /** One a delta of the map. */
  readonly byDelta: readonly ('effect' | 'equivalent' | 'neither')[];
}

/** What would change a verdict. */
export interface HeatMap {
  /** In the outcome's unit, ascending. */
  readonly deltas: readonly number[];
  /** The whole rule's verdict at each delta. */
  readonly verdicts: readonly VerdictKind[];
  readonly cells: readonly HeatCell[];
}

/** What stands beside one verdict, found by contrast and outcome. */
export interface Description {
  readonly contrast: string;
  readonly outcome: string;
  readonly decomposition: Decomposition | NotEstimable;
  readonly ancova: Ancova | NotEstimable;
  /** Absent where a matching says nothing. */
  readonly heatMap?: HeatMap;
}

/** An exploratory outcome of a declared contrast: described and screened, never a verdict. */
export interface ExploratoryRecord {
  readonly contrast: string;
  readonly outcome: string;
  readonly matchings: Readonly<Record<string, MatchingResult>>;
  /** The larger single p over the single matchings; null where not estimable. */
  readonly p: number | null;
  /** Benjamini-Hochberg over all exploratory records with a p; null where p is. */
  readonly q: number | null;
}

/** What happened after the best value of an axis that counts only up to it (held-out loss: overfitting). */
export interface PastBest {
  readonly arm: string;
  readonly axis: string;
  readonly runs: number;
  /** Runs that ended worse than their best. */
  readonly runsPastBest: number;
  /** Mean over all runs of last minus best, in the axis' unit, above 0 where runs got worse. */
  readonly meanWorsening: number;
}

/** A look at the same study with other blocks, and the alpha it spent. */
export interface EarlierLook {
  readonly blocks: number;
  readonly alpha: number;
}

/** A study's answer. */
export interface Analysis {
  /** One a declared question and confirmatory outcome; last those whose arms have no runs. */
  readonly verdicts: readonly VerdictRecord[];
  readonly controls: readonly ControlRecord[];
  /** One a claim and outcome, controls included; absent where the study claims nothing. */
  readonly claims?: readonly ClaimRecord[];
  readonly maps?: readonly MapRecord[];
  /** The look these verdicts were worked out at; absent where it has no alpha. */
  readonly look?: { readonly blocks: number; readonly alpha: number; readonly previous: readonly EarlierLook[] };
  /** Declared contrasts whose arms have no runs in the frame. */
  readonly notRun: readonly string[];
  readonly diverged: readonly DivergedRun[];
  /** One an arm and `untilBest` axis. */
  readonly pastBest: readonly PastBest[];
  /** One a verdict whose arms have runs. */
  readonly descriptions: readonly Description[];
  readonly exploratory: readonly ExploratoryRecord[];
}
