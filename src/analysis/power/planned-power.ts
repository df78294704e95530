/**
 * The power of a planned study: studies of its design are drawn with a spread that is supposed or was seen, and judged by
 * the decision rule itself. A run's noise has half of its variance in common over levels and matchings, the rest anew at
 * each level, as in the validation worlds; the joint matching reads the runs where training levels are crossed.
 * Positive controls are taken to be detected where the study has one. A design of more than 14 blocks has its sign-flip
 * p from the t test, adjusted by Sidak over contrasts and outcomes.
 */
import type { Rng } from '#base/rng.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import { clusterCount } from '#study/clusters.ts';
import { largestJump } from '#analysis/verdict/jumps.ts';
import { decide, type ControlEvidence, type Decision } from '#analysis/verdict/decide.ts';
import { evidenceOf } from '#analysis/verdict/evidence.ts';
import { matchingName, MIN_BLOCKS } from '#analysis/matching/match.ts';
import {
  blockContrasts,
  overallEstimate,
  type MatchedTable,
  type PairContrasts,
  type RateContrasts,
} from '#analysis/matching/matched-table.ts';
import { signFlipMaxT, type FlipMember } from '#analysis/stats/sign-flip.ts';
import { studentTTwoSided } from '#analysis/stats/student-t.ts';
import { FIRST_ALPHA } from '#analysis/verdict/alpha-spending.ts';

/** What is planned, as far as power depends on it. */
export interface PlannedDesign {
  readonly matchings: readonly { readonly name: string; readonly levels: number }[];
  /** Whether training and held-out loss are matched jointly too. */
  readonly hasJoint: boolean;
  /** Independent units: blocks, or clusters of them. */
  readonly blocks: number;
  /** Admissible learning rates an arm. */
  readonly rates: number;
  /** Whether the arms of every question pilot the same rates; others are compared in every pair of rates (ADR 0086). */
  readonly areRatesShared: boolean;
  /** Questions x confirmatory outcomes: the family p is adjusted over. */
  readonly family: number;
  /** Outcomes' smallest effect of interest. */
  readonly delta: number;
  /** As far as a block may jump although none has; see `largestJump`. */
  readonly jump: number;
  /** Whether a positive control speaks of the outcome; without one "no effect" is never claimed. */
  readonly isControlled: boolean;
}

/** Chances of the verdict that is true, at one spread. */
export interface PowerRow {
  /** Standard deviation of a block's contrast at one level and one learning rate, in the outcome's unit. */
  readonly sigma: number;
  /** Truth 0. */
  readonly noEffect: number;
  /** Truth `EFFECT_DELTAS` deltas under every matching. */
  readonly affects: number;
  /** That truth at matched training loss and 0 at matched held-out loss; absent where both are not matched. */
  readonly explainedByHeldOut?: number;
}

/** The true effect whose detection is shown, in deltas (docs/method.md, power floors). */
export const EFFECT_DELTAS = 2;

const STUDIES = 200;
/** Share of a run's noise that its levels have in common. */
const RUN_SHARE = 0.5;
const EXACT_BLOCKS = 14;

/** What of a study its power depends on; arms without rates have one each, the same. */
type PlannedStudy = Omit<AnalysedStudy, 'arms'> & {
  readonly arms?: readonly { readonly name: string; readonly learningRates?: readonly number[] }[];
};

/** The design of a study's outcome with so many blocks and admissible rates. */
export function plannedDesign(
  study: PlannedStudy,
  outcome: string,
  blocks: number,
  rates: number,
): PlannedDesign | undefined {
  const confirmatory = study.outcomes.filter(({ role }) => role === 'confirmatory');
  const asked = confirmatory.find(({ name }) => name === outcome);
  if (asked === undefined) return undefined;
  const roles = new Set(study.matchOn.map(({ role }) => role));
  const questions = study.contrasts.filter(({ kind }) => kind === 'question').length;
  return {
    matchings: study.matchOn.map((axis) => ({ name: matchingName(axis), levels: axis.levels.length })),
    hasJoint: roles.has('train') && roles.has('heldOut'),
    blocks: study.blocks === undefined ? blocks : clusterCount(study.blocks.cluster, blocks),
    rates,
    areRatesShared: study.contrasts.every((one) => one.kind === 'control' || haveSameRates(study, one)),
    family: Math.max(1, questions * confirmatory.length),
    delta: asked.delta,
    jump: largestJump(asked),
    isControlled: isControlled(study, outcome),
  };
}

