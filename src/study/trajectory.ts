/** What a run leaves behind: its axes measured often, its outcomes where an axis crosses a preset level. */

/** One probe of a run. `outcomes` is absent where only the cheap axes were measured. */
export interface TrajectoryPoint {
  /** Optimizer steps taken. */
  readonly step: number;
  /** Axis name -> value in the axis' own unit (nats for losses). */
  readonly axes: Readonly<Record<string, number>>;
  /** Outcome (and coherence) name -> value in plain units. */
  readonly outcomes?: Readonly<Record<string, number>>;
}

/** How a run ended: all planned steps taken, or training broke at a step. */
export type RunEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'diverged'; readonly step: number; readonly reason: string };
