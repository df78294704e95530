/**
 * Claims: one column of numbers (one a block, of an arm, at given places) against another. Each place where the numbers are read
 * gets a verdict of its own, differs, agrees within delta or undecided, family-wise over the whole study; never a mean over places
 * that mean different things. Comparisons of arms beyond every matched axis at once are contrasts (study.ts).
 */
import { canonicalJson, type Json } from '#base/json.ts';

/** Where a claim's numbers are read off a run. */
export type Place =
  /** Where `axis` (one of `matchOn`) passes each of its levels; `levels` picks some of them. */
  | { readonly kind: 'crossed'; readonly axis: string; readonly levels?: readonly number[] }
  /** At the points that were measured at these values of an axis that training does not move, such as depth, L0, rank or n. */
  | { readonly kind: 'given'; readonly axis: string; readonly label: string; readonly levels: readonly number[] }
  /** At the run's last point that has the outcome. */
  | { readonly kind: 'end' }
  /** How much the numbers change along `axis`, from its first level passed to its last: the least-squares line over its levels. */
  | {
      readonly kind: 'trend';
      readonly axis: string;
      readonly levels?: readonly number[];
      readonly scale?: 'linear' | 'log';
    };

/** What a claim's numbers are held against; nothing but the second column depends on it. */
export type Against =
  | { readonly kind: 'arm'; readonly arm: string }
  /** A number known beforehand, such as chance; `label` is how sentences call it ("chance"). */
  | { readonly kind: 'value'; readonly value: number; readonly label: string }
  /** Another outcome of the same run, such as what a theory predicts or the mean of null draws; sentences call it by its label. */
  | { readonly kind: 'outcome'; readonly outcome: string }
  /** The sum of weight x arm over arms of the same block: interactions, (a - b) - (c - d) as arm a against b + c - d; trends over a factor. */
  | { readonly kind: 'arms'; readonly weights: Readonly<Record<string, number>>; readonly label: string };

/** What is asked of a claim. Controls have an expected answer, and gate every verdict of the study. */
export type Asks =
  | { readonly kind: 'question' }
  | {
      readonly kind: 'control';
      /** `differs`: at every place, by at least delta; `agrees`: within delta at every place; `identical`: equal to the bit. */
      readonly expect: 'differs' | 'agrees' | 'identical';
      /** Where `differs`: on which side; either where absent. */
      readonly direction?: 'above' | 'below';
    };

/** One claim. */
export interface Claim {
  /** Unique within the study; how tables and sentences name it. */
  readonly name: string;
  readonly arm: string;
  readonly against: Against;
  readonly at: Place;
  /** Outcomes it speaks of; all confirmatory ones where absent. */
  readonly outcomes?: readonly string[];
  readonly asks: Asks;
}

/** A picture of one number over two factors (`Arm.at`): a phase diagram. Described, never judged. */
export interface StudyMap {
  readonly name: string;
  readonly label: string;
  /** Factors of `Arm.at`. */
  readonly x: string;
  readonly y: string;
  readonly outcome: string;
  /** One place: a level of an axis, or the end. */
  readonly at: Exclude<Place, { kind: 'trend' }>;
  /** Cells show arms at `to` minus arms at `from` of this factor, everything else equal; the outcome itself where absent. */
  readonly difference?: { readonly factor: string; readonly from: Json; readonly to: Json };
  /** Only arms that stand there on a further factor, such as one optimizer's; all that stand at both factors where absent. */
  readonly only?: { readonly factor: string; readonly value: Json };
  /** An outcome that holds a theory's prediction: drawn as contours beside what was seen. */
  readonly theory?: string;
}

/** The arms whose runs a claim reads, its own first, each once. */
export function armsOfClaim({ arm, against }: Pick<Claim, 'arm' | 'against'>): string[] {
  const others = against.kind === 'arm' ? [against.arm] : against.kind === 'arms' ? Object.keys(against.weights) : [];
  return [...new Set([arm, ...others])];
}

/** Whether an arm stands at both factors of a map, and where the map is of some arms only, among them. */
export function isOnMap(
  { at = {} }: { readonly at?: Readonly<Record<string, Json>> },
  { x, y, only }: Pick<StudyMap, 'x' | 'y' | 'only'>,
): boolean {
  if (!Object.hasOwn(at, x) || !Object.hasOwn(at, y)) return false;
  return only === undefined || canonicalJson(at[only.factor] ?? null) === canonicalJson(only.value);
}
