/**
 * Worlds with a known truth for validating the instrument: runs fall along loss curves, behaviour is a function of
 * the losses plus (or not) an effect of the arm, and the frame holds exactly what a trainer leaves behind: axes at
 * every probe, outcomes at the two probes around each crossing of a level.
 */
import type { Rng } from '#base/rng.ts';
import type { Axis, Contrast, Outcome } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';

/** The smallest effect of interest in every world; worlds are scaled to it. */
export const DELTA = 0.1;
/** Loss before training, and what training tends to, in nats. */
const START_LOSS = 2;
const FINAL_LOSS = 0.25;
/** Runs end when training loss is below this. */
const STOP_LOSS = 0.35;
const MAX_GAP = 0.25;
/** Run to run spread of speed, as a share. */
const SPEED_SPREAD = 0.1;
/** Share of a level's variance that a run's levels have in common, where the world does not say. */
const RUN_SHARE = 0.5;
/** Block to block spread, shared by the arms, in units of sigma. */
const BLOCK_SPREAD = 2;
/** The positive control's effect, in deltas. */
const CONTROL_EFFECT = 1.5;

/** How one arm trains. */
export interface Dynamics {
  /** Speed of training relative to the base. */
  readonly speed: number;
  /** Held-out loss exceeds training loss by this times the training loss' fall. */
  readonly gap: number;
  /** How the gap opens: 0 evenly, above 0 late, below 0 early. */
  readonly bend: number;
  /** Noise of behaviour relative to the world's sigma. */
  readonly noise: number;
  /** Probes relative to the world's; 1 where absent. */
  readonly density?: number;
}

/** A world. Behaviour is in plain units, losses in nats. */
export interface World {
  readonly arm: Dynamics;
  readonly reference: Dynamics;
  /** Learning rates an arm. */
  readonly rates: number;
  /** Pilots see equal losses at all rates, so noise alone keeps so many of them, arm by arm; all where absent. */
  readonly keptRates?: number;
  /** The gap at the extreme rates is (1 -+ this) times the arm's. */
  readonly rateSpread: number;
  /** Standard deviation of a run's gap factor, from seed to seed. */
  readonly seedSpread: number;
  /** Probes a run of speed 1 needs. */
  readonly probes: number;
  /** Standard deviation of the measured losses around the true ones, in nats. */
  readonly lossNoise: number;
  /** Standard deviation of a block's contrast at one level and one learning rate. */
  readonly sigma: number;
  /** Behaviour as a function of the losses; `shift` is a standard normal of the run, for jumps that vary by seed. */
  readonly behaviour: (train: number, heldOut: number, shift: number) => number;
  /** What the arm adds beyond the losses, at its learning rates 0, 1, ... */
  readonly effect: (train: number, rate: number) => number;
  /** What a learning rate adds beyond the losses, in every arm alike. */
  readonly rateEffect?: (rate: number) => number;
  /** Behaviour takes this times the noise of the measured training loss with it: both are read off the same draws. */
  readonly sharedNoise?: number;
  /** Behaviour cannot exceed this. */
  readonly ceiling?: number;
  /** What the positive control adds beyond the losses; `CONTROL_EFFECT` deltas where absent. */
  readonly control?: (train: number, heldOut: number) => number;
  /** Outcomes at every probe, as tables of other trainers have them. */
  readonly measureAll?: boolean;
  /** Behaviour's noise is exponential (skewed) instead of normal, with the same variance. */
  readonly isSkewed?: boolean;
  /** In every n-th block the arm's gap is twice as wide. */
  readonly strayEvery?: number;
  /** Behaviour's noise is exponential in these arms only; the other keeps normal noise. */
  readonly skewedArms?: readonly string[];
  /** Every n-th block is three times as noisy. */
  readonly noisyEvery?: number;
  /** Share of a level's variance that a run's levels have in common. */
  readonly runShare?: number;
  /** The positive control differs from its reference by its effect alone, without noise: it then never hides an error. */
  readonly isControlTwin?: true;
  /** Block b belongs to cluster b mod `count`; this share of a contrast's variance is the cluster's, at all its levels and rates. */
  readonly clusters?: { readonly count: number; readonly share: number };
  /** In some blocks behaviour of these arms is higher by `size` throughout, with this chance a block and arm. */
  readonly jumps?: { readonly chance: number; readonly size: number; readonly arms: readonly string[] };
}

/** The base world: two arms of equal dynamics, no behaviour, no effect. */
export const BASE: World = {
  arm: { speed: 1, gap: 0.3, bend: 0, noise: 1 },
  reference: { speed: 1, gap: 0.3, bend: 0, noise: 1 },
  rates: 2,
  rateSpread: 0.25,
  seedSpread: 0.05,
  probes: 60,
  lossNoise: 0,
  sigma: DELTA / 2,
  behaviour: () => 0,
  effect: () => 0,
};

