/**
 * Runs that are one run under several labels: blocks that are equal, or nearly, would count as independent and are not,
 * and arms that are equal differ in nothing that was trained.
 */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { Doubt } from './doubt.ts';

/**
 * Runs that differ by at most this share of what a quantity ranges over are nearly equal: kernels that do not repeat to
 * the bit stay below it, other seeds do not.
 */
const NEAR_FRACTION = 1e-3;
const FEWEST_STEPS = 3;
/** Steps compared in a pair of runs, spread over those they share. */
const STEPS_COMPARED = 50;

/** Doubts about blocks that are one block, and arms that are one arm. */
export function equalRunDoubts(frame: Frame, study: Pick<AnalysedStudy, 'contrasts'>): Doubt[] {
  const runs = frame.runs.map(indexed);
  const byArm = [...Map.groupBy(runs, ({ run }) => JSON.stringify([run.arm, run.learningRate ?? null]))].map(
    ([, own]) => own,
  );
  return [...blockDoubts(byArm), ...armDoubts(runs, study)];
}

/** A run with its points by step, and what each quantity ranges over in it. */
interface Indexed {
  readonly run: FrameRun;
  readonly points: ReadonlyMap<number, TrajectoryPoint>;
  readonly ranges: Readonly<Record<Kind, Readonly<Record<string, Range>>>>;
}

interface Range {
  low: number;
  high: number;
}

const KINDS = ['axes', 'outcomes'] as const;
type Kind = (typeof KINDS)[number];

function indexed(run: FrameRun): Indexed {
  const ranges: Record<Kind, Record<string, Range>> = { axes: {}, outcomes: {} };
  for (const point of run.points) {
    for (const kind of KINDS) {
      for (const [name, value] of Object.entries(point[kind] ?? {})) {
        const range = (ranges[kind][name] ??= { low: value, high: value });
        range.low = Math.min(range.low, value);
        range.high = Math.max(range.high, value);
      }
    }
  }
  return { run, points: new Map(run.points.map((point) => [point.step, point])), ranges };
}

/** The largest difference of two runs at their common steps, as a share of what a quantity ranges over; undefined where they share too few steps. */
function distanceOf(one: Indexed, other: Indexed): number | undefined {
  const common = one.run.points.filter(({ step }) => other.points.has(step));
  if (common.length < FEWEST_STEPS) return undefined;
  const stride = Math.max(1, Math.floor(common.length / STEPS_COMPARED));
  let largest = 0;
  // From the end, where runs differ most: most pairs are told apart at once.
  for (let i = common.length - 1; i >= 0; i -= stride) {
    const point = common[i];
    for (const kind of KINDS) {
      for (const [name, value] of Object.entries(point?.[kind] ?? {})) {
        const theirs = other.points.get(point?.step ?? 0)?.[kind]?.[name] ?? Infinity;
        if (value === theirs) continue;
        const range = Math.max(widthOf(one, kind, name), widthOf(other, kind, name));
        largest = Math.max(largest, range === 0 ? Infinity : Math.abs(value - theirs) / range);
        if (largest > NEAR_FRACTION) return largest;
      }
    }
  }
  return largest;
}

function widthOf({ ranges }: Indexed, kind: Kind, name: string): number {
  const range = ranges[kind][name];
  return range === undefined ? 0 : range.high - range.low;
}

function blockDoubts(byArm: readonly (readonly Indexed[])[]): Doubt[] {
  const found = byArm.flatMap((runs) =>
    groupsOf(runs).map((group) => {
      const blocks = group.map(({ run }) => run.block).toSorted((a, b) => a - b);
      const first = group[0];
      const distances = group.slice(1).map((one) => (first === undefined ? undefined : distanceOf(first, one)));
      return { arm: first?.run.arm ?? '', blocks: blocks.join(', '), isExact: distances.every((one) => one === 0) };
    }),
  );
  const alike = Map.groupBy(found, ({ blocks, isExact }) => `${blocks} ${isExact}`);
  return [...alike.values()].flatMap((same): Doubt[] => {
    const [first] = same;
    if (first === undefined) return [];
    const arms = [...new Set(same.map(({ arm }) => arm))].join(', ');
    const how = first.isExact ? 'equal' : `nearly equal (within ${100 * NEAR_FRACTION}% of what they range over)`;
    const text = `blocks ${first.blocks} of ${arms} are ${how}, as if one run stood under several seeds: they are no independent repetitions, and intervals and p-values over them mean nothing`;
    return [{ kind: 'equalBlocks', text }];
  });
}

/** Groups of two or more runs that are equal or nearly so, each run in the first group it fits. */
function groupsOf(runs: readonly Indexed[]): Indexed[][] {
  const groups: Indexed[][] = [];
  for (const run of runs) {
    const own = groups.find((group) => group.some((member) => (distanceOf(member, run) ?? Infinity) <= NEAR_FRACTION));
    if (own === undefined) groups.push([run]);
    else own.push(run);
  }
  return groups.filter((group) => group.length > 1);
}

function armDoubts(runs: readonly Indexed[], { contrasts }: Pick<AnalysedStudy, 'contrasts'>): Doubt[] {
  return contrasts.flatMap((contrast): Doubt[] => {
    if (contrast.kind === 'control' && contrast.expect !== 'detected') return [];
    const of = (arm: string): Indexed[] => runs.filter(({ run }) => run.arm === arm && run.status === 'finished');
    const others = of(contrast.reference);
    const blocks = of(contrast.arm).flatMap((one) => {
      const isEqual = others.some((other) => other.run.block === one.run.block && distanceOf(one, other) === 0);
      return isEqual ? [one.run.block] : [];
    });
    if (blocks.length === 0) return [];
    const text = `${contrast.arm} and ${contrast.reference} are equal to the last digit in blocks ${[...new Set(blocks)].join(', ')}, as if one run stood under both arms`;
    return [{ kind: 'equalArms', text }];
  });
}
