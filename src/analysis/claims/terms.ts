/**
 * A claim as a sum: the arm's numbers, weight 1, and what they are held against, with weights of its own. Nothing but this
 * list depends on the kind of `against`.
 */
import type { Claim } from '#study/claim.ts';

/** One arm's outcome with its weight. */
export interface Term {
  readonly arm: string;
  readonly outcome: string;
  readonly weight: number;
}

/** contrast = sum of weight x outcome of arm, minus the constant. */
export interface Sum {
  /** First the claim's own arm. */
  readonly terms: readonly Term[];
  readonly constant: number;
}

/** A claim on one outcome as a sum. */
export function sumOf({ arm, against }: Pick<Claim, 'arm' | 'against'>, outcome: string): Sum {
  const own: Term = { arm, outcome, weight: 1 };
  switch (against.kind) {
    case 'arm':
      return { terms: [own, { arm: against.arm, outcome, weight: -1 }], constant: 0 };
    case 'value':
      return { terms: [own], constant: against.value };
    case 'outcome':
      return { terms: [own, { arm, outcome: against.outcome, weight: -1 }], constant: 0 };
    case 'arms': {
      const others = Object.entries(against.weights).map(([other, weight]) => ({
        arm: other,
        outcome,
        weight: -weight,
      }));
      return { terms: [own, ...others], constant: 0 };
    }
    default:
      return against satisfies never;
  }
}

/** Whether a claim compares arms, so that a floor or ceiling could hide a difference. */
export function comparesArms({ against }: Pick<Claim, 'against'>): boolean {
  return against.kind === 'arm' || against.kind === 'arms';
}