const TRAIN: Axis = {
  name: 'train',
  label: 'Training loss',
  unit: 'nats',
  role: 'train',
  levels: [1.7, 1.45, 1.2, 0.95, 0.7],
  maxGap: MAX_GAP,
  direction: 'falls',
};
const HELD_OUT: Axis = {
  name: 'heldOut',
  label: 'Held-out loss',
  unit: 'nats',
  role: 'heldOut',
  levels: [1.8, 1.65, 1.5, 1.35, 1.2],
  maxGap: MAX_GAP,
  direction: 'falls',
  untilBest: true,
};
const BEHAVIOUR: Outcome = {
  name: 'behaviour',
  label: 'Behaviour',
  unit: 'points',
  delta: DELTA,
  role: 'confirmatory',
  jumps: { kind: 'none', because: 'worlds are made without, where they do not say so' },
};
const QUESTION: Contrast = { kind: 'question', arm: 'arm', reference: 'reference' };
const CONTROL: Contrast = {
  kind: 'control',
  arm: 'positive',
  reference: 'reference',
  name: 'positive',
  expect: 'detected',
};

/** The study every world answers: one question, one positive control. */
export const WORLD_STUDY: AnalysedStudy = {
  scope: 'a simulated world',
  matchOn: [TRAIN, HELD_OUT],
  outcomes: [BEHAVIOUR],
  contrasts: [QUESTION, CONTROL],
};

/** Simulates one study of a world: the question's two arms and the positive control's. */
export function simulate(world: World, blocks: number, rng: Rng): Frame {
  return simulateBlocks(world, blocks, rng, [
    { arm: 'arm', dynamics: world.arm, effect: ({ train }, rate) => world.effect(train, rate) },
    { arm: 'reference', dynamics: world.reference, effect: () => 0 },
    controlArm(world),
  ]);
}

/** Simulates several arms of the world's effect and dynamics against one reference, with a positive control if asked. */
export function simulateArms(
  world: World,
  blocks: number,
  arms: readonly string[],
  rng: Rng,
  hasControl = false,
): Frame {
  return simulateBlocks(world, blocks, rng, [
    ...arms.map((arm): ArmPlan => ({
      arm,
      dynamics: world.arm,
      effect: ({ train }, rate) => world.effect(train, rate),
    })),
    { arm: 'reference', dynamics: world.reference, effect: () => 0 },
    ...(hasControl ? [controlArm(world)] : []),
  ]);
}

function controlArm(world: World): ArmPlan {
  const moderate = (): number => CONTROL_EFFECT * DELTA;
  const control = world.control ?? moderate;
  return {
    arm: 'positive',
    dynamics: world.reference,
    effect: ({ train, heldOut }) => control(train, heldOut),
  };
}

type ArmPlan = Pick<RunPlan, 'arm' | 'dynamics' | 'effect'>;

function simulateBlocks(world: World, blocks: number, rng: Rng, arms: readonly ArmPlan[]): Frame {
  const runs: FrameRun[] = [];
  const clusterEffect = clusterEffects(world, rng);
  const kept = new Map(arms.map(({ arm }) => [arm, keptRates(world, rng)]));
  // A control shows the instrument, not the pilots: it takes its reference's rates.
  kept.set('positive', kept.get('reference'));
  for (let block = 0; block < blocks; block++) {
    const jumps = new Map(arms.map(({ arm }) => [arm, jumpOf(world, arm, rng)]));
    const blockEffect = BLOCK_SPREAD * world.sigma * rng.normal();
    const factor = world.noisyEvery !== undefined && block % world.noisyEvery === 0 ? 3 : 1;
    for (let rate = 0; rate < world.rates; rate++) {
      let luck: Luck | undefined;
      for (const arm of arms) {
        if (kept.get(arm.arm)?.includes(rate) === false) continue;
        const twin = world.isControlTwin === true && arm.arm === 'positive' ? runs.at(-1) : undefined;
        if (twin?.arm === 'reference') {
          runs.push(raised(twin, CONTROL_EFFECT * DELTA));
          continue;
        }
        // The control's seed is its reference's, as in a study: it falls apart from it by its own noise alone.
        if (luck === undefined || arm.arm !== 'positive') {
          luck = { gap: rng.normal(), speed: rng.normal(), shift: rng.normal() };
        }
        const plan: RunPlan = {
          ...arm,
          block,
          rate,
          blockEffect: blockEffect + (jumps.get(arm.arm) ?? 0) + clusterEffect(arm.arm, block),
          factor,
          luck,
          ...(world.clusters && { cluster: `cluster ${block % world.clusters.count}` }),
        };
        runs.push(simulateRun(world, plan, rng));
      }
    }
  }
  return { runs };
}

/** The control's run as its reference's, with all outcomes higher. */
function raised(run: FrameRun, by: number): FrameRun {
  const points = run.points.map((point) =>
    point.outcomes === undefined
      ? point
      : { ...point, outcomes: { behaviour: (point.outcomes['behaviour'] ?? 0) + by } },
  );
  return { ...run, arm: 'positive', points };
}

/** The rates an arm's pilots keep; draws nothing where they keep all. */
function keptRates({ rates, keptRates: kept }: World, rng: Rng): readonly number[] | undefined {
  return kept === undefined ? undefined : Array.from(rng.permutation(rates)).slice(0, kept);
}

