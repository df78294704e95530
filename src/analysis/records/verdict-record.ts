/** The answer of a study, as the command line's `--json` contract and the report show it. */

export type VerdictKind = 'affects' | 'explainedBy' | 'noEffect' | 'undecided';

/** A 95% (or other) interval, in the outcome's unit. */
export type Interval = readonly [low: number, high: number];

/** One preset level of one matching. */
export interface LevelEstimate {
  /** The axis value, or the (train, held-out) point of the joint matching. */
  readonly level: number | readonly [number, number];
  readonly blocks: number;
  readonly armMean: number;
  readonly referenceMean: number;
  readonly estimate: number;
  readonly ci95: Interval;
  readonly ci90: Interval;
  /** Why the level does not count, if it does not (coherence, too few blocks). */
  readonly excluded?: string;
}

/** One contrast under one matching: over the levels and block by block. */
export type MatchingResult =
  | {
      readonly kind: 'estimated';
      readonly estimate: number;
      readonly ci95: Interval;
      readonly p: number;
      /** Independent units: blocks, or clusters of them. */
      readonly blocks: number;
      /** One a unit; a cluster is named by its lowest block. */
      readonly blockContrasts: readonly { readonly block: number; readonly contrast: number }[];
      readonly levels: readonly LevelEstimate[];
      /** Joint matching of arms that never meet: the estimate is what remains beyond the steepest slope seen, per nat. */
      readonly bound?: { readonly mismatch: number; readonly needed: number; readonly seen: number };
    }
  | { readonly kind: 'notEstimable'; readonly reason: string };

/** What stands in the way of a verdict, in one word: what scripts and reports tell undecided verdicts apart by. */
export type WhyKind =
  /** The contrast has no runs. */
  | 'notRun'
  /** A control failed or could not be looked at. */
  | 'control'
  /** The look has no alpha. */
  | 'look'
  | 'support'
  | 'blocks'
  | 'voided'
  | 'jointNotTestable'
  | 'jointDisagrees'
  | 'noPositiveControl'
  | 'matchingsDiffer'
  | 'ratesDiffer'
  | 'jumpsUnseen'
  /** Clearly not zero, and about delta. */
  | 'aboutDelta'
  /** Neither an effect nor its absence is known. */
  | 'tooFewBlocks';

/** An earlier look whose decision stands. */
export interface DecidedAt {
  /** 1 for a study's first look. */
  readonly look: number;
  /** What it saw, and what it was judged by. */
  readonly blocks: number;
  readonly alpha: number;
}

/** The verdict on one contrast and one outcome. */
export interface VerdictRecord {
  readonly outcome: string;
  readonly contrast: string;
  readonly arm: string;
  readonly reference: string;
  readonly verdict: VerdictKind;
  /** Present where an earlier look decided and this one alone does not; estimates, blocks, p and alpha are this one's. */
  readonly decidedAt?: DecidedAt;
  /** Where the verdict is `explainedBy`: what the arms are alike at when matched on it; a prediction, no mediation. */
  readonly explainedBy?: 'heldOut' | 'train' | 'gap';
  /** There: share of the outcome's variance inside blocks, over the pair's points, that a cubic in that axis describes. */
  readonly explainedR2?: number;
  /** One whole sentence: what was found, on what, with the numbers. */
  readonly reason: string;
  /** Where undecided: only what stands in the way. */
  readonly why?: string;
  /** Where undecided: the kind of what stands in the way. */
  readonly whyKind?: WhyKind;
  readonly delta: number;
  /** The level of tests for a difference at this look. */
  readonly alpha: number;
  /** The level of tests for its absence, adjusted over the family. */
  readonly absenceAlpha: number;
  readonly blocks: number;
  /** Present where blocks are no independent evidence: how many clusters of them the verdict rests on. */
  readonly clusters?: { readonly label: string; readonly count: number };
  /** The larger of the maxT-adjusted p over the matchings the verdict claims; null where not estimable. */
  readonly p: number | null;
  readonly matchings: Readonly<Record<string, MatchingResult>>;
  readonly learningRates: readonly { readonly arm: string; readonly rates: readonly number[] }[];
  /** Blocks voided for this pair, with why. */
  readonly voided: readonly { readonly block: number; readonly reason: string }[];
  /** Further blocks (clusters, where `clusters` is present) for 80% power, where undecided and computable. */
  readonly furtherBlocks?: number;
}

/** The outcome of a control. */
export interface ControlRecord {
  readonly name: string;
  readonly passed: boolean;
  /** Set where it did not pass because it could not be looked at: no runs, no common level, too few blocks. */
  readonly unsettled?: true;
  readonly detail: string;
}
