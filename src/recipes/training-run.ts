/**
 * The loop of a training run: probe, checkpoint, step, until the planned steps are taken or the loss is low enough.
 * Invariant: a run that is interrupted and resumed goes on to the same bits and records the same points.
 */
import { bytesAt, type Pieces, sourceOf } from '#base/bytes.ts';
import { packPieces, unpackSource } from '#learning/checkpoint.ts';
import { brokenAxis } from '#learning/divergence.ts';
import type { Learner } from '#learning/learner.ts';
import {
  bracketedTrajectory,
  type BracketedTrajectory,
  type Probe,
  type Probed,
} from '#measures/bracketed-trajectory.ts';
import type { RunContext } from '#study/recipe.ts';
import type { RunEnd } from '#study/trajectory.ts';

const NOTHING = sourceOf(new Uint8Array());

/** What is trained and measured; the learner stands at the run's start. */
export interface TrainingSubject {
  readonly learner: Pick<Learner, 'saveWeights' | 'restoreWeights' | 'stateInPlace' | 'restoreState'>;
  /** The cheap measurements, under the weights of the moment; one that is not finite ends the run as diverged. */
  axes(): Promise<Readonly<Record<string, number>>>;
  /** @param probe What the axes were under the weights of the moment. */
  outcomes(probe: Probe): Promise<Readonly<Record<string, number>>>;
  /** One optimizer step, see `takeStep`; the reason where its numbers broke. */
  step(step: number): Promise<string | undefined>;
}

export interface TrainingPlan {
  readonly steps: number;
  readonly probeEvery: number;
  /** Axis name -> its levels. */
  readonly levels: Readonly<Record<string, readonly number[]>>;
  /** The axis that the two limits below speak of; default `train`. */
  readonly lossAxis?: string;
  /** The axis' value below which the run ends, in its unit; never where left out. */
  readonly stopBelow?: number;
  /** The value from which no run recovers; none where left out. */
  readonly explodedAbove?: number;
}

/** Makes the run. @throws the signal's reason when it is stopped. */
export async function trainingRun(context: RunContext, plan: TrainingPlan, subject: TrainingSubject): Promise<RunEnd> {
  const resumed = resume(context, subject.learner);
  const trajectory = trajectoryOf(context, plan, subject, resumed?.pending);
  for (let step = resumed?.step ?? 0; ; step++) {
    context.signal.throwIfAborted();
    const isLast = step === plan.steps;
    // A resumed run was probed at its step before the checkpoint was taken.
    if ((isLast || step % plan.probeEvery === 0) && step !== resumed?.step) {
      const end = await probeAt(step, isLast, plan, trajectory);
      if (end !== undefined) return end;
      await context.checkpoint(() => checkpointOf(step, trajectory, subject.learner));
      context.progress(step / plan.steps);
    }
    const broken = await subject.step(step);
    if (broken !== undefined) return { kind: 'diverged', step, reason: broken };
  }
}

async function probeAt(
  step: number,
  isLast: boolean,
  { lossAxis = 'train', stopBelow = -Infinity, explodedAbove = Infinity }: TrainingPlan,
  trajectory: BracketedTrajectory,
): Promise<RunEnd | undefined> {
  const { axes } = await trajectory.probe(step, isLast);
  const broken = brokenAxis(axes);
  if (broken !== undefined) return { kind: 'diverged', step, reason: broken };
  const loss = axes[lossAxis];
  if (loss === undefined) throw new Error(`expected an axis "${lossAxis}", found ${Object.keys(axes).join(', ')}`);
  if (loss >= explodedAbove) return { kind: 'diverged', step, reason: `axis "${lossAxis}" is ${loss}` };
  if (isLast) return { kind: 'finished' };
  if (loss >= stopBelow) return undefined;
  await trajectory.finish();
  return { kind: 'finished' };
}

function trajectoryOf(
  context: RunContext,
  plan: TrainingPlan,
  subject: TrainingSubject,
  pending: Probe | undefined,
): BracketedTrajectory {
  const { learner } = subject;
  // A trajectory needs one snapshot at a time, and the present weights beside it for as long as it looks at them.
  let kept: Uint8Array<ArrayBuffer> | undefined;
  let present: Uint8Array<ArrayBuffer> | undefined;
  const probed: Probed<Uint8Array> = {
    axes: async () => subject.axes(),
    outcomes: async (probe) => subject.outcomes(probe),
    takeSnapshot: () => (kept = learner.saveWeights(kept)),
    under: async (snapshot, measure) => {
      present = learner.saveWeights(present);
      learner.restoreWeights(snapshot);
      const measured = await measure();
      learner.restoreWeights(present);
      return measured;
    },
  };
  return bracketedTrajectory(probed, plan.levels, (probe) => context.record(probe), pending);
}

interface Resumed {
  readonly step: number;
  readonly pending: Probe;
}

/** The step, the pending probe and the learner's state, which is as large as the model: it is not copied. */
function checkpointOf(step: number, { pending }: BracketedTrajectory, learner: TrainingSubject['learner']): Pieces {
  return packPieces([[new TextEncoder().encode(JSON.stringify({ step, pending }))], learner.stateInPlace()]);
}

/** Puts the learner where the checkpoint was taken: right after the probe of its step. */
function resume(context: RunContext, learner: TrainingSubject['learner']): Resumed | undefined {
  const source = context.resumeSource ?? (context.resumeFrom && sourceOf(context.resumeFrom));
  if (source === undefined) return undefined;
  const [head = NOTHING, state = NOTHING] = unpackSource(source);
  const resumed = JSON.parse(new TextDecoder().decode(bytesAt(head, 0, head.length))) as Resumed;
  learner.restoreState(state);
  return resumed;
}
