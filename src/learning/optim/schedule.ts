/**
 * Learning-rate schedules as pure functions of the step.
 * Invariant: warmup rises linearly from peak / (warmupSteps + 1) and first reaches the peak at step `warmupSteps`; decay
 * reaches its final value at `totalSteps`, one past the last update, so that no update is spent at a rate of zero.
 */
import { AssayError } from '#base/errors.ts';

/** A shape of the learning rate over training. */
export type Schedule =
  /** The peak rate after warmup. */
  | { readonly kind: 'constant'; readonly warmupSteps: number }
  /** Half a cosine from the peak to `finalFraction` of it; Loshchilov & Hutter 2016, arXiv:1608.03983, Eq. 5. */
  | { readonly kind: 'cosine'; readonly warmupSteps: number; readonly finalFraction: number }
  /** A line from the peak to `finalFraction` of it. */
  | { readonly kind: 'linear'; readonly warmupSteps: number; readonly finalFraction: number }
  /**
   * Warmup, stable, decay: the peak until the last `decayFraction` of all steps, then a line to `finalFraction` of the
   * peak; Hu et al. 2024, arXiv:2404.06395, Sec. 4; the linear form of Hagele et al. 2024, arXiv:2405.18392.
   */
  | {
      readonly kind: 'wsd';
      readonly warmupSteps: number;
      readonly decayFraction: number;
      readonly finalFraction: number;
    };

/**
 * The learning rate of an update.
 * @param peak The rate after warmup; the result has its unit.
 * @param step Index of the update, from 0 to totalSteps - 1.
 * @throws AssayError on a step outside the training, or a warmup or decay that does not fit it.
 */
export function learningRateAt(schedule: Schedule, peak: number, step: number, totalSteps: number): number {
  checkSchedule(schedule, step, totalSteps);
  const { warmupSteps } = schedule;
  if (step < warmupSteps) return (peak * (step + 1)) / (warmupSteps + 1);
  return peak * decayAt(schedule, step, totalSteps);
}

/** The fraction of the peak after warmup. */
function decayAt(schedule: Schedule, step: number, totalSteps: number): number {
  const { warmupSteps } = schedule;
  const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'cosine':
      return interpolate(schedule.finalFraction, (1 + Math.cos(Math.PI * progress)) / 2);
    case 'linear':
      return interpolate(schedule.finalFraction, 1 - progress);
    case 'wsd': {
      const decaySteps = schedule.decayFraction * totalSteps;
      return interpolate(schedule.finalFraction, Math.min(1, (totalSteps - step) / decaySteps));
    }
    default:
      return schedule satisfies never;
  }
}

/** From `final` at weight 0 to 1 at weight 1. */
function interpolate(final: number, weight: number): number {
  return final + (1 - final) * weight;
}

function checkSchedule(schedule: Schedule, step: number, totalSteps: number): void {
  const { kind, warmupSteps } = schedule;
  if (!(Number.isSafeInteger(step) && step >= 0 && step < totalSteps)) {
    throw new AssayError('config', `Schedule "${kind}": expected a step in [0, ${totalSteps}), found ${step}.`);
  }
  const decayFraction = kind === 'wsd' ? schedule.decayFraction : 0;
  if (!(decayFraction >= 0 && decayFraction <= 1)) {
    throw new AssayError('config', `schedule.decayFraction: expected a number in [0, 1], found ${decayFraction}.`);
  }
  const finalFraction = kind === 'constant' ? 1 : schedule.finalFraction;
  if (!(finalFraction >= 0 && finalFraction <= 1)) {
    throw new AssayError('config', `schedule.finalFraction: expected a number in [0, 1], found ${finalFraction}.`);
  }
  const stableSteps = totalSteps * (1 - decayFraction);
  if (!(warmupSteps >= 0 && warmupSteps <= stableSteps)) {
    throw new AssayError(
      'config',
      `schedule.warmupSteps: expected a number in [0, ${stableSteps}], what ${totalSteps} steps leave, found ${warmupSteps}. ` +
        'Train longer or warm up for fewer steps.',
    );
  }
}
