/**
 * Frames and studies for worlds of claims: two arms, each asked at every place, are one family. A place's contrast has standard deviation
 * `sigma` in every kind; what arms share in a block is twice that, and cancels where arms are compared. `World.effect` is
 * asked with the place's number; the change along a trend is the effect at place 0.
 */
import type { Rng } from '#base/rng.ts';
import type { Against, Claim, Place } from '#study/claim.ts';
import type { Axis } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { ClaimDesign } from './validity-world.ts';
import { DELTA, WORLD_STUDY, type World } from './world.ts';

const PLACES = [0, 1, 2, 3] as const;
const ASKED = ['arm', 'second'] as const;
const OTHERS = ['reference', 'part', 'rest'] as const;
/** Where outcomes lie without any effect. */
const CHANCE = 0.5;
const CONTROL_EFFECT = 1.5;
const BLOCK_SPREAD = 2;
/** Share of a place's variance that a run's places have in common, where the world does not say. */
const RUN_SHARE = 0.5;
const AXIS: Axis = {
  name: 'train',
  label: 'Training loss',
  unit: 'nats',
  role: 'train',
  levels: [2, 1.5, 1, 0.5],
  maxGap: 0.25,
  direction: 'falls',
};
/** Probes lie so far on either side of a level. */
const HALF_GAP = 0.1;
/** Of least-squares changes over four even levels, relative to the noise of one: span / sqrt(sum of squares) = 3 / sqrt 5. */
const TREND_SPREAD = 3 / Math.sqrt(5);

/** The study of a design: one question an asked arm, with a positive control between arms. */
export function claimStudy(design: ClaimDesign, base: AnalysedStudy = WORLD_STUDY): AnalysedStudy {
  const questions = ASKED.map((arm): Claim => ({
    name: `${arm} claim`,
    arm,
    against: againstOf(design),
    at: placeOf(design),
    asks: { kind: 'question' },
  }));
  const control: Claim = {
    name: 'positive',
    arm: 'positive',
    against: { kind: 'arm', arm: 'reference' },
    // A ceiling leaves the first place free: only there the control can be seen.
    at: design.ceiling === undefined ? placeOf(design) : { kind: 'given', axis: 'depth', label: 'depth', levels: [0] },
    asks: { kind: 'control', expect: 'differs', direction: 'above' },
  };
  const isControlled = design.against === 'arm' || design.against === 'arms';
  const isCrossed = design.at === 'crossed' || design.at === 'trend';
  return {
    scope: base.scope,
    outcomes: base.outcomes,
    matchOn: isCrossed ? [AXIS] : [],
    contrasts: [],
    claims: [...questions, ...(isControlled ? [control] : [])],
  };
}

function againstOf({ against }: ClaimDesign): Against {
  switch (against) {
    case 'value':
      return { kind: 'value', value: CHANCE, label: 'chance' };
    case 'outcome':
      return { kind: 'outcome', outcome: 'theory' };
    case 'arm':
      return { kind: 'arm', arm: 'reference' };
    case 'arms':
      return { kind: 'arms', weights: { reference: 1, part: 1, rest: -1 }, label: 'the sum of the parts' };
    default:
      return against satisfies never;
  }
}

function placeOf({ at }: ClaimDesign): Place {
  switch (at) {
    case 'given':
      return { kind: 'given', axis: 'depth', label: 'depth', levels: PLACES };
    case 'end':
      return { kind: 'end' };
    case 'crossed':
    case 'trend':
      return { kind: at, axis: AXIS.name };
    default:
      return at satisfies never;
  }
}

/** How many independent noises of equal size a contrast sums. */
const NOISES = { value: 1, outcome: 1, arm: 2, arms: 4 } as const;

/** Simulates one study of a design in a world. */
export function simulateClaims(world: World, design: ClaimDesign, rng: Rng): Frame {
  const isBetween = design.against === 'arm' || design.against === 'arms';
  const others = OTHERS.slice(0, NOISES[design.against] - 1);
  const arms: readonly string[] = [...ASKED, ...others, ...(isBetween ? ['positive'] : [])];
  const kept = new Map(
    arms.map((arm) => [
      arm,
      world.keptRates === undefined ? undefined : Array.from(rng.permutation(world.rates)).slice(0, world.keptRates),
    ]),
  );
  kept.set('positive', kept.get('reference'));
  const ofClusters = clusterNoise(world, rng);
  const runs: FrameRun[] = [];
  for (let block = 0; block < design.blocks; block++) {
    const shared = isBetween ? BLOCK_SPREAD * world.sigma * rng.normal() : 0;
    for (const arm of arms) {
      const jump =
        world.jumps?.arms.includes(arm) === true && rng.uniform() < world.jumps.chance ? world.jumps.size : 0;
      const fixed = shared + jump + ofClusters(arm, block);
      for (let rate = 0; rate < world.rates; rate++) {
        if (kept.get(arm)?.includes(rate) === false) continue;
        const noises = noisesOf(world, design, arm, rng);
        const twin = world.isControlTwin === true && arm === 'positive' ? twinOf(runs, block, rate + 1) : undefined;
        const points =
          twin?.points.map((point, i) => raised(point, design, i)) ??
          pointsOf(world, design, { arm, rate, fixed, noises, rng });
        runs.push({
          arm,
          block,
          learningRate: rate + 1,
          status: 'finished',
          points,
          ...(world.clusters && { cluster: `cluster ${block % world.clusters.count}` }),
        });
      }
    }
  }
  return { runs };
}

