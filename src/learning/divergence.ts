/**
 * The one place where numbers that broke are noticed in training: a loss, a gradient, a weight after a step, a probe's
 * axis. Each is a reason to end the run as diverged, in words; a number that is not finite is never "not measured".
 */
import type { Learner } from '#learning/learner.ts';

/** What takes steps: a learner, or the trainer of a language model. */
export type Stepper<Batch> = Pick<Learner, 'optimStep' | 'terms'> & {
  forwardBackward(batch: Batch): Promise<number>;
};

/**
 * One optimizer step over the micro-batches of a batch; the reason where its numbers broke, and then training is over.
 * @param lr Learning rate, in the unit of the optimizer's kind.
 */
export async function takeStep<Batch>(
  learner: Stepper<Batch>,
  microBatches: Iterable<Batch>,
  lr: number,
  maxGradientNorm?: number,
): Promise<string | undefined> {
  for (const batch of microBatches) {
    const loss = await learner.forwardBackward(batch);
    if (!Number.isFinite(loss)) return brokenLoss(loss, learner.terms());
  }
  const result = learner.optimStep(lr, maxGradientNorm);
  switch (result.kind) {
    case 'finite':
      return undefined;
    case 'notFinite':
      return `gradient of "${result.parameter}" is not finite`;
    case 'weightNotFinite':
      return `"${result.parameter}" is not finite after the step`;
    default:
      return result satisfies never;
  }
}

/** Why a probe's axes end a run; undefined where all are finite. */
export function brokenAxis(axes: Readonly<Record<string, number>>): string | undefined {
  const broken = Object.entries(axes).find(([, value]) => !Number.isFinite(value));
  return broken === undefined ? undefined : `axis "${broken[0]}" is ${broken[1]}`;
}

function brokenLoss(loss: number, terms: Readonly<Record<string, number>>): string {
  const broken = Object.entries(terms).filter(([, value]) => !Number.isFinite(value));
  const isOne = Object.keys(terms).length === 1 || broken.length === 0;
  return isOne ? `loss ${loss}` : `loss ${loss} (${broken.map(([name, value]) => `${name} ${value}`).join(', ')})`;
}
