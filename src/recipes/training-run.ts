/**
 * The loop of a training run: probe, checkpoint, step, until the planned steps are taken or the loss is low enough.
 * Invariant: a run that is interrupted and resumed goes on to the same bits and records the same points.
 */
import { packBytes, unpackBytes } from '#learning/checkpoint.ts';
import type { Trainer } from '#learning/train.ts';
import {
  bracketedTrajectory,
  type BracketedTrajectory,
  type Probe,
  type Probed,
} from '#measures/bracketed-trajectory.ts';
import type { RunContext } from '#study/recipe.ts';
import type { RunEnd } from '#study/trajectory.ts';

/** What is trained and measured; the trainer stands at the run's start. */
export interface TrainingSubject {
  readonly trainer: Trainer;
  /** The cheap measurements; `train` is the training loss, in nats. */
  axes(): Promise<Readonly<Record<string, number>>>;
  /** @param probe What the axes were under the weights of the moment. */
  outcomes(probe: Probe): Promise<Readonly<Record<string, number>>>;
  /** One optimizer step; the reason where its numbers broke. */
  step(step: number): Promise<string | undefined>;
}

export interface TrainingPlan {
  readonly steps: number;
  readonly probeEvery: number;
  /** Axis name -> its levels. */
  readonly levels: Readonly<Record<string, readonly number[]>>;
  /** Training loss below which the run ends, and above which it is lost, in nats. */
  readonly stopBelow: number;
  readonly explodedAbove: number;
}

/** Makes the run. @throws the signal's reason when it is stopped. */
export async function trainingRun(context: RunContext, plan: TrainingPlan, subject: TrainingSubject): Promise<RunEnd> {
  const resumed = context.resumeFrom === undefined ? undefined : resume(context.resumeFrom, subject.trainer);
  const trajectory = trajectoryOf(context, plan, subject, resumed?.pending);
  for (let step = resumed?.step ?? 0; ; step++) {
    context.signal.throwIfAborted();
    const isLast = step === plan.steps;
    // A resumed run was probed at its step before the checkpoint was taken.
    if ((isLast || step % plan.probeEvery === 0) && step !== resumed?.step) {
      const end = await probeAt(step, isLast, plan, trajectory);
      if (end !== undefined) return end;
      await context.checkpoint(() => checkpointOf(step, trajectory, subject.trainer));
      context.progress(step / plan.steps);
    }
    const broken = await subject.step(step);
    if (broken !== undefined) return { kind: 'diverged', step, reason: broken };
  }
}

async function probeAt(
  step: number,
  isLast: boolean,
  { stopBelow, explodedAbove }: TrainingPlan,
  trajectory: BracketedTrajectory,
): Promise<RunEnd | undefined> {
  const { axes } = await trajectory.probe(step, isLast);
  const { train = Number.NaN } = axes;
  if (!(train < explodedAbove)) return { kind: 'diverged', step, reason: `training loss ${train} nats` };
  if (isLast) return { kind: 'finished' };
  if (train >= stopBelow) return undefined;
  await trajectory.finish();
  return { kind: 'finished' };
}

function trajectoryOf(
  context: RunContext,
  plan: TrainingPlan,
  subject: TrainingSubject,
  pending: Probe | undefined,
): BracketedTrajectory {
  const { trainer } = subject;
  const probed: Probed<Uint8Array> = {
    axes: async () => subject.axes(),
    outcomes: async (probe) => subject.outcomes(probe),
    takeSnapshot: () => trainer.saveWeights(),
    under: async (snapshot, measure) => {
      const present = trainer.saveWeights();
      trainer.restoreWeights(snapshot);
      const measured = await measure();
      trainer.restoreWeights(present);
      return measured;
    },
  };
  return bracketedTrajectory(probed, plan.levels, (probe) => context.record(probe), pending);
}

interface Resumed {
  readonly step: number;
  readonly pending: Probe;
}

function checkpointOf(step: number, { pending }: BracketedTrajectory, trainer: Trainer): Uint8Array {
  return packBytes([new TextEncoder().encode(JSON.stringify({ step, pending })), trainer.saveState()]);
}

/** Puts the trainer where the checkpoint was taken: right after the probe of its step. */
function resume(bytes: Uint8Array, trainer: Trainer): Resumed {
  const [head = new Uint8Array(), state = new Uint8Array()] = unpackBytes(bytes);
  const resumed = JSON.parse(new TextDecoder().decode(head)) as Resumed;
  trainer.restoreState(state);
  return resumed;
}
