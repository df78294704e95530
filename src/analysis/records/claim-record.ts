/** The answer to a study's claims, as the `--json` contract and the report show it. */
import type { Against, Place } from '#study/claim.ts';

import type { DecidedAt, Interval, WhyKind } from './verdict-record.ts';

export type ClaimVerdict = 'differs' | 'agrees' | 'identical' | 'undecided';

/** One place of a claim, with its own verdict. */
export interface ClaimLevel {
  /** The axis' value; `end`; for a trend the first and last level. */
  readonly level: number | 'end' | readonly [from: number, to: number];
  readonly verdict: ClaimVerdict;
  /** Present where an earlier look decided and this one alone does not; the numbers are this one's. */
  readonly decidedAt?: DecidedAt;
  /** Independent units: blocks, or clusters of them. */
  readonly units: number;
  /** Means over units of both columns; the second is a constant against a value. */
  readonly armMean: number | null;
  readonly otherMean: number | null;
  /** Arm minus other, in the outcome's unit; null where not estimable. */
  readonly estimate: number | null;
  readonly ci95: Interval | null;
  readonly ci90: Interval | null;
  /** maxT-adjusted over all questions of the study; null where not estimable, and for controls the single p. */
  readonly p: number | null;
  /** One a unit; a cluster is named by its lowest block. */
  readonly contrasts: readonly { readonly block: number; readonly contrast: number }[];
  /** Where undecided: what stands in the way. */
  readonly whyKind?: WhyKind;
  readonly why?: string;
}

/** One claim on one outcome. */
export interface ClaimRecord {
  readonly claim: string;
  readonly outcome: string;
  readonly arm: string;
  readonly against: Against;
  readonly at: Place;
  readonly asks: 'question' | 'control';
  /** One whole sentence with outcome, numbers, direction, places and scope. */
  readonly reason: string;
  readonly delta: number;
  readonly alpha: number;
  readonly absenceAlpha: number;
  readonly clusters?: { readonly label: string; readonly count: number };
  readonly levels: readonly ClaimLevel[];
  readonly voided: readonly { readonly block: number; readonly reason: string }[];
}

/** A map, worked out. */
export interface MapRecord {
  readonly name: string;
  readonly label: string;
  readonly x: { readonly factor: string; readonly values: readonly (number | string)[] };
  readonly y: { readonly factor: string; readonly values: readonly (number | string)[] };
  readonly outcome: string;
  /** The place in words, such as `at total loss 0.3`. */
  readonly place: string;
  /** One a cell that has arms; `units` blocks (or clusters) with a number. */
  readonly cells: readonly {
    readonly x: number | string;
    readonly y: number | string;
    readonly units: number;
    /** Mean over units; null where no unit has a number. */
    readonly mean: number | null;
    /** 95% t interval; null with fewer than two units. */
    readonly ci95: Interval | null;
    /** Mean of the theory's outcome. */
    readonly theory: number | null;
  }[];
}
