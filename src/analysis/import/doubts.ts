/** What is questionable about runs trained elsewhere, said before their verdicts are read. */
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import { curveOf, valueAt, type Curve, type Passage } from '#analysis/matching/passage.ts';
import { midSentence } from '#analysis/words/naming.ts';
import { inUnit } from '#analysis/words/number-text.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Axis, Outcome } from '#study/study.ts';
import type { Doubt } from './doubt.ts';
import { equalRunDoubts } from './equal-runs.ts';

/**
 * Share of probes that move an axis the wrong way, and share that turn its way, above which it looks like a minibatch loss. Noise turns at
 * two probes in three; a loss that rises smoothly (while memorising, or once it overfits) turns a few times in all.
 */
const REVERSALS_FRACTION = 0.25;
/** Share of crossings without outcomes (or across too wide a gap) above which it is said. */
export const MISSED_FRACTION = 0.1;

/** Everything questionable about a frame, given the study it is to answer. */
export function doubtsAbout(frame: Frame, study: AnalysedStudy): Doubt[] {
  const pairs = study.contrasts.map(({ arm, reference }) => ({ arm, reference }));
  return [
    ...pairs.flatMap(({ arm, reference }) => pairDoubts(frame, arm, reference)),
    ...study.matchOn.flatMap((axis) => [
      ...pairs.flatMap(({ arm, reference }) => overlapDoubt(frame, axis, arm, reference)),
      ...noiseDoubt(frame, axis),
    ]),
    ...equalRunDoubts(frame, study),
    ...zeroDoubts(frame, study.matchOn),
    ...crossingDoubts(frame, study),
  ];
}

/** A loss of exactly 0 is what Trainer writes for one that is not finite. */
export function zeroDoubts(frame: Frame, axes: readonly Axis[]): Doubt[] {
  const losses = axes.filter(({ role }) => role !== 'other');
  return losses.flatMap((axis): Doubt[] => {
    const runs = frame.runs.filter((run) => run.points.some((point) => point.axes[axis.name] === 0));
    if (runs.length === 0) return [];
    const names = runs.slice(0, 10).map(({ arm, block }) => `${arm} block ${block}`);
    const text = `${midSentence(axis.label)} is exactly 0 in ${runs.length} runs (${names.join(', ')}${runs.length > names.length ? ', ...' : ''}): some trainers log 0 for a loss that is not finite`;
    return [{ kind: 'zeroLoss', text }];
  });
}

function runsOf(frame: Frame, arm: string): FrameRun[] {
  return frame.runs.filter((run) => run.arm === arm);
}

/** Blocks that a pair does not share, too few of them, and rates that differ. */
export function pairDoubts(frame: Frame, arm: string, reference: string): Doubt[] {
  const [mine, theirs] = [runsOf(frame, arm), runsOf(frame, reference)];
  const blocksIn = (runs: readonly FrameRun[]): Set<number> => new Set(runs.map((run) => run.block));
  const [myBlocks, theirBlocks] = [blocksIn(mine), blocksIn(theirs)];
  const pair = `${arm} against ${reference}`;
  const doubts: Doubt[] = [];
  const shared = myBlocks.intersection(theirBlocks).size;
  if (shared < MIN_BLOCKS) {
    doubts.push({ kind: 'fewBlocks', text: `${pair}: ${shared} blocks have both arms, at least ${MIN_BLOCKS} decide` });
  }
  const unpaired = [...myBlocks.symmetricDifference(theirBlocks)].toSorted((a, b) => a - b);
  if (unpaired.length > 0) {
    const text = `${pair}: blocks ${unpaired.slice(0, 10).join(', ')} have only one arm and are voided; a block is one seed shared by all arms`;
    doubts.push({ kind: 'unpairedBlocks', text });
  }
  const rates = [mine, theirs].map((runs) => new Set(runs.map((run) => run.learningRate)));
  const [one, other] = rates;
  if (one?.size === 1 && other?.size === 1 && one.isDisjointFrom(other)) {
    const text = `${pair}: each arm has one learning rate, ${[...one][0]} and ${[...other][0]}; the comparison is also one of rates`;
    doubts.push({ kind: 'differentRates', text });
  }
  return doubts;
}