/** What a cluster adds to an arm: drawn when first asked for. */
function clusterEffects({ clusters, sigma }: World, rng: Rng): (arm: string, block: number) => number {
  if (clusters === undefined) return () => 0;
  const drawn = new Map<string, number>();
  return (arm, block) => {
    const key = `${arm} ${block % clusters.count}`;
    const effect = drawn.get(key) ?? Math.sqrt(clusters.share / 2) * sigma * rng.normal();
    drawn.set(key, effect);
    return effect;
  };
}

function jumpOf({ jumps }: World, arm: string, rng: Rng): number {
  return jumps?.arms.includes(arm) === true && rng.uniform() < jumps.chance ? jumps.size : 0;
}

/** What a run's seed decides of its course: standard normals. */
interface Luck {
  readonly gap: number;
  readonly speed: number;
  readonly shift: number;
}

interface RunPlan {
  readonly arm: string;
  readonly block: number;
  readonly cluster?: string;
  readonly rate: number;
  readonly dynamics: Dynamics;
  readonly effect: (losses: Losses, rate: number) => number;
  readonly blockEffect: number;
  readonly factor: number;
  readonly luck: Luck;
}

function simulateRun(world: World, plan: RunPlan, rng: Rng): FrameRun {
  const place = world.rates === 1 ? 0 : (2 * plan.rate) / (world.rates - 1) - 1;
  const isStray = world.strayEvery !== undefined && plan.block % world.strayEvery === 0 && plan.arm === 'arm';
  const factor = 1 + place * world.rateSpread + world.seedSpread * plan.luck.gap;
  const gap = (isStray ? 2 : 1) * plan.dynamics.gap * factor;
  const speed = plan.dynamics.speed * Math.exp(SPEED_SPREAD * plan.luck.speed);
  const decay =
    (speed * Math.log((START_LOSS - FINAL_LOSS) / (STOP_LOSS - FINAL_LOSS))) /
    (world.probes * (plan.dynamics.density ?? 1));
  const ownShare = Math.sqrt((1 - (world.clusters?.share ?? 0)) / 2);
  const sigma = world.sigma * plan.dynamics.noise * plan.factor * ownShare;
  const { shift } = plan.luck;
  const isSkewed = world.isSkewed ?? world.skewedArms?.includes(plan.arm) ?? false;
  const drawNoise = (): number => (isSkewed ? -Math.log(1 - rng.uniform()) - 1 : rng.normal());
  const runShare = world.runShare ?? RUN_SHARE;
  const runEffect = plan.blockEffect + Math.sqrt(runShare) * sigma * drawNoise();
  // Two probes are interpolated at each level: that leaves 2/3 of their variance on average.
  const pointSigma = Math.sqrt((1 - runShare) * 1.5) * sigma;
  const truths: Losses[] = [];
  const axes: Losses[] = [];
  for (let probe = 0, train = START_LOSS; train > STOP_LOSS; probe++) {
    train = FINAL_LOSS + (START_LOSS - FINAL_LOSS) * Math.exp(-decay * probe);
    const fall = START_LOSS - train;
    const heldOut = train + gap * fall * (1 + plan.dynamics.bend * (fall / (START_LOSS - FINAL_LOSS) - 0.5));
    const truth = { train, heldOut };
    truths.push(truth);
    axes.push(world.lossNoise === 0 ? truth : noisy(truth, world.lossNoise, rng));
  }
  const measured = measuredProbes(axes);
  const points = axes.map((point, step): TrajectoryPoint => {
    const truth = truths[step];
    if (truth === undefined || !(world.measureAll === true || measured.has(step))) return { step, axes: point };
    const free =
      world.behaviour(truth.train, truth.heldOut, shift) +
      plan.effect(truth, plan.rate) +
      (world.rateEffect?.(plan.rate) ?? 0);
    const shared = (world.sharedNoise ?? 0) * (point.train - truth.train);
    const behaviour = Math.min(free, world.ceiling ?? Infinity) + shared + runEffect + pointSigma * drawNoise();
    return { step, axes: point, outcomes: { behaviour } };
  });
  const { arm, block, cluster } = plan;
  return {
    arm,
    block,
    learningRate: plan.rate + 1,
    status: 'finished',
    points,
    ...(cluster !== undefined && { cluster }),
  };
}

/** A run's losses at a probe, in nats. */
type Losses = { readonly train: number; readonly heldOut: number };

function noisy(truth: Losses, noise: number, rng: Rng): Losses {
  return { train: truth.train + noise * rng.normal(), heldOut: truth.heldOut + noise * rng.normal() };
}

/** The two probes around every crossing, up or down: where a trainer that keeps the previous probe measures outcomes. */
function measuredProbes(axes: readonly Losses[]): ReadonlySet<number> {
  const measured = new Set<number>();
  for (const { name, levels } of [TRAIN, HELD_OUT]) {
    axes.forEach((point, i) => {
      const before = axes[i - 1];
      if (before === undefined) return;
      const [from, to] = name === 'train' ? [before.train, point.train] : [before.heldOut, point.heldOut];
      if (levels.some((level) => from > level !== to > level)) {
        measured.add(i - 1);
        measured.add(i);
      }
    });
  }
  return measured;
}