function haveSameRates({ arms = [] }: PlannedStudy, { arm, reference }: { arm: string; reference: string }): boolean {
  const [mine, theirs] = [arm, reference].map((name) => arms.find((one) => one.name === name)?.learningRates ?? []);
  return mine?.length === theirs?.length && mine?.every((rate, i) => rate === theirs?.[i]) === true;
}

/** Whether a study has a positive control that speaks of an outcome. */
export function isControlled({ contrasts }: Pick<AnalysedStudy, 'contrasts'>, outcome: string): boolean {
  return contrasts.some(
    (one) =>
      one.kind === 'control' &&
      one.expect === 'detected' &&
      (one.outcomes === undefined || one.outcomes.includes(outcome)),
  );
}

/** The power of a design at one spread. */
export function powerAt(design: PlannedDesign, sigma: number, rng: Rng, studies = STUDIES): PowerRow {
  const effect = EFFECT_DELTAS * design.delta;
  const share = (kind: Decision['kind'], truth: (matching: string) => number): number => {
    if (design.blocks < MIN_BLOCKS || design.matchings.length === 0) return 0;
    const stream = rng.split(`${kind} ${sigma}`);
    let hits = 0;
    for (let study = 0; study < studies; study++) {
      if (verdictOf(design, sigma, truth, kind !== 'noEffect', stream) === kind) hits++;
    }
    return hits / studies;
  };
  const row = { sigma, noEffect: share('noEffect', () => 0), affects: share('affects', () => effect) };
  if (!design.hasJoint) return row;
  return { ...row, explainedByHeldOut: share('explainedBy', (matching) => (matching === 'heldOut' ? 0 : effect)) };
}

/** Draws one study and judges it; p is worked out only where a verdict can rest on it. */
function verdictOf(
  design: PlannedDesign,
  sigma: number,
  truth: (matching: string) => number,
  needsP: boolean,
  rng: Rng,
): Decision['kind'] {
  const singles = drawSingles(design, sigma, truth, rng);
  // At equal training and held-out loss no more is left than at either.
  const least = Math.abs(truth('heldOut')) < Math.abs(truth('train')) ? 'heldOut' : 'train';
  const single = singles.find(({ name }) => name === least);
  const joint =
    design.hasJoint && single !== undefined ? { ...single, name: 'joint', rates: [], pairs: [] } : undefined;
  const tables = joint === undefined ? singles : [...singles, joint];
  const ps = needsP ? pOfTables(design, sigma, tables, rng) : tables.map(() => 1);
  const pOf = (name: string): number => ps[tables.findIndex((table) => table.name === name)] ?? 1;
  const controls = ({ levels }: MatchedTable): ControlEvidence[] =>
    design.isControlled
      ? [
          {
            name: 'control',
            levels: levels.map((_, l) => l),
            estimate: { mean: EFFECT_DELTAS * design.delta, standardError: 0, df: 1, count: design.blocks },
            p: 0,
          },
        ]
      : [];
  const evidence = evidenceOf(singles, joint, pOf, controls);
  if (evidence === undefined) return 'undecided';
  const { delta, jump, family } = design;
  // The other contrasts of the family may have effects: Holm's first step.
  return decide(evidence, { delta, jump, alpha: FIRST_ALPHA, absenceAlpha: FIRST_ALPHA / family }).kind;
}

