/**
 * A pair of arms as blocks: for every block the runs of both arms, one a learning rate. Support and missingness are
 * symmetric: whatever voids a block for one arm voids it for the pair.
 */
import { AssayError } from '#base/errors.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { Axis } from '#study/study.ts';
import { curveOf, type Curve } from './passage.ts';

/** A learning rate; undefined where the frame gives none. */
export type Rate = number | undefined;

/** Runs of one arm in one block, by learning rate. */
export type RatedCurves = ReadonlyMap<Rate, Curve>;

/** Both arms' runs in one block. */
export interface PairBlock {
  readonly block: number;
  readonly arm: RatedCurves;
  readonly reference: RatedCurves;
}

/** A block that does not count for a pair, and why. */
export interface VoidedBlock {
  readonly block: number;
  readonly reason: string;
}

/** A pair of arms before matching. */
export interface Pair {
  readonly armRates: readonly Rate[];
  readonly referenceRates: readonly Rate[];
  /** Blocks where both arms ran to the end. */
  readonly blocks: readonly PairBlock[];
  readonly voided: readonly VoidedBlock[];
}

/** All runs of a frame as curves: arm -> block -> learning rate. */
export type CurveIndex = ReadonlyMap<string, ReadonlyMap<number, RatedCurves>>;

/**
 * Indexes a frame's runs by arm, block and rate, with their passages worked out.
 * @throws AssayError where one arm, block and rate has two runs.
 */
export function indexCurves(frame: Frame, axes: readonly Axis[]): CurveIndex {
  const index = new Map<string, Map<number, Map<Rate, Curve>>>();
  for (const run of frame.runs) {
    const ofArm = index.get(run.arm) ?? new Map<number, Map<Rate, Curve>>();
    index.set(run.arm, ofArm);
    const ofBlock = ofArm.get(run.block) ?? new Map<Rate, Curve>();
    ofArm.set(run.block, ofBlock);
    if (ofBlock.has(run.learningRate)) throw duplicateRun(run);
    ofBlock.set(run.learningRate, curveOf(run, axes));
  }
  return index;
}

function duplicateRun(run: FrameRun): AssayError {
  const rate = run.learningRate === undefined ? '' : ` at learning rate ${run.learningRate}`;
  return new AssayError(
    'data',
    `Expected one run an arm, block and learning rate, found two: arm "${run.arm}", block ${run.block}${rate}. Keep one of them.`,
  );
}

/** The pair's blocks; a block with a diverged run, or with one arm missing, is voided. */
export function pairOf(index: CurveIndex, arm: string, reference: string): Pair {
  const [ofArm, ofReference] = [index.get(arm), index.get(reference)];
  const ids = [...new Set([...(ofArm?.keys() ?? []), ...(ofReference?.keys() ?? [])])].toSorted((a, b) => a - b);
  const blocks: PairBlock[] = [];
  const voided: VoidedBlock[] = [];
  for (const block of ids) {
    const [mine, theirs] = [ofArm?.get(block), ofReference?.get(block)];
    if (mine === undefined || theirs === undefined) {
      voided.push({ block, reason: `no run of ${mine === undefined ? arm : reference}` });
      continue;
    }
    const diverged = [...mine.values(), ...theirs.values()].find((curve) => curve.run.status === 'diverged');
    if (diverged === undefined) blocks.push({ block, arm: mine, reference: theirs });
    else voided.push({ block, reason: divergedText(diverged.run) });
  }
  return { armRates: ratesOf(ofArm), referenceRates: ratesOf(ofReference), blocks, voided };
}

function divergedText(run: FrameRun): string {
  return `${run.arm} diverged${run.learningRate === undefined ? '' : ` at learning rate ${run.learningRate}`}`;
}

function ratesOf(ofArm: ReadonlyMap<number, RatedCurves> | undefined): Rate[] {
  const rates = new Set<Rate>();
  for (const rated of ofArm?.values() ?? []) for (const rate of rated.keys()) rates.add(rate);
  return [...rates].toSorted((a, b) => (a ?? 0) - (b ?? 0));
}