function clusterNoise({ clusters, sigma }: World, rng: Rng): (arm: string, block: number) => number {
  const drawn = new Map<string, number>();
  return (arm, block) => {
    if (clusters === undefined) return 0;
    const key = `${arm} ${block % clusters.count}`;
    const effect = drawn.get(key) ?? Math.sqrt(clusters.share / 2) * sigma * rng.normal();
    drawn.set(key, effect);
    return effect;
  };
}

/** A run's noise at every place. */
function noisesOf(world: World, { against, at }: ClaimDesign, arm: string, rng: Rng): number[] {
  const draw = world.skewedArms?.includes(arm) === true ? () => -Math.log(1 - rng.uniform()) - 1 : () => rng.normal();
  const own = Math.sqrt((1 - (world.clusters?.share ?? 0)) / NOISES[against]);
  // What a run's places share cancels in a trend.
  const share = at === 'trend' ? 0 : (world.runShare ?? RUN_SHARE);
  const scale = (world.sigma * own) / (at === 'trend' ? TREND_SPREAD : 1);
  const common = Math.sqrt(share) * draw();
  return PLACES.map(() => scale * (common + Math.sqrt(1 - share) * draw()));
}

function twinOf(runs: readonly FrameRun[], block: number, learningRate: number): FrameRun | undefined {
  return runs.find((run) => run.arm === 'reference' && run.block === block && run.learningRate === learningRate);
}

/** The reference's point with the control's effect added, without noise of its own. */
function raised(point: TrajectoryPoint, design: ClaimDesign, i: number): TrajectoryPoint {
  const isCrossed = design.at === 'crossed' || design.at === 'trend';
  const place = isCrossed ? Math.floor(i / 2) : i;
  const by = effectAt(design, CONTROL_EFFECT * DELTA, place);
  const behaviour = (point.outcomes?.['behaviour'] ?? 0) + by;
  return { ...point, outcomes: { ...point.outcomes, behaviour } };
}

/** Of a trend the part of the change that is reached at a place. */
function effectAt({ at }: ClaimDesign, effect: number, place: number): number {
  return at === 'trend' ? (effect * place) / (PLACES.length - 1) : effect;
}

interface RunPlan {
  readonly arm: string;
  readonly rate: number;
  /** What holds for the whole run. */
  readonly fixed: number;
  readonly noises: readonly number[];
  readonly rng: Rng;
}

function pointsOf(world: World, design: ClaimDesign, { arm, rate, fixed, noises, rng }: RunPlan): TrajectoryPoint[] {
  const isAsked = ASKED.some((one) => one === arm);
  const effectOf = (place: number): number => {
    if (arm === 'positive') return CONTROL_EFFECT * DELTA;
    return isAsked ? world.effect(design.at === 'trend' ? 0 : place, rate) : 0;
  };
  return PLACES.flatMap((place) => {
    const theory = design.against === 'outcome' ? CHANCE + BLOCK_SPREAD * world.sigma * rng.normal() : CHANCE;
    const effect = effectAt(design, effectOf(place), place) + (world.rateEffect?.(rate) ?? 0);
    const truth = place === 0 ? theory + effect : Math.min(theory + effect, design.ceiling ?? Infinity);
    const free = truth + fixed + (noises[place] ?? 0);
    const { quantum } = design;
    const behaviour = quantum === undefined ? free : CHANCE + quantum * Math.round((free - CHANCE) / quantum);
    const outcomes = design.against === 'outcome' ? { behaviour, theory } : { behaviour };
    const level = AXIS.levels[place] ?? 0;
    switch (design.at) {
      case 'given':
        return [{ step: 1, axes: { depth: place }, outcomes }];
      case 'end':
        // Only the last point counts, which is the first place's.
        return [{ step: PLACES.length - place, axes: {}, outcomes }];
      case 'crossed':
      case 'trend':
        return [HALF_GAP, -HALF_GAP].map((by, i) => ({ step: 2 * place + i, axes: { train: level + by }, outcomes }));
      default:
        return design.at satisfies never;
    }
  }).toSorted((a, b) => a.step - b.step);
}
