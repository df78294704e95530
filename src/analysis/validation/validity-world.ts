/** How a validation world is written down: what is counted in its studies, and the bound the rate must keep. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { ClaimVerdict } from '#analysis/records/claim-record.ts';
import type { Against, Place } from '#study/claim.ts';
import type { World } from './world.ts';

/** What a rate must satisfy. */
export type Bound =
  | { readonly kind: 'upperLimitAtMost'; readonly value: number }
  | { readonly kind: 'atLeast'; readonly value: number }
  | { readonly kind: 'between'; readonly low: number; readonly high: number }
  | { readonly kind: 'exactly'; readonly value: 0 | 1 };

/** What is counted: verdicts, intervals that hold the truth, or a family with any such verdict or adjusted p below alpha. */
export type Counted =
  | {
      readonly kind: 'anyVerdict';
      readonly verdicts: readonly ('affects' | 'explainedBy' | 'noEffect' | 'undecided')[];
    }
  | { readonly kind: 'verdict'; readonly verdicts: readonly ('affects' | 'explainedBy' | 'noEffect' | 'undecided')[] }
  | { readonly kind: 'explainedBy'; readonly by: readonly ('train' | 'heldOut' | 'gap')[] }
  | { readonly kind: 'covers'; readonly matching: 'train' | 'heldOut' | 'joint'; readonly truth: number }
  | { readonly kind: 'anyRejection'; readonly alpha: number }
  /** Any level of any asked claim has such a verdict; only levels with these numbers where given. */
  | { readonly kind: 'anyClaim'; readonly verdicts: readonly ClaimVerdict[]; readonly levels?: readonly number[] }
  /** Any contrast has one of these verdicts, or any level of any asked claim one of those. */
  | {
      readonly kind: 'anyAnswer';
      readonly verdicts: readonly ('affects' | 'explainedBy' | 'noEffect')[];
      readonly claims: readonly ClaimVerdict[];
    }
  /** The first level of the first claim has. */
  | { readonly kind: 'firstClaim'; readonly verdicts: readonly ClaimVerdict[] }
  /** The 95% interval there holds the truth. */
  | { readonly kind: 'claimCovers'; readonly truth: number };

/** One rate and its bound. */
export interface Check {
  readonly counted: Counted;
  readonly bound: Bound;
}

/** How a world's studies are run. */
export type Design =
  | { readonly kind: 'fixed'; readonly blocks: number }
  | { readonly kind: 'sequential' }
  /** Random splits of one arm's runs into two pseudo-arms. */
  | { readonly kind: 'split'; readonly blocks: number; readonly poolBlocks: number }
  /** So many question arms of the world's effect, one family; `isControlled`: with the positive control. */
  | { readonly kind: 'family'; readonly blocks: number; readonly arms: number; readonly isControlled?: true }
  /** Looked at with each of these numbers of blocks until it decides, the later ones chosen after the earlier. */
  | { readonly kind: 'continued'; readonly looks: readonly number[] }
  /** All of these looks are taken, whatever they decide, and the last one's report is read: earlier decisions stand. */
  | { readonly kind: 'through'; readonly looks: readonly number[]; readonly arms: number }
  | ClaimDesign;

/** Two claims at four places (one, at the end and of trends): `claim-world.ts`. */
export interface ClaimDesign {
  readonly kind: 'claims';
  readonly blocks: number;
  readonly against: Against['kind'];
  readonly at: Place['kind'];
  /** Outcomes come in such steps. */
  readonly quantum?: number;
  /** From the second place on outcomes cannot exceed this, but for noise; the control is asked at the first. */
  readonly ceiling?: number;
}

/** A world and what it must show. */
export interface ValidityWorld {
  readonly name: string;
  readonly world: World;
  readonly design: Design;
  /** What the study says otherwise than the worlds' own. */
  readonly study?: Partial<Pick<AnalysedStudy, 'outcomes' | 'contrasts' | 'claims'>>;
  readonly checks: readonly Check[];
  /** How many times more studies than others: for rates so close to their bound that 2,000 cannot tell. */
  readonly studiesFactor?: number;
}

/** Upper limit of every error rate's 95% interval. */
export const ERROR_LIMIT = 0.06;
/** Least power of the floors. */
export const POWER_FLOOR = 0.8;
/** The design of most worlds. */
export const EIGHT: Design = { kind: 'fixed', blocks: 8 };
/** Looks as in `study/looks.ts`. */
export const SEQUENTIAL: Design = { kind: 'sequential' };

/** Verdicts that a check counts. */
export type Verdicts = Extract<Counted, { kind: 'verdict' }>['verdicts'];
/** An error: these verdicts are wrong in this world. */
export const never = (...verdicts: Verdicts): Check => ({
  counted: { kind: 'verdict', verdicts },
  bound: { kind: 'upperLimitAtMost', value: ERROR_LIMIT },
});
/** Power: these verdicts are right in this world. */
export const mostly = (...verdicts: Verdicts): Check => ({
  counted: { kind: 'verdict', verdicts },
  bound: { kind: 'atLeast', value: POWER_FLOOR },
});
/** The 95% interval of a matching holds the truth as often as it says. */
export const covers = (matching: 'train' | 'heldOut' | 'joint', truth: number): Check => ({
  counted: { kind: 'covers', matching, truth },
  bound: { kind: 'between', low: 0.93, high: 0.97 },
});
