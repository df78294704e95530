/**
 * The study that an audit answers: what the user says of axes and outcomes, with levels laid over the axes where none
 * are given. Levels are chosen from the axes alone, never from outcomes, so they cannot favour an answer.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import type { Axis, Contrast, Jumps, Outcome } from '#study/study.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import { midSentence } from '#analysis/words/naming.ts';
import type { Frame } from '#analysis/frame.ts';
import type { Doubt } from './doubt.ts';
import { doubtsAbout } from './doubts.ts';
import { levelsOver } from './levels.ts';

/** What the user says of an axis; all but the name may be left out. */
export interface AuditAxis {
  readonly name: string;
  readonly label?: string;
  readonly role?: Axis['role'];
  readonly direction?: Axis['direction'];
  readonly unit?: string;
  readonly levels?: readonly number[];
  readonly maxGap?: number;
}

/** What the user says of an outcome. */
export interface AuditOutcome {
  readonly name: string;
  /** The smallest effect of interest; it cannot be guessed. */
  readonly delta: number;
  readonly unit?: string;
  /** What is known of jumps in seeds that were not run. */
  readonly jumps?: Jumps;
}

/** What an audit is asked. */
export interface AuditRequest {
  readonly scope: string;
  readonly axes: readonly AuditAxis[];
  readonly outcomes: readonly AuditOutcome[];
  /** The arm all others are compared with. */
  readonly reference: string;
  /** Arms whose effect is known beforehand, each a positive control. */
  readonly positiveControls?: readonly string[];
}

/** Widest usable step between probes, in distances between neighbouring levels: half of what the levels cover. */
const GAP_IN_SPACINGS = 2.5;

/**
 * The study of an audit, and what is questionable about its frame.
 * @throws AssayError where the reference or a control is no arm of the frame, or an axis is nowhere measured.
 */
export function auditStudy(frame: Frame, request: AuditRequest): { study: AnalysedStudy; doubts: Doubt[] } {
  const { study, doubts } = proposedStudy(frame, request);
  return { study, doubts: [...doubts, ...doubtsAbout(frame, study)] };
}

/**
 * The study of an audit, and what was proposed in it for the user.
 * @throws AssayError as `auditStudy`.
 */
export function proposedStudy(frame: Frame, request: AuditRequest): { study: AnalysedStudy; doubts: Doubt[] } {
  const arms = [...new Set(frame.runs.map((run) => run.arm))];
  for (const arm of [request.reference, ...(request.positiveControls ?? [])]) {
    if (arms.includes(arm)) continue;
    const near = nearestName(arm, arms) ?? '';
    throw new AssayError('usage', `Expected an arm of the table, found "${arm}". Did you mean "${near}"?`);
  }
  const doubts: Doubt[] = [];
  const study: AnalysedStudy = {
    scope: request.scope,
    matchOn: request.axes.map((axis) => axisOf(frame, axis, doubts)),
    outcomes: request.outcomes.map(outcomeOf),
    contrasts: contrastsOf(arms, request),
  };
  return { study, doubts };
}

function outcomeOf({ name, delta, unit, jumps }: AuditOutcome): Outcome {
  if (!(delta > 0)) throw new AssayError('usage', `Expected a delta above 0 for outcome "${name}", found ${delta}.`);
  const outcome: Outcome = { name, label: name, unit: unit ?? 'units', delta, role: 'confirmatory' };
  return jumps === undefined ? outcome : { ...outcome, jumps };
}

function contrastsOf(arms: readonly string[], request: AuditRequest): Contrast[] {
  const controls = new Set(request.positiveControls);
  const { reference } = request;
  return arms
    .filter((arm) => arm !== reference)
    .map((arm) =>
      controls.has(arm)
        ? { kind: 'control', arm, reference, name: `${arm} differs`, expect: 'detected' }
        : { kind: 'question', arm, reference },
    );
}

function axisOf(frame: Frame, axis: AuditAxis, doubts: Doubt[]): Axis {
  const direction = axis.direction ?? 'falls';
  const role = axis.role ?? 'other';
  const levels = axis.levels ?? levelsOver(frame, axis.name, direction);
  const [first, second] = levels;
  const spacing = first === undefined || second === undefined ? 0 : Math.abs(first - second);
  const maxGap = axis.maxGap ?? GAP_IN_SPACINGS * spacing;
  if (axis.levels === undefined) {
    const text = `the levels of ${midSentence(axis.label ?? axis.name)} (${levels.map((level) => level.toPrecision(4)).join(', ')}) were laid over the data's own range, not fixed beforehand`;
    doubts.push({ kind: 'levelsFromData', text });
  }
  const label = axis.label ?? axis.name;
  const base = { name: axis.name, label, unit: axis.unit ?? 'units', role, levels, maxGap, direction };
  return role === 'heldOut' ? { ...base, untilBest: true } : base;
}
