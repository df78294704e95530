/**
 * What is asked: a question, its arms and blocks, what runs are matched on, what counts as an effect, and the
 * controls that must come out right. Pure data (but for the recipe), fixed before the confirmatory runs and stored with its hash.
 */
import type { Json, JsonObject } from '#base/json.ts';
import type { Claim, StudyMap } from '#study/claim.ts';
import type { Recipe } from '#study/recipe.ts';

/** A quantity runs are matched on. */
export interface Axis {
  readonly name: string;
  readonly label: string;
  /** Unit of values and levels, such as `nats per answer token`. */
  readonly unit: string;
  /** Which matching of docs/method.md the axis carries; `other` for reward, L0, loss per stage. */
  readonly role: 'train' | 'heldOut' | 'other';
  /** Preset levels, in the axis' unit. */
  readonly levels: readonly number[];
  /** Widest step between two probes that still counts as bracketing a level, in the axis' unit. */
  readonly maxGap: number;
  /** Which way training moves the axis: losses fall, rewards rise. */
  readonly direction: 'falls' | 'rises';
  /** Only points up to the run's best value count (held-out loss: what follows is overfitting). */
  readonly untilBest?: boolean;
}

/** A behaviour that is compared. */
export interface Outcome {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** The smallest effect of interest, in the outcome's unit. */
  readonly delta: number;
  /** For readers alone: no verdict depends on it. */
  readonly higherIs?: 'better' | 'worse';
  /** Confirmatory outcomes get verdicts; exploratory ones are described. */
  readonly role: 'confirmatory' | 'exploratory';
  /** How far a block's contrast may jump in seeds that were not run; see `Jumps`. */
  readonly jumps?: Jumps;
}

/**
 * What a study knows of jumps: behaviour that changes abruptly in some seeds only, so that few blocks may show none of it.
 * Absent: as far as the outcome's range, which is 1 for the unit `probability` or `fraction` and unknown for others.
 */
export type Jumps =
  /** The outcome does not jump; `because` says in words how that is known. */
  | { readonly kind: 'none'; readonly because: string }
  /** No block's contrast exceeds `size`, in the outcome's unit. */
  | { readonly kind: 'upTo'; readonly size: number };

/** One combination of factor levels. */
export interface Arm {
  readonly name: string;
  readonly label: string;
  /** Dotted config paths and their values, over the study's config. */
  readonly set: JsonObject;
  /** Learning rates to pilot, ascending; none where the arm runs at its config's own rate, or trains nothing. */
  readonly learningRates: readonly number[];
  /** The arm whose pilots choose this arm's rates too; its own pilots where absent. */
  readonly ratesLike?: string;
  /** Where the arm stands on the study's factors, by name: what maps and trends over a factor read. */
  readonly at?: Readonly<Record<string, Json>>;
  /** Shifts the block's seed: an A/A arm repeats another arm under other seeds. */
  readonly seedOffset?: number;
}

/** A comparison of two arms. Controls have an expected verdict and do not enter the confirmatory family. */
export type Contrast =
  | { readonly kind: 'question'; readonly arm: string; readonly reference: string }
  | {
      readonly kind: 'control';
      readonly arm: string;
      readonly reference: string;
      readonly name: string;
      /**
       * `detected`: an effect of at least delta must be found, and speaks for levels where it is of one to two delta;
       * `notDetected`: alike within delta; `identical`: outcomes equal to the bit.
       */
      readonly expect: 'detected' | 'notDetected' | 'identical';
      /** Where `detected`: on which side of the reference; either where absent. */
      readonly direction?: 'above' | 'below';
      /** Where `detected`: the matchings it must be found under and speaks for (`train`, `heldOut`, an axis' name); all where absent. */
      readonly matchings?: readonly string[];
      /** Outcomes the expectation speaks of; all confirmatory ones where absent. */
      readonly outcomes?: readonly string[];
    };

/** How the pilot chooses learning rates: those whose best value on `axis` is within `margin` of the arm's best. */
export interface PilotRule {
  readonly blocks: number;
  readonly axis: string;
  readonly margin: number;
  /** At most so many admissible rates an arm, best first. */
  readonly maxRates: number;
  /**
   * `none`: pilots measure outcomes at no level, since rates are chosen by an axis. What `assay plan` says of power and time then
   * knows the spread from confirmatory blocks alone, and takes pilots for runs of their length. Measured where left out.
   */
  readonly outcomes?: 'none';
}

/** The size of a study: which arms, how many blocks, which config over the study's. */
export interface Profile {
  readonly arms: readonly string[];
  readonly blocks: number;
  readonly set?: JsonObject;
}

/**
 * Blocks that share something, such as a domain, and are no independent evidence: a verdict then rests on clusters.
 * `label` names one, in the singular; `when` holds config paths and the values under which blocks have clusters at all.
 */
export type Cluster = { readonly label: string; readonly when?: JsonObject } & (
  | /** Block b belongs to cluster b mod `count`. */ { readonly kind: 'modulo'; readonly count: number }
  | /** Block b belongs to the cluster `names[b]`. */ { readonly kind: 'list'; readonly names: readonly string[] }
);

export type ProfileName = 'quick' | 'standard' | 'full';

/** Other arms for a study: what `--set` says of its factors and rates, not yet read. */
export interface Variation {
  /** Factor, or dotted config path -> its levels. */
  readonly factors: Readonly<Record<string, Json>>;
  /** Rates to pilot where no level names its own. */
  readonly learningRates?: Json;
  /** What a positive control is made of, such as the path of its rows. */
  readonly control?: Json;
}

/**
 * A study, whole: `matchOn` and `contrasts` may be empty, as where only claims are asked, or nothing is and runs are only measured.
 * Authors write a `StudyInput`, which `defineStudy` makes whole.
 */
export interface Study {
  readonly name: string;
  readonly question: string;
  /** The world or model, data and range a verdict speaks of. */
  readonly scope: string;
  readonly recipe: Recipe;
  /** Dotted config paths and their values, over the recipe's defaults. */
  readonly set?: JsonObject;
  readonly matchOn: readonly Axis[];
  readonly outcomes: readonly Outcome[];
  /** Levels where the mean of `outcome` is below `floor` in either arm do not count. */
  readonly coherence?: { readonly outcome: string; readonly floor: number };
  readonly arms: readonly Arm[];
  readonly contrasts: readonly Contrast[];
  /** What is asked place by place, beside the contrasts. */
  readonly claims?: readonly Claim[];
  readonly maps?: readonly StudyMap[];
  /** What blocks share beside nothing; absent where every block is independent of the others. */
  readonly blocks?: { readonly cluster: Cluster };
  /** Absent where no arm has rates to choose from. */
  readonly pilot?: PilotRule;
  readonly profiles: Readonly<Partial<Record<ProfileName, Profile>> & { readonly quick: Profile }>;
  /** The same study with other arms; absent where they are fixed. @throws AssayError on an unknown factor or level. */
  readonly vary?: (variation: Variation) => Study;
}

/** An arm as an author writes it: without `learningRates` it runs at its config's own rate, or at those of `ratesLike`. */
export type ArmInput = Omit<Arm, 'learningRates'> & Partial<Pick<Arm, 'learningRates'>>;

/** A study as an author writes it: what is not asked is left out. */
export interface StudyInput extends Omit<Study, 'matchOn' | 'contrasts' | 'arms'> {
  readonly matchOn?: readonly Axis[];
  readonly contrasts?: readonly Contrast[];
  readonly arms: readonly ArmInput[];
}