function rangeOf(runs: readonly FrameRun[], axis: string): readonly [number, number] | undefined {
  const values = runs.flatMap((run) => run.points.flatMap((point) => point.axes[axis] ?? []));
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return values.length === 0 ? undefined : [low, high];
}

function overlapDoubt(frame: Frame, axis: Axis, arm: string, reference: string): Doubt[] {
  const [mine, theirs] = [rangeOf(runsOf(frame, arm), axis.name), rangeOf(runsOf(frame, reference), axis.name)];
  if (mine === undefined || theirs === undefined) {
    return [
      {
        kind: 'noOverlap',
        text: `${arm} against ${reference}: ${midSentence(axis.label)} is not measured in both arms`,
      },
    ];
  }
  if (Math.max(mine[0], theirs[0]) < Math.min(mine[1], theirs[1])) return [];
  const text = `${arm} against ${reference}: no common ${midSentence(axis.label)} (${inUnit(`${mine.join(' to ')} and ${theirs.join(' to ')}`, axis.unit)})`;
  return [{ kind: 'noOverlap', text }];
}

/** An axis that often moves against its direction, to and fro. */
export function noiseDoubt(frame: Frame, axis: Axis): Doubt[] {
  let [reversals, turns, steps] = [0, 0, 0];
  for (const run of frame.runs) {
    const values = run.points.flatMap((point) => point.axes[axis.name] ?? []);
    const changes = values.slice(1).map((value, i) => value - (values[i] ?? 0));
    steps += changes.length;
    reversals += changes.filter((change) => (axis.direction === 'falls' ? change > 0 : change < 0)).length;
    turns += changes.filter((change, i) => change * (changes[i - 1] ?? 0) < 0).length;
  }
  if (steps === 0 || Math.min(reversals, turns) <= REVERSALS_FRACTION * steps) return [];
  const text = `${midSentence(axis.label)} moves the wrong way in ${Math.round((100 * reversals) / steps)}% of probes: it looks like a minibatch loss; measure it on a fixed probe set, noise biases every matching`;
  return [{ kind: 'noisyAxis', text }];
}

/** Crossings of levels that cannot be used: outcomes missing at a bracket, or probes too far apart. */
function crossingDoubts(frame: Frame, study: AnalysedStudy): Doubt[] {
  return study.matchOn.flatMap((axis) => {
    const reached = passagesOver(frame, axis);
    const wide = reached.filter(({ passage }) => passage.kind === 'missed').length;
    const text = `${wide} of ${reached.length} crossings of ${midSentence(axis.label)} lie between probes more than ${inUnit(String(axis.maxGap), axis.unit)} apart and do not count`;
    return [
      ...(wide > MISSED_FRACTION * reached.length ? [{ kind: 'wideGaps' as const, text }] : []),
      ...study.outcomes.flatMap((outcome) => missingAt(reached, axis, outcome)),
    ];
  });
}

interface Reached {
  readonly curve: Curve;
  readonly passage: Passage;
}

/** Where runs pass levels of an axis, also between probes too far apart. */
function passagesOver(frame: Frame, axis: Axis): Reached[] {
  const passages = frame.runs.flatMap((run) => {
    const curve = curveOf(run, [axis]);
    return (curve.passages[0] ?? []).map((passage) => ({ curve, passage }));
  });
  return passages.filter(({ passage }) => passage.kind === 'crossed' || passage.reason === 'gap too wide');
}

/** An outcome that is missing where levels of an axis are crossed. */
export function missingDoubt(frame: Frame, axis: Axis, outcome: Pick<Outcome, 'name' | 'label'>): Doubt[] {
  return missingAt(passagesOver(frame, axis), axis, outcome);
}

function missingAt(reached: readonly Reached[], axis: Axis, outcome: Pick<Outcome, 'name' | 'label'>): Doubt[] {
  const missing = reached.filter(
    ({ curve, passage }) =>
      passage.kind === 'crossed' && valueAt(curve, passage, (point) => point.outcomes?.[outcome.name]) === undefined,
  ).length;
  if (missing <= MISSED_FRACTION * reached.length) return [];
  const text = `${midSentence(outcome.label)} is missing at ${missing} of ${reached.length} crossings of ${midSentence(axis.label)}: both probes around a crossing need it`;
  return [{ kind: 'missingOutcomes', text }];
}