/** Values of both arms at every matching, level, block and rate. */
function drawSingles(
  { matchings, blocks, rates, areRatesShared }: PlannedDesign,
  sigma: number,
  truth: (matching: string) => number,
  rng: Rng,
): MatchedTable[] {
  // Half of a contrast's variance comes from either arm.
  const own = sigma / Math.SQRT2;
  const [common, rest] = [Math.sqrt(RUN_SHARE) * own, Math.sqrt(1 - RUN_SHARE) * own];
  const runs = Float64Array.from({ length: 2 * rates * blocks }, () => common * rng.normal());
  return matchings.map(({ name, levels }): MatchedTable => {
    const size = blocks * levels;
    // Shape [2, R, B, L]: the arm, then the reference.
    const values = Float64Array.from({ length: 2 * rates * size }, (_, at) => {
      const [side, block] = [Math.floor(at / (rates * size)), Math.floor((at % size) / levels)];
      const rate = Math.floor((at % (rates * size)) / size);
      const effect = side === 0 ? truth(name) : 0;
      return effect + (runs[(side * rates + rate) * blocks + block] ?? 0) + rest * rng.normal();
    });
    const at = (side: number, rate: number): Float64Array =>
      values.subarray((side * rates + rate) * size, (side * rates + rate + 1) * size);
    const [arm, reference] = [0, 1].map((side) => meanOf(Array.from({ length: rates }, (_, rate) => at(side, rate))));
    const usable = new Uint8Array(size).fill(1);
    const contrasts = (['arm', 'reference'] as const).flatMap((side, s): RateContrasts[] =>
      Array.from({ length: rates > 1 ? rates : 0 }, (_, rate) => ({
        side,
        rate,
        contrast: at(s, rate).map((value, i) => (s === 0 ? value - (reference?.[i] ?? 0) : (arm?.[i] ?? 0) - value)),
        usable,
      })),
    );
    return {
      kind: 'matched',
      name,
      blocks: Array.from({ length: blocks }, (_, b) => b),
      levels: Array.from({ length: levels }, (_, l) => l),
      usable,
      bracketed: usable,
      arm: arm ?? new Float64Array(size),
      reference: reference ?? new Float64Array(size),
      excluded: Array.from({ length: levels }, () => undefined),
      rates: contrasts,
      ...(rates > 1 && { pairs: pairsOf(rates, areRatesShared, at, usable) }),
    };
  });
}

/** Rates by number; where they are not shared the reference's have numbers of their own. */
function pairsOf(
  rates: number,
  areShared: boolean,
  at: (side: number, rate: number) => Float64Array,
  usable: Uint8Array,
): PairContrasts[] {
  const numbers = Array.from({ length: rates }, (_, rate) => rate);
  return numbers.flatMap((arm) =>
    (areShared ? [arm] : numbers).map((other) => {
      const theirs = at(1, other);
      const contrast = at(0, arm).map((value, i) => value - (theirs[i] ?? 0));
      return { arm, reference: areShared ? other : rates + other, contrast, usable };
    }),
  );
}

function meanOf(arrays: readonly Float64Array[]): Float64Array {
  const [first] = arrays;
  return (first ?? new Float64Array()).map(
    (_, i) => arrays.reduce((sum, one) => sum + (one[i] ?? 0), 0) / arrays.length,
  );
}

/** Adjusted p of the tables, among a family whose other contrasts have no effect. */
function pOfTables(design: PlannedDesign, sigma: number, tables: readonly MatchedTable[], rng: Rng): number[] {
  const members = tables.map((table) => blockContrasts(table));
  if (design.blocks > EXACT_BLOCKS) {
    return members.map((member) => {
      const overall = overallEstimate(member);
      const p = overall === undefined ? 1 : studentTTwoSided(overall.mean / overall.standardError, overall.df);
      return 1 - (1 - p) ** design.family;
    });
  }
  const others = Array.from({ length: design.family - 1 }, () => nullMembers(design, sigma, rng)).flat();
  return signFlipMaxT([...members, ...others], rng).adjusted.slice(0, tables.length);
}

/** Block contrasts of a contrast without effect, one a matching: all that maxT reads of it. */
function nullMembers({ matchings, hasJoint, blocks, rates }: PlannedDesign, sigma: number, rng: Rng): FlipMember[] {
  const ids = Array.from({ length: blocks }, (_, b) => b);
  const own = sigma / Math.sqrt(rates);
  const common = ids.map(() => Math.sqrt(RUN_SHARE) * own * rng.normal());
  const members = matchings.map(({ levels }): FlipMember => {
    const rest = Math.sqrt((1 - RUN_SHARE) / levels) * own;
    return { blocks: ids, contrasts: common.map((value) => value + rest * rng.normal()) };
  });
  const train = members[matchings.findIndex(({ name }) => name === 'train')];
  return hasJoint && train !== undefined ? [...members, train] : members;
}
