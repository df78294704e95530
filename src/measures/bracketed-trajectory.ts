/**
 * Records a run's trajectory: the cheap axes at every probe, the outcomes only where an axis crosses one of its preset
 * levels, and then at both probes around the crossing, so that the outcome at the level can be interpolated.
 * The probe before a crossing is measured after the fact, on a snapshot of the weights it was taken at.
 */

/** What is measured, and how to go back to the weights of the probe before. */
export interface Probed<Snapshot> {
  axes(): Promise<Readonly<Record<string, number>>>;
  /** @param probe What the axes were under the weights of the moment. */
  outcomes(probe: Probe): Promise<Readonly<Record<string, number>>>;
  /** The present weights; the snapshot before is not looked at again, so its memory may be taken. */
  takeSnapshot(): Snapshot;
  /** Runs `measure` under the snapshot's weights, then puts the present ones back. */
  under<T>(snapshot: Snapshot, measure: () => Promise<T>): Promise<T>;
}

/** One probe; outcomes are absent until an axis crosses a level beside it. */
export interface Probe {
  readonly step: number;
  readonly axes: Readonly<Record<string, number>>;
  readonly outcomes?: Readonly<Record<string, number>>;
}

export interface BracketedTrajectory {
  /**
   * Measures at a step, in step order; the last probe of a run always gets its outcomes. A probe whose axes are not all
   * finite is returned and never recorded: it ends the trajectory, and the probe before stands as it is.
   */
  probe(step: number, isLast: boolean): Promise<Probe>;
  /** Ends the trajectory early: the pending probe becomes the last, with its outcomes, under the present weights. */
  finish(): Promise<void>;
  /** The newest probe, which is not recorded before the next one settles whether it needs outcomes. */
  readonly pending: Probe | undefined;
}

/**
 * @param levels Axis name -> its preset levels.
 * @param record Takes each probe once, in order.
 * @param pending The pending probe of a resumed run, whose weights are the present ones.
 */
export function bracketedTrajectory<Snapshot>(
  probed: Probed<Snapshot>,
  levels: Readonly<Record<string, readonly number[]>>,
  record: (probe: Probe) => void,
  pending?: Probe,
): BracketedTrajectory {
  // Where nothing can be crossed, nobody goes back: a snapshot is as large as the model.
  const isBracketed = Object.values(levels).some((list) => list.length > 0);
  const kept = (probe: Probe): Kept<Snapshot> => ({ probe, snapshot: isBracketed ? probed.takeSnapshot() : undefined });
  let previous = pending === undefined ? undefined : kept(pending);
  return {
    get pending() {
      return previous?.probe;
    },
    async probe(step, isLast) {
      const axes = await probed.axes();
      const isBroken = !Object.values(axes).every(Number.isFinite);
      const isCrossing = !isBroken && previous !== undefined && crossesLevel(previous.probe.axes, axes, levels);
      if (previous !== undefined) {
        const { probe, snapshot } = previous;
        const needsOutcomes = isCrossing && probe.outcomes === undefined && snapshot !== undefined;
        record(
          needsOutcomes ? { ...probe, outcomes: await probed.under(snapshot, () => probed.outcomes(probe)) } : probe,
        );
      }
      if (isBroken) {
        previous = undefined;
        return { step, axes };
      }
      const isMeasured = isCrossing || isLast;
      const found: Probe = { step, axes };
      const probe = isMeasured ? { ...found, outcomes: await probed.outcomes(found) } : found;
      if (isLast) record(probe);
      previous = isLast ? undefined : kept(probe);
      return probe;
    },
    async finish() {
      if (previous === undefined) return;
      const { probe } = previous;
      record({ ...probe, outcomes: probe.outcomes ?? (await probed.outcomes(probe)) });
      previous = undefined;
    },
  };
}

/** A probe that is not recorded yet, with the weights it was taken at where outcomes may be measured on them. */
interface Kept<Snapshot> {
  readonly probe: Probe;
  readonly snapshot: Snapshot | undefined;
}

/** Whether any axis has a level between two neighbouring values. */
function crossesLevel(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  levels: Readonly<Record<string, readonly number[]>>,
): boolean {
  return Object.entries(levels).some(([axis, list]) => {
    const [a, b] = [before[axis] ?? Number.NaN, after[axis] ?? Number.NaN];
    return list.some((level) => (a > level && b <= level) || (a < level && b >= level));
  });
}
